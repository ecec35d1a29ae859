"""From a kubeconfig's context to TLS settings and headers.

Source: kubernetes/client-go rest/config.go, transport/token_source.go.
"""

from __future__ import annotations

import base64
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hops.tls.contexts import client_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from apimachinery.kubeconfig import ClientConfig

__all__ = ["UnsupportedCredentialsError", "authorization", "tls_context"]


class UnsupportedCredentialsError(Exception):
    """The kubeconfig asks for something this client does not do."""


def tls_context(config: ClientConfig) -> ssl.SSLContext | None:
    """The TLS settings of a context, None for plain http.

    Raises:
        UnsupportedCredentialsError: it asks not to verify the server.
        OSError: a file cannot be read.
    """
    if not config.server.startswith("https:"):
        return None
    if config.insecure_skip_tls_verify:
        raise UnsupportedCredentialsError(
            "insecure-skip-tls-verify: a server that is not verified is refused"
        )
    authority = config.certificate_authority_data or config.certificate_authority
    with _key_pair(config) as (cert, key):
        return client_context(authority or None, cert=cert, key=key)


@contextmanager
def _key_pair(config: ClientConfig) -> Iterator[tuple[str | None, str | None]]:
    """Files for OpenSSL, which reads a key from nowhere else."""
    if not config.client_certificate_data:
        yield config.client_certificate or None, config.client_key or None
        return
    # mkdtemp makes the directory 0700; it is gone as soon as the pair is loaded.
    with tempfile.TemporaryDirectory() as directory:
        cert, key = os.path.join(directory, "c"), os.path.join(directory, "k")
        for path, data in (
            (cert, config.client_certificate_data),
            (key, config.client_key_data),
        ):
            with open(path, "wb") as file:
                file.write(data)
        yield cert, key if config.client_key_data else config.client_key or None


def authorization(config: ClientConfig) -> Callable[[], list[tuple[str, str]]]:
    """Makes the headers of each request; a token file is read again when it changes.

    client-go: credentials are sent only when the server URL is https.
    """
    if not config.server.startswith("https:"):
        return list
    if config.token_file:
        return _TokenFile(config.token_file)
    if config.token:
        headers = [("Authorization", f"Bearer {config.token}")]
        return headers.copy
    if config.username:
        pair = f"{config.username}:{config.password}".encode()
        basic = [("Authorization", f"Basic {base64.b64encode(pair).decode()}")]
        return basic.copy
    return list


class _TokenFile:
    def __init__(self, path: str) -> None:
        self._path = path
        self._seen = 0
        self._headers: list[tuple[str, str]] = []

    def __call__(self) -> list[tuple[str, str]]:
        modified = os.stat(self._path).st_mtime_ns
        if modified != self._seen:
            with open(self._path, encoding="utf-8") as file:
                token = file.read().strip()
            self._headers = [("Authorization", f"Bearer {token}")]
            self._seen = modified
        return self._headers.copy()
