#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the two journal files beside it, by a real journald: what docker-logs 5 says that Docker
sends, of three containers whose ids are 64 times their name, and an entry of nobody's.

    first.journal.gz    a: lines 0 to 9; b: two chunks of a line; c: numbered 1 to 3
    second.journal.gz   b: the end of its line; a: lines 10 to 19; c: numbered 4, then 6

The chunks of b are 16,384 bytes of two-byte characters behind one byte, so that each cut goes
through a character.
"""

import gzip
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from support.private_journal import PrivateJournal

LONG = "x" + "\u00e9" * 16_500


def send(journal, name, message, stream="stdout", more=()):
    priority = 6 if stream == "stdout" else 3
    journal.send(
        [
            ("MESSAGE", message),
            ("PRIORITY", priority),
            ("CONTAINER_ID", name * 12),
            ("CONTAINER_ID_FULL", name * 64),
            ("CONTAINER_NAME", name),
            *more,
        ]
    )


def send_chunk(journal, ordinal, last):
    data = LONG.encode()[(ordinal - 1) * 16384 : ordinal * 16384]
    more = [
        ("CONTAINER_PARTIAL_ID", "ab" * 32),
        ("CONTAINER_PARTIAL_ORDINAL", ordinal),
        ("CONTAINER_PARTIAL_LAST", "true" if last else "false"),
    ]
    if not last:
        more.append(("CONTAINER_PARTIAL_MESSAGE", "true"))
    send(journal, "b", data, "stdout", more)


def send_numbered(journal, number):
    more = [
        ("CONTAINER_LOG_EPOCH", "cd" * 32),
        ("CONTAINER_LOG_ORDINAL", number),
        ("SYSLOG_TIMESTAMP", f"2026-01-01T00:00:00.{number:09}Z"),
    ]
    send(journal, "c", f"numbered {number}", "stderr", more)


def keep(path, name):
    with open(HERE / name, "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            packed.write(path.read_bytes())


def main():
    with PrivateJournal() as journal:
        for i in range(10):
            send(journal, "a", f"line {i}", ("stdout", "stderr")[i % 2])
            if i in (2, 5):
                send_chunk(journal, 1 if i == 2 else 2, False)
            if i < 3:
                send_numbered(journal, i + 1)
        journal.send([("MESSAGE", "of nobody"), ("PRIORITY", 6)])
        journal.rotate()
        send_chunk(journal, 3, True)
        for i in range(10, 20):
            send(journal, "a", f"line {i}", ("stdout", "stderr")[i % 2])
        for number in (4, 6):
            send_numbered(journal, number)
        journal.rotate()
        journal.stop()
        # Named after the number of their first entry.
        first, second = sorted(journal.directory.glob("*/system@*-*.journal"))
        keep(first, "first.journal.gz")
        keep(second, "second.journal.gz")


if __name__ == "__main__":
    main()
