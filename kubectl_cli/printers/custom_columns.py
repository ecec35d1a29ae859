"""-o custom-columns: a table whose columns the user names.

Source: kubernetes/kubectl pkg/cmd/get/customcolumn.go.
"""

from __future__ import annotations

import sys
from typing import Any

from apimachinery.jsonpath import JsonPath, JsonPathError, relaxed
from kubectl_cli.errors import CommandError
from kubectl_cli.printers.tabwriter import TabWriter

__all__ = ["CustomColumns"]


class CustomColumns:
    """Columns as `HEADER:path,HEADER:path`."""

    def __init__(self, headers: list[str], paths: list[str]) -> None:
        self._headers = headers
        self._templates = [_template(path) for path in paths]
        self._paths: list[JsonPath] = []
        self._writer = TabWriter()
        self._headed = False

    @classmethod
    def from_spec(cls, spec: str) -> CustomColumns:
        """Read the specification of the flag."""
        if not spec:
            raise CommandError(
                "custom-columns format specified but no custom columns given"
            )
        headers, paths = [], []
        for part in spec.split(","):
            header, colon, path = part.partition(":")
            if not colon or (":" in path and not path.startswith("{")):
                raise CommandError(
                    f"unexpected custom-columns spec: {part},"
                    " expected <header>:<json-path-expr>"
                )
            headers.append(header)
            paths.append(path)
        return cls(headers, paths)

    @classmethod
    def from_template(cls, text: str) -> CustomColumns:
        """Read the two lines of a template file."""
        lines = text.splitlines()
        if len(lines) < 2:
            raise CommandError("invalid template, missing header line or spec line")
        headers, paths = lines[0].split(), lines[1].split()
        if len(headers) != len(paths):
            raise CommandError(
                f"number of headers ({len(headers)}) and field specifications"
                f" ({len(paths)}) don't match"
            )
        return cls(headers, paths)

    def render(self, objects: list[Any], *, headers: bool) -> str:
        """The lines for these objects, the headers before the first ones."""
        if headers and not self._headed:
            self._writer.line("\t".join(self._headers))
        self._headed = True
        for obj in objects:
            self._writer.line("\t".join(self._cells(obj)))
        return self._writer.flush()

    def _cells(self, obj: Any) -> list[str]:
        if not self._paths:
            # Only now: kubectl has printed the headers before it reads the paths.
            try:
                self._paths = [
                    JsonPath(each, allow_missing_keys=True) for each in self._templates
                ]
            except JsonPathError as error:
                sys.stdout.write(self._writer.flush())
                raise CommandError(str(error)) from None
        return [self._cell(path, obj) for path in self._paths]

    def _cell(self, path: JsonPath, obj: Any) -> str:
        try:
            values = path.values(obj)
        except JsonPathError as error:
            raise CommandError(str(error)) from None
        return ",".join(map(go_value, values)) if values else "<none>"


def _template(expression: str) -> str:
    try:
        return relaxed(expression)
    except JsonPathError as error:
        raise CommandError(str(error)) from None


def go_value(value: Any) -> str:
    """A value under Go's %v."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case dict():
            inside = " ".join(f"{key}:{go_value(value[key])}" for key in sorted(value))
            return f"map[{inside}]"
        case list():
            return "[" + " ".join(map(go_value, value)) + "]"
        case float():
            return go_float(value)
    return str(value)


def go_float(value: float) -> str:
    """A float64 under %v: shortest form, exponents from 21 digits on."""
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        mantissa = mantissa.removesuffix(".0")
        return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}"
    return text
