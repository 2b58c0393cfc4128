# SPDX-License-Identifier: Apache-2.0
"""ledger_book: reads the books as a stranger would, with sqlite3 beside the program.

The only place in the integration tests that knows their columns.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True)
class Gap:
    """One row of the table of gaps; None where nobody can know."""

    source_id: str
    reason: str
    serial: int
    offset: int
    bytes: int | None
    after_ns: int | None
    before_ns: int | None


def _rows(path, query):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as book:
        book.row_factory = sqlite3.Row
        return book.execute(query).fetchall()


def gaps(state, route, source_id=None):
    """The booked gaps of a route, oldest first; of one source if its id is given."""
    rows = _rows(
        state / "routes" / f"{route}.db",
        "SELECT s.id AS source_id, g.reason, g.serial, g.offset, g.bytes, g.after_ns, g.before_ns"
        " FROM gaps g JOIN sources s ON s.key = g.source ORDER BY g.key",
    )
    found = [Gap(**dict(row)) for row in rows]
    return [gap for gap in found if source_id in (None, gap.source_id)]


def tallies(state, route):
    """Per source id: the row of what became of its lines."""
    rows = _rows(state / "routes" / f"{route}.db", "SELECT * FROM sources")
    return {row["id"]: dict(row) for row in rows}


def eras(state, source_id):
    """The records of a container's eras as the monitor booked them, in their order: of a log with
    one record for all of it that is the container's own."""
    rows = _rows(
        state / "containers.db",
        "SELECT c.id, coalesce(e.record, c.record) AS record"
        " FROM containers c LEFT JOIN eras e ON c.key = e.container ORDER BY e.serial, e.offset",
    )
    return [row["record"] for row in rows if row["id"] == source_id]


def assert_conservation(state, route):
    """R1: what was read is delivered, filtered, refused or lost; bytes likewise."""
    for source_id, t in tallies(state, route).items():
        assert t["lines_read"] == (
            t["lines_delivered"] + t["lines_filtered"] + t["lines_refused"] + t["lines_lost"]
        ), f"lines of {source_id[:12]} do not add up: {t}"
        assert (
            t["bytes_read"] == t["bytes_records"] + t["bytes_blank"] + t["bytes_gap"]
        ), f"bytes of {source_id[:12]} do not add up: {t}"


def letters(state, route):
    """The dead letters of a route, oldest first."""
    rows = _rows(
        state / "routes" / f"{route}.db",
        "SELECT key, source, refused_ns, reason, answer, serial, offset, time_ns, stream, form,"
        " container_id, container_name, labels, message FROM dead_letters ORDER BY key",
    )
    return [dict(row) for row in rows]


def make_letters(state, route, source_id, messages, *, reason="too_old", labels="{}", form="bytes"):
    """Makes as many delivered lines of a source into dead letters: as if its sink had refused them.
    Only while no program has the book."""
    path = state / "routes" / f"{route}.db"
    with closing(sqlite3.connect(path)) as book, book:
        ((key, name),) = book.execute("SELECT key, name FROM sources WHERE id = ?", (source_id,))
        book.execute(
            "UPDATE sources SET lines_delivered = lines_delivered - :n,"
            " lines_refused = lines_refused + :n WHERE key = :key",
            {"n": len(messages), "key": key},
        )
        for number, message in enumerate(messages):
            book.execute(
                "INSERT INTO dead_letters (source, bytes, refused_ns, reason, time_ns, serial,"
                " offset, stream, flags, form, container_id, container_name, tty, answer, labels,"
                " message, attrs) VALUES"
                " (?, ?, ?, ?, ?, 1, ?, 'stderr', 0, ?, ?, ?, 0, ?, ?, ?, x'')",
                (key, len(message), 1_795_000_000_000_000_000 + number, reason,
                 1_794_000_000_000_000_000 + number, 10 * number, form, source_id, name,
                 "http://x: HTTP 400: entry too far behind", labels, message),
            )  # fmt: skip
