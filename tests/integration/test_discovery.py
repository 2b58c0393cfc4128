# SPDX-License-Identifier: Apache-2.0
"""Discovery: the Engine's API and the disk give the same record of every container."""

import json

import pytest

from conftest import remove_all
from support.docker_root import parse_ns
from support.tallyman import Tallyman, file_route
from support.wait import wait_for

# S11 and S12: what a record is. `ls` tells more, of where routes stand.
RECORD = "id name image created started state status platform hostname command labels networks"
RECORD = [*RECORD.split(), "addresses", "log_driver", "log_path"]

SLEEP = ["busybox", "sleep", "1000"]
HEALTH = ["--health-cmd", "true", "--health-interval", "1s"]

# name: (options, image and command). `created` and the like are brought about below.
SHAPES = {
    "restarting": (["--restart", "always"], ["busybox", "sh", "-c", "exit 1"]),
    "labels": (
        ["--label", "team=red", "--label", "a.b/c=d e", "--label", "empty=",
         "--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web"],
        SLEEP,
    ),
    "host-network": (["--network", "host"], SLEEP),
    "bridged": (["--network", "shop"], SLEEP),
    "terminal": (["-t"], SLEEP),
    "healthy": (HEALTH, SLEEP),
    "named-host": (["--hostname", "some.where"], SLEEP),
    "exited": ([], ["busybox", "sh", "-c", "exit 3"]),
    "paused": ([], SLEEP),
    "entrypoint": (["--entrypoint", "/bin/sleep"], ["busybox", "1000"]),
    "local-driver": (["--log-driver", "local"], SLEEP),
    "no-driver": (["--log-driver", "none"], SLEEP),
}  # fmt: skip


@pytest.fixture(scope="module")
def containers(engine):
    docker = engine.docker
    docker("network", "create", "shop")
    for name, (options, command) in SHAPES.items():
        network = [] if "--network" in options else ["--network", "none"]
        docker("run", "-d", "--name", name, *network, *options, *command)
    docker("create", "--name", "created", "--network", "none", *SLEEP)
    docker("pause", "paused")
    docker("rename", "named-host", "renamed")
    wait_for(lambda: inspect(docker, "exited")["State"]["Status"] == "exited", "exited")
    wait_for(
        lambda: inspect(docker, "healthy")["State"]["Health"]["Status"] != "starting", "healthy"
    )
    # The pauses between restarts double: soon they are long enough to look at. It was the first.
    wait_for(lambda: inspect(docker, "restarting")["RestartCount"] >= 7, "restarts", 40)
    wait_for(lambda: inspect(docker, "restarting")["State"]["Status"] == "restarting", "restarting")
    yield [name for name in SHAPES if name != "named-host"] + ["renamed", "created"]
    remove_all(engine)
    docker("network", "rm", "shop")


def inspect(docker, name):
    return json.loads(docker("inspect", name).stdout)[0]


def records(engine, directory, host):
    route = file_route("all", directory / "all")
    program = Tallyman(directory, engine.data_root, [route], host=host)
    return {one["name"]: {key: one[key] for key in RECORD} for one in program.ls()}


def test_both_roads_give_the_same_record(engine, containers, tmp_path):
    """S12, D18: every field, by the API and from the disk alone."""
    by_api = records(engine, tmp_path / "api", engine.host)
    from_disk = records(engine, tmp_path / "disk", "none")
    assert sorted(by_api) == sorted(containers)
    for name in containers:
        assert from_disk[name] == by_api[name], name


def test_the_record_is_what_docker_inspect_says(engine, containers, tmp_path):
    """S4, S5, S6, S12, S13, S15: the fields against `docker inspect`."""
    found = records(engine, tmp_path, engine.host)
    for name in containers:
        said, one = inspect(engine.docker, name), found[name]
        assert one["id"] == said["Id"]
        assert one["name"] == said["Name"].removeprefix("/")
        assert one["image"] == said["Config"]["Image"]
        assert parse_ns(one["created"]) == parse_ns(said["Created"])
        assert one["state"] == said["State"]["Status"]
        health = said["State"].get("Health")
        assert one["status"] == (health["Status"] if health else said["State"]["Status"])
        assert one["platform"] == said["Platform"]
        assert one["hostname"] == said["Config"]["Hostname"]
        command = (said["Config"]["Cmd"] or [said["Path"]])[0]
        assert one["command"] == command
        assert one["labels"] == (said["Config"]["Labels"] or {})
        assert sorted(one["networks"]) == sorted(said["NetworkSettings"]["Networks"])
        for network, settings in said["NetworkSettings"]["Networks"].items():
            assert (one["networks"][network] or "") == settings["IPAddress"]
        assert one["log_driver"] == said["HostConfig"]["LogConfig"]["Type"]
        if one["log_driver"] == "json-file" and said["LogPath"]:
            assert one["log_path"] == said["LogPath"]


def test_a_container_that_cannot_be_inspected_costs_only_itself(engine, docker, tmp_path):
    """S8, S9: a directory with broken metadata is named in a warning; the others are listed."""
    docker("run", "-d", "--name", "good", "--network", "none", *SLEEP)
    broken = engine.data_root / "containers" / ("b" * 64)
    broken.mkdir()
    try:
        (broken / "config.v2.json").write_text('{"ID":"bbbb', encoding="utf-8")
        (broken / "hostconfig.json").write_text("{}", encoding="utf-8")
        program = Tallyman(tmp_path, engine.data_root, [file_route("all", tmp_path / "all")])
        done = program.run("ls", "--json", check=None)
        names = [one["name"] for one in json.loads(done.stdout)]
        assert "good" in names
        assert "b" * 12 in done.stderr
        program.once()
    finally:
        (broken / "config.v2.json").unlink()
        (broken / "hostconfig.json").unlink()
        broken.rmdir()


def test_engine_away(engine, docker, tmp_path):
    """S96, D18: a socket that nobody serves: the disk serves, and the log says so."""
    docker("run", "-d", "--name", "good", "--network", "none", "busybox", "echo", "hello")
    docker("wait", "good")
    host = f"unix://{tmp_path}/nobody.sock"
    program = Tallyman(tmp_path, engine.data_root, [file_route("all", tmp_path / "all")], host=host)
    program.once()
    assert "hello" in (tmp_path / "all").read_text(encoding="utf-8")
