# SPDX-License-Identifier: Apache-2.0
"""Somebody puts a copy, however edited, in a log's place: `sed -i`, a restored backup. The Engine
writes on into the file that it has open, and into the copy from the container's next start on.
R1: no line of either is lost, and none comes twice."""

import shutil

import pytest

from support.docker_root import record
from support.ledger_book import assert_conservation, gaps
from support.tallyman import entries, file_route, pairs


@pytest.fixture
def program(root, tallyman, out):
    """Looks at everything once a second."""
    docker = {"root": str(root), "host": "none", "reconcile": "1s"}
    return tallyman(root, [file_route("all", out / "all")], docker=docker)


def wait_for_lines(program, out, lines):
    program.wait_until(lambda: pairs(out / "all") == lines, lambda: f"{pairs(out / 'all')[-5:]}")


def put(container, lines):
    """As `sed -i` and `cp` with `mv` do: a new file is renamed over the old one."""
    new = container.directory / "sedAbCdEf"
    new.write_bytes(b"".join(lines))
    new.rename(container.log)


def records(container):
    return container.log.read_bytes().splitlines(keepends=True)


def assert_replaced(program):
    (gap,) = gaps(program.state, "all")
    assert (gap.reason, gap.bytes) == ("rewritten", 0)
    assert_conservation(program.state, "all")


def test_edited_while_it_runs(container, program, out):
    made = container("web-1")
    expected = made.write_lines("before", 5)
    program.start()
    wait_for_lines(program, out, expected)
    with open(made.log, "ab", buffering=0) as engine:
        lines = records(made)
        put(made, lines[:1] + lines[2:])
        for number in range(3):
            message = f"into the file that is open {number}"
            engine.write(record(message + "\n", "stdout", made.tick_ns()))
            expected.append(("stdout", message))
        wait_for_lines(program, out, expected)
    expected += made.write_lines("behind the restart", 5)
    wait_for_lines(program, out, expected)
    expected += made.write_lines("later", 5)
    wait_for_lines(program, out, expected)
    program.stop()
    assert_replaced(program)


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "while-down"])
def test_copied_around_our_restart(container, program, out, seen):
    made = container("web-1")
    expected = made.write_lines("before", 5)
    program.once()
    assert pairs(out / "all") == expected
    expected += made.write_lines("unread in both", 5)
    put(made, records(made))
    if seen:
        program.once()
        assert pairs(out / "all") == expected
        assert gaps(program.state, "all") == []
    expected += made.write_lines("behind the restart", 5)
    program.once()
    assert pairs(out / "all") == expected
    made.rotate()
    expected += made.write_lines("rotated", 5)
    program.once()
    assert pairs(out / "all") == expected
    assert_replaced(program)


@pytest.mark.parametrize("running", [True, False], ids=["running", "while-down"])
def test_whole_directory_restored(root, container, program, out, running):
    """The backup is one of before the last lines, and is there at once."""
    made = container("web-1")
    expected = []
    for generation in range(3):
        expected += made.write_lines(f"generation {generation}", 5)
        if generation < 2:
            made.rotate()
    backup = root / "backup"
    shutil.copytree(made.directory, backup)
    expected += made.write_lines("not in the backup", 5)

    if running:
        program.start()
        wait_for_lines(program, out, expected)
    else:
        program.once()
    made.directory.rename(root / "replaced")
    backup.rename(made.directory)
    expected += made.write_lines("behind the restart", 5)
    if running:
        wait_for_lines(program, out, expected)
    else:
        program.once()
    made.rotate()
    expected += made.write_lines("rotated again", 5)
    if running:
        wait_for_lines(program, out, expected)
        program.stop()
    else:
        program.once()
    assert pairs(out / "all") == expected
    assert_conservation(program.state, "all")


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_real_engine(engine, docker, tallyman, out, driver):
    """It stays in the file that it has open, until the container is started again."""

    def say(text):
        docker("exec", "one", "sh", "-c", f"echo {text} > /proc/1/fd/1")

    def told():
        return [entry["message"] for entry in entries(out / "all")]

    said = docker("run", "-d", "--name=one", "--network=none", f"--log-driver={driver}", "busybox",
                  "sleep", 1000)  # fmt: skip
    directory = engine.data_root / "containers" / said.stdout.strip()
    program = tallyman(engine.data_root, [file_route("all", out / "all")], host=engine.host,
                       docker={"root": str(engine.data_root), "host": engine.host,
                               "reconcile": "1s"}).start()  # fmt: skip
    say("before")
    program.wait_until(lambda: told() == ["before"], told)
    (log,) = directory.rglob("container.log" if driver == "local" else "*-json.log")
    copy = directory / "copy"
    copy.write_bytes(log.read_bytes())
    copy.rename(log)
    say("replaced")
    program.wait_until(lambda: told() == ["before", "replaced"], told)
    docker("restart", "-t0", "one")
    say("restarted")
    program.wait_until(lambda: told() == ["before", "replaced", "restarted"], told)
    program.stop()
    assert_replaced(program)
