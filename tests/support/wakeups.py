# SPDX-License-Identifier: Apache-2.0
"""How often a process woke up, told from outside: a busy loop shows, whatever it waits in."""

import re
from pathlib import Path


def wakeups(pid):
    """How often its threads have given up the processor to wait, in all."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        total += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status.read_text(), re.M)[1])
    return total


def processor_s(pid):
    """Seconds of processor that it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
