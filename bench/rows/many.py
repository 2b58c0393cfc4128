# SPDX-License-Identifier: Apache-2.0
"""many: ten thousand containers that say nothing any more, on directories made from a genuine
record: what it takes to start, what stays in memory, how often anything wakes up."""

import re
import subprocess
import time
from hashlib import sha256
from pathlib import Path

from measuring import MeasuringError, Process, cpu_of
from report import MIB, Aim, Row
from rows.deliver import THREE_FIELDS, write_configuration

SAMPLES = Path(__file__).resolve().parents[2] / "tests" / "data" / "docker" / "inspect"
CONTAINERS, CONTAINERS_QUICK = 10_000, 1_000
LINES = 5  # of each
PATIENCE_S = 120
# Past the first reconciliation, once a minute, in which the books are written through.
SETTLE_S, SETTLE_S_QUICK = 70, 5
WATCH_S, WATCH_S_QUICK = 60, 15
WAITS = ("poll", "ppoll", "epoll_wait", "epoll_pwait", "select", "pselect6", "futex", "nanosleep",
         "clock_nanosleep", "restart_syscall")
# A thread that slept already says "resuming" first; a call that did not end is "unfinished".
ENDED = re.compile(r"(resumed>.*|\))\s+= ")
START_S_MAX, ANONYMOUS_MIB_MAX, WAKEUPS_MAX = 2, 16, 2  # for CONTAINERS; wake-ups a minute


def rows(setting, quick):
    count = CONTAINERS_QUICK if quick else CONTAINERS
    root = make_root(setting.fresh("root-many"), count)
    output = setting.fresh("output-many") / "all.ndjson"
    sink = {"type": "file", "fields": THREE_FIELDS}
    setting.fresh("state")
    configuration = write_configuration(setting, root, output, sink)
    with Process([setting.program, "run", "-c", configuration]) as process:
        started = until(process, lambda: "event=agent.started" in process.complaints())
        start_cpu_s = cpu_of(process.pid)
        read = until(process, lambda: lines_in(output) == count * LINES)
        read_cpu_s = cpu_of(process.pid)
        time.sleep(SETTLE_S_QUICK if quick else SETTLE_S)
        anonymous, resident = process.sample()
        watch_s = WATCH_S_QUICK if quick else WATCH_S
        wakeups = wakeups_of(process.pid, watch_s, setting.scratch / "waits") * 60 / watch_s
        process.terminate()
        process.wait()

    name = f"{count} idle containers"
    yield Row("record", f"{name}, start", wall_s=started, aim=Aim(started, "s", START_S_MAX),
              note=f"{start_cpu_s:.1f} s CPU; all read after {read:.1f} s, {read_cpu_s:.1f} s CPU")
    yield Row("record", f"{name}, memory", anonymous_bytes=anonymous, resident_bytes=resident,
              aim=Aim(anonymous / MIB, "MiB anonymous", ANONYMOUS_MIB_MAX))
    yield Row("record", f"{name}, wake-ups", aim=Aim(wakeups, "a minute", WAKEUPS_MAX),
              note=f"waits that ended, of all threads, in {watch_s} s")


def make_root(root, count):
    """Each its own id and name; otherwise the record of a container that ran."""
    config = (SAMPLES / "running-config.v2.json").read_text()
    host = (SAMPLES / "running-hostconfig.json").read_text()
    own_id = re.search(r'"ID":"([0-9a-f]{64})"', config)[1]
    own_name = re.search(r'"Name":"(/[^"]+)"', config)[1]
    lines = "".join(f'{{"log":"line {n}\\n","stream":"stdout","time":"2026-11-23T17:00:0{n}.5Z"}}\n'
                    for n in range(LINES))
    for number in range(count):
        container_id = sha256(str(number).encode()).hexdigest()
        directory = root / "containers" / container_id
        directory.mkdir(parents=True)
        mine = config.replace(own_id, container_id).replace(own_name, f"/idle-{number}")
        (directory / "config.v2.json").write_text(mine)
        (directory / "hostconfig.json").write_text(host)
        (directory / f"{container_id}-json.log").write_text(lines)
    return root


def until(process, holds):
    """Seconds since the program was started, when it holds."""
    while not holds():
        if process.seconds() > PATIENCE_S:
            raise MeasuringError(f"not within {PATIENCE_S} s: {process.complaints()[-1000:]}")
        time.sleep(0.01)
    return process.seconds()


def lines_in(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wakeups_of(pid, seconds, trace):
    """How many of its threads' waits end. Waits for the disk are none of them: what the kernel
    still knows of ten thousand directories, when they are looked at, is not the program's doing."""
    subprocess.run(["timeout", str(seconds), "strace", "-f", "-qq", "-p", str(pid), "-o", trace,
                    "-e", f"trace={','.join(WAITS)}"], check=False)
    return sum(bool(ENDED.search(line)) for line in trace.read_text().splitlines())
