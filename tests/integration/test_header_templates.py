# SPDX-License-Identifier: Apache-2.0
"""Headers and tenants made of labels: each line goes with those of its own container."""

from contextlib import closing

import pytest
from conftest import started_server
from support.ledger_book import assert_conservation
from support.private_loki import PrivateLoki
from support.stand_in_http import StandInHttp, status
from support.tallyman import loki_route

LINES = 40
TENANTS = {"web-1": "shop", "web-2": "blog", "web-3": "shop"}


@pytest.fixture
def server():
    with closing(StandInHttp()) as server:
        yield server


@pytest.fixture
def writers(container):
    """The containers, by name; the lines of each tell whose they are."""
    return {name: container(name, labels={"tenant": tenant}) for name, tenant in TENANTS.items()}


def write(writers, prefix):
    for name, writer in writers.items():
        writer.write_lines(f"{name} {prefix}", LINES)


def route(server, **keys):
    sink = {"type": "http", "url": server.url("/x"), "timeout": "2s",
            "headers": {"X-Tenant": "{container_label_tenant}"}, **keys}  # fmt: skip
    return {"name": "web", "start": "beginning", "batch": {"age": "50ms"}, "sink": sink}


def delivered(server, headers=TENANTS):
    """What was taken; every line came with the header of its container."""
    taken = []
    for request in server.accepted("/x"):
        for entry in request.entries():
            assert request.headers["x-tenant"] == headers[entry["container_name"]]
            taken.append(entry["message"])
    return taken


def expected(*prefixes):
    return {f"{name} {prefix} {n:06}" for name in TENANTS for prefix in prefixes
            for n in range(LINES)}  # fmt: skip


def wait_for(program, server, *prefixes):
    wanted = expected(*prefixes)
    program.wait_until(lambda: wanted <= set(delivered(server)), lambda: "all lines have come")


def test_each_line_has_the_header_of_its_container(root, writers, tallyman, server):
    """R1: across answers that want it again, and a kill at which all is under way."""
    write(writers, "first")
    server.tell("/x", status(503), status(429), status(204))
    program = tallyman(root, [route(server)]).start()
    wait_for(program, server, "first")
    away = [True]
    server.refuse("/x", lambda request: bool(away), status(503))
    before = len(server.requests("/x"))
    write(writers, "second")
    program.wait_until(lambda: len(server.requests("/x")) > before, lambda: "one is tried")
    program.kill()
    away.clear()
    program.start()
    wait_for(program, server, "first", "second")
    program.stop()
    assert set(delivered(server)) == expected("first", "second")
    assert_conservation(program.state, "web")


def test_a_label_cannot_begin_a_header(root, container, tallyman, server):
    """R13: nor end the headers; who has no such label is `_`."""
    labels = {"evil": "a\r\nX-Admin: 1\r\n\r\nbody", "none": None, "blank": "  "}
    for name, value in labels.items():
        made = container(name, labels={"tenant": value} if value is not None else {})
        made.write_lines("line", LINES)
    program = tallyman(root, [route(server)])
    program.once()
    shown = {"evil": "a__X-Admin: 1____body", "none": "_", "blank": "_"}
    assert len(delivered(server, shown)) == 3 * LINES
    assert all("x-admin" not in request.headers for request in server.requests("/x"))


def test_a_tenant_that_is_refused_holds_up_no_other(root, writers, tallyman, server):
    """R6: its lines wait, and come when it is let in again."""
    refused = [True]
    server.refuse("/x", lambda request: refused and request.headers["x-tenant"] == "shop",
                  status(403))  # fmt: skip
    program = tallyman(root, [route(server)]).start()
    for prefix in ("first", "second", "third"):
        write(writers, prefix)
        program.wait_until(
            lambda prefix=prefix: f"web-2 {prefix} {LINES - 1:06}" in delivered(server),
            lambda: "the other tenant's lines have come",
        )
    assert all(message.startswith("web-2") for message in delivered(server))
    refused.clear()
    wait_for(program, server, "first", "second", "third")
    program.stop()
    assert sorted(delivered(server)) == sorted(expected("first", "second", "third"))
    assert_conservation(program.state, "web")


