# SPDX-License-Identifier: Apache-2.0
"""A server that answers 400 to everything, since the path is wrong or somebody else answers.

R1: no line is consumed, none becomes a dead letter. R13: it is said what is wrong, and what to do.
"""

import pytest
from support.ledger_book import assert_conservation, letters
from support.stand_in_http import StandInHttp, status
from support.tallyman import loki_route
from test_http import http_route, messages, route_status, wait_until_waiting

LINES = 300
PAGE = b"<html><body>no such page here</body></html>"
SAYS = "everything is refused since the start, and nothing becomes a dead letter"
REQUESTS_FIRST_MAX = 64  # the search for a culprit
REQUESTS_PER_TRY_MAX = 7
TRIES_MAX = 14


class Wrong:
    """A server that takes nothing until it is put right."""

    def __init__(self, path, code):
        self.http = StandInHttp()
        self.is_wrong = True
        self.http.refuse(path, lambda request: self.is_wrong, status(code, body=PAGE))


@pytest.fixture
def server():
    """server(path, code): such a one."""
    made = []

    def make(*what):
        made.append(Wrong(*what))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


def refuses_everything(program):
    return program.metrics()['tallyman_route_refuses_everything{route="web"}']


@pytest.mark.parametrize("code", [400, 422, 409])
def test_a_wrong_configuration(root, container, tallyman, server, code):
    """R1, R13: held up with the answer's words, cheaply; over a restart, too; put right, each line
    comes once."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    wrong = server("/x", code)
    program = tallyman(root, [http_route(wrong.http.url("/x"))]).start()
    wait_until_waiting(program, SAYS)
    assert PAGE.decode() in route_status(program)["reason"]
    assert refuses_everything(program) == 1
    program.wait_until(lambda: route_status(program)["failures"] >= 4, "it tries again")
    program.stop(expected=1)
    tries = program.log().count("event=route.waiting")
    assert tries == 1, "told once"
    requests = len(wrong.http.requests("/x"))
    assert requests <= REQUESTS_FIRST_MAX + TRIES_MAX * REQUESTS_PER_TRY_MAX
    assert letters(program.state, "web") == []

    program.start()
    wait_until_waiting(program, SAYS)
    wrong.is_wrong = False
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    assert refuses_everything(program) == 0
    program.stop()
    assert messages(wrong.http.accepted("/x")) == expected
    assert letters(program.state, "web") == []
    assert_conservation(program.state, "web")


def test_a_server_that_is_no_loki(root, container, tallyman, server):
    """R1: neither does `loki` take a stranger's 400 for a word on its lines."""
    container("web").write_lines("line", LINES)
    wrong = server("/loki/api/v1/push", 400)
    program = tallyman(root, [loki_route("web", wrong.http.url(), "x")]).start()
    wait_until_waiting(program, SAYS)
    wrong.is_wrong = False
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    assert route_status(program)["lines"]["delivered"] == LINES
    program.stop()
    assert letters(program.state, "web") == []
    assert_conservation(program.state, "web")


def test_a_lonely_culprit(root, container, tallyman, server):
    """R1, R13: a line that the server will never take, before any other: it is held up and said so,
    and becomes a dead letter when another is taken."""
    made = container("web")
    made.write("poison")
    wrong = server("/y", 400)
    wrong.http.refuse("/x", lambda request: b"poison" in request.body, status(400, body=b"bad"))
    program = tallyman(root, [http_route(wrong.http.url("/x"))]).start()
    wait_until_waiting(program, SAYS)
    assert letters(program.state, "web") == []
    made.write("good")
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    program.stop()
    assert messages(wrong.http.accepted("/x")) == ["good"]
    assert [letter["message"] for letter in letters(program.state, "web")] == [b"poison"]
    assert_conservation(program.state, "web")
