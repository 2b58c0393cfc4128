# SPDX-License-Identifier: Apache-2.0
"""R1: a container that is removed while the program is down, with nothing of it kept: each route
that wanted it books that, and no other."""

import sqlite3
import time
from contextlib import closing

import pytest
from support.docker_root import Container
from support.ledger_book import assert_conservation, gaps
from support.tallyman import file_route, pairs


@pytest.fixture
def program(root, tallyman, out):
    """Its routes are older than what a test makes: it has run."""
    routes = [file_route(name, out / name) for name in ("reads", "died")]
    routes.append(file_route("others", out / "others", match={"container_name": "other-*"}))
    program = tallyman(root, routes)
    program.once()
    return program


def made_now(root, name):
    return Container(root, name, created_ns=time.time_ns())


def lose_pins(root):
    for pin in (root / "tallyman-pins").iterdir():
        pin.unlink()


def forget_row(program, route):
    """As if the program had been killed before the route had come to the container."""
    with closing(sqlite3.connect(program.state / "routes" / f"{route}.db")) as book, book:
        book.execute("DELETE FROM sources")


def test_who_misses_it(root, program, out):
    """The route that reads it, and the one that had not come to it; not one that does not want
    it, and not one that is new."""
    made = made_now(root, "web-1")
    expected = made.write_lines("read", 10)
    program.once()
    forget_row(program, "died")
    lose_pins(root)
    made.remove()
    program.configuration["routes"].append(file_route("new", out / "new"))
    program.configure()
    for _ in range(2):  # what is booked once is not booked again
        program.once()
        for route, booked in {"reads": 1, "died": 1, "others": 0, "new": 0}.items():
            assert [(gap.reason, gap.bytes) for gap in gaps(program.state, route)] == [
                ("removed", None)
            ] * booked, route
            assert_conservation(program.state, route)
    assert pairs(out / "reads") == expected


def test_seen_before_its_start(root, program):
    """Made and not started when it was seen last: what it wrote since is not known."""
    made = made_now(root, "web-1")
    made.log.unlink()
    program.once()
    made.remove()
    program.once()
    assert [(gap.reason, gap.bytes) for gap in gaps(program.state, "reads")] == [("removed", None)]
    assert gaps(program.state, "others") == []


def test_read_whole_and_kept(root, program, out):
    """With its pin there is nothing to miss, for as long as it was not full."""
    made = made_now(root, "web-1")
    expected = made.write_lines("read", 10)
    program.once()
    expected += made.write_lines("written without us", 10)
    made.remove()
    program.once()
    assert pairs(out / "reads") == expected
    assert gaps(program.state, "reads") == []
