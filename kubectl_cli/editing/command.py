"""What `edit` does: the objects in an editor, the differences as patches.

All objects are one file. What is wrong with it stands on top of it when it is opened
again, until it is right or is left as it was.

Source: kubernetes/kubectl pkg/cmd/util/editor/editoptions.go.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubectl_cli.changes import raise_all, validates
from kubectl_cli.documents.manifests import find_resource
from kubectl_cli.documents.objects import objects_of
from kubectl_cli.editing.editor import edit_file, write_file
from kubectl_cli.editing.text import (
    Reason,
    content_of,
    find_fault,
    has_lines,
    header,
    strip_comments,
)
from kubectl_cli.editing.trial import Trial, tell_kept
from kubectl_cli.editing.writing import Writer
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.printers.objects import make_printer, without_managed_fields
from kubectl_cli.printers.yaml import to_yaml
from kubectl_cli.selecting.selected import Selected, select_objects

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["EditCommand"]

_FORMATS = ("json", "kyaml", "yaml")


class EditCommand:
    """One run of `edit`."""

    def __init__(self, options: Options, factory: Factory) -> None:
        self._options = options
        self._factory = factory
        self._originals: list[Selected] = []
        self._original = b""

    def run(self) -> int:
        """Open the editor until all is written, or the user gives up."""
        self._originals = self._select()
        self._original = self._as_text()
        body, before, trial = self._original, None, Trial()
        while True:
            path = write_file(self._header(trial) + body, self._suffix)
            try:
                edited = edit_file(path)
            except CommandError:
                tell_kept(trial.path)
                raise
            if before is not None and content_of(before) == content_of(edited):
                tell_kept(path)
                raise CommandError("Edit cancelled, no valid changes were saved.")
            if trial.path:
                os.unlink(trial.path)
            trial = Trial(path)
            if self._settle(edited, trial):
                return 0
            body, before = strip_comments(edited), edited

    def _select(self) -> list[Selected]:
        visited = list(
            select_objects(
                self._options, self._factory, self._options.args, whole_types=True
            )
        )
        raise_all([each for each in visited if not isinstance(each, Selected)])
        if not visited:
            raise CommandError("edit cancelled, no objects found")
        return [each for each in visited if isinstance(each, Selected)]

    def _as_text(self) -> bytes:
        """The objects as they are; several are a List."""
        shown = [without_managed_fields(each.object) for each in self._originals]
        obj: JsonObject = shown[0]
        if len(shown) > 1:
            obj = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": shown}
        printer = make_printer(self._options, _FORMATS)
        text = to_yaml(obj) if printer is None else printer.render(obj)
        return self._with_line_ends(text.encode())

    @property
    def _suffix(self) -> str:
        return ".json" if self._is_json else ".yaml"

    @property
    def _is_json(self) -> bool:
        return self._options.text("output").lower() == "json"

    def _header(self, trial: Trial) -> bytes:
        """JSON has no comments."""
        return b"" if self._is_json else self._with_line_ends(header(trial.reasons))

    def _with_line_ends(self, text: bytes) -> bytes:
        wants_crlf = self._options.flag("windows-line-endings")
        return text.replace(b"\n", b"\r\n") if wants_crlf else text

    def _settle(self, edited: bytes, trial: Trial) -> bool:
        """Write what was edited; whether that is the end of it."""
        fault = find_fault(edited) if validates(self._options) else ""
        if fault:
            first = self._originals[0]
            reason = f'Invalid value: "The edited file failed validation": {fault}'
            trial.reject(first.resource, first.name, [f"<nil>: {reason}"])
            return False
        if content_of(self._original) == content_of(edited):
            return trial.cancel("no changes made")
        if not has_lines(edited):
            return trial.cancel("saved file was empty")
        try:
            updated = self._read(edited)
        except CommandError as error:
            text = f"The edited file had a syntax error: {error}"
            trial.reasons.append(Reason(text))
            return False
        try:
            Writer(self._options, self._factory, self._originals).write(updated, trial)
        except (CommandError, AggregateError):
            tell_kept(trial.path)
            raise
        return trial.conclude()

    def _read(self, edited: bytes) -> list[Selected]:
        """The objects of the text."""
        source = "edited-file"
        found: list[Selected] = []
        for obj in objects_of(edited, source):
            if isinstance(obj, CommandError):
                raise obj
            resource = find_resource(obj, source, self._factory)
            metadata = obj["metadata"]
            namespace = metadata.get("namespace") or ""
            name = metadata.get("name") or ""
            found.append(Selected(resource, namespace, name, obj))
        return found
