# SPDX-License-Identifier: Apache-2.0
"""S96: where `docker.root` is not configured the Engine's word counts, also where the Engine comes
later than we: until then its last word is followed, else Docker's default."""

import os
import shutil
import tempfile
from contextlib import contextmanager

import pytest

from support.docker_root import Container
from support.ledger_book import assert_conservation, gaps
from support.stand_in_engine import StandInContainer, StandInEngine
from support.tallyman import file_route, pairs


@contextmanager
def late(path, root, *containers):
    """An Engine that comes now."""
    engine = StandInEngine(path)
    engine.root = str(root)
    engine.add(*(StandInContainer(made.id, made.name) for made in containers))
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def guess(tmp_path):
    """What the Engine said last, before a start that nothing else is left of."""
    return tmp_path / "guess"


@pytest.fixture
def program(tallyman, tmp_path, out, guess):
    """Without `docker.root`; its Engine is to come at `late.sock`."""
    made = tallyman("unused", [file_route("all", out / "all")], pins=tmp_path / "pins",
                    docker={"host": f"unix://{tmp_path / 'late.sock'}"})  # fmt: skip
    made.state.mkdir()
    (made.state / "docker-root").write_text(f"{guess}\n", encoding="utf-8")
    return made


def start(program):
    """Up, and without an Engine."""
    program.start()
    program.wait_for_log("event=agent.started")
    program.wait_for_log("event=engine.absent")
    return program


def told(program, name):
    return [line for line in program.log().splitlines() if f"event={name} " in line]


def troubles(program):
    return {trouble["code"]: trouble["reason"] for trouble in program.status()["degraded"]}


def sources(program):
    return program.status()["containers"]["sources"]


@pytest.mark.parametrize("guessed", ["missing", "empty"])
def test_an_engine_that_comes_later_tells_its_root(
    root, container, program, out, tmp_path, guess, guessed
):
    """The root that was guessed is not there, or nothing is in it."""
    if guessed == "empty":
        (guess / "containers").mkdir(parents=True)
    made = container("one")
    lines = made.write_lines("first", 10)
    start(program)
    assert f"root={guess}" in told(program, "root.guessed")[0]
    with late(tmp_path / "late.sock", root, made):
        program.wait_until(lambda: pairs(out / "all") == lines, "its lines")
        later = container("two")
        lines += later.write_lines("later", 5)
        program.wait_until(lambda: pairs(out / "all") == lines, "a container that came then")
        made.rotate()
        lines += made.write_lines("rotated", 5)
        program.wait_until(lambda: pairs(out / "all") == lines, "what a rotation made")
        assert troubles(program) == {}
        program.stop()
    assert "configured" not in told(program, "engine.root")[0]
    assert "way=link" in told(program, "pins.way")[-1]
    assert (program.state / "docker-root").read_text(encoding="utf-8") == f"{root}\n"
    assert_conservation(program.state, "all")


def test_the_root_of_remapped_users(program, out, tmp_path, guess):
    """userns-remap, before its first container: the directory of numbers is not to be guessed."""
    (guess / "containers").mkdir(parents=True)
    remapped = guess / "231072.231072"
    (remapped / "containers").mkdir(parents=True)
    start(program)
    with late(tmp_path / "late.sock", remapped):
        program.wait_for_log("event=engine.root ")
        lines = Container(remapped, "one").write_lines("first", 10)
        program.wait_until(lambda: pairs(out / "all") == lines, "its lines")
        program.stop()


def test_what_lies_in_the_guessed_root_is_read_to_its_end(
    root, container, program, out, tmp_path, guess
):
    """A root that was left long ago: the Engine does not know what is in it."""
    (guess / "containers").mkdir(parents=True)
    old, new = Container(guess, "old"), container("new")
    lines = old.write_lines("old", 10)
    start(program)
    program.wait_until(lambda: pairs(out / "all") == lines, "what was guessed")
    with late(tmp_path / "late.sock", root, new):
        lines += new.write_lines("new", 10)
        program.wait_until(lambda: pairs(out / "all") == lines, "what is new")
        program.wait_until(lambda: sources(program) == 1, "the old one ends")
        assert troubles(program) == {}
        program.stop()
    assert pairs(out / "all") == lines
    assert gaps(program.state, "all") == []
    assert not [name for name in os.listdir(tmp_path / "pins") if name.startswith(old.id)]
    assert_conservation(program.state, "all")


def test_a_root_that_was_moved_is_told(program, out, tmp_path, guess):
    """The same containers in both, other files: a restart reads on, and nothing twice."""
    (guess / "containers").mkdir(parents=True)
    made = Container(guess, "one")
    lines = made.write_lines("first", 10)
    start(program)
    program.wait_until(lambda: pairs(out / "all") == lines, "the first lines")
    moved = tmp_path / "moved"
    shutil.copytree(guess, moved)
    made.log = moved / made.log.relative_to(guess)
    with late(tmp_path / "late.sock", moved, made):
        program.wait_until(lambda: "root.moved" in troubles(program), "it is told")
        assert "restart" in troubles(program)["root.moved"]
        lines += made.write_lines("moved", 10)
        program.stop()
        program.start()
        program.wait_until(lambda: pairs(out / "all") == lines, "what was written since")
        assert troubles(program) == {}
        program.stop()
    assert pairs(out / "all") == lines


def test_the_root_is_known_before_the_engine_comes(root, container, program, out, tmp_path):
    """A boot: the root that the Engine told is followed from the start, nothing is taken for
    removed, and `ls` finds it too."""
    made = container("one")
    lines = made.write_lines("first", 10)
    start(program)
    with late(tmp_path / "late.sock", root, made):
        program.wait_until(lambda: pairs(out / "all") == lines, "its lines")
        program.stop()
    os.unlink(tmp_path / "late.sock")
    lines += made.write_lines("down", 10)
    start(program)
    program.wait_until(lambda: pairs(out / "all") == lines, "what came while we were down")
    assert [one["name"] for one in program.ls()] == ["one"]
    program.stop()
    assert gaps(program.state, "all") == []


def test_a_link_to_the_root_is_no_other(root, container, program, out, tmp_path, guess):
    """dockerd names its root as it is without links."""
    guess.symlink_to(root)
    made = container("one")
    lines = made.write_lines("first", 10)
    start(program)
    with late(tmp_path / "late.sock", root, made):
        program.wait_for_log("event=engine.connected")
        lines += made.write_lines("later", 10)
        program.wait_until(lambda: pairs(out / "all") == lines, "its lines")
        program.stop()
    assert not told(program, "engine.root")


def test_pins_on_another_mount_than_the_root(root, container, program, out, tmp_path, guess):
    """Links go from the guessed root, and not from the Engine's: descriptors take their place."""
    if os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("/dev/shm is no mount of its own")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        (guess / "containers").mkdir(parents=True)
        os.symlink(elsewhere, tmp_path / "far")
        shutil.move(root / "containers", tmp_path / "far" / "containers")
        made = Container(elsewhere, "one")
        lines = made.write_lines("first", 10)
        start(program)
        with late(tmp_path / "late.sock", elsewhere, made):
            program.wait_until(lambda: pairs(out / "all") == lines, "its lines")
            made.rotate()
            lines += made.write_lines("rotated", 10)
            program.wait_until(lambda: pairs(out / "all") == lines, "what a rotation made")
            program.stop()
    assert [("way=link" in way, "way=descriptor" in way) for way in told(program, "pins.way")] == [
        (True, False),
        (False, True),
    ]
    assert os.listdir(tmp_path / "pins") == []
