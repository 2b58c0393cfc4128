# SPDX-License-Identifier: Apache-2.0
"""Faults around the program: a full disk, a second instance, damaged state, foreign outputs."""

import os
import signal
import subprocess
import time

import pytest

from support.ledger_book import assert_conservation
from support.tallyman import count_lines, entries, file_route, pairs


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; `grow` gives it more."""
    directory = tmp_path / "small"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount")
    yield directory
    subprocess.run(["umount", "-l", str(directory)], check=True)


def grow(directory):
    subprocess.run(["mount", "-o", "remount,size=64m", str(directory)], check=True)


def test_full_disk_holds_up_one_route_only(root, container, tallyman, out, small_disk):
    """R7, design 7: the route waits, the other goes on; with space nothing is lost or doubled."""
    made = container("web-1")
    expected = made.write_lines("line", 10_000)
    routes = [
        file_route("small", small_disk / "small.ndjson", fields=["time", "stream", "message"]),
        file_route("large", out / "large.ndjson"),
    ]
    program = tallyman(root, routes).start()
    program.wait_until(
        lambda: count_lines(out / "large.ndjson") == len(expected), "the other route"
    )
    program.wait_until(lambda: "route=small" in program.log(), "the log names the route")
    assert "No space left" in program.log()
    expected += made.write_lines("more", 100)
    program.wait_until(
        lambda: count_lines(out / "large.ndjson") == len(expected), "the other route"
    )
    assert count_lines(small_disk / "small.ndjson") < len(expected)
    grow(small_disk)
    program.wait_until(lambda: count_lines(small_disk / "small.ndjson") == len(expected), "all", 60)
    program.stop()
    assert pairs(small_disk / "small.ndjson") == expected
    assert_conservation(program.state, "small")


def test_full_disk_and_the_end(root, container, tallyman, small_disk):
    """Design 7: SIGTERM while a route cannot write ends soon; a later run goes on, exactly."""
    made = container("web-1")
    expected = made.write_lines("line", 10_000)
    program = tallyman(root, [file_route("small", small_disk / "small.ndjson")]).start()
    program.wait_until(lambda: "No space left" in program.log(), "the fault is said")
    program.process.send_signal(signal.SIGTERM)
    program.wait(20)
    grow(small_disk)
    program.once()
    assert pairs(small_disk / "small.ndjson") == expected


def test_second_instance_is_refused(root, container, tallyman, out):
    """Design 6: one writer per state directory; the error names the other."""
    container("web-1").write_lines("line", 10)
    program = tallyman(root, [file_route("all", out / "all.ndjson")]).start()
    program.wait_until(lambda: count_lines(out / "all.ndjson") == 10, "it runs")
    refused = program.run("run", "--once", check=1)
    assert str(program.pid) in refused.stderr and str(program.state) in refused.stderr
    assert program.ls(), "reading verbs work beside it"
    program.stop()


@pytest.mark.parametrize("book", ["routes/all.db", "containers.db"])
def test_damaged_book_is_refused(root, container, tallyman, out, book):
    """R13: a damaged ledger is named and left as it is, never replaced."""
    container("web-1").write_lines("line", 10)
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    path = program.state / book
    damaged = b"this is no database " * 400
    path.write_bytes(damaged)
    refused = program.once(check=1)
    assert path.name in refused.stderr
    assert path.read_bytes() == damaged
    assert len(pairs(out / "all.ndjson")) == 10


def test_lost_container_book(root, container, tallyman, out):
    """Design 7: containers.db can be lost alone: cursors and pins say where to go on."""
    made = container("web-1")
    expected = made.write_lines("before", 10)
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    for path in program.state.glob("containers.db*"):
        path.unlink()
    made.rotate(compress=True)
    expected += made.write_lines("after", 10)
    program.once()
    assert pairs(out / "all.ndjson") == expected


def test_output_replaced_between_runs(root, container, tallyman, out):
    """Design 7: another file in the output's place is appended to, never cut; it is warned of."""
    made = container("web-1")
    before = made.write_lines("before", 100)
    output = out / "all.ndjson"
    program = tallyman(root, [file_route("all", output)])
    program.once()
    output.rename(out / "moved.ndjson")
    foreign = b'{"foreign":true}\n' * 3
    output.write_bytes(foreign)
    after = made.write_lines("after", 100)
    warned = program.once()
    assert str(output) in warned.stderr
    assert output.read_bytes().startswith(foreign)
    assert [(e["stream"], e["message"]) for e in entries(output)[3:]] == after
    assert pairs(out / "moved.ndjson") == before


def test_output_shortened_between_runs(root, container, tallyman, out):
    """Design 7: an output shorter than booked is appended to where it ends."""
    made = container("web-1")
    before = made.write_lines("before", 100)
    output = out / "all.ndjson"
    program = tallyman(root, [file_route("all", output)])
    program.once()
    kept = output.read_bytes().splitlines(keepends=True)[:50]
    os.truncate(output, sum(map(len, kept)))
    after = made.write_lines("after", 100)
    warned = program.once()
    assert str(output) in warned.stderr
    assert pairs(output) == before[:50] + after


def test_output_longer_than_booked_is_cut_back(root, container, tallyman, out):
    """Design 7: the same file, longer than vouched for, is what a crash leaves: cut back."""
    made = container("web-1")
    expected = made.write_lines("before", 100)
    output = out / "all.ndjson"
    program = tallyman(root, [file_route("all", output)])
    program.once()
    with open(output, "ab") as file:
        file.write(b'{"message":"half of a li')
    expected += made.write_lines("after", 100)
    program.once()
    assert pairs(output) == expected


def test_one_output_of_two_routes_is_refused(root, container, tallyman, out):
    """Design 7: an output belongs to one route."""
    container("web-1").write_lines("line", 10)
    routes = [file_route("one", out / "all.ndjson"), file_route("two", out / "all.ndjson")]
    program = tallyman(root, routes)
    done = program.once(check=None)
    assert done.returncode == 2
    assert "tallyman.yaml:" in done.stderr and '"one"' in done.stderr


def test_sigterm_ends_soon(root, container, tallyman, out):
    """Design 7: with a backlog of 50 MB the end comes soon, and a later run is exact."""
    made = container("web-1")
    expected = []
    for block in range(10):
        expected += made.write_lines(f"block {block}", 10_000, size=400)
    program = tallyman(root, [file_route("all", out / "all.ndjson")]).start()
    program.wait_until(lambda: count_lines(out / "all.ndjson") > 0, "it reads")
    began = time.monotonic()
    program.stop(10)
    assert time.monotonic() - began < 10
    assert pairs(out / "all.ndjson") == expected[: len(pairs(out / "all.ndjson"))]
    program.once()
    assert pairs(out / "all.ndjson") == expected


def test_two_signals_end_at_once(root, container, tallyman, small_disk):
    """A second signal does not wait for anything."""
    container("web-1").write_lines("line", 10_000)
    program = tallyman(root, [file_route("small", small_disk / "small.ndjson")]).start()
    program.wait_until(lambda: "No space left" in program.log(), "the fault is said")
    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGINT)
    program.wait(3)


def test_unreadable_root_is_said_once(tallyman, out, tmp_path):
    """S100: no such data root: one clear line that names it; no crash and no spin."""
    program = tallyman(tmp_path / "nowhere", [file_route("all", out / "all.ndjson")])
    done = program.run("run", "--once", "--timeout", "5s", check=None)
    said = [line for line in done.stderr.splitlines() if "nowhere" in line]
    assert said, done.stderr
    assert done.returncode in (0, 1)
