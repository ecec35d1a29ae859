"""The functions of Go templates.

Source: golang/go src/text/template/funcs.go; kubernetes/cli-runtime
pkg/printers/template.go (exists, base64decode).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from apimachinery.go_text import quote
from kubectl_cli.printers.template_values import to_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FUNCTIONS", "TemplateError", "is_true"]


class TemplateError(Exception):
    """A template that does not parse, or does not fit its data."""


def is_true(value: Any) -> bool:
    """Not the zero value of its type."""
    return bool(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list | str) and isinstance(key, int):
            if not 0 <= key < len(value):
                raise TemplateError(f"error calling index: index out of range: {key}")
            value = value[key]
        elif value is None:
            raise TemplateError("error calling index: index of untyped nil")
        else:
            raise TemplateError(f"error calling index: can't index item of {value!r}")
    return value


def _slice(value: Any, *bounds: int) -> Any:
    start = bounds[0] if bounds else 0
    end = bounds[1] if len(bounds) > 1 else len(value)
    return value[start:end]


def _len(value: Any) -> int:
    if value is None:
        raise TemplateError("error calling len: len of nil pointer")
    return len(value.encode() if isinstance(value, str) else value)


def _print(*values: Any) -> str:
    """Blanks stand between operands when neither is a string."""
    text = ""
    for index, value in enumerate(values):
        if (
            index
            and not isinstance(value, str)
            and not isinstance(values[index - 1], str)
        ):
            text += " "
        text += "<nil>" if value is None else to_text(value)
    return text


def _println(*values: Any) -> str:
    return " ".join("<nil>" if v is None else to_text(v) for v in values) + "\n"


_VERB = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<precision>\d+))?(?P<verb>.)"
)


def _printf(template: str, *values: Any) -> str:
    rest = list(values)

    def one(match: re.Match[str]) -> str:
        verb = match["verb"]
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        text = _formatted(rest.pop(0), verb, match["precision"])
        width = int(match["width"] or 0)
        if "-" in match["flags"]:
            return text.ljust(width)
        if "0" in match["flags"]:
            return text.zfill(width)
        return text.rjust(width)

    text = _VERB.sub(one, template)
    if rest:
        extra = ", ".join(f"{_go_type(v)}={to_text(v)}" for v in rest)
        text += f"%!(EXTRA {extra})"
    return text


def _go_type(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case dict():
            return "map[string]interface {}"
        case list():
            return "[]interface {}"
    return "<nil>"


def _formatted(value: Any, verb: str, precision: str | None) -> str:
    match verb:
        case "q" if isinstance(value, str):
            return quote(value)
        case "T":
            return _go_type(value)
        case "d" if isinstance(value, int):
            return str(value)
        case "x" if isinstance(value, int):
            return f"{value:x}"
        case "f" if isinstance(value, int | float):
            return f"{value:.{precision or 6}f}"
        case "t" if isinstance(value, bool):
            return str(value).lower()
        case "s" | "v":
            text = "<nil>" if value is None else to_text(value)
            return text[: int(precision)] if precision else text
    return f"%!{verb}({_go_type(value)}={to_text(value)})"


def _comparable(left: Any, right: Any) -> None:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if type(left) is not type(right) and not numbers and None not in (left, right):
        raise TemplateError("error calling eq: incompatible types for comparison")


def _eq(left: Any, *others: Any) -> bool:
    for other in others:
        _comparable(left, other)
        if left == other:
            return True
    return False


def _ne(left: Any, right: Any) -> bool:
    return not _eq(left, right)


def _lt(left: Any, right: Any) -> bool:
    _comparable(left, right)
    return bool(left < right)


def _le(left: Any, right: Any) -> bool:
    return _lt(left, right) or _eq(left, right)


def _gt(left: Any, right: Any) -> bool:
    return not _le(left, right)


def _ge(left: Any, right: Any) -> bool:
    return not _lt(left, right)


def _not(value: Any) -> bool:
    return not is_true(value)


def _exists(value: Any, *keys: Any) -> bool:
    for key in keys:
        if (isinstance(value, dict) and key in value) or (
            isinstance(value, list) and isinstance(key, int) and key < len(value)
        ):
            value = value[key]
        else:
            return False
    return True


def _base64decode(text: str) -> str:
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
    except binascii.Error as error:
        raise TemplateError(
            f"error calling base64decode: base64 decode: {error}"
        ) from None


_HTML = str.maketrans(
    {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&#34;", "'": "&#39;"}
)


def _html(*values: Any) -> str:
    return _print(*values).translate(_HTML)


def _urlquery(*values: Any) -> str:
    from urllib.parse import quote_plus

    return quote_plus(_print(*values))


def _js(*values: Any) -> str:
    text = _print(*values)
    for letter, escaped in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(letter, escaped)
    return text.replace("<", "\\u003C").replace(">", "\\u003E")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "base64decode": _base64decode,
    "eq": _eq,
    "exists": _exists,
    "ge": _ge,
    "gt": _gt,
    "html": _html,
    "index": _index,
    "js": _js,
    "le": _le,
    "len": _len,
    "lt": _lt,
    "ne": _ne,
    "not": _not,
    "print": _print,
    "printf": _printf,
    "println": _println,
    "slice": _slice,
    "urlquery": _urlquery,
}
