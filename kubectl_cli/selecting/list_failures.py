"""Which list could not be had, before why.

Source: kubernetes/cli-runtime pkg/resource/selector.go.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from apimachinery.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_cli.client.rest import Query
    from kubectl_cli.selecting.resources import Resource

__all__ = ["telling_of_list"]


@contextmanager
def telling_of_list(resource: Resource, query: Query) -> Iterator[None]:
    """List inside: the error of the server then says which list it was."""
    try:
        yield
    except StatusError as error:
        if error.reason not in ("NotFound", "BadRequest"):
            raise
        message = f"{_head(resource, dict(query))}: {error.message}"
        raise StatusError({**error.status, "message": message}) from None


def _head(resource: Resource, query: dict[str, str]) -> str:
    from apimachinery.go_text import quote

    what = quote(f"{resource.group}/{resource.version}, Resource={resource.name}")
    labels = query.get("labelSelector", "")
    fields = query.get("fieldSelector", "")
    if not labels and not fields:
        return f"Unable to list {what}"
    return (
        f"Unable to find {what} that match label selector {quote(labels)},"
        f" field selector {quote(fields)}"
    )
