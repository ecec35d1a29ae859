"""What `explain` prints of a type: its OpenAPI v3 schema as plain text.

The layout is kubectl's: descriptions wrapped, each field with a guess at its type,
types within types down to the first that was seen already.

Source: kubernetes/kubectl pkg/explain/v2/templates/plaintext.tmpl of 1.36;
mitchellh/go-wordwrap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["Explanation", "wrap"]

_METHODS = ("get", "post", "put", "patch", "delete")
_KIND = "x-kubernetes-group-version-kind"
_MOST_VALUES = 4  # of an enum, in a list of fields


class Explanation:
    """Explains the types of one OpenAPI v3 document."""

    def __init__(self, document: JsonObject, *, recursive: bool) -> None:
        self._document = document
        self._recursive = recursive

    def kind_of(self, group: str, version: str, resource: str) -> JsonObject | None:
        """Group, version and kind of a resource's objects; None where it has none."""
        root = f"/apis/{group}" if group else "/api"
        paths = self._document.get("paths") or {}
        found: JsonObject | None = None
        for base in ("", "/namespaces/{namespace}"):
            for tail in ("", "/{name}"):
                entry = paths.get(f"{root}/{version}{base}/{resource}{tail}") or {}
                kinds = (entry.get(method, {}).get(_KIND) for method in _METHODS)
                found = next(filter(None, kinds), found)
        return found

    def text(self, kind: JsonObject, path: list[str]) -> str:
        """The explanation of the field at `path`, or of the whole type.

        Raises:
            CommandError: there is no such field, or no such type.
        """
        for schema in self._schemas():
            if kind in (schema.get(_KIND) or ()):
                text = self._follow(schema, path, frozenset())
                if not text:
                    raise CommandError(f'field "{path[-1]}" does not exist')
                return text
        shown = " ".join(f"{key}:{kind[key]}" for key in sorted(kind))
        raise CommandError(f"GVK map[{shown}] not found in OpenAPI schema")

    def _schemas(self) -> Iterator[JsonObject]:
        schemas = (self._document.get("components") or {}).get("schemas") or {}
        for name in sorted(schemas):
            yield schemas[name]

    def _resolve(self, schema: JsonObject) -> JsonObject:
        """The schema, or what it refers to."""
        reference = schema.get("$ref") or ""
        if not reference.startswith("#"):
            return schema
        found: Any = self._document
        for step in filter(None, reference[1:].split("/")):
            found = found.get(step) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else schema

    def _follow(self, schema: JsonObject, path: list[str], seen: frozenset[str]) -> str:
        """Go down the path; "" when it leads nowhere."""
        if not path:
            return self._whole(self._resolve(schema))
        reference = schema.get("$ref") or ""
        if reference and reference in seen:
            return ""
        resolved, seen = self._resolve(schema), seen | {reference}
        inner = (resolved.get("properties") or {}).get(path[0])
        if inner:
            head = self._head(path[0], inner) if len(path) == 1 else ""
            rest = self._follow(inner, path[1:], frozenset())
            return head + rest
        if element := _element_of(resolved):
            return self._follow(element, path, seen)
        texts = (self._follow(s, path, seen) for s in resolved.get("allOf") or ())
        return next(filter(None, texts), "")

    def _head(self, name: str, schema: JsonObject) -> str:
        values = schema.get("enum") or ()
        lines = ["ENUM:", *(f"    {_shown(each)}" for each in values)] if values else []
        title = f"FIELD: {name} <{self._type(schema)}>"
        return "\n".join([title, "\n".join(lines), "", ""])

    def _whole(self, schema: JsonObject) -> str:
        description = "".join(self._descriptions(schema)) or "<empty>"
        parts = ["DESCRIPTION:", _indent(wrap(description, 76), 4), ""]
        text = "\n".join(parts) + _external(schema, 0)
        if fields := "".join(self._fields(schema, 1, frozenset())):
            text += f"FIELDS:\n{fields}"
        return text

    def _descriptions(self, schema: JsonObject) -> Iterator[str]:
        """Of the type, of all it is made of, and of its elements."""
        resolved = self._resolve(schema)
        if text := resolved.get("description"):
            yield f"{text}\n"
        for part in resolved.get("allOf") or ():
            yield from self._descriptions(part)
        for element in _elements_of(resolved):
            yield from self._descriptions(element)

    def _fields(
        self, schema: JsonObject, level: int, seen: frozenset[str]
    ) -> Iterator[str]:
        reference = schema.get("$ref") or ""
        if reference and reference in seen:
            return
        resolved, seen = self._resolve(schema), seen | {reference}
        properties = resolved.get("properties") or {}
        required = resolved.get("required") or ()
        for name in sorted(properties):
            inner = properties[name]
            yield self._field(name, inner, level, required=name in required)
            if self._recursive:
                yield from self._fields(inner, level + 1, seen)
        for part in (*(resolved.get("allOf") or ()), *_elements_of(resolved)):
            yield from self._fields(part, level, seen)

    def _field(
        self, name: str, schema: JsonObject, level: int, *, required: bool
    ) -> str:
        margin = level * 2
        line = f"{' ' * margin}{name}\t<{self._type(schema)}>"
        if required:
            line += " -required-"
        if values := schema.get("enum"):
            line += f"\n{' ' * margin}enum: {_short_list(values)}"
        if self._recursive:
            return f"{line}\n"
        description = schema.get("description") or "<no description>"
        text = _indent(wrap(description, 78 - margin), margin + 2)
        external = _external(schema, margin)
        return f"{line}\n{text}\n{external}\n"

    def _type(self, schema: JsonObject) -> str:
        """`string`, `[]Container`, `map[string]string`."""
        if items := schema.get("items"):
            return f"[]{self._type(items)}"
        values = schema.get("additionalProperties")
        if values and not isinstance(values, bool):
            return f"map[string]{self._type(values)}"
        parts: list[JsonObject] = schema.get("allOf") or []
        if len(parts) == 1 and not schema.get("properties"):
            return self._type(parts[0])
        if reference := schema.get("$ref"):
            found = self._resolve(schema)
            own = "" if found is schema else found.get("type") or ""
            if own in ("", "object"):
                return reference.rpartition("/")[2].rpartition(".")[2] or "Object"
            return str(own)
        own = schema.get("type") or "object"
        return "Object" if own == "object" else str(own)


