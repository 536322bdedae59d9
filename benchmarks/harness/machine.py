"""What the report says of the machine and of the run."""

import os
import platform
import subprocess
import time


def first_line(command):
    try:
        output = subprocess.run(command, text=True, capture_output=True).stdout
    except OSError:
        return None
    return output.splitlines()[0] if output else None


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


class Machine:
    """Made before the run, so that it knows the load that it began with."""

    def __init__(self, options):
        self.load_before = os.getloadavg()[0]
        self.began = time.strftime("%Y-%m-%d %H:%M")
        self.compiler = first_line(
            ["clang-19" if options.compiler == "clang" else "g++", "--version"])

    def lines(self, options):
        workers = "--sweep workers" if options.sweep == "workers" else (
            f"{options.workers} workers")
        return [
            f"{self.began}; {os.cpu_count()} CPUs ({cpu_model()}), "
            f"Linux {platform.release()}; {self.compiler}.",
            f"{workers}, {options.reps} repetitions, the runtimes in turn. "
            f"Load average before the run {self.load_before:.1f}, "
            f"after it {os.getloadavg()[0]:.1f}: what is above 0.5 before "
            "means that the figures were disturbed.",
        ]
