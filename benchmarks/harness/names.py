"""The names that rows have. Others read the files: they do not change."""

SUITES = {
    "micro": [
        "spawn_join", "join_set", "spawn_remote", "spawn_many_local",
        "remote_idle", "remote_busy1", "remote_busy2", "yield_many",
        "ping_pong", "chained_spawn", "skynet_spawn", "idle_task_bytes",
        "idle_future_bytes",
    ],
    "forkjoin": [
        "fib", "fib_range", "skynet", "skynet_range", "nqueens", "matmul",
    ],
    "sync": [
        "mpsc_5p_100", "mpsc_5p_1000", "mpsc_5p_1m", "mpsc_5p_unbounded",
        "oneshot", "mutex_1", "mutex_100", "rwlock_read", "semaphore",
        "notify", "watch", "broadcast", "select2",
    ],
    "time": [
        "timer_drop", "timer_drop_2", "sleeps_100k", "sleeps_late",
        "sleep_bytes", "timer_bytes",
    ],
    "blocking": [
        "blocking_batch", "blocking_roundtrip", "blocking_roundtrip_p50",
        "blocking_sleep_512", "blocking_queue_1ms", "block_in_place",
    ],
    "net": [
        "echo_c1", "echo_c16", "echo_c256", "echo_c1000", "echo_open_1k",
        "echo_open_20k", "echo_open_80k", "compute_c16", "compute_c256",
        "stall_sleep", "stall_compute", "http_c64", "http_c256", "churn",
        "idle_conn_bytes", "files_1k_c64", "files_1m_c64",
    ],
    "fs": [
        "fs_write_100", "fs_fsync_100", "fs_read_100", "fs_random_4k",
        "fs_direct_4k", "fs_echo_alone", "fs_echo_copying",
        "fs_echo_beside_cp",
    ],
}

RUNTIMES = [
    "eddy", "eddy-current", "eddy-noassist", "tokio", "tokio-mimalloc",
    "tokio-current", "go", "asio", "libuv", "tbb", "nginx", "raw-epoll",
    "raw-uring", "seq", "threads", "pool-2", "fio",
]

# These use one thread, however many workers the others have.
SINGLE_THREADED = {
    "eddy-current", "tokio-current", "libuv", "raw-epoll", "raw-uring", "seq",
    "fio",
}

# What --sweep takes: benches whose programs know --tasks, or whose time should
# go down with the number of workers.
SWEPT = {
    "tasks": ["spawn_join", "spawn_remote", "yield_many", "chained_spawn"],
    "workers": ["spawn_join", "spawn_remote", "yield_many", "ping_pong",
                "chained_spawn", "skynet_spawn", "fib", "skynet"],
}


def order(bench):
    """Where a bench stands in tables: (suite, place)."""
    for suite_place, (suite, benches) in enumerate(SUITES.items()):
        if bench in benches:
            return suite_place, benches.index(bench)
    return len(SUITES), 0


def workers_of(runtime, workers):
    return 1 if runtime in SINGLE_THREADED else workers
