"""Edited objects on their way to the server: each as a patch of what it was.

Source: kubernetes/kubectl pkg/cmd/util/editor/editoptions.go (visitToPatch,
visitAnnotation, restoreManagedFields).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from apimachinery.go_text import go_syntax
from apimachinery.schema import lookup
from apimachinery.status import StatusError
from hops.blocking.responses import RequestError
from kubectl_cli.applying.last_applied import with_last_applied
from kubectl_cli.applying.three_way import merge_patch, strategic_patch
from kubectl_cli.changes import ResultPrinter, raise_all, write_query
from kubectl_cli.client.rest import MERGE_PATCH, STRATEGIC_PATCH
from kubectl_cli.errors import CommandError
from kubectl_cli.printers.json import compact

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.editing.trial import Trial
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

__all__ = ["Writer"]


class Writer:
    """Sends what differs from the objects that were opened."""

    def __init__(
        self, options: Options, factory: Factory, originals: list[Selected]
    ) -> None:
        self._options = options
        self._factory = factory
        self._originals = {_uid(each.object): each.object for each in originals}

    def write(self, updated: list[Selected], trial: Trial) -> None:
        """Send each object; one that cannot be sent does not stop the others.

        Unlike kubectl, which tells the errors of the last object alone.

        Raises:
            CommandError, AggregateError: objects are not those that were opened.
        """
        errors: list[Exception] = []
        for each in [self._completed(each) for each in updated]:
            try:
                self._write(each, trial)
            except CommandError as error:
                errors.append(error)
        raise_all(errors)

    def _completed(self, each: Selected) -> Selected:
        """With its namespace, the managed fields it had, and for `apply` itself."""
        namespace = self._namespace(each)
        metadata = dict(each.object["metadata"])
        metadata.pop("managedFields", None)
        if namespace:
            metadata["namespace"] = namespace
        original = self._originals.get(_uid(each.object))
        if original is not None and "managedFields" in original["metadata"]:
            metadata["managedFields"] = original["metadata"]["managedFields"]
        obj = {**each.object, "metadata": metadata}
        if self._options.flag("save-config"):
            obj = with_last_applied(obj)
        return dataclasses.replace(each, namespace=namespace, object=obj)

    def _namespace(self, each: Selected) -> str:
        """That of the command. Source: cli-runtime visitor.go RequireNamespace."""
        if not each.resource.namespaced:
            return ""
        ours = self._factory.namespace
        if each.namespace and each.namespace != ours:
            raise CommandError(
                f'the namespace from the provided object "{each.namespace}" does not'
                f' match the namespace "{ours}". You must pass'
                f" '--namespace={each.namespace}' to perform this operation."
            )
        return ours

    def _write(self, each: Selected, trial: Trial) -> None:
        original, edited = self._originals.get(_uid(each.object)), each.object
        if original is None:
            text = go_syntax(edited)
            raise CommandError(
                "no original object found for"
                f" &unstructured.Unstructured{{Object:{text}}}"
            )
        if edited == original:
            self._show(edited, "skipped")
            return
        patch, content_type = _patch(original, edited)
        if self._options.flag("output-patch"):
            print(f"Patch: {compact(patch)}")
        sub = self._options.text("subresource")
        path = each.resource.path(each.namespace, each.name, sub)
        try:
            written = self._factory.client.call(
                "PATCH",
                path,
                write_query(self._options),
                compact(patch).encode(),
                content_type=content_type,
            )
        except (StatusError, RequestError) as error:
            trial.fail(each.resource, each.name, error)
        else:
            self._show(written, "edited")

    def _show(self, obj: JsonObject, operation: str) -> None:
        # a printer for each, so YAML has nothing between the objects, as with kubectl
        ResultPrinter(self._options).show(obj, operation)


def _uid(obj: JsonObject) -> str:
    return str(obj["metadata"].get("uid") or "")


def _patch(original: JsonObject, edited: JsonObject) -> tuple[JsonObject, str]:
    """The difference, and how the server is to read it.

    Raises:
        CommandError: it is another object now.
    """
    kind = lookup(edited.get("apiVersion") or "", edited["kind"])
    if kind is None:
        patch = merge_patch(original, edited, original)
    else:
        patch = strategic_patch(original, edited, original, kind)
    if {"apiVersion", "kind"} & patch.keys() or "name" in patch.get("metadata", {}):
        raise CommandError("At least one of apiVersion, kind and name was changed")
    return patch, MERGE_PATCH if kind is None else STRATEGIC_PATCH
