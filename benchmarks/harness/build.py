"""Builds programs: Bazel for C++, cargo and go for the peers.

What is built lies outside of the source tree, in ~/.cache/eddy-benchmarks, or
where Bazel puts it.
"""

import os
import pathlib
import shlex
import subprocess

from harness.failure import Failed

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Debian's, also where another one comes first in PATH: what is compared are
# packages that everybody can install.
CARGO = "/usr/bin/cargo"
RUSTC = "/usr/bin/rustc"
GO = "/usr/bin/go"


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "eddy-benchmarks"


def run(what, command, **kwargs):
    """The output of a command that builds."""
    try:
        done = subprocess.run(command, text=True, capture_output=True, **kwargs)
    except OSError as error:
        raise Failed(f"{what}: {error}") from error
    if done.returncode != 0:
        raise Failed(f"{what} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def bazel_command():
    """./bazelw, or what the variable BAZEL says."""
    return shlex.split(os.environ.get("BAZEL", "./bazelw"))


def path_in_bin(target):
    """Where below bazel-bin a program lies: a/b/c for //a/b:c, a/b/b for
    //a/b."""
    package, _, name = target.removeprefix("//").partition(":")
    return pathlib.Path(package) / (name or pathlib.Path(package).name)


def bazel(targets, options):
    """Builds targets; gives the path of each."""
    if not targets:
        return {}
    flags = ["-c", "opt", "--color=no", "--noshow_progress"]
    if options.compiler == "clang":
        flags.append("--config=clang")
    command = bazel_command()
    run("bazel build", command + ["build", "--symlink_prefix=/"] + flags
        + sorted(targets), cwd=ROOT)
    bin_folder = run("bazel info", command + ["info"] + flags + ["bazel-bin"],
                     cwd=ROOT).strip()
    return {target: pathlib.Path(bin_folder) / path_in_bin(target)
            for target in targets}


def cargo(folder, options):
    """Builds a crate; gives the folder of its binaries."""
    del options  # rustc has no other compiler
    source = ROOT / "benchmarks" / "peers" / folder
    target = cache() / folder
    run(f"cargo build of {folder}",
        [CARGO, "build", "--offline", "--release", "--quiet",
         "--target-dir", str(target)],
        cwd=source, env={**os.environ, "RUSTC": RUSTC})
    return target / "release"


def go(folder, options):
    """Builds a Go program; gives its path."""
    del options
    source = ROOT / "benchmarks" / "peers" / folder
    binary = cache() / folder / "program"
    run(f"go build of {folder}", [GO, "build", "-o", str(binary), "."],
        cwd=source, env={**os.environ, "GOFLAGS": "-mod=mod",
                         "GOPROXY": "off", "GO111MODULE": "auto"})
    return binary
