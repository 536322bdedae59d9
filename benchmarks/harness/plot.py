"""Plots as SVG: bars for the suites, lines for the sweeps."""

import collections
import math
from xml.sax.saxutils import escape

from harness import names

COLORS = {
    "eddy": "#1565c0", "eddy-current": "#64b5f6", "eddy-noassist": "#0d47a1",
    "tokio": "#e65100", "tokio-mimalloc": "#fb8c00", "tokio-current": "#ffcc80",
    "go": "#00838f", "asio": "#6a1b9a", "libuv": "#ad1457", "tbb": "#558b2f",
    "nginx": "#2e7d32", "raw-epoll": "#616161", "raw-uring": "#9e9e9e",
    "seq": "#424242", "threads": "#795548", "pool-2": "#bcaaa4",
    "fio": "#c62828",
}
STYLE = ("<style>text{font:12px sans-serif;fill:#333}"
         ".title{font-weight:bold}.axis{stroke:#bbb}</style>")


def document(width, height, parts):
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
         f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
         STYLE, '<rect width="100%" height="100%" fill="white"/>']
        + parts + ["</svg>", ""])


def text(x, y, content, anchor="start", kind=""):
    kind = f' class="{kind}"' if kind else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>'
            f"{escape(content)}</text>")


def line(x1, y1, x2, y2, color=None, width=1):
    look = f'stroke="{color}"' if color else 'class="axis"'
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'{look} stroke-width="{width}"/>')


def label(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(suite, rows):
    """A block for each bench, a bar for each runtime; each block has a scale of
    its own, for benches differ by orders of magnitude."""
    name_width, bar_width, bar, gap = 130, 520, 15, 14
    benches = collections.defaultdict(list)
    for row in rows:
        benches[row["bench"], row["unit"]].append(row)
    parts = [text(10, 22, f"{suite}: median for one operation", kind="title")]
    y = 48
    for (bench, unit), group in benches.items():
        parts.append(text(10, y, f"{bench}, {unit}", kind="title"))
        y += 6
        most = max(row["median"] for row in group) or 1
        for row in group:
            length = max(1, bar_width * row["median"] / most)
            parts.append(text(name_width - 6, y + bar - 3, row["runtime"],
                              "end"))
            parts.append(
                f'<rect x="{name_width}" y="{y + 1}" width="{length:.1f}" '
                f'height="{bar - 2}" fill="{COLORS[row["runtime"]]}"/>')
            parts.append(text(name_width + length + 6, y + bar - 3,
                              label(row["median"])))
            y += bar
        y += gap + 12
    return document(name_width + bar_width + 100, y, parts)


class Axis:
    """From a value to a place, linear or logarithmic."""

    def __init__(self, values, begin, end, logarithmic):
        self.transform = math.log10 if logarithmic else float
        self.low = self.transform(min(values))
        self.high = self.transform(max(values))
        if self.low == self.high:
            self.high = self.low + 1
        self.begin, self.end = begin, end

    def __call__(self, value):
        share = (self.transform(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def ticks_of(most):
    """Five to nine round numbers from 0 to `most` or beyond."""
    power = 10 ** math.floor(math.log10(most or 1))
    step = next(factor * power for factor in (0.1, 0.2, 0.5, 1, 2)
                if most / (factor * power) <= 8)
    return [step * i for i in range(math.ceil(most / step) + 1)]


def apart(places, least):
    """The same places, in their order, moved down so far that none is nearer
    than `least` to the one above it."""
    moved = {}
    last = None
    for key, y in sorted(places.items(), key=lambda item: item[1]):
        last = y if last is None else max(y, last + least)
        moved[key] = last
    return moved


def lines(bench, rows, swept):
    """A line for each runtime over the number of workers or of tasks."""
    width, height, left, right, top, bottom = 760, 420, 80, 150, 40, 50
    xs = sorted({row[swept] for row in rows})
    ticks = ticks_of(max(row["median"] for row in rows))
    x_of = Axis(xs, left, width - right, swept == "tasks")
    y_of = Axis([0, ticks[-1]], height - bottom, top, False)
    parts = [text(10, 22, f"{bench}: {rows[0]['unit']} for one operation, "
                          f"over the number of {swept}", kind="title")]
    for tick in ticks:
        parts.append(line(left, y_of(tick), width - right, y_of(tick)))
        parts.append(text(left - 8, y_of(tick) + 4, label(tick), "end"))
    for x in xs:
        shown = f"10^{math.log10(x):.0f}" if swept == "tasks" else str(x)
        parts.append(text(x_of(x), height - bottom + 20, shown, "middle"))
    ends = {}
    for runtime in names.RUNTIMES:
        of_it = sorted((row[swept], row["median"]) for row in rows
                       if row["runtime"] == runtime)
        if not of_it:
            continue
        color = COLORS[runtime]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in of_it)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" '
                     'stroke-width="2"/>')
        parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" '
                  f'fill="{color}"/>' for x, y in of_it]
        ends[runtime] = y_of(of_it[-1][1])
    for runtime, y in apart(ends, 14).items():
        parts.append(text(width - right + 10, y + 4, runtime))
    return document(width, height, parts)
