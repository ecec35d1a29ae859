"""`logs`: what containers have written.

Source: kubernetes/kubectl pkg/cmd/logs/logs.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.global_flags import EXPLAIN_FLAG
from kubectl_cli.waiting.interruption import exits_when_interrupted

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options

SUMMARY = "Print the logs of a container in a pod."
USE = "logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]"
EXAMPLES = """kubectl logs nginx
kubectl logs -f -c ruby web-1
kubectl logs -l app=nginx --prefix --tail=20"""
FLAGS = (
    EXPLAIN_FLAG,
    Flag("all-containers", "bool", help="All containers of the pod."),
    Flag("all-pods", "bool", help="All pods of the object; sets --prefix."),
    Flag("container", short="c", help="The container."),
    Flag("follow", "bool", short="f", help="Go on as more is written."),
    Flag("ignore-errors", "bool", help="Go on when a log cannot be had."),
    Flag(
        "insecure-skip-tls-verify-backend",
        "bool",
        help="The API server need not check the kubelet's certificate.",
    ),
    Flag("limit-bytes", "int", help="At most so many bytes."),
    Flag("max-log-requests", "int", 5, help="Most logs to follow at once."),
    Flag("pod-running-timeout", "duration", 20.0, help="Wait so long for a pod."),
    Flag("prefix", "bool", help="Put pod and container before each line."),
    Flag("previous", "bool", short="p", help="The run of the container before."),
    Flag("selector", short="l", help="The pods with these labels."),
    Flag("since", "duration", help="Only what is younger than this."),
    Flag("since-time", help="Only what came after this time (RFC 3339)."),
    Flag("tail", "int", -1, help="Only so many lines of the end; -1 is all."),
    Flag("timestamps", "bool", help="Put the time before each line."),
)
_USAGE = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command"
)


@exits_when_interrupted()
def run(options: Options, factory: Factory) -> int:
    """Print the logs that the words name."""
    name, container = _complete(options)
    _validate(options, container)
    query = _log_query(options)
    from kubectl_cli.logs.reader import LogCommand

    return LogCommand(options, factory, name, container, query).run()


def _complete(options: Options) -> tuple[str, str]:
    words = options.args
    selector = options.text("selector")
    if not words and not selector:
        raise UsageError(_USAGE, "kubectl logs")
    if words and selector:
        raise UsageError(
            "only a selector (-l) or a POD name is allowed", "kubectl logs"
        )
    if len(words) > 2:
        raise UsageError(_USAGE, "kubectl logs")
    container = options.text("container")
    if len(words) == 2:
        if container:
            raise CommandError("only one of -c or an inline [CONTAINER] arg is allowed")
        container = words[1]
    if options.seconds("pod-running-timeout") <= 0:
        raise CommandError("--pod-running-timeout must be higher than zero")
    return (words[0] if words else ""), container


def _validate(options: Options, container: str) -> None:
    if options.text("since-time"):
        if options.seconds("since"):
            raise CommandError(
                "at most one of `sinceTime` or `sinceSeconds` may be specified"
            )
        _check_time(options.text("since-time"))
    if options.flag("all-containers") and container:
        raise CommandError(
            "--all-containers=true should not be specified with container name"
            f" {container}"
        )
    if options.number("limit-bytes") < 0:
        raise CommandError("--limit-bytes must be greater than 0")
    if options.seconds("since") < 0:
        raise CommandError("--since must be greater than 0")
    if options.number("tail") < -1:
        raise CommandError("--tail must be greater than or equal to -1")


def _check_time(text: str) -> None:
    from apimachinery.go_time import rfc3339_problem

    if problem := rfc3339_problem(text):
        raise CommandError(problem)


def _log_query(options: Options) -> Query:
    query: Query = []
    for flag, name in (
        ("follow", "follow"),
        ("insecure-skip-tls-verify-backend", "insecureSkipTLSVerifyBackend"),
        ("previous", "previous"),
        ("timestamps", "timestamps"),
    ):
        if options.flag(flag):
            query.append((name, "true"))
    if options.text("since-time"):
        query.append(("sinceTime", options.text("since-time")))
    if options.seconds("since"):
        # "a relative time in seconds", rounded up to a whole one
        query.append(("sinceSeconds", str(_whole_seconds(options.seconds("since")))))
    if options.number("limit-bytes"):
        query.append(("limitBytes", str(options.number("limit-bytes"))))
    tail = options.number("tail")
    if options.text("selector") and not options.changed("tail"):
        tail = 10  # logs.go selectorTail
    if tail != -1:
        query.append(("tailLines", str(tail)))
    return query


def _whole_seconds(seconds: float) -> int:
    """time.Duration.Round(time.Second): halves away from zero."""
    return int(seconds + 0.5)
