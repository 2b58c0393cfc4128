# SPDX-License-Identifier: Apache-2.0
"""The resource equation, counted from outside: threads and descriptors are what it says."""

import shutil

from support import census
from support.docker_root import Container
from support.tallyman import count_lines, file_route

LINES = 5


def lines_of_both(out):
    return [count_lines(out / "one.ndjson"), count_lines(out / "two.ndjson")]


def test_a_thousand_containers(root, tallyman, out, scaled):
    """S1: threads = the monitor, the admin server and the routes; descriptors = base + one per live
    segment; and back to base. The program's own count says the same."""
    count = scaled("MANY", 1000, 1000)
    routes = [file_route("one", out / "one.ndjson"), file_route("two", out / "two.ndjson")]
    program = tallyman(root, routes).start()

    # One container that stays, so that outputs and caches are open in the base.
    first = Container(root, "first")
    first.write_lines("first", LINES)
    program.wait_until(lambda: lines_of_both(out) == [LINES, LINES], "the first container")
    mine = {"segment": root / "containers"}
    base_threads = census.threads(program.pid)
    base = census.descriptors(program.pid, mine)
    assert len(base_threads) == 2 + len(routes), base_threads
    assert base["segment"] == 1, base

    made = [Container(root, f"many-{number}") for number in range(count)]
    for one in made:
        one.write_lines("many", LINES)
    total = (count + 1) * LINES
    program.wait_until(lambda: lines_of_both(out) == [total, total], f"{total} lines twice", 60)
    assert census.threads(program.pid) == base_threads
    full = census.descriptors(program.pid, mine)
    assert full["segment"] == 1 + count, full
    own = program.status()["resources"]
    assert (own["descriptors"]["counted"]["segment"], own["difference"]) == (1 + count, 0), own
    full["segment"] = 1
    assert full == base, "only segments were added"

    for one in made:
        shutil.rmtree(one.directory)
    program.wait_until(
        lambda: census.descriptors(program.pid, mine) == base,
        "descriptors as in the beginning",
        60,
    )
    assert census.threads(program.pid) == base_threads
    assert program.status()["resources"]["difference"] == 0
    program.wait_until(
        lambda: all(pin.name.startswith(first.id) for pin in (root / "tallyman-pins").iterdir()),
        "let go of the removed",
    )
    program.stop()
    assert lines_of_both(out) == [total, total]
