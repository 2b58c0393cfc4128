# SPDX-License-Identifier: Apache-2.0
"""The program dies at each of its own calls to the kernel, and still delivers exactly once.

A preloaded library ends the process at a chosen place: once per distinct call site, and at seeded
moments, with the write torn or whole. A second run, without it, must leave the expected output.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from support.docker_root import Container, record
from support.ledger_book import assert_conservation, gaps
from support.tallyman import Tallyman, file_route, pairs


@pytest.fixture
def place(tmp_path):
    """In memory where there is such a place: it is the program that dies here, never the machine,
    and some thousand syncs need not wait for a disk."""
    memory = "/dev/shm"
    parent = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(prefix="tallyman-crash-", dir=parent) as directory:
        yield Path(directory)


class Story:
    """Two containers whose logs grow and rotate between the runs."""

    def __init__(self, directory):
        root = directory / "docker"
        self.web, self.db = Container(root, "web"), Container(root, "db")
        self.output = directory / "{container_name}.ndjson"
        self.directory = directory
        self.expected = {"web": [], "db": []}
        self.program = Tallyman(
            directory / "program", root, [file_route("all", self.output, batch={"age": "0s"})]
        )

    def first_chapter(self):
        self.expected["web"] += self.web.write_lines("web first", 300)
        self.web.rotate(compress=True)
        self.expected["web"] += self.web.write_lines("web second", 200)
        self.expected["db"] += self.db.write_lines("db first", 50)
        self.db.append(b"\0" * 100)
        self.expected["db"] += self.db.write_lines("db second", 50)
        # The line that is open when the first run ends, which says what there is of it.
        self.open_ns = self.web.tick_ns()
        self.web.append(record("x" * 16384, "stdout", self.open_ns))
        self.expected["web"].append(("stdout", "x" * 16384))

    def second_chapter(self):
        self.web.rotate(compress=True)
        self.web.append(record("yz\n", "stdout", self.open_ns))
        self.expected["web"].append(("stdout", "yz"))
        self.expected["web"] += self.web.write_lines("web third", 300)
        self.db.rotate()
        self.expected["db"] += self.db.write_lines("db third", 50)

    def check(self):
        for name, expected in self.expected.items():
            assert pairs(self.directory / f"{name}.ndjson") == expected
        (gap,) = gaps(self.program.state, "all")
        assert (gap.reason, gap.bytes) == ("nul", 100), "booked once"
        assert_conservation(self.program.state, "all")


def tell(story, shim, first=None, second=None):
    """The whole story, the first or the second run under the shim with that environment; tells
    whether it died of it."""
    died = False
    for chapter, crash in ((story.first_chapter, first), (story.second_chapter, second)):
        chapter()
        if crash is not None:
            done = story.program.once(check=None, environment={"LD_PRELOAD": str(shim), **crash})
            died = done.returncode != 0
        if crash is None or died:
            story.program.once()
    story.check()
    shutil.rmtree(story.directory)
    return died


def test_without_a_crash(shim, place):
    """The story itself holds, with the shim loaded and silent."""
    assert not tell(Story(place), shim, first={}, second={})


def call_sites(shim, place):
    """Per run of the story: its distinct call sites."""
    sites = []
    for run in ("first", "second"):
        listed = place / f"{run}-sites"
        tell(Story(place / f"list-{run}"), shim, **{run: {"CRASH_SHIM_LIST": str(listed)}})
        sites += [(run, line.split()[0]) for line in listed.read_text().splitlines() if line]
    return sites


def test_at_each_call_site(shim, place, dice, scaled):
    """Design 1 (at-least-once), 7 (file: exact): a crash at each place that calls the kernel."""
    sites = call_sites(shim, place)
    assert len(sites) > 20, sites
    wanted = scaled("CRASH_SITES", len(sites), len(sites))
    died = 0
    for number, (run, site) in enumerate(dice.sample(sites, min(wanted, len(sites)))):
        print(f"{run} run, site {site}")
        crash = {run: {"CRASH_SHIM_SITE": f"{site}:1"}}
        died += tell(Story(place / f"site-{number}"), shim, **crash)
    assert died >= min(wanted, len(sites)) * 9 // 10, "the shim does its work"


def test_at_seeded_moments(shim, place, dice, scaled):
    """Design 7: a crash at the n-th call, whole or torn."""
    for number in range(scaled("CRASH_MOMENTS", 200, 200)):
        run = dice.choice(["first", "second"])
        crash = {"CRASH_SHIM_NTH": str(int(2 ** dice.uniform(0, 10)))}
        for way in dice.choice([[], ["CRASH_SHIM_AFTER"], ["CRASH_SHIM_TORN"]]):
            crash[way] = "1"
        print(f"{run} run, {crash}")
        tell(Story(place / f"moment-{number}"), shim, **{run: crash})


@pytest.mark.parametrize("path", [".ndjson", "/routes/all.db", "/containers.db"])
@pytest.mark.parametrize("function", ["fdatasync", "write", "pwrite", "fsync"])
def test_failing_disk(shim, place, function, path):
    """Design 7: calls that fail for a while void what was not committed; then all is exact."""
    story = Story(place)
    failing = {"CRASH_SHIM_FAIL": f"{function}:EIO:3:4", "CRASH_SHIM_PATH": path}
    for chapter in (story.first_chapter, story.second_chapter):
        chapter()
        environment = {"LD_PRELOAD": str(shim), **failing}
        done = story.program.once("--timeout", "20s", check=None, environment=environment)
        if done.returncode != 0:
            assert "Input/output error" in done.stderr or "disk I/O error" in done.stderr
            story.program.once()
    story.check()
