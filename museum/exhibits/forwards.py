"""Forwarded ports."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from museum.stage import Stage

__all__ = ["FORWARDS"]

_CLIENT: Final = "kubectl-apiserver"
_PORT: Final = 7000
#: Answers each connection with what it was sent, at the pod's own address.
_ECHO: Final = f"""
import os, socket, threading
def serve(peer):
    with peer:
        while data := peer.recv(4096):
            peer.sendall(data)
listener = socket.create_server((os.environ["POD_IP"], {_PORT}))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def _pod(stage: Stage, name: str) -> str:
    found = stage.cluster.kubectl("get", "pod", name, "--ignore-not-found")
    if not found.stdout:
        address = {"fieldRef": {"fieldPath": "status.podIP"}}
        probe = {"tcpSocket": {"port": _PORT}, "periodSeconds": 1}
        stage.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        {
                            "name": "echo",
                            "image": "busybox",
                            "command": ["python3", "-c", _ECHO],
                            "env": [{"name": "POD_IP", "valueFrom": address}],
                            "readinessProbe": probe,
                        }
                    ],
                },
            }
        )
        stage.cluster.wait_ready(name)
    return name


def _asked(stage: Stage, port: int, word: str) -> str:
    """What comes back through the forwarded port; why nothing did, else."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.5) as peer:
            peer.sendall(word.encode())
            answer = peer.recv(100).decode() or "nothing"
    except OSError as error:
        answer = type(error).__name__
    stage.note(f"ask the forwarded port {word!r}: {answer}")
    return answer


def _ports(lines: Iterator[str]) -> int:
    """The local port of the first line: `Forwarding from 127.0.0.1:PORT -> 7000`."""
    return int(next(lines).split(" -> ", maxsplit=1)[0].rpartition(":")[2])


def _idle(stage: Stage) -> Seen:
    pod = _pod(stage, "echo")
    command = ["port-forward", f"pod/{pod}", f":{_PORT}", "--address=127.0.0.1"]
    with (
        stage.middlebox("idle-cut", _CLIENT, timeout=500),
        stage.started(*command) as running,
    ):
        port = _ports(iter([running.line()]))
        first = _asked(stage, port, "one")
        stage.wait(1.2)
        second = _asked(stage, port, "two")
    return Seen(
        first == "one" and second != "two",
        f"the first connection got {first}, a second one after a pause {second}",
    )


def _refused(stage: Stage) -> Seen:
    pod = _pod(stage, "echo")
    ports = [f":{_PORT}", ":7999"]
    command = ["port-forward", f"pod/{pod}", *ports, "--address=127.0.0.1"]
    with stage.started(*command, real=stage.troubled) as running:
        port = _ports(iter([running.line()]))
        dead = _ports(iter([running.line()]))
        first = _asked(stage, port, "one")
        stage.note("nobody listens on port 7999 of the pod")
        _asked(stage, dead, "hello")
        stage.wait(0.3)
        second = _asked(stage, port, "two")
    return Seen(
        first == "one" and second != "two",
        f"the living port answered {first} before, and {second} after",
    )


def _new_pod(stage: Stage) -> Seen:
    pod = _pod(stage, "echo-old")
    command = ["port-forward", f"pod/{pod}", f":{_PORT}", "--address=127.0.0.1"]
    with stage.started(*command) as running:
        port = _ports(iter([running.line()]))
        first = _asked(stage, port, "one")
        if stage.troubled:
            stage.kubectl("delete", "pod", pod, "--now")
            _pod(stage, pod)
            stage.note(f"pod {pod} is there again, and ready")
        second = _asked(stage, port, "two")
    return Seen(
        first == "one" and second != "two",
        f"the old pod answered {first}, the new one {second}",
    )


def _streams(stage: Stage) -> Seen:
    pod = _pod(stage, "echo")
    command = ["port-forward", f"pod/{pod}", f":{_PORT}", "--address=127.0.0.1"]
    lost = {"layer": "spdy", "frame": "syn_reply", "n": 0, "stream": "downstream"}
    with (
        stage.fault("frame_drop", "apiserver-kubelet", **lost),
        stage.started(*command) as running,
    ):
        answer = _asked(stage, _ports(iter([running.line()])), "one")
    return Seen(answer != "one", f"the forwarded port answered {answer}")


FORWARDS = (
    Exhibit(
        name="forward-breaks-when-idle",
        issue="kubernetes/kubernetes#74551",
        title="port-forward stops working after a pause",
        story="""\
All connections to a forwarded port are streams of one connection to the API server. When
a box on the way cuts that one, every stream breaks: those that are open, and each new
one. kubectl notices when it uses the connection next (`broken pipe`, `lost connection to
pod`), and does not connect again.

Here the box cuts after half a second of silence.""",
        run=_idle,
    ),
    Exhibit(
        name="one-refusal-ends-all",
        issue="kubernetes/kubernetes#107203",
        title="one connection that is refused ends all forwarding",
        story="""\
Where nobody listens on the pod's port, the kubelet writes that to the stream of errors
that belongs to the connection. kubectl 1.23 and later take a word on that stream for a
broken session and close it: `lost connection to pod`. The other ports, which work, go
with it. Older ones went on, and so does mini-kubectl.

Here one of two forwarded ports has no listener; the trouble is shown with the real
kubectl, and its absence with mini-kubectl.""",
        run=_refused,
        needs_kubectl=True,
    ),
    Exhibit(
        name="forward-stays-with-the-old-pod",
        issue="kubernetes/kubernetes#78446",
        title="port-forward does not come back with the pod",
        story="""\
A session is with one sandbox. When the pod is deleted, its sandbox and the session end,
and a new pod of the same name is another one. kubectl says `lost connection to pod` and
ends at the next use; with a Deployment or a Service it has chosen one pod at its start,
and stays with it, too.""",
        run=_new_pod,
    ),
    Exhibit(
        name="forward-waits-for-streams",
        issue="kubernetes/kubernetes#19231",
        title="connections to a forwarded port hang",
        story="""\
Each connection needs two SPDY streams, one for errors and one for data; the client opens
them and waits for the reply to each, up to 30 seconds. Where streams or replies are lost
on the way, the local connection is accepted, and nothing moves on it.

Here the kubelet's replies are lost before the API server.""",
        run=_streams,
    ),
)
