"""Who we are to the server: certificates, tokens, plugins, impersonation.

Source: kubernetes/client-go transport/round_trippers.go (order and headers),
plugin/pkg/client/auth/exec/exec.go (plugins, client.authentication.k8s.io/v1).
Credentials go out over https only, as client-go does.
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from apimachinery.kubeconfig import ClientConfig
    from apimachinery.types import JsonObject

__all__ = ["Credentials"]


class Credentials:
    """The credentials of one user of a kubeconfig."""

    def __init__(self, config: ClientConfig, *, secure: bool) -> None:
        self._config = config
        self._secure = secure
        self._username = config.username
        self._password = config.password
        self._plugin: JsonObject | None = None

    def prepare(self) -> None:
        """Ask for a user name where there is nothing to show, as kubectl does."""
        if not self._config.has_credentials:
            self._username = _ask("Username")
            self._password = _ask("Password")

    def certificate(self) -> dict[str, Any]:
        """The client certificate, as fields of TlsSettings."""
        config = self._config
        if config.exec and not _has_static(config):
            status = self._run_plugin()
            return {
                "cert_data": str(status.get("clientCertificateData") or "").encode(),
                "key_data": str(status.get("clientKeyData") or "").encode(),
            }
        return {
            "cert_file": config.client_certificate,
            "cert_data": config.client_certificate_data,
            "key_file": config.client_key,
            "key_data": config.client_key_data,
        }

    def headers(self) -> Iterator[tuple[str, str]]:
        """The headers that say who asks, and as whom."""
        if self._secure and (value := self._authorization()):
            yield "Authorization", value
        yield from self._impersonation()

    def refresh(self) -> bool:
        """After a 401: whether new credentials are there to try again with."""
        if self._plugin is None:
            return False
        self._plugin = None
        return True

    def _authorization(self) -> str:
        config = self._config
        if self._username:
            import base64

            pair = f"{self._username}:{self._password}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        token = config.token
        if config.token_file:
            # Source: client_config.go, where the file goes before the token
            token = _read_token(config.token_file) or token
        if not token and config.exec:
            token = str(self._run_plugin().get("token") or "")
        return f"Bearer {token}" if token else ""

    def _impersonation(self) -> Iterator[tuple[str, str]]:
        config = self._config
        named = config.as_uid or config.as_groups or config.as_user_extra
        if named and not config.as_user:
            raise CommandError(
                "requesting uid, groups or user-extra for"
                f" {config.user_name} without impersonating a user"
            )
        if config.as_user:
            yield "Impersonate-User", config.as_user
        if config.as_uid:
            yield "Impersonate-Uid", config.as_uid
        for group in config.as_groups:
            yield "Impersonate-Group", group
        for key, values in config.as_user_extra:
            for value in values:
                yield f"Impersonate-Extra-{_escape(key)}", value

    def _run_plugin(self) -> JsonObject:
        if self._plugin is None:
            from kubectl_cli.client.exec_plugin import run_plugin

            assert self._config.exec is not None  # noqa: S101 - the callers have looked
            self._plugin = run_plugin(self._config.exec, self._config)
        return self._plugin


def _has_static(config: ClientConfig) -> bool:
    return bool(config.client_certificate or config.client_certificate_data)


def _read_token(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError as error:
        problem = (error.strerror or "").lower()
        text = f'failed to read token file "{path}": open {path}: {problem}'
        raise CommandError(text) from None


def _escape(key: str) -> str:
    """Header names hold no slash: percent-encoded, as client-go does."""
    from urllib.parse import quote

    return quote(key.lower(), safe="!#$&'*+-.^_`|~")


def _ask(what: str) -> str:
    import sys

    print(f"Please enter {what}: ", end="", flush=True)
    if what == "Password" and sys.stdin.isatty():
        import getpass

        return getpass.getpass("")
    line = sys.stdin.readline()
    if not line:
        raise CommandError("EOF")
    return line.rstrip("\r\n")
