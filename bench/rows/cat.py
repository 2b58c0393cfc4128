# SPDX-License-Identifier: Apache-2.0
"""cat: `tallyman cat` beside `docker logs`, the same log of the same container of a private Engine,
to /dev/null. What docker logs costs is the client's CPU and dockerd's."""

import shutil
import subprocess

from measuring import MeasuringError, Usage, cpu_of, interleaved, run
from report import Aim, Row
from rows.deliver import write_configuration
from support.private_engine import EngineError, PrivateEngine

FASTER_MIN = 50
NAME = "tallyman cat"


def rows(setting):
    corpus = setting.corpora[0]
    try:
        with PrivateEngine() as engine:
            make_container(engine, corpus)
            yield row_of(setting, engine, corpus)
    except (EngineError, OSError) as error:
        reason = str(error).splitlines()[0]
        yield Row(corpus.name, NAME, beside="docker logs", note=f"no Engine: {reason}")


def make_container(engine, corpus):
    """One that has run, with the corpus in the place of its log."""
    engine.docker("run", "--network", "none", "--name", "bench", engine.import_busybox(), "true")
    container_id = engine.docker("inspect", "--format", "{{.Id}}", "bench").stdout.strip()
    engine.stop_daemon()
    log = engine.data_root / "containers" / container_id / f"{container_id}-json.log"
    shutil.copyfile(corpus.path, log)
    engine.start_daemon()


def row_of(setting, engine, corpus):
    configuration = write_configuration(setting, engine.data_root, None, {"type": "null"})
    command = [setting.program, "cat", "-c", configuration, "bench"]
    check_lines(command, corpus)
    own = its = None
    for _ in range(setting.slow_passes):
        usage = docker_logs(engine)
        its = usage.least(its or usage)
        usage = interleaved(setting.passes, {NAME: lambda: run(command)})[NAME]
        own = usage.least(own or usage)
    ns, its_ns = corpus.ns_per_line(own.cpu_s), corpus.ns_per_line(its.cpu_s)
    return Row(corpus.name, NAME, ns_per_line=ns, gb_per_s=corpus.gb_per_s(ns), wall_s=own.wall_s,
               anonymous_bytes=own.anonymous_bytes, resident_bytes=own.resident_bytes,
               beside="docker logs", beside_value=its_ns, ratio=ns / its_ns,
               aim=Aim(its.wall_s / own.wall_s, "x as fast by the clock", at_least=FASTER_MIN),
               note=f"its wall {its.wall_s:.3g} s")


def check_lines(command, corpus):
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    lines = printed.count(b"\n")
    if lines != corpus.lines:
        raise MeasuringError(f"{NAME}: {lines} lines of {corpus.lines}")


def docker_logs(engine):
    daemon_before_s = cpu_of(engine.pid)
    client = run(["docker", "logs", "bench"], environment=engine.environment)
    return Usage(client.cpu_s + cpu_of(engine.pid) - daemon_before_s, client.wall_s)
