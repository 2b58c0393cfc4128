# SPDX-License-Identifier: Apache-2.0
"""Logs that the Engine streams, where its files are not to be had (`docker.root: none`)."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import census
from support.ledger_book import assert_conservation, gaps
from support.numbered import numbers, read_tally
from support.tallyman import count_lines, entries, file_route
from support.wait import wait_for

LINES_PER_SECOND, LINE_BYTES, ERR_EACH = 200, 60, 5
CYCLED_AT_ONCE, LINES_A_CYCLE = 10, 5


@pytest.fixture
def streamed(tallyman, engine, out, tmp_path):
    """tallyman without Docker's files, one output for each container."""
    route = file_route("all", out / "{container_name}")
    return tallyman("none", [route], host=engine.host, pins=tmp_path / "pins")


class Writers:
    """Containers that write numbered lines until they are stopped, and book what they wrote."""

    def __init__(self, docker, directory, names_and_options):
        self.docker = docker
        self.directory = directory
        self.directory.mkdir()
        self.names = list(names_and_options)
        for name, options in names_and_options.items():
            (directory / name).touch()
            docker("run", "-d", "--name", name, "--network", "none", "-v", f"{directory}:/tally",
                   *options, "numbered", "/numbered", 0, LINES_PER_SECOND, LINE_BYTES, ERR_EACH,
                   f"/tally/{name}")  # fmt: skip

    def tally(self, name):
        return read_tally(self.directory / name)

    def wait_for_more(self, count=100):
        """Until each has written so many more lines."""
        for name in self.names:
            end = self.tally(name)["stdout"].end + count
            wait_for(lambda n=name, e=end: self.tally(n)["stdout"].end >= e, f"{name} writes")

    def stop(self):
        self.docker("stop", "-t", "5", *self.names)


def assert_each_line_once(program, out, writers):
    """All that was written, and nothing twice; a line in doubt may be missing."""
    for name in writers.names:
        for stream, tally in writers.tally(name).items():
            expected = set(range(tally.end)) - tally.doubtful
            program.wait_until(
                lambda n=name, s=stream, e=expected: e <= found_numbers(out, n, s),
                lambda n=name, s=stream, e=expected: f"{n} {s}: missing "
                f"{sorted(e - found_numbers(out, n, s))[:20]}",
            )
            found = [number for number, _ in numbers(entries(out / name), stream)]
            assert found == sorted(set(found)), f"{name} {stream}: doubled or out of order"


def found_numbers(out, name, stream):
    return {number for number, _ in numbers(entries(out / name), stream)}


def test_frames_terminals_and_long_lines(docker, streamed, out):
    """S73, S77, D31: both forms of the stream; what Docker cut is put together again."""
    script = "echo one; echo two >&2; head -c 40000 /dev/zero | tr '\\0' x; echo; printf tail"
    docker("run", "--name", "frames", "--network", "none", "busybox", "sh", "-c", script)
    docker("run", "-t", "--name", "terminal", "--network", "none", "busybox", "sh", "-c", script)
    docker("run", "--name", "local", "--log-driver", "local", "--network", "none",
           "busybox", "sh", "-c", script)  # fmt: skip
    streamed.start()
    for name in ("frames", "terminal", "local"):
        streamed.wait_until(lambda n=name: count_lines(out / n) == 4, f"four lines of {name}")
        found = [entry["message"] for entry in entries(out / name)]
        assert sorted(found) == sorted(["one", "two", "x" * 40000, "tail"])
    streams = {entry["message"]: entry["stream"] for entry in entries(out / "frames")}
    assert streams["one"] == "stdout" and streams["two"] == "stderr"

    docker("rm", "frames", "terminal", "local")
    spools = streamed.state / "streams"
    streamed.wait_until(lambda: not list(spools.iterdir()), "their spools are removed")
    streamed.stop()


