"""Beginnings and ends: what runs, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Stage

__all__ = ["STARTS"]

_SCRIPT = "echo zero; sleep 0.7; echo first; sleep 1.2; echo last"


def _first_lines(stage: Stage) -> Seen:
    flags = ["-i", "--rm", "--restart=Never", "--image=busybox", "--quiet"]
    with stage.fault("grpc_delay", "kubelet-cri", method="Attach", delay=1200):
        done = stage.kubectl("run", "quick", *flags, "--", "sh", "-c", _SCRIPT)
    return Seen(
        "first" not in done.stdout and "last" in done.stdout,
        f"the pod said zero, first and last; kubectl shows {done.stdout.split()}",
    )


def _left_behind(stage: Stage) -> Seen:
    shell = stage.shell()
    mark = "sleep 4.25"
    with stage.started("exec", shell, "--", *mark.split()) as running:
        if stage.troubled:
            runs = f"until pgrep -fx '{mark}'; do sleep 0.05; done"
            stage.cluster.exec(shell, "sh", "-c", runs, timeout=20)
            running.kill()
        else:
            running.wait(20)
    left = stage.kubectl("exec", shell, "--", "sh", "-c", f"pgrep -fxc '{mark}'")
    count = int(left.stdout.strip() or 0)
    return Seen(count > 0, f"{count} of the command's processes are left")


STARTS = (
    Exhibit(
        name="run-loses-first-lines",
        issue="kubernetes/kubernetes#27264",
        title="run -i does not show what the pod said first",
        story="""\
`kubectl run -i` creates the pod, waits until it runs, and attaches. Attaching shows what
comes from then on. What the container says between its start and that moment is in its
log only. kubectl 1.36 prints the log before it attaches, which makes the gap small, and
does not close it: here the runtime takes its time to answer Attach, and what the
container says meanwhile is in neither.""",
        run=_first_lines,
    ),
    Exhibit(
        name="process-left-behind",
        issue="kubernetes/kubernetes#89031",
        title="the command goes on when its client is gone",
        story="""\
When the client's connection ends, the API server and the kubelet close theirs, and the
runtime sees its stream end. It ends the command's stdin, and that is all: CRI has no call
that ends an exec'd process, and containerd leaves it alone. A command that does not read
its input stays until it ends by itself, once for each client that went.

mini-kube does as containerd does: the process stays, its output is drained and dropped.""",
        run=_left_behind,
    ),
)
