# SPDX-License-Identifier: Apache-2.0
"""S103, the smoke test: half an hour of everything at once, on a real Engine.

Containers of all log drivers start, stop, restart, rotate, are renamed, paused, replaced and die;
one of two routes loses its output directory and gets it back; dockerd is stopped and killed, with
and without live-restore. Meanwhile threads, descriptors, memory and books are sampled; in the end
each line that a container wrote is accounted for. `Smoke(minutes).run()` returns the story, which
report.py judges and tells.
"""

import random
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from smoke.crew import Crew, Rotations
from smoke.evidence import Evidence
from smoke.proof import prove
from smoke.samples import Sample, Sampler
from support.numbered import import_numbered, read_tally
from support.private_engine import PrivateEngine
from support.private_journal import PrivateJournal
from support.syslog_server import SyslogServer
from support.tallyman import BINARY, Tallyman, count_lines, file_route
from support.wait import wait_for

FULL_MINUTES = 30
ROUTES = ("exact", "outage")
TICK_SECONDS = 0.2
SETTLE_SECONDS_MAX = 90
REST_SAMPLE_SECONDS, REST_SAMPLES, REST_SAMPLES_MAX = 0.25, 12, 120

# What happens how often, in seconds; each is one call of the crew.
HABITS = {"come_and_go": 4, "restart": 17, "stop_and_start": 23, "kill_and_start": 41,
          "pause": 29, "rename": 19, "replace": 31}  # fmt: skip

# In a full run; a shorter one has its share, but at least one of each with a second.
OUTAGES, OUTAGE_SECONDS = 5, 40
# How dockerd ends, and whether containers are to outlive the end of the one that follows: once each
# of the four, beginning with a live-restore.
DAEMON_ENDS = [
    (signal.SIGKILL, False),
    (signal.SIGTERM, True),
    (signal.SIGTERM, False),
    (signal.SIGKILL, True),
]


@dataclass
class Story:
    """What happened."""

    minutes: float
    seed: int
    samples: list = field(default_factory=list)
    sample_faults: list = field(default_factory=list)
    events: list = field(default_factory=list)  # (at_s, what)
    outages: list = field(default_factory=list)  # (from_s, to_s), felt by the route
    proofs: list = field(default_factory=list)
    daemon_restarts: int = 0
    starts: int = 0
    rotations: int = 0
    first: Sample | None = None  # when one container of each kind has come and gone
    last: Sample | None = None  # when the last has
    exit_status: int | None = None
    version: str = ""
    engine: str = ""


def version_of_program():
    return subprocess.run([BINARY, "version"], capture_output=True, text=True, check=True).stdout


