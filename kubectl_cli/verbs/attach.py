"""`attach`: join a running container's own streams.

Source: kubernetes/kubectl pkg/cmd/attach/attach.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.global_flags import EXPLAIN_FLAG

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Attach to a process that runs in a container."
USE = "attach (POD | TYPE/NAME) -c CONTAINER"
EXAMPLES = """kubectl attach mypod
kubectl attach mypod -c ruby-container -i -t
kubectl attach deploy/nginx"""
FLAGS = (
    EXPLAIN_FLAG,
    Flag("container", short="c", help="The container; the first one if not given."),
    Flag(
        "detach-keys",
        default="ctrl-p,ctrl-q",
        help="Keys that leave a terminal session and let the container run on.",
    ),
    Flag(
        "pod-running-timeout",
        "duration",
        60.0,
        help="How long to wait for a pod of the object to run.",
    ),
    Flag("quiet", "bool", short="q", help="Print only what the session prints."),
    Flag("stdin", "bool", short="i", help="Pass stdin to the container."),
    Flag("tty", "bool", short="t", help="Stdin is a terminal."),
)


def run(options: Options, factory: Factory) -> int:
    """Find the pod and join its container."""
    from kubectl_cli.selecting.pods import attachable_pod
    from kubectl_cli.streams.attaching import Attachment, attach

    words = options.args
    if not words:
        raise CommandError("at least 1 argument is required for attach")
    if len(words) > 2:
        raise CommandError(
            "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw"
            f" {len(words)}: [{' '.join(words)}]"
        )
    if options.seconds("pod-running-timeout") <= 0:
        raise UsageError(
            "--pod-running-timeout must be higher than zero", "kubectl attach"
        )
    timeout = options.seconds("pod-running-timeout")
    pod = attachable_pod(factory, "/".join(words), [], timeout)
    _refuse_completed(pod)
    wanted = Attachment(
        container=options.text("container"),
        stdin=options.flag("stdin"),
        tty=options.flag("tty"),
        quiet=options.flag("quiet"),
        command_name="kubectl attach",
        detach_keys=options.text("detach-keys"),
    )
    attach(factory, pod, wanted)
    sys.stdout.flush()
    return 0


def _refuse_completed(pod: dict[str, dict[str, str]]) -> None:
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise CommandError(
            f"cannot attach a container in a completed pod; current phase is {phase}"
        )
