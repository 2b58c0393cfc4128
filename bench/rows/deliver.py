# SPDX-License-Identifier: Apache-2.0
"""deliver: a json-file log through the whole program, `tallyman run --once`, to the sinks null and
file. Beside it: reading and writing the same bytes with nothing in between, and rsyslog 8 on the
same file, writing the same three members."""

import json
import os
import shutil
from pathlib import Path

from measuring import MeasuringError, Usage, interleaved, run
from report import Aim, Row
from rows.rsyslog import RSYSLOG, run_rsyslog
from support.docker_root import Container

THREE_FIELDS = ["time", "stream", "message"]
SINKS = {
    "null": {"type": "null"},
    "three": {"type": "file", "fields": THREE_FIELDS},
    "all": {"type": "file"},
}
ABOVE_WRITE_NS_MAX = 100


def rows(setting):
    yield from start_rows(setting)
    for corpus in setting.corpora:
        yield from rows_of(setting, corpus)


def start_rows(setting):
    """Every figure of the whole program has this in it."""
    root = setting.fresh("empty")
    (root / "containers").mkdir()
    tallyman = Tallyman(setting, root, lines=0)
    least = interleaved(setting.passes, {
        "start": lambda: tallyman.once("null"),
        "version": lambda: run([setting.program, "version"])})
    own, its = (least[name].cpu_s * 1000 for name in ("start", "version"))
    share = setting.corpora[0].ns_per_line(least["start"].cpu_s)
    yield Row("none", "start and end, no container, ms", own, wall_s=least["start"].wall_s,
              beside="tallyman version", beside_value=its, ratio=own / its,
              note=f"{share:.1f} ns/line of each \"json-file → …\" on A")


def rows_of(setting, corpus):
    root = setting.fresh(f"root-{corpus.name}")
    container = Container(root, "web")
    os.unlink(container.log)
    os.link(corpus.path, container.log)
    tallyman = Tallyman(setting, root, corpus.lines)
    sizes = {sink: tallyman.size_of(sink) for sink in ("three", "all")}
    least = interleaved(setting.passes, {
        "read": lambda: run([setting.tool("bare"), "read", corpus.path]),
        "null": lambda: tallyman.once("null"),
        "write three": lambda: bare_write(setting, sizes["three"]),
        "three": lambda: tallyman.once("three", sizes["three"]),
        "write all": lambda: bare_write(setting, sizes["all"]),
        "all": lambda: tallyman.once("all", sizes["all"]),
    })
    yield row(corpus, "→ null", least["null"], "pread loop", least["read"])
    for sink, words in (("three", "→ file, three members"), ("all", "→ file, all members")):
        write = least[f"write {sink}"]
        above = corpus.ns_per_line(least[sink].cpu_s - write.cpu_s)
        promised = sink == "three" and corpus.name == "A"
        yield row(corpus, words, least[sink], f"write of its {sizes[sink] / 1e6:.0f} MB", write,
                  aim=Aim(above, "ns/line above it", at_most=ABOVE_WRITE_NS_MAX)
                  if promised else None,
                  note="" if promised else f"{above:.0f} ns/line above it")
    yield rsyslog_row(setting, corpus, tallyman)
    tallyman.clear()


def rsyslog_row(setting, corpus, tallyman):
    name = "→ file, three members"
    if not RSYSLOG:
        return Row(corpus.name, f"json-file {name}", beside="rsyslog",
                   note="no rsyslogd is installed")
    least = interleaved(setting.slow_passes, {
        "rsyslog": lambda: run_rsyslog(setting.fresh("rsyslog"), corpus),
        "three": lambda: tallyman.once("three"),
    })
    its = least["rsyslog"]
    memory = f"its memory {its.anonymous_bytes >> 20}/{its.resident_bytes >> 20} MiB"
    return row(corpus, name, least["three"], "rsyslog", its,
               note=f"its wall {its.wall_s:.3g} s, {memory}")


def row(corpus, name, own, beside, its, aim=None, note=""):
    ns, its_ns = corpus.ns_per_line(own.cpu_s), corpus.ns_per_line(its.cpu_s)
    return Row(corpus.name, f"json-file {name}", ns_per_line=ns, gb_per_s=corpus.gb_per_s(ns),
               wall_s=own.wall_s, anonymous_bytes=own.anonymous_bytes,
               resident_bytes=own.resident_bytes, beside=beside, beside_value=its_ns,
               ratio=ns / its_ns, aim=aim, note=note)


def bare_write(setting, size_bytes) -> Usage:
    return run([setting.tool("bare"), "write", setting.fresh("bare") / "out", size_bytes])


class Tallyman:
    """`run --once` over one Docker root that holds so many lines, from nothing each time."""

    def __init__(self, setting, root, lines):
        self._setting = setting
        self._root = root
        self._lines = lines
        self._output = setting.scratch / "output" / "web.ndjson"

    def once(self, sink, expected_bytes=None) -> Usage:
        """One run. Its output must have the size that it had when it was checked."""
        self.clear()
        configuration = write_configuration(self._setting, self._root, self._output, SINKS[sink])
        usage = run([self._setting.program, "run", "--once", "-c", configuration],
                    expect=f" lines={self._lines} ")
        if expected_bytes and self._output.stat().st_size != expected_bytes:
            raise MeasuringError(f"{sink}: {expected_bytes} bytes were to be written")
        return usage

    def size_of(self, sink):
        """What it writes, in bytes, when it has been seen that no line is missing."""
        self.once(sink)
        written = self._output.read_bytes()
        lines = written.count(b"\n")
        if lines != self._lines:
            raise MeasuringError(f"{sink}: {lines} lines of {self._lines}")
        return len(written)

    def clear(self):
        shutil.rmtree(self._setting.scratch / "state", ignore_errors=True)
        shutil.rmtree(self._output.parent, ignore_errors=True)


def write_configuration(setting, root, output, sink) -> Path:
    """JSON in flow style is YAML."""
    path = setting.scratch / "tallyman.yaml"
    if sink["type"] == "file":
        sink = {**sink, "path": str(output)}
    path.write_text(json.dumps({
        "docker": {"root": str(root), "host": "none"},
        "state": str(setting.scratch / "state"),
        "routes": [{"name": "bench", "sink": sink}],
    }), encoding="utf-8")
    return path
