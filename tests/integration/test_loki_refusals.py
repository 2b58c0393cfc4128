# SPDX-License-Identifier: Apache-2.0
"""What a real Loki does not take: it is set aside alone, booked, and sent again when it may be."""

import json
import time
from functools import partial

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


@pytest.fixture(scope="module")
def loki():
    """One for many tests: each has a tenant of its own, with its limits."""
    with started_server(PrivateLoki, creation_grace_period="100h") as started:
        yield started


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


def dead_letters(program, route=None):
    words = ["--route", route] if route else []
    return [json.loads(line) for line in program.run("dead", "show", *words).stdout.splitlines()]


def messages(loki, tenant=TENANT):
    return sorted(line.text for line in loki.lines(ALL, tenant))


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


# By tenant: its limits, how many of the lines of two containers it refuses, with which reason and
# in which words.
LONG_NAME, LINES = "a-container-with-a-long-name", 3
REFUSALS = {
    "names": ({"max_label_names_per_series": 2}, 2 * LINES, "bad_labels",
              " has 3 label names; limit 2"),
    "name": ({"max_label_name_length": 8}, 2 * LINES, "bad_labels",
             " has label name too long: 'container_name'"),
    "value": ({"max_label_value_length": 20}, LINES, "bad_labels",
              f" has label value too long: '{LONG_NAME}'"),
    "required": ({"enforced_labels": ["team"]}, 2 * LINES, "bad_labels",
                 "missing required labels 'team'"),
    "metadata": ({"max_structured_metadata_size": "60B"}, LINES, "metadata_too_large",
                 " has structured metadata too large: "),
    "metadata-count": ({"max_structured_metadata_entries_count": 1}, LINES,
                       "metadata_too_large", " has too many structured metadata labels: '2'"),
    "length": ({"max_line_size": 10}, 2, "line_too_long", "max entry size '10' bytes exceeded"),
    "ahead": ({"creation_grace_period": "10m"}, 2, "too_far_ahead", " has timestamp too new: "),
}  # fmt: skip


