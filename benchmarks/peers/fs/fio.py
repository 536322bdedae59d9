#!/usr/bin/env python3
"""fio's io_uring engine, as a program that keeps the contract of
benchmarks/README.md: random reads past the page cache, 32 in flight, of the
file of 1 GiB that the other programs of the suite "fs" use (workloads/files.h).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

BENCH, RUNTIME = "fs_direct_4k", "fio"
LARGE_BYTES = 1 << 30
PAGE = 4096
READS = 32_000
IN_FLIGHT = 32


def large_file():
    path = pathlib.Path(os.environ.get("TMPDIR") or "/tmp") / "bench-large-1g"
    if not path.exists() or path.stat().st_size != LARGE_BYTES:
        chunk = b"l" * (1 << 20)
        with open(path, "wb") as file:
            for _ in range(LARGE_BYTES // len(chunk)):
                file.write(chunk)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    return path


def run_fio(path):
    command = ["fio", "--name=job", f"--filename={path}", "--rw=randread",
               f"--bs={PAGE}", "--direct=1", "--ioengine=io_uring",
               f"--iodepth={IN_FLIGHT}", f"--io_size={READS * PAGE}",
               # The others want it in the page cache.
               "--invalidate=0", "--output-format=json"]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip() or f"fio ended with {done.returncode}")
    return json.loads(done.stdout)["jobs"][0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--bench", choices=[BENCH])
    parser.add_argument("--runtime", choices=[RUNTIME])
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    if arguments.list:
        print("fs", BENCH, RUNTIME)
        return
    path = large_file()
    run_fio(path)  # to warm up, as the others do
    job = run_fio(path)
    wall_ns = job["read"]["runtime"] * 1_000_000
    if job["read"]["total_ios"] != READS:
        sys.exit(f"fio: {job['read']['total_ios']} reads instead of {READS}")
    print(json.dumps({
        "bench": BENCH, "runtime": RUNTIME, "ops": READS, "wall_ns": wall_ns,
        "cpu_ns": round((job["usr_cpu"] + job["sys_cpu"]) / 100 * wall_ns)}))


if __name__ == "__main__":
    main()
