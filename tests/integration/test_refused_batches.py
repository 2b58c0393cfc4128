# SPDX-License-Identifier: Apache-2.0
"""What a batch costs a server that refuses its content, counted by the server; and dead letters
that are full."""

import pytest

from support.ledger_book import assert_conservation, letters, tallies
from support.stand_in_http import StandInHttp, status

LINES = 1000
REQUESTS_MAX = 64  # of one batch, whatever is refused of it


@pytest.fixture
def server():
    server = StandInHttp()
    yield server
    server.close()


def http_route(server, lines=LINES, **keys):
    """All lines in one batch."""
    sink = {"type": "http", "url": server.url("/"), "requests_max": 1}
    batch = {"age": "1s", "lines": lines, "bytes": "16MiB"}
    return {"name": "web", "start": "beginning", "batch": batch, "sink": sink, **keys}


# By name: which lines the server refuses. (Of one that takes none it is not believed.)
POISON = {
    "all but the first": lambda number: number > 0,
    "every second": lambda number: number % 2 == 0,
    "the first and the last": lambda number: number in (0, LINES - 1),
    "one": lambda number: number == 617,
}


@pytest.mark.parametrize("name", POISON)
def test_a_batch_becomes_at_most_so_many_requests(root, container, tallyman, server, name):
    """R1, design 7: at most 64, then the rest of the part goes whole; what is good of other parts
    arrives, and what can be found alone in so many is alone."""
    made = container("web").write_lines("line", LINES)
    lines = [message for _, message in made]
    poison = {line for number, line in enumerate(lines) if POISON[name](number)}
    server.refuse("/", lambda r: any(e["message"] in poison for e in r.entries()), status(400))
    program = tallyman(root, [http_route(server)])
    program.once(check=None)
    requests = server.requests("/")
    assert len(requests[0].entries()) == LINES
    assert len(requests) <= REQUESTS_MAX
    arrived = [e["message"] for request in server.accepted("/") for e in request.entries()]
    dead = [letter["message"].decode() for letter in letters(program.state, "web")]
    assert sorted(arrived + dead) == lines
    assert poison <= set(dead)
    if len(poison) <= 2:
        assert set(dead) == poison
    assert_conservation(program.state, "web")


def test_full_dead_letters_stop_the_route(root, container, tallyman, server):
    """R1, R9, design 7: no line is refused past `dead_letters_max`; the route waits and says so,
    and what it could not refuse is sent when the server takes it."""
    lines = [message for _, message in container("web").write_lines("line", 3000, size=1000)]
    picky = [True]
    server.refuse(
        "/", lambda r: picky and [e["message"] for e in r.entries()] != lines[:1], status(400)
    )
    program = tallyman(root, [http_route(server, 100, dead_letters_max="1MiB")]).start()
    program.wait_until_ready()
    program.wait_until(lambda: "the dead letters are full (1MiB)" in reason(program), "full")
    (trouble,) = program.status()["degraded"]
    assert (trouble["code"], trouble["subject"]) == ("route.waiting", "web")
    bytes_kept = program.metrics()['tallyman_route_dead_letter_bytes{route="web"}']
    assert (1 << 20) * 0.8 < bytes_kept <= 1 << 20
    kept = len(letters(program.state, "web"))
    program.stop(expected=1)
    assert len(letters(program.state, "web")) == kept

    picky.clear()
    program.once()
    dead = [letter["message"].decode() for letter in letters(program.state, "web")]
    assert len(dead) == kept
    arrived = [e["message"] for request in server.accepted("/") for e in request.entries()]
    assert sorted(arrived + dead) == lines
    (tally,) = tallies(program.state, "web").values()
    assert (tally["lines_delivered"], tally["lines_refused"]) == (len(arrived), kept)
    assert_conservation(program.state, "web")


def reason(program):
    (route,) = program.status()["routes"]
    return route["reason"]
