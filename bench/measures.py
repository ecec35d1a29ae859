"""What is measured, each as a function from a cluster to rows."""

from __future__ import annotations

import resource
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bench import logs, streams, tracing
from bench.table import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.subject import Subject

__all__ = ["MEASURES"]

_MB = 1e6
_SESSIONS = 500
_WORKERS = 10


def start(subject: Subject) -> Iterator[Row]:
    """From `mini-kube up` on an existing state to Ready, and to the first exec."""
    readies, execs = [], []
    for _ in range(3):
        subject.down()
        begun = time.perf_counter()
        subject.up()
        readies.append(time.perf_counter() - begun)
        subject.first_exec()
        execs.append(time.perf_counter() - begun)
    yield Row("mini-kube up, existing state, to node Ready", min(readies), "s", 1.0)
    yield Row("  and to the first exec in a pod", min(execs), "s", 1.2, real=6.2)


def memory(subject: Subject) -> Iterator[Row]:
    """What the three services take after their start and a few execs."""
    with subject.client() as client:
        for _ in range(10):
            client.run("true")
    for name, amount in subject.memory().items():
        yield Row(f"  RSS of {name}", amount / _MB, "MB")
    total = sum(subject.memory().values()) / _MB
    yield Row("RSS of the services together", total, "MB", 150, real=731)


def creation(subject: Subject) -> Iterator[Row]:
    """From creating a pod to its condition Ready."""
    times = [subject.create_pod(f"bench-{number}") for number in range(10)]
    median = statistics.median(times)
    yield Row("pod create to Ready, median", median, "s", 0.15, real=0.63)


def latency(subject: Subject) -> Iterator[Row]:
    """`true`, over an open client."""
    with subject.client() as client:
        for _ in range(20):
            client.run("true")
        times = sorted(_timed(lambda: client.run("true")) * 1e3 for _ in range(300))
    yield Row("exec of true, open client, p50", times[150], "ms", 15)
    yield Row("  p99", times[297], "ms")


def concurrency(subject: Subject) -> Iterator[Row]:
    """`true` by several workers at once."""

    def work(times: int) -> None:
        with subject.client() as client:
            for _ in range(times):
                if client.run("true") != 0:
                    raise RuntimeError("an exec failed")

    each = 50
    with ThreadPoolExecutor(_WORKERS) as workers:
        begun = time.perf_counter()
        list(workers.map(work, [each] * _WORKERS))
        rate = each * _WORKERS / (time.perf_counter() - begun)
    yield Row(f"execs of true, {_WORKERS} workers", rate, "/s", 150, "more")


def commands(subject: Subject) -> Iterator[Row]:
    """Whole commands, ours and the real kubectl in turn."""
    arguments = ("exec", subject.pod, "--", "true")
    ours, theirs = [], []
    for _ in range(15):
        ours.append(_timed(lambda: subject.mini_kubectl(*arguments)) * 1e3)
        if subject.kubectl is not None:
            theirs.append(_timed(lambda: subject.real_kubectl(*arguments)) * 1e3)
    own = statistics.median(ours)
    if not theirs:
        yield Row("mini-kubectl exec nginx -- true", own, "ms", real=127)
        return
    aim = statistics.median(theirs)
    note = "aim: kubectl's"
    yield Row("mini-kubectl exec nginx -- true", own, "ms", aim, real=127, note=note)
    yield Row("kubectl exec nginx -- true", aim, "ms", real=127)


def echo(subject: Subject) -> Iterator[Row]:
    """A line there and back through `exec -i cat`."""
    with subject.client() as client:
        session = client.open("cat", stdin=True)
        answers = session.output()
        times = []
        for number in range(1100):
            line = b"line %d\n" % number
            begun = time.perf_counter()
            session.send(line)
            answer = b""
            while not answer.endswith(b"\n"):
                answer += next(answers)
            times.append((time.perf_counter() - begun) * 1e3)
        session.end_input()
        for _ in answers:
            pass
    median = statistics.median(times[100:])
    yield Row("a line there and back, exec -i cat", median, "ms", 0.7, real=0.73)


def idle(subject: Subject) -> Iterator[Row]:
    """What sessions cost that wait for somebody to type."""
    _allow_descriptors(_SESSIONS * 4)
    before = subject.memory()
    with subject.client() as client:
        sessions = [client.open("cat", stdin=True, tty=True) for _ in range(_SESSIONS)]
        after = subject.memory()
        for session in sessions:
            session.close()
    for name in before:
        each = (after[name] - before[name]) / _SESSIONS / 2**20
        yield Row(f"  idle session in {name}", each, "MiB")
    total = (sum(after.values()) - sum(before.values())) / _SESSIONS / 2**20
    name = f"an idle session of {_SESSIONS}, services together"
    yield Row(name, total, "MiB", 0.2, real=1.2)


MEASURES: dict[str, Callable[[Subject], Iterator[Row]]] = {
    "start": start,
    "memory": memory,
    "creation": creation,
    "latency": latency,
    "concurrency": concurrency,
    "commands": commands,
    "echo": echo,
    "websocket": streams.websocket,
    "spdy": streams.spdy,
    "port_forward": streams.port_forward,
    "logs": logs.logs,
    "tracing": tracing.tracing,
    "idle": idle,
}


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _allow_descriptors(number: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))
