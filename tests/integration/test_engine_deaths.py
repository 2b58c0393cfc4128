# SPDX-License-Identifier: Apache-2.0
"""dockerd dies again and again while containers of all drivers write: what it left on disk is
delivered once."""

import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import started_engine
from support import census, syslog_server
from support.ledger_book import assert_conservation, gaps
from support.numbered import import_numbered, read_tally
from support.private_journal import PrivateJournal
from support.syslog_server import SyslogServer
from support.tallyman import count_lines, entries, file_route
from support.wait import wait_for

CONTAINERS_OF_A_DRIVER = 5
LINES_PER_SECOND, LINE_BYTES, ERR_EACH = 100, 60, 5
MORE_LINES = 200  # of each, between two deaths

# Rotated every few seconds; what is rotated away stays, so that in the end all is there to compare.
ROTATED = ["--log-opt=max-size=48k", "--log-opt=max-file=200", "--log-opt=compress=true"]
DRIVERS = {
    "json-file": ["--log-driver=json-file", *ROTATED],
    "local": ["--log-driver=local", *ROTATED],
    "syslog": ["--log-driver=syslog", f"--log-opt=syslog-address={syslog_server.ADDRESS}"],
    "journald": ["--log-driver=journald"],
}
NAMES = [f"{driver}-{n}" for driver in DRIVERS for n in range(CONTAINERS_OF_A_DRIVER)]


@pytest.fixture
def surroundings(tmp_path):
    """(an Engine, a journal that its containers write to): a syslog server runs beside them."""
    with started_engine(live_restore=True) as engine:
        with PrivateJournal(engine) as journal:
            # An Engine that began without a journal knows no such driver.
            engine.stop_daemon()
            engine.start_daemon()
            import_numbered(engine, tmp_path)
            with tempfile.TemporaryDirectory(prefix="tallyman-syslog-") as directory:
                server = SyslogServer(engine, directory)
                try:
                    yield engine, journal
                finally:
                    server.stop()


class Writers:
    """The containers: they write numbered lines and book them, whatever becomes of them."""

    def __init__(self, engine, directory):
        self.engine = engine
        self.directory = directory
        directory.mkdir()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.create, NAMES))

    def create(self, name):
        (self.directory / name).touch()
        options = DRIVERS[name.rpartition("-")[0]]
        self.engine.docker("create", "--name", name, "--network=none", *options,
                           "-v", f"{self.directory}:/tally", "numbered", "/numbered", 0,
                           LINES_PER_SECOND, LINE_BYTES, ERR_EACH, f"/tally/{name}")  # fmt: skip

    def start(self):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self.engine.docker("start", name), NAMES))

    def wait_for_more(self, count):
        """Until each has written so many more lines."""
        ends = {name: self.written(name) + count for name in NAMES}
        for name, end in ends.items():
            wait_for(lambda n=name, e=end: self.written(n) >= e, f"{name} writes", 60)

    def written(self, name):
        return sum(tally.end for tally in read_tally(self.directory / name).values())


def on_disk(engine, reader, name):
    """(lines by stream, whether that is all). An Engine that died while it compressed a generation
    cannot read its own log any more: then it is what a newcomer finds."""
    logs = engine.docker("logs", name, check=False)
    if logs.returncode == 0:
        return {"stdout": logs.stdout.splitlines(), "stderr": logs.stderr.splitlines()}, True
    assert "decompressed" in logs.stderr, logs.stderr
    found = {}
    for stream in ("stdout", "stderr"):
        told = reader.run("cat", "--output=raw", f"--stream={stream}", name, check=None)
        found[stream] = told.stdout.decode().splitlines()
    return found, False


def delivered(path):
    found = {"stdout": [], "stderr": []}
    for entry in entries(path):
        found[entry["stream"]].append(entry["message"])
    return found


def assert_delivered(found, logs, all_is_there):
    """Each line is another one: they are numbered."""
    for stream, lines in found.items():
        assert len(set(lines)) == len(lines), "a line came twice"
        there = set(logs[stream])
        known = lines if all_is_there else [line for line in lines if line in there]
        assert known == logs[stream]


def held(program):
    """Its threads, and its descriptors by what they are for, without the outputs, which stay open
    for a while."""
    resources = program.status()["resources"]
    counted = {**resources["descriptors"]["counted"], "unaccounted": resources["difference"]}
    del counted["output"]
    return {**counted, "threads": len(census.threads(program.pid))}


def grown(program, before):
    """What is more than it was. The Engine's idle connections may be fewer."""
    return {kind: count for kind, count in held(program).items() if count > before[kind]}


def test_each_line_on_disk_once(surroundings, tallyman, out, tmp_path, scaled):
    """S96, S73: kill -9 of dockerd, once with live-restore, so that its containers write on; then
    without, so that the next dockerd ends them and they are started anew."""
    engine, journal = surroundings
    program = tallyman(engine.data_root, [file_route("all", out / "{container_name}")],
                       host=engine.host, pins=engine.data_root / "pins",
                       journald={"directory": str(journal.directory)}).start()  # fmt: skip
    program.wait_for_log("event=engine.connected")
    program.wait_until_ready()
    before = held(program)
    assert before["unaccounted"] == 0
    writers = Writers(engine, tmp_path / "tally")
    writers.start()
    for turn in range(scaled("ENGINE_KILLS", 2, 5)):
        writers.wait_for_more(MORE_LINES)
        engine.stop_daemon(signal.SIGKILL)
        engine.live_restore = turn == 0
        engine.start_daemon()
        if not engine.live_restore:
            writers.start()
    writers.wait_for_more(MORE_LINES)
    engine.docker("stop", "-t", "10", *NAMES)

    reader = tallyman(engine.data_root, [], name="newcomer")
    for name in NAMES:
        logs, all_is_there = on_disk(engine, reader, name)
        wanted = sum(map(len, logs.values()))
        program.wait_until(lambda n=name, w=wanted: count_lines(out / n) >= w,
                           lambda n=name, w=wanted: f"{n}: {count_lines(out / n)} of {w}")
        assert_delivered(delivered(out / name), logs, all_is_there)
        print(f"{name}: {wanted} lines on disk of {writers.written(name)} written, "
              f"{count_lines(out / name)} delivered")
    for rotated in ("*-json.log.*.gz", "local-logs/container.log.*.gz"):
        assert list(engine.data_root.glob(f"containers/*/{rotated}")), "the test is void"
    engine.docker("rm", *NAMES)
    program.wait_until(lambda: not grown(program, before), lambda: f"{grown(program, before)}")
    print(f"before: {before}\nafter:  {held(program)}")
    assert gaps(program.state, "all") == []
    program.stop()
    assert_conservation(program.state, "all")
