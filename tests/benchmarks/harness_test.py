#!/usr/bin/env python3
"""Tests of benchmarks/harness, with programs that pretend."""

import argparse
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock
from xml.etree import ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, "benchmarks")

from harness import (build, compare, interleave, names, options, peers, plot,
                     programs, report, results, stats, sweep)
from harness.failure import Failed
from harness.progress import Progress


def quiet():
    return Progress(io.StringIO())


def row(bench="fib", runtime="eddy", median=100.0, **more):
    return dict({"suite": "forkjoin", "bench": bench, "runtime": runtime,
                 "compiler": "gcc", "workers": 2, "reps": 3, "unit": "ns",
                 "best": median, "median": median, "cpu_ns": 2 * median},
                **more)


class StatsTest(unittest.TestCase):
    IDENTITY = {"suite": "micro", "bench": "yield_many", "runtime": "eddy",
                "compiler": "gcc", "workers": 2}

    def test_a_row_has_the_figures_of_one_operation(self):
        samples = [{"ops": 10, "wall_ns": wall, "cpu_ns": cpu}
                   for wall, cpu in ((300, 400), (100, 900), (500, 200))]
        self.assertEqual(
            stats.row(self.IDENTITY, samples),
            dict(self.IDENTITY, reps=3, unit="ns", best=10, median=30,
                 cpu_ns=40))

    def test_the_median_of_two_is_between_them(self):
        samples = [{"ops": 1, "wall_ns": wall, "cpu_ns": 1}
                   for wall in (100, 200)]
        self.assertEqual(stats.row(self.IDENTITY, samples)["median"], 150)

    def test_a_value_keeps_its_unit_and_needs_no_time(self):
        result = stats.row(self.IDENTITY, [{"value": 144.25, "unit": "bytes"}])
        self.assertEqual((result["unit"], result["best"], result["cpu_ns"]),
                         ("bytes", 144.2, None))

    def test_a_value_may_have_the_cpu_time_beside_it(self):
        result = stats.row(self.IDENTITY, [
            {"value": 5.0, "unit": "cpu_ms", "ops": 1000, "wall_ns": 1,
             "cpu_ns": 5_000_000}])
        self.assertEqual((result["median"], result["cpu_ns"]), (5.0, 5000))

    def test_a_row_of_net_has_rates_and_latencies(self):
        samples = [{"rps": rps, "p50_us": 10, "p99_us": 20 + rps / 1000,
                    "p999_us": 90, "cpu_ns": 5000}
                   for rps in (10_000, 20_000, 50_000)]
        result = stats.row(self.IDENTITY, samples)
        self.assertEqual((result["rps"], result["p99_us"]), (20_000, 40))
        self.assertEqual((result["best"], result["cpu_ns"]), (20_000, 5000))


class InterleaveTest(unittest.TestCase):
    def run_with(self, broken=()):
        calls, rows = [], []

        def measurement(bench, runtime):
            def measure():
                calls.append(f"{bench} {runtime}")
                if (bench, runtime) in broken:
                    raise Failed("a wrong sum")
                return len(calls)
            return interleave.Measurement(
                {"suite": "s", "bench": bench, "runtime": runtime,
                 "compiler": "gcc", "workers": 2}, measure)

        measurements = [measurement(bench, runtime)
                        for bench in ("x", "y") for runtime in ("a", "b", "c")]
        failures = interleave.run(
            measurements, 3, quiet(),
            lambda of, samples: rows.append((str(of), len(samples))))
        return calls, rows, failures

    def test_runtimes_take_turns_and_nobody_is_always_first(self):
        calls, rows, failures = self.run_with()
        self.assertEqual(calls[:9], ["x a", "x b", "x c", "x b", "x c", "x a",
                                     "x c", "x a", "x b"])
        self.assertEqual(calls[9], "y a")
        self.assertEqual(rows, [(f"{bench} {runtime}", 3) for bench in "xy"
                                for runtime in "abc"])
        self.assertEqual(failures, [])

    def test_what_fails_has_no_row_and_is_not_tried_again(self):
        calls, rows, failures = self.run_with(broken=[("x", "b")])
        self.assertEqual(calls.count("x b"), 1)
        self.assertEqual(calls.count("x a"), 3)
        self.assertNotIn("x b", [of for of, _ in rows])
        self.assertEqual([(str(of), why) for of, why in failures],
                         [("x b", "a wrong sum")])


