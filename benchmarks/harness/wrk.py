"""wrk as the load of a server of files: one thread, 64 connections."""

import json
import subprocess
import tempfile
import time

from harness.failure import Failed

PATH = "/usr/bin/wrk"
CONNECTIONS = 64
WARM_UP_S = 1

# wrk's own report rounds; this one doesn't.
DONE = """
done = function(summary, latency, requests)
  local wrong = summary.errors
  print(string.format(
    '{"requests": %d, "us": %d, "bytes": %d, "wrong": %d, "p50_us": %d, ' ..
    '"p99_us": %d, "p999_us": %d, "max_us": %d}',
    summary.requests, summary.duration, summary.bytes,
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    latency.max))
end
"""


def cpu_ns(pids):
    """CPU time of processes, exact, with that of threads that have ended."""
    # What clock_getcpuclockid() makes of a process.
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids)


def _run(url, seconds, **kwargs):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(DONE)
        script.flush()
        command = [PATH, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s",
                   script.name, url]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=seconds + 60, **kwargs)
        except subprocess.TimeoutExpired as error:
            raise Failed("wrk hangs") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise Failed(f"wrk: {done.stderr.strip() or done.returncode}")
    return json.loads(lines[-1])


def measure(url, size, pids, seconds, **kwargs):
    """The figures of a server that answers with bodies of `size` bytes."""
    _run(url, WARM_UP_S, **kwargs)
    before = cpu_ns(pids)
    report = _run(url, seconds, **kwargs)
    cpu = cpu_ns(pids) - before
    requests = report["requests"]
    if report["wrong"] or not requests or report["bytes"] < requests * size:
        raise Failed(f"wrk: wrong answers: {report}")
    return {"requests": requests, "rps": requests / report["us"] * 1e6,
            "cpu_ns": cpu / requests,
            **{field: report[field]
               for field in ("p50_us", "p99_us", "p999_us", "max_us")}}
