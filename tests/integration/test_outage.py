# SPDX-License-Identifier: Apache-2.0
"""A real Loki is away under load, while Docker rotates at `max-file=2`, containers are removed and
tallyman is restarted: the other route does not notice, and in the end Loki has all."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from conftest import started_server
from support.ledger_book import assert_conservation, gaps, tallies
from support.private_loki import TENANT, PrivateLoki
from support.tallyman import entries, file_route, loki_route
from support.writers import Writers, missing_lines

FIELDS = ["time", "stream", "message", "container_name"]  # of the route to files

CONTAINERS, LINES_PER_SECOND, LINE_BYTES = 6, 500, 200
# A generation is some 2 s. While tallyman is away two of them may end, and nothing is lost.
OPTIONS = ["--log-driver=json-file", "--log-opt=max-size=300k", "--log-opt=max-file=2"]
BEFORE_SECONDS = 3
FILED_SHARE_MIN = 0.9  # of what is written: the route to files keeps up
ANONYMOUS_GROWN_MAX_BYTES = 8 << 20
SPAN_SECONDS_MAX, CATCH_UP_SECONDS_MAX = 900, 300
PAUSE_SECONDS_MAX = 60  # between two tries of a route that fails, with room


@dataclass
class Span:
    """What was measured while some lines were written."""

    name: str
    seconds: float
    written: float  # lines a second
    filed: float  # lines a second of the route to files
    resident_bytes: int  # at its end
    anonymous_bytes: int


class Meter:
    def __init__(self, program, writers):
        self._program = program
        self._writers = writers
        self.spans = []

    def measure(self, name, lines):
        """While so many lines more are written."""
        began, written, filed = time.monotonic(), *self._counts()
        self._writers.wait_for_lines(written + lines, timeout_s=SPAN_SECONDS_MAX)
        seconds = time.monotonic() - began
        rates = [(now - then) / seconds for now, then in zip(self._counts(), (written, filed))]
        self.spans.append(Span(name, seconds, *rates, *memory(self._program.pid)))

    def _counts(self):
        return self._writers.written(), delivered(self._program, "file")

    def table(self):
        rows = [("", "seconds", "written/s", "file route/s", "RSS MiB", "anonymous MiB")]
        rows += [(s.name, f"{s.seconds:.1f}", f"{s.written:.0f}", f"{s.filed:.0f}",
                  f"{s.resident_bytes / 2**20:.1f}", f"{s.anonymous_bytes / 2**20:.1f}")
                 for s in self.spans]  # fmt: skip
        return "\n".join(f"  {row[0]:<26}" + "".join(f"{cell:>15}" for cell in row[1:])
                         for row in rows)  # fmt: skip


def memory(pid):
    """Bytes that are resident, and those of them that are anonymous."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024
            for name in ("VmRSS", "RssAnon")]  # fmt: skip


def delivered(program, route):
    return sum(tally["lines_delivered"] for tally in tallies(program.state, route).values())


def missing_in(lines, writers):
    """(stream, time, text) by the container's name → how many lines of all are missing."""
    return sum(missing_lines(writers.tally(name), lines[name]) for name in writers.names)


def in_loki(loki, name):
    lines = loki.lines(f'{{container_name="{name}"}}')
    return [(line.labels["stream"], line.time_ns, line.text) for line in lines]


def in_file(path, names):
    found = {name: [] for name in names}
    for entry in entries(path):
        found[entry["container_name"]].append((entry["stream"], entry["time"], entry["message"]))
    return found


def test_loki_is_away(engine, docker, tallyman, out, tmp_path, scaled):
    """R1, design 6 and 7: what is not delivered is kept by pins, over `docker rm` and a restart."""
    outage_s = scaled("OUTAGE_SECONDS", 10, 600)
    rate = CONTAINERS * LINES_PER_SECOND
    writers = Writers(engine, tmp_path / "tally",
                      {f"writer-{number}": OPTIONS for number in range(CONTAINERS)},
                      lines_per_second=LINES_PER_SECOND, line_bytes=LINE_BYTES)  # fmt: skip
    path = out / "all.ndjson"
    with started_server(PrivateLoki) as loki:
        routes = [loki_route("loki", loki.url, TENANT), file_route("file", path, fields=FIELDS)]
        program = tallyman(engine.data_root, routes, host=engine.host).start()
        program.wait_until_ready()
        writers.start()
        meter = Meter(program, writers)
        meter.measure("before", rate * BEFORE_SECONDS)
        loki.kill()
        meter.measure("Loki is away", rate * outage_s // 2)
        gone = remove_half(engine, writers, program)
        meter.measure("half removed, restarted", rate // 2 * outage_s // 2)
        kept_bytes = program.metrics()["tallyman_pinned_bytes"]
        assert kept_bytes > 0, "the test is void: Docker has let go of nothing"

        behind = delivered(program, "loki")
        loki.start()
        back = time.monotonic()
        program.wait_until(lambda: delivered(program, "loki") > behind, "it delivers again",
                           PAUSE_SECONDS_MAX)  # fmt: skip
        began = time.monotonic()
        program.wait_until(lambda: delivered(program, "loki") >= writers.written() - rate // 2,
                           lambda: f"{delivered(program, 'loki')} of {writers.written()} lines",
                           CATCH_UP_SECONDS_MAX)  # fmt: skip
        seconds = time.monotonic() - began
        caught_up = delivered(program, "loki") - behind

        writers.stop()
        total = writers.written()
        for route in ("loki", "file"):
            program.wait_until(lambda r=route: delivered(program, r) >= total, f"all of {route}")
        program.stop()
        lost = missing_in({name: in_loki(loki, name) for name in writers.names}, writers)
        print(f"\nan outage of Loki, {CONTAINERS} containers, max-file=2:\n{meter.table()}\n"
              f"  kept by pins: {kept_bytes / 2**20:.1f} MiB\n"
              f"  caught up: {caught_up} lines in {seconds:.1f} s, {caught_up / seconds:.0f}/s, "
              f"begun {began - back:.1f} s after Loki was back\n"
              f"  of {total} lines lost in Loki: {lost}")  # fmt: skip
    for route in ("loki", "file"):
        assert_only_doubts(program, route, gone)
        assert_conservation(program.state, route)
    assert lost == 0
    assert missing_in(in_file(path, writers.names), writers) == 0
    before, *during = meter.spans
    for span in during:
        assert span.filed >= FILED_SHARE_MIN * span.written
        assert span.anonymous_bytes <= before.anonymous_bytes + ANONYMOUS_GROWN_MAX_BYTES


def remove_half(engine, writers, program):
    """Some while tallyman looks on, one while it is away; returns their ids."""
    gone = writers.names[::2]
    writers.stop(gone)
    ids = engine.docker("inspect", "--format={{.Id}}", *gone).stdout.split()
    writers.remove(gone[:-1])
    program.stop(expected=1)  # since the route to Loki has more to deliver
    writers.remove(gone[-1:])
    program.start()
    program.wait_until_ready()
    return set(ids)


def assert_only_doubts(program, route, gone):
    """Nothing is known to be missing. What a container might have written after the last that was
    seen of it, and before it was removed unseen, is booked: nobody can know that it was nothing."""
    for gap in gaps(program.state, route):
        assert gap.source_id in gone and (gap.reason, gap.bytes) == ("removed", None), gap
