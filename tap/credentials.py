"""What the tap shows to the real API server: the credentials of the kubeconfig's user.

Certificates, tokens, token files, basic auth and credential plugins, used as client-go
uses them: over https only, a token file read again when it changes, a plugin asked
again when its credential has expired or was refused.

Source: kubernetes/client-go transport, plugin/pkg/client/auth/exec/exec.go.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hops.errors import ConnectError
from hops.tls.contexts import client_context
from kube_client.credentials import authorization

if TYPE_CHECKING:
    from apimachinery.kubeconfig import ClientConfig
    from apimachinery.types import JsonObject

__all__ = ["UserCredentials"]


class UserCredentials:
    """The user of one context. `refresh` first, then `headers` and `tls`."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._secure = config.server.startswith("https:")
        self._static = authorization(config)
        self._plugin: JsonObject | None = None
        self._ends: datetime | None = None
        self._lock = asyncio.Lock()
        self._headers: list[tuple[str, str]] = []
        self._context: ssl.SSLContext | None = None

    async def refresh(self) -> None:
        """Get what is missing or has expired.

        Raises:
            ConnectError: the plugin or a file does not give it.
        """
        async with self._lock:
            if self._needs_plugin():
                await self._run_plugin()
            try:
                self._headers = self._static()
            except OSError as err:
                raise ConnectError(f"getting credentials: {err}", err) from err
            if self._plugin is not None and self._plugin.get("token"):
                token = self._plugin["token"]
                self._headers = [("Authorization", f"Bearer {token}")]

    def headers(self) -> list[tuple[str, str]]:
        """What goes along with each request."""
        return self._headers

    def tls(self) -> ssl.SSLContext | None:
        """The settings of the next connection; None for plain http."""
        if self._secure and self._context is None:
            self._context = self._make_context()
        return self._context

    def refused(self) -> None:
        """The server said 401: what the plugin gave is not used again."""
        # exec.go, maybeRefreshCreds: this answer stands, the next request has new ones
        self._plugin = None

    def _needs_plugin(self) -> bool:
        config = self._config
        if not self._secure or not config.exec or config.client_certificate:
            return False
        if config.client_certificate_data or config.token or config.token_file:
            return False
        expired = self._ends is not None and self._ends <= datetime.now(UTC)
        return self._plugin is None or expired

    async def _run_plugin(self) -> None:
        from hops.blocking.responses import RequestError
        from kubectl_cli.client.exec_plugin import run_plugin

        plugin = self._config.exec
        if plugin is None:
            return
        try:
            status = await asyncio.to_thread(run_plugin, plugin, self._config)
        except RequestError as err:
            raise ConnectError(str(err), err) from err
        self._plugin = status
        self._ends = _moment(status.get("expirationTimestamp"))
        if status.get("clientCertificateData"):
            self._context = None  # another certificate, on new connections

    def _make_context(self) -> ssl.SSLContext:
        config = self._config
        authority = config.certificate_authority_data or config.certificate_authority
        with tempfile.TemporaryDirectory() as folder:  # 0700, gone when it is loaded
            cert, key = self._key_pair(folder)
            context = client_context(authority or None, cert=cert, key=key)
        if config.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _key_pair(self, folder: str) -> tuple[str | None, str | None]:
        """Files for OpenSSL, which reads a key from nowhere else."""
        config = self._config
        cert, key = config.client_certificate_data, config.client_key_data
        if self._plugin is not None and self._plugin.get("clientCertificateData"):
            cert = str(self._plugin["clientCertificateData"]).encode()
            key = str(self._plugin["clientKeyData"]).encode()
        cert_file = _write(folder, "cert", cert) or config.client_certificate or None
        return cert_file, _write(folder, "key", key) or config.client_key or None


def _write(folder: str, name: str, data: bytes) -> str | None:
    if not data:
        return None
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def _moment(text: object) -> datetime | None:
    """RFC 3339, or nothing: then the credential lasts as long as the process."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
