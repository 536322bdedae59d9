#!/usr/bin/env python3
"""Suite net: what happens to servers that do wrong, and that none is left."""

import os
import pathlib
import stat
import sys
import tempfile
import types
import unittest
from unittest import mock

ROOT = pathlib.Path.cwd()  # of the runfiles
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "benchmarks"))

from harness import net, peers
from harness.failure import Failed

# Starts as the line says, and tells which process it is.
SCRIPT = """#!/bin/sh
echo $$ > {folder}/pid
{body}
"""

SAY_PORT = """exec python3 -c '
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
{then}
'"""


class Servers(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self._patience = net._Server.PATIENCE
        self.addCleanup(setattr, net._Server, "PATIENCE", self._patience)
        self.addCleanup(net.BAZEL_SERVERS.pop, "fake", None)

    def path(self, name):
        return pathlib.Path(self._folder.name) / name

    def measure(self, body):
        """One repetition of a server that does what the shell line says."""
        script = self.path("server")
        script.write_text(SCRIPT.format(folder=self._folder.name, body=body))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        net.BAZEL_SERVERS["fake"] = "//fake"
        options = types.SimpleNamespace(
            workers=1, seconds=1,
            binary=lambda target: script if target == "//fake"
            else ROOT / target.lstrip("/").replace(":", "/"))
        return net.NetSuite().measure("echo_c1", "fake", "free", options)

    def assert_fails(self, body, words):
        with self.assertRaises(Failed) as caught:
            self.measure(body)
        for word in ["fake", *words]:
            self.assertIn(word, str(caught.exception))
        self.assert_gone()

    def assert_gone(self):
        pid = int(self.path("pid").read_text())
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_one_that_ends_at_once_is_named_with_what_it_said(self):
        self.assert_fails("echo no luck >&2; exit 3",
                          ["did not say its port", "ended with 3", "no luck"])

    def test_one_that_never_listens_is_stopped(self):
        net._Server.PATIENCE = 0.3
        self.assert_fails("exec sleep 60", ["did not listen within 0.3 s"])

    def test_one_that_does_not_heed_sigterm_is_killed(self):
        net._Server.PATIENCE = 0.3
        self.assert_fails("trap '' TERM; while :; do sleep 0.05; done",
                          ["did not listen"])

    def test_one_that_says_something_else_is_named(self):
        self.assert_fails("echo hello; exec sleep 60", ["hello"])

    def test_one_that_is_not_there_is_a_failure(self):
        net.BAZEL_SERVERS["fake"] = "//fake"
        options = types.SimpleNamespace(
            workers=1, seconds=1, binary=lambda target: self.path("nothing"))
        with self.assertRaises(Failed):
            net.NetSuite().measure("echo_c1", "fake", "free", options)

    def test_one_that_answers_wrong_is_named(self):
        self.assert_fails(
            SAY_PORT.format(then="""
peer, _ = listener.accept()
peer.recv(64)
peer.sendall(b"x" * 64)
peer.recv(64)
"""), ["an answer is not what the request asks for"])

    def test_one_that_dies_while_it_is_measured_is_named(self):
        self.assert_fails(
            SAY_PORT.format(then="listener.accept()[0].recv(64)"),
            ["the server has closed a connection"])

    def test_a_good_one_has_figures_and_is_stopped(self):
        figures = self.measure(
            f"exec {ROOT}/benchmarks/peers/net/raw_epoll --bench=echo_c1")
        for field in ("rps", "p50_us", "p99_us", "p999_us", "max_us",
                      "cpu_ns"):
            self.assertGreater(figures[field], 0)
        self.assert_gone()


class Missing(unittest.TestCase):
    def test_what_is_not_installed_is_named_with_its_package(self):
        nothing = peers.Needs("/nowhere/at/all", "some-package")
        with mock.patch.dict(net.NEEDS, {"libuv": [nothing]}):
            suite = net.NetSuite()
            self.assertEqual(suite.missing(None)["libuv"],
                             "no /nowhere/at/all: apt-get install some-package")


class Placements(unittest.TestCase):
    def test_apart_shares_no_cpu_unless_there_is_only_one(self):
        server, load = net._cpus("apart")
        if len(os.sched_getaffinity(0)) > 1:
            self.assertFalse(set(server) & set(load))
        self.assertTrue(server and load)

    def test_every_bench_is_measured_in_both(self):
        rows = net.NetSuite().rows_to_measure(None)
        self.assertEqual(len(rows), len(set(rows)))
        for bench in net.BENCHES:
            for placement in net.PLACEMENTS:
                self.assertIn((bench, "eddy", placement), rows)


if __name__ == "__main__":
    unittest.main()
