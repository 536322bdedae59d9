"""The programs that there are, and what each of them needs.

A program follows the contract in benchmarks/README.md. To add one is to add a
line to PROGRAMS.
"""

import glob

from harness import build
from harness.failure import Failed


class Needs:
    """A file that must be there, and the Debian package that has it."""

    def __init__(self, file, package):
        self.file, self.package = file, package

    def missing(self):
        """Why it can't be used; None if it can."""
        if glob.glob(self.file):
            return None
        return f"no {self.file}: apt-get install {self.package}"


class Program:
    """What has been built, or will be, and the runtimes that it has."""

    language = None  # its compiler, if that is not --compiler

    def __init__(self, suites, runtimes, needs=()):
        self.suites, self.runtimes, self.needs = suites, runtimes, needs
        self.path = None

    def missing(self):
        for need in self.needs:
            if reason := need.missing():
                return reason
        return None

    def compiler(self, options):
        return self.language or options.compiler


class BazelProgram(Program):
    def __init__(self, target, suites, runtimes, needs=()):
        super().__init__(suites, runtimes, needs)
        self.target = target

    def build(self, options):
        self.path = options.binary(self.target)


class CargoProgram(Program):
    language = "rustc"

    def __init__(self, folder, binary, suites, runtimes, needs=()):
        super().__init__(suites, runtimes, needs)
        self.folder, self.binary = folder, binary

    def build(self, options):
        self.path = build.cargo(self.folder, options) / self.binary


class GoProgram(Program):
    language = "go"

    def __init__(self, folder, suites, runtimes, needs=()):
        super().__init__(suites, runtimes, needs)
        self.folder = folder

    def build(self, options):
        self.path = build.go(self.folder, options)


class ScriptProgram(Program):
    """A script that drives a program that is installed."""

    def __init__(self, script, language, suites, runtimes, needs=()):
        super().__init__(suites, runtimes, needs)
        self.script, self.language = script, language

    def build(self, options):
        self.path = build.ROOT / "benchmarks" / "peers" / self.script


CARGO = Needs(build.CARGO, "cargo")
TOKIO = Needs("/usr/share/cargo/registry/tokio-1.*", "librust-tokio-dev")
MIMALLOC = Needs("/usr/lib/*/libmimalloc.so.2", "libmimalloc2.0")
GO = Needs(build.GO, "golang-go")
ASIO = Needs("/usr/include/boost/asio.hpp", "libboost1.81-dev")
FIO = Needs("/usr/bin/fio", "fio")
TBB = Needs("/usr/include/oneapi/tbb.h", "libtbb-dev")

EDDY_RUNTIMES = ["eddy", "eddy-current"]

TOKIO_SUITES = ["micro", "sync", "time", "blocking", "fs"]

PROGRAMS = [
    BazelProgram("//benchmarks/eddy:micro", ["micro"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:sync", ["sync"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:sync_channels", ["sync"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:sync_fanout", ["sync"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:time", ["time"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:blocking", ["blocking"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:fs", ["fs"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:fs_echo", ["fs"], EDDY_RUNTIMES),
    BazelProgram("//benchmarks/eddy:forkjoin", ["forkjoin"], ["eddy"]),
    BazelProgram("//benchmarks/peers/seq", ["forkjoin"], ["seq"]),
    BazelProgram("//benchmarks/peers/tbb", ["forkjoin"], ["tbb"], [TBB]),
    CargoProgram("tokio", "tokio-peer", TOKIO_SUITES,
                 ["tokio", "tokio-current"], [CARGO, TOKIO]),
    CargoProgram("tokio", "tokio-peer", TOKIO_SUITES, ["tokio-mimalloc"],
                 [CARGO, TOKIO, MIMALLOC]),
    GoProgram("go", ["micro", "sync", "time"], ["go"], [GO]),
    BazelProgram("//benchmarks/peers/asio", ["micro", "time"], ["asio"],
                 [ASIO]),
    BazelProgram("//benchmarks/peers/fs:limits", ["fs"],
                 ["seq", "threads", "pool-2", "raw-uring"]),
    ScriptProgram("fs/fio.py", "fio", ["fs"], ["fio"], [FIO]),
]

# What can't be measured, and why: it is named in every report.
TOKIO_BUSY2 = ("never ends: in Tokio 1.24 a task that spawns its successor "
               "and ends, again and again, lets its worker run nothing else")
TOKIO_IN_PLACE = "panics: only a multi-thread runtime of Tokio has it"
LEFT_OUT = {
    ("tokio-current", "block_in_place"): TOKIO_IN_PLACE,
    ("tokio", "remote_busy2"): TOKIO_BUSY2,
    ("tokio-mimalloc", "remote_busy2"): TOKIO_BUSY2,
}


def environment(runtime, workers):
    """What is added to the environment of a program."""
    if runtime == "tokio-mimalloc":
        return {"LD_PRELOAD": glob.glob(MIMALLOC.file)[0]}
    if runtime == "go":
        return {"GOMAXPROCS": str(workers)}
    return {}


def listed(program, suites):
    """The (suite, bench, runtime) of a built program, of the wanted suites."""
    lines = build.run(f"{program.path} --list", [str(program.path), "--list"])
    rows = []
    for line in lines.splitlines():
        fields = line.split()
        if len(fields) != 3:
            raise Failed(f"{program.path} --list: {line!r} is not "
                         "'suite bench runtime'")
        if fields[0] in suites and fields[2] in program.runtimes:
            rows.append(tuple(fields))
    return rows