def _element_of(schema: JsonObject) -> JsonObject | None:
    return next(_elements_of(schema), None)


def _elements_of(schema: JsonObject) -> Iterator[JsonObject]:
    """The types of a list's and of a map's values."""
    if items := schema.get("items"):
        yield items
    values = schema.get("additionalProperties")
    if values and not isinstance(values, bool):
        yield values


def _external(schema: JsonObject, margin: int) -> str:
    """The lines that point to other documents."""
    documents = schema.get("externalDocs")
    if not documents:
        return ""
    lines = ["", _indent("EXTERNAL DOCS:", margin + 2 if margin else 0)]
    inner = margin + 4
    if text := documents.get("description"):
        lines.append(_indent(wrap(text, 76 - margin), inner))
    if url := documents.get("url"):
        lines.append(_indent(f"URL: {url}", inner))
    return "\n".join([*lines, ""])


def _short_list(values: list[Any]) -> str:
    text = ", ".join(map(_shown, values[:_MOST_VALUES]))
    return f"{text}, ...." if len(values) > _MOST_VALUES else text


def _shown(value: Any) -> str:
    return '""' if value == "" else str(value)


def _indent(text: str, margin: int) -> str:
    """Every line moved to the right, empty ones too."""
    pad = " " * margin
    return pad + text.replace("\n", f"\n{pad}")


def wrap(text: str, limit: int) -> str:
    """Break lines before the word that would reach over `limit` characters.

    A word longer than a line stays whole. Line breaks of the text stay.
    """
    return "\n".join(_wrap_line(line, limit) for line in text.split("\n"))


def _wrap_line(line: str, limit: int) -> str:
    written, column = "", 0
    space = word = ""
    for character in line:
        if character.isspace() and character != "\xa0":
            if not space or word:
                written += space + word
                column += len(space) + len(word)
                space = word = ""
            space += character
        else:
            word += character
            if column + len(space) + len(word) > limit and len(word) < limit:
                written += "\n"
                column, space = 0, ""
    if not word and column + len(space) > limit:
        space = ""
    return written + space + word
