# SPDX-License-Identifier: Apache-2.0
"""`tallyman dead`: what a sink has refused is shown, sent again or given up; the sums agree."""

import http.client
import json

import pytest
from support.ledger_book import assert_conservation, letters, make_letters, tallies
from support.ports import HOST, free_ports
from support.stand_in_http import StandInHttp, status
from support.tallyman import file_route


def shown(program, *arguments):
    done = program.run("dead", "show", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


def listed(program, *arguments):
    return json.loads(program.run("dead", "ls", "--json", *arguments).stdout)


@pytest.fixture
def made(container):
    one = container("web-1")
    one.write_lines("line", 20)
    return one


@pytest.fixture
def program(root, made, tallyman, out):
    """Two routes with a ledger each; both have delivered 20 lines."""
    program = tallyman(root, [file_route("all", out / "all"), file_route("other", out / "other")])
    program.once()
    return program


LABELS = '{"container_name":"web-1","a":"\\"b\\u0001"}'


def test_r13_letters_are_counted_by_route_and_reason(program, made):
    """For people and for scripts; a route that has none is not there."""
    assert listed(program) == []
    make_letters(program.state, "all", made.id, [b"1", b"2", b"3"])
    make_letters(program.state, "all", made.id, [b"12345"], reason="line_too_long")
    (found,) = listed(program)
    reasons = {one.pop("reason"): one for one in found.pop("reasons")}
    assert reasons == {
        "too_old": {"letters": 3, "bytes": 3},
        "line_too_long": {"letters": 1, "bytes": 5},
    }
    assert found == {
        "route": "all",
        "letters": 4,
        "bytes": 8,
        "bytes_max": None,
        "oldest": "2026-11-18T11:06:40.000000000Z",
        "newest": "2026-11-18T11:06:40.000000002Z",
    }
    head, line = program.run("dead", "ls").stdout.decode().splitlines()
    assert head.split()[:3] == ["ROUTE", "LETTERS", "BYTES"]
    assert line.split()[:3] == ["all", "4", "8"]
    assert "line_too_long 1, too_old 3" in line
    assert listed(program, "--route", "other") == []


def test_r13_letters_are_shown_whole(program, made):
    """What is no UTF-8 is shown as what is; what is JSON already stays as it is."""
    make_letters(program.state, "all", made.id, [b"caf\xc3\xa9 \xff\"\n\0"], labels=LABELS)
    make_letters(program.state, "all", made.id, [b'a \\"b\\u00e4'], form="json")
    make_letters(program.state, "other", made.id, [b"elsewhere"])
    first, second, third = shown(program)
    assert first == {
        "key": 1,
        "route": "all",
        "refused": "2026-11-18T11:06:40.000000000Z",
        "reason": "too_old",
        "answer": "http://x: HTTP 400: entry too far behind",
        "container_id": made.id,
        "container_name": "web-1",
        "stream": "stderr",
        "time": "2026-11-06T21:20:00.000000000Z",
        "serial": 1,
        "offset": 0,
        "labels": {"container_name": "web-1", "a": '"b\x01'},
        "message": 'café �"\n\0',
    }
    assert second["message"] == 'a "bä'
    assert third["route"] == "other"
    assert shown(program, "--route", "all", "--key", 2) == [second]
    assert shown(program, "--limit", 2) == [first, second]
    assert "no such letter" in program.run("dead", "show", "-r", "all", "-k", 9, check=1).stderr


def test_r13_they_are_read_beside_a_running_daemon(program, made):
    """The daemon keeps its books open, and goes on."""
    make_letters(program.state, "all", made.id, [b"1", b"2"])
    program.start()
    program.wait_until_ready()
    assert [one["message"] for one in shown(program)] == ["1", "2"]
    assert listed(program)[0]["letters"] == 2
    done = program.run("dead", "replay", "--dry-run")
    assert done.stdout == b"all: 2 would be sent\n"
    program.stop()
    assert len(letters(program.state, "all")) == 2


def test_r1_dropped_letters_stay_counted_as_refused(program, made):
    """One by its number, then all of a route's; the other route's stay."""
    make_letters(program.state, "all", made.id, [b"1", b"2", b"3"])
    make_letters(program.state, "other", made.id, [b"4"])
    done = program.run("dead", "drop", "--route", "all", "--key", 2)
    assert done.stdout == b"all: 1 dropped, still counted as refused\n"
    assert [one["key"] for one in letters(program.state, "all")] == [1, 3]
    program.run("dead", "drop", "--route", "all", "--key", 2, check=1)
    program.run("dead", "drop", "--route", "all", "--all")
    assert letters(program.state, "all") == []
    assert len(letters(program.state, "other")) == 1
    assert tallies(program.state, "all")[made.id]["lines_refused"] == 3
    assert_conservation(program.state, "all")


def test_a_sink_that_refuses_nothing_takes_no_letters(program, made):
    """After the sink of a route was changed: said, and nothing is lost."""
    make_letters(program.state, "all", made.id, [b"1"])
    done = program.run("dead", "replay", check=1)
    assert "route all: a sink of the type file" in done.stderr
    assert done.stdout == b"all: 0 delivered, 0 refused again, 1 left\n"
    assert len(letters(program.state, "all")) == 1
    done = program.run("dead", "replay", "--route", "other")
    assert done.stdout == b"there are no such letters\n"


# --- sent once more


class Picky:
    """A server that answers 400 to whatever holds a word that it does not like."""

    def __init__(self):
        self.http = StandInHttp()
        self.disliked = {b"poison"}
        self.http.refuse("/push", self._dislikes, status(400, body=b"no poison here"))

    def _dislikes(self, request):
        return any(word in request.body for word in self.disliked)

    def route(self, **keys):
        sink = {"type": "http", "url": self.http.url("/push"), "timeout": "5s", **keys}
        return {"name": "web", "start": "beginning", "batch": {"age": "50ms"}, "sink": sink}

    def messages(self):
        return sorted(
            entry["message"]
            for request in self.http.accepted("/push")
            for entry in request.entries()
        )


@pytest.fixture
def picky():
    server = Picky()
    yield server
    server.http.close()


GOOD = [f"line {number}" for number in range(50)]
POISON = ["poison 1", "poison 2"]


def write_all(container):
    """Good lines, and two that are not, in their midst."""
    made = container("web-1", labels={"a": "b"})
    for number, line in enumerate(GOOD):
        if number in (20, 35):
            made.write(POISON[number == 35])
        made.write(line)
    return made


def wait_for_letters(program, count):
    program.wait_until(lambda: len(shown(program)) == count, f"{count} letters")


def assert_sums(program, made, delivered, refused):
    tally = tallies(program.state, "web")[made.id]
    assert (tally["lines_delivered"], tally["lines_refused"]) == (delivered, refused)
    assert_conservation(program.state, "web")


def test_r1_replayed_alone(root, container, tallyman, picky):
    """Without a daemon: what is refused again stays, with its new answer; what is delivered has
    its labels, and is counted so."""
    made = write_all(container)
    program = tallyman(root, [picky.route()])
    program.once()
    assert picky.messages() == sorted(GOOD)
    before = shown(program)
    assert [one["message"] for one in before] == POISON
    assert {one["reason"] for one in before} == {"http_400"}
    assert "no poison here" in before[0]["answer"]
    assert before[0]["labels"]["container_label_a"] == "b"
    assert_sums(program, made, 50, 2)

    done = program.run("dead", "replay")
    assert done.stdout == b"web: 0 delivered, 2 refused again, 0 left\n"
    assert [one["refused"] for one in shown(program)] > [one["refused"] for one in before]
    assert_sums(program, made, 50, 2)

    picky.disliked = {b"poison 1"}
    done = program.run("dead", "replay")
    assert done.stdout == b"web: 1 delivered, 1 refused again, 0 left\n"
    assert picky.messages() == sorted([*GOOD, "poison 2"])
    assert_sums(program, made, 51, 1)
    picky.disliked = set()
    done = program.run("dead", "replay", "--route", "web", "--reason", "http_400")
    assert done.stdout == b"web: 1 delivered, 0 refused again, 0 left\n"
    entry = picky.http.accepted("/push")[-1].entries()[0]
    assert (entry["message"], entry["container_label_a"]) == ("poison 1", "b")
    assert_sums(program, made, 52, 0)


def test_r13_an_outage_ends_it(root, container, tallyman, picky):
    """Said, with what is left; the next one does it."""
    made = write_all(container)
    program = tallyman(root, [picky.route()])
    program.once()
    picky.disliked = set()
    picky.http.tell("/push", status(503))
    done = program.run("dead", "replay", check=1)
    assert done.stdout == b"web: 0 delivered, 0 refused again, 2 left\n"
    assert "route web: " in done.stderr and "503" in done.stderr
    assert_sums(program, made, 50, 2)
    program.run("dead", "replay")
    assert_sums(program, made, 52, 0)


def test_r1_replayed_by_the_running_daemon(root, container, tallyman, picky):
    """Beside its lines, which go on; one letter by its number, then what is left."""
    made = write_all(container)
    program = tallyman(root, [picky.route()]).start()
    wait_for_letters(program, 2)
    done = program.run("dead", "replay")
    assert done.stdout == b"web: 0 delivered, 2 refused again, 0 left\n"
    picky.disliked = set()
    done = program.run("dead", "replay", "--route", "web", "--key", 2)
    assert done.stdout == b"web: 1 delivered, 0 refused again, 0 left\n"
    assert [one["message"] for one in shown(program)] == ["poison 1"]
    done = program.run("dead", "replay", "--reason", "other")
    assert done.stdout == b"there are no such letters\n"
    picky.http.tell("/push", status(503))
    done = program.run("dead", "replay", check=1)
    assert "503" in done.stderr and b"1 left" in done.stdout
    done = program.run("dead", "replay")
    assert done.stdout == b"web: 1 delivered, 0 refused again, 0 left\n"
    made.write("later")
    wanted = sorted([*GOOD, *POISON, "later"])
    program.wait_until(lambda: picky.messages() == wanted, "the lines go on")
    counted = program.metrics()
    assert counted['tallyman_route_dead_letters_redeemed_total{route="web"}'] == 2
    assert counted['tallyman_route_dead_letters{route="web"}'] == 0
    program.stop()
    assert_sums(program, made, 53, 0)


def test_what_the_admin_server_says(root, container, tallyman, picky):
    """A replay is begun by a POST that no web page has sent; how far it is can be asked."""
    write_all(container)
    out_of_it = file_route("file", root / "file.ndjson")
    program = tallyman(root, [picky.route(), out_of_it]).start()
    wait_for_letters(program, 2)
    dead, replay = "/api/v1/routes/web/dead", "/api/v1/routes/web/dead/replay"

    code, headers, body = program.ask(dead)
    told = json.loads(body)
    assert (code, headers["Content-Type"]) == (200, "application/json")
    assert (told["route"], told["letters"], told["replay"]) == ("web", 2, None)
    assert told["bytes"] > 2 * len(POISON[0])

    for method, target, sent, expected in [
        ("GET", replay, {}, 405),
        ("PUT", replay, {}, 405),
        ("POST", dead, {}, 405),
        ("POST", replay, {"Origin": "http://evil.example"}, 403),
        ("POST", replay, {"Origin": "null"}, 403),
        ("POST", f"{replay}?key=x", {}, 400),
        ("POST", f"{replay}?key=-1", {}, 400),
        ("POST", "/api/v1/routes/nobody/dead/replay", {}, 404),
        ("GET", "/api/v1/routes/nobody/dead", {}, 404),
        ("GET", "/api/v1/routes/web/dead/", {}, 404),
        ("GET", "/api/v1/routes/web", {}, 404),
        ("POST", "/api/v1/routes/file/dead/replay", {}, 409),
    ]:
        assert program.ask(target, method, headers=sent)[0] == expected, (method, target, sent)
    assert program.ask(replay)[1]["Allow"] == "POST"
    assert json.loads(program.ask(dead)[2])["replay"] is None, "none of these began one"

    picky.disliked = set()
    code, _, body = program.ask(f"{replay}?reason=http_400", "POST", body="ignored")
    assert (code, json.loads(body)) == (202, {"route": "web", "number": 1})
    program.wait_until(lambda: json.loads(program.ask(dead)[2])["replay"]["state"] == "done", "end")
    told = json.loads(program.ask(dead)[2])
    assert told == {
        "route": "web", "letters": 0, "bytes": 0, "drop": None,
        "replay": {"number": 1, "state": "done", "delivered": 2, "refused": 0, "left": 0,
                   "text": ""},
    }  # fmt: skip
    program.stop()


def test_r1_dropped_by_the_running_daemon(root, container, tallyman, picky):
    """One by its number, then the rest, also where the sink writes through: they stay counted as
    refused, and the lines go on."""
    made = write_all(container)
    program = tallyman(root, [picky.route(), file_route("file", root / "file.ndjson")])
    program.once()
    make_letters(program.state, "file", made.id, [b"1"])
    program.start()
    program.wait_until_ready()
    wait_for_letters(program, 3)
    done = program.run("dead", "drop", "--route", "web", "--key", 2)
    assert done.stdout == b"web: 1 dropped, still counted as refused\n"
    assert [one["message"] for one in shown(program, "--route", "web")] == ["poison 1"]
    assert program.metrics()['tallyman_route_dead_letters{route="web"}'] == 1
    done = program.run("dead", "drop", "--route", "web", "--key", 2, check=1)
    assert "route web has no such letter" in done.stderr
    done = program.run("dead", "drop", "--route", "web", "--all")
    assert done.stdout == b"web: 1 dropped, still counted as refused\n"
    done = program.run("dead", "drop", "--route", "file", "--all")
    assert done.stdout == b"file: 1 dropped, still counted as refused\n"
    assert shown(program) == []
    made.write("later")
    program.wait_until(lambda: "later" in picky.messages(), "the lines go on")
    program.stop()
    assert_sums(program, made, 51, 2)
    assert_conservation(program.state, "file")


def test_r13_nothing_is_dropped_that_was_not_named(root, container, tallyman, picky):
    """By a POST that no web page has sent, of one letter or of all in so many words."""
    write_all(container)
    program = tallyman(root, [picky.route()]).start()
    wait_for_letters(program, 2)
    dead, drop = "/api/v1/routes/web/dead", "/api/v1/routes/web/dead/drop"
    evil = {"Origin": "http://evil.example"}
    for method, target, sent, expected in [
        ("GET", f"{drop}?all=true", {}, 405),
        ("DELETE", f"{drop}?all=true", {}, 405),
        ("POST", f"{drop}?all=true", evil, 403),
        ("POST", drop, {}, 400),
        ("POST", f"{drop}?all", {}, 400),
        ("POST", f"{drop}?all=1", {}, 400),
        ("POST", f"{drop}?all=false", {}, 400),
        ("POST", f"{drop}?all=1&key=1", {}, 400),
        ("POST", f"{drop}?all=true&key=1", {}, 400),
        ("POST", f"{drop}?key=", {}, 400),
        ("POST", f"{drop}?key=0", {}, 400),
        ("POST", f"{drop}?all=true&reason=http_400", {}, 400),
        ("POST", "/api/v1/routes/nobody/dead/drop?all=true", {}, 404),
    ]:
        assert program.ask(target, method, headers=sent)[0] == expected, (method, target, sent)
    told = json.loads(program.ask(dead)[2])
    assert (told["letters"], told["drop"]) == (2, None)

    code, _, body = program.ask(f"{drop}?all=true", "POST")
    assert (code, json.loads(body)) == (202, {"route": "web", "number": 1})
    program.wait_until(lambda: json.loads(program.ask(dead)[2])["drop"]["state"] == "done", "end")
    told = json.loads(program.ask(dead)[2])
    assert told["drop"] == {"number": 1, "state": "done", "dropped": 2, "text": ""}
    assert told["letters"] == 0
    program.stop()


def test_the_daemon_is_asked_at_its_port(root, container, tallyman, picky):
    """admin.listen may be an address; where it is none, it is said what to do."""
    listen = f"{HOST}:{free_ports(1)[0]}"
    write_all(container)
    program = tallyman(root, [picky.route()])
    program.configuration["admin"] = {"listen": listen}
    program.configure()
    program.start()
    wait_for_letters(program, 2)
    program.wait_for_log("admin.listening")
    picky.disliked = set()
    connection = http.client.HTTPConnection(listen, timeout=10)
    connection.request("GET", "/api/v1/routes/web/dead")
    assert connection.getresponse().status == 200
    connection.close()
    done = program.run("dead", "replay")
    assert done.stdout == b"web: 2 delivered, 0 refused again, 0 left\n"
    program.stop()


def test_a_daemon_that_cannot_be_asked(root, container, tallyman, picky):
    """No admin.listen: said, and nothing is sent behind its back."""
    write_all(container)
    program = tallyman(root, [picky.route()], admin={"listen": "none"}).start()
    wait_for_letters(program, 2)
    assert "it has no admin.listen" in program.run("dead", "replay", check=1).stderr
    program.stop()
    assert len(letters(program.state, "web")) == 2


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "ls, show, replay or drop?"),
        (["burn"], "ls, show, replay or drop?"),
        (["ls", "more"], "unexpected 'more'"),
        (["ls", "--all"], "ls does not take"),
        (["show", "--key", "1"], "needs --route"),
        (["show", "--key", "0", "--route", "all"], "--key takes a number"),
        (["show", "--limit", "-3"], "--limit takes a number"),
        (["drop", "--all"], "drop takes --route"),
        (["drop", "--route", "all"], "drop takes --route"),
        (["drop", "--route", "all", "--all", "--key", "1"], "drop takes --route"),
        (["ls", "--route", "nobody"], "no route 'nobody'"),
    ],
)
def test_misuse(program, arguments, said):
    """Exit status 2, and what would be right."""
    assert said in program.run("dead", *arguments, check=2).stderr