def test_what_loki_refuses(root, tallyman, loki):
    """S66, R1, R7: each of its limits by its own words; what it does not meet arrives."""
    created_ns = time.time_ns() - HOUR_NS // 60
    for name, labels in (("web-1", {"a": "1"}), (LONG_NAME, {"a": "1", "b": "x" * 50})):
        made = Container(root, name, labels, created_ns=created_ns)
        made.write("short")
        made.write("longer than that")
        made.append(record("late\n", "stdout", time.time_ns() + HOUR_NS // 3))
    keys = {"labels": ["container_name", "stream", "host"],
            "structured_metadata": ["container_label_a", "container_label_b"]}  # fmt: skip
    routes = []
    for tenant, (limits, *_) in REFUSALS.items():
        loki.limit(tenant, **limits)
        # A stream whose labels Loki has looked at for one tenant it knows for all of them.
        sink = {**keys, "host": tenant}
        routes.append(loki_route(tenant, loki.url, tenant, sink=sink))
    program = tallyman(root, routes)
    program.once(check=None)
    for tenant, (_, refused, reason, words) in REFUSALS.items():
        letters = dead_letters(program, tenant)
        assert [letter["reason"] for letter in letters] == [reason] * refused, (tenant, letters)
        assert all(words in letter["answer"] for letter in letters), (tenant, letters)
        arrived = [line.text for line in loki.lines(ALL, tenant)]
        dead = [letter["message"] for letter in letters]
        assert sorted(arrived + dead) == sorted(["short", "longer than that", "late"] * 2), tenant
        assert_conservation(program.state, tenant)


def test_lines_too_far_behind(root, tallyman, loki):
    """S66: a clock that was put back: what lies hours behind its stream is refused, it alone."""
    made = Container(root, "web-1", created_ns=time.time_ns() - HOUR_NS // 60)
    made.write("first")
    program = tallyman(root, [loki_route("behind", loki.url, "behind")])
    program.once()
    made.append(record("from before\n", "stdout", time.time_ns() - 3 * HOUR_NS))
    made.append(record("last\n", "stdout", time.time_ns()))
    program.once(check=None)
    (letter,) = dead_letters(program, "behind")
    assert (letter["message"], letter["reason"]) == ("from before", "out_of_order")
    assert "entry too far behind" in letter["answer"]
    assert [line.text for line in loki.lines(ALL, "behind")] == ["first", "last"]


# By tenant: the limits that hold up all of it, and the words.
HELD_UP = {
    "no-metadata": ({"allow_structured_metadata": False},
                    " includes structured metadata, but this feature is disallowed"),
    "blocked": ({"block_ingestion_until": "2199-01-01T00:00:00Z"},
                "ingestion blocked for user 'blocked'"),
}  # fmt: skip


def test_what_holds_up_all(root, tallyman, loki):
    """R1, S66: what has to be put right in Loki is waited for, and no line is a dead letter."""
    made = Container(root, "web-1", {"a": "1"}, created_ns=time.time_ns() - HOUR_NS // 60)
    expected = [message for _, message in made.write_lines("line", GOOD_LINES)]
    for tenant, (limits, _) in HELD_UP.items():
        loki.limit(tenant, **limits)
    program = tallyman(root, [loki_route(tenant, loki.url, tenant) for tenant in HELD_UP]).start()
    program.wait_until_ready()
    for tenant, (_, words) in HELD_UP.items():
        program.wait_until(partial(says, program, tenant, words), f"{tenant} says {words}")
        loki.limit(tenant)
    for tenant in HELD_UP:
        program.wait_until(partial(says, program, tenant, ""), f"{tenant} goes on")
    program.stop()
    for tenant in HELD_UP:
        assert messages(loki, tenant) == expected
        assert dead_letters(program, tenant) == []


def test_a_limit_of_streams(root, tallyman, loki):
    """S66: the containers whose streams are too many wait alone, others go on; with a higher limit
    all is there."""
    loki.limit("streams", max_global_streams_per_user=2)
    created_ns = time.time_ns() - HOUR_NS // 60
    made = [Container(root, f"web-{number}", created_ns=created_ns) for number in range(2)]
    for one in made:
        one.write("first")
    program = tallyman(root, [loki_route("streams", loki.url, "streams")]).start()
    program.wait_until(lambda: len(loki.lines(ALL, "streams")) == 2, "the first arrived")
    late = Container(root, "web-2", created_ns=created_ns)
    late.write("too many")
    program.wait_for_log("event=route.aside")
    assert "maximum active stream limit exceeded when trying to create stream" in program.log()
    for one in made:
        one.write("second")
    program.wait_until(lambda: len(loki.lines(ALL, "streams")) == 4, "the others go on")
    loki.limit("streams", max_global_streams_per_user=3)
    program.wait_until(lambda: len(loki.lines(ALL, "streams")) == 5, "all arrived")
    assert program.status()["routes"][0]["reason"] == ""
    program.stop()
    assert dead_letters(program, "streams") == []
    assert_conservation(program.state, "streams")


def test_labels_that_are_long_or_read_like_answers(root, tallyman, loki):
    """S66, R1: what Loki says is understood behind 600 bytes of labels, and not taken from within
    them; the letter says it, too."""
    created_ns = time.time_ns() - HOUR_NS // 60
    for name, label in (("long", "x" * 600), ("words", "tenant ID"), ("other", "fine")):
        made = Container(root, name, {"team": label}, created_ns=created_ns)
        made.write("short")
        made.write(name + "L" * 500)
        made.append(record(f"late {name}\n", "stdout", time.time_ns() + HOUR_NS // 3))
    loki.limit("words", max_line_size=100, creation_grace_period="10m")
    sink = {"labels": ["container_label_team", "container_name"]}
    program = tallyman(root, [loki_route("words", loki.url, "words", sink=sink)])
    program.once("--timeout", "20s", check=None)
    letters = dead_letters(program, "words")
    reasons = sorted(letter["reason"] for letter in letters)
    assert reasons == ["line_too_long"] * 3 + ["too_far_ahead"] * 3
    said = {"line_too_long": "max entry size", "too_far_ahead": "has timestamp too new"}
    assert all(said[letter["reason"]] in letter["answer"] for letter in letters)
    assert [line.text for line in loki.lines(ALL, "words")] == ["short"] * 3


def test_a_rate_limit_of_a_stream(root, tallyman, loki):
    """S66: a stream that is too fast is waited for, and all of it arrives."""
    loki.limit("rate", per_stream_rate_limit="200KB", per_stream_rate_limit_burst="200KB")
    made = Container(root, "fast", created_ns=time.time_ns() - HOUR_NS // 60)
    lines = [made.write(f"{number:04}".ljust(1000, ".")) for number in range(400)]
    batch = {"age": "100ms", "bytes": "64KiB"}
    program = tallyman(root, [loki_route("rate", loki.url, "rate", batch=batch)])
    program.once()
    assert messages(loki, "rate") == [message for _, message in lines]
    assert dead_letters(program, "rate") == []


def says(program, route, words):
    """Whether it waits with these words; without any, that it does not wait."""
    (found,) = [one for one in program.status()["routes"] if one["name"] == route]
    return words in found["reason"] if words else not found["reason"]
