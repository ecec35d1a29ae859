"""Creating objects: from files, or one made of the command line.

Source: kubernetes/kubectl pkg/cmd/create/create.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.applying.last_applied import with_last_applied
from kubectl_cli.changes import (
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    DryRun,
    ResultPrinter,
    add_source,
    as_one,
    dry_run_of,
    raise_all,
    validates,
    write_query,
)
from kubectl_cli.documents.manifests import visit_manifests
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.selecting.labels import matches_labels

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = [
    "IMPERATIVE_FLAGS",
    "create_from_files",
    "create_in_namespace",
    "create_one",
    "only_name",
    "with_status",
]

#: What each `create KIND` takes.
IMPERATIVE_FLAGS = (
    *PRINT_FLAGS,
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    Flag("field-manager", default="kubectl-create", help="Who owns the fields."),
    Flag("save-config", "bool", help="Keep the configuration for a later apply."),
)


def create_from_files(options: Options, factory: Factory) -> int:
    """POST each object of the files; one that fails does not stop the others."""
    dry_run = dry_run_of(options)
    query = write_query(options, dry_run)
    printer = ResultPrinter(options, dry_run)
    errors: list[Exception] = []
    unread: list[Exception] = []
    selector = options.text("selector")
    count = 0
    for manifest in visit_manifests(
        options.items("filename"),
        factory,
        recursive=options.flag("recursive"),
        validates=validates(options),
    ):
        if isinstance(manifest, CommandError):
            unread.append(manifest)
            continue
        obj = manifest.object
        if not matches_labels(obj, selector):
            continue
        count += 1
        if options.flag("save-config"):
            obj = with_last_applied(obj)
        try:
            if dry_run is not DryRun.CLIENT:
                obj = factory.client.call("POST", manifest.collection, query, obj)
        except StatusError as error:
            errors.append(add_source(error, "creating", manifest.source))
        else:
            printer.show(obj, "created")
    raise_all(errors + as_one(unread))
    if not count:
        raise CommandError("no objects passed to create")
    return 0


def create_one(
    options: Options,
    factory: Factory,
    path: str,
    obj: JsonObject,
    *,
    namespace: str = "",
    failure: str = "",
) -> int:
    """POST an object that the command line made; it keeps the order of its fields.

    `namespace` is shown in the object only where the user asked for it. `failure` is
    what kubectl puts before the server's words instead of its usual head.
    """
    dry_run = dry_run_of(options)
    query = write_query(options, dry_run)
    printer = ResultPrinter(options, dry_run, typed=True)
    if namespace and factory.namespace_given:
        obj["metadata"]["namespace"] = namespace
    if options.flag("save-config"):
        obj = with_last_applied(obj, typed=True)
    if dry_run is not DryRun.CLIENT:
        try:
            obj = with_status(factory.client.call("POST", path, query, obj), obj)
        except StatusError as error:
            if not failure:
                raise
            raise CommandError(f"{failure}{error}") from None
    printer.show(obj, "created")
    return 0


def with_status(made: JsonObject, sent: JsonObject) -> JsonObject:
    """The server's answer with the fields of the status that its type writes always."""
    if sent.get("status"):
        made["status"] = {**sent["status"], **(made.get("status") or {})}
    return made


def create_in_namespace(
    options: Options,
    factory: Factory,
    group: str,
    resource: str,
    obj: JsonObject,
    *,
    failure: str,
) -> int:
    """The same in the namespace of the command; `group` is such as `/apis/batch/v1`."""
    namespace = factory.namespace
    path = f"{group}/namespaces/{namespace}/{resource}"
    return create_one(options, factory, path, obj, namespace=namespace, failure=failure)


def only_name(options: Options, command: str) -> str:
    """The one name the command takes."""
    words = options.args if options.dash_at is None else options.args[: options.dash_at]
    if len(words) != 1:
        raise UsageError(
            f"exactly one NAME is required, got {len(words)}", f"kubectl {command}"
        )
    return words[0]
