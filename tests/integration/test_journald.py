# SPDX-License-Identifier: Apache-2.0
"""Containers with `--log-driver journald`: read from the journal, each line once, nothing silent.

Most containers are made up: what Docker would send is sent to a real journald.
"""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from support.docker_root import CHUNK_BYTES, Container
from support.ledger_book import assert_conservation, eras, gaps, tallies
from support.private_engine import EngineError, PrivateEngine
from support.private_journal import PrivateJournal
from support.tallyman import count_lines, entries, file_route, pairs


class Journaled(Container):
    """A container of the journald driver: its lines go to the journal as Docker 20.10 sends them,
    and with `start`, as 24 does: numbered."""

    def __init__(self, root, name, journal, start=None):
        self.journal = journal
        self.start = start
        self.number = 0
        super().__init__(root, name)
        self.log.unlink()

    def _replace(self, name, document):
        if name == "hostconfig.json":
            document["LogConfig"]["Type"] = "journald"
        super()._replace(name, document)

    def send(self, message, stream, *more):
        fields = [
            ("MESSAGE", message),
            ("PRIORITY", 6 if stream == "stdout" else 3),
            ("CONTAINER_ID", self.id[:12]),
            ("CONTAINER_ID_FULL", self.id),
            ("CONTAINER_NAME", self.name),
            *more,
        ]
        self.number += 1
        if self.start:
            fields += [
                ("CONTAINER_LOG_EPOCH", self.start),
                ("CONTAINER_LOG_ORDINAL", self.number),
            ]
        self.journal.send(fields)

    def say(self, message, stream="stdout"):
        """One line, in chunks as Docker cuts it. Returns what is expected of it."""
        data = message if isinstance(message, bytes) else message.encode()
        chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)] or [b""]
        for i, chunk in enumerate(chunks):
            last = i + 1 == len(chunks)
            more = [] if last else [("CONTAINER_PARTIAL_MESSAGE", "true")]
            if len(chunks) > 1:
                more += [
                    ("CONTAINER_PARTIAL_ID", "ab" * 32),
                    ("CONTAINER_PARTIAL_ORDINAL", i + 1),
                    ("CONTAINER_PARTIAL_LAST", "true" if last else "false"),
                ]
            self.send(chunk, stream, *more)
        return (stream, data.decode(errors="replace"))

    def say_lines(self, prefix, count):
        return [self.say(f"{prefix}-{i}", ("stdout", "stderr")[i % 2]) for i in range(count)]


@pytest.fixture(scope="module")
def shared_journal():
    try:
        with PrivateJournal() as journal:
            yield journal
    except OSError as error:
        pytest.skip(f"no private journal: {error}")


@pytest.fixture
def journal(shared_journal):
    """A running journald, whatever the test before left."""
    yield shared_journal
    shared_journal.stop()
    shared_journal.forget()
    shared_journal.start()


@pytest.fixture
def program(tallyman, root, out, journal):
    """program(…): a tallyman with one route from the journal into one file."""

    def make(path=None, name="tallyman", **keys):
        route = file_route("all", path or out / "all.ndjson", **keys)
        where = {"directory": str(journal.directory)}
        return tallyman(root, [route], name=name, journald=where)

    return make


def wait_for_lines(program, path, count):
    program.wait_until(
        lambda: count_lines(path) >= count, lambda: f"{count_lines(path)} of {count} lines"
    )


def test_lines_of_both_streams(root, journal, program, out):
    """docker-logs 5: PRIORITY tells the stream, MESSAGE is bytes, chunks are one line again."""
    made = Journaled(root, "web", journal)
    said = [made.say("before it started"), made.say("to stderr", "stderr"), made.say("")]
    running = program().start()
    wait_for_lines(running, out / "all.ndjson", 3)
    said += [
        made.say(b"tab\there\0nul \xff\xfe bad"),
        made.say("x" * 40_000),
        made.say("\u00e9" * 20_000, "stderr"),
        made.say("y" * 16_384),
        made.say("after"),
    ]
    wait_for_lines(running, out / "all.ndjson", len(said))
    running.stop()
    assert pairs(out / "all.ndjson") == said
    assert {entry["container_name"] for entry in entries(out / "all.ndjson")} == {"web"}
    assert_conservation(running.state, "all")
    (tally,) = tallies(running.state, "all").values()
    assert (tally["records_read"], tally["gaps"]) == (len(said) + 4, 0)


