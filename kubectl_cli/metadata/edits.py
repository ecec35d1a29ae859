"""Setting and removing labels or annotations.

Source: kubernetes/kubectl pkg/cmd/label/label.go, pkg/cmd/annotate/annotate.go.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import DryRun, ResultPrinter, dry_run_of, raise_all
from kubectl_cli.client.rest import MERGE_PATCH
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.selected import Selected, select_objects

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["ANNOTATIONS", "LABELS", "MetadataCommand"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is edited, and what the command calls it."""

    field: str
    word: str
    changed: str


LABELS = _Kind("labels", "label", "labeled")
ANNOTATIONS = _Kind("annotations", "annotation", "annotated")


class MetadataCommand:
    """One run of `label` or `annotate`."""

    def __init__(self, options: Options, factory: Factory, kind: _Kind) -> None:
        self._options = options
        self._factory = factory
        self._kind = kind
        self._dry_run = dry_run_of(options)
        self._printer = ResultPrinter(options, self._dry_run)
        words, changes = _split(options.args)
        self._words = words
        self._new, self._removed = self._parse(changes)

    def run(self) -> int:
        options = self._options
        if not self._words and not options.items("filename"):
            raise CommandError(
                "one or more resources must be specified as <resource> <name> or"
                " <resource>/<name>"
            )
        if not self._new and not self._removed and not options.flag("list"):
            raise CommandError(f"at least one {self._kind.word} update is required")
        errors: list[Exception] = []
        for each in select_objects(
            options, self._factory, self._words, local=options.flag("local")
        ):
            try:
                if not isinstance(each, Selected):
                    raise each
                self._edit(each)
            except (StatusError, CommandError) as error:
                errors.append(error)
        raise_all(errors)
        return 0

    def _parse(self, changes: list[str]) -> tuple[dict[str, str], list[str]]:
        new: dict[str, str] = {}
        removed: list[str] = []
        for text in changes:
            key, equals, value = text.partition("=")
            if equals:
                if self._kind is LABELS:
                    _check_label(text, value)
                new[key] = value
            else:
                removed.append(text[:-1])
        if any(key in new for key in removed):
            raise CommandError(
                f"can not both modify and remove {_a(self._kind.word)} in the same"
                " command"
            )
        return new, removed

    def _edit(self, each: Selected) -> None:
        obj = each.object
        values: dict[str, str] = obj["metadata"].get(self._kind.field) or {}
        if self._options.flag("list"):
            for key in sorted(values):
                print(f"{key}={values[key]}")
            return
        self._check_overwrite(values)
        operation = self._operation(values)
        changed = copy.deepcopy(obj)
        edited = {k: v for k, v in values.items() if k not in self._removed}
        edited.update(self._new)
        changed["metadata"][self._kind.field] = edited
        if not edited:
            del changed["metadata"][self._kind.field]
        if not self._options.flag("local") and self._dry_run is not DryRun.CLIENT:
            patch = self._patch(values)
            if patch or self._kind is ANNOTATIONS:
                changed = self._send(each, patch)
        self._printer.show(changed, operation, each.label)

    def _check_overwrite(self, values: dict[str, str]) -> None:
        if self._options.flag("overwrite"):
            return
        problems: list[Exception] = []
        for key, value in self._new.items():
            if key in values and values[key] != value and self._kind is LABELS:
                problems.append(
                    CommandError(
                        f"'{key}' already has a value ({values[key]}), and --overwrite is"
                        " false"
                    )
                )
            elif key in values and self._kind is ANNOTATIONS:
                problems.append(
                    CommandError(
                        "--overwrite is false but found the following declared"
                        f" annotation(s): '{key}' already has a value ({values[key]})"
                    )
                )
        raise_all(problems)

    def _operation(self, values: dict[str, str]) -> str:
        if self._kind is ANNOTATIONS:
            return "annotated"
        for key in self._removed:
            if key not in values:
                sys.stdout.write(f'label "{key}" not found.\n')
        if any(values.get(key) != value for key, value in self._new.items()):
            return "labeled"
        if any(key in values for key in self._removed):
            return "unlabeled"
        return "not labeled"

    def _patch(self, values: dict[str, str]) -> JsonObject:
        """Only what differs; None removes."""
        field: JsonObject = {
            key: value for key, value in self._new.items() if values.get(key) != value
        }
        field.update({key: None for key in self._removed if key in values})
        metadata: JsonObject = {self._kind.field: field} if field else {}
        if version := self._options.text("resource-version"):
            metadata["resourceVersion"] = version
        return {"metadata": metadata} if metadata else {}

    def _send(self, each: Selected, patch: JsonObject) -> JsonObject:
        query = [("fieldManager", self._options.text("field-manager"))]
        if self._dry_run is DryRun.SERVER:
            query.append(("dryRun", "All"))
        return self._factory.client.call(
            "PATCH", each.path, query, patch, content_type=MERGE_PATCH
        )


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Resources first, then changes: `key=value` and `key-`."""
    resources: list[str] = []
    changes: list[str] = []
    for word in words:
        if "=" in word or (word.endswith("-") and len(word) > 1):
            changes.append(word)
        elif changes:
            raise CommandError(
                f"all resources must be specified before label changes: {word}"
            )
        else:
            resources.append(word)
    return resources, changes


def _check_label(text: str, value: str) -> None:
    from apimachinery.go_text import quote
    from apimachinery.validation.names import label_value

    problems = label_value(value)
    if problems:
        raise CommandError(f"invalid label value: {quote(text)}: {'; '.join(problems)}")
