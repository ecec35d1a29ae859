"""`cpu=200m,memory=512Mi` on a command line.

Source: kubernetes/kubectl pkg/generate/versioned/run.go (populateResourceListV1).
"""

from __future__ import annotations

from apimachinery.quantity import Quantity, QuantityError
from kubectl_cli.errors import CommandError

__all__ = ["parse_resource_list"]


def parse_resource_list(text: str) -> dict[str, str]:
    """Amounts by resource, in their canonical form; {} for no text."""
    found: dict[str, str] = {}
    for statement in text.split(",") if text else ():
        parts = statement.split("=")
        if len(parts) != 2:
            raise CommandError(
                f"Invalid argument syntax {statement}, expected <resource>=<value>"
            )
        try:
            found[parts[0]] = str(Quantity.parse(parts[1]))
        except QuantityError as error:
            raise CommandError(str(error)) from None
    return found
