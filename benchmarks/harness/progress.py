"""The line on stderr that says what is being done."""

import sys
import time


class Progress:
    """Rewrites one line on a terminal; elsewhere one line for each round."""

    def __init__(self, stream=sys.stderr):
        self.stream = stream
        self.began = time.monotonic()
        self.on_terminal = stream.isatty()
        self.done = self.total = 0

    def expect(self, total):
        self.total = total

    def step(self, what):
        """Before a measurement."""
        self.done += 1
        elapsed = time.monotonic() - self.began
        line = f"[{self.done}/{self.total}, {elapsed:.0f} s] {what}"
        if self.on_terminal:
            self.stream.write(f"\r\033[K{line}")
        else:
            self.stream.write(f"{line}\n")
        self.stream.flush()

    def say(self, message):
        """A line that stays."""
        if self.on_terminal:
            self.stream.write("\r\033[K")
        self.stream.write(f"{message}\n")
        self.stream.flush()
