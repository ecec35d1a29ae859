"""--sort-by: order by a field, numbers and quantities by value, missing ones first.

Source: kubernetes/kubectl pkg/cmd/get/sorter.go.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from apimachinery.jsonpath import JsonPath, JsonPathError, relaxed
from kubectl_cli.errors import CommandError, SilentExitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["sort_objects"]


def sort_objects(
    items: list[Any], path: str, of: Callable[[Any], Any] | None = None
) -> list[Any]:
    """The items in the order of the field at `path` of `of(item)`.

    Raises:
        CommandError: no item has the field, or the path does not parse.
    """
    try:
        template = JsonPath(relaxed(path), allow_missing_keys=True)
    except JsonPathError as error:
        raise CommandError(str(error)) from None
    keyed: list[tuple[list[Any], Any]] = [
        (template.values(of(item) if of else item), item) for item in items
    ]
    if items and not any(values for values, _ in keyed):
        raise CommandError(
            f'couldn\'t find any field with path "{relaxed(path)}" in the list of objects'
        )
    if len(items) > 1:
        _refuse_unsortable(path, (values[0] for values, _ in keyed if values))
    keyed.sort(key=cmp_to_key(_compare_keyed))
    return [item for _, item in keyed]


def _refuse_unsortable(path: str, values: Iterable[Any]) -> None:
    """kubectl ends here with a line of its log."""
    for value in values:
        if isinstance(value, list | dict):
            kind = "[]" if isinstance(value, list) else "map[string]"
            from kubectl_cli.client.verbosity import klog

            klog(
                "F",
                "sorter.go:375",
                f"Field {relaxed(path)} in [][][]reflect.Value is an unsortable type:"
                f" interface, err: unsortable type: {kind}interface {{}}",
            )
            raise SilentExitError(1)


def _compare_keyed(left: tuple[list[Any], Any], right: tuple[list[Any], Any]) -> int:
    return _compare(left[0], right[0])


def _compare(left: list[Any], right: list[Any]) -> int:
    if not left or not right:
        return len(left) - len(right)
    return compare_values(left[0], right[0])


def compare_values(left: Any, right: Any) -> int:
    """-1, 0 or 1, by the values' own kind of order."""
    if isinstance(left, str) and isinstance(right, str):
        first, second = _quantity(left), _quantity(right)
        if first is not None and second is not None:
            return _sign(first, second)
        return _sign(natural(left), natural(right))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _sign(left, right)
    return _sign(str(left), str(right))


def _quantity(text: str) -> Any:
    from apimachinery.quantity import Quantity, QuantityError

    try:
        return Quantity.parse(text).amount
    except QuantityError:
        return None


def natural(text: str) -> list[tuple[int, str]]:
    """fvbommel/sortorder: digits in names by value."""
    import re

    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)
