"""Suite net: servers on loopback, and a load in another process.

Each repetition starts a server, lets //benchmarks/net:load measure it, or wrk a
server of files, and stops it. Two placements are measured, since they tell different things: `free`
leaves all threads to the kernel; `apart` gives the load the last CPU and the
server the others, so that no server gains by being on the load's CPU.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness import build, peers, wrk
from harness.failure import Failed

ROOT = Path(__file__).resolve().parents[2]
LOAD = "//benchmarks/net:load"
NGINX = "/usr/sbin/nginx"
PLACEMENTS = ("free", "apart")

# Of protocol.h: some 20 us and 50 ms.
STEPS_20_US = 11_000
STEPS_50_MS = 27_000_000


def _closed(connections, steps=0):
    return ["--load=closed", f"--connections={connections}", f"--steps={steps}"]


def _open(rate, connections=64):
    return ["--load=open", f"--connections={connections}", f"--rate={rate}"]


# What the load does in each benchmark.
BENCHES = {
    "echo_c1": _closed(1),
    "echo_c16": _closed(16),
    "echo_c256": _closed(256),
    "echo_c1000": _closed(1000),
    "echo_open_1k": _open(1_000),
    "echo_open_20k": _open(20_000),
    "echo_open_80k": _open(80_000),
    "compute_c16": _closed(16, STEPS_20_US),
    "compute_c256": _closed(256, STEPS_20_US),
    "stall_sleep": _open(20_000, connections=63) + ["--stall_us=50000"],
    "stall_compute": _open(20_000, connections=63)
    + [f"--stall_steps={STEPS_50_MS}"],
    "http_c64": ["--load=http", "--connections=64"],
    "http_c256": ["--load=http", "--connections=256"],
    "churn": ["--load=churn", "--connections=16"],
    "idle_conn_bytes": ["--load=idle", "--connections=8000"],
}

# Servers of files, and how large the file is that is asked for.
FILES = {"files_1k_c64": 1 << 10, "files_1m_c64": 1 << 20}
FILE_SERVER = "//examples:file_server"
FILE_RUNTIMES = ("eddy", "eddy-current", "nginx")

BAZEL_SERVERS = {
    "eddy": "//benchmarks/eddy:net_server",
    "eddy-current": "//benchmarks/eddy:net_server",
    "eddy-noassist": "//benchmarks/eddy:net_server",
    "asio": "//benchmarks/peers/net:asio",
    "libuv": "//benchmarks/peers/net:libuv",
    "raw-epoll": "//benchmarks/peers/net:raw_epoll",
    "raw-uring": "//benchmarks/peers/net:raw_uring",
}
TOKIO = ("tokio", "tokio-current")
NEEDS = {
    "asio": [peers.ASIO],
    "go": [peers.GO],
    "libuv": [peers.Needs("/usr/include/uv.h", "libuv1-dev")],
    "nginx": [peers.Needs(NGINX, "nginx-light")],
    **dict.fromkeys(TOKIO, [peers.CARGO, peers.TOKIO]),
}
WRK = peers.Needs(wrk.PATH, "wrk")
RUNTIMES = [*BAZEL_SERVERS, *TOKIO, "go", "nginx"]

# A worker of nginx is a process; they are children of the one that we start,
# which stays in the foreground.
NGINX_CONF = """
daemon off;
worker_processes {workers};
error_log stderr crit;
pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  server_tokens off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = / {{ default_type text/plain; return 200 "Hello, World!"; }}
    location / {{ root {root}; }}
  }}
}}
"""


def _cpus(placement):
    """The CPUs of the server and of the load."""
    cpus = sorted(os.sched_getaffinity(0))
    if placement == "free" or len(cpus) == 1:
        return cpus, cpus
    return cpus[:-1], cpus[-1:]


def _in_child(cpus):
    """What a child does before it becomes the program."""
    libc = ctypes.CDLL(None)

    def prepare():
        os.sched_setaffinity(0, cpus)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with us

    return prepare


class _Server:
    """A server that has said that it listens; stopped at the end of `with`."""

    PATIENCE = 5  # seconds, to come up and to go
    FIRST_WORDS, BEFORE_PORT = "port", " "

    def __init__(self, name, command, cpus):
        self._name = name
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                preexec_fn=_in_child(cpus),
            )
        except OSError as error:
            self._errors.close()
            raise Failed(f"{name}: {error}") from error

    def __enter__(self):
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        if not self._wait_for_end():
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def pids(self):
        return [self._process.pid]

    def failure(self, what):
        """A Failed that says what the server has said, too."""
        status = self._process.poll()
        ended = "" if status is None else f", and it ended with {status}"
        self._errors.seek(0)
        said = self._errors.read(2000).decode(errors="replace").strip()
        return Failed(f"{self._name}: {what}{ended}: {said or 'no message'}")

    def _wait_for_end(self):
        try:
            self._process.wait(self.PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _wait_for_port(self):
        line = b""
        deadline = time.monotonic() + self.PATIENCE
        while not line.endswith(b"\n"):
            left = max(0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                raise self.failure(f"did not listen within {self.PATIENCE} s")
            character = os.read(self._process.stdout.fileno(), 1)
            if not character:
                self._wait_for_end()
                raise self.failure("did not say its port")
            line += character
        said, _, port = (
            line.decode(errors="replace").strip().rpartition(self.BEFORE_PORT))
        if said != self.FIRST_WORDS or not port.isdigit():
            raise self.failure(f"said {line!r} instead of its port")
        return int(port)


class _FileServer(_Server):
    """The example announces itself to people."""

    FIRST_WORDS, BEFORE_PORT = "listening on http://127.0.0.1", ":"


class _Nginx(_Server):
    """nginx does not tell its port, and its workers are processes."""

    def __init__(self, name, workers, root, cpus):
        self._folder = tempfile.TemporaryDirectory()
        self._port = _free_port()
        self._workers = workers
        conf = Path(self._folder.name) / "nginx.conf"
        conf.write_text(
            NGINX_CONF.format(
                workers=workers,
                folder=self._folder.name,
                port=self._port,
                root=root or self._folder.name,
            )
        )
        command = [NGINX, "-e", "stderr", "-p", self._folder.name, "-c", conf]
        super().__init__(name, command, cpus)

    def __exit__(self, *_):
        super().__exit__()
        self._folder.cleanup()

    def pids(self):
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def _wait_for_port(self):
        deadline = time.monotonic() + self.PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self.failure("ended before it listened")
            if len(self.pids()) == 1 + self._workers:
                return self._port
            time.sleep(0.01)
        raise self.failure(f"did not listen within {self.PATIENCE} s")


def _free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class NetSuite:
    """The interface that benchmarks/harness has for its suites."""

    name = "net"

    def __init__(self):
        self._binaries = {}

    def compiler(self, runtime, options):
        if runtime in BAZEL_SERVERS:
            return options.compiler
        return "rustc" if runtime in TOKIO else runtime

    def missing(self, options):
        """Why a runtime can't be measured, for those that can't."""
        reasons = {}
        for runtime, needs in NEEDS.items():
            for need in needs:
                if reason := need.missing():
                    reasons[runtime] = reason
        if reason := WRK.missing():
            reasons["wrk"] = reason
        return reasons

    def programs(self, options):
        """Builds what Bazel does not; returns the targets that it does."""
        wanted = set(options.only) - set(self.missing(options))
        if "go" in wanted:
            self._binaries["go"] = build.go("net/go", options)
        if wanted.intersection(TOKIO):
            binary = build.cargo("net/tokio", options) / "net-server"
            self._binaries.update(dict.fromkeys(TOKIO, binary))
        targets = {
            target
            for runtime, target in BAZEL_SERVERS.items()
            if runtime in wanted
        }
        if wanted.intersection(FILE_RUNTIMES):
            targets.add(FILE_SERVER)
        return [LOAD, *sorted(targets)]

    def rows_to_measure(self, options):
        return [
            (bench, runtime, placement)
            for bench in BENCHES
            for placement in PLACEMENTS
            for runtime in RUNTIMES
            if runtime != "nginx" or bench.startswith("http_")
        ] + [
            (bench, runtime, placement)
            for bench in FILES
            for placement in PLACEMENTS
            for runtime in FILE_RUNTIMES
            if not WRK.missing()
        ]

    def measure(self, bench, runtime, placement, options):
        """One repetition."""
        server_cpus, load_cpus = _cpus(placement)
        if bench in FILES:
            return self._measure_files(
                bench, runtime, options, server_cpus, load_cpus)
        server = self._server(bench, runtime, options, server_cpus)
        with server:
            figures = self._run_load(bench, server, options, load_cpus)
        if bench != "idle_conn_bytes":
            return figures
        return {
            "value": figures["bytes_per_connection"],
            "unit": "bytes",
            "idle_cpu_percent": figures["idle_cpu_percent"],
        }

    def _measure_files(self, bench, runtime, options, server_cpus, load_cpus):
        with tempfile.TemporaryDirectory() as root:
            os.chmod(root, 0o755)  # nginx's workers may be another user
            (Path(root) / "file").write_bytes(b"f" * FILES[bench])
            with self._file_server(runtime, root, options, server_cpus) as it:
                url = f"http://127.0.0.1:{it.port}/file"
                return wrk.measure(
                    url, FILES[bench], it.pids(), options.seconds,
                    preexec_fn=_in_child(load_cpus))

    def _file_server(self, runtime, root, options, cpus):
        if runtime == "nginx":
            return _Nginx(runtime, options.workers, root, cpus)
        workers = 0 if runtime == "eddy-current" else options.workers
        command = [
            options.binary(FILE_SERVER),
            f"--root={root}",
            "--port=0",
            f"--workers={workers}",
        ]
        return _FileServer(runtime, command, cpus)

    def _server(self, bench, runtime, options, cpus):
        if runtime == "nginx":
            return _Nginx(runtime, options.workers, None, cpus)
        target = BAZEL_SERVERS.get(runtime)
        binary = options.binary(target) if target else self._binaries[runtime]
        command = [
            binary,
            f"--bench={bench}",
            f"--runtime={runtime}",
            f"--workers={options.workers}",
        ]
        return _Server(runtime, command, cpus)

    def _run_load(self, bench, server, options, cpus):
        command = [
            options.binary(LOAD),
            f"--port={server.port}",
            "--server_pids=" + ",".join(map(str, server.pids())),
            f"--measured={options.seconds}s",
            *BENCHES[bench],
        ]
        try:
            load = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=options.seconds + 60,
                preexec_fn=_in_child(cpus),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise server.failure(f"{bench}: the load hangs") from error
        if load.returncode != 0:
            said = load.stderr.decode(errors="replace").strip()
            raise server.failure(f"{bench}: {said or load.returncode}")
        return json.loads(load.stdout)