class Smoke:
    def __init__(self, minutes, seed=None, say=print):
        seed = seed if seed is not None else time.time_ns() & 0xFFFFFF
        self.story = Story(minutes, seed)
        self._seconds = minutes * 60
        self._share = min(1.0, minutes / FULL_MINUTES)
        self._dice = random.Random(seed)
        self._say = say
        self._evidence = Evidence()
        self._outage_began_s = None

    def run(self):
        place = Path(tempfile.mkdtemp(prefix="tallyman-smoke-"))
        try:
            with (PrivateEngine(live_restore=True) as engine,
                  PrivateJournal(engine) as journal):  # fmt: skip
                self._live(engine, journal, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return self.story

    # The whole, from the first sample to the last

    def _live(self, engine, journal, place):
        engine.import_busybox()
        image = place / "image"
        image.mkdir()
        import_numbered(engine, image)
        (place / "tallies").mkdir()
        server = SyslogServer(engine, place)
        self._engine = engine
        self.story.engine = engine.engine
        self._out = {route: place / route for route in ROUTES}
        self._program = self._make_program(engine, journal, place)
        self._crew = Crew(engine, place / "tallies", self._dice)
        self._rotations = Rotations(self._crew)
        try:
            self._program.start()
            self._sampler = Sampler(self._program, ROUTES, max(1.0, 10 * self._share))
            self._program.wait_for_log("event=engine.connected")
            self.story.first = self._at_rest()
            self._sampler.start()
            try:
                self._crew.muster()
                self._happen()
                self._settle()
            finally:
                self._sampler.stop()
            self.story.last = self._at_rest()
            self._wait(self._is_as_at_first, "threads and descriptors are as at the start")
            self._program.process.terminate()
            self.story.exit_status = self._program.wait()
            self._conclude()
        except BaseException:
            self._say(self._program.log_tail())
            raise
        finally:
            self._program.close()
            server.stop()

    def _make_program(self, engine, journal, place):
        routes = [
            file_route(route, self._out[route] / "{container_id}.ndjson",
                       fields=["time", "stream", "message"], batch={"age": "500ms"})
            for route in ROUTES
        ]  # fmt: skip
        for directory in self._out.values():
            directory.mkdir()
        return Tallyman(place / "tallyman", engine.data_root, routes, engine.host,
                        journald={"directory": str(journal.directory)})  # fmt: skip

    def _at_rest(self):
        """A sample of a tallyman with nothing to do: its threads and descriptors stay the same.

        Before that, one container of each kind comes and goes, one by one. So whatever a kind of
        source needs once for all is there, and what a route keeps open of its last batch is equal
        in the first and in the last sample of a run."""
        for kind in self._crew.kinds:
            self._crew.come_and_go(kind)
            wait_for(self._crew.rest, "it has gone", 60)
            self._wait(self._all_is_delivered, "what it wrote is delivered")
        self._wait(self._outputs_are_closed, "quiet outputs are closed")
        steady, last = 0, self._sampler.take()
        for _ in range(REST_SAMPLES_MAX):
            time.sleep(REST_SAMPLE_SECONDS)
            now = self._sampler.take()
            steady = steady + 1 if (now.threads, now.kinds) == (last.threads, last.kinds) else 0
            last = now
            if steady == REST_SAMPLES:
                break
        return last

    def _outputs_are_closed(self):
        """Each is kept open for some seconds after its last line."""
        return not self._program.status()["resources"]["descriptors"]["counted"].get("output")

    def _is_as_at_first(self):
        """An output that was written last is kept open for some seconds more. What leaks stays."""
        self.story.last = now = self._sampler.take()
        first = self.story.first
        return (now.threads, now.steady_descriptors) == (first.threads, first.steady_descriptors)

    # What happens, in the order of time

    def _happen(self):
        began = time.monotonic()
        due = {habit: began + self._dice.random() * every for habit, every in HABITS.items()}
        plans = self._plans()
        while (now := time.monotonic()) < began + self._seconds:
            self._rotations.look()
            if plans and now >= began + plans[0][0]:
                plans.pop(0)[1]()
                continue
            for habit in [name for name, at in due.items() if at <= now]:
                getattr(self._crew, habit)()
                due[habit] = now + HABITS[habit] * (0.5 + self._dice.random())
            time.sleep(TICK_SECONDS)
        self._end_outage()

    def _plans(self):
        """[(at_s, what to do)]: outages and the daemon's ends, spread over the time."""
        plans = []
        outages = max(2, round(OUTAGES * self._share))
        length_s = max(8.0, OUTAGE_SECONDS * self._share)
        for number in range(outages):
            at_s = self._seconds * (number + 0.3) / outages
            plans += [(at_s, self._begin_outage), (at_s + length_s, self._end_outage)]
        ends = DAEMON_ENDS * 2 if self._share > 0.5 else DAEMON_ENDS[:2]
        for number, (signal_number, live_restore) in enumerate(ends):
            at_s = self._seconds * (number + 0.6) / len(ends)
            plans.append((at_s, lambda s=signal_number, r=live_restore: self._end_daemon(s, r)))
        return sorted(plans, key=lambda plan: plan[0])

    def _note(self, what):
        at_s = self._sampler.now_s()
        self.story.events.append((at_s, what))
        self._say(f"{at_s:6.0f} s: {what}")

    def _begin_outage(self):
        """A file in the place of the directory: no new output can be made there."""
        self._note("output directory gone")
        self._outage_began_s = self._sampler.now_s()
        self._waits_before = self._count_waits()
        self._out["outage"].rename(self._out["outage"].with_suffix(".away"))
        self._out["outage"].touch()

    def _end_outage(self):
        if self._outage_began_s is None:
            return
        self._out["outage"].unlink()
        self._out["outage"].with_suffix(".away").rename(self._out["outage"])
        if self._count_waits() > self._waits_before:
            self.story.outages.append((self._outage_began_s, self._sampler.now_s()))
        self._outage_began_s = None
        self._note("output directory back")

    def _count_waits(self):
        return self._program.log().count("event=route.waiting")

    def _end_daemon(self, signal_number, live_restore):
        """What comes and goes has gone before: nobody could ask for its log after the restart."""
        wait_for(self._crew.rest, "those that came have gone", 60)
        name = signal.Signals(signal_number).name
        kept = "with" if self._engine.live_restore else "without"
        self._note(f"dockerd: {name}, {kept} live-restore")
        since = int(time.time()) - 2
        self._engine.stop_daemon(signal_number)
        self._engine.live_restore = live_restore
        self._engine.start_daemon()
        self._evidence.collect(self._crew, since)
        self._crew.revive()
        self.story.daemon_restarts += 1
        self._note("dockerd answers")

    # The end

    def _settle(self):
        """Until all lines are delivered and the containers gone."""
        self._note("containers stop")
        self._crew.stop_all()
        self._wait(self._all_is_delivered, "all lines are delivered")
        self._crew.remove_all()
        self._note("all is quiet")

    def _wait(self, condition, what):
        """What does not come about, the verdict tells."""
        try:
            wait_for(condition, what, SETTLE_SECONDS_MAX, every_s=1)
        except AssertionError as error:
            self._note(f"{error}")

    def _all_is_delivered(self):
        return all(self._is_delivered(member, out)
                   for member in self._crew.members if not member.is_silent
                   for out in self._out.values())  # fmt: skip

    def _is_delivered(self, member, out):
        """Roughly: without what the Engine lost. The proof comes later."""
        tallies = read_tally(member.tally).items()
        wanted = sum(t.end - self._evidence.count(member.id, stream) - len(t.doubtful)
                     for stream, t in tallies)  # fmt: skip
        return count_lines(out / f"{member.id[:12]}.ndjson") >= wanted

    def _conclude(self):
        story = self.story
        story.samples, story.sample_faults = self._sampler.samples, self._sampler.faults
        story.starts, story.rotations = self._crew.starts, self._rotations.count
        story.version = version_of_program()
        for route, out in self._out.items():
            proof = prove(route, self._program.state, out, self._crew.members, self._evidence)
            story.proofs.append(proof)
            self._say(f"route {route}: {proof.delivered} lines, {proof.complaint_count} complaints")
