"""An object that is not found because its namespace is not there.

Source: kubernetes/cli-runtime pkg/resource/visitor.go (Info.Get): on NotFound, outside
of the namespace default, it asks for the namespace and tells of the one that is missing.
"""

from __future__ import annotations

from contextlib import contextmanager

from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.selecting.resources import NAMESPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_cli.client.rest import RestClient

__all__ = ["telling_of_namespace"]


@contextmanager
def telling_of_namespace(client: RestClient, namespace: str) -> Iterator[None]:
    """Get an object inside: its absence becomes its namespace's, if that is missing."""
    try:
        yield
    except Exception as error:
        from apimachinery.status import StatusError  # 10 ms: only when it failed

        missing = isinstance(error, StatusError) and error.reason == "NotFound"
        if missing and namespace not in ("", "default"):
            _look_for(client, namespace)
        raise


def _look_for(client: RestClient, namespace: str) -> None:
    from apimachinery.status import StatusError

    try:
        client.get(NAMESPACE.path("", namespace), accept=ACCEPT_REST)
    except StatusError as error:
        if error.reason == "NotFound":
            raise error from None
