"""JSONPath templates: `{.items[*].metadata.name}` with text, ranges and filters.

Source: kubernetes/client-go util/jsonpath (parser.go, jsonpath.go): its dialect, its
error texts, and how values are printed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apimachinery.go_text import go_syntax, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "JsonPath",
    "JsonPathError",
    "execution_error",
    "parse_error",
    "relaxed",
    "to_text",
]


class JsonPathError(Exception):
    """A template that does not parse, or finds nothing where it must."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Field:
    name: str


@dataclass(frozen=True, slots=True)
class _Slice:
    start: int | None
    end: int | None
    step: int | None
    single: bool


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class _Simple:
    kind: str  # "wildcard", "recursive", "root", "current"


@dataclass(frozen=True, slots=True)
class _Filter:
    left: tuple[_Node, ...]
    operator: str
    right: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Union:
    paths: tuple[tuple[_Node, ...], ...]


@dataclass(frozen=True, slots=True)
class _Identifier:
    """A bare word: it parses, and fails when it is looked up."""

    name: str


@dataclass(frozen=True, slots=True)
class _Path:
    nodes: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Range:
    over: tuple[_Node, ...]
    body: tuple[_Part, ...]


_Node = _Field | _Slice | _Literal | _Simple | _Filter | _Union | _Identifier
_Part = _Text | _Path | _Range

