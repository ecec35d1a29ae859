"""A YAML document that knows on which line each of its values stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["Located", "ScenarioError", "load"]


class ScenarioError(Exception):
    """A scenario cannot be played; the text begins with `FILE:LINE:`."""


@dataclass(frozen=True, slots=True)
class Located:
    """A value and its line, from 1. Inside of it values are located, too."""

    value: Any
    line: int
    file: str

    def fail(self, text: object) -> ScenarioError:
        """The error of this line."""
        return ScenarioError(f"{self.file}:{self.line}: {text}")

    def mapping(self, what: str) -> dict[str, Located]:
        """The value as a mapping. Raises ScenarioError."""
        if not isinstance(self.value, dict):
            raise self.fail(f"{what}: a mapping is expected")
        found: dict[str, Located] = self.value
        return found

    def items(self, what: str) -> list[Located]:
        """The value as a list. Raises ScenarioError."""
        if not isinstance(self.value, list):
            raise self.fail(f"{what}: a list is expected")
        found: list[Located] = self.value
        return found

    def text(self, what: str) -> str:
        """The value as a text. Raises ScenarioError."""
        if not isinstance(self.value, str) or not self.value:
            raise self.fail(f"{what}: a text is expected")
        return self.value

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def load(text: str, file: str) -> Located:
    """Read one YAML document.

    Raises:
        ScenarioError: not YAML, more than one document, or a key that comes twice.
    """
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise ScenarioError(f"{file}:1: the scenario is empty")
        return _located(loader, node, file, ())
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark is not None else 1
        raise ScenarioError(f"{file}:{line}: {err.problem}") from None
    except yaml.YAMLError as err:
        where = text[: getattr(err, "position", 0)].count("\n") + 1
        raise ScenarioError(f"{file}:{where}: {err}") from None
    finally:
        if loader is not None:
            loader.dispose()


def _located(
    loader: yaml.SafeLoader, node: yaml.Node, file: str, above: tuple[yaml.Node, ...]
) -> Located:
    line = node.start_mark.line + 1
    if any(node is other for other in above):
        raise ScenarioError(f"{file}:{line}: an alias to what it stands in")
    above = (*above, node)
    if isinstance(node, yaml.SequenceNode):
        items = [_located(loader, item, file, above) for item in node.value]
        return Located(items, line, file)
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Located] = {}
        for key, item in node.value:
            # `on`, `yes` and numbers are texts where a key is expected.
            name = str(key.value)
            if name in values:
                where = key.start_mark.line + 1
                raise ScenarioError(f"{file}:{where}: {name!r} comes twice")
            values[name] = _located(loader, item, file, above)
        return Located(values, line, file)
    return Located(loader.construct_object(node, deep=True), line, file)