class FakeProgram(peers.Program):
    """A script in place of a program that is built."""

    def __init__(self, folder, script, runtimes=("eddy",), needs=()):
        super().__init__(["micro", "sync"], list(runtimes), needs)
        self.path = pathlib.Path(folder) / f"program{id(self)}"
        self.path.write_text("#!/bin/sh\n" + script)
        self.path.chmod(0o755)

    def build(self, options):
        pass


class TemporaryFolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class ProgramsTest(TemporaryFolderTest):
    def measure(self, script, **kwargs):
        program = FakeProgram(self.folder, script)
        return programs.measure(program.path, "oneshot", "eddy", 2, **kwargs)

    def test_the_arguments_and_the_environment_arrive(self):
        sample = self.measure(
            'test "$*" = "--bench=oneshot --runtime=eddy --workers=2 --tasks=7"'
            ' && test "$EXTRA" = yes && '
            """echo '{"bench": "oneshot", "runtime": "eddy", "ops": 4,"""
            """ "wall_ns": 8, "cpu_ns": 9}'""",
            tasks=7, extra_environment={"EXTRA": "yes"})
        self.assertEqual(sample["wall_ns"], 8)

    def test_a_failure_says_what_the_program_said(self):
        with self.assertRaisesRegex(Failed, "status 3: wrong result: sum"):
            self.measure("echo 'wrong result: sum' >&2; exit 3")

    def test_what_does_not_end_is_a_failure(self):
        with self.assertRaisesRegex(Failed, "did not end within 0.1 s"):
            self.measure("exec sleep 60", time_limit_s=0.1)

    def test_output_that_breaks_the_contract_is_a_failure(self):
        for output, reason in (
                ("", "no line of JSON"),
                ("[1]", "printed"),
                ('{"bench": "notify", "runtime": "eddy"}', "another's"),
                ('{"bench": "oneshot", "runtime": "eddy"}', "no ops"),
                ('{"bench": "oneshot", "runtime": "eddy", "value": 3}',
                 "without its unit"),
                ('{"bench": "oneshot", "runtime": "eddy", "ops": 0,'
                 ' "wall_ns": 5, "cpu_ns": 5}', "no time")):
            with self.assertRaisesRegex(Failed, reason):
                self.measure(f"echo '{output}'")

    def test_a_list_with_other_lines_is_a_failure(self):
        program = FakeProgram(self.folder, "echo micro spawn_join")
        with self.assertRaisesRegex(Failed, "is not 'suite bench runtime'"):
            peers.listed(program, ["micro"])

    def test_of_a_list_the_wanted_suites_and_runtimes_are_taken(self):
        program = FakeProgram(
            self.folder, "echo micro spawn_join eddy; echo sync oneshot eddy;"
            "echo micro spawn_join go")
        self.assertEqual(peers.listed(program, ["micro"]),
                         [("micro", "spawn_join", "eddy")])


OBEDIENT = """
if test "$1" = --list; then
  for runtime in RUNTIMES; do
    echo micro spawn_join $runtime; echo sync oneshot $runtime
  done; exit
fi
bench=${1#--bench=} runtime=${2#--runtime=}
case "$bench $runtime" in "BROKEN") echo "wrong result" >&2; exit 1;; esac
echo "{\\"bench\\": \\"$bench\\", \\"runtime\\": \\"$runtime\\",
  \\"ops\\": 10, \\"wall_ns\\": 1000, \\"cpu_ns\\": 1500}"
"""


