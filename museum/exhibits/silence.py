"""Sessions in which nothing is said for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Stage

__all__ = ["SILENCE"]

_CLIENT = "kubectl-apiserver"


def _balancer(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.middlebox("idle-cut", _CLIENT, timeout=400):
        done = stage.kubectl("exec", shell, "--", "sh", "-c", "sleep 1; echo done")
    return Seen(
        done.code != 0,
        f"exit code {done.code}: {(done.stderr.splitlines() or ['no error'])[-1]}",
    )


def _four_hours(stage: Stage) -> Seen:
    shell = stage.shell()
    script = "echo up; sleep 1.5; echo done"
    with stage.started("exec", shell, "--", "sh", "-c", script) as running:
        running.line()
        stage.let_pass(4 * 3600 + 1)
        done = running.wait(20)
    return Seen(done.code != 0, f"exit code {done.code}, output {done.stdout!r}")


def _logs(stage: Stage) -> Seen:
    name = "slow-talker"
    stage.cluster.kubectl("delete", "pod", name, "--ignore-not-found", "--now")
    script = "echo one; until [ -e go ]; do sleep 0.1; done; echo two"
    stage.cluster.run_pod(
        name, image="busybox", command=["sh", "-c", script], restartPolicy="Never"
    )
    with (
        stage.middlebox("idle-cut", _CLIENT, timeout=400),
        stage.started("logs", "-f", name) as running,
    ):
        running.line()
        stage.wait(1)
        stage.cluster.exec(name, "touch", "go")
        stage.note("the container says `two` and ends")
        done = running.wait(20)
    return Seen(
        "two" not in done.stdout,
        f"exit code {done.code}, and after `one` came {done.stdout.split()}",
    )


def _python_hang(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.fault("stall", "apiserver-kubelet", after=0, stream="downstream"):
        done = stage.kubectl("exec", shell, "--", "echo", "hello", timeout=2)
    return Seen(done.hung, f"exit code {done.code}, output {done.stdout!r}")


SILENCE = (
    Exhibit(
        name="load-balancer-idle-cut",
        issue="kubernetes/kubernetes#59411",
        title="a session ends after a minute without output",
        story="""\
A load balancer between client and API server forgets connections that say nothing for a
while: a minute with many products. Neither the command nor the kubelet knows; the client
sees its connection end without a status. Since 1.30 kubectl sends a WebSocket ping every
five seconds, which such a box counts as traffic; before, over SPDY, the pings of client-go
did the same, and with servers that answered none, nothing did.

Here the box cuts after 0.4 s of silence, so that no ping comes in time.""",
        run=_balancer,
    ),
    Exhibit(
        name="four-hours",
        issue="kubernetes/kubernetes#66661",
        title="a session without output ends after four hours",
        story="""\
The kubelet and the runtime end streaming connections that were idle for
`streamingConnectionIdleTimeout`, four hours unless set. Pings do not count. A `sleep` or
a forgotten shell is cut, and the client sees an error without a status.

Here the services' clocks are moved on by four hours.""",
        run=_four_hours,
    ),
    Exhibit(
        name="logs-follow-cut",
        issue="kubernetes/kubernetes#58486",
        title="logs -f ends while the container goes on",
        story="""\
A followed log is one HTTP answer that goes on. There are no pings in it, so a container
that says nothing for a while looks to a load balancer like a dead connection. The client
sees the answer's body end early.

Here the box cuts after 0.4 s of silence.""",
        run=_logs,
    ),
    Exhibit(
        name="hangs-without-an-error",
        issue="kubernetes-client/python#602",
        title="a client waits for ever for a session that is dead",
        story="""\
Where packets are dropped and no one says so (a firewall that forgot the connection, a
node that lost power) a connection stays open, and nothing comes. A client that reads
without a deadline never returns. kubectl's pings find it out after a minute over
WebSocket; most client libraries send none.

Here everything from the kubelet to the API server stops at once.""",
        run=_python_hang,
    ),
)
