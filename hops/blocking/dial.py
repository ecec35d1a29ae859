"""Dialling without an event loop: TCP, proxies, TLS; errors in Go's words.

Source: golang/go src/net (dial errors), src/net/http (proxies), x/net http/httpproxy
(which hosts a proxy is not for).
"""

from __future__ import annotations

import base64
import os
import socket
import ssl

from hops.blocking.tls import TlsSettings, explain, make_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from urllib.parse import SplitResult

__all__ = ["DialError", "dial", "proxy_for"]

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_BUFFER = 1 << 20
# X509_V_FLAG_NO_CHECK_TIME; the ssl module has no name for it
_NO_CHECK_TIME = 0x200000

Stream = socket.socket  # an ssl.SSLSocket is one


class DialError(Exception):
    """The server cannot be reached; the text is Go's."""


def dial(
    host: str,
    port: int,
    *,
    context: ssl.SSLContext | None,
    tls: TlsSettings,
    proxy: SplitResult | None,
    timeout: float | None,
    session: ssl.SSLSession | None = None,
) -> Stream:
    """A connected stream, over TLS when there is a context, through `proxy` if any.

    Args:
        session: an earlier one under the same context, to be resumed.

    Raises:
        DialError: it could not be made.
    """
    stream = _connect(host, port, timeout) if proxy is None else None
    if proxy is not None:
        stream = _through(proxy, host, port, timeout, tls=context is not None)
    assert stream is not None  # noqa: S101 - for the type checker
    if context is None:
        return stream
    name = tls.server_name or host
    try:
        return context.wrap_socket(
            stream, server_hostname=_ascii(name), session=session
        )
    except ssl.SSLError as error:
        certificate = {}
        if proxy is None:
            certificate = _look_at(error, host, port, name, tls, timeout)
        raise DialError(explain(error, name, certificate)) from None
    except TimeoutError:
        raise DialError("net/http: TLS handshake timeout") from None
    except OSError as error:
        raise DialError(_os_text("read", stream, error)) from None


