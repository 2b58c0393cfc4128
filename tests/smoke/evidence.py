# SPDX-License-Identifier: Apache-2.0
"""evidence: what the Engine itself kept of its containers' lines when its daemon was killed.

A dockerd that dies by -9 takes along what it had read from a container and not yet written, and its
successor goes on within a line. That is no loss of ours, if the Engine's own answer has the same
hole: so it is asked after each restart, with `docker logs`.
"""

import re
from collections import defaultdict

from support.numbered import read_tally

_LINE = re.compile(r"^(out|err) (\d{8}) ")
STREAMS = {"out": "stdout", "err": "stderr"}


class Evidence:
    """Of all restarts so far."""

    def __init__(self):
        self._lost = defaultdict(set)  # (container id, stream) → numbers
        self._fragments = defaultdict(set)  # container id → texts that are no whole line

    def collect(self, crew, since):
        """After the daemon came back; `since`: seconds of the epoch before it went."""
        running = crew.running_ids()
        for member in crew.staying:
            if member.is_silent:
                continue
            before = read_tally(member.tally)
            said = crew.engine.docker("logs", f"--since={since}", member.id, check=False)
            for name, text in (("stdout", said.stdout), ("stderr", said.stderr)):
                end = None if member.id in running else before[name].end
                self._compare(member.id, name, text, end)

    def excuses_line(self, source_id, stream, number):
        return number in self._lost[source_id, stream]

    def count(self, source_id, stream):
        return len(self._lost[source_id, stream])

    def excuses_fragment(self, source_id, message):
        return message in self._fragments[source_id]

    def _compare(self, source_id, stream, text, end):
        """`end`: the number that the next line will have; None: it is writing on."""
        expected = None
        for line in text.splitlines():
            match = _LINE.match(line)
            if not match or STREAMS[match[1]] != stream:
                self._fragments[source_id].add(line)
                continue
            number = int(match[2])
            if expected is not None:
                self._lost[source_id, stream].update(range(expected, number))
            expected = number + 1
        if expected is not None and end is not None:
            self._lost[source_id, stream].update(range(expected, end))
