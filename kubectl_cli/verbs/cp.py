"""`cp`: copy files and folders to and from containers.

Source: kubernetes/kubectl pkg/cmd/cp/cp.go.
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.global_flags import EXPLAIN_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from kubectl_cli.client.factory import Factory
    from kubectl_cli.copying.copier import PodFiles
    from kubectl_cli.copying.file_specs import FileSpec
    from kubectl_cli.flags import Options

SUMMARY = "Copy files and folders to and from containers."
USE = "cp [[NAMESPACE/]POD:]SOURCE [[NAMESPACE/]POD:]TARGET"
EXAMPLES = """kubectl cp /tmp/foo mypod:/tmp/bar -c sidecar
kubectl cp mynamespace/mypod:/tmp/foo /tmp/bar --retries=3"""
FLAGS = (
    EXPLAIN_FLAG,
    Flag("container", short="c", help="The container; the first one if not given."),
    Flag(
        "no-preserve",
        "bool",
        help="Do not give the files their owner and their rights in the container.",
    ),
    Flag(
        "retries",
        "int",
        help="How often to resume a copy from a container; negative is for ever.",
    ),
)


def run(options: Options, factory: Factory) -> int:
    """Copy one way or the other."""
    from kubectl_cli.copying.file_specs import parse_file_spec

    if len(options.args) != 2:
        raise CommandError("source and destination are required")
    source, target = map(parse_file_spec, options.args)
    if source.pod and target.pod:
        raise CommandError("one of src or dest must be a local file specification")
    if not source.path or not target.path:
        raise CommandError("filepath can not be empty")
    if source.pod:
        _download(options, factory, source, target.path)
    elif target.pod:
        _upload(options, factory, source.path, target)
    else:
        raise CommandError("one of src or dest must be a remote file specification")
    return 0


def _download(
    options: Options, factory: Factory, source: FileSpec, target: str
) -> None:
    import sys

    from kubectl_cli.copying.file_specs import archived_prefix
    from kubectl_cli.copying.tar_reading import Unpacker

    # cp.go: what is said on the way goes to stdout
    files = _files(options, factory, source, told=sys.stdout)
    prefix = archived_prefix(source.path)
    unpacker = Unpacker(prefix, target, files.link_hint(source.path))
    files.download(source.path, unpacker, options.number("retries"))


def _upload(options: Options, factory: Factory, source: str, target: FileSpec) -> None:
    import os

    if not os.path.exists(source):
        raise CommandError(f"{source} doesn't exist in local filesystem")
    files = _files(options, factory, target)
    files.upload(source, target.path, preserve=not options.flag("no-preserve"))


def _files(
    options: Options, factory: Factory, spec: FileSpec, told: TextIO | None = None
) -> PodFiles:
    from kubectl_cli.client.rest import ACCEPT_REST
    from kubectl_cli.copying.copier import PodFiles
    from kubectl_cli.selecting.containers import choose_container
    from kubectl_cli.selecting.missing_namespace import telling_of_namespace
    from kubectl_cli.selecting.resources import POD
    from kubectl_cli.verbs.exec import refuse_completed

    namespace = spec.namespace or factory.namespace
    with telling_of_namespace(factory.client, namespace):
        pod = factory.client.get(POD.path(namespace, spec.pod), accept=ACCEPT_REST)
    pod["metadata"].setdefault("namespace", namespace)
    refuse_completed(pod)
    container = choose_container(pod, options.text("container"), quiet=False, told=told)
    return PodFiles(factory.client, pod, container["name"])
