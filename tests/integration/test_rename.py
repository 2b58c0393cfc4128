# SPDX-License-Identifier: Apache-2.0
"""`docker rename` begins a new era: the old name before, the new name after."""

import pytest

from support.ledger_book import eras
from support.tallyman import count_lines, entries, file_route, pairs


def say(docker, name, text):
    """Lets process 1 of the container say a line."""
    docker("exec", name, "sh", "-c", f"echo {text} > /proc/1/fd/1")


@pytest.mark.parametrize("road", ["api", "disk"])
def test_rename(engine, docker, tallyman, out, road):
    """Design 6 (eras), D47: labels and the output's path are those of the time of writing."""
    said = docker("run", "-d", "--name", "old-name", "--network", "none", "busybox", "sleep", 1000)
    source_id = said.stdout.strip()
    host = engine.host if road == "api" else "none"
    route = file_route("all", out / "{container_name}.ndjson")
    program = tallyman(engine.data_root, [route], host=host).start()
    say(docker, "old-name", "before")
    program.wait_until(lambda: count_lines(out / "old-name.ndjson") == 1, "before")
    docker("rename", "old-name", "new-name")
    program.wait_until(lambda: "new-name" in eras(program.state, source_id)[-1], "a new era")
    say(docker, "new-name", "after")
    program.wait_until(lambda: count_lines(out / "new-name.ndjson") == 1, "after")
    program.stop()
    (before,), (after,) = entries(out / "old-name.ndjson"), entries(out / "new-name.ndjson")
    assert (before["message"], before["container_name"]) == ("before", "old-name")
    assert (after["message"], after["container_name"]) == ("after", "new-name")


def test_what_was_written_before_is_read_later(root, container, tallyman, out):
    """Design 6: an era is a position: another route that reads later gives the same names."""
    made = container("old-name")
    before = made.write_lines("before", 10)
    route = file_route("all", out / "{container_name}.ndjson")
    program = tallyman(root, [route])
    program.once()
    made.rename("new-name")
    program.once()
    after = made.write_lines("after", 10)
    program.configuration["routes"].append(file_route("late", out / "late-{container_name}.ndjson"))
    program.configure()
    program.once()
    assert pairs(out / "old-name.ndjson") == before
    assert pairs(out / "new-name.ndjson") == after
    late = pairs(out / "late-old-name.ndjson"), pairs(out / "late-new-name.ndjson")
    assert late == (before, after)


def test_a_match_by_name_is_decided_anew(root, container, tallyman, out):
    """Design 7 (change): a renamed container may enter or leave a route."""
    made = container("web-1")
    before = made.write_lines("before", 10)
    route = file_route("web", out / "web.ndjson", match={"container_name": "web-*"})
    program = tallyman(root, [route])
    program.once()
    made.rename("db-1")
    program.once()
    made.write_lines("away", 10)
    program.once()
    made.rename("web-2")
    program.once()
    after = made.write_lines("back", 10)
    program.once()
    assert pairs(out / "web.ndjson") == before + after
