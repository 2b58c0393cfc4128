# SPDX-License-Identifier: Apache-2.0
"""`tallyman cat` and `ls` with the drivers that keep frames: `local`, and `syslog` by way of dual
logging (docker-logs 4), with dockerd up and down."""

import os
import subprocess
from pathlib import Path

import pytest

from conftest import remove_all
from support.tallyman import Tallyman, file_route
from support.wait import wait_for

COUNT = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done"
LONG_LINE = "head -c {} /dev/zero | tr '\\0' p; echo; echo after"
DRIVERS = {
    "local": ["--log-driver", "local"],
    "cache": ["--log-driver", "syslog", "--log-opt", "syslog-address=udp://127.0.0.1:5999"],
}

# name: (options of `local`, script, starts). None has a line that Docker cuts: 20.10 loses the
# newline of such a line when it reads frames, so that its own answer is no measure there.
SHAPES = {
    "plain": ([], "echo one; echo two >&2; echo; echo 'h\u00e9llo\t<&>'; printf tail", 1),
    "bytes": ([], "printf 'a\\000\\377\\r\\033[1m\\n'", 1),
    "silent": ([], "true", 1),
    "restarted": ([], "echo start; printf tail", 3),
    "rotated": (["--log-opt", "max-size=3k", "--log-opt", "max-file=3"], COUNT, 1),
}


def docker_logs(engine, name):
    return subprocess.run(
        ["docker", "logs", name],
        env={**os.environ, "DOCKER_HOST": engine.host},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    ).stdout


def run(engine, name, driver, script, options=(), starts=1):
    options = [*DRIVERS[driver], *options, "--name", name, "--network", "none"]
    engine.docker("create", *options, "busybox", "sh", "-c", script)
    for _ in range(starts):
        engine.docker("start", name)
        engine.docker("wait", name)


def settle_compression(engine):
    """Docker 20.10 does not wait for its compression when a container exits."""
    live = engine.data_root / "containers"
    wait_for(lambda: not list(live.glob("*/local-logs/container.log.1")), "all is compressed")


@pytest.fixture(scope="module")
def shapes(engine):
    for driver in DRIVERS:
        for name, (options, script, starts) in SHAPES.items():
            run(engine, f"{driver}-{name}", driver, script,
                options if driver == "local" else (), starts)
        run(engine, f"{driver}-long", driver, LONG_LINE.format(60000))
    run(engine, "local-long-rotated", "local", LONG_LINE.format(60000),
        ["--log-opt", "max-size=20k", "--log-opt", "max-file=5"])
    engine.docker("create", "--name", "local-created", *DRIVERS["local"], "busybox", "true")
    engine.docker("run", "--name", "none", "--log-driver", "none", "--network", "none", "busybox",
                  "echo", "unheard")
    settle_compression(engine)
    yield
    remove_all(engine)


@pytest.fixture
def program(engine, shapes, tmp_path):
    return Tallyman(
        tmp_path, engine.data_root, [file_route("all", tmp_path / "all")], host=engine.host
    )


@pytest.mark.parametrize("name", [f"{d}-{s}" for d in DRIVERS for s in SHAPES] + ["local-created"])
def test_same_bytes_as_docker_logs(engine, program, name):
    """S25, S27, S73: every byte, through rotation and compression too."""
    expected = docker_logs(engine, name)
    assert program.cat("--output", "raw", name) == expected
    assert bool(expected) == (name.split("-")[1] not in ("silent", "created"))


@pytest.mark.parametrize("name", ["local-long", "cache-long", "local-long-rotated"])
def test_a_long_line_is_one_line(program, name):
    """D31: joined by its chunks' numbers; also over files."""
    assert program.cat("--output", "raw", name) == b"p" * 60000 + b"\nafter\n"
    assert program.cat("--output", "text", name).count(b"\n") == 2


def test_kinds_and_sizes(program):
    """S73: `ls` knows the kind of each, where it lies, and how large it is with its rotations."""
    listed = {item["name"]: item for item in program.ls()}
    for name, item in listed.items():
        assert item["kind"] == name.split("-")[0]
        if name == "none":
            assert item["path"] == "" and item["size"] == 0
        elif not name.endswith(("silent", "created")):
            live = Path(item["path"])
            files = live.parent.glob(live.name + "*")
            assert item["size"] == sum(file.stat().st_size for file in files) > 0
    assert "not collected" in program.run("ls").stdout.decode()


def test_what_keeps_nothing_is_said(program):
    """R13: one sentence with the driver in it."""
    done = program.run("cat", "none", check=1)
    assert done.stdout == b"" and len(done.stderr.splitlines()) == 1
    assert "driver is none" in done.stderr


def test_with_dockerd_down(engine, program):
    """Docker-logs 49: files are read with the daemon stopped, the cache without its remote."""
    expected = {name: docker_logs(engine, name) for name in ("local-rotated", "cache-plain")}
    engine.stop_daemon()
    try:
        for name, bytes_expected in expected.items():
            assert program.cat("--output", "raw", name) == bytes_expected
        assert {item["kind"] for item in program.ls()} == {"local", "cache", "none"}
    finally:
        engine.start_daemon()
