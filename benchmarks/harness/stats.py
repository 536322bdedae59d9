"""Rows from repetitions."""

import statistics

NET_FIELDS = ("rps", "p50_us", "p99_us", "p999_us", "max_us",
              "idle_cpu_percent")


def rounded(value):
    """Four significant digits, and no more than three after the point."""
    if value is None:
        return None
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value, 1)


def per_op(sample):
    """(figure, cpu_ns) of one repetition; cpu_ns may be None."""
    ops = sample.get("ops") or 1
    cpu = sample.get("cpu_ns")
    cpu = None if cpu is None else cpu / ops
    if "value" in sample:
        return sample["value"], cpu
    if "rps" in sample:  # of the net suite: cpu_ns is per request already
        return 1e9 / sample["rps"], sample.get("cpu_ns")
    return sample["wall_ns"] / ops, cpu


def figures(samples):
    """The figure of each repetition, for one operation."""
    return [rounded(per_op(sample)[0]) for sample in samples]


def row(identity, samples):
    """One row of results.jsonl from all repetitions of one measurement.

    identity: its suite, bench, runtime, compiler and workers.
    """
    values, cpus = zip(*(per_op(sample) for sample in samples))
    known_cpus = [cpu for cpu in cpus if cpu is not None]
    result = dict(
        identity,
        reps=len(samples),
        unit=samples[0].get("unit", "ns"),
        best=rounded(min(values)),
        median=rounded(statistics.median(values)),
        cpu_ns=rounded(statistics.median(known_cpus)) if known_cpus else None,
    )
    for field in NET_FIELDS:
        if field in samples[0]:
            result[field] = rounded(
                statistics.median(sample[field] for sample in samples))
    return result
