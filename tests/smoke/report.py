# SPDX-License-Identifier: Apache-2.0
"""report: the story of a smoke test and its verdict as Markdown."""

from smoke.plot import plot
from smoke.verdict import KIB, done, judge

EXCERPT_ROWS = 20


def write(story, directory):
    """report.md and report.svg into `directory`; returns whether all checks hold."""
    directory.mkdir(parents=True, exist_ok=True)
    checks = judge(story)
    (directory / "report.md").write_text(_text(story, checks), encoding="utf-8")
    (directory / "report.svg").write_text(plot(story), encoding="utf-8")
    return all(check.holds for check in checks)


def verdict_text(checks):
    return "\n".join(f"{'ok  ' if c.holds else 'FAIL'}  {c.what}: {c.told}" for c in checks)


def _text(story, checks):
    good = all(check.holds for check in checks)
    return "\n".join(
        [
            "# The smoke test",
            "",
            f"**{'Passed' if good else 'FAILED'}**: {story.minutes:g} minutes, seed {story.seed}, "
            f"Engine {story.engine}.",
            "",
            "```",
            story.version.strip(),
            "```",
            "",
            *_table(["", "what must hold", "what was"],
                    [["✓" if c.holds else "✗", c.what, c.told] for c in checks]),
            "",
            "![threads, descriptors, memory and lines over time](report.svg)",
            "",
            "## What happened",
            "",
            *_table(["what", "how often"],
                    [[what, str(count)] for what, count in done(story).items()]),
            "",
            *_kinds(story),
            "",
            *_table(["at", ""], [[f"{at_s:.0f} s", what] for at_s, what in story.events]),
            "",
            *_complaints(story),
            "## Samples",
            "",
            *_samples(story),
            "",
        ]
    )  # fmt: skip


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _kinds(story):
    rows = [[kind, str(written), *(str(p.kinds[kind][1]) for p in story.proofs)]
            for kind, (written, _) in sorted(story.proofs[0].kinds.items())]  # fmt: skip
    routes = [f"route {proof.route}" for proof in story.proofs]
    return _table(["containers", "lines written", *routes], rows)


def _complaints(story):
    lines = []
    for proof in story.proofs:
        if proof.complaints:
            lines += [f"## Complaints of route {proof.route}", ""]
            lines += [f"- {complaint}" for complaint in proof.complaints] + [""]
    return lines


def _samples(story):
    """Some of them, evenly; the plot has all."""
    step = max(1, len(story.samples) // EXCERPT_ROWS)
    rows = [
        [f"{s.at_s:.0f} s", str(s.threads), str(s.descriptors), f"{s.anonymous_bytes // KIB} KiB",
         str(s.lines), str(s.difference)]
        for s in [story.first, *story.samples[::step], story.last]
    ]  # fmt: skip
    head = ["at", "threads", "descriptors", "anonymous", "lines delivered", "census − equation"]
    return _table(head, rows)
