# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment: each line once and in order, or inside a gap that is booked."""

import shutil
import tempfile
import time
from dataclasses import dataclass, field

import pytest

from support.docker_root import parse_ns
from support.ledger_book import assert_conservation, gaps
from support.numbered import holes, numbers
from support.tallyman import count_lines, entries, file_route
from support.wait import PATIENCE

WRITERS = 10
LINE_BYTES, LINES_PER_SECOND = 500, 500
# A generation is some 870 records, 1.7 s; what three of them hold is gone after this long.
AWAY_FOR_LONG_S = 7
# So long must it have lived to have surely seen, pinned and committed all that there was.
SEEN_ALL_AFTER_S = 1.5 * PATIENCE
OPTIONS = ["--log-opt", "max-size=500k", "--log-opt", "max-file=3", "--log-opt", "compress=true"]
STREAMS_APART_NS = 10**8
FAR_PAST, FAR_FUTURE = 0, 2**63


@dataclass
class Absences:
    """When nobody was there to see: [(from, to)] in ns of the clock that Docker uses too."""

    spans: list = field(default_factory=list)
    began_ns: int = 0

    def begin(self):
        self.began_ns = time.time_ns()

    def end(self, began_ns, lived_until_ns):
        """A life from `began_ns` on: it ends an absence only if it was long enough."""
        seen_all_ns = began_ns + int(SEEN_ALL_AFTER_S * 1e9)
        if lived_until_ns >= seen_all_ns:
            self.spans.append((self.began_ns, seen_all_ns))
            self.began_ns = lived_until_ns

    def contain(self, first_ns, last_ns):
        spans = [*self.spans, (self.began_ns, time.time_ns())]
        return any(begin - 10**9 <= first_ns and last_ns <= end + 10**9 for begin, end in spans)


def start_writers(docker):
    """Returns their ids by name."""
    ids = {}
    for number in range(WRITERS):
        name = f"writer-{number}"
        said = docker("run", "-d", "--name", name, "--network", "none", *OPTIONS, "numbered",
                      "/numbered", 0, LINES_PER_SECOND, LINE_BYTES)  # fmt: skip
        ids[name] = said.stdout.strip()
    return ids


def stop_writers(docker, ids):
    """Ends them; returns per name the last number of each stream."""
    docker("stop", *ids)
    last = {}
    for name in ids:
        said = docker("logs", "--tail", 100, name)
        last[name] = {
            "stdout": int(said.stdout.splitlines()[-1].split()[1]),
            "stderr": int(said.stderr.splitlines()[-1].split()[1]),
        }
    return last


def kill_again_and_again(program, kills, dice):
    """It has seen them all when it is killed first. Lives of 5 ms to 2 s, pauses up to half a
    second, and one in 25 long."""
    program.kill()
    absences = Absences()
    absences.begin()
    away_for_long = set(range(kills // 2 % 25, kills, 25))
    for number in range(kills):
        began_ns = time.time_ns()
        program.start()
        time.sleep(0.005 * 400 ** dice.random())
        assert program.kill(), f"it ended by itself\n{program.log_tail()}"
        absences.end(began_ns, time.time_ns())
        time.sleep(AWAY_FOR_LONG_S if number in away_for_long else dice.random() / 2)
    return absences


def check(program, out, ids, last, absences):
    """`absences`: outside of them nothing may be missing; None: anywhere, if booked. Returns how
    many lines are missing."""
    missing_total = 0
    for name, source_id in ids.items():
        found = entries(out / f"{name}.ndjson")
        booked = gaps(program.state, "all", source_id)
        for stream in ("stdout", "stderr"):
            for first, final, before, after in holes(numbers(found, stream), 0, last[name][stream]):
                missing_total += final - first + 1
                begin_ns = parse_ns(before) if before else FAR_PAST
                end_ns = parse_ns(after) if after else FAR_FUTURE
                inside = [gap for gap in booked if lies_in(gap, begin_ns, end_ns)]
                where = f"{name} {stream} {first}..{final} ({before} to {after})"
                assert inside, f"{where}: no gap says so: {booked}"
                if absences is not None:
                    for gap in inside:
                        assert gap.reason == "rotated", (where, gap)
                        assert absences.contain(gap.after_ns, gap.before_ns or end_ns), (where, gap)
    return missing_total


def lies_in(gap, begin_ns, end_ns):
    """A gap is known by the record before it, and by the one after it where that came in time.
    Of the two streams, whose records need not stand in the order of their times."""
    after_ns = FAR_PAST if gap.after_ns is None else gap.after_ns + STREAMS_APART_NS
    before_ns = after_ns if gap.before_ns is None else gap.before_ns - STREAMS_APART_NS
    return begin_ns <= after_ns and before_ns <= end_ns


@pytest.fixture
def disk_elsewhere():
    """A directory on another mount than the Engine's root: no hard links from there."""
    directory = tempfile.mkdtemp(prefix="tallyman-pins-", dir="/dev/shm")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def life(engine, docker, tallyman, out, dice, kills, pins):
    fields = ["time", "stream", "message"]
    route = file_route("all", out / "{container_name}.ndjson", fields=fields)
    program = tallyman(engine.data_root, [route], host=engine.host, pins=pins).start()
    ids = start_writers(docker)
    for name in ids:
        path = out / f"{name}.ndjson"
        program.wait_until(lambda p=path: count_lines(p) > 0, f"{name} is known")
    absences = kill_again_and_again(program, kills, dice)
    last = stop_writers(docker, ids)
    program.once()
    assert_conservation(program.state, "all")
    return program, ids, last, absences


def test_kill_with_links(engine, docker, tallyman, out, dice, scaled):
    """S67, design 6: pinned by link, what was once seen is delivered exactly once."""
    kills = scaled("KILLS", 25, 300)
    program, ids, last, absences = life(
        engine, docker, tallyman, out, dice, kills, engine.data_root / "tallyman-pins"
    )
    missing = check(program, out, ids, last, absences)
    print(f"{sum(count_lines(out / f'{n}.ndjson') for n in ids)} lines, {missing} in gaps")


def test_kill_with_descriptors(engine, docker, tallyman, out, dice, scaled, disk_elsewhere):
    """Design 6: pinned by descriptor only, what a kill costs is booked."""
    kills = scaled("KILLS_FD", 10, 300)
    program, ids, last, _ = life(engine, docker, tallyman, out, dice, kills, disk_elsewhere)
    missing = check(program, out, ids, last, None)
    print(f"{sum(count_lines(out / f'{n}.ndjson') for n in ids)} lines, {missing} in gaps")


def test_nothing_is_lost_without_a_kill(engine, docker, tallyman, out):
    """S1, S67: 16 rotations of `max-file=2` with gzip in 2 s, then `docker rm`: no line missing."""
    program = tallyman(
        engine.data_root,
        [file_route("all", out / "all.ndjson", fields=["time", "stream", "message"])],
        host=engine.host,
    ).start()
    docker("run", "--name", "fast", "--network", "none", "--log-opt", "max-size=200k",
           "--log-opt", "max-file=2", "--log-opt", "compress=true",
           "numbered", "/numbered", 20000, 10000, 100)  # fmt: skip
    docker("rm", "fast")
    program.wait_until(lambda: count_lines(out / "all.ndjson") == 20000, "all lines")
    program.stop()
    found = entries(out / "all.ndjson")
    assert holes(numbers(found, "stdout"), 0, 14999) == []
    assert holes(numbers(found, "stderr"), 0, 4999) == []
    assert gaps(program.state, "all") == []
