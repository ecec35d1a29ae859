"""The API of a cluster as mini-kube itself uses it: few requests, no event loop."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from certs.pki import Pki
from cluster.services import API_SERVER, authority
from hops.blocking.client import BlockingClient
from hops.blocking.responses import RequestError
from hops.blocking.tls import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.layout import Layout
    from cluster.settings import ClusterSettings

__all__ = ["ApiClient", "ApiError"]

_TIMEOUT: Final = 5.0
_WATCH_SECONDS: Final = 1
_PAUSE: Final = 0.02


class ApiError(Exception):
    """The API server refused; `code` is the HTTP status, 0 when no answer came."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ApiClient:
    """The administrator's connection to one cluster. Close it when done."""

    def __init__(self, server: str, tls: TlsSettings) -> None:
        self._server = server
        self._tls = tls
        self._clients: dict[str, BlockingClient] = {}

    @classmethod
    def of_cluster(cls, layout: Layout, settings: ClusterSettings) -> Self:
        """A client with the administrator's certificate."""
        pki = Pki(layout.pki)
        tls = TlsSettings(
            ca_file=str(pki.ca_cert),
            cert_file=str(pki.admin.cert),
            key_file=str(pki.admin.key),
        )
        where = authority(settings.client_host, settings.ports[API_SERVER])
        return cls(f"https://{where}", tls)

    def close(self) -> None:
        while self._clients:
            self._clients.popitem()[1].close()

    def accepts(self, path: Path) -> bool:
        """Whether somebody listens on a Unix socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(path)) == 0

    def is_healthy(self, host: str, port: int, path: str) -> bool:
        """Whether this HTTPS path answers 200."""
        try:
            answer = self._client(f"https://{authority(host, port)}").request(
                "GET", path
            )
        except RequestError:
            return False
        return answer.status == 200

    def node_states(self, name: str) -> Iterator[dict[str, Any] | None]:
        """As `states`, for a node; None also while the server cannot be asked."""
        while True:
            try:
                yield from self.states("/api/v1/nodes", name)
            except ApiError:
                time.sleep(_PAUSE)
                yield None

    def states(self, collection: str, name: str) -> Iterator[dict[str, Any] | None]:
        """An object now, after each change, and about every second; None: absent.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        query = f"{collection}?fieldSelector=metadata.name%3D{quote(name)}"
        while True:
            listed = self.call("GET", query)
            yield from listed["items"] or [None]
            version = listed["metadata"]["resourceVersion"]
            yield from self._watch(f"{query}&watch=1&resourceVersion={version}")

    def items(self, path: str) -> list[dict[str, Any]]:
        """All objects of a collection.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        found: list[dict[str, Any]] = self.call("GET", path)["items"]
        return found

    def get(self, path: str) -> dict[str, Any] | None:
        """An object, or None when there is none.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        try:
            return self.call("GET", path)
        except ApiError as err:
            if err.code == 404:
                return None
            raise

    def create(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Create an object in a collection.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        return self.call("POST", path, document)

    def delete(self, path: str) -> None:
        """Delete an object; it may be gone already.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        try:
            self.call("DELETE", path)
        except ApiError as err:
            if err.code != 404:
                raise

    def call(
        self, method: str, target: str, document: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One request with a JSON answer.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        body = b"" if document is None else json.dumps(document).encode()
        headers = [("Accept", "application/json")]
        if body:
            headers.append(("Content-Type", "application/json"))
        try:
            answer = self._client(self._server).request(method, target, headers, body)
        except RequestError as err:
            raise ApiError(0, str(err)) from err
        if answer.status >= 400:
            raise ApiError(answer.status, _message(answer.body))
        parsed: dict[str, Any] = json.loads(answer.body)
        return parsed

    def _watch(self, target: str) -> Iterator[dict[str, Any] | None]:
        """One object as it changes, for about a second."""
        limited = f"{target}&timeoutSeconds={_WATCH_SECONDS}"
        rest = b""
        try:
            with self._client(self._server).stream("GET", limited) as answer:
                for chunk in answer.chunks():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            return  # list again
                        gone = event["type"] == "DELETED"
                        yield None if gone else event["object"]
        except RequestError as err:
            raise ApiError(0, str(err)) from err

    def _client(self, base: str) -> BlockingClient:
        client = self._clients.get(base)
        if client is None:
            client = BlockingClient(base, tls=self._tls, timeout=_TIMEOUT)
            self._clients[base] = client
        return client


def _message(body: bytes) -> str:
    """The message of a Status, or the body when it is none."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()
