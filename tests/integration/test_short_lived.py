# SPDX-License-Identifier: Apache-2.0
"""Containers that live for some fifty milliseconds and are removed by `--rm`."""

from concurrent.futures import ThreadPoolExecutor

from support.ledger_book import assert_conservation, gaps
from support.numbered import holes, numbers
from support.tallyman import count_lines, entries, file_route

LINES = 20  # 400 a second: some 50 ms
OUT_LAST, ERR_LAST = 14, 4


def run_one(docker, name):
    docker("run", "--rm", "--name", name, "--network", "none", "--label", f"number={name}",
           "numbered", "/numbered", LINES, 400, timeout=120)  # fmt: skip


def test_all_lines_of_short_lives(engine, docker, tallyman, out, scaled):
    """S1, S79, D4, D18: all lines, once, in order, fully labelled; by the API and by disk alone."""
    one_by_one = scaled("SHORT_LIVED", 30, 200)
    at_once = scaled("SHORT_LIVED_AT_ONCE", 20, 50)
    roads = {"api": engine.host, "disk": "none"}
    programs = {}
    for road, host in roads.items():
        route = file_route("all", out / road / "{container_name}.ndjson")
        keys = {"name": road, "host": host, "pins": engine.data_root / f"pins-{road}"}
        programs[road] = tallyman(engine.data_root, [route], **keys).start()
    for program in programs.values():
        program.wait_until(lambda p=program: p.state.exists(), "it started")

    names = [f"seq-{n}" for n in range(one_by_one)]
    for name in names:
        run_one(docker, name)
    with ThreadPoolExecutor(at_once) as pool:
        burst = [f"burst-{n}" for n in range(at_once)]
        list(pool.map(lambda name: run_one(docker, name), burst))
    names += burst

    for road, program in programs.items():
        for name in names:
            path = out / road / f"{name}.ndjson"
            program.wait_until(lambda p=path: count_lines(p) == LINES, f"{LINES} lines in {path}")
        program.stop()
        for name in names:
            found = entries(out / road / f"{name}.ndjson")
            assert holes(numbers(found, "stdout"), 0, OUT_LAST) == []
            assert holes(numbers(found, "stderr"), 0, ERR_LAST) == []
            for entry in found:
                assert_labels(entry, name)
        assert gaps(program.state, "all") == []
        assert_conservation(program.state, "all")


def assert_labels(labels, name):
    assert labels["container_name"] == name
    assert labels["container_label_number"] == name
    assert labels["image"] == "numbered"
    assert labels["command"] == "/numbered"
    assert labels["network"] == "none"
    assert labels["platform"] == "linux"
    assert len(labels["container_id"]) == 12
    assert labels["hostname"] == labels["container_id"]
    assert labels["state"]
