# SPDX-License-Identifier: Apache-2.0
"""R1, design 7: outputs that are rotated by size hold every line once, in order, none torn,
wherever the program dies and whatever the disk refuses."""

import json
import os
import random

import pytest

from support.docker_root import Container
from support.ledger_book import assert_conservation
from support.rotated import read_file, rotated_files, rotated_lines
from support.tallyman import Tallyman, file_route, sink_events

MAX_SIZE = 65536


def rotating_route(path, **keys):
    route = file_route("all", path, batch={"age": "0s"})
    route["sink"] |= {"max_size": "64KiB", "max_files": 100, **keys}
    return route


def messages(path):
    return [json.loads(line)["message"] for line in rotated_lines(path)]


class Story:
    """One container; its second chapter takes several rotations. Everything about its output lies
    below a directory `web.out`, so that the shim can be told to look at nothing else."""

    def __init__(self, directory, compression):
        root = directory / "docker"
        self.container = Container(root, "web")
        self.output = directory / "web.out" / "web.log"
        self.output.parent.mkdir(parents=True)
        self.program = Tallyman(
            directory / "program", root, [rotating_route(self.output, compression=compression)]
        )
        self.chapters, self.expected = 0, []

    def chapter(self, lines):
        self.chapters += 1
        # Half as long when it is compressed, so that compressing takes several turns.
        text = random.Random(self.chapters).randbytes(800).hex()
        written = self.container.write_lines(f"{self.chapters} {text}", lines)
        self.expected += [message for _, message in written]

    def check(self, plain):
        assert messages(self.output) == self.expected
        assert_conservation(self.program.state, "all")
        assert not plain or all(file.suffix != ".gz" for file in rotated_files(self.output))


def tell(story, shim, crash, plain=False):
    """Two chapters; the second run dies as `crash` says, and perhaps goes on in a third."""
    story.chapter(100)
    story.program.once()
    story.chapter(1200)
    environment = {"LD_PRELOAD": str(shim), "CRASH_SHIM_PATH": "web.out", **crash}
    died = story.program.once(check=None, environment=environment).returncode != 0
    story.chapter(100)
    story.program.once()
    story.check(plain)
    return died


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_at_each_call_site(shim, tmp_path, dice, compression):
    """kill -9 at each place that touches the output, its rotated files or their directory."""
    listed = tmp_path / "sites"
    plain = compression == "none"
    silent = {"CRASH_SHIM_LIST": str(listed)}
    assert not tell(Story(tmp_path / "silent", compression), shim, silent, plain)
    assert len(rotated_files(tmp_path / "silent" / "web.out" / "web.log")) > 5
    sites = [line.split() for line in listed.read_text().splitlines() if line]
    assert any(site.startswith("renameat2") for site, _ in sites)
    died = 0
    for number, (site, count) in enumerate(sites):
        after = {"CRASH_SHIM_AFTER": "1"} if dice.random() < 0.5 else {}
        # How far compression gets in a run is a matter of time: a later call may not come.
        for nth in sorted({dice.randint(1, int(count)), 1}, reverse=True):
            print(f"{site}, call {nth} of {count}")
            crash = {"CRASH_SHIM_SITE": f"{site}:{nth}", **after}
            story = Story(tmp_path / f"site-{number}-{nth}", compression)
            if tell(story, shim, crash, plain):
                died += 1
                break
    # … and within `--once` none of it may.
    assert died >= len(sites) // 2, "the shim does its work"


@pytest.mark.parametrize("function", ["renameat2", "fsync", "unlink"])
def test_failing_calls(shim, tmp_path, function):
    """They answer ENOSPC for a while: what was not committed is written again."""
    story = Story(tmp_path, "gzip")
    fails = {"CRASH_SHIM_FAIL": f"{function}:ENOSPC:2:3"}
    story.program.configuration["routes"][0]["sink"]["max_files"] = 50
    story.program.configure()
    tell(story, shim, fails)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_rotated_files_are_compressed(tallyman, tmp_path, root, compression):
    """While it runs: all but the newest file, and no more of them than are to be kept."""
    container, output = Container(root, "web"), tmp_path / "web.log"
    route = rotating_route(output, compression=compression, max_files=3)
    program = tallyman(root, [route]).start()
    expected = []
    for number in range(6):
        written = container.write_lines(f"{number} " + "y" * 700, 300)
        expected += [message for _, message in written]

    def is_done():
        try:
            files = rotated_files(output)
            packed = [file for file in files[:-1] if file.suffix in (".gz", ".zst")]
            return len(files) == 4 and len(packed) == 3 and messages(output)[-1:] == expected[-1:]
        except FileNotFoundError:  # it has another name by now
            return False

    program.wait_until(is_done, lambda: f"all are compressed: {rotated_files(output)}")
    events = sink_events(program)
    assert events["rotated"] > 3
    assert (events["moved"], events["not_compressed"]) == (0, 0)
    found = messages(output)
    assert found == expected[-len(found) :]
    oldest = rotated_files(output)[0]
    assert oldest.stat().st_size * 4 < len(read_file(oldest))
    assert sorted(os.listdir(tmp_path)) == sorted(
        [file.name for file in rotated_files(output)] + ["docker", "tallyman"]
    )
    program.stop()
    assert_conservation(program.state, "all")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_once_leaves_nothing_to_be_compressed(tallyman, tmp_path, root, compression):
    """`run --once` ends when every rotated file is compressed, and nothing lies beside them."""
    container, output = Container(root, "web"), tmp_path / "web.log"
    text = random.Random(1).randbytes(400).hex()
    expected = [message for _, message in container.write_lines(text, 1500)]
    program = tallyman(root, [rotating_route(output, compression=compression)])
    program.once()
    files = rotated_files(output)
    assert len(files) > 4
    assert {file.suffix for file in files[:-1]} == {".gz" if compression == "gzip" else ".zst"}
    assert sorted(os.listdir(tmp_path)) == sorted(
        [file.name for file in files] + ["docker", "tallyman"]
    )
    assert messages(output) == expected
    assert_conservation(program.state, "all")


def test_once_does_not_wait_for_what_cannot_be_compressed(tallyman, tmp_path, root):
    """It is said, and the file stays as it is: nothing is lost, and the run ends."""
    container, output = Container(root, "web"), tmp_path / "web.log"
    (tmp_path / "web.log.rotated.tmp").mkdir()
    expected = [message for _, message in container.write_lines("y" * 700, 400)]
    program = tallyman(root, [rotating_route(output, compression="gzip")])
    done = program.once()
    assert b"event=output.not_compressed" in done.stderr.encode()
    assert messages(output) == expected
