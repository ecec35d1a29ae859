"""Output and exit codes that are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Stage

__all__ = ["OUTPUT"]

_RUNTIME = "kubelet-cri-streaming"


def _tail(stage: Stage) -> Seen:
    shell = stage.shell()
    script = "echo first; sleep 0.3; echo last"
    lost = {"layer": "channel", "channel": "stdout", "n": 3, "stream": "downstream"}
    with stage.fault("frame_drop", _RUNTIME, **lost):
        done = stage.kubectl("exec", shell, "--", "sh", "-c", script)
    return Seen(
        done.code == 0 and "last" not in done.stdout,
        f"exit code {done.code}, and the output is {done.stdout!r}",
    )


def _status(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.fault("status_missing", _RUNTIME):
        done = stage.kubectl("exec", shell, "--", "sh", "-c", "exit 3")
    return Seen(done.code == 0, f"the command ended with 3, kubectl with {done.code}")


def _upgrade(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.fault("idle_cut", _RUNTIME, timeout=150, how="reset"):
        done = stage.kubectl("exec", shell, "--", "sh", "-c", "sleep 0.6; echo done")
    return Seen(
        done.code == 1 and "done" not in done.stdout,
        f"exit code {done.code}: {(done.stderr.splitlines() or ['no error'])[-1]}",
    )


OUTPUT = (
    Exhibit(
        name="truncated-output",
        issue="kubernetes/kubernetes#124571",
        title="exec loses the end of the output and exits 0",
        story="""\
The runtime reads the command's output and sends it as messages of the stdout channel,
then the status on the error channel. The client knows of the command's end by the status
alone: nothing says how much output there was. Where a part of the path drops what is
still under way when it sees the end, the status arrives and the last of the output does
not, and kubectl exits 0 with a short output.

Here the last stdout message is lost between runtime and kubelet. In mini-kube the runtime
sends the status only when the output is drained, and each hop delivers what it has taken
before it closes.""",
        run=_tail,
    ),
    Exhibit(
        name="failure-that-exits-0",
        issue="kubernetes/kubernetes#73056",
        title="exec exits 0 although the command failed",
        story="""\
How the command ended is told on the error channel, as a Status in JSON. client-go reads
that stream to its end and takes an empty one for success. So when a session is closed in
good order before the status was sent, the client cannot tell it from success: the command
ended with 3, and kubectl with 0.

Here the status is lost between runtime and kubelet. A connection that just breaks is
another matter: over WebSocket that is an error, while over SPDY kubectl up to now takes
that for success, too; mini-kubectl does not.""",
        run=_status,
    ),
    Exhibit(
        name="accepted-then-dead",
        issue="kubernetes/kubernetes#133448",
        title="the upgrade is accepted, and then the connection dies",
        story="""\
With 101 the client has its session, and from there on it cannot try again: the command
may have run. When the connection between kubelet and runtime then dies, the kubelet and
the API server can only close theirs. No status can be sent any more, so the client ends
with an error of its own and exit code 1, while the command goes on in the container.""",
        run=_upgrade,
    ),
)
