# SPDX-License-Identifier: Apache-2.0
"""`run --once`: all there is, delivered, then the end; and what the exit status says."""

import json
import subprocess

from support.docker_root import CHUNK_BYTES, record
from support.ledger_book import assert_conservation
from support.tallyman import BINARY, entries, file_route, pairs


def test_once_delivers_all_and_ends(root, container, tallyman, out):
    """S1, S76, D4: running and exited containers, read to the end; a second time nothing new."""
    expected = []
    for name in ("one", "two"):
        made = container(name)
        expected += made.write_lines(name, 100)
    exited = container("exited")
    expected += exited.write_lines("exited", 10)
    exited.running = False
    exited.write_metadata()

    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    assert sorted(pairs(out / "all.ndjson")) == sorted(expected)
    program.once()
    assert len(pairs(out / "all.ndjson")) == len(expected)
    assert_conservation(program.state, "all")


def test_once_keeps_the_order_of_a_source(root, container, tallyman, out):
    """R6: the entries of a source leave in the order in which it wrote them."""
    made = container("web-1")
    expected = made.write_lines("line", 5000)
    program = tallyman(root, [file_route("all", out / "{container_name}.ndjson")])
    program.once()
    assert pairs(out / "web-1.ndjson") == expected


def test_once_flushes_the_open_line_of_an_ended_container(root, container, tallyman, out):
    """D31: a full chunk that nothing follows is a line without a newline, once the source ends."""
    made = container("cut")
    made.append(record("q" * CHUNK_BYTES, "stdout", made.tick_ns()))
    made.running = False
    made.write_metadata()
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    (entry,) = entries(out / "all.ndjson")
    assert entry["message"] == "q" * CHUNK_BYTES
    assert entry["unterminated"] is True

    made.append(record("q" * CHUNK_BYTES, "stdout", made.tick_ns()))
    program.once()
    assert pairs(out / "all.ndjson") == [("stdout", "q" * CHUNK_BYTES)] * 2


def test_once_flushes_what_a_daemon_left_open(root, container, tallyman, out):
    """D31: the open line stands in the committed cursor; nothing new need come to end it."""
    made = container("cut")
    first = made.write("first", stream="stderr")
    made.append(record("q" * CHUNK_BYTES, "stdout", made.tick_ns()))
    program = tallyman(root, [file_route("all", out / "all.ndjson")]).start()
    program.wait_until(lambda: pairs(out / "all.ndjson") == [first], "the other stream")
    program.stop()
    program.once()
    assert pairs(out / "all.ndjson") == [first, ("stdout", "q" * CHUNK_BYTES)]


def test_empty_root(root, tallyman, out):
    """S9: no container is no error."""
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.once()
    assert entries(out / "all.ndjson") == []


def test_what_a_route_matches(root, container, tallyman, out):
    """S76: each route takes its own; the opt-out label takes a container from all."""
    web = container("web-1").write_lines("web", 3)
    container("db").write_lines("db", 3)
    container("web-2", labels={"tallyman.enable": "false"}).write_lines("no", 3)
    routes = [
        file_route("web", out / "web.ndjson", match={"container_name": "web-*"}),
        file_route("all", out / "all.ndjson"),
    ]
    program = tallyman(root, routes)
    program.once()
    assert pairs(out / "web.ndjson") == web
    assert len(pairs(out / "all.ndjson")) == 6


def test_the_fields_that_were_asked_for(root, container, tallyman, out):
    """S28, S32 to S43: all members by default, the container's labels too; or those named."""
    made = container("web-1", labels={"team": "red", "com.docker.compose.project": "shop"})
    made.write("hello")
    routes = [
        file_route("all", out / "all.ndjson"),
        file_route("few", out / "few.ndjson", fields=["time", "stream", "message"]),
    ]
    program = tallyman(root, routes)
    program.once()
    (entry,) = entries(out / "all.ndjson")
    assert entry["source_type"] == "docker"
    assert entry["source_id"] == made.id[:12]
    wanted = {
        "container_id": made.id[:12],
        "container_name": "web-1",
        "image": "bb",
        "state": "running",
        "hostname": made.id[:12],
        "command": "writer",
        "network": "none",
        "platform": "linux",
        "container_label_team": "red",
        "compose_project": "shop",
        "source": "docker",
        "service": "ssw-log-capturer",
    }
    assert {key: entry.get(key) for key in wanted} == wanted
    assert "network_none" not in entry, "an empty address is left out"
    (entry,) = entries(out / "few.ndjson")
    assert sorted(entry) == ["message", "stream", "time"]


def test_exit_status_of_bad_usage(root, tallyman, out):
    """R3, R13: a wrong configuration or command line is status 2, and says where."""
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    program.configuration["rutes"] = program.configuration.pop("routes")
    program.configure()
    for arguments in (["check"], ["run", "--once"]):
        done = program.run(*arguments, check=2)
        assert "tallyman.yaml:" in done.stderr and "rutes" in done.stderr
        assert "routes" in done.stderr, "the nearest known key"
    assert subprocess.run([BINARY, "nonsense"], capture_output=True, check=False).returncode == 2
    assert (
        subprocess.run([BINARY, "run", "--nonsense"], capture_output=True, check=False).returncode
        == 2
    )


def test_check_prints_what_it_reads_back(root, tallyman, out, tmp_path):
    """R3: `check --print` gives the whole configuration, and it is a configuration."""
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    printed = program.run("check", "--print").stdout
    program.config_path.write_bytes(printed)
    assert program.run("check", "--print").stdout == printed


def test_ls_lists_the_containers(root, container, tallyman, out):
    """S11: `ls --json` tells of each container its driver, path and names."""
    made = container("web-1")
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    listed = json.dumps(program.ls())
    assert made.id in listed and str(made.log) in listed and "json-file" in listed
