"""`debug`: a container beside those of a pod, a copy of a pod, a pod on a node.

Source: kubernetes/kubectl pkg/cmd/debug/debug.go of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create debugging sessions for troubleshooting workloads and nodes."
USE = "debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]"
EXAMPLES = """kubectl debug mypod -it --image=busybox
kubectl debug mypod -it --image=busybox --copy-to=my-debugger
kubectl debug mypod --copy-to=my-debugger --set-image=*=busybox
kubectl debug node/mynode -it --image=busybox"""
_COPY = "With --copy-to: "
FLAGS = (
    Flag("arguments-only", "bool", help="The words behind -- are arguments."),
    Flag("attach", "bool", help="Wait for the container, then attach to it."),
    Flag("container", short="c", help="Name of the debug container."),
    Flag("copy-to", help="Make a copy of the pod, of this name."),
    Flag("custom", help="File with a part of a container that changes the profile."),
    Flag("env", "pairs", help="Environment of the container."),
    Flag("filename", "slice", short="f", help="Files that name what to debug."),
    Flag("image", help="The image of the debug container."),
    Flag("image-pull-policy", help="Always, IfNotPresent or Never."),
    Flag("keep-annotations", "bool", help=f"{_COPY}keep the annotations."),
    Flag("keep-init-containers", "bool", True, help=f"{_COPY}run these too."),
    Flag("keep-labels", "bool", help=f"{_COPY}keep the labels."),
    Flag("keep-liveness", "bool", help=f"{_COPY}keep the liveness probes."),
    Flag("keep-readiness", "bool", help=f"{_COPY}keep the readiness probes."),
    Flag("keep-startup", "bool", help=f"{_COPY}keep the startup probes."),
    Flag(
        "profile",
        default="general",
        help="general, baseline, restricted, netadmin, sysadmin, or legacy.",
    ),
    Flag("quiet", "bool", short="q", help="Print only what the session prints."),
    Flag("replace", "bool", help=f"{_COPY}delete the original pod."),
    Flag("same-node", "bool", help=f"{_COPY}put it on the node of the pod."),
    Flag("set-image", "pairs", help=f"{_COPY}images by name of container, or *."),
    Flag("share-processes", "bool", True, help=f"{_COPY}share process namespaces."),
    Flag("stdin", "bool", short="i", help="Keep stdin open, and attach."),
    Flag("target", help="See the processes of this container."),
    Flag("tty", "bool", short="t", help="Give the container a terminal."),
)


def run(options: Options, factory: Factory) -> int:
    """Check the flags in kubectl's order, then debug each object."""
    from kubectl_cli.debugging.profiles import PROFILES, custom_container

    targets, words = _split(options)
    if options.text("profile") not in PROFILES:
        raise CommandError(f"unknown profile: {options.text('profile')}")
    custom = custom_container(options.text("custom"))
    _check_attach(options)
    _check_copy(options, words)
    _check_names(options, targets)
    _check_target(options)
    if options.flag("tty") and not options.flag("stdin"):
        raise CommandError("-i/--stdin is required for containers with -t/--tty=true")
    if custom is not None:
        _check_custom(custom)
    if options.text("profile") == "legacy":
        _warn_of_legacy()
    from kubectl_cli.debugging.debugger import DebugCommand
    from kubectl_cli.debugging.pods import DebugPods

    pods = DebugPods(options, words, custom)
    return DebugCommand(options, factory, pods, targets).run()


def _split(options: Options) -> tuple[list[str], list[str]]:
    """What to debug, and the command behind `--`."""
    dash, args = options.dash_at, options.args
    if dash is None or dash == len(args):
        return args, []
    return args[:dash], args[dash:]


def _check_attach(options: Options) -> None:
    named = options.text("image") or options.text("container")
    if options.flag("attach") and not named:
        raise CommandError(
            "you must specify --container or create a new container using --image in"
            " order to attach."
        )


def _check_copy(options: Options, words: list[str]) -> None:
    image, images = options.text("image"), options.items("set-image")
    if options.text("copy-to"):
        if not image and not images and not words:
            raise CommandError(
                "you must specify --image, --set-image or command arguments."
            )
        if words and not options.text("container") and not image:
            raise CommandError(
                "you must specify an existing container or a new image when"
                " specifying args."
            )
        return
    for name in ("replace", "same-node", "set-image"):
        if options.flag(name) or (name == "set-image" and images):
            raise CommandError(f"--{name} may only be used with --copy-to.")
    if not image:
        raise CommandError("you must specify --image when not using --copy-to.")


def _check_names(options: Options, targets: list[str]) -> None:
    from apimachinery.go_text import quote
    from kubectl_cli.documents.image_names import is_image_name

    invalid = "invalid reference format"
    image = options.text("image")
    if image and not is_image_name(image):
        raise CommandError(f"invalid image name {quote(image)}: {invalid}")
    if not targets and not options.items("filename"):
        raise CommandError("NAME or filename is required for debug")
    policy = options.text("image-pull-policy")
    if policy not in ("", "Always", "IfNotPresent", "Never"):
        raise CommandError(f"invalid image pull policy: {policy}")
    for name, image in options.pairs("set-image").items():
        if not is_image_name(image):
            raise CommandError(
                f"invalid image name {quote(image)} for container {quote(name)}:"
                f" {invalid}"
            )


def _check_target(options: Options) -> None:
    target = options.text("target")
    if not target:
        return
    if options.text("copy-to"):
        raise CommandError(
            "--target is incompatible with --copy-to. Use --share-processes instead."
        )
    if not options.flag("quiet"):
        from apimachinery.go_text import quote

        print(
            f"Targeting container {quote(target)}. If you don't see processes from this"
            " container it may be because the container runtime doesn't support this"
            " feature."
        )


def _check_custom(custom: dict[str, object]) -> None:
    fixed = ("name", "command", "image", "lifecycle", "volumeDevices")
    if any(custom.get(field) for field in fixed):
        raise CommandError(
            "name, command, image, lifecycle and volume devices are not modifiable via"
            " custom profile"
        )


def _warn_of_legacy() -> None:
    import sys

    print(
        "--profile=legacy is deprecated and planned to be removed in v1.39. It is"
        " recommended to specify other profile, for example"
        ' "--profile=general".',
        file=sys.stderr,
    )
