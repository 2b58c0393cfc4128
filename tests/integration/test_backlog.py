# SPDX-License-Identifier: Apache-2.0
"""What a route has still to deliver, and what is at risk meanwhile: exact, and told beforehand
(design 6, R9, R10)."""

import re
import time

import pytest

from support.docker_root import LocalContainer
from support.ledger_book import gaps
from support.stand_in_http import StandInHttp, status
from support.tallyman import count_lines, file_route

PINS_MAX_BYTES = 100 * 1024


@pytest.fixture
def server():
    """One that answers 503 until `server.works` is set."""
    made = StandInHttp()
    made.works = False
    made.refuse("/", lambda request: not made.works, status(503))
    yield made
    made.close()


def stuck(out):
    """A path that cannot be written as long as a directory stands there."""
    path = out / "all.ndjson"
    path.mkdir()
    return path


def now_container(container, name):
    """A container that has begun just now: its lines are as old as they are."""
    return container(name, created_ns=time.time_ns())


def of_route(program, metric, route):
    return program.metrics().get(f'tallyman_{metric}{{route="{route}"}}')


def backlog(program, route):
    return of_route(program, "route_backlog_bytes", route)


def log_bytes(*containers):
    files = [file for made in containers for file in made.log.parent.glob("*.log*")]
    return sum(file.stat().st_size for file in files)


def pinned_sizes(root):
    """Of pins that alone keep their files."""
    files = [pin.stat() for pin in (root / "tallyman-pins").iterdir()]
    return [file.st_size for file in files if file.st_nlink == 1]


def test_backlog_is_what_lies_there_until_it_is_delivered(root, container, tallyman, out):
    """R10: exact, with all rotations, a compressed one as it lies there, and also what comes while
    the sink fails; the other route has none. `ls` says the same where nothing is compressed."""
    old, young = now_container(container, "old"), now_container(container, "young")
    framed = LocalContainer(root, "framed", created_ns=time.time_ns())
    lines = old.write_lines("packed", 3000)
    old.rotate(compress=True)
    lines += old.write_lines("plain", 100)
    old.rotate()
    lines += young.write_lines("young", 10)
    for number in range(10):
        framed.write(f"framed {number}")
    routes = [file_route("stuck", stuck(out)), file_route("well", out / "well")]
    program = tallyman(root, routes).start()
    program.wait_until_ready()
    program.wait_until(lambda: of_route(program, "route_up", "stuck") == 0, "it cannot deliver")
    assert backlog(program, "stuck") == log_bytes(old, young, framed)

    before = log_bytes(young)
    lines += young.write_lines("later", 50)
    assert log_bytes(young) > before
    program.wait_until(lambda: backlog(program, "stuck") == log_bytes(old, young, framed), "more")
    age = of_route(program, "route_backlog_seconds", "stuck")
    lasted = time.time() - old.created_ns / 1e9
    assert lasted - 1 < age <= lasted
    program.wait_until(
        lambda: of_route(program, "route_backlog_seconds", "stuck") >= age + 0.1, "it grows"
    )
    (told,) = [route for route in program.status()["routes"] if route["name"] == "stuck"]
    assert told["backlog"]["bytes"] == log_bytes(old, young, framed)
    listed = {one["name"]: one["routes"][0]["backlog_bytes"] for one in program.ls()}
    assert listed["young"] == log_bytes(young)
    assert listed["framed"] == log_bytes(framed)

    everything = len(lines) + 10
    program.wait_until(lambda: count_lines(out / "well") == everything, "the other has all")
    program.wait_until(lambda: backlog(program, "well") == 0, "and nothing left")
    assert of_route(program, "route_backlog_seconds", "well") == 0
    (out / "all.ndjson").rmdir()
    program.wait_until(lambda: count_lines(out / "all.ndjson") == everything, "all lines")
    program.wait_until(lambda: backlog(program, "stuck") == 0, "nothing is left")
    assert of_route(program, "route_backlog_seconds", "stuck") == 0
    program.stop()


