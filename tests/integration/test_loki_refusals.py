# SPDX-License-Identifier: Apache-2.0
"""What a real Loki does not take: it is set aside alone, booked, and sent again when it may be."""

import json
import time

import pytest

from conftest import started_server
from support.docker_root import Container, record
from support.ledger_book import assert_conservation, tallies
from support.private_loki import TENANT, PrivateLoki
from support.tallyman import loki_route

ALL = '{container_name=~".+"}'
HOUR_NS, DAY_NS = 3600 * 10**9, 86400 * 10**9
GOOD_LINES = 300
LINE_BYTES_MAX = 1000
OLD_LINES, OLD_REQUESTS_MAX = 100_000, 20
PUSHES = 'loki_request_duration_seconds_count{method="POST",route="loki_api_v1_push"'


def write_poison(root):
    """A batch with a line too long, and one too old, in its midst. Returns all that is good. The
    old one is alone in its stream: Loki takes none that is hours behind others, whatever its age.
    """
    made = Container(root, "web-1", created_ns=time.time_ns() - HOUR_NS // 60)
    good = write_good(made, "before")
    made.write("L" * 5000)
    good += write_good(made, "between")
    made.append(record("from long ago\n", "stderr", time.time_ns() - 3 * DAY_NS))
    return good + write_good(made, "after")


def write_good(made, prefix):
    return [made.write(f"{prefix} {number}")[1] for number in range(GOOD_LINES)]


def dead_letters(program):
    return [json.loads(line) for line in program.run("dead", "show").stdout.splitlines()]


def messages(loki):
    return sorted(line.text for line in loki.lines(ALL))


def pushes(loki):
    """How many requests Loki has answered, by its own count."""
    _, body = loki.ask("/metrics")
    counts = [line for line in body.decode().splitlines() if line.startswith(PUSHES)]
    return sum(int(line.rsplit(" ", 1)[1]) for line in counts)


def test_poison_amid_a_batch(root, tallyman):
    """R1, R7: the two lines that Loki refuses are dead letters, they alone; when its limits are
    raised they are sent again, and all is there."""
    limits = {"max_line_size": LINE_BYTES_MAX, "reject_old_samples_max_age": "24h"}
    with started_server(PrivateLoki, **limits) as loki:
        good = write_poison(root)
        program = tallyman(root, [loki_route("loki", loki.url, TENANT, sink={"max_age": "0"})])
        program.once(check=None)
        sent = pushes(loki)
        assert messages(loki) == sorted(good)
        letters = dead_letters(program)
        assert sorted(letter["reason"] for letter in letters) == ["line_too_long", "too_old"]
        assert_conservation(program.state, "loki")
        (tally,) = tallies(program.state, "loki").values()
        assert (tally["lines_delivered"], tally["lines_refused"]) == (len(good), 2)

        loki.stop()
        loki.limits = {"max_line_size": 0, "reject_old_samples": False}
        loki.start()
        program.run("dead", "replay")
        assert dead_letters(program) == []
        assert messages(loki) == sorted([*good, "L" * 5000, "from long ago"])
        assert_conservation(program.state, "loki")
        print(f"\npoison: {len(good)} good lines, 2 refused alone after {sent} requests, "
              f"replayed; {loki.count_over_time(ALL)} by count_over_time")  # fmt: skip


def test_lines_too_old_are_booked_unsent(root, tallyman):
    """R1: a first start over old history is no storm of refusals: `max_age` books it."""
    made = Container(root, "web-1", created_ns=time.time_ns() - 60 * DAY_NS)
    made.write_lines("old", OLD_LINES)
    made.append(record("young\n", "stdout", time.time_ns() - HOUR_NS // 60))
    with started_server(PrivateLoki) as loki:
        program = tallyman(root, [loki_route("loki", loki.url, TENANT, sink={"max_age": "7d"})])
        program.once()
        assert messages(loki) == ["young"]
        sent = pushes(loki)
        (tally,) = tallies(program.state, "loki").values()
        assert (tally["lines_delivered"], tally["lines_filtered"]) == (1, OLD_LINES)
        assert_conservation(program.state, "loki")
        print(f"\nmax_age: {OLD_LINES} lines older than a week booked, {sent} requests")
        assert 1 <= sent < OLD_REQUESTS_MAX


def test_a_rate_limit_only_delays(root, tallyman):
    """429 of a real Loki: all arrives, as fast as it may."""
    limits = {"ingestion_rate_mb": 1, "ingestion_burst_size_mb": 1}
    with started_server(PrivateLoki, **limits) as loki:
        made = Container(root, "web-1", created_ns=time.time_ns() - HOUR_NS // 60)
        lines = made.write_lines("much", 3000, size=1000)
        batch = {"age": "100ms", "bytes": "256KiB"}
        program = tallyman(root, [loki_route("loki", loki.url, TENANT, batch=batch)])
        program.once()
        assert messages(loki) == sorted(message for _, message in lines)
        assert loki.count_over_time(ALL) == len(lines)
