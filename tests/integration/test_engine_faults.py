# SPDX-License-Identifier: Apache-2.0
"""S96, D75: whatever becomes of the Engine or of its data root: no crash, no busy loop, recovery by
itself, nothing lost that is on disk, nothing read twice."""

import hashlib
import signal
import time

import pytest

from conftest import started_engine
from support.docker_root import Container
from support.ledger_book import eras
from support.stand_in_engine import ERROR, FAULTS, GOOD, StandInContainer, StandInEngine
from support.tallyman import entries, file_route, pairs
from support.wait import wait_for
from support.wakeups import processor_s, wakeups


# Some seconds of lines, in bursts.
TALK = """i=0
while [ $i -lt 20000 ]; do
    echo $i
    i=$((i+1))
    [ $((i % 500)) = 0 ] && sleep 0.2
done"""


def events(program, name):
    return [line for line in program.log().splitlines() if f"event={name} " in line]


def messages(path):
    return [entry["message"] for entry in entries(path)]


@pytest.fixture
def stand_in(tmp_path):
    engine = StandInEngine(tmp_path / "docker.sock")
    yield engine
    engine.close()


def assert_idle(program, seconds=1.5, per_second=40):
    """It hardly wakes up, and does nothing when it does."""
    woken, used = wakeups(program.pid), processor_s(program.pid)
    end = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > end, "the time to pass")
    assert wakeups(program.pid) - woken < seconds * per_second
    assert processor_s(program.pid) - used < 0.2 * seconds


@pytest.mark.parametrize("fault", FAULTS)
def test_an_engine_out_of_order(root, container, tallyman, out, stand_in, fault):
    """S96: slow, half a body, 500, nonsense, never: the disk serves; it is found when well."""
    stand_in.root = str(root)
    stand_in.manner = fault
    made = container("one")
    lines = made.write_lines("first", 10)
    program = tallyman(root, [file_route("all", out / "all")], host=stand_in.host).start()
    program.wait_until(lambda: pairs(out / "all") == lines, "what is on disk")
    assert_idle(program)
    stand_in.manner = GOOD
    program.wait_for_log("event=engine.connected", 40)
    lines += made.write_lines("later", 10)
    program.wait_until(lambda: pairs(out / "all") == lines, "what came later")
    program.stop()
    assert len(events(program, "engine.connected")) == 1


def test_an_engine_is_asked_more_and_more_seldom(root, tallyman, out, stand_in):
    """S96: the pauses double, each with something added so that not all come at once."""
    stand_in.manner = ERROR
    program = tallyman(root, [file_route("all", out / "all")], host=stand_in.host).start()
    wait_for(lambda: len(stand_in.pinged_at_s) >= 3, "it is asked three times")
    first, second, third = stand_in.pinged_at_s[:3]
    program.stop()
    assert second - first > 0.95
    assert third - second > 1.95


def test_an_engine_that_names_another_root(root, container, tallyman, out, stand_in):
    """S96, in a container of our own: what the Engine says of its files is how it sees them. It is
    told once, and the root that was configured is read."""
    stand_in.root = "/var/lib/docker"
    lines = container("one").write_lines("first", 10)
    program = tallyman(root, [file_route("all", out / "all")], host=stand_in.host).start()
    program.wait_for_log("event=engine.root")
    program.wait_until(lambda: pairs(out / "all") == lines, "its lines")
    program.stop()
    (told,) = events(program, "engine.root")
    assert "engine=/var/lib/docker " in told and str(root) in told


NEWS = ["create", "start", "restart", "die", "destroy", "rename", "update", "pause", "unpause",
        "health_status: healthy"]  # fmt: skip


