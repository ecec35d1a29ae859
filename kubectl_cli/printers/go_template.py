"""Go templates: the part of text/template that people use with kubectl.

Fields, variables, pipelines, if/else, range/else, with, comments, trimming, and the
functions of text/template with kubectl's `exists` and `base64decode`. Not there:
define, template, block, break, continue, method calls.

Source: golang/go src/text/template (parse, exec.go, funcs.go); kubernetes/cli-runtime
pkg/printers/template.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apimachinery.go_text import quote
from kubectl_cli.printers.template_functions import FUNCTIONS, TemplateError, is_true
from kubectl_cli.printers.template_values import to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Template", "TemplateError"]

_NAME = "output"  # cli-runtime: template.New("output")
_ACTION = re.compile(r"\{\{(-\s)?(.*?)(\s-)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<raw>`[^`]*`)
    | (?P<char>'(?:[^'\\]|\\.)')
    | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<field>(?:\.[A-Za-z_]\w*)+|\.)
    | (?P<variable>\$\w*)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign>:=|=|\||\(|\)|,)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Pipe:
    """`{{$a, $b := x | f y}}`: commands, each with its arguments."""

    commands: tuple[tuple[_Operand, ...], ...]
    variables: tuple[str, ...] = ()
    declares: bool = False


@dataclass(frozen=True, slots=True)
class _Operand:
    """A value of a command: `kind` is one of the token kinds, or `pipe`."""

    kind: str
    value: Any
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Branch:
    """if, range, with: a pipeline, a body, what to do otherwise."""

    kind: str
    pipe: _Pipe
    body: tuple[_Node, ...]
    otherwise: tuple[_Node, ...]


_Node = _Text | _Pipe | _Branch
_MISSING = object()


class Template:
    """A parsed template."""

    def __init__(self, text: str, *, allow_missing: bool = True) -> None:
        """
        Raises:
            TemplateError: it does not parse.
        """
        self._allow_missing = allow_missing
        self._nodes = _Parser(text).parse()

    def render(self, data: Any) -> str:
        """The text for this data."""
        run = _Run(allow_missing=self._allow_missing)
        return "".join(run.nodes(self._nodes, data, {"$": data}))


def _split(text: str) -> Iterator[tuple[str, str]]:
    """("text" | "action", content), with the blanks that `-` trims gone."""
    position, trim = 0, False
    while True:
        match = _ACTION.search(text, position)
        plain = text[position : match.start() if match else len(text)]
        if trim:
            plain = plain.lstrip()
        if match and match.group(1):
            plain = plain.rstrip()
        if match is None:
            if "{{" in plain:
                line = text[: text.rindex("{{")].count("\n") + 1
                raise TemplateError(f"template: {_NAME}:{line}: unclosed action")
            yield "text", plain
            return
        yield "text", plain
        yield "action", match.group(2).strip()
        trim = bool(match.group(3))
        position = match.end()


class _Parser:
    def __init__(self, text: str) -> None:
        self._parts = list(_split(text))
        self._at = 0

    def parse(self) -> tuple[_Node, ...]:
        nodes, ended = self._list()
        if ended:
            raise _failure(f"unexpected {{{{{ended}}}}}")
        return nodes

    def _list(self) -> tuple[tuple[_Node, ...], str]:
        """Nodes up to `end` or `else`, and which it was; "" at the end of the text."""
        nodes: list[_Node] = []
        while self._at < len(self._parts):
            kind, content = self._parts[self._at]
            self._at += 1
            if kind == "text":
                if content:
                    nodes.append(_Text(content))
                continue
            if content.startswith("/*") and content.endswith("*/"):
                continue
            word, _, rest = content.partition(" ")
            if word in ("end", "else"):
                return tuple(nodes), content
            if word in ("if", "range", "with"):
                nodes.append(self._branch(word, rest))
            elif word in ("define", "template", "block", "break", "continue"):
                raise _failure(f"{{{{{word}}}}} is not supported")
            else:
                nodes.append(_PipeParser(content, "command").parse())
        return tuple(nodes), ""

    def _branch(self, kind: str, text: str) -> _Branch:
        pipe = _PipeParser(text, kind).parse()
        body, ended = self._list()
        otherwise: tuple[_Node, ...] = ()
        if ended.startswith("else"):
            word, _, rest = ended.removeprefix("else").strip().partition(" ")
            if word in ("if", "with"):
                otherwise = (self._branch(word, rest),)
                ended = "end"
            else:
                otherwise, ended = self._list()
        if ended != "end":
            raise _failure("unexpected EOF")
        return _Branch(kind, pipe, body, otherwise)


def _failure(text: str) -> TemplateError:
    return TemplateError(f"template: {_NAME}:1: {text}")


class _PipeParser:
    """The inside of an action."""

    def __init__(self, text: str, context: str) -> None:
        self._context = context
        self._tokens = list(self._scan(text))

    def _scan(self, text: str) -> Iterator[tuple[str, str]]:
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                bad = text[position:].lstrip()[0]
                raise _failure(f"unexpected {quote(bad)} in {self._context}")
            kind = str(match.lastgroup)
            yield kind, match.group(kind)
            # a field right behind a word or a parenthesis belongs to it
            if match.end() < len(text) and text[match.end()] == ".":
                yield "glue", ""
            position = match.end()

    def parse(self) -> _Pipe:
        if not self._tokens:
            raise _failure(f"missing value for {self._context}")
        variables, declares = self._variables()
        commands = self._commands()
        if self._tokens:
            raise _failure(f"unexpected {quote(self._tokens[0][1])} in {self._context}")
        return _Pipe(commands, variables, declares)

    def _variables(self) -> tuple[tuple[str, ...], bool]:
        signs = [i for i, t in enumerate(self._tokens) if t[1] in (":=", "=")]
        if not signs or self._tokens[0][0] != "variable":
            return (), False
        at = signs[0]
        names = tuple(t[1] for t in self._tokens[:at] if t[0] == "variable")
        declares = self._tokens[at][1] == ":="
        del self._tokens[: at + 1]
        return names, declares

    def _commands(self) -> tuple[tuple[_Operand, ...], ...]:
        commands: list[tuple[_Operand, ...]] = []
        current: list[_Operand] = []
        while self._tokens and self._tokens[0][1] != ")":
            kind, value = self._tokens.pop(0)
            if value == "|" and kind == "sign":
                commands.append(tuple(current))
                current = []
            elif kind == "glue":
                continue
            else:
                current.append(self._operand(kind, value))
        commands.append(tuple(current))
        if any(not command for command in commands):
            raise _failure(f"missing value for {self._context}")
        return tuple(commands)

    def _operand(self, kind: str, value: str) -> _Operand:
        if value == "(" and kind == "sign":
            inner = _Pipe(self._commands())
            if not self._tokens:
                raise _failure("unclosed left paren")
            self._tokens.pop(0)
            return _Operand("pipe", inner, self._glued())
        if kind == "variable":
            return _Operand("variable", value, self._glued())
        if kind == "field":
            return _Operand("field", None, tuple(filter(None, value.split("."))))
        if kind == "word":
            return self._word(value)
        return _Operand("constant", _constant(kind, value))

    def _glued(self) -> tuple[str, ...]:
        if self._tokens and self._tokens[0][0] == "glue":
            self._tokens.pop(0)
            if self._tokens and self._tokens[0][0] == "field":
                return tuple(filter(None, self._tokens.pop(0)[1].split(".")))
        return ()

    def _word(self, word: str) -> _Operand:
        if word in ("true", "false"):
            return _Operand("constant", word == "true")
        if word == "nil":
            return _Operand("constant", None)
        if word not in FUNCTIONS and word not in ("and", "or"):
            raise _failure(f"function {quote(word)} not defined")
        return _Operand("function", word)


def _constant(kind: str, text: str) -> Any:
    match kind:
        case "number":
            return float(text) if any(c in text for c in ".eE") else int(text)
        case "raw":
            return text[1:-1]
        case "char":
            return ord(_unescape(text[1:-1]))
    return _unescape(text[1:-1])


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), text)


class _Run:
    """Evaluates nodes; `scope` maps variables to values."""

    def __init__(self, *, allow_missing: bool) -> None:
        self._allow_missing = allow_missing

    def nodes(
        self, nodes: tuple[_Node, ...], dot: Any, scope: dict[str, Any]
    ) -> Iterator[str]:
        for node in nodes:
            match node:
                case _Text(text):
                    yield text
                case _Pipe():
                    value = self._pipe(node, dot, scope)
                    if not node.variables:
                        yield to_text(value)
                case _Branch("range"):
                    yield from self._range(node, dot, scope)
                case _Branch():
                    yield from self._branch(node, dot, dict(scope))

    def _branch(self, node: _Branch, dot: Any, scope: dict[str, Any]) -> Iterator[str]:
        value = self._pipe(node.pipe, dot, scope)
        if is_true(value):
            inner = value if node.kind == "with" else dot
            yield from self.nodes(node.body, inner, scope)
        else:
            yield from self.nodes(node.otherwise, dot, scope)

    def _range(self, node: _Branch, dot: Any, scope: dict[str, Any]) -> Iterator[str]:
        plain = _Pipe(node.pipe.commands)
        value = self._pipe(plain, dot, scope)
        if isinstance(value, dict):
            pairs: list[tuple[Any, Any]] = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, int) and not isinstance(value, bool):
            pairs = [(index, index) for index in range(value)]
        elif isinstance(value, list | tuple):
            pairs = list(enumerate(value))
        elif value is None:
            pairs = []
        else:
            raise TemplateError(f"range can't iterate over {to_text(value)}")
        if not pairs:
            yield from self.nodes(node.otherwise, dot, dict(scope))
        names = node.pipe.variables
        for key, item in pairs:
            inner = dict(scope)
            if len(names) == 2:
                inner[names[0]], inner[names[1]] = key, item
            elif names:
                inner[names[0]] = item
            yield from self.nodes(node.body, item, inner)

    def _pipe(self, pipe: _Pipe, dot: Any, scope: dict[str, Any]) -> Any:
        value: Any = _MISSING
        for command in pipe.commands:
            value = self._command(command, dot, scope, value)
        for name in pipe.variables:
            scope[name] = value
        return value

    def _command(
        self, command: tuple[_Operand, ...], dot: Any, scope: dict[str, Any], last: Any
    ) -> Any:
        first = command[0]
        if first.kind != "function":
            if len(command) > 1 or last is not _MISSING:
                raise TemplateError("can't give argument to non-function")
            return self._value(first, dot, scope)
        if first.value in ("and", "or"):
            return self._logic(first.value, command[1:], dot, scope, last)
        arguments = [self._value(each, dot, scope) for each in command[1:]]
        if last is not _MISSING:
            arguments.append(last)
        try:
            return FUNCTIONS[first.value](*arguments)
        except TypeError:
            raise TemplateError(
                f"wrong number of args for {first.value}: got {len(arguments)}"
            ) from None

    def _logic(
        self,
        name: str,
        operands: tuple[_Operand, ...],
        dot: Any,
        scope: dict[str, Any],
        last: Any,
    ) -> Any:
        """`and`, `or`: evaluation stops when the result is certain."""
        value: Any = None
        for each in operands:
            value = self._value(each, dot, scope)
            if is_true(value) is (name == "or"):
                return value
        return value if last is _MISSING else last

    def _value(self, operand: _Operand, dot: Any, scope: dict[str, Any]) -> Any:
        match operand.kind:
            case "constant":
                return operand.value
            case "field":
                return self._fields(dot, operand.fields)
            case "variable":
                if operand.value not in scope:
                    raise TemplateError(f"undefined variable {quote(operand.value)}")
                return self._fields(scope[operand.value], operand.fields)
            case "pipe":
                value = self._pipe(operand.value, dot, dict(scope))
                return self._fields(value, operand.fields)
        return self._command((operand,), dot, scope, _MISSING)

    def _fields(self, value: Any, names: tuple[str, ...]) -> Any:
        for index, name in enumerate(names):
            if value is None:
                return None
            if not isinstance(value, dict):
                path = "." + ".".join(names)
                column = 2 + len(".".join(names[:index]))
                raise TemplateError(
                    f'template: {_NAME}:1:{column}: executing "{_NAME}" at <{path}>:'
                    f" can't evaluate field {name} in type interface {{}}"
                )
            if name not in value and not self._allow_missing:
                path = "." + ".".join(names)
                raise TemplateError(
                    f'template: {_NAME}:1:2: executing "{_NAME}" at <{path}>: map has no'
                    f" entry for key {quote(name)}"
                )
            value = value.get(name)
        return value
