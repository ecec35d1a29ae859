"""-o: the printer an output format names.

Source: kubernetes/cli-runtime pkg/genericclioptions/print_flags.go and its family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.types import JsonObject
    from kubectl_cli.flags import Options

__all__ = [
    "PRINT_FLAGS",
    "ObjectPrinter",
    "make_printer",
    "split_format",
]

PRINT_FLAGS = (
    Flag("allow-missing-template-keys", "bool", True, help="Missing keys are empty."),
    Flag(
        "output", short="o", help="Output format: json, yaml, name, jsonpath=..., ..."
    ),
    Flag("show-managed-fields", "bool", help="Keep metadata.managedFields."),
    Flag("template", help="Template, or its file, for the formats that need one."),
)
_TEMPLATED = (
    "go-template",
    "go-template-file",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "template",
    "templatefile",
)
COMMON_FORMATS = ("json", "kyaml", "name", *_TEMPLATED, "yaml")


class ObjectPrinter(Protocol):
    """Turns one object, or one list, into text."""

    def render(self, obj: JsonObject) -> str: ...


class _JsonPrinter:
    def __init__(self, *, typed: bool, keep_managed: bool) -> None:
        self._typed = typed
        self._keep_managed = keep_managed

    def render(self, obj: JsonObject) -> str:
        from kubectl_cli.printers.json import to_json

        if not self._keep_managed:
            obj = without_managed_fields(obj)
        if not self._typed:
            return to_json(obj)
        from kubectl_cli.printers.typed import in_type_order

        return to_json(in_type_order(obj), sort_keys=False)


class _YamlPrinter:
    """Documents with `---` between them."""

    def __init__(self, *, keep_managed: bool) -> None:
        self._keep_managed = keep_managed
        self._count = 0

    def render(self, obj: JsonObject) -> str:
        from kubectl_cli.printers.yaml import to_yaml

        if not self._keep_managed:
            obj = without_managed_fields(obj)
        self._count += 1
        head = "---\n" if self._count > 1 else ""
        return head + to_yaml(obj)


class _NamePrinter:
    def render(self, obj: JsonObject) -> str:
        if isinstance(obj.get("items"), list):
            return "".join(self.render(item) for item in obj["items"])
        return name_of(obj) + "\n"


class _JsonPathPrinter:
    def __init__(self, template: str, *, allow_missing: bool, as_json: bool) -> None:
        from apimachinery.jsonpath import JsonPath, JsonPathError, parse_error

        self._template = template
        self._as_json = as_json
        try:
            self._path = JsonPath(template, allow_missing_keys=allow_missing)
        except JsonPathError as error:
            raise CommandError(parse_error(template, error)) from None

    def render(self, obj: JsonObject) -> str:
        from apimachinery.jsonpath import JsonPathError, execution_error

        try:
            if self._as_json:
                from kubectl_cli.printers.json import to_json

                return "".join(to_json(values) for values in self._path.find(obj))
            return self._path.render(obj)
        except JsonPathError as error:
            text = execution_error(self._template, error, obj)
            raise CommandError(text) from None


class _GoTemplatePrinter:
    def __init__(self, template: str, *, allow_missing: bool) -> None:
        from kubectl_cli.printers.go_template import Template, TemplateError

        self._text = template
        try:
            self._template = Template(template, allow_missing=allow_missing)
        except TemplateError as error:
            raise CommandError(f"error parsing template {template}, {error}") from None

    def render(self, obj: JsonObject) -> str:
        from apimachinery.go_text import quote
        from kubectl_cli.printers.go_template import TemplateError

        try:
            return self._template.render(obj)
        except TemplateError as error:
            raise CommandError(
                f"error executing template {quote(self._text)}: {error}"
            ) from None


_ANY_CASE = frozenset({"json", "kyaml", "name", "yaml"})


def split_format(options: Options) -> tuple[str, str]:
    """The format of -o and its template: `jsonpath={.x}` or `--template`."""
    output = options.text("output")
    if output.lower() in _ANY_CASE:  # json_yaml_flags.go lowers these
        return output.lower(), ""
    name, _, template = output.partition("=")
    if name not in _TEMPLATED and not name.startswith("custom-columns"):
        name, template = output, ""
    if not template and options.has("template"):
        template = options.text("template")
    if not output and template:
        name = "go-template"
    return name, template


def make_printer(
    options: Options,
    formats: Sequence[str] = COMMON_FORMATS,
    *,
    typed: bool = False,
) -> ObjectPrinter | None:
    """The printer of -o, None when the command's own words are asked for.

    `typed` objects keep the order of their fields in JSON.
    """
    name, template = split_format(options)
    allow_missing = not options.has("allow-missing-template-keys") or options.flag(
        "allow-missing-template-keys"
    )
    # Only these two leave managedFields out; templates see the whole object.
    keep_managed = options.has("show-managed-fields") and options.flag(
        "show-managed-fields"
    )
    match name:
        case "":
            return None
        case "json":
            return _JsonPrinter(typed=typed, keep_managed=keep_managed)
        case "yaml":
            return _YamlPrinter(keep_managed=keep_managed)
        case "kyaml" if "kyaml" in formats:
            # Unlike kubectl: this one format is not written.
            raise CommandError("the output format kyaml is not supported")
        case "name" if "name" in formats:
            return _NamePrinter()
    if name not in formats or name not in _TEMPLATED:
        raise no_printer(options.text("output"), formats)
    if not template:
        raise CommandError("template format specified but no template given")
    if options.text("output") not in ("", name) and options.text("template"):
        raise no_printer(options.text("output"), formats)
    if name.endswith("file"):
        template = _read(template)
    if "jsonpath" in name:
        as_json = name == "jsonpath-as-json"
        return _JsonPathPrinter(template, allow_missing=allow_missing, as_json=as_json)
    return _GoTemplatePrinter(template, allow_missing=allow_missing)


def no_printer(output: str, formats: Sequence[str]) -> CommandError:
    """No printer is for this format."""
    from apimachinery.go_text import quote

    allowed = ",".join(sorted(formats))
    return CommandError(
        f"unable to match a printer suitable for the output format {quote(output)},"
        f" allowed formats are: {allowed}"
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError as error:
        problem = (error.strerror or "").lower()
        raise CommandError(
            f"error reading --template {path}, open {path}: {problem}"
        ) from None


def name_of(obj: JsonObject) -> str:
    """`pod/p1`, `deployment.apps/d1`."""
    group = str(obj.get("apiVersion") or "").rpartition("/")[0]
    kind = str(obj.get("kind") or "").lower()
    name = (obj.get("metadata") or {}).get("name") or "<unknown>"
    return f"{kind}.{group}/{name}" if group else f"{kind}/{name}"


def without_managed_fields(obj: Any) -> Any:
    """The object, or each object of the list, without metadata.managedFields."""
    if isinstance(obj, dict):
        metadata = obj.get("metadata")
        if isinstance(metadata, dict) and "managedFields" in metadata:
            kept = {k: v for k, v in metadata.items() if k != "managedFields"}
            obj = {**obj, "metadata": kept}
        if isinstance(obj.get("items"), list):
            obj = {**obj, "items": [without_managed_fields(i) for i in obj["items"]]}
    return obj
