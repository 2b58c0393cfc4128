# SPDX-License-Identifier: Apache-2.0
"""A real VictoriaLogs takes what the sinks `loki` and `http` send, and has the same of both."""

import time
from functools import partial

from conftest import started_server
from support.docker_root import Container, LocalContainer, parse_ns, rfc3339
from support.private_victoria_logs import PrivateVictoriaLogs
from support.tallyman import entries, file_route, loki_route

MINUTE_NS = 60 * 10**9
LONG_LINE_BYTES = 1_000_000
READS_ALL = ("-insert.maxLineSizeBytes=8MiB",)
LOKI, JSON = range(2)  # which of `routes`
STREAM_LABELS = ["container_name", "stream"]
HTTP = "/insert/jsonline?_stream_fields=container_name,stream&_msg_field=message&_time_field=time"


def fill(root):
    created_ns = time.time_ns() - 10 * MINUTE_NS
    web = Container(root, "shop-web-1", {"tier": "a"}, created_ns=created_ns)
    web.write_lines("request", 300, size=80)
    web.write("x" * 100_000)
    web.write('"quoted" \\ {a="b"} \t\x1b[1m é 🐳')
    web.write("unterminated", newline=False)
    local = LocalContainer(root, "local-1", created_ns=created_ns)
    local.write(b"\xff no \xc3 UTF-8 \xed\xa0\x80")
    local.write("of stderr", stream="stderr")


def routes(victoria):
    url = victoria.url + "/insert/loki/api/v1/push"
    loki = loki_route("loki", url, "0:0", sink={"labels": STREAM_LABELS})
    http = {**loki, "name": "http",
            "sink": {"type": "http", "url": victoria.url + HTTP, "format": "ndjson"}}  # fmt: skip
    return [loki, http]


def told(victoria):
    """All lines with all fields, by stream and in the order of time."""
    lines = victoria.lines("*")
    return sorted(lines, key=lambda line: (line["_stream"], line["_time"], line["_msg"]))


def expected(path):
    """The same of a file's entries, which know nothing of VictoriaLogs' streams and their ids."""
    lines = []
    for entry in entries(path):
        fields = {name: "true" if value is True else value for name, value in entry.items()}
        stream = ",".join(f'{name}="{fields[name]}"' for name in STREAM_LABELS)
        lines.append({"_time": without_zeros(fields.pop("time")), "_msg": fields.pop("message"),
                      "_stream": f"{{{stream}}}", **fields})  # fmt: skip
    return sorted(lines, key=lambda line: (line["_stream"], line["_time"], line["_msg"]))


def without_zeros(moment):
    return rfc3339(parse_ns(moment))


def test_loki_and_http_say_the_same(root, tallyman, out):
    """Line, time, stream and fields are equal, whichever sink they came by."""
    fill(root)
    answers = []
    for number in range(2):
        with started_server(PrivateVictoriaLogs) as victoria:
            route = routes(victoria)[number]
            tallyman(root, [route, file_route("file", out / route["name"])],
                     name=route["name"]).once()  # fmt: skip
            answers.append(told(victoria))
    by_loki, by_http = answers
    assert by_loki == by_http
    wanted = expected(out / "loki")
    for line, one in zip(by_loki, wanted, strict=True):
        one["_stream_id"] = line["_stream_id"]
        line["_time"] = without_zeros(line["_time"])
        assert line == one
    print(f"\nVictoriaLogs: {len(by_loki)} lines, equal by loki and by http and as they were")


def test_lines_that_are_longer_than_it_reads(root, tallyman):
    """R1: of JSON it drops what is longer than 256 KiB, and says 200; not where it has been told to
    read as much as a line of ours may have, nor of Loki's pushes."""
    made = Container(root, "web-1", created_ns=time.time_ns() - 10 * MINUTE_NS)
    lengths = [1, 200_000, 300_000, LONG_LINE_BYTES]
    for length in lengths:
        made.write("x" * length)
    for words, number, arrive in [((), LOKI, lengths), ((), JSON, [1, 200_000]),
                                  (READS_ALL, JSON, lengths)]:  # fmt: skip
        with started_server(partial(PrivateVictoriaLogs, *words)) as victoria:
            program = tallyman(root, [routes(victoria)[number]], name=f"{number}{len(words)}")
            program.once()
            assert sorted(len(line["_msg"]) for line in victoria.lines("*")) == arrive


def test_empty_lines(root, tallyman):
    """It knows no empty message: whichever way one comes, it puts words of its own in its place."""
    made = Container(root, "web-1", created_ns=time.time_ns() - 10 * MINUTE_NS)
    for text in ("", "  ", "last"):
        made.write(text)
    with started_server(PrivateVictoriaLogs) as victoria:
        tallyman(root, routes(victoria)).once()
        told = sorted(line["_msg"] for line in victoria.lines("*"))
    assert told[:4] == ["  ", "  ", "last", "last"]
    assert len(told) == 6 and all("missing _msg field" in text for text in told[4:])