def _connect(host: str, port: int, timeout: float | None) -> Stream:
    try:
        found = socket.getaddrinfo(_ascii(host), port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        server = _name_server()
        raise DialError(f"dial tcp: lookup {host}{server}: no such host") from None
    first: DialError | None = None
    for family, kind, number, _, address in found:
        stream = socket.socket(family, kind, number)
        stream.settimeout(timeout)
        try:
            stream.connect(address)
        except OSError as error:
            stream.close()
            first = first or DialError(_connect_text(address, error))
        else:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return stream
    raise first or DialError(f"dial tcp: lookup {host}: no such host")


def _ascii(name: str) -> bytes:
    """A name as bytes: given text, Python loads its IDNA tables first (3 ms)."""
    return name.encode("ascii" if name.isascii() else "idna")


def _connect_text(address: tuple[Any, ...], error: OSError) -> str:
    where = _join(str(address[0]), int(address[1]))
    if isinstance(error, TimeoutError):
        return f"dial tcp {where}: i/o timeout"
    return f"dial tcp {where}: connect: {_lower(error)}"


def _lower(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _os_text(operation: str, stream: Stream, error: OSError) -> str:
    """`read tcp A->B: read: connection reset by peer`."""
    try:
        ends = f"{_join(*stream.getsockname()[:2])}->{_join(*stream.getpeername()[:2])}"
    except OSError:
        ends = ""
    return f"{operation} tcp {ends}: {operation}: {_lower(error)}"


def _name_server() -> str:
    """` on 10.0.0.2:53`: Go's resolver says whom it asked."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                if words[:1] == ["nameserver"] and len(words) > 1:
                    return f" on {_join(words[1], 53)}"
    except OSError:
        pass
    return ""


def _look_at(
    error: ssl.SSLError,
    host: str,
    port: int,
    name: str,
    tls: TlsSettings,
    timeout: float | None,
) -> dict[str, object]:
    """The server's certificate, when its time or name is what was refused.

    Python names neither the dates nor the names that did not fit. So the handshake
    is done once more without the check that failed, and the chain still verified;
    nothing is sent over this connection.
    """
    code = getattr(error, "verify_code", 0)
    if code not in (9, 10, 62, 64):
        return {}
    context = make_context(tls)
    context.check_hostname = False
    if code in (9, 10):
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    try:
        with (
            _connect(host, port, timeout) as plain,
            context.wrap_socket(plain, server_hostname=name) as stream,
        ):
            return dict(stream.getpeercert() or {})
    except (DialError, OSError):
        return {}


def proxy_for(scheme: str, host: str, port: int, configured: str) -> SplitResult | None:
    """The proxy to go through: `proxy-url` of the kubeconfig, else the environment."""
    text = configured or _from_environment(scheme, host, port)
    if not text:
        return None
    from urllib.parse import urlsplit

    return urlsplit(text if "://" in text else f"http://{text}")


def _from_environment(scheme: str, host: str, port: int) -> str:
    name = f"{scheme}_proxy"
    value = os.environ.get(name.upper()) or os.environ.get(name) or ""
    if not value or _is_excluded(host, port):
        return ""
    return value


def _is_excluded(host: str, port: int) -> bool:
    """httpproxy: loopback is never proxied; NO_PROXY lists names, addresses, nets."""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return True
    listed = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return any(
        _excludes(entry.strip().lower(), host.lower(), port)
        for entry in listed.split(",")
        if entry.strip()
    )


def _excludes(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(host, entry)
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdigit() and ":" not in name:
        if int(digits) != port:
            return False
        entry = name
    if entry.startswith("*."):
        entry = entry[1:]
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")


def _in_network(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _through(
    proxy: SplitResult, host: str, port: int, timeout: float | None, *, tls: bool
) -> Stream:
    if proxy.scheme not in _PORTS or not proxy.hostname:
        raise DialError(f"proxy: unknown scheme: {proxy.scheme}")
    where = proxy.hostname, proxy.port or _PORTS[proxy.scheme]
    stream = _connect(*where, timeout)
    if proxy.scheme in ("socks5", "socks5h"):
        _socks(stream, proxy, host, port)
        return stream
    if proxy.scheme == "https":
        if tls:
            # TLS inside TLS needs a second engine; gorilla/websocket has none either.
            stream.close()
            raise DialError("proxy: unknown scheme: https")
        context = make_context(TlsSettings())
        stream = context.wrap_socket(stream, server_hostname=proxy.hostname)
    if tls:
        _tunnel(stream, proxy, host, port)
    return stream


def _tunnel(stream: Stream, proxy: SplitResult, host: str, port: int) -> None:
    """CONNECT (RFC 9110 9.3.6)."""
    target = _join(host, port)
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if credentials := proxy_authorization(proxy):
        lines.append(f"Proxy-Authorization: {credentials}")
    stream.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = stream.recv(4096)
        if not data:
            stream.close()
            raise DialError("unexpected EOF")
        answer += data
    status = answer.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")[2]
    if not status.startswith("200"):
        stream.close()
        raise DialError(status.partition(" ")[2] or status)


def proxy_authorization(proxy: SplitResult) -> str:
    """The header for a proxy whose URL names a user."""
    if not proxy.username:
        return ""
    pair = f"{proxy.username}:{proxy.password or ''}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _socks(stream: Stream, proxy: SplitResult, host: str, port: int) -> None:
    """SOCKS5 CONNECT by name (RFC 1928), with a password where the URL has one."""
    methods = b"\x02\x00\x02" if proxy.username else b"\x01\x00"
    stream.sendall(b"\x05" + methods)
    answer = _exactly(stream, 2)
    if answer[1] == 2:
        user, password = (
            (proxy.username or "").encode(),
            (proxy.password or "").encode(),
        )
        stream.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        if _exactly(stream, 2)[1] != 0:
            raise DialError("socks connect: username/password authentication failed")
    elif answer[1] != 0:
        raise DialError("socks connect: no acceptable authentication methods")
    name = host.encode("idna")
    stream.sendall(
        b"\x05\x01\x00\x03%c%b" % (len(name), name) + port.to_bytes(2, "big")
    )
    head = _exactly(stream, 4)
    if head[1] != 0:
        raise DialError(
            f"socks connect tcp {_join(host, port)}: unknown code: {head[1]}"
        )
    size = {1: 4, 4: 16}.get(head[3]) or _exactly(stream, 1)[0]
    _exactly(stream, size + 2)


def _exactly(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            raise DialError("unexpected EOF")
        data += piece
    return data
