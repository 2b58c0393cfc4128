# SPDX-License-Identifier: Apache-2.0
"""D77: the program never captures itself, and knows itself by identity, not by content."""

from support.docker_root import Container
from support.tallyman import BINARY, count_lines, entries, file_route, pairs

SYSTEM = ["/usr", "/lib", "/lib64"]


def test_own_container_is_not_captured(engine, docker, tallyman, out):
    """D77: inside a container, writing to its own stdout, it reads the others only."""
    docker("run", "-d", "--name", "other", "--network", "none", "busybox", "echo", "hello")
    docker("wait", "other")
    to_stdout = {"name": "all", "start": "beginning", "sink": {"type": "stdout"}}
    program = tallyman(engine.data_root, [to_stdout, file_route("file", out / "all.ndjson")])
    mounts = [f"--volume={path}:{path}:ro" for path in SYSTEM]
    mounts += [f"--volume={path}:{path}" for path in (engine.root, program.directory, out)]
    mounts += [f"--volume={BINARY}:{BINARY}:ro"]
    docker("run", "-d", "--name", "self", "--network", "none", *mounts, "busybox",
           BINARY, "run", "-c", program.config_path)  # fmt: skip

    def logs():
        return docker("logs", "self")

    program.wait_until(
        lambda: count_lines(out / "all.ndjson") >= 1 and "hello" in logs().stdout,
        lambda: f"the other one's line: {logs()}",
    )
    docker("run", "-d", "--name", "third", "--network", "none", "busybox", "echo", "again")
    program.wait_until(lambda: count_lines(out / "all.ndjson") >= 2, "the third one's line")
    docker("stop", "self")
    assert [e["message"] for e in entries(out / "all.ndjson")] == ["hello", "again"]
    captured = [line for line in logs().stdout.splitlines() if "hello" in line or "again" in line]
    assert len(captured) == 2, "it did not read its own output back"


def test_own_output_is_not_captured(root, container, tallyman):
    """D77: an output that lies where a log would lie is recognised by its inode."""
    made = container("web-1")
    made.write_lines("line", 10)
    victim = Container(root, "victim")
    victim.log.unlink()
    program = tallyman(root, [file_route("all", victim.log, match={"container_name": "*"})]).start()
    program.wait_until(lambda: count_lines(victim.log) >= 10, "lines")
    made.write_lines("more", 10)
    program.wait_until(lambda: count_lines(victim.log) >= 20, "more")
    program.stop()
    program.once()
    assert len(pairs(victim.log)) == 20


def test_a_line_that_looks_like_ours_is_captured(root, container, tallyman, out):
    """D77, R8: content decides nothing."""
    made = container("web-1")
    expected = [
        made.write("time=2026-11-23T16:06:16Z level=info event=started route=all"),
        made.write('{"time":"2026-11-23T16:06:16Z","message":"x","labels":{}}'),
        made.write("tallyman"),
    ]
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    assert pairs(out / "all.ndjson") == expected
