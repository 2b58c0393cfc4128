# SPDX-License-Identifier: Apache-2.0
"""`tallyman cat --output raw` gives what `docker logs` gives, byte for byte, dockerd up or down."""

import shutil
from pathlib import Path

import pytest

from conftest import remove_all
from support.docker_root import parse_ns
from support.private_engine import PrivateEngine
from support.tallyman import Tallyman, file_route
from support.wait import wait_for

ROTATED = ["--log-opt", "max-file=3"]
GZIP = ["--log-opt", "compress=true"]
FILL = "head -c {bytes} /dev/zero | tr '\\0' {letter}"
COUNT = "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done"
BY_10K = ["--log-opt", "max-size=10k"]
LONG_LINE = FILL.format(bytes=60000, letter="p") + "; echo; echo after"


def fill(count, letter="a"):
    return FILL.format(bytes=count, letter=letter)


# name: (options, script, starts). The numbers are the rows of docker-logs 8.
SHAPES = {
    "plain": ([], "echo one; echo two >&2; sleep .05; echo three", 1),
    "empty-lines-13": ([], "echo; echo; echo x; echo", 1),
    "silent-13": ([], "true", 1),
    "boundary-2": ([], "; echo; ".join(fill(n) for n in (16383, 16384, 16385)) + "; echo", 1),
    "boundary-twice-2": ([], "; echo; ".join(fill(n) for n in (32767, 32768, 40000)) + "; echo", 1),
    "huge-3": ([], fill(3_000_000) + "; echo; echo after", 1),
    "no-newline-5": ([], "printf tail", 1),
    "no-newline-restart-6": ([], "echo start; printf tail", 3),
    "full-chunk-restart-7": ([], "echo begin; " + fill(16384, "q"), 2),
    "bytes-8": (["-v", "INPUT:/input:ro"], "cat /input", 1),
    "euro-9": ([], fill(16383, "m") + "; printf '\\342\\202\\254'; echo", 1),
    "nul-10": ([], "head -c 20000 /dev/zero; echo", 1),
    "tty-11": (["-t"], "printf 'a\\rb\\n'; printf '\\033[1mbold\\033[0m\\n'; printf tail", 1),
    "attrs-12": (
        ["--label", "x=1 <&> \u2028", "--label", 'log={"log":"']
        + ["--log-opt", "labels=x,log", "--log-opt", "tag={{.Name}}"],
        "echo one; echo two",
        1,
    ),
    "rotated-14": (["--log-opt", "max-size=3k", *ROTATED], COUNT, 1),
    "gzip-15": (["--log-opt", "max-size=3k", *ROTATED, *GZIP], COUNT, 1),
    "long-line-rotated-20": ([*BY_10K, "--log-opt", "max-file=6", *GZIP], LONG_LINE, 1),
    "head-rotated-away-21": ([*BY_10K, "--log-opt", "max-file=2"], LONG_LINE, 1),
    "zero-last-time-22": (
        ["--log-opt", "max-size=200", *ROTATED, *GZIP],
        "echo 12345678901234567890123456789012; echo 1234567890123456789012345678",
        2,
    ),
    "restart-loop-48": (["--restart", "on-failure:3"], "echo x; exit 1", 1),
}

# Pieces of lines of both streams alternate: `docker logs` prints pieces, `cat` whole lines.
INTERLEAVED = "; ".join(
    [
        fill(20000, "o"),
        "sleep .2",
        "echo err >&2",
        fill(17000, "e") + " >&2",
        "sleep .2",
        "echo end",
        "echo ende >&2",
    ]
)


@pytest.fixture(scope="module")
def shapes(engine, tmp_path_factory):
    """All the containers, run to their end; removed with the module."""
    directory = tmp_path_factory.mktemp("shapes")
    special = directory / "input"
    every_byte = b"".join(bytes([n]) + b"\n" for n in range(256) if n != 10)
    unicode = "\u2028 \u2029 \U0001f600 \ufffd\n".encode()
    special.write_bytes(every_byte + unicode + b"\xe2\x82\n\xed\xa0\x80\n")
    made = {**SHAPES, "interleaved-4": ([], INTERLEAVED, 1)}
    for name, (options, script, starts) in made.items():
        options = [option.replace("INPUT", str(special)) for option in options]
        options += ["--name", name, "--network", "none"]
        engine.docker("create", *options, "busybox", "sh", "-c", script)
        for _ in range(starts):
            engine.docker("start", name)
            engine.docker("wait", name)
    engine.docker("create", "--name", "created-45", "--network", "none", "busybox", "true")
    wait_for(
        lambda: status(engine, "restart-loop-48") == "exited 3",
        "the restarts are over",
    )
    settle_compression(engine)
    yield directory
    remove_all(engine)


def status(engine, name):
    return engine.docker(
        "inspect", "-f", "{{.State.Status}} {{.RestartCount}}", name
    ).stdout.strip()


def settle_compression(engine):
    """Docker 20.10 does not wait for its compression when a container exits."""

    def done():
        return not [
            plain
            for plain in (engine.data_root / "containers").glob("*/*-json.log.1")
            if plain.with_name(plain.name + ".gz").exists()
        ]

    wait_for(done, "no half-made .gz")