class CompareTest(TemporaryFolderTest):
    """The whole of it, but for the building."""

    def compare(self, *arguments, broken="nothing", needs=(), programs=None):
        script = OBEDIENT.replace("BROKEN", broken)
        programs = programs or [
            FakeProgram(self.folder, script.replace("RUNTIMES", "eddy")),
            FakeProgram(self.folder, script.replace("RUNTIMES", "go tokio"),
                        ["go", "tokio"], needs)]
        self.out = self.folder / "out"
        output, errors = io.StringIO(), io.StringIO()
        with mock.patch.object(peers, "PROGRAMS", programs), \
                mock.patch.object(compare, "SUITE_SOURCES", []), \
                mock.patch.object(compare, "Progress",
                                  lambda: Progress(errors)), \
                contextlib.redirect_stdout(output):
            status = compare.main([f"--out={self.out}", *arguments])
        self.output, self.errors = output.getvalue(), errors.getvalue()
        return status

    def rows(self):
        return [(row["suite"], row["bench"], row["runtime"])
                for row in results.read(self.out / "results.jsonl")]

    def test_all_is_measured_and_written(self):
        self.assertEqual(self.compare("--reps=3"), 0)
        self.assertEqual(self.rows(), [
            (suite, bench, runtime)
            for suite, bench in (("micro", "spawn_join"), ("sync", "oneshot"))
            for runtime in ("eddy", "tokio", "go")])
        self.assertEqual(
            results.read(self.out / "results.jsonl")[0],
            {"suite": "micro", "bench": "spawn_join", "runtime": "eddy",
             "compiler": "gcc", "workers": 2, "reps": 3, "unit": "ns",
             "best": 100, "median": 100, "cpu_ns": 150})
        self.assertEqual(
            [sample["wall_ns"]
             for sample in results.read(self.out / "samples.jsonl")],
            [1000] * 18)
        self.assertTrue((self.out / "report.md").exists())
        self.assertTrue((self.out / "micro.svg").exists())
        self.assertIn("[18/18", self.errors)

    def test_options_narrow_it_down(self):
        self.compare("--suite=sync", "--only=go,eddy", "--reps=1")
        self.assertEqual(self.rows(), [("sync", "oneshot", "eddy"),
                                       ("sync", "oneshot", "go")])
        self.compare("--filter=^spawn", "--only=tokio", "--reps=1")
        self.assertEqual(self.rows(), [("micro", "spawn_join", "tokio")])

    def test_list_measures_nothing(self):
        self.assertEqual(self.compare("--list", "--only=go"), 0)
        self.assertEqual(self.output,
                         "micro spawn_join go\nsync oneshot go\n")
        self.assertFalse(self.out.exists())

    def test_a_missing_peer_is_named_with_its_package_and_skipped(self):
        needs = [peers.Needs("/nowhere/go", "golang-go")]
        self.assertEqual(self.compare("--reps=1", needs=needs), 0)
        said = "go, tokio: no /nowhere/go: apt-get install golang-go"
        self.assertIn("skipped: " + said, self.errors)
        self.assertIn(said, (self.out / "report.md").read_text())
        self.assertEqual({runtime for _, _, runtime in self.rows()}, {"eddy"})

    def test_a_program_that_fails_is_reported_and_the_status_is_1(self):
        self.assertEqual(self.compare("--reps=2", broken="spawn_join go"), 1)
        self.assertNotIn(("micro", "spawn_join", "go"), self.rows())
        self.assertIn(("micro", "spawn_join", "tokio"), self.rows())
        self.assertIn(("sync", "oneshot", "go"), self.rows())
        said = "spawn_join go: exit status 1: wrong result"
        self.assertIn("FAILED: " + said, self.errors)
        self.assertIn(said, (self.out / "report.md").read_text())

    def test_a_program_that_cannot_be_built_does_not_stop_the_others(self):
        class Unbuildable(FakeProgram):
            def build(self, options):
                raise Failed("go build failed")

        script = OBEDIENT.replace("RUNTIMES", "eddy")
        status = self.compare("--reps=1", programs=[
            FakeProgram(self.folder, script),
            Unbuildable(self.folder, script, ["go"])])
        self.assertEqual(status, 1)
        self.assertIn("FAILED: go: go build failed", self.errors)
        self.assertEqual(len(self.rows()), 2)

    def test_what_can_never_be_measured_is_named_with_its_reason(self):
        left_out = {("tokio", "spawn_join"): "never ends"}
        with mock.patch.object(peers, "LEFT_OUT", left_out):
            self.assertEqual(self.compare("--reps=1"), 0)
        self.assertIn("skipped: spawn_join tokio: never ends", self.errors)
        self.assertNotIn(("micro", "spawn_join", "tokio"), self.rows())

    def test_a_sweep_has_a_row_for_each_number_of_workers(self):
        self.compare("--sweep=workers", "--reps=1", "--only=eddy")
        self.assertEqual(
            [(row["bench"], row["workers"])
             for row in results.read(self.out / "results.jsonl")],
            [("spawn_join", workers) for workers in range(1, 9)])
        self.assertTrue((self.out / "workers_spawn_join.svg").exists())

    def test_a_suite_may_measure_in_a_way_of_its_own(self):
        class Net:
            name = "net"

            def missing(self, options):
                return {"nginx": "no nginx: apt-get install nginx-light"}

            def compiler(self, runtime, options):
                return options.compiler

            def programs(self, options):
                return []

            def rows_to_measure(self, options):
                return [("echo_c1", "eddy", "free"),
                        ("echo_c1", "eddy", "apart"),
                        ("http_c64", "nginx", "apart")]

            def measure(self, bench, runtime, placement, options):
                return {"rps": 1e4 if placement == "apart" else 2e4,
                        "p50_us": 5, "p99_us": 6, "p999_us": 7, "max_us": 8,
                        "cpu_ns": 23_000}

        errors = io.StringIO()
        with mock.patch.object(peers, "PROGRAMS", []), \
                mock.patch.object(compare, "SUITE_SOURCES", [Net()]), \
                mock.patch.object(compare, "Progress",
                                  lambda: Progress(errors)):
            out = self.folder / "net"
            self.assertEqual(compare.main([f"--out={out}", "--reps=1"]), 0)
        rows = results.read(out / "results.jsonl")
        self.assertEqual([(row["runtime"], row["placement"], row["rps"])
                          for row in rows],
                         [("eddy", "apart", 10_000), ("eddy", "free", 20_000)])
        self.assertIn("skipped: net: nginx: no nginx", errors.getvalue())
        report_text = (out / "report.md").read_text()
        for placement, rps in (("apart", 10_000), ("free", 20_000)):
            self.assertIn(f"## net, {placement}", report_text)
            self.assertIn(
                f"| echo_c1 | eddy | {rps} | 5.00 | 6.00 | 7.00 | 8.00 |",
                report_text)
            self.assertTrue((out / f"net-{placement}.svg").exists())


