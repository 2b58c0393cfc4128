# SPDX-License-Identifier: Apache-2.0
"""Loki drops lines and says 204, where a limit meets a stream that is not the last of a push: what
is booked as delivered is there all the same."""

import time

import pytest

from conftest import started_server
from support.docker_root import Container, record
from support.ledger_book import assert_conservation, tallies
from support.private_loki import PrivateLoki
from support.tallyman import loki_route

ALL = '{container_name=~".+"}'
RATE = {"per_stream_rate_limit": "400KB", "per_stream_rate_limit_burst": "400KB"}


@pytest.fixture(scope="module")
def loki():
    with started_server(PrivateLoki) as started:
        yield started


def write(root, name, count, size):
    made = Container(root, name, created_ns=time.time_ns() - 60 * 10**9)
    return [message for _, message in made.write_lines(name, count, size)]


def booked(program, route):
    assert_conservation(program.state, route)
    return sum(tally["lines_delivered"] for tally in tallies(program.state, route).values())


@pytest.mark.parametrize("format", ["protobuf", "json"])
def test_streams_that_are_too_fast(root, tallyman, loki, format):
    """R1: four streams above their rate in one request; each line is there, as often as it was
    written."""
    tenant = f"fast-{format}"
    loki.limit(tenant, **RATE)
    written = write(root, "web-1", 900, 1000) + write(root, "web-2", 900, 1000)
    program = tallyman(root, [loki_route("r", loki.url, tenant, sink={"format": format})])
    program.once()
    assert sorted(line.text for line in loki.lines(ALL, tenant)) == sorted(written)
    assert booked(program, "r") == len(written)


def test_more_than_a_stream_may_have_at_once(root, tallyman, loki):
    """R1: what is larger than the burst would be refused for ever: it comes in halves."""
    loki.limit("burst", **RATE)
    written = write(root, "web-1", 1000, 1000)
    program = tallyman(root, [loki_route("r", loki.url, "burst")])
    program.once()
    assert sorted(line.text for line in loki.lines(ALL, "burst")) == sorted(written)
    assert booked(program, "r") == len(written)


def test_streams_that_are_too_many(root, tallyman, loki):
    """R1: of two streams of one container the first in each push is one too many: its lines wait,
    and are there, once each, when there is room."""
    loki.limit("many", max_global_streams_per_user=1)
    made = Container(root, "web-1", created_ns=time.time_ns() - 60 * 10**9)
    made.append(record("first\n", "stderr", made.tick_ns()))
    program = tallyman(root, [loki_route("r", loki.url, "many")]).start()
    program.wait_until_ready()
    program.wait_until(lambda: booked(program, "r") == 1, "the first arrived")
    written = ["first"] + [message for _, message in made.write_lines("more", 8)]
    program.wait_for_log("event=route.aside")
    assert booked(program, "r") == 1
    loki.limit("many", max_global_streams_per_user=2)
    program.wait_until(lambda: booked(program, "r") == len(written), "all arrived")
    program.stop()
    assert sorted(line.text for line in loki.lines(ALL, "many")) == sorted(written)
    assert loki.count_over_time(ALL, "many") == len(written)
