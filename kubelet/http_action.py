"""An HTTP request to a pod, as httpGet of probes and hooks means it.

Source: kubernetes/kubernetes pkg/probe/http/{http,request}.go,
pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from hops.client import HttpClient
from hops.clock import answer_timeout
from hops.hop import Hop
from kubelet.ports import resolve_port
from wire.errors import ProtocolError
from wire.http1 import get_header

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from hops.client import StreamingResponse
    from hops.hops import Hops

__all__ = ["HttpActionError", "HttpAnswer", "http_action"]

_MAX_BODY = 10 * 1024
_MAX_REDIRECTS = 10


class HttpActionError(Exception):
    """No answer; the text is Go's."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: str


async def http_action(
    hops: Hops,
    action: JsonObject,
    container: JsonObject,
    pod_ip: str,
    *,
    user_agent: str,
    seconds: float,
) -> HttpAnswer:
    """GET what the action says, from the pod's address unless it names a host.

    Raises:
        HttpActionError: refused, timed out, or not HTTP.
        PortError: the port's name is unknown.
    """
    scheme = (action.get("scheme") or "HTTP").lower()
    host = action.get("host") or pod_ip
    port = resolve_port(action["port"], container)
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    path = action.get("path") or "/"
    url = f"{scheme}://{authority}/{path.lstrip('/')}"
    headers = _headers(action, user_agent)
    try:
        async with answer_timeout(seconds):
            return await _get(hops, url, headers)
    except TimeoutError as err:
        reason = (
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )
        raise HttpActionError(f'Get "{url}": {reason}') from err
    except (OSError, ProtocolError) as err:
        raise HttpActionError(f'Get "{url}": {err}') from err


async def _get(hops: Hops, url: str, headers: list[tuple[str, str]]) -> HttpAnswer:
    for _ in range(_MAX_REDIRECTS):
        parts = urlsplit(url)
        target = parts.path or "/"
        if parts.query:
            target = f"{target}?{parts.query}"
        client = HttpClient(
            hops,
            Hop.KUBELET_POD,
            f"{parts.scheme}://{parts.netloc}",
            tls=_unverified() if parts.scheme == "https" else None,
        )
        async with client, client.stream("GET", target, headers=headers) as response:
            location = _redirect(response)
            if (
                not location
                or urlsplit(urljoin(url, location)).hostname != parts.hostname
            ):
                # A redirect to another host is an answer of its own: it succeeded.
                body = await response.read(_MAX_BODY)
                return HttpAnswer(response.status, body.decode("utf-8", "replace"))
        url = urljoin(url, location)
    raise ProtocolError(f"stopped after {_MAX_REDIRECTS} redirects")


def _redirect(response: StreamingResponse) -> str:
    if response.status not in (301, 302, 303, 307, 308):
        return ""
    return get_header(response.headers, "location") or ""


def _headers(action: JsonObject, user_agent: str) -> list[tuple[str, str]]:
    given = [(h["name"], h.get("value", "")) for h in action.get("httpHeaders") or []]
    names = {name.lower() for name, _ in given}
    headers = [
        (name, value) for name, value in given if value or name.lower() == "host"
    ]
    for name, value in (("User-Agent", user_agent), ("Accept", "*/*")):
        # An empty value in the spec removes the header.
        if name.lower() not in names:
            headers.append((name, value))
    return [*headers, ("Connection", "close")]


def _unverified() -> ssl.SSLContext:
    """A pod's certificate is its own affair.

    kubernetes.io "Configure Probes": "the kubelet sends an HTTPS request skipping the
    certificate verification". No credentials go this way.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