@pytest.fixture
def program(engine, shapes, tmp_path):
    return Tallyman(
        tmp_path, engine.data_root, [file_route("all", tmp_path / "all")], host=engine.host
    )


@pytest.mark.parametrize("name", [*SHAPES, "created-45"])
def test_same_bytes_as_docker_logs(engine, program, name):
    """S25, S27, D25, D31: every byte, both streams together and each alone."""
    stdout, stderr, both = engine.logs(name)
    assert program.cat("--output", "raw", name) == both
    assert program.cat("--output", "raw", "--stream", "stdout", name) == stdout
    assert program.cat("--output", "raw", "--stream", "stderr", name) == stderr


def test_interleaved_streams(engine, program, shapes):
    """D31, docker-logs 4: pieces of two streams alternate; each stream is whole."""
    stdout, stderr, _ = engine.logs("interleaved-4")
    assert len(stdout) > 20000 and len(stderr) > 17000
    assert program.cat("--output", "raw", "--stream", "stdout", "interleaved-4") == stdout
    assert program.cat("--output", "raw", "--stream", "stderr", "interleaved-4") == stderr


def test_max_file_of_one(engine, program, docker_container):
    """docker-logs 19: engines to 20.10 leave a `.1` that `docker logs` does not read; we do."""
    name = docker_container("--log-opt", "max-size=3k", script=COUNT)
    stdout, _, _ = engine.logs(name)
    found = program.cat("--output", "raw", name)
    assert found.endswith(stdout) and len(found) > len(stdout)
    lines = found.decode().splitlines()
    assert lines == [f"line {n}" for n in range(400 - len(lines), 400)]


@pytest.fixture
def docker_container(engine):
    """docker_container(options…, script=…): run to its end, its name; removed afterwards."""
    made = []

    def run(*options, script):
        name = f"extra-{len(made)}"
        made.append(name)
        options = ["--name", name, "--network", "none", *options]
        engine.docker("run", "-d", *options, "busybox", "sh", "-c", script)
        engine.docker("wait", name)
        return name

    yield run
    engine.docker("rm", "-f", *made)


@pytest.mark.parametrize("which", ["plain", "gzip-15", "rotated-14", "zero-last-time-22"])
def test_since_and_until(engine, program, which):
    """Both ends inclusive, as `docker logs` has them, to the nanosecond."""
    stamped = engine.logs(which, "--timestamps")[2].decode().splitlines()
    times = sorted({line.split(" ", 1)[0] for line in stamped}, key=parse_ns)
    for since in (times[0], times[len(times) // 2], times[-1]):
        lines = [line for line in stamped if parse_ns(line.split(" ", 1)[0]) >= parse_ns(since)]
        found = program.cat("--output", "raw", "--since", since, which).decode().splitlines()
        assert found == [line.split(" ", 1)[1] for line in lines]
        lines = [line for line in stamped if parse_ns(line.split(" ", 1)[0]) <= parse_ns(since)]
        found = program.cat("--output", "raw", "--until", since, which).decode().splitlines()
        assert found == [line.split(" ", 1)[1] for line in lines]


def test_a_loose_file(engine, program, shapes, tmp_path):
    """A log file that belongs to no container, by its path; also a .gz."""
    path = Path(engine.docker("inspect", "-f", "{{.LogPath}}", "plain").stdout.strip())
    loose = tmp_path / "copy.log"
    shutil.copy(path, loose)
    assert program.cat("--output", "raw", loose) == engine.logs("plain")[2]
    path = Path(engine.docker("inspect", "-f", "{{.LogPath}}", "gzip-15").stdout.strip())
    found = program.cat("--output", "raw", f"{path}.1.gz").decode()
    assert found and found in engine.logs("gzip-15")[2].decode()


def test_a_name_that_is_not_there(program):
    """R13: status 1 and the name in the message."""
    done = program.run("cat", "no-such-container", check=1)
    assert "no-such-container" in done.stderr
    assert done.stdout == b""


def test_by_id_and_prefix(engine, program, shapes):
    """A container is named by its name, its id or 12 digits of it."""
    full = engine.docker("inspect", "-f", "{{.Id}}", "plain").stdout.strip()
    expected = engine.logs("plain")[2]
    for name in (full, full[:12]):
        assert program.cat("--output", "raw", name) == expected


def test_with_dockerd_down(tmp_path):
    """Docker-logs 49: files are read with the daemon stopped, by name."""
    with PrivateEngine() as private:
        private.import_busybox()
        private.docker("run", "--name", "web-1", "--network", "none", "busybox", "sh", "-c", COUNT)
        expected = private.logs("web-1")[2]
        route = file_route("all", tmp_path / "all")
        program = Tallyman(tmp_path, private.data_root, [route], host=private.host)
        private.stop_daemon()
        assert program.cat("--output", "raw", "web-1") == expected
        program.configuration["docker"]["host"] = "none"
        program.configure()
        assert program.cat("--output", "raw", "web-1") == expected
