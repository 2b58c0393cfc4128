# SPDX-License-Identifier: Apache-2.0
"""S96: a container that was away and is there again (its disk was not mounted, dockerd ran for a
while on another data root, a backup was put back) is read on: nothing is lost, nothing comes twice.
"""

import shutil

import pytest

from conftest import started_engine
from support.docker_root import Container
from support.ledger_book import assert_conservation, gaps
from support.tallyman import entries, file_route, pairs


@pytest.fixture
def program(root, tallyman, out, tmp_path):
    docker = {"root": str(root), "host": "none", "reconcile": "1s"}
    route = file_route("all", out / "all")
    return tallyman(root, [route], pins=tmp_path / "pins", docker=docker)


def wait_for_lines(program, out, lines):
    program.wait_until(lambda: pairs(out / "all") == lines, lambda: f"{pairs(out / 'all')[-3:]}")


def wait_until_forgotten(program):
    program.wait_until(lambda: program.status()["containers"]["known"] == 0, "it is forgotten")


def test_started_before_the_disk_was_mounted(root, container, program, out):
    """An empty root in its place at a start: what is known is given up, and taken up again."""
    made = container("one")
    lines = made.write_lines("first", 5)
    program.once()
    disk = root.rename(root.with_name("disk"))
    (root / "containers").mkdir(parents=True)
    program.once()
    shutil.rmtree(root)
    disk.rename(root)
    lines += made.write_lines("mounted", 5)
    program.once()
    assert pairs(out / "all") == lines
    lines += made.write_lines("later", 5)
    program.once()
    assert pairs(out / "all") == lines
    assert_conservation(program.state, "all")


@pytest.mark.parametrize("copied", [False, True], ids=["moved", "copied"])
@pytest.mark.parametrize("rotations", [0, 4])
def test_directory_put_back(root, program, out, rotations, copied):
    """Beside the running program: the numbers of its files begin anew."""
    made = Container(root, "one")
    lines = made.write_lines("first", 5)
    program.start()
    for number in range(rotations):
        wait_for_lines(program, out, lines)
        made.rotate(max_file=3)
        lines += made.write_lines(f"rotated {number}", 5)
    wait_for_lines(program, out, lines)
    aside = made.directory.rename(root / "aside")
    wait_until_forgotten(program)
    if copied:
        shutil.copytree(aside, root / "copy")
        (root / "copy").rename(made.directory)
    else:
        aside.rename(made.directory)
    lines += made.write_lines("back", 5)
    wait_for_lines(program, out, lines)
    made.rotate(max_file=3)
    lines += made.write_lines("rotated again", 5)
    wait_for_lines(program, out, lines)
    program.stop()
    assert gaps(program.state, "all") == []
    assert_conservation(program.state, "all")


def test_emptied_meanwhile(root, program, out):
    """Nothing of what was read is there any more: all that is there is read."""
    made = Container(root, "one")
    lines = made.write_lines("first", 5)
    program.start()
    wait_for_lines(program, out, lines)
    aside = made.directory.rename(root / "aside")
    wait_until_forgotten(program)
    (aside / made.log.name).write_bytes(b"")
    aside.rename(made.directory)
    lines += made.write_lines("others, longer", 5)
    wait_for_lines(program, out, lines)
    program.stop()


def test_dockerd_on_another_data_root(tallyman, out, tmp_path):
    """Streamed: an Engine that knows none of its containers for a while, and then all again. The
    spool is a new one, so that a line may come twice; none is lost."""
    with started_engine() as engine:
        engine.import_busybox()
        engine.docker("run", "--name=one", "--network=none", "busybox", "cat", "/proc/uptime")
        program = tallyman("none", [file_route("all", out / "all")], host=engine.host,
                           pins=tmp_path / "pins").start()  # fmt: skip
        program.wait_until(lambda: len(entries(out / "all")) == 1, "its first line")
        engine.stop_daemon()
        disk = engine.data_root.rename(engine.root / "disk")
        engine.start_daemon()
        wait_until_forgotten(program)
        engine.stop_daemon()
        engine.data_root.rename(engine.root / "empty")
        disk.rename(engine.data_root)
        engine.start_daemon()
        engine.docker("start", "-a", "one")
        told = engine.docker("logs", "one").stdout.splitlines()
        assert len(told) == 2

        def messages():
            return {entry["message"] for entry in entries(out / "all")}

        program.wait_until(lambda: messages() == set(told), lambda: f"{messages()} like {told}")
        program.stop()
