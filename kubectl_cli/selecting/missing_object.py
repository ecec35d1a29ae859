"""An object that is not found, told by its name even when the answer does not name it.

Source: kubernetes/apimachinery pkg/api/errors/errors.go (NewGenericServerResponse).
"""

from __future__ import annotations

from contextlib import contextmanager

from kubectl_cli.selecting.missing_namespace import telling_of_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_cli.client.rest import RestClient
    from kubectl_cli.selecting.resources import Resource

__all__ = ["telling_of_object"]

_UNNAMED = "the server could not find the requested resource"


@contextmanager
def telling_of_object(
    client: RestClient, resource: Resource, namespace: str, name: str
) -> Iterator[None]:
    """Get an object inside: its absence is told, or that of its namespace."""
    try:
        with telling_of_namespace(client, namespace):
            yield
    except Exception as error:
        from apimachinery.status import StatusError  # 10 ms: only when it failed

        if not isinstance(error, StatusError) or error.message != _UNNAMED:
            raise
        message = f"{_UNNAMED} (get {resource.full_name} {name})"
        raise StatusError({**error.status, "message": message}) from None
