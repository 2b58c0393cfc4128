# SPDX-License-Identifier: Apache-2.0
"""idle: the memory of the running program when it has read all that ten containers said, and they
are silent. Beside it: rsyslog, following the same ten files. And of ten thousand: many.py."""

import os
import time
from dataclasses import dataclass

from measuring import Process, cpu_of
from report import MIB, Row
from rows import many
from rows.deliver import THREE_FIELDS, write_configuration
from rows.rsyslog import RSYSLOG, start_rsyslog
from support.docker_root import Container

CONTAINERS = 10
BYTES_EACH = 1_000_000
SETTLE_SECONDS = 4  # past the last commit
WATCH_SECONDS = 5


@dataclass(frozen=True)
class Standing:
    """What a silent program holds, and does."""

    anonymous: int  # bytes
    resident: int
    threads: int
    cpu_ms: float  # in WATCH_SECONDS

    def __str__(self):
        return f"{self.threads} threads, {self.cpu_ms:.0f} ms CPU in {WATCH_SECONDS} s"


def rows(setting):
    yield from few_rows(setting)
    yield from many.rows(setting, setting.quick)


def few_rows(setting):
    root = setting.fresh("root-idle")
    with open(setting.corpora[0].path, "rb") as file:
        lines = file.read(BYTES_EACH)
    for number in range(CONTAINERS):
        Container(root, f"idle-{number}").append(lines[: lines.rfind(b"\n") + 1])

    sink = {"type": "file", "fields": THREE_FIELDS}
    outputs = setting.fresh("output-idle") / "{container_name}.ndjson"
    configuration = write_configuration(setting, root, outputs, sink)
    own = watch(Process([setting.program, "run", "-c", configuration]))
    row = {"input": "A", "pipeline": f"{CONTAINERS} idle containers, MiB anonymous",
           "anonymous_bytes": own.anonymous, "resident_bytes": own.resident, "beside": "rsyslog"}
    if not RSYSLOG:
        yield Row(**row, note=f"{own}; no rsyslogd is installed")
        return
    its = watch(start_rsyslog(setting.fresh("rsyslog"), root / "containers" / "*" / "*-json.log"))
    yield Row(**row, beside_value=its.anonymous / MIB, ratio=own.anonymous / its.anonymous,
              note=str(own))


def watch(process):
    with process:
        time.sleep(SETTLE_SECONDS)
        cpu_s = cpu_of(process.pid)
        time.sleep(WATCH_SECONDS)
        anonymous, resident = process.sample()
        standing = Standing(anonymous, resident, len(os.listdir(f"/proc/{process.pid}/task")),
                            (cpu_of(process.pid) - cpu_s) * 1000)
        process.terminate()
        process.wait()
    return standing
