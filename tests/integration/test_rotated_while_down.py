# SPDX-License-Identifier: Apache-2.0
"""Rotations while the program is down: the cursor finds its place again, also inside a .gz."""

import pytest

from support.docker_root import record
from support.ledger_book import assert_conservation, gaps
from support.numbered import holes, numbers
from support.tallyman import entries, file_route, pairs


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "pins-lost"])
def test_five_rotations(root, container, tallyman, out, compress, pinned):
    """S67: nothing lost, nothing doubled; with the pins, and by fingerprint alone without."""
    made = container("web-1")
    expected = made.write_lines("before", 300)
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    assert pairs(out / "all.ndjson") == expected

    expected += made.write_lines("unread in the same file", 200)
    for generation in range(5):
        made.rotate(max_file=8, compress=compress)
        expected += made.write_lines(f"generation {generation}", 200)
    if not pinned:
        for pin in (root / "tallyman-pins").iterdir():
            pin.unlink()
    program.once()
    assert pairs(out / "all.ndjson") == expected
    assert gaps(program.state, "all") == []
    assert_conservation(program.state, "all")


def test_a_generation_that_is_gone_is_booked(root, container, tallyman, out):
    """Design 6: what came and went while we were down is one gap between its neighbours."""
    made = container("web-1")
    before = made.write_lines("before", 100)
    last_ns = made.last_ns
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    for generation in range(6):
        made.rotate(max_file=3, compress=True)
        lines = made.write_lines(f"generation {generation}", 100)
        if generation == 2:
            lost_to_ns = made.last_ns
        if generation >= 3:
            before += lines
    program.once()
    assert pairs(out / "all.ndjson") == before
    (gap,) = gaps(program.state, "all")
    assert gap.reason == "rotated"
    assert gap.after_ns == last_ns
    assert gap.before_ns is None or gap.before_ns > lost_to_ns
    assert_conservation(program.state, "all")


def test_a_long_line_over_four_generations(root, container, tallyman, out):
    """D31: the chunks of one line are joined across rotations, also those that came while down."""
    made = container("web-1")
    long_line = "".join(chr(97 + n % 26) for n in range(60_000))
    chunks = [long_line[at : at + 16384] for at in range(0, len(long_line), 16384)]
    time_ns = made.tick_ns()
    made.append(record(chunks[0], "stdout", time_ns))
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    before = made.write("before", stream="stderr")
    program.start()
    program.wait_until(lambda: pairs(out / "all.ndjson") == [before], "the other stream")
    program.stop()
    assert pairs(out / "all.ndjson") == [before], "the line is open: a daemon's end is not its end"
    for chunk in chunks[1:]:
        made.rotate(max_file=8, compress=True)
        last = chunk is chunks[-1]
        made.append(record(chunk + "\n" if last else chunk, "stdout", time_ns))
    expected = [before, ("stdout", long_line), made.write("after")]
    program.once()
    assert pairs(out / "all.ndjson") == expected


def test_a_real_engine_rotates_while_down(engine, docker, tallyman, out):
    """S67, S79: the same with Docker's own rotation and compression."""
    options = ["--log-opt", "max-size=100k", "--log-opt", "max-file=9"]
    options += ["--log-opt", "compress=true"]
    docker("run", "-d", "--name", "web-1", "--network", "none", *options,
           "numbered", "/numbered", "500", "0", "100")  # fmt: skip
    docker("wait", "web-1")
    program = tallyman(engine.data_root, [file_route("all", out / "all.ndjson")], host=engine.host)
    program.once()
    assert len(entries(out / "all.ndjson")) == 500
    # The same file goes on: numbers start again with the second run, 4,000 lines, some 6 files.
    docker("run", "-d", "--name", "web-2", "--network", "none", *options,
           "numbered", "/numbered", "4000", "3000", "100")  # fmt: skip
    program.start()
    program.wait_until(lambda: len(entries(out / "all.ndjson")) > 600, "some of the second")
    program.stop()
    docker("wait", "web-2")
    program.once()
    second = [e for e in entries(out / "all.ndjson") if e["container_name"] == "web-2"]
    assert holes(numbers(second, "stdout"), 0, 2999) == []
    assert holes(numbers(second, "stderr"), 0, 999) == []
    assert gaps(program.state, "all") == []