_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?\Z")
_KEY = re.compile(r"'([^']*)'\Z")
_FILTER = re.compile(r"([^!<>=]+)([!<>=]+)(.+?)\Z", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_RANGE = re.compile(r"range(?![\w/-])")
_TERMINATORS = frozenset(" \t\r\n.,[]$@{}'\"(")


class JsonPath:
    """A parsed template."""

    def __init__(self, template: str, *, allow_missing_keys: bool = False) -> None:
        """
        Raises:
            JsonPathError: the template is malformed.
        """
        self._template = template
        self._allow_missing = allow_missing_keys
        self._parts = _TemplateParser(template).parse()

    def find(self, value: Any) -> list[list[Any]]:
        """The results of each `{...}` in turn; ranges count as their bodies do."""
        return [
            values for _, values in self._run(self._parts, value) if values is not None
        ]

    def values(self, value: Any) -> list[Any]:
        """All results, in one list."""
        return [each for values in self.find(value) for each in values]

    def render(self, value: Any) -> str:
        """The template with the results in it, those of one `{...}` by blanks apart."""
        out: list[str] = []
        for text, values in self._run(self._parts, value):
            out.append(text if values is None else " ".join(map(to_text, values)))
        return "".join(out)

    def _run(
        self, parts: tuple[_Part, ...], value: Any, root: Any = None
    ) -> Iterator[tuple[str, list[Any] | None]]:
        root = value if root is None else root
        for part in parts:
            match part:
                case _Text(text):
                    yield text, None
                case _Path(nodes):
                    yield "", self._walk(nodes, [value], root)
                case _Range(over, body):
                    for each in self._walk(over, [value], root):
                        yield from self._run(body, each, root)

    def _walk(
        self, nodes: tuple[_Node, ...], values: list[Any], root: Any
    ) -> list[Any]:
        for node in nodes:
            values = self._step(node, values, root)
        return values

    def _step(self, node: _Node, values: list[Any], root: Any) -> list[Any]:
        match node:
            case _Literal(value):
                return [value]
            case _Simple("root"):
                return [root]
            case _Simple("current"):
                return values
            case _Simple("wildcard"):
                return [each for value in values for each in _children(value)]
            case _Simple(_):
                return [each for value in values for each in _descendants(value)]
            case _Field(name):
                return self._field(name, values)
            case _Slice():
                return [each for value in values for each in self._slice(node, value)]
            case _Filter():
                return [
                    each for value in values for each in self._filter(node, value, root)
                ]
            case _Identifier(name):
                raise JsonPathError(f"unrecognized identifier {name}")
            case _Union(paths):
                return [e for path in paths for e in self._walk(path, values, root)]

    def _field(self, name: str, values: list[Any]) -> list[Any]:
        if not values:
            return []
        found = [v[name] for v in values if isinstance(v, dict) and name in v]
        if not found and not self._allow_missing:
            raise JsonPathError(f"{name} is not found")
        return found

    def _slice(self, node: _Slice, value: Any) -> list[Any]:
        if value is None and self._allow_missing:
            return []
        if not isinstance(value, list):
            raise JsonPathError(f"{to_text(value)} is not array or slice")
        size = len(value)
        start = node.start or 0
        if node.single:
            index = start + size if start < 0 else start
            if not 0 <= index < size:
                raise JsonPathError(
                    f"array index out of bounds: index {index}, length {size}"
                )
            return [value[index]]
        end = size if node.end is None else node.end
        begin = start + size if start < 0 else start
        stop = min(end + size if end < 0 else end, size)
        if begin > stop:
            raise JsonPathError(
                f"starting index {begin} is greater than ending index {stop}"
            )
        step = 1 if node.step is None else node.step
        if step <= 0:
            raise JsonPathError("step must be > 0")
        return value[max(begin, 0) : stop : step]

    def _filter(self, node: _Filter, value: Any, root: Any) -> Iterator[Any]:
        # "the filter is evaluated for each element"; of an object, for itself
        for each in value if isinstance(value, list) else [value]:
            if self._passes(node, each, root):
                yield each

    def _passes(self, node: _Filter, value: Any, root: Any) -> bool:
        quiet = JsonPath("", allow_missing_keys=True)
        left = quiet._walk(node.left, [value], root)
        if node.operator == "exists":
            return bool(left)
        right = quiet._walk(node.right, [value], root)
        if not left or not right:
            return False
        if len(left) > 1:
            raise JsonPathError("can only compare one element at a time")
        return _compare(left[0], node.operator, right[0])


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator in ("==", "!="):
        same = type(left) is type(right) or (_is_number(left) and _is_number(right))
        if not same:
            raise JsonPathError("incompatible types for comparison")
        return bool((left == right) is (operator == "=="))
    if not (_is_number(left) and _is_number(right)) and not (
        isinstance(left, str) and isinstance(right, str)
    ):
        raise JsonPathError("incompatible types for comparison")
    match operator:
        case "<":
            return bool(left < right)
        case ">":
            return bool(left > right)
        case "<=":
            return bool(left <= right)
        case ">=":
            return bool(left >= right)
    raise JsonPathError(f"unrecognized filter operator {operator}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _children(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return []


def _descendants(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for each in _children(value):
            yield from _descendants(each)


def to_text(value: Any) -> str:
    """One result as the template prints it: strings bare, the rest as JSON."""
    if isinstance(value, str):
        return value
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # encoding/json escapes these, so that JSON can stand in HTML
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def relaxed(expression: str) -> str:
    """`metadata.name`, `.metadata.name` or `{.metadata.name}` as a template.

    Source: kubernetes/kubectl pkg/cmd/get/customcolumn.go RelaxedJSONPathExpression.
    """
    if not expression:
        return expression
    match = re.match(r"\{\.?([^{}]+)\}\Z|\.?([^{}]+)\Z", expression)
    if match is None:
        raise JsonPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or"
            " '{name1.name2}' or '{.name1.name2}'"
        )
    return "{." + (match.group(1) or match.group(2)) + "}"


class _TemplateParser:
    """Text and actions; `range` opens a body that `end` closes."""

    def __init__(self, template: str) -> None:
        self._rest = template

    def parse(self) -> tuple[_Part, ...]:
        parts, ended = self._parts()
        if ended:
            raise JsonPathError("not in range, nothing to end")
        return parts

    def _parts(self) -> tuple[tuple[_Part, ...], bool]:
        parts: list[_Part] = []
        while self._rest:
            text, brace, rest = self._rest.partition("{")
            if text:
                parts.append(_Text(text))
            if not brace:
                self._rest = ""
                break
            action, self._rest = _split_action(rest)
            if action.strip() == "end":
                return tuple(parts), True
            parts += self._action(action)
        return tuple(parts), False

    def _action(self, action: str) -> Iterator[_Part]:
        stripped = action.strip()
        if _RANGE.match(stripped):
            over = _PathParser(stripped.removeprefix("range").strip()).parse()
            body, _ = self._parts()  # a missing end is as good as one
            yield _Range(over, body)
        else:
            for nodes in _split_paths(stripped):
                if len(nodes) == 1 and isinstance(nodes[0], _Literal):
                    yield _Text(to_text(nodes[0].value))
                else:
                    yield _Path(nodes)


def _split_action(text: str) -> tuple[str, str]:
    """The action up to its brace, mind quotes, and what is behind it."""
    quoted = ""
    index = 0
    while index < len(text):
        letter = text[index]
        if letter == "\\":
            index += 2
            continue
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "'\"":
            quoted = letter
        elif letter == "}":
            return text[:index], text[index + 1 :]
        index += 1
    if quoted:
        raise JsonPathError("unterminated quoted string")
    open_filter = "[?(" in text and ")]" not in text.partition("[?(")[2]
    if open_filter:
        raise JsonPathError("unterminated filter")
    open_array = text.count("[") > text.count("]")
    raise JsonPathError("unterminated array" if open_array else "unclosed action")


def _split_paths(action: str) -> Iterator[tuple[_Node, ...]]:
    parser = _PathParser(action)
    while parser.skip_blanks():
        yield parser.parse_one()


class _PathParser:
    """The inside of an action: fields, arrays, filters, quoted text, numbers."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def skip_blanks(self) -> bool:
        while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
            self._at += 1
        return self._at < len(self._text)

    def parse(self) -> tuple[_Node, ...]:
        nodes: list[_Node] = []
        while self.skip_blanks():
            nodes += self.parse_one()
        return tuple(nodes)

    def parse_one(self) -> tuple[_Node, ...]:
        nodes: list[_Node] = []
        while self._at < len(self._text) and self._text[self._at] not in " \t\r\n,":
            nodes += self._node()
        if self._at < len(self._text) and self._text[self._at] == ",":
            self._at += 1
        return tuple(nodes)

    def _node(self) -> list[_Node]:
        letter = self._text[self._at]
        match letter:
            case "$":
                self._at += 1
                return [_Simple("root")]
            case "@":
                self._at += 1
                return [_Simple("current")]
            case ".":
                return self._dot()
            case "[":
                return self._bracket()
            case "'" | '"':
                return [_Literal(self._quoted(letter))]
        return self._word()

    def _dot(self) -> list[_Node]:
        if self._text.startswith("..", self._at):
            # the second dot belongs to the field behind it
            self._at += 1
            nodes: list[_Node] = [_Simple("recursive")]
            if self._text[self._at + 1 : self._at + 2] == "[":
                self._at += 1
            return nodes
        self._at += 1
        if self._text[self._at : self._at + 1] == "*":
            self._at += 1
            return [_Simple("wildcard")]
        name = self._name()
        return [_Field(name)] if name else []

    def _name(self) -> str:
        out: list[str] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "\\":
                out.append(self._text[self._at + 1 : self._at + 2])
                self._at += 2
                continue
            if letter in _TERMINATORS:
                break
            out.append(letter)
            self._at += 1
        return "".join(out)

    def _word(self) -> list[_Node]:
        start = self._at
        while (
            self._at < len(self._text) and self._text[self._at] not in " \t\r\n,[]'\""
        ):
            self._at += 1
        word = self._text[start : self._at]
        if _NUMBER.match(word):
            return [_Literal(float(word) if "." in word else int(word))]
        if word in ("true", "false"):
            return [_Literal(word == "true")]
        if not word:
            found = self._text[self._at]
            raise JsonPathError(f"unexpected character in JSON path: '{found}'")
        if word[0].isalpha():
            return [_Identifier(re.split(r"[.\[]", word)[0])]
        code = f"U+{ord(word[0]):04X} '{word[0]}'"
        raise JsonPathError(f"unrecognized character in action: {code}")

    def _quoted(self, mark: str) -> str:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != mark:
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise JsonPathError("unterminated quoted string")
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return _unescape(text)

    def _bracket(self) -> list[_Node]:
        if self._text.startswith("[?(", self._at):
            return [self._filter()]
        inside = self._until_bracket()
        parts = _split_union(inside)
        if len(parts) > 1:
            return [_Union(tuple(_index(part) for part in parts))]
        return list(_index(inside))

    def _until_bracket(self) -> str:
        quoted = False
        for index in range(self._at + 1, len(self._text)):
            letter = self._text[index]
            if letter == "'":
                quoted = not quoted
            if letter == "]" and not quoted:
                inside = self._text[self._at + 1 : index]
                self._at = index + 1
                return inside.strip()
        raise JsonPathError("unterminated array")

    def _filter(self) -> _Node:
        inside = self._until_filter_end()
        match = _FILTER.match(inside)
        if match is None:
            return _Filter(_PathParser(inside).parse(), "exists", ())
        left, operator, right = match.groups()
        return _Filter(
            _PathParser(left.strip()).parse(),
            operator,
            _PathParser(right.strip()).parse(),
        )

    def _until_filter_end(self) -> str:
        quoted, depth = "", 0
        index = self._at + 3
        while index < len(self._text):
            letter = self._text[index]
            if quoted:
                if letter == quoted and self._text[index - 1] != "\\":
                    quoted = ""
            elif letter in "'\"":
                quoted = letter
            elif letter == "(":
                depth += 1
            elif letter == ")":
                if depth == 0:
                    break
                depth -= 1
            index += 1
        if self._text[index : index + 2] != ")]":
            raise JsonPathError("unterminated filter")
        inside = self._text[self._at + 3 : index]
        self._at = index + 2
        return inside


def _split_union(inside: str) -> list[str]:
    parts, quoted = [""], False
    for letter in inside:
        if letter == "'":
            quoted = not quoted
        if letter == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _index(text: str) -> tuple[_Node, ...]:
    if text == "*":
        return (_Simple("wildcard"),)
    if key := _KEY.match(text):
        # parser.go parses `.KEY`: a dot in the quotes parts fields unless escaped
        return _PathParser(f".{key.group(1)}").parse()
    match = _SLICE.match(text)
    if match is None or not text:
        # jsonpath names what it found, without the quotes
        raise JsonPathError(f"invalid array index {text.split(',')[0]}")
    start, end, step = match.groups()
    node = _Slice(
        int(start) if start else None,
        int(end[1:]) if end and end != ":" else None,
        int(step[1:]) if step and step != ":" else None,
        single=end is None,
    )
    return (node,)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), text)


def parse_error(template: str, error: JsonPathError) -> str:
    """The sentence for a template that does not parse."""
    return f"error parsing jsonpath {template}, {error}"


def execution_error(template: str, error: JsonPathError, value: Any) -> str:
    """The long sentence for a template that does not fit its object."""
    return (
        f"error executing jsonpath {quote(template)}: Error executing template: {error}."
        " Printing more information for debugging the template:\n"
        f"\ttemplate was:\n\t\t{template}\n"
        f"\tobject given to jsonpath engine was:\n\t\t{go_syntax(value)}\n\n"
    )
