# SPDX-License-Identifier: Apache-2.0
"""kill -9 of tallyman and of a real Loki, again and again, while containers of all drivers write:
what LogQL finds in the end is each line, once."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import started_engine, started_server
from support import syslog_server
from support.ledger_book import assert_conservation, gaps, tallies
from support.numbered import import_numbered
from support.private_journal import PrivateJournal
from support.private_loki import TENANT, PrivateLoki
from support.syslog_server import SyslogServer
from support.tallyman import loki_route
from support.writers import Writers, missing_lines

CONTAINERS_OF_A_DRIVER = 5
LINE_BYTES = 100
REQUESTS_MAX, REQUEST_LINES_MAX = 4, 500
DELIVERY_SECONDS_MAX = 120

ROTATED = ["--log-opt=max-size=200k", "--log-opt=max-file=3", "--log-opt=compress=true"]
DRIVERS = {
    "json-file": ["--log-driver=json-file", *ROTATED],
    "local": ["--log-driver=local", *ROTATED],
    "syslog": ["--log-driver=syslog", f"--log-opt=syslog-address={syslog_server.ADDRESS}"],
    "journald": ["--log-driver=journald"],
}
CONTAINERS = {
    f"{driver}-{number}": options
    for driver, options in DRIVERS.items()
    for number in range(CONTAINERS_OF_A_DRIVER)
}
ALL = '{container_name=~".+"}'


@dataclass(frozen=True)
class Size:
    lines_per_second: int  # of each container
    kills: int
    loki_kills: int
    loki_away: float  # for which share of all lines


QUICK, FULL = Size(100, 2, 1, 0.25), Size(500, 10, 3, 0.05)


@pytest.fixture
def surroundings(tmp_path):
    """(an Engine, a journal that its containers write to): a syslog server runs beside them."""
    place = Path(tempfile.mkdtemp(prefix="tallyman-loki-kills-"))
    try:
        with started_engine() as engine, PrivateJournal(engine) as journal:
            # An Engine that began without a journal knows no such driver.
            engine.stop_daemon()
            engine.start_daemon()
            import_numbered(engine, tmp_path)
            server = SyslogServer(engine, place)
            try:
                yield engine, journal
            finally:
                server.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def test_each_line_whatever_is_killed(surroundings, tallyman, tmp_path, scaled):
    """R1, S73: 0 lost by log query; what a metric query counts above it was in flight at a kill."""
    engine, journal = surroundings
    total = scaled("LOKI_LINES", 20_000, 1_000_000)
    size = FULL if total >= 1_000_000 else QUICK
    writers = Writers(engine, tmp_path / "tally", CONTAINERS, lines=total // len(CONTAINERS),
                      lines_per_second=size.lines_per_second, line_bytes=LINE_BYTES)  # fmt: skip
    with started_server(PrivateLoki) as loki:
        batch = {"age": "200ms", "lines": REQUEST_LINES_MAX}
        route = loki_route("loki", loki.url, TENANT, batch=batch,
                           sink={"requests_max": REQUESTS_MAX})  # fmt: skip
        program = tallyman(engine.data_root, [route], host=engine.host,
                           pins=engine.data_root / "pins",
                           journald={"directory": str(journal.directory)}).start()  # fmt: skip
        program.wait_until_ready()
        writers.start()
        for share, act in plan(size, program, loki):
            writers.wait_for_lines(total * share, timeout_s=120)
            act()
        writers.wait_for_lines(total, timeout_s=120)
        program.wait_until(lambda: delivered(program) >= total,
                           lambda: f"{delivered(program)} of {total} lines are delivered",
                           DELIVERY_SECONDS_MAX)  # fmt: skip
        program.stop()
        assert_conservation(program.state, "loki")
        lost = sum(missing_in(loki, name, writers.tally(name)) for name in writers.names)
        twice = loki.count_over_time(ALL) - total
        deaths = size.kills + size.loki_kills
        in_flight_max = deaths * REQUESTS_MAX * REQUEST_LINES_MAX
        print(f"\nkilled: tallyman {size.kills} times, Loki {size.loki_kills} times, while "
              f"{len(CONTAINERS)} containers of {len(DRIVERS)} drivers wrote {total} lines\n"
              f"  lost by log query: {lost}\n"
              f"  above it by count_over_time: {twice} "
              f"(at most {in_flight_max} were in flight at the {deaths} kills)")  # fmt: skip
        assert lost == 0
        assert 0 <= twice <= in_flight_max
        assert gaps(program.state, "loki") == []


def plan(size, program, loki):
    """[(share of the lines that are written by then, what happens)]: Loki is away for a while each
    time, tallyman comes back at once, also while Loki is away."""
    events = []
    for number in range(size.kills):
        events.append(((number + 1) / (size.kills + 1), lambda: kill_and_start(program)))
    for number in range(size.loki_kills):
        share = (number + 1) / (size.loki_kills + 1)
        events += [(share + 0.02, loki.kill), (share + 0.02 + size.loki_away, loki.start)]
    return sorted(events, key=lambda event: event[0])


def kill_and_start(program):
    assert program.kill(), f"it ended by itself\n{program.log_tail()}"
    program.start()


def delivered(program):
    return sum(tally["lines_delivered"] for tally in tallies(program.state, "loki").values())


def missing_in(loki, name, written):
    lines = loki.lines(f'{{container_name="{name}"}}')
    return missing_lines(written, [(one.labels["stream"], one.time_ns, one.text) for one in lines])
