# SPDX-License-Identifier: Apache-2.0
"""rsyslog: Debian's rsyslog 8 doing the same work: json-file lines to NDJSON with three members.

Configured for little CPU: no queue (each line is handled in the thread that reads it) and large
writes; with its usual main queue and two workers it needs more.
"""

import shutil
import time

from measuring import MeasuringError, Process

RSYSLOG = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin:/bin")
SECONDS_MAX = 120
QUIET_SECONDS = 1.0  # without growth: it has read everything

CONFIGURATION = r"""
global(workDirectory="@directory@" maxMessageSize="128k")
main_queue(queue.type="Direct")
module(load="imfile")
module(load="mmjsonparse")
template(name="three" type="list") {
    constant(value="{\"time\":\"")      property(name="$!time")
    constant(value="\",\"message\":\"") property(name="$!log" format="json")
    constant(value="\",\"stream\":\"")  property(name="$!stream")
    constant(value="\"}\n")
}
ruleset(name="docker") {
    action(type="mmjsonparse" cookie="")
    action(type="omfile" file="@directory@/output" template="three"
        ioBufferSize="256k" flushOnTXEnd="off")
}
input(type="imfile" file="@logs@" tag="docker:" ruleset="docker")
"""


def start_rsyslog(directory, logs):
    """A Process. `logs`: a path, or a glob."""
    configuration = directory / "rsyslog.conf"
    configuration.write_text(CONFIGURATION.replace("@directory@", str(directory))
                             .replace("@logs@", str(logs)), encoding="utf-8")
    return Process([RSYSLOG, "-n", "-f", configuration, "-i", directory / "pid"])


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
