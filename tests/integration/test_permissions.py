# SPDX-License-Identifier: Apache-2.0
"""S100: what may not be read is told once, with what to do; nothing crashes or spins; it heals."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from support.docker_root import Container
from support.tallyman import BINARY, Tallyman, file_route, pairs
from support.wakeups import wakeups

USER = 12321  # nobody's

if os.geteuid() != 0:
    pytest.skip("needs root to become another user", allow_module_level=True)


class Place:
    """Directories that another user can reach, and tallyman as that user."""

    def __init__(self, directory):
        self.directory = directory
        directory.chmod(0o755)
        self.root = directory / "docker"
        self.containers = self.root / "containers"
        self.containers.mkdir(parents=True)
        self.home = directory / "home"
        self.home.mkdir()
        os.chown(self.home, USER, USER)
        self.out = self.home / "out"
        self.binary = directory / "tallyman"
        shutil.copy(BINARY, self.binary)

    def program(self, root=None, host="none", **keys):
        return Tallyman(
            self.home / "tallyman", root or self.root, [file_route("all", self.out)], host=host,
            pins=self.home / "pins", state=str(self.home / "state"), binary=self.binary,
            identity={"user": USER, "group": USER, "extra_groups": []}, **keys,
        )  # fmt: skip


@pytest.fixture
def place():
    directory = Path(tempfile.mkdtemp(prefix="tallyman-permissions-"))
    yield Place(directory)
    shutil.rmtree(directory)


@pytest.fixture
def started(place):
    """started(…): place.program(…), running; ended with the test."""
    made = []

    def start(**keys):
        program = place.program(**keys)
        made.append(program)
        return program.start()

    yield start
    for program in made:
        program.close()
        print(program.log_tail())


def events(program, name):
    return [line for line in program.log().splitlines() if f"event={name} " in line]


def told_once(program, event, *words):
    program.wait_for_log(f"event={event} ")
    (line,) = events(program, event)
    assert all(word in line for word in words), line


def test_files_that_may_not_be_read(place, started):
    """S100: one diagnosis for all containers: path, uid, capability; read when it may be."""
    made = [Container(place.root, name) for name in ("one", "two", "three")]
    lines = [line for container in made for line in container.write_lines("first", 20)]
    for container in made:
        container.directory.chmod(0o700)
    program = started()
    told_once(program, "files.unreadable", str(place.containers), str(USER), "CAP_DAC_READ_SEARCH")
    program.wait_for_log("event=agent.started")
    before = wakeups(program.pid)
    for container in made:
        container.directory.chmod(0o755)
        for file in container.directory.iterdir():
            file.chmod(0o644)
    program.wait_until(lambda: len(pairs(place.out)) == 60, "all of them", 40)
    assert wakeups(program.pid) - before < 400
    program.wait_for_log("code=files.unreadable", 40)
    told_once(program, "files.unreadable")
    program.stop()
    assert sorted(pairs(place.out)) == sorted(lines)


def test_containers_directory_that_may_not_be_listed(place, started):
    """S100: told, and taken up when it may be."""
    lines = Container(place.root, "one").write_lines("first", 20)
    (log,) = place.containers.glob("*/*-json.log")
    log.chmod(0o644)
    place.containers.chmod(0o700)
    program = started()
    told_once(program, "root.unlistable", str(place.containers), str(USER), "CAP_DAC_READ_SEARCH")
    place.containers.chmod(0o755)
    program.wait_until(lambda: pairs(place.out) == lines, "its lines", 40)
    program.stop()
    assert len(events(program, "root.unlistable")) == 1


def test_state_that_may_not_be_written(place):
    """S100: fatal, in one sentence with the path and the uid."""
    place.home.chmod(0o500)
    os.chown(place.home, 0, 0)
    place.home.chmod(0o755)
    program = place.program()
    done = program.run("run", "--once", check=None)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert str(place.home) in line and str(USER) in line


def test_known_logs_while_nothing_may_be_read(place, started):
    """S96, S100: a restart without the permission gives nothing up and reads nothing twice."""
    container = Container(place.root, "one")
    container.log.chmod(0o644)
    lines = container.write_lines("first", 20)
    program = started()
    program.wait_until(lambda: pairs(place.out) == lines, "the first lines")
    program.stop()
    place.containers.chmod(0o700)
    lines += container.write_lines("later", 20)
    program.start()
    program.wait_for_log("event=root.unlistable ")
    place.containers.chmod(0o755)
    program.wait_until(lambda: len(pairs(place.out)) == 40, "the later lines", 40)
    program.stop()
    assert pairs(place.out) == lines
    assert "gaps=0" in events(program, "route.closed")[-1]


def test_streamed_while_files_may_not_be_read(place, engine, docker):
    """S73, S100: in the socket's group and nothing else: told, and streamed by the Engine, over a
    restart too."""
    run = ["run", "-d", "--network", "none", "busybox", "echo"]
    docker(*run, "first")
    program = place.program(root=engine.data_root, host=engine.host)
    program.identity["extra_groups"] = [engine.socket_path.stat().st_gid]
    containers = engine.data_root / "containers"
    engine.root.chmod(0o711)
    program.start()
    try:
        told_once(program, "root.unlistable", str(containers), "the Engine is asked to stream")
        docker(*run, "second")
        program.wait_until(lambda: len(pairs(place.out)) == 2, "both lines")
        program.stop()
        third = docker(*run, "third").stdout.strip()
        assert program.cat(third) == b"third\n"
        program.start()
        program.wait_until(lambda: len(pairs(place.out)) == 3, "the third line")
        program.stop()
        assert sorted(text for _, text in pairs(place.out)) == ["first", "second", "third"]
    finally:
        engine.root.chmod(0o700)
        program.close()
        print(program.log_tail())


@pytest.fixture
def readable(place, engine):
    """The Engine's own files, for a user that may search and read everything."""
    wrapper = place.directory / "with-capability"
    wrapper.write_text(
        f"#!/bin/sh\nexec setpriv --reuid {USER} --regid {USER} --clear-groups "
        f"--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "
        f'--bounding-set=-all,+dac_read_search {place.binary} "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(0o755)

    def make(host):
        return Tallyman(
            place.home / "tallyman", engine.data_root, [file_route("all", place.out)], host=host,
            pins=place.home / "pins", state=str(place.home / "state"), binary=wrapper,
        )  # fmt: skip

    return make


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_one_capability_is_enough(place, engine, docker, readable, driver):
    """S100: CAP_DAC_READ_SEARCH alone, no socket, on an Engine's own files: live and resumed."""
    run = ["run", "-d", "--network", "none", "--log-driver", driver, "busybox", "echo"]
    docker(*run, "first")
    program = readable("none").start()
    try:
        program.wait_until(lambda: pairs(place.out) == [("stdout", "first")], "the first line")
        docker(*run, "second")
        program.wait_until(lambda: len(pairs(place.out)) == 2, "the second line")
        program.stop()
        docker(*run, "third")
        program.start()
        program.wait_until(lambda: len(pairs(place.out)) == 3, "the third line")
        program.stop()
        assert not [event for event in ("files.unreadable", "root.unlistable", "source.unreadable")
                    if events(program, event)]  # fmt: skip
    finally:
        program.close()
        print(program.log_tail())


def test_socket_that_may_not_be_used(place, engine, docker, readable):
    """S100, D18: told once with the uid; the disk serves; it heals when the permission is given."""
    docker("run", "--network", "none", "busybox", "echo", "hello")
    assert stat.S_IMODE(engine.socket_path.stat().st_mode) & 0o006 == 0
    program = readable(engine.host)
    program.start()
    try:
        told_once(program, "socket.unreadable", str(engine.socket_path), str(USER))
        program.wait_until(lambda: pairs(place.out) == [("stdout", "hello")], "its line")
        engine.root.chmod(0o711)
        engine.socket_path.chmod(0o666)
        program.wait_for_log("event=engine.connected", 40)
        assert [line for line in events(program, "health.healed") if "socket.unreadable" in line]
        program.stop()
        assert len(events(program, "socket.unreadable")) == 1
    finally:
        engine.root.chmod(0o700)
        engine.socket_path.chmod(0o660)
        program.close()
        print(program.log_tail())
