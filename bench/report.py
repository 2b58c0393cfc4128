# SPDX-License-Identifier: Apache-2.0
"""report: one table, and the same as JSON; it names what was measured, on what and when."""

import json
import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True)
class Aim:
    """What the design promises: `value` is at most (or at least) `limit`."""

    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self):
        return self.value <= self.at_most if self.at_least is None else self.value >= self.at_least

    def __str__(self):
        limit = f"≤ {self.at_most}" if self.at_least is None else f"≥ {self.at_least}"
        return f"{'met' if self.met else 'MISSED'}: {figure(self.value)} {self.unit} ({limit})"


@dataclass(frozen=True)
class Row:
    """One pipeline beside something else that ran in the same minute. Costs are CPU."""

    input: str  # the corpus
    pipeline: str
    ns_per_line: float | None = None
    gb_per_s: float | None = None  # of input, per second of CPU
    wall_s: float | None = None
    anonymous_bytes: int | None = None
    resident_bytes: int | None = None
    beside: str = ""
    beside_value: float | None = None  # in the unit of the row's own
    ratio: float | None = None  # own / beside
    aim: Aim | None = None
    note: str = ""  # also: why there is no figure


HEAD = ("input", "pipeline", "ns/line", "GB/s", "wall s", "MiB anon/all", "beside", "its", "ratio",
        "aim, note")
RIGHT = {2, 3, 4, 5, 7, 8}


def cells(row):
    memory = ""
    if row.resident_bytes:
        memory = f"{row.anonymous_bytes / MIB:.1f}/{row.resident_bytes / MIB:.1f}"
    last = "; ".join(str(part) for part in (row.aim, row.note) if part)
    return (row.input, row.pipeline, figure(row.ns_per_line), figure(row.gb_per_s),
            figure(row.wall_s), memory, row.beside, figure(row.beside_value), figure(row.ratio),
            last)


def figure(value):
    """Three digits: no more are known."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


def table(rows):
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(cell.rjust(width) if n in RIGHT else cell.ljust(width)
                               for n, (cell, width) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def surroundings(program, scratch):
    """Which commit, where and when, as {what: text}."""
    processors = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(),
                            re.MULTILINE)
    version = dict(line.split(None, 1) for line in said(program, "version").splitlines())
    return {
        "commit": version["commit"],
        "compiler": version["compiler"],
        "machine": f"{processors[0] if processors else os.uname().machine}, "
                   f"{os.cpu_count()} cores, Linux {os.uname().release}, "
                   f"{said('findmnt', '-no', 'FSTYPE', '-T', scratch)}",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()),
    }


def said(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return done.stdout.strip()


def write_json(path, facts, corpora, rows):
    document = {**facts, "corpora": [], "rows": []}
    for corpus in corpora:
        document["corpora"].append({**asdict(corpus), "path": corpus.path.name})
    for row in rows:
        entry = {name: value for name, value in asdict(row).items() if value not in (None, "")}
        if row.aim:
            entry["aim"] = {**entry["aim"], "met": row.aim.met}
        document["rows"].append(entry)
    Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
