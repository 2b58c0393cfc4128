# SPDX-License-Identifier: Apache-2.0
"""samples: what the running tallyman is made of, every few seconds, seen from outside by /proc and
said by itself; and what its books add up to."""

import re
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from support import census
from support.ledger_book import tallies


@dataclass(frozen=True)
class Sample:
    at_s: float  # since the beginning
    threads: int
    descriptors: int
    kinds: dict  # descriptors by class
    anonymous_bytes: int
    lines: int  # delivered by all routes
    unbooked: int  # lines read that the books do not account for
    difference: int  # census − equation: it takes both at one moment, as nobody can from outside

    @property
    def steady_descriptors(self):
        """Without the journal's own files, of which there are as many as journald makes."""
        return self.descriptors - self.kinds.get("journal", 0)


class Sampler:
    """Samples every `every_s` seconds in a thread of its own, from `start` to `stop`."""

    def __init__(self, program, routes, every_s):
        self.samples = []
        self.faults = []
        self._program = program
        self._routes = routes
        self._every_s = every_s
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sampler")

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def now_s(self):
        return time.monotonic() - self._began

    def take(self):
        """One sample, now."""
        pid = self._program.pid
        kinds = census.descriptors(pid)
        lines, unbooked = self._books()
        return Sample(
            at_s=self.now_s(),
            threads=len(census.threads(pid)),
            descriptors=sum(kinds.values()),
            kinds=dict(kinds),
            anonymous_bytes=anonymous_bytes(pid),
            lines=lines,
            unbooked=unbooked,
            difference=self._program.status()["resources"]["difference"],
        )

    def _loop(self):
        while not self._stopped.wait(self._every_s):
            try:
                self.samples.append(self.take())
            except (OSError, ValueError, AssertionError, sqlite3.Error) as error:
                self.faults.append(f"at {self.now_s():.0f} s: {type(error).__name__}: {error}")

    def _books(self):
        lines = unbooked = 0
        for route in self._routes:
            for row in tallies(self._program.state, route).values():
                lines += row["lines_delivered"]
                unbooked += row["lines_read"] - row["lines_delivered"] - row["lines_filtered"]
                unbooked -= row["lines_refused"] + row["lines_lost"]
        return lines, unbooked


def anonymous_bytes(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024
