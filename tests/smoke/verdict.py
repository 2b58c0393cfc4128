# SPDX-License-Identifier: Apache-2.0
"""verdict: what S103 demands of a smoke test's story, check by check."""

from dataclasses import dataclass

from smoke.run import FULL_MINUTES

KIB = 1024
WARM_UP_MINUTES = 5
SLOPE_KIB_PER_MINUTE_MAX = 64
# A run that is no longer than the warm-up has no slope to speak of: only growth in leaps is seen.
SHORT_GROWTH_KIB_MAX = 4096

# Of a full run; a shorter one owes its share.
QUOTAS = {"lines": 1_000_000, "rotations": 500, "starts": 200, "outages": 3, "daemon restarts": 2}


@dataclass(frozen=True)
class Check:
    what: str
    holds: bool
    told: str


def judge(story):
    return [
        _equation(story),
        _books(story),
        _end_as_start("threads", story.first.threads, story.last.threads),
        _end_as_start("descriptors", story.first.steady_descriptors,
                      story.last.steady_descriptors),
        _memory(story),
        *(_proof(proof) for proof in story.proofs),
        _exit(story),
        *_quotas(story),
    ]


def done(story):
    """What the quotas count."""
    return {
        "lines": story.proofs[0].delivered,
        "rotations": story.rotations,
        "starts": story.starts,
        "outages": len(story.outages),
        "daemon restarts": story.daemon_restarts,
    }


def slope_kib_per_minute(samples):
    """Of anonymous memory: the line of least squares."""
    minutes = [s.at_s / 60 for s in samples]
    kib = [s.anonymous_bytes / KIB for s in samples]
    middle_minutes, middle_kib = sum(minutes) / len(minutes), sum(kib) / len(kib)
    spread = sum((m - middle_minutes) ** 2 for m in minutes)
    return sum((m - middle_minutes) * (k - middle_kib) for m, k in zip(minutes, kib)) / spread


def _equation(story):
    odd = [s for s in story.samples if s.difference != 0]
    told = f"{len(story.samples)} samples, {len(odd)} with another difference than 0"
    if story.sample_faults:
        told += f", {len(story.sample_faults)} could not be taken: {story.sample_faults[0]}"
    holds = bool(story.samples) and not odd and not story.sample_faults
    return Check("census − equation = 0 at every sample", holds, told)


def _books(story):
    odd = [s for s in story.samples if s.unbooked != 0]
    return Check("the books add up at every sample", bool(story.samples) and not odd,
                 f"{len(odd)} samples with lines that are not accounted for")  # fmt: skip


def _end_as_start(what, first, last):
    return Check(f"{what} at the end as at the start", first == last, f"{first}, then {last}")


def _memory(story):
    warm = [s for s in story.samples if s.at_s >= WARM_UP_MINUTES * 60]
    if len(warm) >= 2 and story.minutes >= 2 * WARM_UP_MINUTES:
        slope = slope_kib_per_minute(warm)
        return Check(f"anonymous memory grows by less than {SLOPE_KIB_PER_MINUTE_MAX} KiB/min",
                     slope < SLOPE_KIB_PER_MINUTE_MAX,
                     f"{slope:+.1f} KiB/min after {WARM_UP_MINUTES} minutes")  # fmt: skip
    half = story.samples[len(story.samples) // 2 :]
    growth = (half[-1].anonymous_bytes - half[0].anonymous_bytes) // KIB if half else None
    return Check("anonymous memory does not leap (the run is too short for a slope)",
                 growth is not None and growth < SHORT_GROWTH_KIB_MAX,
                 f"{growth} KiB in the second half")  # fmt: skip


def _proof(proof):
    told = f"{proof.delivered} delivered of {proof.written} written"
    for number, what in ((proof.in_gaps, "in booked gaps"),
                         (proof.engine_lost, "lost by the Engine at the death of its daemon"),
                         (proof.doubtful, "at which their writer was killed"),
                         (proof.complaint_count, "complaints")):  # fmt: skip
        if number:
            told += f", {number} {what}"
    return Check(f"route {proof.route}: every line once", proof.holds and proof.delivered > 0, told)


def _exit(story):
    return Check("it ends in good order", story.exit_status == 0, f"exit {story.exit_status}")


def _quotas(story):
    share = min(1.0, story.minutes / FULL_MINUTES)
    for what, count in done(story).items():
        owed = max(1, round(QUOTAS[what] * share))
        yield Check(f"quota of {what}", count >= owed, f"{count} of {owed}")
