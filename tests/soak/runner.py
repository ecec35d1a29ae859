"""Many runs at once against one cluster, and what is left behind afterwards."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from tests.soak.outcome import broken
from tests.soak.perform import Performer
from tests.soak.plan import plan_of
from tests.support.exec_client import (
    admin_call,
    admin_tls,
    exec_client,
    server_url,
    stats,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.soak.outcome import Outcome
    from tests.soak.plan import Plan

__all__ = ["Report", "soak"]

_LINES = 3000
#: Here each connection is one session; on the others some are kept for later requests.
_STREAMS = ("kubelet-cri-streaming",)
_ECHO = """
import socket, threading
listener = socket.create_server(("127.0.0.1", 0), backlog=64)
print(listener.getsockname()[1], flush=True)
def serve(peer):
    with peer:
        try:
            while data := peer.recv(1 << 16):
                peer.sendall(data)
        except OSError:
            pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@dataclass(slots=True)
class Report:
    """What the runs came to."""

    runs: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def text(self) -> str:
        kinds = "\n".join(f"  {n:6} {kind}" for kind, n in self.endings.most_common(30))
        findings = "\n".join(self.findings) or "every invariant held"
        return f"{self.runs} runs\n{kinds}\n{findings}"


def soak(cluster: Any, seeds: Iterable[int], *, workers: int) -> Report:
    """Run each seed's plan; several at once, each in its own session."""
    pod = cluster.pod("soak")
    talker = _talker(cluster)
    report = Report()
    with exec_client(cluster, pod) as client:
        session = client.open("python3", "-c", _ECHO)
        port = int(next(session.output()))
        before = _open_streams(cluster)
        _work(cluster, seeds, report, workers, pod, talker, port)
        after = _settled_streams(cluster, before)
        if after != before:
            report.findings.append(f"open streams before: {before}, after: {after}")
        session.close()
    return report


def _work(
    cluster: Any,
    seeds: Iterable[int],
    report: Report,
    workers: int,
    pod: str,
    talker: str,
    port: int,
) -> None:
    waiting: SimpleQueue[int] = SimpleQueue()
    for seed in seeds:
        waiting.put(seed)
    lock = threading.Lock()

    def work() -> None:
        performer = Performer(
            server_url(cluster),
            admin_tls(cluster),
            pod=pod,
            talker=talker,
            echo_port=port,
        )
        while True:
            try:
                seed = waiting.get_nowait()
            except Empty:
                return
            plan = plan_of(seed)
            try:
                outcome = _run(cluster, performer, plan)
                wrong = broken(outcome)
            except Exception as error:  # noqa: BLE001 - it is reported with its seed
                outcome, wrong = None, [f"{type(error).__name__}: {error}"]
            with lock:
                _note(report, plan, outcome, wrong)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _run(cluster: Any, performer: Performer, plan: Plan) -> Outcome:
    trace_id = hashlib.sha256(b"%d" % plan.seed).hexdigest()[:32]
    for fault in plan.faults:
        admin_call(
            cluster, {"cmd": "fault_add", "rule": _with_session(fault, trace_id)}
        )
    try:
        return performer.run(plan, trace_id)
    finally:
        for fault in plan.faults:
            admin_call(cluster, {"cmd": "fault_remove", "name": fault["name"]})


def _with_session(fault: dict[str, Any], trace_id: str) -> dict[str, Any]:
    return {**fault, "selector": {"session": trace_id}}


def _note(
    report: Report, plan: Plan, outcome: Outcome | None, wrong: list[str]
) -> None:
    report.runs += 1
    faults = "+".join(sorted(fault["type"] for fault in plan.faults)) or "no fault"
    ended = "failed" if outcome is None else _kind_of_end(outcome)
    report.endings[f"{plan.operation}: {ended} ({faults})"] += 1
    for each in wrong:
        report.findings.append(
            f"seed {plan.seed}: {each}\n"
            f"  {plan.operation} over {plan.carrier}, {faults}\n"
            f"  python -m tests.soak --seed {plan.seed} --runs 1"
        )


def _kind_of_end(outcome: Outcome) -> str:
    if outcome.success:
        return "succeeded"
    return "code" if outcome.code is not None else "cut"


def _open_streams(cluster: Any) -> dict[str, int]:
    """How many connections each service has on each streaming hop."""
    return {
        f"{service} {hop}": count
        for service, told in sorted(stats(cluster).items())
        for hop, count in sorted(told["connections"].items())
        if hop in _STREAMS
    }


def _settled_streams(cluster: Any, wanted: dict[str, int]) -> dict[str, int]:
    """The same, once what the clients left is noticed; at the latest in 30 s."""
    deadline = time.monotonic() + 30
    while (now := _open_streams(cluster)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return now


def _talker(cluster: Any) -> str:
    name = "talker"
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "c",
                        "image": "busybox",
                        "command": ["seq", "1", str(_LINES)],
                    }
                ],
            },
        }
    )
    wait = ["wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded"]
    cluster.mini_kubectl(*wait, check=True)
    return name