def test_each_kind_of_news_is_asked_for(root, container, tallyman, out, stand_in):
    """D75, S75: one question for each, also where a network tells of a container; what is answered
    holds from the next line on."""
    stand_in.root = str(root)
    made = container("one")
    one = StandInContainer(made.id, "one")
    stand_in.add(one)
    program = tallyman(root, [file_route("all", out / "all")], host=stand_in.host).start()
    program.wait_for_log("event=engine.connected")
    wait_for(lambda: stand_in.emit("exec_die", made.id), "somebody listens")
    wait_for(lambda: stand_in.lists == 1, "the list")

    asked = stand_in.inspects
    news = [(action, made.id, "container", {}) for action in NEWS]
    news += [(action, "e" * 64, "network", {"container": made.id, "name": "net"})
             for action in ("connect", "disconnect")]  # fmt: skip
    for number, (action, actor, kind, attributes) in enumerate(news):
        one.name = f"after-{number}"
        overwritten = {"name": "a-label", "image": "a-label", "exitCode": "77", **attributes}
        stand_in.emit(action, actor, kind, overwritten)
        asked += 1
        wait_for(lambda: stand_in.inspects == asked, f"the question after {action}")
        program.wait_until(lambda: one.name in eras(program.state, made.id)[-1], "its answer")
        made.write(f"line {number}")
        program.wait_until(lambda: len(pairs(out / "all")) == number + 1, "its line")
    program.stop()
    assert stand_in.inspects == asked
    names = [entry["container_name"] for entry in entries(out / "all")]
    assert names == [f"after-{number}" for number in range(len(news))]


def test_an_event_stream_that_never_opens(root, container, tallyman, out, stand_in):
    """S96: the other answers are good; the stream is given up after a while, and tried again."""
    stand_in.root = str(root)
    program = tallyman(root, [file_route("all", out / "all")], host=stand_in.host)
    stand_in.never = {"events"}
    lines = container("one").write_lines("first", 10)
    program.start()
    program.wait_until(lambda: pairs(out / "all") == lines, "what is on disk")
    program.wait_for_log("event=engine.absent", 30)
    stand_in.never = set()
    program.wait_for_log("event=engine.connected", 30)
    program.stop()


def test_a_socket_that_comes_later(root, container, tallyman, out, tmp_path):
    """S96: nobody listens at the start; found within seconds."""
    lines = container("one").write_lines("first", 10)
    path = tmp_path / "late.sock"
    program = tallyman(root, [file_route("all", out / "all")], host=f"unix://{path}").start()
    program.wait_for_log("event=engine.absent")
    program.wait_until(lambda: pairs(out / "all") == lines, "what is on disk")
    engine = StandInEngine(path)
    engine.root = str(root)
    try:
        program.wait_for_log("event=engine.connected", 30)
        program.stop()
    finally:
        engine.close()


def test_a_data_root_that_comes_later_and_goes(tmp_path, tallyman, out):
    """S96, S100: not there at the start: told once, found by itself; taken away and put back:
    nothing is given up, nothing is read twice."""
    root = tmp_path / "late"
    program = tallyman(root, [file_route("all", out / "all")], pins=tmp_path / "pins",
                       docker={"root": str(root), "host": "none", "reconcile": "1s"})  # fmt: skip
    program.start()
    program.wait_for_log("event=root.missing ")
    (root / "containers").mkdir(parents=True)
    made = Container(root, "one")
    lines = made.write_lines("first", 10)
    program.wait_until(lambda: pairs(out / "all") == lines, "the first lines")
    aside = tmp_path / "aside"
    root.rename(aside)
    wait_for(lambda: len(events(program, "root.missing")) == 2, "that it is gone is told")
    assert_idle(program)
    aside.rename(root)
    lines += made.write_lines("later", 10)
    program.wait_until(lambda: pairs(out / "all") == lines, "the later lines")
    program.stop()
    assert pairs(out / "all") == lines
    assert "gaps=0" in events(program, "route.closed")[-1]


def made_up(name):
    container_id = hashlib.sha256(name.encode()).hexdigest()
    return StandInContainer(container_id, name, [f"{name} {number}" for number in range(3)])


