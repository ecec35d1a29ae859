"""What is behind the API server, and does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Done, Stage

__all__ = ["BACKENDS"]


def _refused(done: Done) -> Seen:
    last = (done.stderr.splitlines() or ["no error"])[-1]
    return Seen(done.code == 1, f"exit code {done.code}: {last}")


def _kubelet(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.fault("down", "apiserver-kubelet"):
        return _refused(stage.kubectl("exec", shell, "--", "echo", "hello"))


def _runtime(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.fault("stream_url", "kubelet-cri", method="Exec", how="dead"):
        return _refused(stage.kubectl("exec", shell, "--", "echo", "hello"))


BACKENDS = (
    Exhibit(
        name="error-dialing-backend",
        issue="kubernetes/kubernetes#40817",
        title="exec and logs fail: error dialing backend",
        story="""\
For exec, attach, port-forward and logs the API server dials the node: the address and the
port that the kubelet has written into the node's status. Where a firewall, a wrong
address or a kubelet that is down is in the way, `get` works and these do not.

Here nothing listens at the kubelet's port, as far as the API server can see.""",
        run=_kubelet,
    ),
    Exhibit(
        name="stream-server-unreachable",
        issue="kubernetes-retired/frakti#53",
        title="exec fails although the runtime has said yes",
        story="""\
Exec is two steps: a CRI call, which answers with a URL, and a connection to that URL,
which is the stream. The first goes over the runtime's socket, the second over TCP to its
streaming server. Where that server listens elsewhere, or not at all, the call succeeds
and the stream cannot be had.

Here the URL in the answer leads nowhere.""",
        run=_runtime,
    ),
)
