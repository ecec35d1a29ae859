"""`exec`: run a command in a container.

Source: kubernetes/kubectl pkg/cmd/exec/exec.go.
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.global_flags import EXPLAIN_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options

SUMMARY = "Run a command in a container."
USE = "exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]"
EXAMPLES = """kubectl exec mypod -- date
kubectl exec mypod -c sidecar -i -t -- bash
kubectl exec deploy/mydeployment -- date"""
FLAGS = (
    EXPLAIN_FLAG,
    Flag("container", short="c", help="The container; the first one if not given."),
    Flag("filename", "slice", short="f", help="Files that name the object."),
    Flag(
        "pod-running-timeout",
        "duration",
        60.0,
        help="How long to wait for a pod of the object to run.",
    ),
    Flag("quiet", "bool", short="q", help="Print only what the session prints."),
    Flag("stdin", "bool", short="i", help="Pass stdin to the container."),
    Flag("trace", "bool", help="Print the frames of the session when it ends."),
    Flag("tty", "bool", short="t", help="Stdin is a terminal."),
)


def run(options: Options, factory: Factory) -> int:
    """Find the pod, open the streams, be the command's terminal to its end."""
    name, command = _complete(options)
    _validate(options, name, command)
    trace = None
    if options.flag("trace"):
        from kubectl_cli.streams.tracing import SessionTrace

        trace = SessionTrace.begin(factory)
    try:
        _exec(options, factory, name, command)
    finally:
        if trace is not None:
            trace.end()
    return 0


def _complete(options: Options) -> tuple[str, list[str]]:
    """The object's name, and the command behind `--`."""
    words, dash = options.args, options.dash_at
    if dash is None and len(words) > 1 and not options.items("filename"):
        raise UsageError(
            "exec [POD] [COMMAND] is not supported anymore."
            " Use exec [POD] -- [COMMAND] instead",
            "kubectl exec",
        )
    if dash == 0 or not words:
        return "", words
    return words[0], words[1:] if dash is None else words[dash:]


def _validate(options: Options, name: str, command: list[str]) -> None:
    if options.seconds("pod-running-timeout") <= 0:
        raise UsageError(
            "--pod-running-timeout must be higher than zero", "kubectl exec"
        )
    if not name and not options.items("filename"):
        raise CommandError("pod, type/name or --filename must be specified")
    if not command:
        raise CommandError("you must specify at least one command for the container")


def _exec(options: Options, factory: Factory, name: str, command: list[str]) -> None:
    from kubectl_cli.selecting.containers import choose_container
    from kubectl_cli.selecting.pods import attachable_pod

    factory.client.http.meanwhile = _load_streams
    pod = attachable_pod(
        factory,
        name,
        options.items("filename"),
        options.seconds("pod-running-timeout"),
    )
    refuse_completed(pod)
    quiet = options.flag("quiet")
    container = choose_container(pod, options.text("container"), quiet=quiet)
    from kubectl_cli.streams.opening import connect
    from kubectl_cli.streams.tty import has_terminal

    query: Query = [("command", word) for word in command]
    query.append(("container", container["name"]))
    tty = options.flag("stdin") and options.flag("tty") and has_terminal()
    connect(factory, pod, "exec", query, stdin=options.flag("stdin"), tty=tty)


def _load_streams() -> None:
    """While the server looks for the pod: what comes next."""
    import kubectl_cli.streams.opening  # noqa: F401


def refuse_completed(pod: JsonObject) -> None:
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise CommandError(
            f"cannot exec into a container in a completed pod; current phase is {phase}"
        )
