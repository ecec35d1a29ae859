"""Environment variables of a command line, and those of containers.

Source: kubernetes/kubectl pkg/cmd/set/env/env_parse.go, pkg/cmd/set/helper.go
(updateEnv), pkg/cmd/set/set_env.go.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from apimachinery.validation.names import strict_env_var_name
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.targets import parse_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory

__all__ = ["parse_variables", "split_words", "updated", "variables_of"]

_ASSIGNMENT = re.compile(r"^.+=", re.MULTILINE | re.DOTALL)
_REFERENCES = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}


def split_words(words: list[str]) -> tuple[list[str], list[str]]:
    """Resources first, then changes: `KEY=value`, `KEY-`, or `-` for standard input."""
    resources: list[str] = []
    changes: list[str] = []
    for word in words:
        if _ASSIGNMENT.search(word) or word.endswith("-"):
            changes.append(word)
        elif changes:
            raise CommandError(
                "all resources must be specified before environment changes:"
                f" {' '.join(words)}"
            )
        else:
            resources.append(word)
    return resources, changes


def parse_variables(changes: list[str]) -> tuple[list[JsonObject], list[str]]:
    """The variables to set, and the names of those to remove."""
    variables: list[JsonObject] = []
    removed: list[str] = []
    named: set[str] = set()
    for change in changes:
        name, equals, value = change.partition("=")
        if change == "-":
            variables += _read_variables()
        elif equals:
            if complaints := strict_env_var_name(name):
                raise CommandError(
                    f"{quote(name)} is not a valid key name: {';'.join(complaints)}"
                )
            named.add(name)
            variables.append(_variable(name, value))
        elif change.endswith("-"):
            removed.append(change[:-1])
        else:
            raise CommandError(f"unknown environment variable: {change}")
    if named & set(removed):
        raise CommandError(
            "can not both modify and remove the same environment variable in the same"
            " command"
        )
    return variables, removed


def _read_variables() -> Iterator[JsonObject]:
    for line in sys.stdin.read().splitlines():
        name, equals, value = line.partition("#")[0].partition("=")
        if equals:
            yield _variable(name, value)


def _variable(name: str, value: str) -> JsonObject:
    return {"name": name, "value": value} if value else {"name": name}


def variables_of(factory: Factory, word: str, keys: list[str]) -> list[JsonObject]:
    """A variable for each key of a config map or a secret; of all keys for none."""
    variables: list[JsonObject] = []
    for target in parse_targets([word], factory.mapper, allow_empty_name=False):
        path = target.resource.path(factory.namespace, target.name)
        source = factory.client.get(path)
        reference = _REFERENCES.get(target.resource.kind)
        if reference is None:
            raise CommandError("unsupported resource specified in --from")
        for key in sorted(source.get("data") or {}):
            if keys and key not in keys:
                continue
            name = re.sub("[^a-zA-Z0-9_]", "_", key).upper()
            if name != key:
                print(f"Warning: key {key} transferred to {name}", file=sys.stderr)
            chosen = {reference: {"name": target.name, "key": key}}
            variables.append({"name": name, "valueFrom": chosen})
    return variables


def updated(
    existing: list[JsonObject], new: list[JsonObject], removed: list[str]
) -> list[JsonObject]:
    """The variables of a container with the new ones: in their place, or at the end."""
    by_name = {each["name"]: each for each in reversed(new)}
    result = {
        each["name"]: by_name.get(each["name"], each)
        for each in existing
        if each["name"] not in removed
    }
    for each in new:
        if each["name"] not in removed:
            result.setdefault(each["name"], each)
    return list(result.values())
