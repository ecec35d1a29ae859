"""YAML as sigs.k8s.io/yaml reads it: JSON's data model, dates stay text.

Source: kubernetes-sigs/yaml (goyaml.v2 resolve.go): YAML 1.1 words for booleans, no
sexagesimal numbers; of a key that is there twice the last value counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["YamlInputError", "load_document", "load_documents"]


class YamlInputError(Exception):
    """The text is no YAML; the sentence is like goyaml's."""


_BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc, valid-type]  # one of two classes
    """A safe loader with goyaml's idea of scalars."""


def _bool_words() -> list[str]:
    words = ("y", "yes", "on", "true", "n", "no", "off", "false")
    return [form for word in words for form in (word, word.capitalize(), word.upper())]


_TRUE = frozenset(w for w in _bool_words() if w.lower() in ("y", "yes", "on", "true"))
_INT = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")

_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile("|".join(f"{word}\\Z" for word in _bool_words())),
    list("yYnNtTfFoO"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), ["<"])


def _bool(loader: Any, node: Any) -> bool:
    return loader.construct_scalar(node) in _TRUE


def _int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _float(loader: Any, node: Any) -> float:
    return float(loader.construct_scalar(node))


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    loader.flatten_mapping(node)
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _key(loader.construct_object(key_node, deep=True))
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _key(key: Any) -> str:
    """JSON has string keys only."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if key is None:
        raise YamlInputError("unsupported map key of type: %!s(<nil>), key: <nil>")
    if isinstance(key, dict | list):
        raise YamlInputError(f"yaml: invalid map key: {_go_value(key)}")
    return str(key)


def _go_value(value: Any) -> str:
    """A value as Go's `%#v` shows what YAML gave it."""
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(_go_value, value)) + "}"
    if isinstance(value, dict):
        pairs = (f"{_go_value(k)}:{_go_value(v)}" for k, v in value.items())
        return "map[interface {}]interface {}{" + ", ".join(pairs) + "}"
    if isinstance(value, str):
        from apimachinery.go_text import quote

        return quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "interface {}(nil)" if value is None else str(value)


_Loader.add_constructor("tag:yaml.org,2002:bool", _bool)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load_documents(text: bytes) -> Iterator[Any]:
    """The documents of a stream; an empty one is None.

    Raises:
        YamlInputError: it is no YAML.
    """
    try:
        yield from yaml.load_all(text, _Loader)
    except yaml.YAMLError as error:
        raise YamlInputError(f"yaml: {_text(error, text)}") from None


def load_document(text: bytes) -> Any:
    """The first document."""
    return next(load_documents(text), None)


def _text(error: Any, text: bytes) -> str:
    """`line N: problem`, counted as goyaml's fail() counts."""
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    if "unacceptable character" in problem:
        return problem.partition(": ")[2] or problem
    if "recursive" in problem:
        return "an anchor's value contains itself"
    if "base64" in problem:
        return "!!binary value contains invalid base64 data"
    if "undefined alias" in problem:
        return f"unknown anchor '{_alias_at(error.problem_mark, text)}' referenced"
    line = goyaml_line(error)
    return f"line {line}: {problem}" if line else str(problem)


def _alias_at(mark: Any, text: bytes) -> str:
    """The name behind the star that the mark points at."""
    line = text.decode("utf-8", "replace").splitlines()[mark.line]
    match = re.match(r"\*([^\s,\[\]{}]*)", line[mark.column :])
    return match[1] if match is not None else ""


def goyaml_line(error: Any) -> int:
    """The line goyaml names, 0 for none: where the problem, else where its context is.

    Only scanner errors count from 1.
    """
    from_one = "Scanner" in type(error).__name__
    for name in ("problem_mark", "context_mark"):
        mark = getattr(error, name, None)
        if mark is not None and mark.line:
            return int(mark.line) + from_one
    return 0
