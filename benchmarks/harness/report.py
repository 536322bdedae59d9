"""report.md: tables with ratios, and the plots."""

import collections

from harness import names, plot

BASELINE = "eddy"
WIDE = 1.5  # the slowest repetition to the fastest: all of them are listed
SCALES = [(1e6, "ms"), (1e4, "us"), (0, "ns")]
DIVISORS = {"ms": 1e6, "us": 1e3, "ns": 1}


def table(head, rows):
    """A table of Markdown."""
    lines = ["| " + " | ".join(head) + " |",
             "| --- " + "| ---: " * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return lines + [""]


def number(value):
    """Three significant digits, more only before the point."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def scale(unit, values):
    """The unit in which values read well, and what to divide them by."""
    values = [value for value in values if value]
    if unit != "ns" or not values:
        return unit, 1
    for least, name in SCALES:
        if min(values) >= least:
            return name, DIVISORS[name]
    return unit, 1


def by(rows, *fields):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[tuple(row.get(field) for field in fields)].append(row)
    return groups


def runtimes_of(rows):
    there = {row["runtime"] for row in rows}
    return [name for name in names.RUNTIMES if name in there]


def cells(rows, runtimes, text):
    """A cell for each runtime: text(its row), or "-" if it has none."""
    of_runtime = {row["runtime"]: row for row in rows}
    return [text(of_runtime[name]) if name in of_runtime else "-"
            for name in runtimes]


def wall_lines(rows, runtimes):
    lines = []
    for (bench,), group in by(rows, "bench").items():
        unit, divisor = scale(group[0]["unit"], [row["best"] for row in group])
        lines.append([bench, unit] + cells(
            group, runtimes,
            lambda row: f"{number(row['median'] / divisor)} "
                        f"({number(row['best'] / divisor)})"))
    return lines


def ratio_lines(rows, runtimes):
    lines = []
    for (bench,), group in by(rows, "bench").items():
        base = [row for row in group if row["runtime"] == BASELINE]
        if not base or not base[0]["median"]:
            continue
        lines.append([bench] + cells(
            group, runtimes,
            lambda row: ratio(row["median"] / base[0]["median"])))
    return lines


def cpu_lines(rows, runtimes):
    lines = []
    for (bench,), group in by(rows, "bench").items():
        known = [row["cpu_ns"] for row in group if row["cpu_ns"] is not None]
        if not known:
            continue
        unit, divisor = scale("ns", known)
        lines.append([bench, unit] + cells(
            group, runtimes,
            lambda row: number(None if row["cpu_ns"] is None
                               else row["cpu_ns"] / divisor)))
    return lines


def net_lines(rows):
    return [[row["bench"], row["runtime"]]
            + [number(row[field])
               for field in ("rps", "p50_us", "p99_us", "p999_us", "max_us")]
            for row in rows if "rps" in row]


def suite_section(suite, plot_name, rows):
    runtimes = runtimes_of(rows)
    lines = [f"## {suite}", "", f"![{suite}]({plot_name})", "",
             "Median of the repetitions, and in brackets the best, for one "
             "operation:", ""]
    lines += table(["bench", "unit"] + runtimes, wall_lines(rows, runtimes))
    if ratios := ratio_lines(rows, runtimes):
        lines += [f"How many times the median of {BASELINE}:", ""]
        lines += table(["bench"] + runtimes, ratios)
    if cpus := cpu_lines(rows, runtimes):
        lines += ["CPU time of all threads for one operation, median:", ""]
        lines += table(["bench", "unit"] + runtimes, cpus)
    if of_net := net_lines(rows):
        lines += ["Requests/s, and latency in us:", ""]
        lines += table(["bench", "runtime", "requests/s", "p50", "p99",
                        "p99.9", "max"], of_net)
    return lines


def sweep_section(bench, rows, swept):
    """One bench, over the number of workers or of tasks."""
    runtimes = runtimes_of(rows)
    lines = [f"## {bench}", "", f"![{bench}]({swept}_{bench}.svg)", "",
             "Median for one operation:", ""]
    unit, divisor = scale(rows[0]["unit"], [row["median"] for row in rows])
    body = []
    for (x,), group in sorted(by(rows, swept).items()):
        body.append([f"{x:,}"] + cells(
            group, runtimes, lambda row: number(row["median"] / divisor)))
    body.append(["most / least"] + [
        number(max(medians) / min(medians)) for medians in (
            [row["median"] for row in rows if row["runtime"] == runtime]
            for runtime in runtimes)])
    return lines + table([f"{swept}, {unit}"] + runtimes, body)


def spread_section(rows, figures):
    """All repetitions of what has a wide spread, or two modes."""
    lines = []
    for row, values in zip(rows, figures):
        if min(values) > 0 and max(values) / min(values) > WIDE:
            unit, divisor = scale(row["unit"], values)
            every = ", ".join(number(value / divisor)
                              for value in sorted(values))
            what = " ".join(row[field]
                            for field in ("bench", "runtime", "placement")
                            if row.get(field))
            lines.append(f"- {what}, {unit}: {every}")
    if lines:
        lines = [f"## Repetitions that differ by more than {WIDE}x", "",
                 *lines, ""]
    return lines


def plan_section(plan):
    lines = []
    if plan.failed:
        lines += ["## Failed, and left out", ""]
        lines += [f"- {what}: {reason}" for what, reason in plan.failed] + [""]
    if plan.skipped:
        lines += ["## Skipped", ""]
        lines += [f"- {what}: {reason}" for what, reason in plan.skipped] + [""]
    return lines


def write(options, rows, figures, plan, about):
    """figures: of each row, those of all repetitions."""
    lines = ["# eddy and its peers", ""]
    lines += about.lines(options) + [""]
    lines += ["What each figure means is in benchmarks/README.md.", ""]
    if options.sweep:
        for (bench,), group in by(rows, "bench").items():
            lines += sweep_section(bench, group, options.sweep)
            path = options.out / f"{options.sweep}_{bench}.svg"
            path.write_text(plot.lines(bench, group, options.sweep))
    else:
        for (suite, placement), group in by(rows, "suite",
                                            "placement").items():
            title = f"{suite}, {placement}" if placement else suite
            plot_name = title.replace(", ", "-") + ".svg"
            lines += suite_section(title, plot_name, group)
            (options.out / plot_name).write_text(plot.bars(title, group))
    lines += spread_section(rows, figures)
    lines += plan_section(plan)
    (options.out / "report.md").write_text("\n".join(lines))
