"""`set selector`: which pods a service has.

Source: kubernetes/kubectl pkg/cmd/set/set_selector.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.setting.flags import SET_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Change the selector of a service."
USE = "set selector (-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]"
EXAMPLES = "kubectl set selector service/my-svc environment=qa"
FLAGS = (
    *SET_FLAGS,
    Flag("resource-version", help="Only if the object has this version."),
)


def run(options: Options, factory: Factory) -> int:
    """Patch each service."""
    from kubectl_cli.documents.label_selectors import parse_label_selector
    from kubectl_cli.selecting.selected import select_objects
    from kubectl_cli.setting.objects import ObjectSetter, check_local

    if not options.args:
        raise CommandError("one selector is required")
    *words, text = options.args
    selector = parse_label_selector(text)
    setter = ObjectSetter(options, factory, "selector updated")
    check_local(options, words)
    found = select_objects(options, factory, words, local=options.flag("local"))
    version = options.text("resource-version")

    def edit(each: Selected, obj: JsonObject) -> tuple[()]:
        if obj.get("kind") != "Service":
            raise CommandError("setting a selector is only supported for Services")
        if expressions := selector.get("matchExpressions"):
            shown = " ".join(map(_go_requirement, expressions))
            raise CommandError(
                f"match expression [{shown}] not supported on this object"
            )
        obj["spec"]["selector"] = selector.get("matchLabels") or {}
        if version:
            # It is to be in the patch, so that the server compares it.
            each.object["metadata"].pop("resourceVersion", None)
            obj["metadata"]["resourceVersion"] = version
        return ()

    return setter.run(found, edit, unchanged_too=True)


def _go_requirement(expression: JsonObject) -> str:
    values = " ".join(expression.get("values") or ())
    return f"{{{expression['key']} {expression['operator']} [{values}]}}"
