# SPDX-License-Identifier: Apache-2.0
"""Each kind of source, found, followed live and resumed, on a real Engine (S73 to S77)."""

import pytest

from support.tallyman import Tallyman, entries, file_route
from support.wait import wait_for

# Answers each line that is written into its pipe, and lives until it is killed.
ECHO = "mkfifo /in; while :; do cat /in; done"
SYSLOG = ["--log-driver", "syslog", "--log-opt", "syslog-address=udp://127.0.0.1:1"]

KINDS = {
    "json-file": ("json-file", ["--log-driver", "json-file"]),
    "local": ("local", ["--log-driver", "local"]),
    "cache": ("cache", SYSLOG),
}


class Talker:
    """A container that says what it is told to."""

    def __init__(self, docker, name, options):
        self.docker, self.name = docker, name
        self.options = ["--name", name, "--network", "none", *options]

    def create(self):
        self.docker("create", *self.options, "busybox", "sh", "-c", ECHO)
        return self

    def start(self):
        self.docker("start", self.name)
        return self

    def say(self, text):
        command = f"until [ -p /in ]; do :; done; echo {text} >/in"
        self.docker("exec", self.name, "sh", "-c", command)

    def remove(self):
        self.docker("rm", "-f", self.name)


def messages(path):
    return [entry["message"] for entry in entries(path)]


@pytest.fixture
def program(engine, tallyman, out):
    return tallyman(engine.data_root, [file_route("all", out / "{container_name}")])


@pytest.mark.parametrize("name", KINDS)
def test_found_live_and_resumed(engine, docker, program, out, name):
    """S73, S75: created before the start, started later; read on after a restart; to its end."""
    _, options = KINDS[name]
    talker = Talker(docker, name, options).create()
    program.start()
    talker.start()
    talker.say("one")
    program.wait_until(lambda: messages(out / name) == ["one"], "the line of a later start")
    program.stop()
    talker.say("two")
    program.start()
    talker.say("three")
    told = ["one", "two", "three"]
    program.wait_until(lambda: messages(out / name) == told, lambda: f"{messages(out / name)}")
    talker.say("four")
    talker.remove()
    told.append("four")
    program.wait_until(lambda: messages(out / name) == told, lambda: f"{messages(out / name)}")
    program.stop()
    assert messages(out / name) == told


@pytest.mark.parametrize("name", KINDS)
def test_only_the_disk(engine, docker, program, out, name):
    """D18, D4: one that ran and ended before we looked, with no Engine to ask."""
    _, options = KINDS[name]
    docker("run", "--name", name, "--network", "none", *options, "busybox", "seq", "3")
    program.once()
    assert messages(out / name) == ["1", "2", "3"]


def test_rotated_with_compression(engine, docker, program, out):
    """S73: the generations of `local`, plain and compressed, in order."""
    options = ["--log-driver", "local", "--log-opt", "max-size=4k", "--log-opt", "max-file=5"]
    count = 2000
    docker("run", "--name", "turns", "--network", "none", *options, "busybox", "seq", str(count))
    program.once()
    found = [int(text) for text in messages(out / "turns")]
    assert found == list(range(found[0], count + 1))
    assert found[0] > 1, "nothing was rotated away: the test is void"


def test_what_nobody_can_read(engine, docker, program, out):
    """S73: no source for `none`, nor for a driver that only sends and keeps no cache; the others
    are read."""
    docker("run", "-d", "--name", "silent", "--network", "none", "--log-driver", "none",
           "busybox", "echo", "lost")  # fmt: skip
    docker("run", "-d", "--name", "sent", "--network", "none", *SYSLOG,
           "--log-opt", "cache-disabled=true", "busybox", "echo", "lost")  # fmt: skip
    docker("run", "--name", "read", "--network", "none", "busybox", "echo", "kept")
    program.start()
    program.wait_for_log("containers=3 sources=1")
    wait_for(lambda: messages(out / "read") == ["kept"], "the one that can be read")
    program.stop()
    assert not (out / "silent").exists() and not (out / "sent").exists()


@pytest.fixture
def streaming(engine, tallyman, tmp_path, out):
    """No file of Docker's is to be had: the Engine alone."""
    return tallyman("none", [file_route("all", out / "{container_name}")], host=engine.host,
                    pins=tmp_path / "pins")  # fmt: skip


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_streamed_live_and_resumed(engine, docker, streaming, out, driver):
    """S73, S77: found by list and event, received live, resumed without a line twice; forgotten
    with its spool when the container is gone."""
    first = Talker(docker, "first", ["--log-driver", driver]).create().start()
    first.say("one")
    streaming.start()
    streaming.wait_until(lambda: messages(out / "first") == ["one"], "what there was")
    second = Talker(docker, "second", ["--log-driver", driver]).create().start()
    second.say("alpha")
    streaming.wait_until(lambda: messages(out / "second") == ["alpha"], "a later container")
    streaming.stop()
    first.say("two")
    streaming.start()
    first.say("three")
    told = ["one", "two", "three"]
    streaming.wait_until(lambda: messages(out / "first") == told, lambda: messages(out / "first"))
    first.remove()
    second.remove()
    spools = streaming.state / "streams"
    streaming.wait_until(lambda: not any(spools.iterdir()), "the spools are gone")
    streaming.stop()
    assert messages(out / "first") == told
    assert messages(out / "second") == ["alpha"]
