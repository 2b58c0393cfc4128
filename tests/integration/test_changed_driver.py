# SPDX-License-Identifier: Apache-2.0
"""S73, S96: a container's log driver is changed under us (its hostconfig.json is edited, dockerd is
started again): a source keeps its kind, so that a restart is needed, and health says so."""

from support.docker_root import Container, LocalContainer
from support.ledger_book import gaps
from support.tallyman import file_route, pairs


def degraded(program):
    return {trouble["code"]: trouble for trouble in program.status()["degraded"]}


def begin_with(driver, made):
    """The same container, from now on with another driver."""
    changed = driver.__new__(driver)
    changed.__dict__.update(made.__dict__)
    changed.log = changed.log_path()
    changed.log.parent.mkdir(exist_ok=True)
    changed.log.touch(0o640)
    changed.write_metadata()
    return changed


def test_a_changed_log_driver_is_told(root, container, tallyman, out):
    """It names the container and both drivers; after the restart the new log is read, nothing of
    the old one twice. Where it is changed back, nothing is said any more."""
    made = container("one")
    lines = made.write_lines("first", 10)
    program = tallyman(root, [file_route("all", out / "all")]).start()
    program.wait_until(lambda: pairs(out / "all") == lines, "the first lines")
    changed = begin_with(LocalContainer, made)
    program.wait_until(lambda: "container.driver" in degraded(program), "it is told")
    trouble = degraded(program)["container.driver"]
    assert trouble["subject"] == made.id
    for word in ("one", "json-file", "local", "restart tallyman"):
        assert word in trouble["reason"]

    begin_with(Container, made)
    program.wait_until(lambda: not degraded(program), "it is over")
    changed.write_metadata()
    program.wait_until(lambda: degraded(program), "it is told again")

    changed.write("second")
    lines.append(("stdout", "second"))
    program.stop()
    program.start()
    program.wait_until(lambda: pairs(out / "all") == lines, "what the new driver wrote")
    assert not degraded(program)
    program.stop()
    assert pairs(out / "all") == lines
    # Nobody can tell what else came between the two files.
    assert [(gap.reason, gap.bytes) for gap in gaps(program.state, "all")] == [("rotated", None)]
