# SPDX-License-Identifier: Apache-2.0
"""The sink `loki` and a real Loki: what has arrived is what LogQL finds.

A route to files beside it, whose output other tests prove, tells what is to be found.
"""

import re
import socket
import time

import pytest

from conftest import started_server
from support.docker_root import Container, LocalContainer, parse_ns, record
from support.ledger_book import assert_conservation
from support.private_loki import PrivateLoki
from support.tallyman import entries, file_route, loki_route

ALL = '{container_name=~".+"}'
MINUTE_NS = 60 * 10**9
LONG_LINE = "".join(chr(97 + n % 26) for n in range(200 * 1024))

COMPRESSIONS = {"protobuf": ["snappy", "none"], "json": ["gzip", "none"]}

# D48: what makes a stream; all else goes along with each line.
STREAM_LABELS = {"container_name", "compose_project", "compose_service", "stream", "host", "source",
                 "service"}  # fmt: skip
NO_LABEL = {"time", "message"}


@pytest.fixture(scope="module")
def loki():
    with started_server(PrivateLoki) as server:
        yield server


@pytest.fixture
def tenant(request):
    """A tenant of the test's own: it sees none but its lines."""
    return re.sub(r"\W", "_", request.node.name)


def recent_ns():
    return time.time_ns() - 10 * MINUTE_NS


def fill(root):
    """Containers of several shapes; how many lines they have."""
    shop = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "tier": "a"}
    web = Container(root, "shop-web-1", shop, created_ns=recent_ns())
    lines = web.write_lines("request", 500, size=100)
    lines += [web.write("", stream=stream) for stream in ("stdout", "stderr")]
    lines += [web.write(LONG_LINE), web.write('"quoted" \\ {a="b"} \t\x1b[1m\u2028 é 🐳')]
    lines += [web.write("unterminated", newline=False)]
    Container(root, "terminal", tty=True, created_ns=recent_ns()).write("of a terminal\r")
    local = LocalContainer(root, "local-1", {"tier": "b"}, created_ns=recent_ns())
    for raw in (b"plain", b"", b"\xff no \xc3 UTF-8 \xed\xa0\x80", b"nul \0 and bell \a"):
        local.write(raw)
        local.write(raw, stream="stderr")
    return len(lines) + 1 + 8


def found(loki, tenant, selector=ALL):
    """What LogQL finds, as entries: a line with all that goes along, and which of it are labels."""
    return [
        ({"time_ns": line.time_ns, "message": line.text, **line.labels, **line.metadata},
         set(line.labels))
        for line in loki.lines(selector, tenant)
    ]  # fmt: skip


def expected(path):
    """The same of a file's entries, in the order of Loki's answers."""
    streams = {}
    for entry in entries(path):
        labels = {key: text(value) for key, value in entry.items() if key not in NO_LABEL}
        labels["host"] = socket.gethostname()
        one = {"time_ns": parse_ns(entry["time"]), "message": entry["message"], **labels}
        indexed = STREAM_LABELS & set(labels)
        key = tuple(sorted((name, labels[name]) for name in indexed))
        streams.setdefault(key, []).append((one, indexed))
    return [one for _, ones in sorted(streams.items()) for one in ones]


def text(value):
    return "true" if value is True else value


def test_each_line_with_its_labels(loki, root, tallyman, out, tenant):
    """D48, R1: each line once, at its nanosecond, in order; few labels make a stream."""
    count = fill(root)
    routes = [loki_route("loki", loki.url, tenant), file_route("file", out / "all.ndjson")]
    program = tallyman(root, routes)
    program.once()
    wanted = expected(out / "all.ndjson")
    assert len(wanted) == count
    assert found(loki, tenant) == wanted
    assert loki.count_over_time(ALL, tenant) == count
    assert_conservation(program.state, "loki")


def test_each_form_says_the_same(loki, root, tallyman, tenant):
    """JSON or protobuf, compressed or not: the same lines."""
    count = fill(root)
    forms = [{"format": form, "compression": compression}
             for form in ("protobuf", "json") for compression in COMPRESSIONS[form]]  # fmt: skip
    tenants = [f"{tenant}-{number}" for number in range(len(forms))]
    tallyman(root, [loki_route(one, loki.url, one, sink=form)
                    for one, form in zip(tenants, forms)]).once()  # fmt: skip
    first, *others = [found(loki, one) for one in tenants]
    assert len(first) == count
    assert all(other == first for other in others)


def test_chosen_labels_make_the_stream(loki, root, tallyman, tenant):
    """D48: `labels` of the sink takes the place of the usual ones."""
    fill(root)
    labels = ["container_name", "container_label_tier"]
    tallyman(root, [loki_route("loki", loki.url, tenant, sink={"labels": labels})]).once()
    indexed = {line["container_name"]: names for line, names in found(loki, tenant)}
    assert indexed == {"shop-web-1": set(labels), "local-1": set(labels),
                       "terminal": {"container_name"}}  # fmt: skip


def test_equal_lines_of_one_nanosecond(loki, root, tallyman, tenant):
    """Loki takes equal lines of one stream and nanosecond for one: all ten arrive, apart by one
    nanosecond each, with the time that they had."""
    twins = Container(root, "twins", created_ns=recent_ns())
    time_ns = twins.tick_ns()
    twins.append(10 * record("the same\n", "stdout", time_ns))
    twins.append(record("another\n", "stdout", time_ns))
    twins.append(10 * record("the same\n", "stderr", time_ns))
    program = tallyman(root, [loki_route("loki", loki.url, tenant)])
    program.once()
    for stream in ("stdout", "stderr"):
        lines = loki.lines(f'{{stream="{stream}"}} |= "same"', tenant)
        assert [line.text for line in lines] == ["the same"] * 10
        assert [line.time_ns for line in lines] == [time_ns + n for n in range(10)]
        own_times = [line.metadata.get("time") for line in lines]
        assert own_times[0] is None and {parse_ns(told) for told in own_times[1:]} == {time_ns}
    (other,) = loki.lines(ALL + ' |= "another"', tenant)
    assert other.time_ns == time_ns
    assert loki.count_over_time(ALL, tenant) == 21
