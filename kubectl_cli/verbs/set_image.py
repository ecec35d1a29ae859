"""`set image`: other images for the containers of a pod or a template.

Source: kubernetes/kubectl pkg/cmd/set/set_image.go, pkg/polymorphichelpers
updatepodspecforobject.go.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import (
    DRY_RUN_FLAG,
    DryRun,
    ResultPrinter,
    dry_run_of,
    raise_all,
)
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from typing import Any

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selected import Selected

SUMMARY = "Change the images of a pod or a pod template."
USE = (
    "set image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ..."
    " CONTAINER_NAME_N=CONTAINER_IMAGE_N"
)
EXAMPLES = "kubectl set image deployment/nginx nginx=nginx:1.9.1"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("all", "bool", help="All objects of the type in the namespace."),
    Flag("field-manager", default="kubectl-set", help="Who owns the fields."),
    Flag("local", "bool", help="Change the object of the file, ask no server."),
    Flag("selector", short="l", help="Only objects with these labels."),
)
#: Where the spec of the pods stands in an object.
_TEMPLATE = ("spec", "template", "spec")
_PATHS = {
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "DaemonSet": _TEMPLATE,
    "Deployment": _TEMPLATE,
    "Job": _TEMPLATE,
    "Pod": ("spec",),
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
}
_LISTS = ("initContainers", "containers")


def run(options: Options, factory: Factory) -> int:
    """Patch each object that changes; the others are passed over in silence."""
    from kubectl_cli.selected import Selected, select_objects

    words = [word for word in options.args if "=" not in word]
    images = dict(word.split("=", 1) for word in options.args if "=" in word)
    if not words and not options.items("filename"):
        from kubectl_cli.targets import MISSING_RESOURCES

        raise CommandError(MISSING_RESOURCES)
    dry_run = dry_run_of(options)
    printer = ResultPrinter(options, dry_run)
    errors: list[Exception] = []
    for each in select_objects(options, factory, words, local=options.flag("local")):
        if not images:
            raise CommandError("at least one image update is required")
        try:
            if not isinstance(each, Selected):
                raise each
            changed, patch = _changed(each, images)
            if changed == each.object:
                continue
            if not options.flag("local") and dry_run is not DryRun.CLIENT:
                changed = _send(options, factory, each, patch, dry_run)
            printer.show(changed, "image updated", each.label)
        except (StatusError, CommandError) as error:
            errors.append(error)
    raise_all(errors)
    return 0


def _changed(each: Selected, images: dict[str, str]) -> tuple[JsonObject, JsonObject]:
    """The object with these images, and the patch that makes it so."""
    kind = str(each.object.get("kind"))
    path = _PATHS.get(kind)
    if path is None:
        raise CommandError(
            f"{each.resource.name}/{each.name} the object is not a pod or does not have"
            f" a pod template: *{each.resource.version}.{kind}"
        )
    changed = copy.deepcopy(each.object)
    spec: Any = changed
    for key in path:
        spec = spec[key]
    known = {c["name"] for key in _LISTS for c in spec.get(key) or ()}
    for name in images:
        if name != "*" and name not in known:
            raise CommandError(f'unable to find container named "{name}"')
    inner: JsonObject = {}
    for key in _LISTS:
        for container in spec.get(key) or ():
            image = images.get(container["name"], images.get("*"))
            if image is not None and image != container.get("image"):
                container["image"] = image
                entry = {"name": container["name"], "image": image}
                inner.setdefault(key, []).append(entry)
    for key in reversed(path):
        inner = {key: inner}
    return changed, inner


def _send(
    options: Options,
    factory: Factory,
    each: Selected,
    patch: JsonObject,
    dry_run: DryRun,
) -> JsonObject:
    query = [("fieldManager", options.text("field-manager"))]
    if dry_run is DryRun.SERVER:
        query.append(("dryRun", "All"))
    kind = "application/strategic-merge-patch+json"
    return factory.client.call("PATCH", each.path, query, patch, content_type=kind)
