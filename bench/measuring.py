# SPDX-License-Identifier: Apache-2.0
"""measuring: what a program costs, from the kernel's own books.

CPU is user + system of the process (wait4), the least of several passes: whatever else the machine
does can only add to it. Passes are interleaved (A B A B), so that a slow minute is slow for all.
"""

import os
import re
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

SAMPLE_MS = 10


class MeasuringError(Exception):
    """What was to be measured did not do its work: no figure."""


@dataclass(frozen=True)
class Usage:
    """What one run of a program took."""

    cpu_s: float
    wall_s: float
    anonymous_bytes: int = 0  # the most that a sample saw
    resident_bytes: int = 0  # the most there was

    def least(self, other):
        """Of both the lower times; memory is what it came to at most."""
        return Usage(min(self.cpu_s, other.cpu_s), min(self.wall_s, other.wall_s),
                     max(self.anonymous_bytes, other.anonymous_bytes),
                     max(self.resident_bytes, other.resident_bytes))

    def within(self, wall_s):
        """The same, with another wall time: it had done its work before it ended."""
        return replace(self, wall_s=wall_s)


class Process:
    """A program that runs; its complaints are kept for the error."""

    def __init__(self, command, environment=None, stdout=subprocess.DEVNULL):
        self._command = [str(word) for word in command]
        self._complaints = tempfile.TemporaryFile()
        self._began = time.monotonic()
        self._process = subprocess.Popen(self._command, env=environment, stdin=subprocess.DEVNULL,
                                         stdout=stdout, stderr=self._complaints)
        self._anonymous_bytes = self._resident_bytes = 0

    @property
    def pid(self):
        return self._process.pid

    def seconds(self):
        """Since it was started."""
        return time.monotonic() - self._began

    def sample(self):
        """Notes its memory. Returns anonymous and all resident bytes, now."""
        anonymous, resident, most = memory_of(self.pid)
        self._anonymous_bytes = max(self._anonymous_bytes, anonymous)
        self._resident_bytes = max(self._resident_bytes, most)
        return anonymous, resident

    def terminate(self):
        self._process.terminate()

    def wait(self):
        """Its usage, when it has ended well."""
        watch = select.poll()
        descriptor = os.pidfd_open(self.pid)
        watch.register(descriptor, select.POLLIN)
        while not watch.poll(SAMPLE_MS):
            self.sample()
        os.close(descriptor)
        wall_s = time.monotonic() - self._began
        _, status, usage = os.wait4(self.pid, 0)
        # Popen must not wait for it again.
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode != 0:
            raise MeasuringError(f"{' '.join(self._command)} ended with "
                                 f"{self._process.returncode}: {self.complaints()[-1000:]}")
        return Usage(usage.ru_utime + usage.ru_stime, wall_s, self._anonymous_bytes,
                     self._resident_bytes)

    def complaints(self):
        """What it said on standard error."""
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        self._complaints.close()


def run(command, expect="", **options):
    """Runs it to its end. `expect`: what it must have said on standard error."""
    with Process(command, **options) as process:
        usage = process.wait()
        if expect not in process.complaints():
            raise MeasuringError(f"{command[0]} did not say \"{expect}\"")
        return usage


def interleaved(passes, pipelines):
    """{name: function that runs once and returns its usage} -> {name: its least usage}."""
    least = {}
    for _ in range(passes):
        for name, once in pipelines.items():
            usage = once()
            least[name] = usage.least(least.get(name, usage))
    return least


def memory_of(pid):
    """Anonymous, all, and the most resident bytes; zeros when it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        text = ""
    found = dict(re.findall(r"^(RssAnon|VmRSS|VmHWM):\s+(\d+) kB$", text, re.MULTILINE))
    return tuple(int(found.get(name, 0)) * 1024 for name in ("RssAnon", "VmRSS", "VmHWM"))


def cpu_of(pid):
    """What its threads have run so far, in seconds, as the scheduler counts it (nanoseconds)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
