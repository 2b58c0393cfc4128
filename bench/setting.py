# SPDX-License-Identifier: Apache-2.0
"""setting: where the measuring happens, on how much input, how often."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from measuring import run

KINDS = {"A": "server logs, few escapes", "B": "JSON inside of JSON"}


@dataclass(frozen=True)
class Corpus:
    """A json-file log made by bench_generate."""

    name: str
    path: Path
    size_bytes: int
    lines: int

    def ns_per_line(self, cpu_s):
        return cpu_s * 1e9 / self.lines

    def gb_per_s(self, ns_per_line):
        return self.size_bytes / (ns_per_line * self.lines)

    def __str__(self):
        return (f"{self.name}: {KINDS[self.name]}; {self.size_bytes / 1e6:.0f} MB, {self.lines} "
                f"lines of {self.size_bytes / self.lines:.0f} bytes")


class Setting:
    """What every group of rows is given. Makes the corpora."""

    def __init__(self, build, scratch, quick):
        self.build = Path(build).resolve()
        self.scratch = Path(scratch).resolve()  # ours, on a disk and not in memory
        self.quick = quick
        self.passes = 3 if quick else 7
        self.slow_passes = 1 if quick else 2  # of what takes ten seconds each time
        self._megabytes = 30 if quick else 300
        self.corpora = [self._make(name) for name in KINDS]

    @property
    def program(self):
        return self.build / "tallyman"

    def tool(self, name):
        return self.build / "bench" / f"bench_{name}"

    def fresh(self, name):
        """An empty directory."""
        directory = self.scratch / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        return directory

    def _make(self, name):
        path = self.scratch / f"{name}.log"
        with open(path, "wb") as file:
            run([self.tool("generate"), name, self._megabytes], stdout=file)
        data = path.read_bytes()
        return Corpus(name, path, len(data), data.count(b"\n"))