def test_a_tenant_that_is_to_come_later(root, writers, tallyman, server):
    """R6, R7: 429 with Retry-After is of that tenant alone, and is heeded."""
    asked_s = 2
    server.tell("/x", status(429, {"Retry-After": str(asked_s)}))
    write(writers, "first")
    program = tallyman(root, [route(server)])
    program.once()
    assert sorted(delivered(server)) == sorted(expected("first"))
    first, *others = server.requests("/x")
    later = [r for r in others if r.headers["x-tenant"] == first.headers["x-tenant"]]
    at_once = [r for r in others if r not in later]
    assert later and all(r.at_s - first.at_s > asked_s - 0.1 for r in later)
    assert at_once and all(r.at_s - first.at_s < asked_s - 0.1 for r in at_once)


def test_dead_letters_are_replayed_with_their_headers(root, writers, tallyman, server):
    """R1: letters of several containers, in one replay."""
    picky = [True]
    server.refuse("/x", lambda request: picky and b"000007" in request.body, status(400))
    write(writers, "first")
    program = tallyman(root, [route(server)])
    program.once()
    assert len(delivered(server)) == 3 * (LINES - 1)
    picky.clear()
    program.run("dead", "replay")
    assert sorted(delivered(server)) == sorted(expected("first"))
    assert_conservation(program.state, "web")


def test_what_is_a_template(root, writers, tallyman, server):
    """R13: what the environment holds is none, nor is a secret; what is printed reads back."""
    write(writers, "first")
    headers = {"X-Tenant": "{container_label_tenant}", "X-Both": "{{${WHAT}}} {container_name}",
               "X-Api-Key": "{container_name}"}  # fmt: skip
    program = tallyman(root, [route(server, headers=headers)])
    environment = {"WHAT": "{image}"}
    printed = program.run("check", "--print", environment=environment).stdout
    assert b'"X-Tenant": "{container_label_tenant}"' in printed
    assert b'"X-Both": "{{{{image}}}} {container_name}"' in printed
    program.once(environment=environment)
    for request in server.requests("/x"):
        (name,) = {entry["container_name"] for entry in request.entries()}
        assert request.headers["x-both"] == "{{image}} " + name
        assert request.headers["x-api-key"] == "{container_name}"
    delivered(server)


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ({"headers": {"X-Foo": "t-{contaner_name}"}},
         'headers.X-Foo: column 3: {contaner_name} is the name of no label (did you mean '
         '"container_name"?)'),
        ({"headers": {"X-Foo": "{image"}}, "headers.X-Foo: column 1: `{` without its `}`"),
        ({"type": "loki", "tenant": "a}"}, "tenant: column 2: `}` without its `{`"),
    ],
)  # fmt: skip
def test_a_wrong_placeholder_is_said_with_its_place(root, tallyman, server, sink, words):
    """R13: before anything is sent."""
    program = tallyman(root, [route(server, **sink)])
    done = program.run("check", check=2)
    assert words in done.stderr
    assert str(program.config_path) + ":" in done.stderr


def test_tenants_of_a_real_loki(root, writers, tallyman):
    """R1: each tenant finds the lines of its containers, and no others."""
    write(writers, "first")
    with started_server(PrivateLoki) as loki:
        program = tallyman(root, [loki_route("loki", loki.url, "t-{container_label_tenant}")])
        program.once()
        for tenant in set(TENANTS.values()):
            found = loki.lines('{container_name=~".+"}', f"t-{tenant}")
            wanted = {line for line in expected("first") if TENANTS[line.split()[0]] == tenant}
            assert sorted(line.text for line in found) == sorted(wanted)
        assert_conservation(program.state, "loki")
