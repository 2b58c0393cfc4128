# SPDX-License-Identifier: Apache-2.0
"""samples: what the running tallyman is made of, every few seconds, seen from outside by /proc and
said by itself; and what its books add up to."""

import http.client
import json
import re
import socket
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from support import census
from support.ledger_book import tallies

ANSWER_SECONDS_MAX = 10


@dataclass(frozen=True)
class Sample:
    at_s: float  # since the beginning
    threads: int
    descriptors: int
    kinds: dict  # descriptors by class
    anonymous_bytes: int
    lines: int  # delivered by all routes
    unbooked: int  # lines read that the books do not account for
    difference: int | None  # census − equation, as it says itself; None: it did not


class Sampler:
    """Samples every `every_s` seconds in a thread of its own, from `start` to `stop`."""

    def __init__(self, program, routes, socket_path, every_s):
        self.samples = []
        self.faults = []
        self._program = program
        self._routes = routes
        self._socket_path = socket_path
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
            difference=difference_of(ask_status(self._socket_path)) if self._socket_path else None,
        )

    def _loop(self):
        while not self._stopped.wait(self._every_s):
            try:
                self.samples.append(self.take())
            except (OSError, ValueError, sqlite3.Error, http.client.HTTPException) as error:
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


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=ANSWER_SECONDS_MAX)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask_status(socket_path):
    """The answer of /api/v1/status, as an object."""
    connection = _UnixConnection(socket_path)
    try:
        connection.request("GET", "/api/v1/status", headers={"Connection": "close"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def difference_of(status):
    """Census − equation. It takes both at one moment, which nobody can from outside."""
    return status["resources"]["difference"]