class OptionsTest(unittest.TestCase):
    def refusal(self, *arguments):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), \
                self.assertRaises(SystemExit) as end:
            options.parse(arguments)
        self.assertEqual(end.exception.code, 2)
        return errors.getvalue()

    def test_all_has_a_default(self):
        parsed = options.parse([])
        self.assertEqual(parsed.suites, list(names.SUITES))
        self.assertEqual(parsed.only, names.RUNTIMES)
        self.assertEqual((parsed.reps, parsed.workers, parsed.compiler),
                         (5, 2, "gcc"))

    def test_what_is_wrong_is_said(self):
        self.assertIn("no suite 'nets'; there are: micro,",
                      self.refusal("--suite=nets"))
        self.assertIn("no runtime 'rust'", self.refusal("--only=eddy,rust"))
        self.assertIn("a number from 1, not '0'", self.refusal("--reps=0"))
        self.assertIn("a number from 1, not 'two'",
                      self.refusal("--workers=two"))
        self.assertIn("'('", self.refusal("--filter=("))
        self.assertIn("'icc'", self.refusal("--compiler=icc"))
        self.assertIn("--fast", self.refusal("--fast"))


class BuildTest(unittest.TestCase):
    def test_a_label_says_where_the_program_lies(self):
        self.assertEqual(str(build.path_in_bin("//benchmarks/eddy:micro")),
                         "benchmarks/eddy/micro")
        self.assertEqual(str(build.path_in_bin("//benchmarks/peers/asio")),
                         "benchmarks/peers/asio/asio")

    def test_a_build_that_fails_says_why(self):
        with self.assertRaisesRegex(Failed, "go build failed:\nno main"):
            build.run("go build", ["sh", "-c", "echo no main; exit 1"])
        with self.assertRaisesRegex(Failed, "go build: .*nowhere"):
            build.run("go build", ["/nowhere/go"])

    def test_every_program_names_runtimes_and_suites_that_there_are(self):
        for program in peers.PROGRAMS:
            self.assertLessEqual(set(program.runtimes), set(names.RUNTIMES))
            self.assertLessEqual(set(program.suites), set(names.SUITES))


