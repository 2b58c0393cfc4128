# SPDX-License-Identifier: Apache-2.0
"""D76: where a route begins, and that it decides only once and only about what was there."""

import time

import pytest

from support.docker_root import Container
from support.ledger_book import assert_conservation, tallies
from support.tallyman import file_route, pairs

HOUR_NS = 3600 * 10**9


def old(root, name):
    """A container of yesterday."""
    return Container(root, name, created_ns=time.time_ns() - 24 * HOUR_NS)


@pytest.fixture
def program(root, tallyman, out):
    def make(start):
        return tallyman(root, [file_route("all", out / "{container_name}.ndjson", start=start)])

    return make


def test_beginning(root, out, program):
    """D76: the default reads what was there."""
    expected = old(root, "old").write_lines("was", 10)
    program("beginning").once()
    assert pairs(out / "old.ndjson") == expected


def test_end_skips_what_was_there_and_says_so(root, out, program):
    """D76: only what comes after the first attach; the rest is shown as skipped."""
    was = old(root, "old")
    was.write_lines("was", 10)
    size = was.log.stat().st_size
    daemon = program("end")
    daemon.once()
    assert pairs(out / "old.ndjson") == []
    assert tallies(daemon.state, "all")[was.id]["bytes_skipped"] == size
    expected = was.write_lines("came", 10)
    daemon.once()
    assert pairs(out / "old.ndjson") == expected
    assert_conservation(daemon.state, "all")


def test_end_skips_rotations_too(root, out, program):
    """D76: the end is the end of the live file; older generations lie before it."""
    was = old(root, "old")
    was.write_lines("was", 10)
    was.rotate(compress=True)
    was.write_lines("was", 10)
    daemon = program("end")
    daemon.once()
    expected = was.write_lines("came", 10)
    daemon.once()
    assert pairs(out / "old.ndjson") == expected


@pytest.mark.parametrize("rotated", [False, True], ids=["first", "rotated"])
def test_end_of_an_empty_file(root, out, program, rotated):
    """D76, docker-logs 13: the end of a live file without a record is its beginning."""
    was = old(root, "old")
    if rotated:
        was.write_lines("was", 10)
        was.rotate(compress=True)
    daemon = program("end")
    daemon.once()
    expected = was.write_lines("came", 10)
    was.rotate(compress=True)
    expected += was.write_lines("and more", 10)
    daemon.once()
    assert pairs(out / "old.ndjson") == expected


def test_end_takes_all_of_what_came_while_down(root, out, program):
    """D76: a container created after the first attach is read from its beginning."""
    old(root, "old").write_lines("was", 10)
    daemon = program("end")
    daemon.once()
    fresh = Container(root, "new", created_ns=time.time_ns())
    expected = fresh.write_lines("new", 10)
    daemon.once()
    assert pairs(out / "new.ndjson") == expected
    assert pairs(out / "old.ndjson") == []


def test_end_survives_a_run_that_read_nothing(root, out, program):
    """D76: the start is committed before anything is read: a second start does not move it."""
    was = old(root, "old")
    was.write_lines("was", 10)
    daemon = program("end")
    daemon.once()
    expected = was.write_lines("between", 10)
    daemon.once()
    daemon.once()
    assert pairs(out / "old.ndjson") == expected


def test_since(root, out, program):
    """D76: what is younger than the duration, counted from the first attach."""
    was = Container(root, "old", created_ns=time.time_ns() - 5 * HOUR_NS)
    was.write_lines("five hours", 10)
    was.last_ns = time.time_ns() - HOUR_NS
    expected = was.write_lines("one hour", 10)
    daemon = program("since 2h")
    daemon.once()
    assert pairs(out / "old.ndjson") == expected
    expected += was.write_lines("later", 5)
    daemon.once()
    assert pairs(out / "old.ndjson") == expected


def test_since_reaches_into_rotations(root, out, program):
    """D76: the first younger line may stand in a compressed generation."""
    was = Container(root, "old", created_ns=time.time_ns() - 5 * HOUR_NS)
    was.write_lines("five hours", 10)
    was.rotate(compress=True)
    was.write_lines("still five", 5)
    was.last_ns = time.time_ns() - HOUR_NS
    expected = was.write_lines("one hour", 10)
    was.rotate(compress=True)
    expected += was.write_lines("live", 10)
    program("since 2h").once()
    assert pairs(out / "old.ndjson") == expected
