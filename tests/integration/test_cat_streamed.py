# SPDX-License-Identifier: Apache-2.0
"""`tallyman cat` and `ls` where only the Engine can give a log (`docker.root: none`)."""

import json

import pytest

from conftest import remove_all
from support.docker_root import parse_ns
from support.stand_in_engine import HALF, StandInContainer, StandInEngine
from support.tallyman import Tallyman, file_route
from support.wait import wait_for

SCRIPT = (
    "echo one; echo two >&2; sleep .02; head -c 40000 /dev/zero | tr '\\0' x; echo; echo; "
    "echo 'h\u00e9llo\t<&>'; sleep .02; echo last >&2; printf tail"
)
LINES = ["one", "two", "x" * 40000, "", "h\u00e9llo\t<&>", "last", "tail"]
CONTAINERS = {
    "frames": [],
    "terminal": ["-t"],
    "restarted": ["-t"],
    "local": ["--log-driver", "local"],
    "unreadable": ["--log-driver", "none"],
    "unheard": ["--log-driver", "syslog", "--log-opt", "syslog-address=udp://127.0.0.1:5999",
                "--log-opt", "cache-disabled=true"],
}  # fmt: skip
READABLE = ["frames", "terminal"]


@pytest.fixture(scope="module")
def containers(engine):
    for name, options in CONTAINERS.items():
        engine.docker("run", "--name", name, "--network", "none", *options, "busybox", "sh", "-c",
                      SCRIPT)  # fmt: skip
    engine.docker("start", "restarted")
    engine.docker("wait", "restarted")
    yield
    remove_all(engine)


@pytest.fixture
def make_program(tmp_path):
    """make_program(host): a configuration without Docker's files."""
    route = file_route("all", tmp_path / "all")
    return lambda host: Tallyman(tmp_path, "none", [route], host=host, pins=tmp_path / "pins")


@pytest.fixture
def program(engine, containers, make_program):
    return make_program(engine.host)


def said(done):
    """The one sentence of a verb that failed."""
    assert done.stdout == b""
    (sentence,) = done.stderr.splitlines()
    return sentence


@pytest.mark.parametrize("name", [*READABLE, "restarted"])
def test_same_bytes_as_docker_logs(engine, program, name):
    """S25, S73: every byte, both streams together and each alone; with a terminal too, also
    where a run ends in the midst of a line."""
    stdout, stderr, both = engine.logs(name)
    assert len(both) > 40000
    assert program.cat("--output", "raw", name) == both
    assert program.cat("--output", "raw", "--stream", "stdout", name) == stdout
    assert program.cat("--output", "raw", "--stream", "stderr", name) == stderr


@pytest.mark.parametrize("name", [*READABLE, "local"])
def test_lines_are_whole(program, name):
    """D31: what Docker cut is put together, as for files; a terminal's \\r is gone."""
    found = [json.loads(line) for line in program.cat("-o", "ndjson", name).splitlines()]
    assert sorted(entry["message"] for entry in found) == sorted(LINES)
    assert not [entry for entry in found if entry.get("partial")]
    streams = {entry["message"]: entry["stream"] for entry in found}
    assert streams["two"] == ("stdout" if name == "terminal" else "stderr")
    assert program.cat("-o", "text", name).count(b"\n") == len(LINES)


@pytest.mark.parametrize("name", READABLE)
def test_since_and_until(engine, program, name):
    """Both ends inclusive, to the nanosecond; the Engine need not send what is not asked for."""
    found = [json.loads(line) for line in program.cat("-o", "ndjson", name).splitlines()]
    for time in sorted({entry["time"] for entry in found}):
        later = [entry for entry in found if parse_ns(entry["time"]) >= parse_ns(time)]
        earlier = [entry for entry in found if parse_ns(entry["time"]) <= parse_ns(time)]
        assert decoded(program.cat("-o", "ndjson", "--since", time, name)) == later
        assert decoded(program.cat("-o", "ndjson", "--until", time, name)) == earlier


def decoded(output):
    return [json.loads(line) for line in output.splitlines()]


def test_a_running_container(engine, program):
    """What is there is printed; what is still to come is not waited for."""
    engine.docker("run", "-d", "--name", "runs", "--network", "none", "busybox", "sh", "-c",
                  "echo begun; exec sleep 1000")  # fmt: skip
    try:
        wait_for(lambda: engine.logs("runs")[0], "it has begun")
        assert program.cat("runs") == b"begun\n"
    finally:
        engine.docker("rm", "-f", "runs")


def test_by_id_and_prefix(engine, program):
    """A container is named by its name, its id or the beginning of it, as on the disk."""
    full = engine.docker("inspect", "-f", "{{.Id}}", "frames").stdout.strip()
    for name in (full, full[:12]):
        assert program.cat("--stream", "stderr", name) == b"two\nlast\n"
    assert "no container 'nobody'" in said(program.run("cat", "nobody", check=1))


@pytest.mark.parametrize("name", ["unreadable", "unheard"])
def test_what_keeps_nothing_is_said(program, name):
    """R13: one sentence with the driver in it."""
    driver = CONTAINERS[name][1]
    assert f"driver is {driver}" in said(program.run("cat", name, check=1))


def test_an_absent_engine_is_said(make_program, tmp_path):
    """R13: one sentence with its address in it, for `ls` too."""
    program = make_program(f"unix://{tmp_path}/nobody.sock")
    for verb in (["cat", "frames"], ["ls"]):
        assert "nobody.sock" in said(program.run(*verb, check=1))


def test_kinds(program):
    """S73: what the Engine lists is a stream, but for what nobody can read."""
    done = program.run("ls")
    assert done.stderr == "" and b"only the Engine" not in done.stdout
    kinds = {item["name"]: item["kind"] for item in program.ls()}
    assert kinds == {name: "none" if name.startswith("un") else "stream" for name in CONTAINERS}


def test_no_room_for_the_log(program, tmp_path):
    """R13: where the log cannot be kept meanwhile, the sentence names the directory."""
    done = program.run("cat", "frames", environment={"TMPDIR": f"{tmp_path}/nowhere"}, check=1)
    assert f"{tmp_path}/nowhere" in said(done)


@pytest.mark.parametrize(
    "manner, words",
    [(501, "cannot be read back"), (404, "has it no more"), (500, "so it is"), (HALF, "broke")],
)
def test_why_there_is_no_log_is_said(make_program, tmp_path, manner, words):
    """S77, R13: a plugin that reads nothing back, a container that goes, an Engine that fails or
    leaves in the midst: one sentence, and no half log that looks like a whole one."""
    engine = StandInEngine(tmp_path / "engine.sock")
    one = StandInContainer("a" * 64, "web-1", ["line"], driver="vendor/plugin", running=False)
    engine.add(one)
    try:
        program = make_program(engine.host)
        assert program.cat("web-1") == b"line\n"
        one.log_manner = manner
        sentence = said(program.run("cat", "web-1", check=1))
        assert "web-1" in sentence and words in sentence
    finally:
        engine.close()
