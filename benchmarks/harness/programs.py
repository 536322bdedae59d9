"""Runs one repetition of a program that follows the contract."""

import json
import os
import subprocess

from harness.failure import Failed

TIME_LIMIT_S = 300


def parse(output, bench, runtime):
    """The line of JSON that a program printed, if it is as it should be."""
    try:
        sample = json.loads(output)
    except ValueError as error:
        raise Failed(f"printed no line of JSON: {output!r}") from error
    if not isinstance(sample, dict):
        raise Failed(f"printed {output!r}")
    if (sample.get("bench"), sample.get("runtime")) != (bench, runtime):
        raise Failed(f"printed another's figures: {output!r}")
    if "value" in sample:
        fields = ("value",)
        if not isinstance(sample.get("unit"), str):
            raise Failed(f"printed a value without its unit: {output!r}")
    else:
        fields = ("ops", "wall_ns", "cpu_ns")
    for field in fields:
        if not isinstance(sample.get(field), (int, float)):
            raise Failed(f"printed no {field}: {output!r}")
    if fields[0] == "ops" and (sample["ops"] <= 0 or sample["wall_ns"] <= 0):
        raise Failed(f"printed no time: {output!r}")
    return sample


def measure(path, bench, runtime, workers, tasks=None, extra_environment=None,
            time_limit_s=TIME_LIMIT_S):
    """One repetition; what it printed, as a dict."""
    command = [str(path), f"--bench={bench}", f"--runtime={runtime}",
               f"--workers={workers}"]
    if tasks is not None:
        command.append(f"--tasks={tasks}")
    try:
        done = subprocess.run(
            command, text=True, capture_output=True, timeout=time_limit_s,
            env={**os.environ, **(extra_environment or {})})
    except subprocess.TimeoutExpired as error:
        raise Failed(f"did not end within {time_limit_s} s") from error
    except OSError as error:
        raise Failed(str(error)) from error
    if done.returncode != 0:
        message = done.stderr.strip() or "without a message"
        raise Failed(f"exit status {done.returncode}: {message}")
    return parse(done.stdout, bench, runtime)