def test_each_line_once(root, journal, program, out, dice):
    """S53, S55: stops and kills at any moment; what is written meanwhile comes, nothing twice."""
    made = [Journaled(root, f"c{i}", journal) for i in range(3)]
    running = program(out / "{container_name}.ndjson")
    said = {c.name: [] for c in made}
    for turn in range(6):
        running.start()
        for c in made:
            said[c.name] += c.say_lines(f"up-{turn}", 40) + [c.say("z" * 50_000)]
        wait_for_lines(running, out / "c0.ndjson", len(said["c0"]) - dice.randint(0, 41))
        if turn % 2:
            running.stop(expected=0)
        else:
            running.kill()
        for c in made:
            said[c.name] += c.say_lines(f"down-{turn}", 5)
    running.once()
    for name, lines in said.items():
        assert pairs(out / f"{name}.ndjson") == lines, name
    assert gaps(running.state, "all") == []


def test_an_unfinished_line_survives_a_kill(root, journal, program, out):
    """S56: the chunks that were read are named in the cursor and read again."""
    made = Journaled(root, "web", journal)
    partial = [("CONTAINER_PARTIAL_MESSAGE", "true"), ("CONTAINER_PARTIAL_ID", "cd" * 32)]
    for i in (1, 2):
        made.send("a" * CHUNK_BYTES, "stdout", *partial, ("CONTAINER_PARTIAL_ORDINAL", i))
    other = made.say("of the other stream", "stderr")
    running = program().start()
    wait_for_lines(running, out / "all.ndjson", 1)
    running.kill()
    running.start()
    more = [("CONTAINER_PARTIAL_ID", "cd" * 32), ("CONTAINER_PARTIAL_ORDINAL", 3)]
    made.send("end", "stdout", *more, ("CONTAINER_PARTIAL_LAST", "true"))
    wait_for_lines(running, out / "all.ndjson", 2)
    running.stop()
    assert pairs(out / "all.ndjson") == [other, ("stdout", "a" * 2 * CHUNK_BYTES + "end")]


@pytest.mark.parametrize("numbered", [False, True])
def test_what_the_journal_lost_is_booked(root, journal, program, out, numbered):
    """S54: vacuumed while nobody read: what is there is read, the rest is one gap. Docker's numbers
    tell where nothing was lost although the place is gone."""
    lost, kept = (Journaled(root, name, journal, "e1" if numbered else None) for name in "lk")
    running = program(out / "{container_name}.ndjson")
    first = {"l": [lost.say("first")], "k": [kept.say("first")]}
    running.once()
    lost.say("nobody reads this")
    journal.rotate()
    journal.vacuum()
    last = {"l": [lost.say("last")], "k": [kept.say("last")]}
    running.once()
    assert {n: pairs(out / f"{n}.ndjson") for n in "lk"} == {n: first[n] + last[n] for n in "lk"}
    (gap,) = gaps(running.state, "all", lost.id)
    assert gap.bytes is None and gap.after_ns < gap.before_ns
    assert len(gaps(running.state, "all", kept.id)) == (0 if numbered else 1)
    assert_conservation(running.state, "all")


def test_a_rotation_and_a_new_journald(root, journal, program, out):
    """Nothing is lost or read twice when files come and go, and journald with them; and what was
    read before it was vacuumed is no gap."""
    made = Journaled(root, "web", journal)
    running = program().start()
    said = []
    for turn in range(3):
        said += made.say_lines(f"a-{turn}", 20)
        journal.rotate()
        said += made.say_lines(f"b-{turn}", 20)
        wait_for_lines(running, out / "all.ndjson", len(said))  # what is in its socket would die
        journal.vacuum()
        journal.stop(signal.SIGKILL if turn else signal.SIGTERM)
        journal.start()
        said += made.say_lines(f"c-{turn}", 20)
    wait_for_lines(running, out / "all.ndjson", len(said))
    running.stop()
    assert pairs(out / "all.ndjson") == said
    assert gaps(running.state, "all") == []


