"""`run`: make a pod of an image, and attach to it if asked.

Source: kubernetes/kubectl pkg/cmd/run/run.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, DryRun, dry_run_of
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.global_flags import EXPLAIN_FLAG
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.verbs.delete import DELETE_FLAGS

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Run a particular image on the cluster."
USE = (
    'run NAME --image=image [--env="key=value"] [--port=port]'
    " [--dry-run=server|client] [--overrides=inline-json] [--command] --"
    " [COMMAND] [args...]"
)
EXAMPLES = """kubectl run nginx --image=nginx
kubectl run -i -t busybox --image=busybox --restart=Never --rm -- sh"""
FLAGS = (
    EXPLAIN_FLAG,
    *PRINT_FLAGS,
    *FILE_FLAGS,
    *DELETE_FLAGS,
    DRY_RUN_FLAG,
    Flag("annotations", "array", help="Annotations of the pod: key=value."),
    Flag("attach", "bool", help="Wait for the pod, then attach to it."),
    Flag("command", "bool", help="The words behind -- are the command, not arguments."),
    Flag("detach-keys", default="ctrl-p,ctrl-q", help="Keys that leave the session."),
    Flag("env", "array", help="Environment of the container: KEY=value."),
    Flag("expose", "bool", help="Also create a ClusterIP service; needs --port."),
    Flag("field-manager", default="kubectl-run", help="Who owns the fields."),
    Flag("image", help="The image of the container."),
    Flag("image-pull-policy", help="Always, IfNotPresent or Never."),
    Flag("labels", short="l", help="Labels of the pod: a=b,c=d."),
    Flag("leave-stdin-open", "bool", help="Stdin stays open when we leave."),
    Flag("override-type", default="merge", help="json, merge or strategic."),
    Flag("overrides", help="JSON that changes the generated object."),
    Flag("pod-running-timeout", "duration", 60.0, help="Wait so long for the pod."),
    Flag("port", help="The port that the container offers."),
    Flag("privileged", "bool", help="Run the container in privileged mode."),
    Flag("quiet", "bool", short="q", help="Print only what the session prints."),
    Flag("restart", default="Always", help="Always, OnFailure or Never."),
    Flag("rm", "bool", help="Delete the pod when the session ends."),
    Flag("save-config", "bool", help="Keep the configuration for a later apply."),
    Flag("stdin", "bool", short="i", help="Keep stdin open, and attach."),
    Flag("tty", "bool", short="t", help="Give the container a terminal."),
    Flag("wait", "bool", help="Wait until deleted objects are gone."),
)
REQUIRED = ("image",)


def run(options: Options, factory: Factory) -> int:
    """Create the pod, and be its terminal if asked."""
    name, words = _complete(options)
    attached = _validate(options)
    from kubectl_cli.running import RunCommand

    return RunCommand(options, factory, name, words, attached=attached).run()


def _complete(options: Options) -> tuple[str, list[str]]:
    if not options.args:
        raise UsageError("NAME is required for run", "kubectl run")
    if options.dash_at == 0:
        raise UsageError("NAME is required for run", "kubectl run")
    return options.args[0], options.args[1:]


def _validate(options: Options) -> bool:
    """The checks in kubectl's order; whether we attach."""
    seconds = options.seconds("pod-running-timeout")
    if seconds <= 0:
        raise UsageError(
            "--pod-running-timeout must be higher than zero", "kubectl run"
        )
    dry_run = dry_run_of(options)
    image = options.text("image")
    if not image:
        raise CommandError("--image is required")
    from kubectl_cli.documents.image_names import is_image_name

    if not is_image_name(image):
        from apimachinery.go_text import quote

        raise CommandError(
            f"Invalid image name {quote(image)}: invalid reference format"
        )
    if options.flag("tty") and not options.flag("stdin"):
        raise UsageError(
            "-i/--stdin is required for containers with -t/--tty=true", "kubectl run"
        )
    if options.flag("expose") and not options.text("port"):
        raise UsageError("--port must be set when exposing a service", "kubectl run")
    interactive = options.flag("stdin")
    attached = options.flag("attach") or (interactive and not options.changed("attach"))
    if not attached and options.flag("rm"):
        raise UsageError(
            "--rm should only be used for attached containers", "kubectl run"
        )
    if attached and dry_run is not DryRun.NONE:
        raise UsageError(
            "--dry-run=[server|client] can't be used with attached containers options"
            " (--attach, --stdin, or --tty)",
            "kubectl run",
        )
    _check_choices(options)
    return attached


def _check_choices(options: Options) -> None:
    restart = options.text("restart")
    if restart not in ("Always", "OnFailure", "Never"):
        raise UsageError(f"invalid restart policy: {restart}", "kubectl run")
    policy = options.text("image-pull-policy")
    if policy not in ("", "Always", "IfNotPresent", "Never"):
        raise UsageError(f"invalid image pull policy: {policy}", "kubectl run")
