# SPDX-License-Identifier: Apache-2.0
"""`tallyman dead`: what a sink has refused is shown, sent again or given up; the sums agree."""

import json

import pytest
from support.ledger_book import assert_conservation, letters, make_letters, tallies
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
    done = program.run("dead", "drop", "--route", "all", "--all", check=1)
    assert "in use by another tallyman" in done.stderr
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