def test_a_vacuum_takes_only_what_was_read(root, journal, program, out):
    """Of a container that is quiet all is read: that its last entry goes is no gap."""
    made = Journaled(root, "web", journal)
    running = program().start()
    said = []
    for turn in range(5):
        said.append(made.say(f"before {turn}"))
        wait_for_lines(running, out / "all.ndjson", len(said))
        journal.rotate()
        journal.vacuum()
    said.append(made.say("after"))
    wait_for_lines(running, out / "all.ndjson", len(said))
    running.stop()
    assert pairs(out / "all.ndjson") == said
    assert gaps(running.state, "all") == []


def descriptors(pid):
    return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]


def test_many_containers_cost_one_reader(root, journal, program, out, scaled):
    """Design 5: one handle for all, since each costs an inotify instance."""
    count = scaled("JOURNALED", 200, 200)
    running = program(out / "{container_name}.ndjson").start()
    running.wait_for_log("agent.started")
    before = descriptors(running.pid).count("anon_inode:inotify")
    made = [Journaled(root, f"c{i}", journal) for i in range(count)]
    said = {c.name: [] for c in made}
    for turn in range(10):
        for c in made:
            said[c.name].append(c.say(f"{turn}"))
    for c in made:
        wait_for_lines(running, out / f"{c.name}.ndjson", 10)
    assert descriptors(running.pid).count("anon_inode:inotify") - before == 1
    running.stop()
    for name, lines in said.items():
        assert pairs(out / f"{name}.ndjson") == lines


def test_rename(root, journal, program, out):
    """Design 6: an era is a time; what was written before bears the old name, also read late."""
    made = Journaled(root, "old-name", journal)
    running = program(out / "{container_name}.ndjson").start()
    before = [made.say("before")]
    wait_for_lines(running, out / "old-name.ndjson", 1)
    made.rename("new-name")
    running.wait_until(lambda: "new-name" in eras(running.state, made.id)[-1], "a new era")
    after = [made.say("after")]
    wait_for_lines(running, out / "new-name.ndjson", 1)
    running.stop()
    running.configuration["routes"].append(file_route("late", out / "late-{container_name}.ndjson"))
    running.configure()
    running.once()
    for prefix in ("", "late-"):
        assert pairs(out / f"{prefix}old-name.ndjson") == before
        assert pairs(out / f"{prefix}new-name.ndjson") == after


def test_a_removed_container_ends(root, journal, program, out):
    """Its last lines may come late; then its source, and with the last one the reader, are gone."""
    made = Journaled(root, "web", journal)
    running = program().start()
    said = [made.say("a line")]
    wait_for_lines(running, out / "all.ndjson", 1)
    open_before = len(descriptors(running.pid))
    shutil.rmtree(made.directory)
    said.append(made.say("its last words"))
    wait_for_lines(running, out / "all.ndjson", 2)
    running.wait_until(
        lambda: tallies(running.state, "all")[made.id]["removed_ns"] is not None, "its end", 30
    )
    running.wait_until(lambda: len(descriptors(running.pid)) < open_before, "the reader is closed")
    running.stop()
    assert pairs(out / "all.ndjson") == said
    assert gaps(running.state, "all") == []


