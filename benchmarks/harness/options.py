"""The arguments of benchmarks/compare."""

import argparse
import pathlib
import re
import time

from harness import names
from harness.build import ROOT

DESCRIPTION = "Measures eddy beside its peers, interleaved, in one run."


def names_from(known, what):
    """A parser of comma-separated names out of `known`."""
    def parse(text):
        wanted = [name for name in text.split(",") if name]
        for name in wanted:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"no {what} '{name}'; there are: {', '.join(known)}")
        if not wanted:
            raise argparse.ArgumentTypeError(f"names no {what}")
        return wanted
    return parse


def count(text):
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"a number from 1, not '{text}'")
    return value


def pattern(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}': {error}")


def default_out():
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    return ROOT / ".cache" / "benchmarks" / stamp


def parser():
    result = argparse.ArgumentParser(
        prog="benchmarks/compare", description=DESCRIPTION, allow_abbrev=False)
    result.add_argument(
        "--suite", dest="suites", metavar="NAMES", default=list(names.SUITES),
        type=names_from(list(names.SUITES), "suite"),
        help=f"of {', '.join(names.SUITES)}; with commas; default: all")
    result.add_argument(
        "--only", metavar="NAMES", default=names.RUNTIMES,
        type=names_from(names.RUNTIMES, "runtime"),
        help="runtimes, such as eddy,tokio; default: all")
    result.add_argument(
        "--filter", metavar="RE", type=pattern, default=re.compile(""),
        help="of the benches, those in whose names this is found")
    result.add_argument(
        "--reps", type=count, default=5, metavar="N",
        help="how often each is measured (5)")
    result.add_argument(
        "--workers", type=count, default=2, metavar="N",
        help="threads that run tasks (2)")
    result.add_argument(
        "--seconds", type=count, default=3, metavar="N",
        help="how long a repetition of the suite net measures (3)")
    result.add_argument(
        "--compiler", choices=["gcc", "clang"], default="gcc",
        help="of what is written in C++, peers included (gcc)")
    result.add_argument(
        "--sweep", choices=["workers", "tasks"],
        help="time per operation with 1 to 8 workers, or 10^3 to 10^7 tasks")
    result.add_argument(
        "--out", type=pathlib.Path, metavar="DIR", default=None,
        help="folder of the results (.cache/benchmarks/<date>)")
    result.add_argument(
        "--list", action="store_true",
        help="print 'suite bench runtime' of what would be measured")
    return result


def parse(arguments):
    options = parser().parse_args(arguments)
    if options.out is None:
        options.out = default_out()
    return options
