# SPDX-License-Identifier: Apache-2.0
"""crew: the containers of the smoke test, of every log driver, and all that befalls them.

Each numbers its lines and keeps a tally of them in a file of ours (numbered_writer.c), which is
what their proof is held against. Those that stay are stopped, restarted, paused, renamed and
replaced; those that come live for a second and are gone by `--rm`.
"""

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from support import syslog_server

LINE_BYTES = 60
ERR_EACH = 4
SHORT_LINES, SHORT_LINES_PER_SECOND = 60, 60
STOP_SECONDS = 5

_SMALL = ["--log-opt=max-size=24k", "--log-opt=max-file=5"]
_SYSLOG = ["--log-driver=syslog", f"--log-opt=syslog-address={syslog_server.ADDRESS}"]

# Name of a kind → its options of `docker run`.
KINDS = {
    "json": ["--log-driver=json-file", *_SMALL],
    "json-gz": ["--log-driver=json-file", *_SMALL, "--log-opt=compress=true"],
    "local": ["--log-driver=local", *_SMALL, "--log-opt=compress=false"],
    "local-gz": ["--log-driver=local", *_SMALL],
    "cached": _SYSLOG,
    "journald": ["--log-driver=journald"],
    "none": ["--log-driver=none"],
    "uncached": [*_SYSLOG, "--log-opt=cache-disabled=true"],
}
SILENT = {"none", "uncached"}  # what they write nobody can read
ROTATING = {"json", "json-gz", "local", "local-gz"}

# How many of each stay, and how fast they write: some 1000 lines/s, three rotations a second.
STAYING = {"json": (2, 110), "json-gz": (2, 110), "local": (2, 110), "local-gz": (2, 110),
           "cached": (2, 50), "journald": (2, 50), "none": (1, 5), "uncached": (1, 5)}  # fmt: skip


@dataclass
class Member:
    """One container, from `docker run` to the end of the test."""

    id: str
    name: str
    kind: str
    tally: Path
    stays: bool
    removed: bool = False

    @property
    def is_silent(self):
        return self.kind in SILENT


class Crew:
    """Does one thing at a time; each thing leaves the staying ones running."""

    def __init__(self, engine, tallies, dice, kinds=None):
        self.engine = engine
        self.members = []
        self.starts = 0
        self._tallies = Path(tallies)
        self._dice = dice
        self.kinds = kinds or list(KINDS)
        self._serial = itertools.count()
        self._short_kinds = itertools.cycle(k for k in self.kinds if k not in SILENT)

    def muster(self):
        for kind in self.kinds:
            count, _ = STAYING[kind]
            for _ in range(count):
                self._hire(kind)

    @property
    def staying(self):
        return [m for m in self.members if m.stays and not m.removed]

    # What befalls them

    def come_and_go(self, kind=None):
        kind = kind or next(self._short_kinds)
        self._run(kind, False, "--rm", SHORT_LINES, SHORT_LINES_PER_SECOND)

    def restart(self):
        self._docker("restart", f"--time={STOP_SECONDS}", self._one().id)
        self.starts += 1

    def stop_and_start(self):
        member = self._one()
        self._docker("stop", f"--time={STOP_SECONDS}", member.id)
        self._docker("start", member.id)
        self.starts += 1

    def kill_and_start(self):
        member = self._one()
        self._docker("kill", member.id)
        self._docker("start", member.id)
        self.starts += 1

    def pause(self):
        member = self._one()
        self._docker("pause", member.id)
        self._docker("unpause", member.id)

    def rename(self):
        member = self._one()
        member.name = f"{member.kind}-{next(self._serial)}"
        self._docker("rename", member.id, member.name)

    def replace(self):
        member = self._one()
        self._docker("rm", "-f", member.id)
        member.removed = True
        self._hire(member.kind)

    def revive(self):
        """Starts those of the staying ones that do not run."""
        running = self.running_ids()
        for member in self.staying:
            if member.id not in running:
                self._docker("start", member.id)
                self.starts += 1

    def rest(self):
        """Whether all that came have gone."""
        return self.running_ids() <= {m.id for m in self.staying}

    def stop_all(self):
        self._docker("stop", f"--time={STOP_SECONDS}", *(m.id for m in self.staying))

    def remove_all(self):
        self._docker("rm", "-f", *(m.id for m in self.staying))
        for member in self.staying:
            member.removed = True

    # Inner workings

    def _one(self):
        return self._dice.choice(self.staying)

    def _hire(self, kind):
        self._run(kind, True, "--init=false", 0, STAYING[kind][1])

    def _run(self, kind, stays, option, lines, lines_per_second):
        name = f"{kind}-{next(self._serial)}"
        tally = self._tallies / name
        tally.touch()
        said = self._docker(
            "run", "-d", option, "--name", name, "--network=none", f"--label=kind={kind}",
            f"--volume={tally}:/tally", *KINDS[kind],
            "numbered", "/numbered", lines, lines_per_second, LINE_BYTES, ERR_EACH, "/tally",
        )  # fmt: skip
        self.members.append(Member(said.strip(), name, kind, tally, stays))
        self.starts += 1

    def running_ids(self):
        return set(self._docker("ps", "-q", "--no-trunc").split())

    def _docker(self, *args):
        return self.engine.docker(*args).stdout


class Rotations:
    """Counts, by looking at the live files again and again; so it may count too few."""

    def __init__(self, crew):
        self._crew = crew
        self._inodes = {}
        self.count = 0

    def look(self):
        for member in self._crew.staying:
            if member.kind in ROTATING:
                self._look_at(member.id)

    def _look_at(self, source_id):
        directory = self._crew.engine.data_root / "containers" / source_id
        for path in (directory / f"{source_id}-json.log", directory / "local-logs/container.log"):
            try:
                inode = os.stat(path).st_ino
            except OSError:
                continue
            before = self._inodes.setdefault(source_id, inode)
            self.count += before != inode
            self._inodes[source_id] = inode