def test_cat(root, journal, program):
    """The whole log of a journald container, by `cat`, with nobody running."""
    made = Journaled(root, "web", journal)
    said = [*made.say_lines("line", 20), made.say("x" * 40_000), made.say(b"\xff\0"), made.say("")]
    Journaled(root, "other", journal).say("of another")
    reader = program()
    raw = reader.cat("web").split(b"\n")
    assert raw[:20] == [message.encode() for _, message in said[:20]]
    assert raw[20:] == [b"x" * 40_000, b"\xff\0", b"", b""]
    lines = [json.loads(line) for line in reader.cat("-o", "ndjson", "web").splitlines()]
    assert [(line["stream"], line["message"]) for line in lines] == said
    assert reader.cat("--stream", "stderr", "web").count(b"\n") == 10


def test_removed_while_nobody_watched(root, journal, program, out):
    """The journal still has what a container wrote before it was removed."""
    made = Journaled(root, "web", journal)
    said = [made.say("a line")]
    running = program()
    running.once()
    said.append(made.say("its last words"))
    shutil.rmtree(made.directory)
    running.once()
    assert pairs(out / "all.ndjson") == said
    assert gaps(running.state, "all") == []


@pytest.mark.parametrize("start, expected", [("end", ["now"]), ("since 1h", ["old", "now"])])
def test_start(root, journal, program, out, start, expected):
    """D76: in the journal a route begins by time."""
    made = Journaled(root, "web", journal)
    made.say("old")
    running = program(start=start)
    running.once()
    made.say("now")
    running.once()
    assert [message for _, message in pairs(out / "all.ndjson")] == expected


def test_a_missing_journal_is_said_and_waited_for(root, journal, program, out):
    """An unreadable journal degrades, with words that help, and heals by itself."""
    said = [Journaled(root, "web", journal).say("a line")]
    aside = journal.directory.with_name("aside")
    journal.directory.rename(aside)
    journal.directory.mkdir()
    running = program().start()
    running.wait_for_log("journal.unreadable")
    assert "systemd-journal" in running.log()
    journal.directory.rmdir()
    aside.rename(journal.directory)
    wait_for_lines(running, out / "all.ndjson", 1)
    running.stop()
    assert "health.healed" in running.log()
    assert pairs(out / "all.ndjson") == said


@pytest.fixture(scope="module")
def journaled_engine():
    """An Engine whose dockerd found a journal when it began."""
    engine = PrivateEngine()
    try:
        engine.start()
    except (EngineError, OSError) as error:
        pytest.skip(f"no private Engine: {error}")
    try:
        engine.stop_daemon()
        with PrivateJournal(engine) as journal:
            engine.start_daemon()
            engine.import_busybox("busybox")
            yield engine, journal
    finally:
        engine.stop()


def test_with_docker(journaled_engine, tallyman, out):
    """What real containers write, also short-lived ones; with dockerd down `cat` tells it."""
    engine, journal = journaled_engine
    route = file_route("all", out / "{container_name}.ndjson")
    where = {"directory": str(journal.directory)}
    running = tallyman(engine.data_root, [route], host=engine.host, journald=where).start()
    script = "echo out; echo err >&2; echo; head -c 40000 /dev/zero | tr '\\0' x; echo; echo last"
    for name in ("one", "two"):
        engine.docker("run", "--name", name, "--network", "none", "--log-driver", "journald",
                      "busybox", "sh", "-c", script)
    engine.docker("run", "--rm", "--name", "short", "--network", "none", "--log-driver", "journald",
                  "busybox", "echo", "short life")
    messages = ["out", "", "x" * 40000, "last"]
    expected = sorted([("stderr", "err"), *(("stdout", message) for message in messages)])
    for name, count in (("one", 5), ("two", 5), ("short", 1)):
        wait_for_lines(running, out / f"{name}.ndjson", count)
    running.stop()
    assert sorted(pairs(out / "one.ndjson")) == sorted(pairs(out / "two.ndjson")) == expected
    assert pairs(out / "short.ndjson") == [("stdout", "short life")]
    assert {e["state"] for e in entries(out / "one.ndjson")} <= {"running", "exited"}
    engine.stop_daemon()
    told = [json.loads(line) for line in running.cat("-o", "ndjson", "one").splitlines()]
    assert [(line["stream"], line["message"]) for line in told] == pairs(out / "one.ndjson")
