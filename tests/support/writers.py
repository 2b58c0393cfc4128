# SPDX-License-Identifier: Apache-2.0
"""writers: containers that write numbered lines, and book them whatever becomes of them."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.numbered import read_tally
from support.wait import wait_for

STARTS_AT_ONCE = 4
STOP_SECONDS = 10


class Writers:
    """One container for each name of `options` (name → options of `docker run`), all at one rate.
    `lines`: how many each writes, 0 until it is stopped. Needs the image `numbered`."""

    def __init__(self, engine, directory, options, *, lines=0, lines_per_second, line_bytes=60,
                 err_each=5):  # fmt: skip
        self.engine = engine
        self.names = list(options)
        self._directory = Path(directory)
        self._directory.mkdir()
        self._options = options
        self._removed = set()
        self._work = [lines, lines_per_second, line_bytes, err_each]

    def start(self):
        with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
            list(pool.map(self._run, self.names))

    def written(self, names=None):
        """Lines so far."""
        return sum(
            tally.end for name in names or self.names for tally in self.tally(name).values()
        )

    def wait_for_lines(self, count, timeout_s=60):
        """Until all of them together have written so many."""
        wait_for(lambda: self.written() >= count,
                 lambda: f"{count} lines: {self.written()} are written", timeout_s)  # fmt: skip

    def stop(self, names=None):
        """All that are not removed, unless some are named."""
        names = names or [name for name in self.names if name not in self._removed]
        self.engine.docker("stop", f"--time={STOP_SECONDS}", *names)

    def remove(self, names):
        self.engine.docker("rm", "-f", *names)
        self._removed.update(names)

    def tally(self, name):
        """Per stream: a StreamTally."""
        return read_tally(self._directory / name)

    def _run(self, name):
        (self._directory / name).touch()
        self.engine.docker("run", "-d", "--name", name, "--network=none",
                           f"--volume={self._directory}:/tally", *self._options[name],
                           "numbered", "/numbered", *self._work, f"/tally/{name}")  # fmt: skip


def missing_lines(written, lines):
    """Checks that a container's numbers rise with time, each once; returns how many are missing.
    `written`: of Writers.tally; `lines`: (stream, time, text) each, in any order."""
    found = defaultdict(list)
    for stream, moment, text in lines:
        found[stream].append((moment, text))
    missing = 0
    for stream, tally in written.items():
        # Of lines of one moment the order is not known: they are taken by their numbers.
        numbers = [int(text.split()[1]) for _, text in sorted(found[stream])]
        assert numbers == sorted(set(numbers)), f"{stream}: a line came twice or out of order"
        missing += len(set(range(tally.end)) - tally.doubtful - set(numbers))
    return missing
