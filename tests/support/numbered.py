# SPDX-License-Identifier: Apache-2.0
"""numbered: lines that carry their own number, and the proof that each came once and in order."""

import os
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("numbered_writer.c")
_LINE = re.compile(r"^(out|err) (\d{8}) ")


def build_writer(directory):
    """The static writer that containers run: see numbered_writer.c."""
    binary = Path(directory) / "numbered"
    compiler = os.environ.get("CC", "gcc").split()
    subprocess.run([*compiler, "-O2", "-static", "-o", binary, SOURCE], check=True)
    return binary


def import_numbered(engine, directory, name="numbered"):
    """Makes the image `name` that holds nothing but the writer, as /numbered."""
    tree = Path(directory) / "tree"
    tree.mkdir()
    build_writer(tree)
    archive = Path(directory) / "numbered.tar"
    subprocess.run(["tar", "-C", tree, "-cf", archive, "."], check=True)
    engine.docker("import", archive, name)


@dataclass(frozen=True)
class StreamTally:
    """What a writer says of one stream: its numbers are those below `end`; whether a doubtful one
    was written, nobody knows, since the writer was killed at it."""

    end: int
    doubtful: frozenset


def read_tally(path):
    """Of a writer's tally file, per stream; laid out as `struct tally` in numbered_writer.c."""
    words = struct.unpack("=134Q", Path(path).read_bytes() or bytes(134 * 8))
    return {"stdout": _stream_tally(words[:67]), "stderr": _stream_tally(words[67:])}


def _stream_tally(words):
    begun, written, doubtful_count = words[:3]
    doubtful = set(words[3 : 3 + doubtful_count])
    if begun != written:
        doubtful.add(written)
    return StreamTally(begun, frozenset(doubtful))


def numbers(entries, stream):
    """The numbers of a stream's entries, in their order, with their times: [(number, time)]."""
    prefix = {"stdout": "out", "stderr": "err"}[stream]
    found = []
    for entry in entries:
        if entry["stream"] != stream:
            continue
        match = _LINE.match(entry["message"])
        assert match and match[1] == prefix, f"a foreign or damaged line: {entry}"
        found.append((int(match[2]), entry["time"]))
    return found


def holes(found, first=0, last=None):
    """Checks that numbers rise strictly (nothing doubled, nothing out of order), and returns what
    is missing: [(first missing, last missing, time before or None, time after or None)]."""
    missing = []
    expected, before = first, None
    for number, time in found:
        assert number >= expected, f"line {number} came again or late, expected {expected}"
        if number > expected:
            missing.append((expected, number - 1, before, time))
        expected, before = number + 1, time
    if last is not None and expected <= last:
        missing.append((expected, last, before, None))
    return missing
