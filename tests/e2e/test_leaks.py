"""Many sessions of all kinds, and what the services hold before and after.

MINI_KUBE_SESSIONS says how many; `make soak` runs 10,000.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.cluster import running_cluster
from tests.support.exec_client import stats
from tests.support.orphans import descendants, reap
from tests.support.session_mix import ECHO, SessionMix

SESSIONS = int(os.environ.get("MINI_KUBE_SESSIONS", "300"))
SEED = int(os.environ.get("MINI_KUBE_SEED", "1"))
_WORKERS = 4
_WARM_UP = 150
#: A token that nobody came for lives a minute; nothing else may take that long.
_PATIENCE = 75.0
#: Where a kept connection counts, at either end.
_KEPT = {"apiserver-kubelet", "kubectl-apiserver", "tasks", "descriptors"}
#: What allocators keep over a few hundred sessions, and over many, by the session.
_MEMORY, _MEMORY_EACH = 3 * 1024 * 1024, 512


@pytest.fixture(scope="module")
def lone():
    """A cluster of our own: what others hold would be in the way."""
    with running_cluster("leaks") as cluster:
        yield cluster


def run(mix, numbers):
    """Run sessions, a few at a time; how many there were of each kind."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        return Counter(pool.map(mix.run, numbers))


def held(cluster):
    """What the services hold: connections by hop, tasks, descriptors, tokens."""
    found = Counter()
    for name, told in stats(cluster).items():
        for kind in ("connections", "counts"):
            found.update({(name, key): value for key, value in told[kind].items()})
        found.update({(name, kind): told[kind] for kind in ("tasks", "descriptors")})
    return found


def processes():
    reap()
    return Counter(descendants().values())


def memory(cluster):
    return {name: told["rss_bytes"] for name, told in stats(cluster).items()}


def excess(read, before, allowed=0):
    """What there is more than before, once it is what is allowed, or in the end.

    Less is no fault: connections that are kept are closed after a while. So is a kept
    connection for each worker: how many are busy at once is decided by chance.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        more = dict(read() - before)
        kept = {key for key in more if key[1] in _KEPT and more[key] <= allowed}
        if not (left := {key: more[key] for key in more.keys() - kept}):
            return left
        if time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def test_nothing_is_left_of_many_sessions(lone):
    pod = lone.pod("echo", *ECHO, image="python:3")
    mix = SessionMix(lone, pod)
    # What is kept for the next one (connections, caches) is there after these.
    run(mix, range(SEED, SEED + _WARM_UP))
    quiet, running = settled(lone), processes()

    half = SESSIONS // 2
    first = SEED + _WARM_UP
    kinds = run(mix, range(first, first + half))
    memory_before = memory(lone)
    kinds += run(mix, range(first + half, first + SESSIONS))
    left = excess(lambda: held(lone), quiet, allowed=_WORKERS)
    grown = {k: v - memory_before[k] for k, v in memory(lone).items()}

    print(f"{sum(kinds.values())} sessions: {dict(kinds)}; grown by {grown}")
    assert not left
    assert not excess(processes, running)
    assert max(grown.values()) < max(_MEMORY, half * _MEMORY_EACH), grown


def settled(cluster):
    """What is held once it has not changed for a while."""
    seen, since = held(cluster), time.monotonic()
    while time.monotonic() - since < 1.5:
        time.sleep(0.1)
        if (now := held(cluster)) != seen:
            seen, since = now, time.monotonic()
    return seen