class SweepTest(unittest.TestCase):
    def test_a_bench_without_a_size_is_not_swept(self):
        self.assertEqual(sweep.points("tasks", "remote_idle", "eddy"), [])
        self.assertEqual(len(sweep.points("tasks", "spawn_join", "eddy")), 5)

    def test_one_thread_has_no_workers_to_sweep(self):
        self.assertEqual(sweep.points("workers", "spawn_join", "eddy-current"),
                         [])
        self.assertEqual(len(sweep.points("workers", "spawn_join", "go")), 8)


class ReportTest(TemporaryFolderTest):
    def report(self, rows, swept=None, figures=()):
        plan = compare.Plan()
        about = mock.Mock()
        about.lines.return_value = ["of a test"]
        where = argparse.Namespace(out=self.folder, sweep=swept)
        report.write(where, rows, figures, plan, about)
        return (self.folder / "report.md").read_text()

    def test_ratios_are_to_eddy(self):
        text = self.report([row(median=40), row(runtime="tbb", median=100)])
        self.assertIn("| fib | ns | 40.0 (40.0) | 100 (100) |", text)
        self.assertIn("| fib | 1.00 | 2.50 |", text)
        self.assertIn("| fib | ns | 80.0 | 200 |", text)

    def test_a_small_ratio_is_not_zero(self):
        text = self.report([row(median=840_000), row(runtime="tbb",
                                                     median=2400)])
        self.assertIn("| fib | 1.00 | 0.0029 |", text)

    def test_what_was_not_measured_is_a_dash(self):
        text = self.report([row(), row(bench="nqueens"),
                            row(bench="nqueens", runtime="seq", median=300)])
        self.assertIn("| fib | 1.00 | - |", text)
        self.assertIn("| nqueens | 1.00 | 3.00 |", text)

    def test_long_times_are_shown_in_ms(self):
        text = self.report([row(median=175e6), row(runtime="tbb",
                                                   median=724e6)])
        self.assertIn("| fib | ms | 175 (175) | 724 (724) |", text)

    def test_without_eddy_there_are_no_ratios(self):
        self.assertNotIn("How many times", self.report([row(runtime="tbb")]))

    def test_repetitions_that_differ_are_listed(self):
        text = self.report([row(), row(bench="nqueens")],
                           figures=[[100, 149, 120], [250, 80, 90]])
        self.assertIn("- nqueens eddy, ns: 80.0, 90.0, 250\n", text)
        self.assertNotIn("- fib eddy", text)

    def test_a_sweep_has_a_line_for_each_step(self):
        text = self.report(
            [row(median=10.0 * tasks / 1000, tasks=tasks)
             for tasks in (1000, 10_000)], swept="tasks")
        self.assertIn("| 1,000 | 10.0 |\n| 10,000 | 100 |\n"
                      "| most / least | 10.0 |", text)
        self.assertTrue((self.folder / "tasks_fib.svg").exists())


