# SPDX-License-Identifier: Apache-2.0
"""Containers that live for some fifty milliseconds and are removed by `--rm`."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from support.ledger_book import assert_conservation, gaps
from support.numbered import holes, numbers
from support.tallyman import count_lines, entries, file_route

LINES = 20  # 400 a second: some 50 ms
OUT_LAST, ERR_LAST = 14, 4
STORM_AT_ONCE = 8
STORM_DRIVERS = ("json-file", "local")


def run_one(docker, name, driver="json-file"):
    docker("run", "--rm", "--name", name, "--network", "none", "--label", f"number={name}",
           f"--log-driver={driver}", "numbered", "/numbered", LINES, 400, timeout=120)  # fmt: skip


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
            assert_whole(entries(out / road / f"{name}.ndjson"), name)
        assert gaps(program.state, "all") == []
        assert_conservation(program.state, "all")


def test_a_storm_without_an_engine(engine, docker, tallyman, out, scaled):
    """S79, D18: from start to end there is no socket; both drivers whose files Docker removes with
    the container, mixed."""
    count = scaled("STORM", 60, 500)
    drivers = {f"storm-{n}": STORM_DRIVERS[n % len(STORM_DRIVERS)] for n in range(count)}
    program = tallyman(engine.data_root, [file_route("all", out / "{container_name}.ndjson")],
                       host="none", pins=engine.data_root / "pins-storm").start()  # fmt: skip
    program.wait_until_ready()
    with ThreadPoolExecutor(STORM_AT_ONCE) as pool:
        list(pool.map(lambda one: run_one(docker, *one), drivers.items()))

    def missing():
        short = {name for name in drivers if count_lines(out / f"{name}.ndjson") < LINES}
        return Counter(drivers[name] for name in short)

    program.wait_until(lambda: not missing(), lambda: f"{dict(missing())} are not complete")
    program.stop()
    for name in drivers:
        assert_whole(entries(out / f"{name}.ndjson"), name)
    assert gaps(program.state, "all") == []
    assert_conservation(program.state, "all")


def assert_whole(found, name):
    """All lines, once, in order, and fully labelled."""
    assert holes(numbers(found, "stdout"), 0, OUT_LAST) == []
    assert holes(numbers(found, "stderr"), 0, ERR_LAST) == []
    for entry in found:
        assert_labels(entry, name)


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
