"""The Kubernetes API of one cluster: objects as dicts, for the administrator.

Requests go over `hops.blocking.client`, with connections of its own for each thread.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from hops.blocking.client import BlockingClient
from hops.blocking.responses import RequestError, Upgraded
from mini_kube.errors import ApiError, ClusterError, WaitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hops.blocking.tls import TlsSettings

__all__ = ["Api", "Manifest", "refusal"]

#: A Kubernetes object as JSON has it.
Manifest = dict[str, Any]

_TIMEOUT: Final = 60.0
_MANAGER: Final = "mini-kube"
_PATCHES: Final = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}


class Api:
    """The client. May be used by several threads at once. Close it when done."""

    def __init__(self, server: str, tls: TlsSettings) -> None:
        self._server = server
        self._tls = tls
        self._local = threading.local()
        self._clients: list[BlockingClient] = []
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}

    def close(self) -> None:
        """Close the idle connections of all threads."""
        while self._clients:
            self._clients.pop().close()
        self._local = threading.local()

    def path(self, manifest: Manifest, namespace: str) -> str:
        """Where an object of this kind and name is.

        `namespace` is for objects that name none; it plays no part for kinds that live
        in none.

        Raises:
            ApiError: the server does not have the kind.
        """
        metadata = manifest.get("metadata") or {}
        kind, version = _of(manifest, "kind"), _of(manifest, "apiVersion")
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural, namespaced = self._resource(root, version, kind)
        where = metadata.get("namespace") or namespace
        collection = f"/namespaces/{quote(where)}" if namespaced else ""
        name = metadata.get("name")
        end = f"/{quote(name)}" if name else ""
        return f"{root}{collection}/{plural}{end}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        """One request with a JSON answer.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        data = b"" if body is None else json.dumps(body).encode()
        headers = [("Accept", "application/json"), ("User-Agent", "mini-kube")]
        if data:
            headers.append(("Content-Type", content_type))
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            answer = self._client().request(method, target, headers, data)
        except RequestError as err:
            raise ApiError(str(err)) from err
        if answer.status >= 400:
            raise refusal(answer.status, answer.body)
        parsed: Manifest = json.loads(answer.body)
        return parsed

    def text(self, path: str, query: Mapping[str, str]) -> bytes:
        """One GET with an answer of any kind, such as a log.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        try:
            answer = self._client().request("GET", f"{path}?{urlencode(query)}")
        except RequestError as err:
            raise ApiError(str(err)) from err
        if answer.status >= 400:
            raise refusal(answer.status, answer.body)
        return answer.body

    def apply(self, manifest: Manifest, namespace: str) -> Manifest:
        """Server-side apply; conflicts are decided for us.

        Raises:
            ApiError: the server refused.
        """
        return self.patch(
            self.path(manifest, namespace),
            manifest,
            "apply",
            query={
                "fieldManager": _MANAGER,
                "force": "true",
                "fieldValidation": "Strict",  # as kubectl asks for
            },
        )

    def patch(
        self,
        path: str,
        body: Any,
        kind: str = "merge",
        *,
        query: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Change an object; `kind` is apply, merge, strategic or json.

        Raises:
            ApiError: the server refused.
        """
        return self.call("PATCH", path, body, query=query, content_type=_PATCHES[kind])

    def items(self, path: str, selector: str = "") -> list[Manifest]:
        """All objects of a collection, or those with these labels.

        Raises:
            ApiError: the server refused.
        """
        query = {"labelSelector": selector} if selector else None
        found: list[Manifest] = self.call("GET", path, query=query)["items"]
        return found

    def delete(self, path: str, *, grace_seconds: int | None = None) -> None:
        """Delete an object, or a collection; what is gone already is no error.

        Raises:
            ApiError: the server refused.
        """
        query: dict[str, str] = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            query["gracePeriodSeconds"] = str(grace_seconds)
        try:
            self.call("DELETE", path, query=query)
        except ApiError as err:
            if err.code != 404:
                raise

    def wait(
        self,
        path: str,
        holds: Callable[[Manifest | None], bool],
        *,
        timeout: float,
        what: str = "",
    ) -> Manifest | None:
        """An object, once `holds` is true of it; None stands for its absence.

        Raises:
            WaitError: it did not come true within `timeout` seconds.
            ApiError: the server refused.
        """
        deadline = time.monotonic() + timeout
        state: Manifest | None = None
        for state in self._states(path, deadline):
            if holds(state):
                return state
        shown = json.dumps(state.get("status", state)) if state else "it is not there"
        name = path.rpartition("/")[2]
        raise WaitError(
            f"{name} is not {what or 'as wanted'} after {timeout} s: {shown}"
        )

    def upgrade(
        self, path: str, query: list[tuple[str, str]], headers: list[tuple[str, str]]
    ) -> Upgraded | ApiError:
        """Ask for another protocol on a connection of its own.

        Returns:
            The connection, which the caller closes, or why it was refused.

        Raises:
            ApiError: no answer came.
        """
        target = f"{path}?{urlencode(query)}"
        with self._make() as client:
            try:
                answer = client.upgrade("GET", target, headers)
                if isinstance(answer, Upgraded):
                    return answer
                with answer:
                    return refusal(answer.status, b"".join(answer.chunks()))
            except RequestError as err:
                raise ApiError(str(err)) from err

    def _states(self, path: str, deadline: float) -> Iterator[Manifest | None]:
        """An object now and after each change, until the deadline."""
        collection, _, name = path.rpartition("/")
        query = {"fieldSelector": f"metadata.name={name}"}
        while (left := deadline - time.monotonic()) > 0:
            listed = self.call("GET", collection, query=query)
            yield from listed["items"] or [None]
            version = listed["metadata"]["resourceVersion"]
            watch = {"watch": "1", "resourceVersion": version}
            seconds = {"timeoutSeconds": str(max(1, round(left)))}
            yield from self._watch(f"{collection}?{urlencode(query | watch | seconds)}")

    def _watch(self, target: str) -> Iterator[Manifest | None]:
        rest = b""
        client = self._make()
        try:
            with client.stream("GET", target) as answer:
                for chunk in answer.chunks():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            return  # list again
                        yield None if event["type"] == "DELETED" else event["object"]
        except RequestError as err:
            raise ApiError(str(err)) from err
        finally:
            client.close()

    def _resource(self, root: str, version: str, kind: str) -> tuple[str, bool]:
        """Plural of a kind, and whether it lives in namespaces."""
        known = self._resources.get(root)
        if known is None or kind not in known:
            listed = self.call("GET", root)["resources"]
            known = {
                each["kind"]: (each["name"], each["namespaced"])
                for each in listed
                if "/" not in each["name"]
            }
            self._resources[root] = known
        try:
            return known[kind]
        except KeyError:
            raise ApiError(
                f'no matches for kind "{kind}" in version "{version}"'
            ) from None

    def _client(self) -> BlockingClient:
        client: BlockingClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._make()
            self._clients.append(client)
        return client

    def _make(self) -> BlockingClient:
        return BlockingClient(self._server, tls=self._tls, timeout=_TIMEOUT)


def _of(manifest: Manifest, field: str) -> str:
    value = manifest.get(field)
    if not isinstance(value, str) or not value:
        raise ClusterError(f"the manifest has no {field}")
    return value


def refusal(status: int, body: bytes) -> ApiError:
    """The error that an answer is: its Status, or its text."""
    try:
        document = json.loads(body)
        return ApiError(str(document["message"]), status, document)
    except (ValueError, KeyError, TypeError):
        return ApiError(body.decode(errors="replace").strip(), status)
