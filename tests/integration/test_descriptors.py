# SPDX-License-Identifier: Apache-2.0
"""The descriptor budget, counted from outside: many more log files than may be open at once."""

import os
import shlex
import tempfile
from collections import Counter

import pytest

from support import census
from support.docker_root import Container
from support.ledger_book import assert_conservation, gaps
from support.tallyman import BINARY, count_lines, file_route, pairs

LIMIT = 256  # of the process; four fifths are the budget
LINES = 3


@pytest.fixture
def limited(tmp_path):
    """The program under a limit that it cannot raise."""

    def make(limit):
        wrapper = tmp_path / f"tallyman-{limit}"
        program = shlex.quote(str(BINARY))
        wrapper.write_text(f'#!/bin/sh\nexec prlimit --nofile={limit}:{limit} {program} "$@"\n')
        wrapper.chmod(0o755)
        return wrapper

    return make


@pytest.fixture
def elsewhere():
    """Pins on another file system: descriptors are all that keeps what is unread."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        if os.stat(directory).st_dev == os.stat(tempfile.gettempdir()).st_dev:
            pytest.skip("/dev/shm is no file system of its own")
        yield directory


class Peak:
    """The most descriptors seen, by class and in all."""

    def __init__(self, program, root):
        self.program, self.root = program, root
        self.segments = self.all = 0

    def look(self):
        found = census.descriptors(self.program.pid, {"segment": self.root / "containers"})
        found += census.descriptors(self.program.pid, {"segment": self.program.pins})
        self.segments = max(self.segments, found["segment"])
        self.all = max(self.all, len(census.links(self.program.pid)))


def write_and_rotate(made, peak, rounds):
    """Each in turn: lines, a rotation, lines. Returns them."""
    expected = []
    for number in range(rounds):
        for i, one in enumerate(made):
            expected += one.write_lines(f"{one.name} {number} before", LINES)
            one.rotate(max_file=5)
            expected += one.write_lines(f"{one.name} {number} after", LINES)
            if i % 50 == 0:
                peak.look()
    return expected


def assert_all_once(program, out, expected):
    assert Counter(pairs(out)) == Counter(expected), "every line, once"
    assert_conservation(program.state, "all")


@pytest.mark.parametrize("way", ["link", "descriptor"])
def test_a_thousand_files_within_256(root, tallyman, out, limited, request, scaled, way):
    """S1, design 6: beyond the budget files are closed, and opened again when they are read."""
    count = scaled("MANY", 1000, 1000)
    made = [Container(root, f"many-{number}") for number in range(count)]
    expected = [line for one in made for line in one.write_lines(f"{one.name} first", LINES)]
    pins = request.getfixturevalue("elsewhere") if way == "descriptor" else None
    program = tallyman(
        root, [file_route("all", out / "all")], pins=pins, binary=limited(LIMIT)
    ).start()
    peak = Peak(program, root)

    def arrived():
        peak.look()
        return count_lines(out / "all") >= len(expected)

    program.wait_for_log(f"way={way}")
    program.wait_until(arrived, "what was there at the start", 60)
    expected += write_and_rotate(made, peak, rounds=2)
    program.wait_until(arrived, "what was written in turn", 60)
    removed, left = made[: count // 2], made[count // 2 :]
    for one in removed:
        one.remove()
    expected += [line for one in left for line in one.write_lines(one.name, LINES)]
    program.wait_until(arrived, "what was written last", 60)
    program.stop()
    assert_all_once(program, out / "all", expected)
    booked = gaps(program.state, "all")
    if way == "link":
        assert booked == []
    else:  # of a closed file that is removed nobody can tell whether there was more in it
        assert {gap.reason for gap in booked} <= {"removed"}
        assert {gap.source_id for gap in booked} <= {one.id for one in removed}
    assert peak.all <= LIMIT * 8 // 10, "the budget"
    assert LIMIT // 4 <= peak.segments, "which is used"


def test_more_than_the_system_allows(root, tallyman, out, limited):
    """Where the limit is so low that the system refuses: what failed is tried again, every line
    comes, and no gap is booked that is none."""
    made = [Container(root, f"many-{number}") for number in range(60)]
    expected = [line for one in made for line in one.write_lines(f"{one.name} first", LINES)]
    program = tallyman(root, [file_route("all", out / "all")], binary=limited(32)).start()

    def arrived():
        return count_lines(out / "all") >= len(expected)

    program.wait_until(arrived, "what was there at the start", 60)
    expected += write_and_rotate(made, Peak(program, root), rounds=3)
    program.wait_until(arrived, "all lines", 60)
    program.stop()
    assert_all_once(program, out / "all", expected)
    assert gaps(program.state, "all") == []
