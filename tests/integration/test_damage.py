# SPDX-License-Identifier: Apache-2.0
"""What happens to log files in the field: truncated, moved, deleted, torn, cut by a crash.

Most cases run twice: `once`, where the damage is done between two runs, and `live`, where it is
done under a running daemon. Each must deliver the right lines and book the rest by reason.
"""

import os

import pytest

from support.docker_root import record
from support.ledger_book import assert_conservation, gaps
from support.tallyman import file_route, pairs
from support.wait import wait_for


class Scene:
    """A container, a program, and the lines that are expected of them so far."""

    def __init__(self, program, made, output, live):
        self.program, self.made, self.output, self.live = program, made, output, live
        self.expected = []
        if live:
            program.start()

    def lines(self, prefix, count=50):
        self.expected += self.made.write_lines(prefix, count)

    def settle(self):
        """Lets the program deliver what is there: then it is exactly what is expected."""
        if self.live:
            self.program.wait_until(
                lambda: len(pairs(self.output)) >= len(self.expected),
                f"{len(self.expected)} lines",
            )
        else:
            self.program.once()
        assert pairs(self.output) == self.expected

    def gaps(self):
        """What is booked at the end, once all is delivered and the program has ended."""
        if self.live:
            self.program.stop()
        self.program.once()
        assert pairs(self.output) == self.expected, "a further run adds nothing"
        assert_conservation(self.program.state, "all")
        return gaps(self.program.state, "all")


def make_scene(root, container, tallyman, out, live):
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    return Scene(program, container("web-1"), out / "all.ndjson", live)


@pytest.fixture(params=["once", "live"])
def scene(request, root, container, tallyman, out):
    return make_scene(root, container, tallyman, out, request.param == "live")


def test_truncated_before_the_first_rotation(scene):
    """docker-logs 25: `truncate -s 0`, the writer appends: reading goes on at 0, booked."""
    scene.lines("before")
    scene.settle()
    os.truncate(scene.made.log, 0)
    scene.lines("after", 10)
    scene.settle()
    assert [gap.reason for gap in scene.gaps()] == ["truncated"]


def test_truncated_after_a_rotation(scene):
    """docker-logs 26: no O_APPEND: the next record stands behind a hole of NULs."""
    scene.lines("before")
    scene.settle()
    scene.made.rotate()
    scene.lines("second generation")
    scene.settle()
    size = scene.made.log.stat().st_size
    os.truncate(scene.made.log, 0)
    os.truncate(scene.made.log, size)
    scene.lines("behind the hole", 10)
    scene.settle()
    reasons = {gap.reason for gap in scene.gaps()}
    assert reasons and reasons <= {"truncated", "nul"}


def test_truncated_and_grown_beyond_the_cursor(scene):
    """docker-logs 27: shrunk and grown between two looks: the content tells, not the size."""
    scene.lines("before", 10)
    scene.settle()
    os.truncate(scene.made.log, 0)
    scene.lines("after, and more of it than there was", 100)
    scene.settle()
    assert [gap.reason for gap in scene.gaps()] == ["truncated"]


def test_moved_away_and_written_on(scene):
    """docker-logs 28: `mv X X.bak`: Docker writes on into the moved file until it is restarted.
    After a time away nobody can know whether other generations lay between: that is booked."""
    scene.lines("before")
    scene.settle()
    moved = scene.made.log.with_name("X.bak")
    os.rename(scene.made.log, moved)
    with open(moved, "ab") as file:
        for number in range(20):
            file.write(record(f"moved {number}\n", "stdout", scene.made.tick_ns()))
            scene.expected.append(("stdout", f"moved {number}"))
    if scene.live:
        scene.settle()
    scene.made.log.touch()
    scene.lines("new file")
    scene.settle()
    unknown = [] if scene.live else [("rotated", None)]
    assert [(gap.reason, gap.bytes) for gap in scene.gaps()] == unknown


def test_deleted_and_written_on(root, container, tallyman, out):
    """docker-logs 29: `rm X`: what goes to the unlinked file is read, then the new file."""
    scene = make_scene(root, container, tallyman, out, live=True)
    made = scene.made
    scene.lines("before")
    scene.settle()
    with open(made.log, "ab") as file:
        made.log.unlink()
        for number in range(20):
            file.write(record(f"unlinked {number}\n", "stdout", made.tick_ns()))
            file.flush()
            scene.expected.append(("stdout", f"unlinked {number}"))
        scene.settle()
    made.log.touch()
    scene.lines("new file")
    scene.settle()
    assert scene.gaps() == []


def test_torn_record_glued_to_the_next(scene):
    """docker-logs 34, D32: a full disk leaves a fragment before a whole record."""
    scene.lines("before")
    scene.settle()
    scene.made.append(b'{"l')
    scene.lines("glued", 10)
    scene.settle()
    assert [(gap.reason, gap.bytes) for gap in scene.gaps()] == [("torn", 3)]


