# SPDX-License-Identifier: Apache-2.0
"""network: json-file logs pushed as Loki wants them, to a receiver on loopback that answers at
once (receiver.c). At full speed, at 10,000 lines a second, and how long a line takes. Beside it:
rsyslog 8, posting the same lines in bulk requests over HTTP to the same receiver."""

import itertools
import json
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

from measuring import MeasuringError, Process, cpu_of, interleaved, run
from report import Aim, Row
from rows.rsyslog import HTTP, run_rsyslog_http, start_rsyslog_http
from support.docker_root import Container, record

SOURCES = 4  # that the corpus is split over: one source is in one request at a time
COMPRESSIONS = {"none": 5_000_000, "snappy": 2_000_000}  # lines/s of a core, at least
# What goes along with each line. The aims are for a line with its stream's labels alone, as most
# agents send it; all that is known of its container makes it more than twice as long.
METADATA = {"few labels": {"structured_metadata": ["none"]}, "all labels": {}}
PACED_CONTAINERS, PACED_LINES_S = 50, 10_000
PACED_S, PACED_S_QUICK = 20, 4
PACED_CORE_PERCENT, PACED_ANONYMOUS_MIB = 1, 8
SLICES_S = 50  # how often the writer writes
LATENCY_LINES_S = {10: 30, 1000: 10}  # lines a second: for so many seconds
LATENCY_S_QUICK = 3
LATENCY_MS_MAX = 5
SYNCS = 200
SETTLE_S = 2
MIB = 1024 * 1024


def rows(setting):
    yield from speed_rows(setting)
    yield from paced_rows(setting)
    yield from latency_rows(setting)


def speed_rows(setting):
    corpus = setting.corpora[0]
    root = split(setting, corpus)
    sent_bytes = {}
    pipelines = {pair: lambda pair=pair: push_all(setting, root, corpus, pair, sent_bytes)
                 for pair in itertools.product(COMPRESSIONS, METADATA)}
    least = interleaved(setting.passes, pipelines)
    its = None
    if HTTP:
        with Receiver(setting) as receiver:
            its = run_rsyslog_http(setting.fresh("rsyslog"), corpus, receiver.port)
    for (compression, metadata), usage in least.items():
        ns = corpus.ns_per_line(usage.cpu_s)
        its_ns = corpus.ns_per_line(its.cpu_s) if its else None
        note = f"{sent_bytes[compression, metadata] / corpus.lines:.0f} bytes a line sent"
        aimed = metadata == "few labels"
        yield Row(corpus.name, f"json-file → loki, {compression}, {metadata}", ns_per_line=ns,
                  gb_per_s=corpus.gb_per_s(ns), wall_s=usage.wall_s,
                  anonymous_bytes=usage.anonymous_bytes, resident_bytes=usage.resident_bytes,
                  beside="rsyslog, bulk over HTTP", beside_value=its_ns,
                  ratio=ns / its_ns if its_ns else None,
                  aim=Aim(1e3 / ns, "M lines/s of a core",
                          at_least=COMPRESSIONS[compression] / 1e6) if aimed else None,
                  note=note if HTTP else f"{note}; no rsyslog-elasticsearch is installed")


def split(setting, corpus):
    """The corpus as the logs of several containers."""
    root = setting.fresh("root-network")
    lines = corpus.path.read_bytes().splitlines(keepends=True)
    share = len(lines) // SOURCES + 1
    for number in range(SOURCES):
        container = Container(root, f"web-{number}")
        container.append(b"".join(lines[number * share:(number + 1) * share]))
    return root


def push_all(setting, root, corpus, pair, ret_bytes):
    """`run --once` to the receiver; each line must have been in an accepted request."""
    compression, metadata = pair
    with Receiver(setting) as receiver:
        configuration = write_configuration(
            setting, root, receiver, {"compression": compression, **METADATA[metadata]},
            {"bytes": "1MiB"})
        usage = run([setting.program, "run", "--once", "-c", configuration],
                    expect=f" lines={corpus.lines} ")
        ret_bytes[pair] = receiver.stop()["bytes"]
        return usage


def paced_rows(setting):
    seconds = PACED_S_QUICK if setting.quick else PACED_S
    own = paced(setting, seconds, lambda root, receiver: Process(
        [setting.program, "run", "-c",
         write_configuration(setting, root, receiver, {}, {"age": "1s"})]))
    its = paced(setting, seconds, lambda root, receiver: start_rsyslog_http(
        setting.fresh("rsyslog"), root / "containers" / "*" / "*-json.log",
        receiver.port)) if HTTP else None
    name = f"{PACED_LINES_S} lines/s of {PACED_CONTAINERS} containers → loki"
    yield Row("made", f"{name}, % of a core", beside="rsyslog, bulk over HTTP",
              beside_value=its and its.core_percent, ratio=its and own.core_percent /
              its.core_percent, aim=Aim(own.core_percent, "%", PACED_CORE_PERCENT),
              note=f"{own.lines} lines in {seconds} s")
    yield Row("made", f"{name}, memory", anonymous_bytes=own.anonymous,
              resident_bytes=own.resident, beside="rsyslog, bulk over HTTP",
              beside_value=its and its.anonymous / MIB,
              aim=Aim(own.anonymous / MIB, "MiB anonymous", PACED_ANONYMOUS_MIB))


