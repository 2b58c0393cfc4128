# SPDX-License-Identifier: Apache-2.0
"""S73, S79: every log driver, with its files readable or not and a socket or none, on real Engines.

One life per Engine serves all cells: a container per driver says the same in four phases, before
tallyman starts, beside it, while it is away, and beside it again; five tallymans listen at once,
each with other means. A cell is a driver with those means: which kind of source it is, and that
each line came exactly once, in order, with its labels; or that it is shown as unreadable.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support import syslog_server
from support.private_engine import ENGINES
from support.private_journal import PrivateJournal
from support.syslog_server import SyslogServer
from support.tallyman import BINARY, Tallyman, count_lines, entries, file_route
from support.wait import wait_for

LONG_LINE_BYTES = 40_000
CHUNK_BYTES = 16_384  # where Docker cuts; of a line of just that length an empty piece is left
PHASES = ("before", "beside", "away", "again")
NOBODY, SOCKET_GROUP = 65534, 1  # a user who may read nothing, and a group that nothing else is of

DRIVERS = {
    "json-file": ["--log-driver=json-file"],
    "local": ["--log-driver=local"],
    "syslog": ["--log-driver=syslog", f"--log-opt=syslog-address={syslog_server.ADDRESS}"],
    "uncached": ["--log-driver=syslog", "--log-opt=syslog-address=udp://127.0.0.1:5515",
                 "--log-opt=cache-disabled=true"],
    "journald": ["--log-driver=journald"],
    "none": ["--log-driver=none"],
}  # fmt: skip
BY_FILE = {"json-file": "json-file", "local": "local", "syslog": "cache", "journald": "journald"}
BY_STREAM = dict.fromkeys(BY_FILE, "stream")
UNREADABLE = "none"

# What each tallyman has at hand → the kind of source that each driver is then; UNREADABLE where it
# is not named.
MEANS = {
    "files-and-socket": BY_FILE,
    "files": BY_FILE,
    "socket": {**BY_STREAM, "journald": "journald"},
    "socket-and-forbidden-files": BY_STREAM,
    "forbidden-files": {},
}

# What a container says in a phase, as soon as a file of the phase's name is there.
SAY = f"""
for phase in {" ".join(PHASES)}; do
    until test -e /phases/$phase; do sleep 0.05; done
    echo "$phase 1"
    echo "$phase 2" >&2
    printf '%s ' $phase
    head -c {LONG_LINE_BYTES} /dev/zero | tr '\\0' x
    echo
    echo
    printf '%s ' $phase
    head -c $(({CHUNK_BYTES} - ${{#phase}} - 1)) /dev/zero | tr '\\0' y
    echo
    echo "$phase 3"
    echo "$phase 4" >&2
done
until test -e /phases/end; do sleep 0.05; done
"""


def long_line(phase):
    return f"{phase} {'x' * LONG_LINE_BYTES}"


def full_line(phase):
    return f"{phase} ".ljust(CHUNK_BYTES, "y")


def said(stream):
    if stream == "stderr":
        return [f"{phase} {number}" for phase in PHASES for number in (2, 4)]
    return [
        line
        for p in PHASES
        for line in (f"{p} 1", long_line(p), "", full_line(p), f"{p} 3")
    ]


def told(engine, kind, driver, stream):
    """What of it can be had: Engine 20.10 leaves out empty lines when it reads the journal."""
    if (engine, kind, driver) == ("20.10", "stream", "journald"):
        return [line for line in said(stream) if line]
    return said(stream)


@dataclass
class Life:
    """What an Engine's life left behind, for the cells to judge."""

    engine: str
    out: dict = field(default_factory=dict)  # means → directory with a file per container
    kinds: dict = field(default_factory=dict)  # means → {container: kind}; None: ls told nothing
    logs: dict = field(default_factory=dict)  # means → what tallyman said of itself
    lived: dict = field(default_factory=dict)  # means → whether it ran until it was stopped
    printed: dict = field(default_factory=dict)  # driver → what cat has of its stream, as entries
    received: str = ""  # what the syslog server wrote


@pytest.fixture(scope="module", params=ENGINES)
def life(request, start_engine):
    place = Path(tempfile.mkdtemp(prefix="tallyman-matrix-"))
    place.chmod(0o711)
    try:
        with start_engine(request.param, daemon_args=[f"--group={SOCKET_GROUP}"]) as engine:
            engine.root.chmod(0o711)  # so that the socket can be reached
            with PrivateJournal(engine) as journal:
                yield Run(engine, journal, place).live()
    finally:
        shutil.rmtree(place)


class Run:
    """One Engine's life."""

    def __init__(self, engine, journal, place):
        self.engine = engine
        self.journal = journal
        self.place = place
        self.phases = place / "phases"
        self.phases.mkdir(mode=0o755)
        self.life = Life(engine.engine)
        self.programs = {}
        self.phases_said = 0

    def live(self):
        self.engine.import_busybox()
        server = SyslogServer(self.engine, self.place)
        try:
            for name, options in DRIVERS.items():
                self.engine.docker("run", "-d", f"--name={name}", f"--label=driver={name}",
                                   "--network=none", f"--volume={self.phases}:/phases:ro", *options,
                                   "busybox", "sh", "-c", SAY)  # fmt: skip
            self.say("before")
            self.make_programs()
            self.listen()
            self.say("beside")
            self.wait_for_lines()
            self.fall_silent()
            self.say("away")
            self.listen()
            self.say("again")
            self.wait_for_lines()
            self.life.kinds = {means: kinds_of(program) for means, program in self.programs.items()}
            self.life.printed = {driver: self.cat(driver) for driver in BY_STREAM}
        finally:
            self.fall_silent()
            server.stop()
        self.life.received = server.log_path.read_text(errors="replace")
        return self.life

    def say(self, phase):
        """Returns when json-file, which nobody cuts short, holds the phase's last lines."""
        (self.phases / phase).touch()
        self.phases_said += 1
        (log,) = self.engine.data_root.glob("containers/*/*-json.log")
        wait_for(lambda: f"{phase} 3" in log.read_text() and f"{phase} 4" in log.read_text(),
                 f"the containers say what they have to {phase}")  # fmt: skip

    def make_programs(self):
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        in_group = {**nobody, "extra_groups": [SOCKET_GROUP]}
        root, host = self.engine.data_root, self.engine.host
        self.make("files-and-socket", root, host)
        self.make("files", root, "none")
        self.make("socket", "none", host)
        self.make("socket-and-forbidden-files", root, host, in_group)
        self.make("forbidden-files", root, host, nobody)

    def make(self, means, root, host, identity=None):
        directory = self.place / means
        self.life.out[means] = directory / "out"
        route = file_route("all", directory / "out" / "{container_name}.ndjson")
        program = Tallyman(directory, root, [route], host, identity=identity,
                           pins=directory / "pins", binary=self.binary(),
                           journald={"directory": str(self.journal.directory)})  # fmt: skip
        if identity:
            os.chown(directory, identity["user"], identity["group"])
        self.programs[means] = program

    def binary(self):
        """A copy where another user reaches it."""
        copy = self.place / "tallyman"
        if not copy.exists():
            shutil.copy(BINARY, copy)
        return copy

    def listen(self):
        for program in self.programs.values():
            program.start()

    def wait_for_lines(self):
        """Until all is there; what is missing then, the cells tell."""
        try:
            wait_for(self.all_is_there, "all lines", timeout_s=15)
        except AssertionError:
            pass

    def all_is_there(self):
        return all(self.is_there(means, *readable)
                   for means, kinds in MEANS.items() for readable in kinds.items())  # fmt: skip

    def is_there(self, means, driver, kind):
        of_all = [told(self.life.engine, kind, driver, stream) for stream in ("stdout", "stderr")]
        wanted = sum(map(len, of_all)) * self.phases_said // len(PHASES)
        return count_lines(self.life.out[means] / f"{driver}.ndjson") >= wanted

    def cat(self, driver):
        printed = self.programs["socket-and-forbidden-files"].cat("-o", "ndjson", driver)
        return [json.loads(line) for line in printed.splitlines()]

    def fall_silent(self):
        for means, program in self.programs.items():
            if program.process is None:
                continue
            self.life.lived[means] = program.process.poll() is None
            program.process.terminate()
            program.wait()
            self.life.logs[means] = program.log()


def kinds_of(program):
    done = program.run("ls", "--json", check=None)
    if done.returncode != 0:
        return None
    return {container["name"]: container["kind"] for container in program.ls()}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("means", MEANS)
def test_cell(life, means, driver):
    """S73, S79, S100."""
    kind = MEANS[means].get(driver, UNREADABLE)
    assert life.lived[means], life.logs[means][-3000:]
    if kind == UNREADABLE:
        assert life.kinds[means] is None or life.kinds[means][driver] == UNREADABLE
        assert entries(life.out[means] / f"{driver}.ndjson") == []
        return
    found = entries(life.out[means] / f"{driver}.ndjson")
    assert_lines(life.engine, found, kind, driver)
    for entry in found:
        assert_labels(entry, driver)
    assert life.kinds[means][driver] == kind


@pytest.mark.parametrize("driver", BY_STREAM)
def test_cat_prints_a_stream(life, driver):
    """D31, S77: received once, as it is while it is followed."""
    assert_lines(life.engine, life.printed[driver], "stream", driver)


def assert_lines(engine, found, kind, driver):
    for stream in ("stdout", "stderr"):
        messages = [entry["message"] for entry in found if entry["stream"] == stream]
        assert shortened(messages) == shortened(told(engine, kind, driver, stream))


def shortened(messages):
    """For a difference that can be read."""
    return [text if len(text) < 50 else f"{text[:10]}… {len(text)}" for text in messages]


def assert_labels(entry, driver):
    assert entry["container_name"] == driver
    assert entry["container_label_driver"] == driver
    assert entry["image"] == "busybox"
    assert entry["command"] == "sh"
    assert entry["network"] == "none"
    assert entry["hostname"] == entry["container_id"]
    assert entry["state"]


def test_syslog_server_had_it_too(life):
    """The cache is read beside what the driver does, not instead of it."""
    for phase in PHASES:
        assert life.received.count(f"{phase} 1\n") == 1
