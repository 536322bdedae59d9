"""Runs measurements in turn, so that what the machine does meanwhile hits all
runtimes alike."""

import collections

from harness.failure import Failed


class Measurement:
    """One runtime that does one workload; measure() is one repetition."""

    def __init__(self, identity, measure):
        self.identity = identity  # suite, bench, runtime, compiler, workers
        self.measure = measure

    def __str__(self):
        fields = ("bench", "runtime", "placement")
        return " ".join(self.identity[field] for field in fields
                        if field in self.identity)

    @property
    def workload(self):
        return tuple(value for field, value in self.identity.items()
                     if field not in ("runtime", "compiler", "workers"))


def by_workload(measurements):
    groups = collections.defaultdict(list)
    for measurement in measurements:
        groups[measurement.workload].append(measurement)
    return list(groups.values())


def run(measurements, reps, progress, finished):
    """Measures each workload with all its runtimes in turn, `reps` times.

    finished(measurement, samples) is called for each measurement that gave
    `reps` samples. Returns the failures, as (measurement, reason); what failed
    once is not measured again.
    """
    progress.expect(len(measurements) * reps)
    failures = []
    for group in by_workload(measurements):
        samples = {measurement: [] for measurement in group}
        for rep in range(reps):
            # Nobody is always the first, or always behind the same one.
            turn = rep % len(group)
            for measurement in group[turn:] + group[:turn]:
                if measurement not in samples:
                    continue
                progress.step(f"{measurement}, {rep + 1} of {reps}")
                try:
                    samples[measurement].append(measurement.measure())
                except Failed as failure:
                    del samples[measurement]
                    failures.append((measurement, str(failure)))
                    progress.say(f"FAILED: {measurement}: {failure}")
        for measurement, all_of_it in samples.items():
            finished(measurement, all_of_it)
    return failures
