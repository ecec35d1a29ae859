"""TLS, credentials, proxies and failures on the way to the server."""

from __future__ import annotations

import base64
import json
import os
import socket
import stat
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import write_kubeconfig  # type: ignore[import-not-found]
from cryptography.hazmat.primitives.serialization import Encoding
from stub_server import (  # type: ignore[import-not-found]
    Answer,
    Request,
    StubServer,
    json_answer,
)

from certs.authority import CertificateAuthority
from certs.profile import Profile, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certs.authority import Certificate


def version(request: Request) -> Answer:
    return json_answer({"gitVersion": "v1.36.2", "major": "1", "minor": "36"})


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Pki:
    """An authority, and servers and clients it vouches for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = CertificateAuthority.create("test-ca", time.time() - 7200)
        self.ca_data = encoded(self.authority.certificate.cert_pem)
        self.ca_file = folder / "ca.crt"
        self.ca_file.write_bytes(self.authority.certificate.cert_pem)

    def server(
        self, *hosts: str, now: float | None = None, lifetime: float = 86400
    ) -> Path:
        profile = Profile("server", hosts=hosts, usages=(Usage.SERVER,))
        start = time.time() - 60 if now is None else now
        issued = self.authority.issue(profile, start, lifetime=lifetime)
        path = self.folder / f"server-{len(hosts)}-{start}.pem"
        path.write_bytes(issued.cert_pem + issued.key_pem)
        return path

    def client(self, name: str) -> Certificate:
        profile = Profile(name, usages=(Usage.CLIENT,))
        return self.authority.issue(profile, time.time() - 60)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def ask(kubectl: Callable[..., Any], config: Path, *more: str) -> Any:
    return kubectl(None, "--kubeconfig", str(config), *more, "get", "--raw", "/version")


def test_a_verified_server_gets_the_token(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("127.0.0.1"))
    config = write_kubeconfig(
        pki.folder / "config", server.url, **{"certificate-authority-data": pki.ca_data}
    )

    result = ask(kubectl, config)

    assert result.code == 0
    assert server.requests[0].header("authorization") == "Bearer secret"


def test_plain_http_gets_no_credentials(
    serve: Callable[..., Any], kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve(version)

    ask(kubectl, write_kubeconfig(tmp_path / "config", server.url))

    assert server.requests[0].header("authorization") is None


@pytest.mark.parametrize("inline", [True, False])
def test_client_certificates_are_shown(
    inline: bool, pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    issued = pki.client("admin")
    if inline:
        user = {
            "client-certificate-data": encoded(issued.cert_pem),
            "client-key-data": encoded(issued.key_pem),
        }
    else:
        (pki.folder / "c.crt").write_bytes(issued.cert_pem)
        (pki.folder / "c.key").write_bytes(issued.key_pem)
        user = {"client-certificate": "c.crt", "client-key": "c.key"}
    server = serve(version, certificate=pki.server("127.0.0.1"), client_ca=pki.ca_file)
    config = write_kubeconfig(
        pki.folder / "config",
        server.url,
        user=user,
        **{"certificate-authority": "ca.crt"},
    )

    result = ask(kubectl, config)

    assert (result.stderr, result.code) == ("", 0)
    assert server.requests[0].peer_certificate == issued.x509.public_bytes(Encoding.DER)


def test_an_unknown_authority_is_told_in_gos_words(
    pki: Pki,
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    other = Pki(tmp_path_factory.mktemp("other"))
    server = serve(version, certificate=pki.server("127.0.0.1"))
    config = write_kubeconfig(
        pki.folder / "config",
        server.url,
        **{"certificate-authority-data": other.ca_data},
    )

    result = ask(kubectl, config)

    assert (result.stderr, result.code) == (
        "Unable to connect to the server: tls: failed to verify certificate: x509:"
        " certificate signed by unknown authority\n",
        1,
    )


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        (
            ("10.9.8.7", "10.9.8.6"),
            "certificate is valid for 10.9.8.7, 10.9.8.6, not 127.0.0.1",
        ),
        (
            ("example.test",),
            "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP"
            " SANs",
        ),
    ],
)
def test_a_wrong_name_is_told_with_the_right_ones(
    hosts: tuple[str, ...],
    text: str,
    pki: Pki,
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
) -> None:
    server = serve(version, certificate=pki.server(*hosts))
    config = write_kubeconfig(
        pki.folder / "config", server.url, **{"certificate-authority-data": pki.ca_data}
    )

    result = ask(kubectl, config)

    assert result.stderr == (
        "Unable to connect to the server: tls: failed to verify certificate: x509:"
        f" {text}\n"
    )


def test_tls_server_name_is_what_is_checked(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("example.test"))
    config = write_kubeconfig(
        pki.folder / "config",
        server.url,
        **{
            "certificate-authority-data": pki.ca_data,
            "tls-server-name": "example.test",
        },
    )

    assert ask(kubectl, config).code == 0


def test_an_expired_certificate_is_told_with_its_end(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    now = time.time() - 3600
    server = serve(version, certificate=pki.server("127.0.0.1", now=now, lifetime=60))
    config = write_kubeconfig(
        pki.folder / "config", server.url, **{"certificate-authority-data": pki.ca_data}
    )

    result = ask(kubectl, config)

    assert (
        "x509: certificate has expired or is not yet valid: current time"
        in result.stderr
    )
    assert " is after 20" in result.stderr


def test_insecure_skip_tls_verify_is_only_for_who_asks(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("nobody.test"))
    config = write_kubeconfig(pki.folder / "config", server.url)

    refused = ask(kubectl, config)
    accepted = ask(kubectl, config, "--insecure-skip-tls-verify")

    assert (refused.code, accepted.code) == (1, 0)


def test_a_server_that_wants_a_certificate_says_so(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("127.0.0.1"), client_ca=pki.ca_file)
    config = write_kubeconfig(
        pki.folder / "config", server.url, **{"certificate-authority-data": pki.ca_data}
    )

    result = ask(kubectl, config)

    assert result.stderr == (
        "Unable to connect to the server: remote error: tls: certificate required\n"
    )


def test_a_token_file_is_read_for_each_request(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    (pki.folder / "token").write_text("from-file\n")
    server = serve(version, certificate=pki.server("127.0.0.1"))
    config = write_kubeconfig(
        pki.folder / "config",
        server.url,
        user={"tokenFile": "token"},
        **{"certificate-authority-data": pki.ca_data},
    )

    ask(kubectl, config)

    assert server.requests[0].header("authorization") == "Bearer from-file"


def plugin(folder: Path, status: dict[str, Any]) -> dict[str, Any]:
    """An exec credential plugin that prints this status."""
    credential = {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "status": status,
    }
    script = folder / "plugin"
    (folder / "credential").write_text(json.dumps(credential))
    script.write_text(
        f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" > {folder}/info\n'
        f"cat {folder}/credential\n"
    )
    script.chmod(0o700)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "./plugin",
            "interactiveMode": "Never",
        }
    }


def test_a_credential_plugin_gives_the_token(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("127.0.0.1"))
    config = write_kubeconfig(
        pki.folder / "config",
        server.url,
        user=plugin(pki.folder, {"token": "plugged"}),
        **{"certificate-authority-data": pki.ca_data},
    )

    ask(kubectl, config)

    assert server.requests[0].header("authorization") == "Bearer plugged"
    info = json.loads((pki.folder / "info").read_text())
    assert info["spec"] == {"interactive": False}


def test_a_credential_plugin_gives_a_certificate(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    issued = pki.client("plugged")
    status = {
        "clientCertificateData": issued.cert_pem.decode(),
        "clientKeyData": issued.key_pem.decode(),
    }
    server = serve(version, certificate=pki.server("127.0.0.1"), client_ca=pki.ca_file)
    config = write_kubeconfig(
        pki.folder / "config",
        server.url,
        user=plugin(pki.folder, status),
        **{"certificate-authority-data": pki.ca_data},
    )

    assert ask(kubectl, config).code == 0


def test_impersonation_is_in_the_headers(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version)
    flags = ["--as", "jane", "--as-group", "a", "--as-group", "b", "--as-uid", "7"]

    kubectl(server, *flags, "--as-user-extra", "x/y=1", "get", "--raw", "/version")

    sent = [(n, v) for n, v in server.requests[0].headers if n.startswith("Imp")]
    assert sent == [
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-x%2Fy", "1"),
    ]


def test_a_refused_connection_asks_for_the_right_host(
    kubectl: Callable[..., Any],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    result = kubectl(None, "--server", f"http://127.0.0.1:{port}", "get", "pods")

    assert result.stderr == (
        f"The connection to the server 127.0.0.1:{port} was refused - did you specify the"
        " right host or port?\n"
    )


def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that speaks no HTTP: for each connection `answer` is called."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            with stream:
                answer(stream)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def _reset(stream: socket.socket) -> None:
    stream.recv(10)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _junk(stream: socket.socket) -> None:
    stream.recv(65536)
    stream.sendall(b"hello world\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda stream: stream.recv(65536) and None, "EOF"),
        (_reset, "read: connection reset by peer"),
        (
            _junk,
            "net/http: HTTP/1.x transport connection broken: malformed HTTP",
        ),
    ],
    ids=["eof", "reset", "junk"],
)
def test_bad_servers_are_told_in_gos_words(
    answer: Callable[[socket.socket], None], text: str, kubectl: Callable[..., Any]
) -> None:
    for port in raw_server(answer):
        result = kubectl(
            None, "--server", f"http://127.0.0.1:{port}", "get", "--raw", "/"
        )

        assert result.stderr.startswith("Unable to connect to the server: ")
        assert text in result.stderr
        assert result.code == 1


def test_a_stale_connection_is_tried_anew(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    """The server drops the idle connection between two requests of one command."""
    pods = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}

    def handler(request: Request) -> Answer:
        answer = json_answer(pods)
        answer.close = True
        return answer

    server = serve(handler)

    result = kubectl(server, "get", "pods,configmaps", "-o", "name")

    assert (result.stderr, result.code) == ("", 0)
    assert server.connections == 2


def test_the_timeout_of_a_request_is_kept(kubectl: Callable[..., Any]) -> None:
    done = threading.Event()
    for port in raw_server(lambda stream: done.wait(30) and None):
        url = f"http://127.0.0.1:{port}"
        result = kubectl(
            None, "--server", url, "--request-timeout", "200ms", "get", "--raw", "/"
        )
        done.set()

        assert result.stderr == (
            "Unable to connect to the server: net/http: request canceled"
            " (Client.Timeout exceeded while awaiting headers)\n"
        )


def test_requests_are_logged_at_level_six(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version)

    result = kubectl(server, "-v=6", "get", "--raw", "/version")

    line = result.stderr
    assert '] "Response" verb="GET" url="' in line
    assert f'url="{server.url}/version" status="200 OK" milliseconds=' in line


def test_secrets_are_masked_in_logs(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("127.0.0.1"))
    config = write_kubeconfig(
        pki.folder / "config", server.url, **{"certificate-authority-data": pki.ca_data}
    )

    result = ask(kubectl, config, "-v=9")

    assert "Bearer <masked>" in result.stderr
    assert "secret" not in result.stderr


class Proxy:
    """An HTTP proxy that tunnels, and keeps what it was asked."""

    def __init__(self, target: StubServer) -> None:
        self.asked: list[str] = []
        self._target = target

    def __call__(self, stream: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = stream.recv(4096)
            if not data:
                return
            head += data
        self.asked.append(head.decode())
        with socket.create_connection(("127.0.0.1", self._target.port)) as there:
            stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(there, stream))
            back.start()
            _copy(stream, there)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_the_proxy_of_the_kubeconfig_is_used(
    pki: Pki, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(version, certificate=pki.server("cluster.test"))
    proxy = Proxy(server)
    for port in raw_server(proxy):
        config = write_kubeconfig(
            pki.folder / "config",
            "https://cluster.test:443",
            **{
                "certificate-authority-data": pki.ca_data,
                "proxy-url": f"http://me:pw@127.0.0.1:{port}",
            },
        )
        result = ask(kubectl, config)

    assert (result.stderr, result.code) == ("", 0)
    assert proxy.asked[0].startswith("CONNECT cluster.test:443 HTTP/1.1\r\n")
    assert f"Basic {encoded(b'me:pw')}" in proxy.asked[0]


def test_no_proxy_keeps_the_environments_proxy_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hops.blocking.dial import proxy_for

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv(
        "NO_PROXY", "internal.test,.corp.test,10.0.0.0/8,other.test:8443"
    )

    def goes_through(host: str, port: int = 443) -> bool:
        return proxy_for("https", host, port, "") is not None

    assert goes_through("example.test")
    assert not goes_through("localhost")
    assert not goes_through("127.0.0.1")
    assert not goes_through("internal.test")
    assert not goes_through("a.internal.test")
    assert not goes_through("x.corp.test")
    assert not goes_through("10.1.2.3")
    assert goes_through("other.test")
    assert not goes_through("other.test", 8443)


def test_inline_keys_touch_no_disk(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    from hops.blocking.tls import TlsSettings, make_context

    issued = pki.client("admin")
    before = set(os.listdir(pki.folder))
    monkeypatch.setenv("TMPDIR", str(pki.folder))

    make_context(
        TlsSettings(
            ca_data=pki.authority.certificate.cert_pem,
            cert_data=issued.cert_pem,
            key_data=issued.key_pem,
        )
    )

    assert set(os.listdir(pki.folder)) == before


def test_written_kubeconfigs_are_private(
    kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "new"

    kubectl(None, "--kubeconfig", str(path), "config", "set-context", "a", "--user=u")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