def test_events_lost_doubled_and_shuffled(tallyman, out, stand_in, tmp_path, dice):
    """D75, S75: events are hints. Whatever of them comes, the list decides in the end."""
    told = [made_up(f"told{number}") for number in range(5)]
    untold = made_up("untold")
    docker = {"root": "none", "host": stand_in.host, "reconcile": "1s"}
    route = file_route("all", out / "{container_name}")
    program = tallyman("none", [route], pins=tmp_path / "pins", docker=docker)
    program.start()
    program.wait_for_log("event=engine.connected")
    wait_for(lambda: stand_in.emit("start", "f" * 64), "somebody listens")
    stand_in.add(*told)
    actions = ("create", "start", "die", "destroy")
    story = [(action, one.id) for one in told for action in actions] * 2
    dice.shuffle(story)
    for action, container_id in story:
        stand_in.emit(action, container_id)
    stand_in.add(untold)
    for one in [*told, untold]:
        program.wait_until(lambda one=one: messages(out / one.name) == one.lines, one.name)
    stand_in.remove(untold)
    stand_in.remove(told[0])
    spools = program.state / "streams"
    program.wait_until(lambda: len(list(spools.iterdir())) == 4, "two are forgotten")
    program.stop()
    for one in [*told, untold]:
        assert messages(out / one.name) == one.lines


def test_what_is_run_inside_a_container_is_no_news(root, container, tallyman, out, stand_in):
    """D75: health checks and `docker exec` cost no questions."""
    stand_in.root = str(root)
    made = container("one")
    stand_in.add(StandInContainer(made.id, "one"))
    program = tallyman(root, [file_route("all", out / "all")], host=stand_in.host).start()
    program.wait_for_log("event=engine.connected")
    wait_for(lambda: stand_in.emit("exec_create: true", made.id), "somebody listens")
    wait_for(lambda: stand_in.lists == 1, "the list")
    for _ in range(200):
        for action in ("exec_create: true", "exec_start: true", "exec_die", "kill", "attach"):
            stand_in.emit(action, made.id)
    stand_in.emit("rename", made.id)
    wait_for(lambda: stand_in.inspects, "the question after a rename")
    program.stop()
    assert stand_in.inspects == 1


def test_what_is_known_is_not_asked_again(tallyman, out, stand_in, tmp_path):
    """D59, S65: the list comes again and again; while it tells nothing new, nobody is inspected."""
    one = made_up("one")
    stand_in.add(one)
    docker = {"root": "none", "host": stand_in.host, "reconcile": "1s"}
    program = tallyman("none", [file_route("all", out / "all")], pins=tmp_path / "pins",
                       docker=docker)  # fmt: skip
    program.start()
    program.wait_until(lambda: messages(out / "all") == one.lines, "its lines")
    wait_for(lambda: stand_in.lists >= 4, "the list a few times", 20)
    assert stand_in.inspects == 1
    one.name = "other"
    wait_for(lambda: stand_in.inspects == 2, "the question that a new name brings")
    program.stop()


@pytest.mark.parametrize("live_restore", [True, False])
def test_dockerd_killed_while_containers_write(tallyman, out, tmp_path, live_restore):
    """S96: kill -9 and a restart, with and without live-restore: all that is on disk, once."""
    with started_engine(live_restore=live_restore) as engine:
        engine.import_busybox("busybox")
        for name in ("one", "two"):
            # A daemon that ends what its forerunner left would wait ten seconds for a shell.
            run = ["run", "-d", "--name", name, "--network", "none", "--stop-signal", "KILL"]
            engine.docker(*run, "busybox", "sh", "-c", TALK)
        program = tallyman(engine.data_root, [file_route("all", out / "{container_name}")],
                           host=engine.host).start()  # fmt: skip
        program.wait_for_log("event=engine.connected")
        engine.stop_daemon(signal.SIGKILL)
        program.wait_for_log("event=engine.absent")
        engine.start_daemon()
        wait_for(lambda: len(events(program, "engine.connected")) == 2, "connected again", 40)
        engine.docker("kill", "one", check=False)
        engine.docker("kill", "two", check=False)
        logs = {name: engine.docker("logs", name, timeout=300).stdout.splitlines()
                for name in ("one", "two")}  # fmt: skip
        for name, lines in logs.items():
            wanted, path = len(lines), out / name
            program.wait_until(lambda w=wanted, p=path: len(messages(p)) >= w, name, 60)
        program.stop()
        for name, lines in logs.items():
            assert messages(out / name) == lines
