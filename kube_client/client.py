"""An asynchronous Kubernetes client: verbs, watches, errors; objects are JSON.

Refusals are StatusError, whatever body the server gave them. Trouble below HTTP is
passed on as it is: ConnectError and other OSErrors, RemoteProtocolError, TimeoutError.
"""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from apimachinery.kubeconfig import load_file, resolve
from apimachinery.status import from_status, generic_server_response
from hops.client import HttpClient
from kube_client.credentials import authorization, tls_context
from kube_client.resources import Resource
from kube_client.watch import WatchDecoder, WatchEvent

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Mapping

    from apimachinery.kubeconfig import ClientConfig
    from apimachinery.status import StatusError
    from apimachinery.types import JsonObject
    from hops.client import StreamingResponse
    from hops.hop import Hop
    from hops.hops import Hops

__all__ = ["APPLY_PATCH", "JSON_PATCH", "MERGE_PATCH", "STRATEGIC_PATCH", "KubeClient"]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

REQUEST_TIMEOUT = 30.0
"""Seconds for one ordinary request; the API server itself gives up after 60."""


class KubeClient:
    """One server, one identity. Who makes it closes it."""

    def __init__(
        self, http: HttpClient, credentials: Callable[[], list[tuple[str, str]]] = list
    ) -> None:
        self._http = http
        self._credentials = credentials

    @classmethod
    def from_kubeconfig(
        cls, hops: Hops, hop: Hop, path: str | os.PathLike[str], *, user_agent: str
    ) -> Self:
        """A client of the file's current context.

        Raises:
            OSError, KubeconfigError, UnsupportedCredentialsError
        """
        return cls.from_config(
            hops, hop, resolve(load_file(str(path))), user_agent=user_agent
        )

    @classmethod
    def from_config(
        cls, hops: Hops, hop: Hop, config: ClientConfig, *, user_agent: str
    ) -> Self:
        http = HttpClient(
            hops,
            hop,
            config.server.rstrip("/"),
            tls=tls_context(config),
            server_hostname=config.tls_server_name or None,
            headers=[("User-Agent", user_agent), ("Accept", "application/json")],
        )
        return cls(http, authorization(config))

    @property
    def server(self) -> str:
        """The base URL."""
        return self._http.base_url

    async def get(
        self, resource: Resource, name: str, *, namespace: str | None = None
    ) -> JsonObject:
        return await self._json("GET", resource, name, namespace)

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        field_selector: str = "",
        label_selector: str = "",
        resource_version: str = "",
    ) -> JsonObject:
        """The whole list object: `items`, and `metadata.resourceVersion`."""
        query = _selection(field_selector, label_selector)
        if resource_version:
            query["resourceVersion"] = resource_version
        return await self._json("GET", resource, "", namespace, query=query)

    async def create(
        self,
        resource: Resource,
        body: JsonObject,
        *,
        namespace: str | None = None,
        name: str = "",
        subresource: str = "",
    ) -> JsonObject:
        """POST to a collection, or to a subresource of a named object."""
        return await self._json(
            "POST", resource, name, namespace, subresource, body=body
        )

    async def update(
        self,
        resource: Resource,
        body: JsonObject,
        *,
        namespace: str | None = None,
        subresource: str = "",
    ) -> JsonObject:
        """PUT an object under its own name."""
        name = body["metadata"]["name"]
        return await self._json(
            "PUT", resource, name, namespace, subresource, body=body
        )

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Any,
        *,
        namespace: str | None = None,
        subresource: str = "",
        content_type: str = STRATEGIC_PATCH,
        query: Mapping[str, str] | None = None,
    ) -> JsonObject:
        return await self._json(
            "PATCH",
            resource,
            name,
            namespace,
            subresource,
            body=body,
            content_type=content_type,
            query=dict(query or {}),
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        *,
        namespace: str | None = None,
        options: JsonObject | None = None,
    ) -> JsonObject:
        """DELETE with DeleteOptions; answers the object or a Status."""
        return await self._json("DELETE", resource, name, namespace, body=options)

    async def watch(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        field_selector: str = "",
        label_selector: str = "",
        resource_version: str = "",
        timeout_seconds: int | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Events from `resource_version` on, bookmarks included, until the server ends.

        Raises:
            StatusError: refused, or an ERROR event came (410 Expired: list again).
        """
        query = _selection(field_selector, label_selector)
        query |= {"watch": "true", "allowWatchBookmarks": "true"}
        if resource_version:
            query["resourceVersion"] = resource_version
        if timeout_seconds is not None:
            query["timeoutSeconds"] = str(timeout_seconds)
        target = resource.path(namespace=namespace, query=query)
        decoder = WatchDecoder()
        async with self._http.stream(
            "GET", target, headers=self._credentials()
        ) as response:
            if response.status != 200:
                content = await response.read(1 << 20)
                raise _refusal(response.status, content, "GET", resource, "")
            async with aclosing(_chunks(response)) as chunks:
                async for chunk in chunks:
                    for event in decoder.receive_data(chunk):
                        if event.type == "ERROR":
                            raise from_status(event.object)
                        yield event

    async def document(self, path: str) -> JsonObject:
        """What a GET of a path answers that is no object: discovery, the version."""
        response = await self._http.request(
            "GET", path, headers=self._credentials(), timeout=REQUEST_TIMEOUT
        )
        if response.status >= 300:
            raise _refusal(response.status, response.body, "GET", Resource("", ""), "")
        answer: JsonObject = json.loads(response.body)
        return answer

    async def healthy(self, path: str = "/readyz") -> bool:
        """Whether the server answers 200 on a health path."""
        response = await self._http.request("GET", path, headers=self._credentials())
        return response.status == 200

    async def close(self) -> None:
        """Close kept connections."""
        await self._http.close()

    async def _json(
        self,
        method: str,
        resource: Resource,
        name: str,
        namespace: str | None,
        subresource: str = "",
        *,
        body: Any = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> JsonObject:
        target = resource.path(
            name, namespace=namespace, subresource=subresource, query=query
        )
        headers = self._credentials()
        content = b""
        if body is not None:
            content = json.dumps(body, separators=(",", ":")).encode()
            headers.append(("Content-Type", content_type))
        response = await self._http.request(
            method, target, headers=headers, body=content, timeout=REQUEST_TIMEOUT
        )
        if response.status >= 300:
            raise _refusal(response.status, response.body, method, resource, name)
        answer: JsonObject = json.loads(response.body)
        return answer


async def _chunks(response: StreamingResponse) -> AsyncGenerator[bytes, None]:
    async for chunk in response:
        yield chunk


def _selection(field_selector: str, label_selector: str) -> dict[str, str]:
    query = {"fieldSelector": field_selector, "labelSelector": label_selector}
    return {name: value for name, value in query.items() if value}


def _refusal(
    code: int, body: bytes, method: str, resource: Resource, name: str
) -> StatusError:
    """The server's own Status, or what client-go makes of another body."""
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return from_status({"code": code, **status})
    text = body[:2048].decode("utf-8", "replace").strip()
    return generic_server_response(
        code, method, resource.group_resource, name, server_message=text
    )
