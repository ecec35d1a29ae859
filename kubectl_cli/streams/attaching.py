"""Joining a container's own streams: what attach, run and debug share.

Source: kubernetes/kubectl pkg/cmd/attach/attach.go.
"""

from __future__ import annotations

import sys

from apimachinery.status import StatusError
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.containers import choose_container
from kubectl_cli.streams.detaching import DEFAULT_KEYS, DetachKeys
from kubectl_cli.streams.opening import connect
from kubectl_cli.streams.tty import has_terminal
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["SESSION_NOTICE", "Attachment", "attach", "attach_or_else"]

SESSION_NOTICE = (
    "All commands and output from this session will be recorded in container logs,"
    " including credentials and sensitive information passed through the command"
    " prompt.\nIf you don't see a command prompt, try pressing enter."
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """How to attach."""

    container: str = ""
    stdin: bool = False
    tty: bool = False
    quiet: bool = False
    command_name: str = ""
    detach_keys: str = DEFAULT_KEYS


def attach_or_else(
    factory: Factory,
    pod: JsonObject,
    container: str,
    options: Options,
    print_log: Callable[[], None],
) -> None:
    """Attach as -i, -t and -q say, or print the log where that cannot be.

    Source: kubernetes/kubectl pkg/cmd/run/run.go (handleAttachPod).
    """
    wanted = Attachment(
        container=container,
        stdin=options.flag("stdin"),
        tty=options.flag("tty"),
        quiet=options.flag("quiet"),
        detach_keys=(
            options.text("detach-keys") if options.has("detach-keys") else DEFAULT_KEYS
        ),
    )
    try:
        attach(factory, pod, wanted)
    except (CommandError, StatusError) as error:
        print(
            f"warning: couldn't attach to pod/{pod['metadata']['name']}, falling back to"
            f" streaming logs: {error}",
            file=sys.stderr,
        )
        print_log()


def attach(factory: Factory, pod: JsonObject, wanted: Attachment) -> None:
    """Attach until the container, or the session, ends."""
    container = _container(pod, wanted)
    tty = wanted.tty
    if tty and not container.get("tty"):
        tty = False
        if not wanted.quiet:
            print(
                "error: Unable to use a TTY - container"
                f" {container['name']} did not allocate one",
                file=sys.stderr,
            )
    elif not wanted.tty and wanted.stdin and container.get("tty"):
        # "the container was launched with a TTY, so we have to force a TTY here
        # otherwise you'll get an error"
        tty = True
    tty = tty and wanted.stdin and has_terminal()
    if not wanted.quiet:
        print(SESSION_NOTICE, file=sys.stderr)
    detach = DetachKeys.parse(wanted.detach_keys) if tty else None
    query = [("container", container["name"])]
    connect(
        factory,
        pod,
        "attach",
        query,
        stdin=wanted.stdin,
        tty=tty,
        redraw=True,
        detach=detach,
    )
    if tty and wanted.stdin and not wanted.quiet:
        print(_farewell(pod, container["name"]))


def _farewell(pod: JsonObject, container: str) -> str:
    metadata = pod["metadata"]
    command = (
        f"'kubectl attach {metadata['name']} -c {container}"
        f" -n {metadata['namespace']} -i -t'"
    )
    ephemeral = (pod.get("spec") or {}).get("ephemeralContainers") or ()
    if any(each["name"] == container for each in ephemeral):
        return (
            "Session ended, the ephemeral container will not be restarted but may be"
            f" reattached using {command} if it is still running"
        )
    return f"Session ended, resume using {command} command"


def _container(pod: JsonObject, wanted: Attachment) -> JsonObject:
    try:
        return choose_container(pod, wanted.container, quiet=wanted.quiet)
    except CommandError as error:
        raise CommandError(f"cannot attach to the container: {error}") from None
