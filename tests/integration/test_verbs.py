# SPDX-License-Identifier: Apache-2.0
"""`cat`, `ls` and `pins` over data roots made by hand: no Engine is needed for them."""

import gzip
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support.docker_root import parse_ns, rfc3339
from support.tallyman import BINARY, file_route

DATA = Path(__file__).resolve().parents[1] / "data" / "docker"
SAMPLES = sorted(path.name for path in DATA.glob("jsonfile-*"))


def lines_of(output):
    """U+2028 is no end of a line here."""
    return output.decode().split("\n")[:-1]


def objects(output):
    return [json.loads(line) for line in lines_of(output)]


def expected(sample, name="expected"):
    return objects((DATA / sample / f"{name}.ndjson").read_bytes())


def as_docker_prints(records):
    """What `docker logs` writes: a newline only where the record has one."""
    return b"".join((one["log"] + ("" if one["partial"] else "\n")).encode() for one in records)


def take_sample(made, sample):
    """The sample's files become the container's log."""
    for path in (DATA / sample).glob("*-json.log*"):
        shutil.copy(path, f"{made.log}{path.name.partition('-json.log')[2]}")


def cat_file(*arguments):
    done = subprocess.run(
        [BINARY, "cat", *map(str, arguments)], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def program(root, tallyman, out):
    return tallyman(root, [file_route("all", out / "all.ndjson")])


# --- cat


@pytest.mark.parametrize("sample", SAMPLES)
def test_raw_is_what_docker_logs_prints(container, program, sample):
    """S25, S27, D25: rotated and compressed files, pieces, terminals: record by record."""
    take_sample(container("web-1"), sample)
    records = expected(sample)
    assert program.cat("web-1") == as_docker_prints(records)
    for stream in ("stdout", "stderr"):
        mine = [one for one in records if one["stream"] == stream]
        assert program.cat("--stream", stream, "web-1") == as_docker_prints(mine)


@pytest.mark.parametrize("sample", SAMPLES)
def test_ndjson_is_joined_lines_with_labels(container, program, sample):
    """D31, S32 to S43: what a route would deliver."""
    made = container("web-1")
    take_sample(made, sample)
    found = objects(program.cat("--output", "ndjson", "web-1"))
    lines = expected(sample, "expected-lines")
    assert [(one["time"], one["stream"], one["message"]) for one in found] == [
        (one["time"], one["stream"], one["log"]) for one in lines
    ]
    assert ["unterminated" in one for one in found] == [not one["complete"] for one in lines]
    assert {(one["source_id"], one["container_name"]) for one in found} == {(made.id[:12], "web-1")}


def test_text(container, program):
    """Time, name, stream and message."""
    made = container("web-1")
    made.write("hello", stream="stderr")
    time_text = rfc3339(made.last_ns).removesuffix("Z").ljust(29, "0") + "Z"
    assert program.cat("-o", "text", "web-1") == f"{time_text} web-1 stderr hello\n".encode()


def test_terminal(container, program):
    """D25: the `\\r` before the newline is the terminal's; raw keeps it."""
    made = container("web-1", tty=True)
    made.write("a\rb\r")
    assert program.cat("web-1") == b"a\rb\r\n"
    assert objects(program.cat("-o", "ndjson", "web-1"))[0]["message"] == "a\rb"


@pytest.mark.parametrize(
    "sample, told",
    [
        ("corrupt-crash-nul-json", "offset 2479: damaged: 954 bytes, nul"),
        ("corrupt-enospc-torn", "offset 3637: damaged: 42 bytes, torn"),
        ("corrupt-truncated-sparse", "offset 0: damaged: 1988 bytes, nul"),
    ],
)
def test_damage_is_told_and_passed(container, program, sample, told):
    """D22, D32: what decodes is printed, each damage is one line with its place."""
    made = container("web-1")
    take_sample(made, sample)
    done = program.run("cat", "web-1")
    assert done.stdout == as_docker_prints(expected(sample))
    assert done.stderr == f"tallyman cat: {made.log}: {told}\n"


def test_a_record_being_written_is_no_damage(container, program, tmp_path):
    """A live file may end in half a record; a file that is nobody's may not."""
    made = container("web-1")
    made.write("whole")
    made.append(b'{"log":"half')
    done = program.run("cat", "web-1")
    assert (done.stdout, done.stderr) == (b"whole\n", "")
    loose = shutil.copy(made.log, tmp_path / "copy.log")
    size = made.log.stat().st_size
    done = cat_file(loose)
    assert done.stdout == b"whole\n"
    assert f"{loose}: offset {size - 12}: damaged: 12 bytes, torn" in done.stderr.decode()


def test_since_and_until(container, program):
    """Both ends inclusive, by each record's own time; in any of the three forms."""
    made = container("web-1")
    times = []
    for number in range(5):
        made.write(f"line {number}")
        times.append(made.last_ns)

    def cat(*arguments):
        return lines_of(program.cat(*arguments, "web-1"))

    assert cat("--since", rfc3339(times[2])) == ["line 2", "line 3", "line 4"]
    assert cat("--until", rfc3339(times[2])) == ["line 0", "line 1", "line 2"]
    unix = f"{times[3] // 10**9}.{times[3] % 10**9:09}"
    assert cat("--since", unix) == ["line 3", "line 4"]
    assert cat("--since", rfc3339(times[1]), "--until", unix) == ["line 1", "line 2", "line 3"]
    assert cat("--since", rfc3339(times[2] + 1)) == ["line 3", "line 4"]
    assert parse_ns(rfc3339(times[2])) == times[2]


def test_since_a_while(container, program):
    """A duration counts back from now."""
    made = container("web-1", created_ns=time.time_ns() - 3600 * 10**9)
    made.write("an hour ago")
    made.last_ns = time.time_ns()
    made.write("now")
    assert program.cat("--since", "10m", "web-1") == b"now\n"
    assert program.cat("--until", "10m", "web-1") == b"an hour ago\n"


def test_loose_files(container, tmp_path):
    """A file stands for itself, also compressed; only a live name brings its rotations."""
    made = container("web-1")
    made.write("old")
    made.rotate(compress=True)
    made.write("new")
    rotation = Path(f"{made.log}.1.gz")
    assert cat_file(made.log).stdout == b"old\nnew\n"
    assert cat_file(rotation).stdout == b"old\n"
    shutil.copy(rotation, tmp_path / "x.log.1.gz")
    assert cat_file(shutil.copy(made.log, tmp_path / "x.log")).stdout == b"new\n"
    (tmp_path / "plain").write_bytes(gzip.compress(made.log.read_bytes()))
    assert cat_file(tmp_path / "plain").stdout == b"new\n", "by content, not by name"
    (entry,) = objects(cat_file("-o", "ndjson", tmp_path / "x.log").stdout)
    assert set(entry) == {"time", "message", "stream"}, "no container, no labels"


def test_containers_are_named(root, container, program):
    """By name before the beginning of an id; what is ambiguous is listed; R13."""
    made = [container(f"web-{number}") for number in range(17)]
    for one in made:
        one.write(one.name)
    by_digit = {digit: [one for one in made if one.id[0] == digit] for digit in "0123456789abcdef"}
    digit, twins = next(pair for pair in by_digit.items() if len(pair[1]) > 1)
    done = program.run("cat", digit, check=1)
    assert all(one.id[:12] in done.stderr and one.name in done.stderr for one in twins)
    prefix = twins[0].id[:20]
    assert program.cat(prefix).decode() == f"{twins[0].name}\n"
    container(prefix).write("a name like an id")
    assert program.cat(prefix) == b"a name like an id\n"
    assert "nobody" in program.run("cat", "nobody", check=1).stderr


def test_what_cannot_be_read_is_refused(container, program):
    """What keeps no file is said, not printed as nothing."""
    made = container("web-1")
    driver = {"Type": "syslog", "Config": {"cache-disabled": "true"}}
    host = {"LogConfig": driver, "NetworkMode": "none"}
    (made.directory / "hostconfig.json").write_text(json.dumps(host))
    assert "syslog" in program.run("cat", "web-1", check=1).stderr
    assert program.ls()[0]["kind"] == "none"
    assert b"not collected" in program.run("ls").stdout


def test_closed_pipe(container, program):
    """A reader that goes ends it quietly, with status 1."""
    container("web-1").write_lines("line", 50_000, size=100)
    with subprocess.Popen(
        [BINARY, "cat", "-c", program.config_path, "web-1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_an_output_that_is_full(container, program):
    """The system's own word for why it could not be written."""
    container("web-1").write("line")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BINARY, "cat", "-c", program.config_path, "web-1"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1 and b"No space left" in done.stderr


def test_nothing_written_yet(container, program):
    """D7: a log that is empty, or not there, is an empty log."""
    made = container("web-1")
    assert program.cat("web-1") == b""
    made.log.unlink()
    done = program.run("cat", "web-1")
    assert (done.stdout, done.stderr) == (b"", "")


# --- ls


def test_ls_without_state(container, program):
    """S11, D18: from the disk alone."""
    made = container("web-1", labels={"a": "b"})
    made.write("line")
    made.rotate(compress=True)
    made.write("line")
    (listed,) = program.ls()
    size = made.log.stat().st_size + Path(f"{made.log}.1.gz").stat().st_size
    assert listed["id"] == made.id and listed["path"] == str(made.log)
    assert (listed["driver"], listed["kind"], listed["size"]) == ("json-file", "json-file", size)
    assert (listed["labels"], listed["state"], listed["routes"]) == ({"a": "b"}, "running", [])
    assert not program.state.exists(), "a verb that reads makes nothing"


def standing(program, name="web-1"):
    (listed,) = [one for one in program.ls() if one["name"] == name]
    return {one["name"]: one for one in listed["routes"]}


def test_ls_tells_how_far_each_route_is(root, container, tallyman, out):
    """Lines, bytes, and what is behind the cursor, also in files it has never seen."""
    other = {**file_route("web", out / "web"), "match": {"container_name": "web-*"}}
    program = tallyman(root, [file_route("all", out / "all"), other])
    made = container("web-1")
    container("idle").write("line")
    made.write_lines("first", 100)
    first = made.log.stat().st_size
    program.once()
    found = standing(program)["all"]
    assert (found["lines_delivered"], found["lines_read"]) == (100, 100)
    assert (found["bytes_read"], found["backlog_bytes"]) == (first, 0)
    assert found["position"]["kind"] == "at" and found["position"]["offset"] == first
    assert set(standing(program, "idle")) == {"all"}, "what a route does not take it is not asked"

    made.write_lines("second", 100)
    behind = made.log.stat().st_size - first
    made.rotate(compress=True)
    made.write_lines("third", 10)
    behind += made.log.stat().st_size
    assert standing(program)["all"]["backlog_bytes"] == behind, "a .gz counts as what it holds"
    program.once()
    assert standing(program)["web"]["backlog_bytes"] == 0


def test_ls_tells_gaps_and_what_start_skipped(root, container, tallyman, out):
    """R1: a gap with its place, reason and neighbours; D76: what `start` skipped."""
    made = container("web-1")
    made.write("before")
    before = made.last_ns
    torn = made.log.stat().st_size
    made.append(b"garbage\n")
    made.write("after")
    late = file_route("late", out / "late", start="end")
    program = tallyman(root, [file_route("all", out / "all"), late])
    program.once()
    (gap,) = standing(program)["all"]["gaps"]
    assert (gap["reason"], gap["bytes"], gap["offset"]) == ("malformed", 8, torn)
    assert (parse_ns(gap["after"]), parse_ns(gap["before"])) == (before, made.last_ns)
    assert standing(program)["late"]["skipped_bytes"] == made.log.stat().st_size
    told = program.run("ls").stdout.decode()
    assert "route all: 2 lines delivered, 0 B behind, 1 gaps of 8 B" in told
    assert "skipped by start" in told


def test_ls_passes_what_it_cannot_read(root, container, program):
    """S8: a container that cannot be read is named, and costs only itself."""
    container("good")
    broken = container("broken")
    (broken.directory / "config.v2.json").write_text("no JSON")
    done = program.run("ls", "--json")
    assert [one["name"] for one in json.loads(done.stdout)] == ["good"]
    assert broken.id[:12] in done.stderr


def test_ls_with_dockerd_down(root, container, tallyman, out, tmp_path):
    """S96: said on stderr; the disk answers."""
    container("web-1")
    host = f"unix://{tmp_path}/nobody.sock"
    program = tallyman(root, [file_route("all", out / "all")], host=host)
    done = program.run("ls", "--json")
    assert [one["name"] for one in json.loads(done.stdout)] == ["web-1"]
    assert "nobody.sock" in done.stderr


def test_ls_without_anything(tallyman, out, tmp_path):
    """S9: where neither disk nor Engine answers it fails, and says why."""
    program = tallyman(tmp_path / "nowhere", [file_route("all", out / "all")], pins=tmp_path / "p")
    assert "nowhere" in program.run("ls", check=1).stderr


def test_ls_survives_a_damaged_ledger(container, program):
    """R13: named, and only what it would have told is missing."""
    container("web-1").write("line")
    program.once()
    (program.state / "routes" / "all.db").write_bytes(b"no database" * 1000)
    done = program.run("ls", "--json")
    assert "all.db" in done.stderr
    assert json.loads(done.stdout)[0]["routes"] == []


# --- pins


@pytest.fixture
def stuck(root, container, tallyman, out):
    """A route that cannot deliver, and four generations of a container; it is stopped then."""
    made = container("web-1")
    (out / "all.ndjson").mkdir()
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    made.write_lines("generation 0", 10)
    program.start()
    for number in range(1, 4):
        program.wait_until(lambda n=number: len(pins(program)) == n, "a pin")
        made.rotate(max_file=2)
        made.write_lines(f"generation {number}", 10)
    program.wait_until(lambda: len(pins(program)) == 4, "the last pin")
    yield made, program
    if program.process:
        program.stop(expected=1)


def pins(program):
    return sorted(path.name for path in Path(program.configuration["pins"]).glob("*.*"))


def rows(program):
    """Per serial: bytes, whether Docker has it, who needs it."""
    table = [line.split() for line in program.run("pins", "ls").stdout.decode().splitlines()[1:]]
    return {int(row[2]): (int(row[3]), row[4], row[5]) for row in table}


def test_pins_ls(stuck):
    """Design 6: which there are, whether only we hold them, and for whom."""
    made, program = stuck
    found = rows(program)
    assert [found[serial][1:] for serial in (1, 2, 3, 4)] == [
        ("no", "all"),
        ("no", "all"),
        ("yes", "all"),
        ("yes", "all"),
    ]
    assert found[4][0] == made.log.stat().st_size
    (listed,) = program.ls()
    assert listed["pins"] == {"way": "link", "count": 4, "bytes": found[1][0] + found[2][0]}
    assert listed["routes"][0]["backlog_bytes"] == sum(one[0] for one in found.values())


def test_pins_drop_needs_it_stopped(stuck):
    """One writer per state directory."""
    _, program = stuck
    refused = program.run("pins", "drop", "--all", check=1)
    assert str(program.pid) in refused.stderr and "stop" in refused.stderr
    assert len(pins(program)) == 4


def test_pins_drop_books_what_is_lost(stuck, out):
    """A single one, then all; what Docker still has is not lost."""
    made, program = stuck
    program.stop(expected=1)
    size = rows(program)[2][0]
    assert "no pin" in program.run("pins", "drop", f"{made.id[:12]}.9", check=1).stderr
    told = program.run("pins", "drop", f"{made.id[:12]}.2").stdout.decode()
    assert told == f"dropped {made.id[:12]}.2: {size} bytes, unread\n"
    assert len(pins(program)) == 3
    program.run("pins", "drop", made.id[:12])
    assert pins(program) == []

    (out / "all.ndjson").rmdir()
    program.once()
    (listed,) = program.ls()
    gaps = listed["routes"][0]["gaps"]
    assert [(gap["reason"], gap["serial"]) for gap in gaps] == [
        ("pin_dropped", 1),
        ("pin_dropped", 2),
    ]
    assert gaps[1]["bytes"] == size
    messages = [one["message"][:12] for one in objects((out / "all.ndjson").read_bytes())]
    assert messages == ["generation 2"] * 10 + ["generation 3"] * 10


def test_a_compressed_generation_is_not_lost(root, container, tallyman, out):
    """Docker's .gz is another file with the same lines: the pin can go."""
    made = container("web-1")
    (out / "all.ndjson").mkdir()
    program = tallyman(root, [file_route("all", out / "all.ndjson")])
    written = made.write_lines("line", 10)
    program.start()
    program.wait_until(lambda: len(pins(program)) == 1, "a pin")
    made.rotate(compress=True)
    program.wait_until(lambda: len(pins(program)) == 2, "a pin")
    program.stop(expected=1)
    assert [one[1] for one in rows(program).values()] == ["yes", "yes"]
    program.run("pins", "drop", "--all")
    (out / "all.ndjson").rmdir()
    program.once()
    found = objects((out / "all.ndjson").read_bytes())
    assert [(one["stream"], one["message"]) for one in found] == written
    assert program.ls()[0]["routes"][0]["gaps"] == []


def test_pins_without_any(program):
    """Nothing to show is no error; nothing to drop by name is."""
    assert rows(program) == {}
    assert program.run("pins", "drop", "--all").stdout == b""
    program.run("pins", "drop", "abc", check=1)


@pytest.mark.parametrize("verb", ["ls", "cat", "pins"])
def test_usage(verb):
    """`--help` is an answer; what makes no sense is misuse, with a hint."""
    helped = subprocess.run([BINARY, verb, "--help"], capture_output=True, check=True)
    assert helped.stdout.startswith(f"usage: tallyman {verb}".encode())
    wrong = subprocess.run([BINARY, verb, "--nonsense"], capture_output=True, check=False)
    assert wrong.returncode == 2 and f"tallyman {verb} --help".encode() in wrong.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["cat"],
        ["cat", "a", "b"],
        ["cat", "--output", "xml", "a"],
        ["cat", "--since", "yesterday", "a"],
        ["cat", "--stream", "stdin", "a"],
        ["ls", "a"],
        ["pins"],
        ["pins", "ls", "a"],
        ["pins", "drop"],
        ["pins", "drop", "--all", "a"],
    ],
)
def test_misuse(arguments):
    """Exit status 2."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, check=False)
    assert done.returncode == 2 and done.stdout == b""
