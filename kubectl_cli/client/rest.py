"""The API server as commands see it: JSON in and out, refusals as StatusError.

Source: kubernetes/client-go rest/request.go; the Accept headers are those that
kubectl 1.36 sends.
"""

from __future__ import annotations

import json
import sys
import time

from hops.blocking.client import BlockingClient
from hops.blocking.tls import TlsSettings
from kubectl_cli.client.client_config import request_timeout
from kubectl_cli.client.verbosity import RequestLog
from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Self

    from apimachinery.kubeconfig import ClientConfig
    from apimachinery.status import StatusError
    from apimachinery.types import JsonObject
    from hops.blocking.responses import Response, StreamingResponse, Upgraded
    from kubectl_cli.client.credentials import Credentials
    from kubectl_cli.flags import Options

__all__ = ["ACCEPT_JSON", "ACCEPT_REST", "ACCEPT_TABLE", "Query", "RestClient"]

ACCEPT_JSON = "application/json"
ACCEPT_REST = "application/json, */*"
ACCEPT_TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

Query = list[tuple[str, str]]


class RestClient:
    """Speaks to one server with one user's credentials."""

    def __init__(
        self,
        http: BlockingClient,
        credentials: Credentials,
        command: str,
        log: RequestLog,
        *,
        timeout_text: str = "",
        compress: bool = True,
    ) -> None:
        self.http = http
        self.log = log
        self.warnings = 0
        self.trace_parent = ""
        self._credentials = credentials
        self._timeout_text = timeout_text
        self._base_path = ""
        self._common = [*_identity(command)]
        if compress:
            self._common.append(("Accept-Encoding", "gzip"))
        self._said: set[str] = set()

    @classmethod
    def build(cls, config: ClientConfig, options: Options, command: str) -> Self:
        """The client for a chosen context."""
        from apimachinery.go_duration import format_duration
        from kubectl_cli.client.credentials import Credentials

        server = _server_url(config.server)
        secure = server.startswith("https://")
        credentials = Credentials(config, secure=secure)
        timeout = request_timeout(options)
        tls = TlsSettings()
        if secure:
            credentials.prepare()
            certificate = credentials.certificate()
            tls = TlsSettings(
                ca_file=config.certificate_authority,
                ca_data=config.certificate_authority_data,
                insecure=config.insecure_skip_tls_verify,
                server_name=config.tls_server_name,
                **certificate,
            )
        http = BlockingClient(
            server, tls=tls, proxy_url=config.proxy_url, timeout=timeout
        )
        log = RequestLog(options.number("v"))
        text = format_duration(timeout) if timeout else ""
        compress = not (
            config.disable_compression or options.flag("disable-compression")
        )
        return cls(
            http, credentials, command, log, timeout_text=text, compress=compress
        )

    def get(
        self, path: str, query: Query | None = None, *, accept: str = ACCEPT_JSON
    ) -> JsonObject:
        """GET, as JSON."""
        return self.call("GET", path, query, accept=accept)

    def call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: object = None,
        *,
        accept: str = ACCEPT_JSON,
        content_type: str = ACCEPT_JSON,
    ) -> JsonObject:
        """Any verb with a JSON body and a JSON answer.

        Raises:
            StatusError: the server refuses.
            RequestError: there is no server, or no whole answer.
        """
        response = self.raw(
            method, path, query, body, accept=accept, content_type=content_type
        )
        try:
            value: JsonObject = json.loads(response.body)
        except ValueError:
            kind = _header(response, "content-type").partition(";")[0] or "text/plain"
            raise CommandError(f"serializer for {kind} doesn't exist") from None
        return value

    def raw(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: object = None,
        *,
        accept: str = ACCEPT_REST,
        content_type: str = ACCEPT_JSON,
    ) -> Response:
        """Any verb; the answer as it came, if it is a success."""
        data = b"" if body is None else _encode(body)
        headers = self._headers(accept, content_type if data else "")
        target = self.target(path, query)
        for attempt in range(2):
            response = self._send(method, target, headers, data)
            if response.status == 401 and attempt == 0 and self._credentials.refresh():
                headers = self._headers(accept, content_type if data else "")
                continue
            break
        self._show_warnings(response.headers)
        if not 200 <= response.status <= 206:
            raise self.failure(method, response.status, response.body)
        return response

    def _send(
        self, method: str, target: str, headers: list[tuple[str, str]], data: bytes
    ) -> Response:
        url = self.http.url(target)
        self.log.request(method, url, headers, data, shows_body=True)
        started = time.monotonic()
        response = self.http.request(method, target, headers, data)
        status = f"{response.status} {response.reason}"
        took = time.monotonic() - started
        self.log.response(method, url, status, response.headers, took)
        self.log.body(response.body)
        return response

    def stream_raw(self, target: str) -> StreamingResponse:
        """GET a path with its query as they are, for --raw."""
        path, mark, query = target.partition("?")
        if not mark:
            return self.stream(path, accept=ACCEPT_REST)
        from urllib.parse import parse_qsl

        pairs = parse_qsl(query, keep_blank_values=True)
        return self.stream(path, pairs, accept=ACCEPT_REST)

    def stream(
        self,
        path: str,
        query: Query | None = None,
        *,
        accept: str = ACCEPT_JSON,
        timeout: float | None = None,
    ) -> StreamingResponse:
        """GET whose body is read as it comes: a watch, a log."""
        target = self.target(path, query)
        headers = self._headers(accept, "")
        url = self.http.url(target)
        self.log.request("GET", url, headers, b"", shows_body=False)
        started = time.monotonic()
        answer = self.http.stream("GET", target, headers, timeout=timeout)
        status = f"{answer.status} {answer.reason}"
        took = time.monotonic() - started
        self.log.response("GET", url, status, answer.headers, took)
        self._show_warnings(answer.headers)
        if not 200 <= answer.status <= 206:
            with answer:
                body = b"".join(answer.chunks())
            raise self.failure("GET", answer.status, body)
        return answer

    def watch(
        self,
        path: str,
        query: Query,
        *,
        accept: str = ACCEPT_JSON,
        timeout: float | None = None,
    ) -> Iterator[JsonObject]:
        """The events of a watch, until the server ends it or `timeout` is over."""
        query = [*query, ("watch", "true")]
        with self.stream(path, query, accept=accept, timeout=timeout) as answer:
            for line in lines_of(answer.chunks()):
                if line.strip():
                    yield json.loads(line)

    def upgrade(
        self,
        path: str,
        query: Query,
        headers: Iterable[tuple[str, str]],
        *,
        method: str = "GET",
    ) -> Upgraded | StreamingResponse:
        """Ask for another protocol: a WebSocket on a GET, SPDY on a POST."""
        target = self.target(path, query, limited=False)
        whole = [*self._headers("", ""), *headers]
        url = self.http.url(target)
        self.log.request(method, url, whole, b"", shows_body=False)
        started = time.monotonic()
        answer = self.http.upgrade(method, target, whole)
        head = answer.head
        status = f"{head.status} {head.reason}"
        took = time.monotonic() - started
        self.log.response(method, url, status, head.headers, took)
        return answer

    def target(
        self, path: str, query: Query | None = None, *, limited: bool = True
    ) -> str:
        """Path and query as Go encodes them: keys sorted, blanks as `+`."""
        pairs = list(query or ())
        if self._timeout_text and limited:
            pairs.append(("timeout", self._timeout_text))
        if not pairs:
            return path
        pairs.sort(key=lambda pair: pair[0])
        return f"{path}?" + "&".join(f"{_escape(n)}={_escape(v)}" for n, v in pairs)

    def failure(self, method: str, status: int, body: bytes) -> StatusError:
        """The error that an answer means: its Status, or one made of what there is."""
        from apimachinery.status import StatusError, generic_server_response

        try:
            decoded: Any = json.loads(body)
        except ValueError:
            decoded = None
        if isinstance(decoded, dict) and decoded.get("kind") == "Status":
            return StatusError(decoded)
        text = body.decode("utf-8", "replace").strip()
        return generic_server_response(status, method, server_message=text)

    def identity(self) -> list[tuple[str, str]]:
        """The headers that say who asks."""
        return list(self._credentials.headers())

    def _headers(self, accept: str, content_type: str) -> list[tuple[str, str]]:
        headers = list(self._common)
        if accept:
            headers.append(("Accept", accept))
        if content_type:
            headers.append(("Content-Type", content_type))
        if self.trace_parent:
            headers.append(("traceparent", self.trace_parent))
        return [*headers, *self._credentials.headers()]

    def _show_warnings(self, headers: Iterable[tuple[str, str]]) -> None:
        """`Warning: 299 - "text"` (RFC 7234 5.5) goes to stderr, once each."""
        for name, value in headers:
            if name.lower() != "warning" or not value.startswith("299 "):
                continue
            text = value.partition('"')[2].rpartition('"')[0].replace('\\"', '"')
            if text and text not in self._said:
                self._said.add(text)
                self.warnings += 1
                print(f"Warning: {text}", file=sys.stderr)


def lines_of(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines with their ends; a last one without end comes as it is."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


_PLAIN = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
)


def _escape(text: str) -> str:
    """url.QueryEscape: a blank is `+`. (urllib.parse costs 3 ms to import.)"""
    data = text.encode("utf-8", "surrogateescape")
    if _PLAIN.issuperset(data):
        return text
    return "".join(
        chr(byte) if byte in _PLAIN else "+" if byte == 0x20 else f"%{byte:02X}"
        for byte in data
    )


def _identity(command: str) -> Iterator[tuple[str, str]]:
    """Source: kubernetes/kubectl, KEP-859: headers that name the command."""
    import os

    from kubectl_cli.versions import user_agent

    yield "User-Agent", user_agent()
    yield "Kubectl-Command", f"kubectl {command}"
    raw = os.urandom(16).hex()
    session = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"
    yield "Kubectl-Session", session


def _server_url(server: str) -> str:
    # rest/url_utils.go DefaultServerURL: without a scheme it is http
    url = server if "://" in server else f"http://{server}"
    return url.rstrip("/")


def _encode(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _header(response: Response, name: str) -> str:
    return next((v for n, v in response.headers if n.lower() == name), "")
