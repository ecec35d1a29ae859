"""A thousand commands, and nothing is left of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.support.exec_client import exec_client, stats
from tests.support.orphans import descendants, reap

_WORKERS = 10
_PATIENCE = 20.0
#: A busy kubelet opens a second connection beside its first, which is kept, with its
#: tasks, for 90 s. A leak would be 500 of something.
_KEPT = 20
#: 8 KiB an exec would be a leak; half of it is what allocators do.
_MEMORY = 500 * 8 * 1024


def run_true(client, times):
    return [client.run("true") for _ in range(times)]


def held(cluster):
    """What the services hold: connections by hop, tasks and descriptors."""
    return {
        f"{name} {what}": count
        for name, told in stats(cluster).items()
        for what, count in [
            *told["connections"].items(),
            ("tasks", told["tasks"]),
            ("descriptors", told["descriptors"]),
        ]
    }


def more(before, now):
    """What there is more of than before, and by how much."""
    grown = {what: n - before.get(what, 0) for what, n in now.items()}
    return {what: n for what, n in grown.items() if n > _KEPT}


def memory(cluster):
    return {name: told["rss_bytes"] for name, told in stats(cluster).items()}


def awaited(read, wanted):
    """What `read` gives once it is `wanted`, or in the end."""
    deadline = time.monotonic() + _PATIENCE
    while (seen := read()) != wanted and time.monotonic() < deadline:
        continue
    return seen


def test_a_thousand_execs_by_ten_workers_leave_nothing(cluster, shell):
    with ExitStack() as opened, ThreadPoolExecutor(_WORKERS) as pool:
        clients = [
            opened.enter_context(exec_client(cluster, shell)) for _ in range(_WORKERS)
        ]
        # What is kept for the next one (caches) is there after the first half.
        first = pool.map(lambda client: run_true(client, 50), clients)
        codes = [code for each in first for code in each]
        reap()
        before, memory_before = held(cluster), memory(cluster)
        processes = sorted(descendants().values())

        second = pool.map(lambda client: run_true(client, 50), clients)
        codes += [code for each in second for code in each]

        assert codes == [0] * 1000
        assert awaited(lambda: more(before, held(cluster)), {}) == {}
        reap()
        assert sorted(descendants().values()) == processes
        grown = {k: v - memory_before[k] for k, v in memory(cluster).items()}
        assert all(size < _MEMORY for size in grown.values()), grown
