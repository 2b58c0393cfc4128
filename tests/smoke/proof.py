# SPDX-License-Identifier: Apache-2.0
"""proof: each line that a container wrote is in the route's output once and in order, or the books
or the Engine itself say why not."""

import re
from dataclasses import dataclass, field

from support.docker_root import parse_ns
from support.ledger_book import gaps
from support.numbered import read_tally
from support.tallyman import entries

_LINE = re.compile(r"^(out|err) (\d{8}) \.*$")
_PREFIX = {"stdout": "out", "stderr": "err"}
STREAMS_APART_NS = 10**8
COMPLAINTS_MAX = 20


@dataclass
class Proof:
    """Of one route: sums over all containers."""

    route: str
    written: int = 0
    delivered: int = 0
    engine_lost: int = 0  # lines that the Engine lost when its daemon was killed
    fragments: int = 0  # and what it made of lines that were cut by that
    in_gaps: int = 0  # missing lines for which a gap is booked
    doubtful: int = 0  # written or not, when their writer was killed at them
    gaps: int = 0
    kinds: dict = field(default_factory=dict)  # kind of container → [written, delivered]
    complaints: list = field(default_factory=list)
    complaint_count: int = 0

    @property
    def holds(self):
        return self.complaint_count == 0

    def complain(self, text):
        self.complaint_count += 1
        if len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append(text)


def prove(route, state, out, members, evidence):
    """`out`: the directory with a file per container id of 12 digits."""
    proof = Proof(route)
    booked = {}
    for gap in gaps(state, route):
        booked.setdefault(gap.source_id, []).append(gap)
        proof.gaps += 1
    for member in members:
        if not member.is_silent:
            _prove_member(proof, out, member, evidence, booked.get(member.id, []))
    return proof


def _prove_member(proof, out, member, evidence, booked):
    kind = proof.kinds.setdefault(member.kind, [0, 0])
    found = {"stdout": [], "stderr": []}
    for entry in entries(out / f"{member.id[:12]}.ndjson"):
        match = _LINE.match(entry["message"])
        proof.delivered += 1
        kind[1] += 1
        if match and match[1] == _PREFIX[entry["stream"]]:
            found[entry["stream"]].append((int(match[2]), entry["time"]))
        elif evidence.excuses_fragment(member.id, entry["message"]):
            proof.fragments += 1
        else:
            proof.complain(f"{member.name}: nobody wrote {entry}")
    for stream, tally in read_tally(member.tally).items():
        proof.written += tally.end
        kind[0] += tally.end
        missing = _missing(proof, member, found[stream], tally.end)
        for number, after, before in missing:
            _explain(proof, member, evidence, booked, tally, (stream, number, after, before))


def _missing(proof, member, found, end):
    """[(number, time before it, time after it)] of what is missing; complains of what is double."""
    missing, expected, last_time = [], 0, None
    for number, time in found:
        if number < expected:
            proof.complain(f"{member.name}: line {number} came again or late, at {time}")
            continue
        missing += [(n, last_time, time) for n in range(expected, number)]
        expected, last_time = number + 1, time
    missing += [(n, last_time, None) for n in range(expected, end)]
    if expected > end:
        proof.complain(f"{member.name}: line {expected - 1} came, and only {end} were written")
    return missing


def _explain(proof, member, evidence, booked, tally, line):
    stream, number, after, before = line
    if evidence.excuses_line(member.id, stream, number):
        proof.engine_lost += 1
    elif number in tally.doubtful:
        proof.doubtful += 1
    elif any(_lies_in(gap, after, before) for gap in booked):
        proof.in_gaps += 1
    else:
        proof.complain(f"{member.name}: {stream} {number} is missing, between {after} and {before}")


def _lies_in(gap, after, before):
    """Whether a gap, known by the records around it, and a hole between two lines of one stream can
    be the same place."""
    after_ns = parse_ns(after) - STREAMS_APART_NS if after else 0
    before_ns = parse_ns(before) + STREAMS_APART_NS if before else 2**63
    return (gap.before_ns or 2**63) >= after_ns and (gap.after_ns or 0) <= before_ns
