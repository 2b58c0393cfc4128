# SPDX-License-Identifier: Apache-2.0
"""rsyslog: Debian's rsyslog 8 doing the same work: json-file lines to NDJSON with three members.

Configured for little CPU: no queue (each line is handled in the thread that reads it) and large
writes; with its usual main queue and two workers it needs more.
"""

import json
import os
import shutil
import time
import urllib.request
from pathlib import Path

from measuring import MeasuringError, Process

HTTP_MODULE = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "rsyslog/omelasticsearch.so"
RSYSLOG = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin:/bin")
HTTP = RSYSLOG and HTTP_MODULE.exists()
SECONDS_MAX = 120
QUIET_SECONDS = 1.0  # without growth: it has read everything

CONFIGURATION = r"""
global(workDirectory="@directory@" maxMessageSize="128k")
@queue@
module(load="imfile")
module(load="mmjsonparse")
template(name="three" type="list") {
    constant(value="{\"time\":\"")      property(name="$!time")
    constant(value="\",\"message\":\"") property(name="$!log" format="json")
    constant(value="\",\"stream\":\"")  property(name="$!stream")
    constant(value="\"}@end@")
}
ruleset(name="docker") {
    action(type="mmjsonparse" cookie="")
    @action@
}
input(type="imfile" file="@logs@" tag="docker:" ruleset="docker")
"""

FILE_OUTPUT = {
    "queue": 'main_queue(queue.type="Direct")',
    "end": r"\n",
    "action": """action(type="omfile" file="@directory@/output" template="three"
        ioBufferSize="256k" flushOnTXEnd="off")""",
}

# Bulk requests need a queue to collect them from.
HTTP_OUTPUT = {
    "queue": """main_queue(queue.type="LinkedList" queue.dequeueBatchSize="2048" queue.size="100000"
    queue.workerThreads="1")
module(load="omelasticsearch")""",
    "end": "",
    "action": """action(type="omelasticsearch" server="127.0.0.1" serverport="@port@"
        template="three" bulkmode="on" maxbytes="1m" searchIndex="logs" skipverifyhost="on")""",
}


def start(directory, output, **values):
    """A Process. `output` and `values`: what stands for each @name@."""
    text = CONFIGURATION
    for name, value in {**output, **values, "directory": directory}.items():
        text = text.replace(f"@{name}@", str(value))
    configuration = directory / "rsyslog.conf"
    configuration.write_text(text, encoding="utf-8")
    return Process([RSYSLOG, "-n", "-f", configuration, "-i", directory / "pid"])


def start_rsyslog_http(directory, logs, port):
    """A Process that posts to the receiver."""
    return start(directory, HTTP_OUTPUT, logs=logs, port=port)


def run_rsyslog_http(directory, corpus, port):
    """Its usage until the receiver has had every line."""
    with start_rsyslog_http(directory, corpus.path, port) as process:
        while lines_received(port) < corpus.lines:
            time.sleep(0.05)
            process.sample()
            if process.seconds() > SECONDS_MAX:
                raise MeasuringError(f"rsyslog: {lines_received(port)} lines of {corpus.lines} in "
                                     f"{SECONDS_MAX} s: {process.complaints()[-500:]}")
        wall_s = process.seconds()
        process.terminate()
        return process.wait().within(wall_s)


def lines_received(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sums") as answer:
        return json.load(answer)["lines"]


def start_rsyslog(directory, logs):
    """A Process. `logs`: a path, or a glob."""
    return start(directory, FILE_OUTPUT, logs=logs)


def run_rsyslog(directory, corpus):
    """Its usage from start to the last line; every line must have arrived."""
    output = directory / "output"
    with start_rsyslog(directory, corpus.path) as process:
        began = grown = time.monotonic()
        size = 0
        while size == 0 or time.monotonic() - grown < QUIET_SECONDS:
            time.sleep(0.02)
            process.sample()
            now = output.stat().st_size if output.exists() else 0
            if now != size:
                size, grown = now, time.monotonic()
            if time.monotonic() - began > SECONDS_MAX:
                raise MeasuringError(f"rsyslog has not ended in {SECONDS_MAX} s")
        process.terminate()
        usage = process.wait()
    lines = output.read_bytes().count(b"\n")
    if lines != corpus.lines:
        raise MeasuringError(f"rsyslog: {lines} lines of {corpus.lines}")
    return usage.within(grown - began)