def test_backlog_of_requests_in_flight(root, container, tallyman, out, server):
    """R10: what was read and sent counts until it is answered, with what comes behind it."""
    made = [now_container(container, name) for name in "abc"]
    sink = {"type": "http", "url": server.url("/"), "format": "ndjson", "requests_max": 1}
    batch = {"age": "50ms", "lines": 50}
    route = {"name": "web", "start": "beginning", "batch": batch, "sink": sink}
    program = tallyman(root, [route]).start()
    program.wait_until_ready()
    assert backlog(program, "web") == 0
    for one in made:
        one.write_lines("line", 200)
    program.wait_until(lambda: server.requests("/"), "it is sent")
    for _ in range(5):
        made[0].write_lines("behind", 10)
        program.wait_until(lambda: backlog(program, "web") == log_bytes(*made), "all counts")
    age = of_route(program, "route_backlog_seconds", "web")
    lasted = time.time() - min(one.created_ns for one in made) / 1e9
    assert lasted - 1 < age <= lasted
    program.wait_until(
        lambda: of_route(program, "route_backlog_seconds", "web") > age + 0.1, "it grows"
    )
    server.works = True
    program.wait_until(lambda: backlog(program, "web") == 0, "nothing is left")
    assert sum(len(request.lines()) for request in server.accepted("/")) == 650
    program.stop()


def test_pins_are_told_before_any_is_lost(root, container, tallyman, out):
    """R9, R10, design 6: bytes at risk to the byte, for whom; a trouble from 80 % on, before the
    first is given up, and gone when they are read; one line in the log at each change."""
    made = container("web")
    routes = [file_route("stuck", stuck(out)), file_route("well", out / "well")]
    program = tallyman(root, routes, pins_max=f"{PINS_MAX_BYTES // 1024}KiB").start()
    program.wait_until_ready()
    assert program.metrics()["tallyman_pins_max_bytes"] == PINS_MAX_BYTES

    written = 0

    def keep_another():
        nonlocal written
        made.write_lines("x", 100, size=70)
        written += 100
        inode = made.log.stat().st_ino
        program.wait_until(lambda: inode in pinned_inodes(root), "it is pinned")
        program.wait_until(lambda: count_lines(out / "well") == written, "the other reads it")
        before = len(pinned_sizes(root))
        made.rotate(max_file=2)
        (made.directory / (made.log.name + ".1")).unlink()
        if not troubles(program):
            program.wait_until(lambda: len(pinned_sizes(root)) == before + 1, "it alone keeps it")

    while sum(pinned_sizes(root)) < PINS_MAX_BYTES * 6 // 10:
        keep_another()
    at_risk = sum(pinned_sizes(root))
    program.wait_until(lambda: program.metrics()["tallyman_pinned_bytes"] == at_risk, "counted")
    assert of_route(program, "route_pinned_bytes", "stuck") == at_risk
    made.write_lines("x", 1)  # until then a route stays at the end of the file before
    written += 1
    program.wait_until(lambda: of_route(program, "route_pinned_bytes", "well") == 0, "it has read")
    assert troubles(program) == [] and "pins.filling" not in program.log()

    while not troubles(program):
        keep_another()
        program.wait_until(
            lambda: program.metrics()["tallyman_pinned_bytes"] == sum(pinned_sizes(root)), "counted"
        )
    assert PINS_MAX_BYTES * 8 // 10 <= sum(pinned_sizes(root)) <= PINS_MAX_BYTES
    (trouble,) = troubles(program)
    assert "route stuck" in trouble["reason"] and "100KiB" in trouble["reason"]
    assert "pins.quota" not in program.log(), "nothing is lost yet"
    assert program.metrics()['tallyman_degraded{code="pins.filling"}'] == 1

    while "pins.quota" not in program.log():
        keep_another()
    assert program.log().count("event=pins.filling") == 1
    made.write_lines("x", 1)
    (out / "all.ndjson").rmdir()
    program.wait_until(lambda: troubles(program) == [], "healed")
    program.wait_until(lambda: program.metrics()["tallyman_pinned_bytes"] == 0, "all is let go")
    assert of_route(program, "route_pinned_bytes", "stuck") == 0
    assert len(re.findall(r"event=health.healed .*code=pins.filling", program.log())) == 1
    program.stop()
    assert {gap.reason for gap in gaps(program.state, "stuck")} == {"pin_quota"}


def troubles(program):
    return [one for one in program.status()["degraded"] if one["code"] == "pins.filling"]


def pinned_inodes(root):
    return {pin.stat().st_ino for pin in (root / "tallyman-pins").iterdir()}