@dataclass(frozen=True)
class Paced:
    """What a program took while lines came at a steady pace."""

    core_percent: float
    anonymous: int  # bytes
    resident: int
    lines: int


def paced(setting, seconds, start):
    root = setting.fresh("root-paced")
    containers = [Container(root, f"paced-{number}") for number in range(PACED_CONTAINERS)]
    with Receiver(setting) as receiver, start(root, receiver) as process:
        with writing(containers, PACED_LINES_S) as writer:
            time.sleep(SETTLE_S)
            before_s, written = cpu_of(process.pid), writer.lines
            began = time.monotonic()
            while time.monotonic() - began < seconds:
                process.sample()
                time.sleep(0.1)
            cpu_s = cpu_of(process.pid) - before_s
            took_s, written = time.monotonic() - began, writer.lines - written
        anonymous, resident = process.sample()
        process.terminate()
        process.wait()
    return Paced(100 * cpu_s / took_s, anonymous, resident, written)


def latency_rows(setting):
    synced_ms = sync_ms(setting.scratch / "synced")
    for lines_s, seconds in LATENCY_LINES_S.items():
        said = latency(setting, lines_s, LATENCY_S_QUICK if setting.quick else seconds)
        p50, p99, most = (said[name] / 1e6 for name in ("p50_ns", "p99_ns", "most_ns"))
        yield Row("made", f"write → received at {lines_s} lines/s, batch.age 0",
                  beside="fdatasync there, p99", beside_value=synced_ms, ratio=p99 / synced_ms,
                  aim=Aim(p99, "ms p99", LATENCY_MS_MAX),
                  note=f"p50 {p50:.2f} ms, most {most:.2f} ms, {said['lines']} lines")


def sync_ms(path):
    """What the disk takes to keep a page, p99: lines that come during a commit wait for it."""
    took_ms = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            began = time.monotonic()
            os.fdatasync(file.fileno())
            took_ms.append(1e3 * (time.monotonic() - began))
    return sorted(took_ms)[SYNCS * 99 // 100]


def latency(setting, lines_s, seconds):
    root = setting.fresh("root-latency")
    container = Container(root, "latency")
    with Receiver(setting, count=True) as receiver:
        configuration = write_configuration(setting, root, receiver, {}, {"age": "0"})
        with Process([setting.program, "run", "-c", configuration]) as process:
            time.sleep(SETTLE_S)
            with writing([container], lines_s) as writer:
                time.sleep(seconds)
            time.sleep(SETTLE_S)
            process.terminate()
            process.wait()
        said = receiver.stop()
    if said["lines"] != writer.lines:
        raise MeasuringError(f"{said['lines']} lines of {writer.lines} arrived")
    return said


class Receiver:
    """bench_receiver while it runs."""

    def __init__(self, setting, count=False):
        self._process = subprocess.Popen(
            [setting.tool("receiver"), *(["--count"] if count else [])], stdout=subprocess.PIPE,
            text=True)
        self.port = int(self._process.stdout.readline())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        """Its sums."""
        self._process.terminate()
        said, _ = self._process.communicate()
        return json.loads(said)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.stop()


class Writer(threading.Thread):
    """Lines that say when they were written, at a steady pace, turn by turn to each container."""

    def __init__(self, containers, lines_s):
        super().__init__(daemon=True)
        self._files = [open(container.log, "ab", buffering=0) for container in containers]
        self._lines_s = lines_s
        self._stopping = threading.Event()
        self.lines = 0

    def run(self):
        began = time.monotonic()
        slice_s = max(1 / self._lines_s, 1 / SLICES_S)
        while not self._stopping.wait(slice_s):
            due = int((time.monotonic() - began) * self._lines_s)
            while self.lines < due:
                # As many as one container wrote: the machine is to be busy with us, not with this.
                count = min(due - self.lines, max(1, due - self.lines) // len(self._files) + 1)
                now_ns = time.time_ns()
                log = f"@{now_ns} {'a line of usual length, as servers write them ' * 2}\n"
                # Docker gives no two lines one time.
                lines = [record(log, "stdout", now_ns + i) for i in range(count)]
                self._files[self.lines % len(self._files)].write(b"".join(lines))
                self.lines += count

    def stop(self):
        self._stopping.set()
        self.join()
        for file in self._files:
            os.close(file.detach().fileno() if hasattr(file, "detach") else file.fileno())


@contextmanager
def writing(containers, lines_s):
    writer = Writer(containers, lines_s)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def write_configuration(setting, root, receiver, sink, batch):
    """JSON in flow style is YAML."""
    path = setting.scratch / "tallyman-network.yaml"
    setting.fresh("state")
    path.write_text(json.dumps({
        "docker": {"root": str(root), "host": "none"},
        "state": str(setting.scratch / "state"),
        "routes": [{"name": "bench", "batch": batch,
                    "sink": {"type": "loki", "url": receiver.url, **sink}}],
    }), encoding="utf-8")
    return path
