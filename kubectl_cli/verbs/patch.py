"""`patch`: change fields of an object.

Source: kubernetes/kubectl pkg/cmd/patch/patch.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.changes import (
    DRY_RUN_FLAG,
    DryRun,
    ResultPrinter,
    as_one,
    dry_run_of,
    raise_all,
)
from kubectl_cli.documents.manifests import FILE_FLAGS, read_objects
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.selecting.resources import POD
from kubectl_cli.selecting.targets import MISSING_RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.status import StatusError
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Change fields of an object."
USE = "patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]"
EXAMPLES = """kubectl patch node k8s-node-1 -p '{"spec":{"unschedulable":true}}'"""
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("field-manager", default="kubectl-patch", help="Who owns the fields."),
    Flag("local", "bool", help="Change the object of the file, ask no server."),
    Flag("patch", short="p", help="The patch, as JSON or YAML."),
    Flag("patch-file", help="A file with the patch."),
    Flag("subresource", help="Patch this subresource."),
    Flag("type", default="strategic", help="json, merge or strategic."),
)
_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


def run(options: Options, factory: Factory) -> int:
    """Patch each object that the words select."""
    kind = options.text("type").lower()
    if not options.text("patch") and not options.text("patch-file"):
        raise CommandError(
            "must specify --patch or --patch-file containing the contents of the patch"
        )
    if options.text("patch") and options.text("patch-file"):
        raise CommandError("cannot specify --patch and --patch-file together")
    if kind not in _TYPES:
        raise CommandError(
            f'--type must be one of [json merge strategic], not "{options.text("type")}"'
        )
    patch = _read_patch(options)
    dry_run = dry_run_of(options)
    # patch.go sets the operation anew: what is said tells of no dry run.
    printer = ResultPrinter(options)
    from kubectl_cli.selecting.selected import Selected

    errors: list[Exception] = []
    unread: list[Exception] = []
    # patch.go does without Latest(): what files hold is not asked for.
    for each in _selected(options, factory):
        if not isinstance(each, Selected):
            (unread if isinstance(each, CommandError) else errors).append(each)
            continue
        try:
            _patch(each, patch, kind, options, factory, printer, dry_run)
        except Exception as error:  # noqa: BLE001 - told after the others
            errors.append(error)
    raise_all(errors + as_one(unread))
    return 0


def _selected(
    options: Options, factory: Factory
) -> Iterator[Selected | StatusError | CommandError]:
    from kubectl_cli.selecting.selected import Selected, select_objects

    if not options.flag("local"):
        yield from select_objects(options, factory, options.args, looks=False)
        return
    if options.args:
        raise CommandError("cannot specify --local and server resources")
    if not options.items("filename"):
        raise CommandError(MISSING_RESOURCES)
    for obj in read_objects(
        options.items("filename"), recursive=options.flag("recursive")
    ):
        yield Selected(POD, "", str(obj["metadata"].get("name") or ""), obj)


def _read_patch(options: Options) -> Any:
    text = options.text("patch").encode("utf-8", "surrogateescape")
    if path := options.text("patch-file"):
        try:
            with open(path, "rb") as stream:
                text = stream.read()
        except OSError as error:
            problem = (error.strerror or "").lower()
            raise CommandError(
                f"unable to read patch file: open {path}: {problem}"
            ) from None
    import json

    try:
        return json.loads(text)
    except ValueError:
        if text.lstrip().startswith(b"{"):
            return text  # apimachinery yaml.ToJSON: it says it is JSON
        from kubectl_cli.documents.yaml_input import YamlInputError, load_document

        try:
            return load_document(text)
        except YamlInputError as error:
            from apimachinery.go_text import quote

            shown = quote(text.decode("utf-8", "replace"))
            raise CommandError(f"unable to parse {shown}: {error}") from None


def _patch(
    each: Selected,
    patch: Any,
    kind: str,
    options: Options,
    factory: Factory,
    printer: ResultPrinter,
    dry_run: DryRun,
) -> None:
    if dry_run is DryRun.CLIENT or options.flag("local"):
        _show(printer, each.object, _locally(each.object, patch, kind))
        return
    query = [("fieldManager", options.text("field-manager"))]
    if dry_run is DryRun.SERVER:
        query.append(("dryRun", "All"))
    sub = options.text("subresource")
    path = each.resource.path(each.namespace, each.name, sub)
    obj = factory.client.call("PATCH", path, query, patch, content_type=_TYPES[kind])
    _show(printer, each.object, obj)


def _show(printer: ResultPrinter, before: JsonObject, after: JsonObject) -> None:
    printer.show(after, "patched (no change)" if before == after else "patched")


def _locally(obj: JsonObject, patch: Any, kind: str) -> JsonObject:
    if kind == "json":
        from apimachinery.patch.json import JsonPatchError, apply

        try:
            result: JsonObject = apply(obj, patch)
        except JsonPatchError as error:
            raise CommandError(str(error)) from None
        return result
    from apimachinery.schema import lookup

    message = lookup(obj["apiVersion"], obj["kind"])
    if kind == "merge" or message is None:
        from apimachinery.patch.merge import merge

        merged: JsonObject = merge(obj, patch)
        return merged
    from apimachinery.patch.strategic import merge as strategic_merge

    return strategic_merge(obj, patch, message)
