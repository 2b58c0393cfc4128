# SPDX-License-Identifier: Apache-2.0
"""plot: a story's samples as one SVG: threads, descriptors, memory and lines a second over time,
with the outages as bands and the daemon's ends as lines."""

WIDTH, PANEL_HEIGHT, LEFT, RIGHT, TOP, GAP, BOTTOM = 960, 130, 80, 36, 30, 34, 40
INK, LIGHT, BAND, FALL, LINE = "#222", "#ddd", "#f3d9a4", "#c33", "#2a6fb0"


def plot(story):
    samples = [story.first, *story.samples, story.last]
    end_s = max(s.at_s for s in samples) or 1.0
    panels = [
        ("threads", [(s.at_s, s.threads) for s in samples]),
        ("descriptors", [(s.at_s, s.descriptors) for s in samples]),
        ("anonymous memory, KiB", [(s.at_s, s.anonymous_bytes / 1024) for s in samples]),
        ("lines/s, both routes", _rates(samples)),
    ]
    height = TOP + len(panels) * (PANEL_HEIGHT + GAP) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, (title, points) in enumerate(panels):
        top = TOP + number * (PANEL_HEIGHT + GAP)
        parts += _panel(title, points, end_s, top, story)
    parts += _time_axis(end_s, TOP + len(panels) * (PANEL_HEIGHT + GAP))
    return "\n".join([*parts, "</svg>", ""])


def _rates(samples):
    pairs = zip(samples, samples[1:])
    return [(b.at_s, max(0.0, (b.lines - a.lines) / (b.at_s - a.at_s)))
            for a, b in pairs if b.at_s > a.at_s]  # fmt: skip


def _x(at_s, end_s):
    return LEFT + (WIDTH - LEFT - RIGHT) * at_s / end_s


def _round_up(value):
    """To the next of 1, 2, 4, 6, 8 times a power of ten, half of which is round, too."""
    power = 1
    while value > 10 * power:
        power *= 10
    return next(n * power for n in (1, 2, 4, 6, 8, 10) if value <= n * power)


def _panel(title, points, end_s, top, story):
    highest = _round_up(max((value for _, value in points), default=1))
    parts = []
    for from_s, to_s in story.outages:
        width = _x(to_s, end_s) - _x(from_s, end_s)
        parts.append(f'<rect x="{_x(from_s, end_s):.1f}" y="{top}" width="{width:.1f}" '
                     f'height="{PANEL_HEIGHT}" fill="{BAND}"/>')  # fmt: skip
    for share in (0, 0.5, 1):
        y = top + PANEL_HEIGHT * (1 - share)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{LIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f'{highest * share:g}</text>')  # fmt: skip
    for at_s, what in story.events:
        if what.startswith("dockerd: "):
            parts.append(f'<path d="M{_x(at_s, end_s):.1f} {top}v{PANEL_HEIGHT}" stroke="{FALL}" '
                         f'stroke-dasharray="3 3"/>')  # fmt: skip
    steps = " ".join(f"{_x(at_s, end_s):.1f},{top + PANEL_HEIGHT * (1 - value / highest):.1f}"
                     for at_s, value in points)  # fmt: skip
    parts.append(f'<polyline points="{steps}" fill="none" stroke="{LINE}" stroke-width="1.5"/>')
    parts.append(f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{title}</text>')
    return parts


def _time_axis(end_s, y):
    marks = [f'<text x="{_x(end_s * n / 6, end_s):.1f}" y="{y}" text-anchor="middle">'
             f'{end_s * n / 6 / 60:.1f} min</text>' for n in range(7)]  # fmt: skip
    legend = (f'<text x="{LEFT}" y="{y + 24}">bands: the route `outage` cannot write · '
              f'dashed: dockerd stopped or killed</text>')  # fmt: skip
    return [*marks, legend]
