"""A selector of the command line as the object that API types hold.

Source: kubernetes/apimachinery pkg/apis/meta/v1/helpers.go (ParseToLabelSelector).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apimachinery.labels import Operator, SelectorSyntaxError, parse
from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["parse_label_selector"]

_EQUALITY = (Operator.EQUALS, Operator.DOUBLE_EQUALS)
_EXPRESSIONS = {
    Operator.DOES_NOT_EXIST: "DoesNotExist",
    Operator.EXISTS: "Exists",
    Operator.IN: "In",
    Operator.NOT_IN: "NotIn",
}


def parse_label_selector(text: str) -> JsonObject:
    """`app=web,tier in (a,b)` as matchLabels and matchExpressions."""
    from apimachinery.go_text import quote

    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    try:
        requirements = parse(text).requirements
    except SelectorSyntaxError as error:
        raise CommandError(
            f"couldn't parse the selector string {quote(text)}: {error}"
        ) from None
    for each in requirements:
        if each.operator in _EQUALITY:
            labels[each.key] = each.values[0]
            continue
        if each.operator is Operator.NOT_EQUALS:
            raise CommandError('"!=" is not a valid label selector operator')
        if each.operator not in _EXPRESSIONS:
            raise CommandError(
                f"{quote(each.operator)} isn't supported in label selectors"
            )
        entry = {"key": each.key, "operator": _EXPRESSIONS[each.operator]}
        expressions.append(
            {**entry, "values": list(each.values)} if each.values else entry
        )
    selector: JsonObject = {}
    if labels:
        selector["matchLabels"] = labels
    if expressions:
        selector["matchExpressions"] = expressions
    return selector
