# SPDX-License-Identifier: Apache-2.0
"""ledger_book: reads a route's ledger as a stranger would, with sqlite3 beside the program.

The only place in the integration tests that knows the columns.
"""

import sqlite3
from dataclasses import dataclass

UNKNOWN_TIME_NS = -(2**63)
UNKNOWN_BYTES = -1


@dataclass(frozen=True)
class Gap:
    """One row of the table of gaps, its unknowns as None."""

    source_id: str
    reason: str
    serial: int
    offset: int
    bytes: int | None
    after_ns: int | None
    before_ns: int | None


def _rows(path, query):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as book:
        book.row_factory = sqlite3.Row
        return book.execute(query).fetchall()


def gaps(state, route, source_id=None):
    """The booked gaps of a route, oldest first; of one source if its id is given."""
    rows = _rows(
        state / "routes" / f"{route}.db",
        "SELECT s.id AS source_id, g.* FROM gaps g JOIN sources s ON s.key = g.source"
        " ORDER BY g.rowid",
    )
    found = [
        Gap(
            row["source_id"],
            row["reason"],
            row["serial"],
            row["offset"],
            None if row["bytes"] == UNKNOWN_BYTES else row["bytes"],
            None if row["after_ns"] in (None, UNKNOWN_TIME_NS) else row["after_ns"],
            None if row["before_ns"] in (None, UNKNOWN_TIME_NS) else row["before_ns"],
        )
        for row in rows
    ]
    return [gap for gap in found if source_id in (None, gap.source_id)]


def tallies(state, route):
    """Per source id: the row of what became of its lines."""
    rows = _rows(state / "routes" / f"{route}.db", "SELECT * FROM sources")
    return {row["id"]: dict(row) for row in rows}


def assert_conservation(state, route):
    """R1: what was read is delivered, filtered, refused or lost; bytes likewise."""
    for source_id, t in tallies(state, route).items():
        assert t["lines_read"] == (
            t["lines_delivered"] + t["lines_filtered"] + t["lines_refused"] + t["lines_lost"]
        ), f"lines of {source_id[:12]} do not add up: {t}"
        assert t["bytes_read"] == t["bytes_records"] + t["bytes_blank"] + t["bytes_gap"], (
            f"bytes of {source_id[:12]} do not add up: {t}"
        )