def test_tail_of_nul_bytes(scene):
    """docker-logs 35, D32: a crash leaves NULs; the next record stands behind them in the line."""
    scene.lines("before")
    scene.settle()
    scene.made.append(b"\0" * 1000)
    scene.lines("after", 10)
    scene.settle()
    assert [(gap.reason, gap.bytes) for gap in scene.gaps()] == [("nul", 1000)]


@pytest.mark.parametrize(["grown", "reason"], [(5, "tail_cut"), (50, "rewritten")])
def test_shorter_after_a_crash(root, container, tallyman, out, grown, reason):
    """docker-logs 36: the tail is gone: on after the last whole record, nothing read again; also
    where the file has grown beyond the cursor since."""
    scene = make_scene(root, container, tallyman, out, live=False)
    made = scene.made
    scene.lines("before", 100)
    scene.settle()
    os.truncate(made.log, made.log.stat().st_size - 1000)
    data = made.log.read_bytes()
    torn = len(data) - data.rfind(b"\n") - 1
    assert torn > 0
    scene.lines("after the crash", grown)
    scene.settle()
    booked = scene.gaps()
    assert [gap.reason for gap in booked] == [reason, "torn"]
    assert booked[1].bytes == torn


def test_everything_empty_after_a_crash(scene):
    """docker-logs 37: the log and its rotations have 0 bytes: nothing is read again."""
    scene.lines("first")
    scene.made.rotate(compress=True)
    scene.lines("second")
    scene.settle()
    for member in scene.made.directory.glob("*-json.log*"):
        os.truncate(member, 0)
    scene.lines("after the crash", 5)
    scene.settle()
    scene.gaps()


def test_garbage_line(scene):
    """docker-logs 38, D22: exactly that line is skipped, booked with its bytes."""
    scene.lines("before")
    garbage = b"this is no record at all\n"
    scene.made.append(garbage)
    scene.lines("after", 10)
    scene.settle()
    assert [(gap.reason, gap.bytes) for gap in scene.gaps()] == [("malformed", len(garbage))]


def test_unfinished_record_is_waited_for(scene):
    """docker-logs 1, D32: no newline yet: not consumed; complete: delivered once."""
    scene.lines("before")
    whole = record("slow\n", "stdout", scene.made.tick_ns())
    scene.made.append(whole[:30])
    scene.settle()
    scene.made.append(whole[30:])
    scene.expected.append(("stdout", "slow"))
    scene.settle()
    assert scene.gaps() == []


def test_damaged_gzip(root, container, tallyman, out):
    """docker-logs 23: a truncated .gz gives its whole lines; an empty one nothing. Both booked."""
    made = container("web-1")
    made.write_lines("oldest", 50)
    made.rotate(compress=True)
    middle = made.write_lines("middle", 2000)
    made.rotate(compress=True)
    live = made.write_lines("live", 10)
    newest = made.log.with_name(made.log.name + ".1.gz")
    oldest = made.log.with_name(made.log.name + ".2.gz")
    os.truncate(newest, newest.stat().st_size // 2)
    os.truncate(oldest, 0)
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    found = pairs(out / "all.ndjson")
    kept = found[: -len(live)]
    assert found[-len(live) :] == live
    assert 0 < len(kept) < 2000 and kept == middle[: len(kept)]
    reasons = {gap.reason for gap in gaps(program.state, "all")}
    assert "gzip" in reasons and reasons <= {"gzip", "empty_rotation", "torn"}
    assert_conservation(program.state, "all")


def test_unfinished_gzip_beside_its_plain_file(root, container, tallyman, out):
    """docker-logs 15: while Docker compresses, both are there: the plain one is the whole one."""
    made = container("web-1")
    expected = made.write_lines("first", 500)
    made.rotate()
    plain = made.log.with_name(made.log.name + ".1")
    growing = made.log.with_name(made.log.name + ".1.gz")
    growing.write_bytes(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff")
    expected += made.write_lines("second", 10)
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    assert plain.exists()
    assert pairs(out / "all.ndjson") == expected
    assert gaps(program.state, "all") == []


def test_litter_is_ignored(root, container, tallyman, out):
    """docker-logs 24: `.tmp` files of a log read, foreign names: none is a generation."""
    made = container("web-1")
    expected = made.write_lines("line", 20)
    own = made.log.name
    for name in (f"{own}.1.gz.tmp", f"{own}.old", "container.log", "x-json.log"):
        (made.directory / name).write_bytes(record("litter\n", "stdout", made.tick_ns()))
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    assert pairs(out / "all.ndjson") == expected


def test_a_container_that_is_not_complete_yet(root, container, tallyman, out):
    """docker-logs 45, 62, S8: no log file yet, no metadata yet: waited for, others go on."""
    other = container("other")
    half = container("half")
    half.log.unlink()
    (half.directory / "config.v2.json").unlink()
    other.write_lines("other", 5)
    program = tallyman(root, [file_route("all", out / "all.ndjson")]).start()
    wait_for(lambda: len(pairs(out / "all.ndjson")) == 5, "the other container")
    half.write_metadata()
    half.log.touch()
    half.write_lines("half", 5)
    program.wait_until(lambda: len(pairs(out / "all.ndjson")) == 10, "the late container")
    program.stop()
