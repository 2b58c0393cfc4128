# SPDX-License-Identifier: Apache-2.0
"""A program's line of ten megabytes: Docker cuts it, we join it up to the cap, and say so."""

from support.ledger_book import assert_conservation, gaps
from support.tallyman import count_lines, entries, file_route

BYTES = 10_000_000
CAP = 1024 * 1024
SCRIPT = f"head -c {BYTES} /dev/zero | tr '\\0' a; echo; echo after"


def test_ten_megabytes(engine, docker, tallyman, out):
    """D31: parts of the cap's size, the first `partial`, the last `continued`; not a byte lost."""
    pieces = -(-BYTES // CAP)
    program = tallyman(engine.data_root, [file_route("all", out / "{container_name}.ndjson")])
    program.start()
    docker("run", "--name", "long", "--network", "none", "busybox", "sh", "-c", SCRIPT, timeout=120)
    path = out / "long.ndjson"
    program.wait_until(lambda: count_lines(path) == pieces + 1, f"{pieces} parts and a line")
    program.stop()
    *parts, after = entries(path)
    assert [len(part["message"]) for part in parts] == [CAP] * (pieces - 1) + [BYTES % CAP]
    assert {letter for part in parts for letter in part["message"]} == {"a"}
    assert [part.get("partial", False) for part in parts] == [True] * (pieces - 1) + [False]
    assert [part.get("continued", False) for part in parts] == [False] + [True] * (pieces - 1)
    assert len({part["time"] for part in parts}) == 1
    assert after["message"] == "after" and "continued" not in after
    assert gaps(program.state, "all") == []
    assert_conservation(program.state, "all")
