#!/usr/bin/env python3
"""eddy's programs keep the contract of benchmarks/README.md.

Usage: programs_test.py <program>...
"""

import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, "benchmarks")

from harness import names, programs
from harness.failure import Failed

PROGRAMS = {pathlib.Path(path).name: path for path in sys.argv[1:]}


def entries(path):
    output = subprocess.run([path, "--list"], text=True, check=True,
                            capture_output=True).stdout
    return [tuple(line.split()) for line in output.splitlines()]


class ProgramsTest(unittest.TestCase):
    def test_they_list_names_that_are_fixed(self):
        for suite, path in PROGRAMS.items():
            listed = entries(path)
            self.assertTrue(listed)
            self.assertEqual(len(listed), len(set(listed)))
            for of_suite, bench, runtime in listed:
                self.assertEqual(of_suite, suite)
                self.assertIn(bench, names.SUITES[suite])
                self.assertIn(runtime, names.RUNTIMES)

    def test_the_whole_micro_suite_is_there_for_both_flavors(self):
        for runtime in ("eddy", "eddy-current"):
            self.assertEqual(
                [entry for entry in entries(PROGRAMS["micro"])
                 if entry[2] == runtime],
                [("micro", bench, runtime) for bench in names.SUITES["micro"]])

    def test_a_repetition_is_one_line_of_json(self):
        for runtime in ("eddy", "eddy-current"):
            sample = programs.measure(PROGRAMS["micro"], "idle_task_bytes",
                                      runtime, 2, tasks=20_000)
            self.assertEqual(sample["unit"], "bytes")
            self.assertGreater(sample["value"], 50)
            sample = programs.measure(PROGRAMS["micro"], "chained_spawn",
                                      runtime, 2, tasks=1000)
            self.assertEqual(sample["ops"], 1_000_000)

    def test_tasks_is_an_error_where_the_size_is_fixed(self):
        with self.assertRaisesRegex(Failed, "oneshot takes no --tasks"):
            programs.measure(PROGRAMS["sync"], "oneshot", "eddy", 2, tasks=5)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
