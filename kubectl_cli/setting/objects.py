"""What the commands of `set` share: the objects, the patch of each, what is said.

Source: kubernetes/kubectl pkg/cmd/set (helper.go: CalculatePatches).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import (
    DryRun,
    ResultPrinter,
    dry_run_of,
    raise_all,
    write_query,
)
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.selected import Selected, select_objects
from kubectl_cli.setting.zeros import with_zeros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

    #: Changes the object; what it gives back is told, but does not stop the change.
    Edit = Callable[[Selected, JsonObject], Iterable[CommandError]]
    Found = Iterable[Selected | StatusError | CommandError]

__all__ = [
    "ObjectSetter",
    "all_or_none",
    "check_flags",
    "check_local",
    "found_before_flags",
]

_LOCAL = """you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'"""


def check_flags(options: Options) -> None:
    """Refuse flags that exclude each other."""
    if options.flag("local") and dry_run_of(options) is DryRun.SERVER:
        raise CommandError(
            "cannot specify --local and --dry-run=server - did you mean"
            " --dry-run=client?"
        )
    if options.flag("all") and options.has("selector") and options.text("selector"):
        raise CommandError("cannot set --all and --selector at the same time")


def check_local(options: Options, words: list[str]) -> None:
    """Refuse --local with objects that only a server has."""
    if options.flag("local") and words:
        raise CommandError(_LOCAL)


def all_or_none(options: Options, factory: Factory, words: list[str]) -> list[Selected]:
    """The objects that the words or the files name, once all are there."""
    local = options.flag("local")
    words = [] if local else words
    found: list[Selected] = []
    errors: list[Exception] = []
    for each in select_objects(options, factory, words, local=local):
        if isinstance(each, Selected):
            found.append(each)
        else:
            errors.append(each)
    raise_all(errors)
    return found


def found_before_flags(
    options: Options, factory: Factory, words: list[str]
) -> list[Selected]:
    """The same, for the commands that look at their objects before their flags."""
    check_local(options, words)
    found = all_or_none(options, factory, words)
    check_flags(options)
    return found


class ObjectSetter:
    """Changes objects and says so; `done` is such as `image updated`."""

    def __init__(self, options: Options, factory: Factory, done: str) -> None:
        self._options = options
        self._factory = factory
        self._done = done
        self._dry_run = dry_run_of(options)
        self._printer = ResultPrinter(options, self._dry_run, typed=True)

    def run(
        self,
        found: Found,
        edit: Edit,
        *,
        failure: str = "",
        unchanged_too: bool = False,
    ) -> int:
        """Change each object; one that fails does not stop the others.

        `failure` stands before what the server says against it; with it, errors name
        their object. Without `unchanged_too` nothing is said of objects that stay as
        they are.
        """
        errors: list[Exception] = []
        for each in found:
            if not isinstance(each, Selected):
                errors.append(each)
                continue
            before = with_zeros(each.object)
            changed = copy.deepcopy(before)
            try:
                errors += edit(each, changed)
                patch = _patch(before, changed)
                if patch or unchanged_too:
                    result = self._send(each, changed, patch)
                    self._printer.show(result, self._done, each.label)
            except (StatusError, CommandError) as error:
                errors.append(_told(error, each, failure) if failure else error)
        raise_all(errors)
        return 0

    def _send(
        self, each: Selected, changed: JsonObject, patch: JsonObject
    ) -> JsonObject:
        if self._options.flag("local") or self._dry_run is DryRun.CLIENT:
            return changed
        query = write_query(self._options, self._dry_run)
        kind = "application/strategic-merge-patch+json"
        return self._factory.client.call(
            "PATCH", each.path, query, patch, content_type=kind
        )


def _told(
    error: StatusError | CommandError, each: Selected, failure: str
) -> CommandError:
    if isinstance(error, StatusError):
        return CommandError(f"{failure}{error}")
    return CommandError(f"error: {each.resource.name}/{each.name} {error}\n")


def _patch(before: JsonObject, after: JsonObject) -> JsonObject:
    from apimachinery.schema import lookup
    from kubectl_cli.applying.three_way import strategic_patch

    kind = lookup(str(before.get("apiVersion")), str(before.get("kind")))
    assert kind is not None  # noqa: S101 - the edit has refused what is not built in
    return strategic_patch(before, after, before, kind)
