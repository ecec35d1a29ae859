"""What `apply` does once its flags are right.

Source: kubernetes/kubectl pkg/cmd/apply/apply.go, patcher.go.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from apimachinery.schema import lookup
from apimachinery.status import StatusError
from kubectl_cli.applying.last_applied import (
    ANNOTATION,
    last_applied,
    with_last_applied,
)
from kubectl_cli.applying.migration import is_managed_by, migration_patch
from kubectl_cli.applying.three_way import merge_patch, strategic_patch
from kubectl_cli.changes import (
    DryRun,
    ResultPrinter,
    add_source,
    as_one,
    dry_run_of,
    raise_all,
    validates,
    write_query,
)
from kubectl_cli.client.rest import (
    APPLY_PATCH,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
)
from kubectl_cli.documents.manifests import split_manifests, visit_manifests
from kubectl_cli.errors import CommandError
from kubectl_cli.printers.json import compact
from kubectl_cli.selecting.labels import matches_labels

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.documents.manifests import Manifest
    from kubectl_cli.flags import Options

__all__ = ["ApplyCommand", "make_patch"]

_RETRIES = 5  # patcher.go maxPatchRetry
_LAST_APPLIED = "kubectl-last-applied"


class ApplyCommand:
    """One run of `apply`."""

    def __init__(self, options: Options, factory: Factory) -> None:
        self._options = options
        self._client = factory.client
        self._factory = factory
        self._dry_run = dry_run_of(options)
        if options.flag("server-side") and not options.changed("field-manager"):
            options.put("field-manager", "kubectl")
        self._query = write_query(options, self._dry_run)
        self._printer = ResultPrinter(options, self._dry_run)

    def run(self) -> int:
        visited = visit_manifests(
            self._options.items("filename"),
            self._factory,
            recursive=self._options.flag("recursive"),
            validates=validates(self._options),
        )
        found, unread = split_manifests(visited)
        selector = self._options.text("selector")
        found = [each for each in found if matches_labels(each.object, selector)]
        if not found and not unread:
            raise CommandError("no objects passed to apply")
        errors = as_one(unread)
        for manifest in found:
            try:
                self._apply(manifest)
            except (StatusError, CommandError) as error:
                errors.append(error)
        raise_all(errors)
        return 0

    def _apply(self, manifest: Manifest) -> None:
        if not manifest.name:
            base = manifest.object["metadata"].get("generateName")
            if base:
                text = f"from {base}: cannot use generate name with apply"
                raise CommandError(text)
            missing = CommandError("resource name may not be empty")
            raise self._retrieving(missing, manifest)
        if self._options.flag("server-side"):
            self._apply_on_server(manifest)
            return
        try:
            live = self._client.get(manifest.path)
        except StatusError as error:
            if error.reason != "NotFound":
                raise self._retrieving(error, manifest) from None
            self._create(manifest)
        else:
            self._patch(manifest, live)

    def _retrieving(self, error: Exception, manifest: Manifest) -> Exception:
        head = (
            f"retrieving current configuration of:\n{_info(manifest)}\nfrom server for:"
        )
        return add_source(error, head, manifest.source)

    def _apply_on_server(self, manifest: Manifest) -> None:
        force = "true" if self._options.flag("force-conflicts") else "false"
        query = [*self._query, ("force", force)]
        path = manifest.resource.path(
            manifest.namespace, manifest.name, self._options.text("subresource")
        )
        obj = self._apply_patch(manifest, path, query)
        if self._dry_run is DryRun.NONE:
            self._keep_last_applied(manifest, obj)
            if self._migrate(manifest, obj):
                obj = self._apply_patch(manifest, path, query)
        self._printer.show(obj, "serverside-applied", manifest.label)

    def _apply_patch(self, manifest: Manifest, path: str, query: Query) -> JsonObject:
        body = compact(manifest.object).encode()
        try:
            return self._client.call(
                "PATCH", path, query, body, content_type=APPLY_PATCH
            )
        except StatusError as error:
            if error.code == 409:
                raise CommandError(_conflict_text(error)) from None
            raise

    def _keep_last_applied(self, manifest: Manifest, obj: JsonObject) -> None:
        """Own the annotation of client-side apply, so that the server keeps it up."""
        annotations = obj["metadata"].get("annotations") or {}
        text = annotations.get(ANNOTATION)
        if not text or is_managed_by(obj, _LAST_APPLIED):
            return
        metadata = {"annotations": {ANNOTATION: text}, "name": manifest.name}
        if manifest.namespace:
            metadata["namespace"] = manifest.namespace
        body = {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "metadata": metadata,
        }
        query = [
            (name, _LAST_APPLIED if name == "fieldManager" else value)
            for name, value in self._query
        ]
        data = compact(body).encode()
        try:
            new = self._client.call(
                "PATCH", manifest.path, query, data, content_type=APPLY_PATCH
            )
        except StatusError as error:
            print(
                "Warning: could not annotate with the last-applied configuration:"
                f" {error}",
                file=sys.stderr,
            )
        else:
            obj["metadata"] = new["metadata"]

    def _migrate(self, manifest: Manifest, obj: JsonObject) -> bool:
        """Hand the fields of client-side apply over; whether there were any."""
        manager = self._options.text("field-manager")
        for _ in range(_RETRIES):
            patch = migration_patch(obj, manager)
            if not patch:
                return False
            try:
                self._client.call(
                    "PATCH", manifest.path, self._query, patch, content_type=JSON_PATCH
                )
            except StatusError as error:
                if error.code != 409:
                    raise
                obj = self._client.get(manifest.path)
            else:
                return True
        return False

    def _create(self, manifest: Manifest) -> None:
        obj = with_last_applied(manifest.object)
        if self._dry_run is not DryRun.CLIENT:
            try:
                obj = self._client.call("POST", manifest.collection, self._query, obj)
            except StatusError as error:
                raise add_source(error, "creating", manifest.source) from None
        self._printer.show(obj, "created", manifest.label)

    def _patch(self, manifest: Manifest, live: JsonObject) -> None:
        if last_applied(live) is None:
            self._warn_of_missing_annotation(manifest)
        if live["metadata"].get("deletionTimestamp"):
            print(
                f"Warning: Detected changes to resource {manifest.name} which is"
                " currently being deleted.",
                file=sys.stderr,
            )
        patch, content_type = make_patch(manifest, live)
        if not patch:
            self._printer.show(live, "unchanged", manifest.label)
            return
        obj = live
        if self._dry_run is not DryRun.CLIENT:
            obj = self._send(manifest, patch, content_type)
        self._printer.show(obj, "configured", manifest.label)

    def _warn_of_missing_annotation(self, manifest: Manifest) -> None:
        print(
            f"Warning: resource {manifest.resource.name}/{manifest.name} is missing the"
            f" {ANNOTATION} annotation which is required by kubectl apply. kubectl apply"
            " should only be used on resources created declaratively by either kubectl"
            " create --save-config or kubectl apply. The missing annotation will be"
            " patched automatically.",
            file=sys.stderr,
        )

    def _send(
        self, manifest: Manifest, patch: JsonObject, content_type: str
    ) -> JsonObject:
        for attempt in range(_RETRIES + 1):
            try:
                return self._client.call(
                    "PATCH",
                    manifest.path,
                    self._query,
                    compact(patch).encode(),
                    content_type=content_type,
                )
            except StatusError as error:
                if error.code == 409 and attempt < _RETRIES:
                    time.sleep(1 if attempt > 0 else 0)  # triesBeforeBackOff = 1
                    live = self._client.get(manifest.path)
                    patch, content_type = make_patch(manifest, live)
                    continue
                if self._options.flag("force") and error.code in (409, 422):
                    return self._replace(manifest)
                inner = add_source(error, "patching", manifest.source)
                head = (
                    f"applying patch:\n{compact(patch)}\nto:\n{_info(manifest)}\nfor:"
                )
                raise add_source(inner, head, manifest.source) from None
        raise AssertionError("the last attempt returns or raises")

    def _replace(self, manifest: Manifest) -> JsonObject:
        """--force: delete it and make it anew."""
        from kubectl_cli.waiting.until import wait_gone

        body = {"propagationPolicy": "Background"}
        self._client.call("DELETE", manifest.path, body=body)
        wait_gone(self._client, manifest.collection, manifest.name, "", 0)
        obj = with_last_applied(manifest.object)
        return self._client.call("POST", manifest.collection, self._query, obj)


def make_patch(
    manifest: Manifest, live: JsonObject, *, annotates: bool = True
) -> tuple[JsonObject, str]:
    """What makes the live object be as the file says, and the patch's media type.

    With `annotates` it keeps what was applied for the next time.
    """
    original = last_applied(live) or {}
    modified = with_last_applied(manifest.object)
    if not annotates:
        del modified["metadata"]["annotations"][ANNOTATION]
    kind = lookup(str(manifest.object["apiVersion"]), str(manifest.object["kind"]))
    if kind is not None:
        return strategic_patch(original, modified, live, kind), STRATEGIC_PATCH
    return merge_patch(original, modified, live), MERGE_PATCH


def _info(manifest: Manifest) -> str:
    """resource.Info.String."""
    resource = manifest.resource
    group_version = resource.api_version if resource.group else f"/{resource.version}"
    return (
        f'Resource: "{group_version}, Resource={resource.name}", GroupVersionKind:'
        f' "{group_version}, Kind={resource.kind}"\n'
        f'Name: "{manifest.name}", Namespace: "{manifest.namespace}"'
    )


def _conflict_text(error: StatusError) -> str:
    """The long advice for a conflict of field managers."""
    return (
        f"{error.message}\n"
        "Please review the fields above--they currently have other managers. Here\n"
        "are the ways you can resolve this warning:\n"
        "* If you intend to manage all of these fields, please re-run the apply\n"
        "  command with the `--force-conflicts` flag.\n"
        "* If you do not intend to manage all of the fields, please edit your\n"
        "  manifest to remove references to the fields that should keep their\n"
        "  current managers.\n"
        "* You may co-own fields by updating your manifest to match the existing\n"
        "  value; in this case, you'll become the manager if the other manager(s)\n"
        "  stop managing the field (remove it from their configuration).\n"
        "See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"
    )
