"""What benchmarks/compare does, from its arguments to its exit status."""

import sys

from harness import (build, interleave, machine, names, options as cli, peers,
                     programs, report, results, stats, sweep)
from harness.failure import Failed
from harness.net import NetSuite
from harness.progress import Progress

SUITE_SOURCES = [NetSuite()]  # suites that measure in a way of their own


class Plan:
    """What will be measured, what can't be, and what went wrong so far."""

    def __init__(self):
        self.measurements = []
        self.skipped = []  # (what, reason)
        self.failed = []  # (what, reason)


def wanted(options, suite, bench, runtime):
    return (suite in options.suites and runtime in options.only
            and options.filter.search(bench) is not None)


def usable_programs(options, plan):
    """Of the programs that are asked for, those that have what they need."""
    usable = []
    for program in peers.PROGRAMS:
        runtimes = [name for name in program.runtimes if name in options.only]
        suites = [name for name in program.suites if name in options.suites]
        if not runtimes or not suites:
            continue
        if reason := program.missing():
            plan.skipped.append((", ".join(runtimes), reason))
        else:
            usable.append(program)
    return usable


def usable_suites(options, plan):
    """Of the suites that measure by themselves, those that are asked for; with
    the runtimes, or the tools, that each of them lacks."""
    usable = []
    for source in SUITE_SOURCES:
        if source.name not in options.suites:
            continue
        missing = source.missing(options)
        for runtime, reason in missing.items():
            if runtime in options.only or runtime not in names.RUNTIMES:
                plan.skipped.append((f"{source.name}: {runtime}", reason))
        usable.append((source, missing))
    return usable


def build_targets(options, used_programs, used_suites):
    """Builds what Bazel builds, in one go; options.binary() finds it."""
    targets = {program.target for program in used_programs
               if isinstance(program, peers.BazelProgram)}
    for source, _ in used_suites:
        targets.update(source.programs(options))
    binaries = build.bazel(targets, options)
    options.binary = binaries.__getitem__


def program_measurement(program, suite, bench, runtime, options, tasks=None,
                        workers=None):
    workers = names.workers_of(runtime, workers or options.workers)
    identity = {"suite": suite, "bench": bench, "runtime": runtime,
                "compiler": program.compiler(options), "workers": workers}
    if tasks is not None:
        identity["tasks"] = tasks
    return interleave.Measurement(
        identity,
        lambda: programs.measure(program.path, bench, runtime, workers, tasks,
                                 peers.environment(runtime, workers)))


def suite_measurement(source, bench, runtime, placement, options):
    identity = {"suite": source.name, "bench": bench, "runtime": runtime,
                "compiler": source.compiler(runtime, options),
                "workers": names.workers_of(runtime, options.workers),
                "placement": placement}
    return interleave.Measurement(
        identity, lambda: source.measure(bench, runtime, placement, options))


def add_program(program, options, plan):
    try:
        program.build(options)
        rows = peers.listed(program, options.suites)
    except Failed as failure:
        plan.failed.append((", ".join(program.runtimes), str(failure)))
        return
    for suite, bench, runtime in rows:
        if not wanted(options, suite, bench, runtime):
            continue
        if reason := peers.LEFT_OUT.get((runtime, bench)):
            plan.skipped.append((f"{bench} {runtime}", reason))
        elif options.sweep:
            plan.measurements += [
                program_measurement(program, suite, bench, runtime, options,
                                    **point)
                for point in sweep.points(options.sweep, bench, runtime)]
        else:
            plan.measurements.append(
                program_measurement(program, suite, bench, runtime, options))


def make_plan(options):
    plan = Plan()
    used_programs = usable_programs(options, plan)
    used_suites = [] if options.sweep else usable_suites(options, plan)
    build_targets(options, used_programs, used_suites)
    for program in used_programs:
        add_program(program, options, plan)
    for source, missing in used_suites:
        plan.measurements += [
            suite_measurement(source, bench, runtime, placement, options)
            for bench, runtime, placement in source.rows_to_measure(options)
            if runtime not in missing
            and wanted(options, source.name, bench, runtime)]
    plan.measurements.sort(key=lambda measurement: (
        names.order(measurement.identity["bench"]),
        measurement.identity.get("tasks", 0),
        measurement.identity.get("placement", ""),
        names.RUNTIMES.index(measurement.identity["runtime"])))
    return plan


def measure(plan, options, progress):
    """Measures what is planned; the files grow as rows are finished. Gives the
    rows, and of each the figures of all repetitions."""
    rows, figures, all_samples = [], [], []

    def finished(measurement, samples):
        rows.append(stats.row(measurement.identity, samples))
        figures.append(stats.figures(samples))
        all_samples.extend({**measurement.identity, **sample}
                           for sample in samples)
        results.write(options.out / "results.jsonl", rows)
        results.write(options.out / "samples.jsonl", all_samples)

    failures = interleave.run(plan.measurements, options.reps, progress,
                              finished)
    plan.failed += [(str(measurement), reason)
                    for measurement, reason in failures]
    return rows, figures


def main(arguments):
    options = cli.parse(arguments)
    progress = Progress()
    progress.say("building ...")
    try:
        plan = make_plan(options)
    except Failed as failure:
        progress.say(f"benchmarks/compare: {failure}")
        return 1
    for what, reason in plan.skipped:
        progress.say(f"skipped: {what}: {reason}")
    for what, reason in plan.failed:
        progress.say(f"FAILED: {what}: {reason}")
    if options.list:
        for measurement in plan.measurements:
            print(measurement.identity["suite"], measurement)
        return 1 if plan.failed else 0
    if not plan.measurements:
        progress.say("benchmarks/compare: nothing to measure")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    about = machine.Machine(options)
    rows, figures = measure(plan, options, progress)
    report.write(options, rows, figures, plan, about)
    progress.say(f"results: {options.out}")
    for what, reason in plan.failed:
        progress.say(f"FAILED: {what}: {reason}")
    sys.stderr.flush()
    return 1 if plan.failed else 0