def test_each_line_once_whatever_is_restarted(engine, docker, streamed, out, tmp_path):
    """S77, D60: containers, tallyman and dockerd come and go; each line comes once."""
    writers = Writers(docker, tmp_path / "tally",
                      {"plain": [], "local": ["--log-driver", "local"]})  # fmt: skip
    streamed.start()
    writers.wait_for_more()
    docker("restart", "-t", "5", "plain")
    writers.wait_for_more()

    streamed.stop()
    writers.wait_for_more()
    streamed.start()
    writers.wait_for_more()
    for _ in range(2):
        streamed.kill()
        writers.wait_for_more(30)
        streamed.start()
        writers.wait_for_more(30)

    for number in (signal.SIGTERM, signal.SIGKILL):
        engine.stop_daemon(number)
        engine.start_daemon()
        docker("start", *writers.names)
        writers.wait_for_more()
    writers.stop()
    assert_each_line_once(streamed, out, writers)

    docker("rm", *writers.names)
    spools = streamed.state / "streams"
    streamed.wait_until(lambda: not list(spools.iterdir()), "their spools are removed")
    assert gaps(streamed.state, "all") == []
    streamed.stop()
    assert_conservation(streamed.state, "all")


def test_starts_and_stops_leave_nothing(docker, streamed, out, scaled):
    """S1, D1: the leak that started it all: threads and descriptors are as many as before."""
    rounds = max(2, scaled("STREAM_CYCLES", 40, 2000) // CYCLED_AT_ONCE)
    names = [f"cycled-{n}" for n in range(CYCLED_AT_ONCE)]
    for name in names:
        docker("create", "--name", name, "--network", "none", "numbered", "/numbered",
               LINES_A_CYCLE, 0)  # fmt: skip
    streamed.start()

    def one_round(count):
        with ThreadPoolExecutor(CYCLED_AT_ONCE) as pool:
            list(pool.map(lambda name: docker("start", "-a", name), names))
        for name in names:
            streamed.wait_until(
                lambda n=name: count_lines(out / n) == count * LINES_A_CYCLE,
                lambda n=name: f"{count * LINES_A_CYCLE} lines of {n}: {count_lines(out / n)}",
            )

    def is_quiet():
        """What receives holds the directory of its spool; who reads it only the files."""
        directories = {str(path) for path in (streamed.state / "streams").iterdir()}
        return directories and directories.isdisjoint(census.links(streamed.pid))

    def census_now():
        return census.threads(streamed.pid), census.descriptors(streamed.pid)

    one_round(1)
    streamed.wait_until(is_quiet, "the streams have ended")
    before = census_now()
    for number in range(2, rounds + 1):
        one_round(number)
    streamed.wait_until(
        lambda: is_quiet() and census_now() == before, lambda: f"{before} != {census_now()}"
    )
    assert before[0].count("stream") == 1
    print(f"{rounds * CYCLED_AT_ONCE} cycles; before: {before}; after: {census_now()}")
    for name in names:
        times = [entry["time"] for entry in entries(out / name)]
        assert len(set(times)) == len(times)
    streamed.stop()


def test_once_waits_for_what_the_engine_has(streamed, engine, out):
    """S65, S77: `run --once` ends when all is received that there is by now, of containers that
    have ended and of one that runs on; another one goes on behind it."""
    for name in ("ended", "again"):
        engine.docker("run", "--name", name, "--network", "none", "busybox", "sh", "-c",
                      "seq 1 300; seq 301 310 >&2")  # fmt: skip
    engine.docker("run", "-d", "--name", "runs", "--network", "none", "busybox", "sh", "-c",
                  "seq 1 50; exec sleep 1000")  # fmt: skip
    wait_for(lambda: "50\n" in engine.docker("logs", "runs").stdout, "it has written")

    def messages(name):
        return sorted(int(line["message"]) for line in entries(out / name))

    streamed.once()
    assert messages("ended") == messages("again") == list(range(1, 311))
    assert messages("runs") == list(range(1, 51))

    engine.docker("start", "-a", "again")
    streamed.once()
    assert messages("ended") == list(range(1, 311))
    assert messages("again") == sorted([*range(1, 311)] * 2)
    assert messages("runs") == list(range(1, 51))
    engine.docker("rm", "-f", "ended", "again", "runs")


def test_once_says_that_only_the_engine_could_tell(tallyman, out, tmp_path):
    """R13: one sentence, and no success."""
    program = tallyman("none", [file_route("all", out / "all")], host=f"unix://{tmp_path}/absent",
                       pins=tmp_path / "pins")  # fmt: skip
    assert "only the Engine can tell the logs" in program.once(check=1).stderr