class PlotTest(unittest.TestCase):
    SVG = "{http://www.w3.org/2000/svg}"

    def elements(self, svg, kind):
        return list(ElementTree.fromstring(svg).iter(self.SVG + kind))

    def test_each_runtime_has_a_bar_as_long_as_its_figure(self):
        svg = plot.bars("forkjoin", [row(median=50), row(runtime="tbb"),
                                     row(bench="a<b", median=7)])
        widths = [float(bar.get("width"))
                  for bar in self.elements(svg, "rect")[1:]]
        self.assertEqual(len(widths), 3)
        self.assertAlmostEqual(widths[0] * 2, widths[1])
        self.assertEqual(widths[1], widths[2])  # each bench has its own scale
        self.assertIn("a<b, ns", [text.text
                                  for text in self.elements(svg, "text")])

    def test_each_runtime_has_a_line_through_its_points(self):
        rows = [row(runtime=runtime, median=median, workers=workers)
                for runtime in ("eddy", "tbb")
                for workers, median in ((1, 80), (2, 40), (4, 45))]
        svg = plot.lines("fib", rows, "workers")
        lines = self.elements(svg, "polyline")
        self.assertEqual(len(lines), 2)
        points = [tuple(map(float, point.split(",")))
                  for point in lines[0].get("points").split()]
        self.assertEqual(len(points), 3)
        self.assertLess(points[0][1], points[2][1])  # y grows downwards
        self.assertLess(points[2][1], points[1][1])

    def test_labels_do_not_lie_on_each_other(self):
        self.assertEqual(plot.apart({"a": 50, "b": 100, "c": 52}, 14),
                         {"a": 50, "c": 64, "b": 100})

    def test_every_runtime_has_a_color(self):
        self.assertEqual(set(plot.COLORS), set(names.RUNTIMES))

    def test_ticks_are_few_and_reach_beyond_the_most(self):
        for most in (0.03, 1, 7.2, 99, 1234):
            ticks = plot.ticks_of(most)
            self.assertGreaterEqual(ticks[-1], most)
            self.assertEqual(ticks[0], 0)
            self.assertTrue(5 <= len(ticks) <= 9, ticks)


class ProgressTest(unittest.TestCase):
    def test_a_line_says_how_far_it_is(self):
        stream = io.StringIO()
        progress = Progress(stream)
        progress.expect(4)
        progress.step("fib eddy")
        self.assertRegex(stream.getvalue(), r"^\[1/4, \d+ s\] fib eddy\n$")

    def test_on_a_terminal_the_line_is_rewritten(self):
        stream = io.StringIO()
        stream.isatty = lambda: True
        progress = Progress(stream)
        progress.step("fib eddy")
        progress.step("fib tbb")
        self.assertEqual(stream.getvalue().count("\r"), 2)
        self.assertNotIn("\n", stream.getvalue())


class ResultsTest(TemporaryFolderTest):
    def test_each_row_is_a_line_of_json(self):
        path = self.folder / "results.jsonl"
        results.write(path, [row(), row(runtime="tbb")])
        lines = path.read_text().splitlines()
        self.assertEqual([json.loads(line)["runtime"] for line in lines],
                         ["eddy", "tbb"])
        self.assertEqual(results.read(path)[1], row(runtime="tbb"))


if __name__ == "__main__":
    unittest.main()
