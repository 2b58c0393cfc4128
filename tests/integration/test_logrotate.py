# SPDX-License-Identifier: Apache-2.0
"""R1: the real logrotate rotates our outputs while lines flow; no signal tells us, and every line
is in its files once."""

import json
import shutil
import subprocess
import threading

import pytest

from support.docker_root import Container
from support.ledger_book import assert_conservation
from support.rotated import rotated_lines
from support.tallyman import count_lines, file_route, sink_events

RUNS = 20


@pytest.fixture
def logrotate(tmp_path):
    """logrotate(output, *words): one rotation of it, as cron would do it."""
    if not shutil.which("logrotate"):
        pytest.skip("no logrotate (tools/install-packages check)")

    def rotate(output, *words):
        configuration = tmp_path / "logrotate.conf"
        configuration.write_text("\n".join([f'"{output}" {{', f"rotate {RUNS + 1}", *words, "}\n"]))
        configuration.chmod(0o600)
        done = subprocess.run(
            ["logrotate", "-f", "-s", tmp_path / "logrotate.state", configuration],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    return rotate


class Writer:
    """Writes numbered lines without a pause until it is told to end."""

    def __init__(self, container):
        self.container, self.expected = container, []
        self.enough = threading.Event()
        self.thread = threading.Thread(target=self.write)

    def write(self):
        while not self.enough.wait(0.002):
            prefix = f"{len(self.expected) // 7}"
            self.expected += [m for _, m in self.container.write_lines(prefix, 7)]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.thread.join()


def messages(path):
    return [json.loads(line)["message"] for line in rotated_lines(path)]


def changes_said(program):
    return [line for line in program.log().splitlines() if "event=output." in line]


def following(tallyman, tmp_path, root):
    """A container, its output, and the program that is between them and commits often."""
    container, output = Container(root, "web"), tmp_path / "web.log"
    route = file_route("all", output, batch={"age": "20ms"})
    return container, output, tallyman(root, [route]).start()


@pytest.mark.parametrize("words", [["create"], ["nocreate", "compress", "delaycompress"]])
def test_moved_while_lines_flow(tallyman, tmp_path, root, logrotate, words):
    """Each run moves the file away; what comes next goes into a new one, without any signal."""
    container, output, program = following(tallyman, tmp_path, root)
    with Writer(container) as writer:
        for _ in range(RUNS):
            # A run finds something to rotate.
            program.wait_until(lambda: count_lines(output) > 0, "lines come into a new file")
            logrotate(output, *words)
    program.wait_until(
        lambda: messages(output)[-1:] == writer.expected[-1:], "the last line is written"
    )
    assert messages(output) == writer.expected
    assert len(changes_said(program)) <= 1, changes_said(program)
    events = sink_events(program)
    assert events.pop("moved") in (RUNS - 1, RUNS), "all but perhaps the last, after the last line"
    assert events == {"rotated": 0, "not_compressed": 0}
    program.stop()
    assert_conservation(program.state, "all")


@pytest.mark.parametrize("words", [["create"], ["nocreate"], ["create", "extension .log"]])
def test_dated_and_killed_before_the_commit(tallyman, tmp_path, root, logrotate, words):
    """dateext: after kill -9 between the renaming and our commit the tail is cut back in the dated
    file, and written once."""
    container, output = Container(root, "web"), tmp_path / "web.out" / "web.log"
    output.parent.mkdir(mode=0o755)
    program = tallyman(root, [file_route("all", output, batch={"age": "10s"})])
    expected = [message for _, message in container.write_lines("first", 50)]
    program.once()
    committed = output.stat().st_size

    program.start()
    expected += [message for _, message in container.write_lines("y" * 1000, 1000)]
    program.wait_until(lambda: output.stat().st_size > committed, "lines are written ahead")
    logrotate(output, "dateext", *words)
    program.kill()
    (dated,) = [file for file in output.parent.iterdir() if file != output]
    assert dated.stat().st_size > committed, "a tail that is not committed"
    program.once()
    assert dated.stat().st_size == committed
    found = [json.loads(line)["message"] for file in (dated, output) for line in file.open()]
    assert found == expected
    assert_conservation(program.state, "all")


def test_emptied_between_lines(tallyman, tmp_path, root, logrotate):
    """copytruncate, while everything is written: all lines, once."""
    container, output, program = following(tallyman, tmp_path, root)
    expected = []
    for number in range(RUNS):
        expected += [message for _, message in container.write_lines(f"{number}", 50)]
        program.wait_until(lambda: messages(output) == expected, "all is written")
        logrotate(output, "copytruncate")
    assert messages(output) == expected
    program.stop()
    assert messages(output) == expected
    assert len(changes_said(program)) == 1, changes_said(program)
    assert_conservation(program.state, "all")


def test_emptied_while_lines_flow(tallyman, tmp_path, root, logrotate):
    """copytruncate loses what comes between its copying and its truncating; we double nothing, tear
    nothing, and leave no hole."""
    container, output, program = following(tallyman, tmp_path, root)
    with Writer(container) as writer:
        for _ in range(RUNS):
            program.wait_until(lambda: count_lines(output) > 0, "lines come")
            logrotate(output, "copytruncate")
    program.wait_until(
        lambda: messages(output)[-1:] == writer.expected[-1:], "the last line is written"
    )
    found = messages(output)
    places = {message: place for place, message in enumerate(writer.expected)}
    assert len(places) == len(writer.expected)
    order = [places[message] for message in found]
    assert order == sorted(set(order)), "each once, in order"
    print(f"logrotate itself lost {len(writer.expected) - len(found)} of {len(writer.expected)}")
    assert len(changes_said(program)) == 1, changes_said(program)
    program.stop()
    assert_conservation(program.state, "all")
