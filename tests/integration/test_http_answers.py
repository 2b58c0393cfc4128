# SPDX-License-Identifier: Apache-2.0
"""The sink `http` and every answer that a server can give, end to end: the table of
src/sink/http/judge.c from outside.

R1: each line arrives or lies among the dead letters, whatever the server does. R7: what was
acknowledged is not sent again. One program serves all rows, a route each, so that they wait for
their repetitions at the same time.
"""

from dataclasses import dataclass, field

import pytest
from support.docker_root import Container
from support.ledger_book import assert_conservation, letters
from support.stand_in_http import (
    StandInHttp,
    close,
    cut_body,
    garbage,
    hang,
    status,
)
from support.tallyman import Tallyman

LINES = 40
POISON = 17  # the line that a server takes offence at
TOO_MANY = 8  # lines in one body

_LINES = [f"line {number:06}" for number in range(LINES)]


def http_route(name, url, **keys):
    """A route to `url`. What is not of the sink stands in `route`."""
    sink = {"type": "http", "url": url, "timeout": "1s", **keys}
    return {"name": name, "start": "beginning", "batch": {"age": "50ms"}, "sink": sink}


def is_poisoned(request):
    return _LINES[POISON].encode() in request.body


def is_large(request):
    return request.body.count(b"\n") > TOO_MANY


@dataclass(frozen=True)
class Row:
    """What the server does, and what is to be seen of it."""

    orders: tuple = ()  # answers of the first requests; 204 follows
    rule: tuple = ()  # (when, answer): of all requests that are so
    refused: list = field(default_factory=list)  # the numbers of the lines that become dead letters
    reason: str = ""  # of theirs
    repeated: bool = True  # the first request is sent again
    says: str = ""  # in our log
    pause_s: float = 0.0  # at least, before the repetition


def again(answer, says="", pause_s=0.0):
    return Row((answer,), says=says, pause_s=pause_s)


ROWS = {
    "200": Row((status(200),), repeated=False),
    "204": Row((status(204),), repeated=False),
    "200-cut": Row((cut_body(200),), repeated=False),
    "400": Row(rule=(is_poisoned, status(400, body=b"no")), refused=[POISON], reason="http_400"),
    "422": Row(rule=(is_poisoned, status(422)), refused=[POISON], reason="http_422"),
    "418": Row(rule=(is_poisoned, status(418)), refused=[POISON], reason="http_418"),
    "413": Row(rule=(is_large, status(413))),
    "413-one": Row(rule=(is_poisoned, status(413)), refused=[POISON], reason="too_large"),
    "301": again(status(301, {"Location": "/"}), "HTTP 301 (redirects are not followed"),
    "401": again(status(401, body=b"?"), "HTTP 401 (check username and password, or token): ?"),
    "403": again(status(403), "HTTP 403"),
    "404": again(status(404), "HTTP 404 (check the path of url)"),
    "405": again(status(405), "HTTP 405"),
    "407": again(status(407), "HTTP 407"),
    "408": again(status(408), "HTTP 408"),
    "415": again(status(415), "HTTP 415"),
    "429": again(status(429, {"Retry-After": "2"}), "HTTP 429", pause_s=1.9),
    "500": again(status(500, body=b"a\x1b[31m\nb"), "HTTP 500: a [31m b"),
    "503": again(status(503), "HTTP 503"),
    "closed": again(close(), "the connection was closed before the answer"),
    "closed-in-status": again(close(b"HTTP/1.1 20"), "the connection was closed before the answer"),
    "garbage": again(garbage(), "what answered does not speak HTTP"),
    "hung": again(hang(), "timed out: no answer within 1s"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(program, server) once every row has come to its end."""
    directory = tmp_path_factory.mktemp("answers")
    root = directory / "docker"
    (root / "containers").mkdir(parents=True)
    Container(root, "web").write_lines("line", LINES)
    server = StandInHttp()
    for name, row in ROWS.items():
        server.tell(f"/{name}", *row.orders)
        if row.rule:
            server.refuse(f"/{name}", *row.rule)
    routes = [http_route(name, server.url(f"/{name}")) for name in ROWS]
    program = Tallyman(directory / "tallyman", root, routes)
    program.start()
    try:
        program.wait_until(
            lambda: all(is_settled(program, server, name) for name in ROWS),
            lambda: f"settled: {[n for n in ROWS if not is_settled(program, server, n)]} are not",
        )
        yield program, server
    finally:
        program.close()
        server.close()
        print(program.log_tail())


def messages(requests):
    return [entry["message"] for request in requests for entry in request.entries()]


def is_settled(program, server, name):
    arrived = set(messages(server.accepted(f"/{name}")))
    refused = letters(program.state, name) if ROWS[name].refused else ()
    return len(arrived) + len(refused) >= LINES


@pytest.mark.parametrize("name", ROWS)
def test_answer(served, name):
    """R1, R7, R13: no line is lost, none comes twice, and what is wrong is said with the URL."""
    program, server = served
    row = ROWS[name]
    requests = server.requests(f"/{name}")
    kept = [line for number, line in enumerate(_LINES) if number not in row.refused]
    assert sorted(messages(server.accepted(f"/{name}"))) == kept
    if row.orders:
        assert len(requests) == (2 if row.repeated else 1)
    if row.repeated and row.orders:
        assert requests[1].body == requests[0].body
        assert requests[1].at_s - requests[0].at_s >= row.pause_s
    if row.says:
        assert f"{server.url(f'/{name}')}: {row.says}" in program.log().replace('\\"', '"')
    dead = letters(program.state, name)
    refused = [letter["message"].decode() for letter in dead]
    assert refused == [_LINES[number] for number in row.refused]
    assert {letter["reason"] for letter in dead} <= {row.reason}
    assert_conservation(program.state, name)


def test_resources_after_all_answers(served):
    """S1: no thread but those of the routes, no socket but those counted; one or none a route."""
    program, server = served
    resources = program.status()["resources"]
    assert resources["difference"] == 0, resources
    assert resources["threads"]["running"] == 2 + len(ROWS), resources
    counted = resources["descriptors"]["counted"]
    assert counted["lookup"] == 0
    assert counted["sink"] <= len(ROWS)
    assert server.connections() <= counted["sink"]
