"""What `edit` does: YAML in an editor, the difference as a patch.

Source: kubernetes/kubectl pkg/cmd/util/editor/{editor,editoptions}.go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from apimachinery.schema import lookup
from apimachinery.status import StatusError
from kubectl_cli.applying.three_way import merge_patch, strategic_patch
from kubectl_cli.changes import ResultPrinter, write_query
from kubectl_cli.client.rest import MERGE_PATCH, STRATEGIC_PATCH
from kubectl_cli.documents.yaml_input import YamlInputError, load_document
from kubectl_cli.errors import CommandError
from kubectl_cli.failures import message_of
from kubectl_cli.printers.json import compact
from kubectl_cli.printers.objects import without_managed_fields
from kubectl_cli.printers.yaml import to_yaml
from kubectl_cli.selecting.selected import Selected, select_objects

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["EditCommand"]

_HEADER = """# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""
_CANCELLED = "Edit cancelled, no changes made."


class EditCommand:
    """One run of `edit`."""

    def __init__(self, options: Options, factory: Factory) -> None:
        self._options = options
        self._factory = factory
        self._printer = ResultPrinter(options)

    def run(self) -> int:
        found = select_objects(self._options, self._factory, self._options.args)
        for each in found:
            if not isinstance(each, Selected):
                raise each
            self._edit(each)
        return 0

    def _edit(self, each: Selected) -> None:
        original = without_managed_fields(each.object)
        if self._options.flag("show-managed-fields"):
            original = each.object
        text, problem = to_yaml(original), ""
        while True:
            before = _HEADER + problem + text
            edited = _in_editor(before, each.name)
            content = _without_comments(edited)
            if not content.strip() or content == text:
                print(_CANCELLED, file=sys.stderr)
                return
            text = content
            try:
                if self._send(each, original, _parse(content)):
                    return
            except (CommandError, StatusError) as error:
                if edited == before:
                    # edited nothing after a failure: give up, keep the text
                    path = _keep(edited)
                    print(
                        f"A copy of your changes has been stored to {path!r}",
                        file=sys.stderr,
                    )
                    raise CommandError(
                        "Edit cancelled, no valid changes were saved."
                    ) from None
                problem = _as_comment(message_of(error))

    def _send(self, each: Selected, original: JsonObject, edited: JsonObject) -> bool:
        if edited == original:
            print(_CANCELLED, file=sys.stderr)
            return True
        kind = lookup(each.resource.api_version, each.resource.kind)
        if kind is not None:
            patch = strategic_patch(original, edited, original, kind)
            content_type = STRATEGIC_PATCH
        else:
            patch = merge_patch(original, edited, original)
            content_type = MERGE_PATCH
        if self._options.flag("output-patch"):
            print(f"Patch: {compact(patch)}")
        path = each.resource.path(
            each.namespace, each.name, self._options.text("subresource")
        )
        obj = self._factory.client.call(
            "PATCH",
            path,
            write_query(self._options),
            compact(patch).encode(),
            content_type=content_type,
        )
        self._printer.show(obj, "edited", each.label)
        return True


def _parse(text: str) -> JsonObject:
    try:
        value = load_document(text.encode())
    except YamlInputError as error:
        raise CommandError(f"The edited file had a syntax error: {error}") from None
    if not isinstance(value, dict):
        raise CommandError("The edited file had a syntax error: no object")
    return value


def _without_comments(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))


def _as_comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines()) + "#\n"


def _keep(text: str) -> str:
    descriptor, path = tempfile.mkstemp(prefix="kubectl-edit-", suffix=".yaml")
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def _in_editor(text: str, name: str) -> str:
    """What the user's editor makes of the text."""
    descriptor, path = tempfile.mkstemp(prefix=f"{name}-kubectl-edit-", suffix=".yaml")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        command = _editor()
        try:
            # a shell, since people set options and quotes in the variable
            done = subprocess.run(
                ["/bin/sh", "-c", f'{command} "$0"', path], check=False
            )
        except OSError as error:
            raise CommandError(
                f"unable to launch the editor {command!r}: {error}"
            ) from None
        if done.returncode:
            raise CommandError(f'there was a problem with the editor "{command}"')
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    finally:
        os.unlink(path)


def _editor() -> str:
    return os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or "vi"
