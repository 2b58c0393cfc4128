# SPDX-License-Identifier: Apache-2.0
"""Pins: unread generations outlive Docker's own hold on them, within a quota, and are let go."""

from pathlib import Path

import pytest
from support.docker_root import Container
from support.ledger_book import assert_conservation, gaps, tallies
from support.tallyman import count_lines, file_route, pairs


def stuck(out):
    """A path that cannot be written as long as a directory stands there."""
    path = out / "all.ndjson"
    path.mkdir()
    return path


def pins(root):
    """Pins, without the link that a start tries and takes back."""
    return sorted((root / "tallyman-pins").glob("[!.]*"))


def test_removed_container_is_read_from_its_pins(root, container, tallyman, out):
    """Design 6: the route is held up, Docker rotates and removes: nothing is lost."""
    made = container("web-1")
    program = tallyman(root, [file_route("all", stuck(out))]).start()
    expected = made.write_lines("first", 50)
    program.wait_until(lambda: len(pins(root)) == 1, "the first pin")
    for generation in range(4):
        made.rotate(max_file=2, compress=True)
        expected += made.write_lines(f"generation {generation}", 50)
        program.wait_until(lambda n=generation: len(pins(root)) == n + 2, "a pin")
    made.remove()
    (out / "all.ndjson").rmdir()
    program.wait_until(lambda: count_lines(out / "all.ndjson") == len(expected), "all lines")
    program.wait_until(lambda: pins(root) == [], "what is read is let go")
    program.stop()
    assert pairs(out / "all.ndjson") == expected
    assert gaps(program.state, "all") == []
    assert_conservation(program.state, "all")


# What of `max-size` the last file had when its container was removed, and what can be known then.
LAST_FILES = {"never rotated": (None, []), "smaller": (1, []), "full": (0, ["removed"])}


@pytest.mark.parametrize("last", LAST_FILES)
def test_unread_pins_outlive_the_program(root, container, tallyman, out, last):
    """Design 6, R1: stopped while held up, the container removed meanwhile: read by the next run.
    Whether a full file was rotated after the stop, nobody knows: that alone is booked."""
    made = container("web-1")
    spare_bytes, booked = LAST_FILES[last]
    expected = made.write_lines("first", 50)
    made.rotate(compress=True)
    expected += made.write_lines("second", 50)
    if spare_bytes is not None:
        made.log_options = {"max-size": str(made.log.stat().st_size + spare_bytes)}
        made.write_metadata()
    program = tallyman(root, [file_route("all", stuck(out))]).start()
    program.wait_until(lambda: len(pins(root)) == 2, "both are pinned")
    program.stop(expected=1)
    assert len(pins(root)) == 2, "unread ones stay"
    made.remove()
    (out / "all.ndjson").rmdir()
    program.once()
    assert pairs(out / "all.ndjson") == expected
    assert [gap.reason for gap in gaps(program.state, "all")] == booked
    assert pins(root) == [], "read ones are let go"


def test_quota(root, container, tallyman, out):
    """Design 6: past the quota the oldest goes, booked with its bytes."""
    made = container("web-1")
    program = tallyman(root, [file_route("all", stuck(out))], pins_max="100KiB").start()
    sizes = []
    lines = []
    for generation in range(6):
        lines.append(made.write_lines(f"generation {generation}", 300))
        sizes.append(made.log.stat().st_size)
        program.wait_until(lambda: is_pinned(root, made), "it is pinned")
        made.rotate(max_file=2)
    for member in made.directory.glob("*-json.log.1"):
        member.unlink()
    program.wait_until(lambda: pinned_bytes(root) <= 100 * 1024, "the quota holds", 90)
    program.stop(expected=1)
    (out / "all.ndjson").rmdir()
    program.once()
    found = pairs(out / "all.ndjson")
    kept = next(n for n in range(7) if found == [line for part in lines[n:] for line in part])
    assert 0 < kept < 6
    booked = gaps(program.state, "all")
    assert {gap.reason for gap in booked} == {"pin_quota"}
    assert sum(gap.bytes for gap in booked) == sum(sizes[:kept])


def is_pinned(root, made):
    inode = made.log.stat().st_ino
    return inode in {pin.stat().st_ino for pin in pins(root)}


def pinned_bytes(root):
    return sum(
        p.stat().st_size for p in (root / "tallyman-pins").iterdir() if p.stat().st_nlink == 1
    )


def test_list_and_drop(root, container, tallyman, out):
    """`pins ls` shows them, `pins drop` gives them up, booked."""
    gone = container("gone")
    program = tallyman(root, [file_route("all", stuck(out))]).start()
    gone.write_lines("lost", 50)
    program.wait_until(lambda: is_pinned(root, gone), "it is pinned")
    program.wait_until(lambda: gone.id in tallies(program.state, "all"), "the route wants it")
    gone.remove()
    program.stop(expected=1)
    listed = program.run("pins", "ls").stdout.decode()
    assert gone.id[:12] in listed
    program.run("pins", "drop", gone.id[:12])
    assert pins(root) == []

    (out / "all.ndjson").rmdir()
    other = Container(root, "other")
    expected = other.write_lines("other", 5)
    program.once()
    assert pairs(out / "all.ndjson") == expected
    assert [gap.reason for gap in gaps(program.state, "all", gone.id)] == ["pin_dropped"]
    assert count_lines(out / "all.ndjson") == 5
