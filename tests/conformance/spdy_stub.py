"""An API server of one pod, `default/p`, that speaks SPDY with the cores of `wire`.

Just enough for a real kubectl to exec into the pod and to forward ports: no TLS, no
credentials, a thread a connection. The "commands" and "ports" of the pod are functions.
"""

import contextlib
import json
import socket
import threading
from urllib.parse import parse_qs, urlsplit

from wire.exit_status import exited
from wire.http1 import HeadReader
from wire.portforward import (
    PORT_FORWARD_PROTOCOL,
    TUNNEL_PREFIX,
    DataReceived,
    ForwardOpened,
    HalfClosed,
    PortForwardServer,
    Role,
    Tunnel,
    Tunnelled,
    forwarding_error,
    tunnelled_protocols,
)
from wire.remotecommand import (
    PeerClosed,
    Resized,
    StdinClosed,
    StdinReceived,
    StreamOptions,
)
from wire.remotecommand_spdy import SPDY_PROTOCOLS, SpdyRemoteCommandServer
from wire.spdy_negotiation import negotiate_spdy
from wire.websocket import HandshakeRefused, negotiate

POD = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "p", "namespace": "default", "uid": "1"},
    "spec": {"containers": [{"name": "c1", "image": "busybox"}]},
    "status": {"phase": "Running"},
}
DOCUMENTS = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {
                "name": "pods",
                "singularName": "pod",
                "namespaced": True,
                "kind": "Pod",
                "shortNames": ["po"],
                "verbs": ["get", "list", "create"],
            }
        ],
    },
    "/api/v1/namespaces/default/pods/p": POD,
}
REFUSED = "connection refused"


class Transport:
    """A socket, and what went over it: the transcript has (side, bytes)."""

    def __init__(self, sock):
        self._sock = sock
        self.transcript = []

    def read(self):
        with contextlib.suppress(ConnectionError):
            data = self._sock.recv(65536)
            if data:
                self.transcript.append(("client", data))
            return data
        return b""

    def write(self, buffers):
        data = b"".join(buffers)
        if data:
            self.transcript.append(("server", data))
            with contextlib.suppress(ConnectionError):
                self._sock.sendall(data)

    def received_any(self, data):
        if data:
            self.transcript.append(("client", data))


class SpdyStub:
    """The server: `with SpdyStub(commands) as stub`, then `stub.url`."""

    def __init__(self, commands=None, ports=None):
        self._commands = commands or {}
        self._ports = ports or {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = []
        self.upgrades = []  # (request head, negotiated protocol, Transport)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock:
            reader = HeadReader("request")
            data = b""
            while True:
                head = reader.receive_data(data)
                if head is None:
                    data = sock.recv(65536)
                    if not data:
                        return
                    continue
                if self._answer(sock, head, reader.leftover):
                    return
                data, reader = reader.leftover, HeadReader("request")

    def _answer(self, sock, head, leftover):
        """Answer one request; True when the connection was taken over."""
        url = urlsplit(head.target)
        if url.path.endswith(("/exec", "/portforward")):
            with contextlib.suppress(HandshakeRefused):
                self._upgrade(sock, head, url, leftover)
            return True
        document = DOCUMENTS.get(url.path)
        body = json.dumps(document or {"kind": "Status", "code": 404}).encode()
        status = "200 OK" if document else "404 Not Found"
        sock.sendall(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return False

    def _upgrade(self, sock, head, url, leftover):
        tunnelled = tunnelled_protocols(head.headers)
        is_exec = url.path.endswith("/exec")
        supported = SPDY_PROTOCOLS if is_exec else (PORT_FORWARD_PROTOCOL,)
        try:
            if tunnelled:
                negotiated = negotiate(
                    head, [TUNNEL_PREFIX + name for name in supported]
                )
            else:
                negotiated = negotiate_spdy(head, supported)
        except HandshakeRefused as refused:
            sock.sendall(refused.response)
            raise
        transport = Transport(sock)
        self.upgrades.append((head, negotiated.subprotocol, transport))
        sock.sendall(negotiated.response)
        if is_exec:
            query = parse_qs(url.query)
            self._exec(transport, negotiated.subprotocol, query, leftover)
        else:
            self._forward(transport, bool(tunnelled), leftover)

    def _exec(self, transport, protocol, query, leftover):
        wanted = (name in query for name in ("stdin", "stdout", "stderr", "tty"))
        session = SpdyRemoteCommandServer(protocol, StreamOptions(*wanted))
        command = self._commands[query["command"][0]](session)
        transport.received_any(leftover)
        data, started = leftover, False
        while True:
            events = session.receive_data(data)
            if session.ready and not started:
                started = True
                command.start(*query["command"][1:])
            for event in events:
                match event:
                    case StdinReceived(received):
                        command.on_stdin(received)
                    case StdinClosed():
                        command.on_stdin_closed()
                    case Resized(size):
                        command.on_resize(size)
                    case PeerClosed():
                        return
            transport.write(session.data_to_send())
            if session.closed:
                return
            data = transport.read()
            if not data:
                return

    def _forward(self, transport, is_tunnelled, leftover):
        session = PortForwardServer()
        mover = Tunnelled(session, Tunnel(Role.SERVER)) if is_tunnelled else session
        handlers = {}
        transport.received_any(leftover)
        data = leftover
        while True:
            for event in mover.receive_data(data):
                match event:
                    case ForwardOpened(forward, port):
                        self._open_forward(session, handlers, forward, port)
                    case DataReceived(forward, received) if forward in handlers:
                        handlers[forward].on_data(received)
                    case HalfClosed(forward) if forward in handlers:
                        handlers[forward].on_half_closed()
            transport.write(mover.data_to_send())
            if mover.closed:
                return
            data = transport.read()
            if not data:
                return

    def _open_forward(self, session, handlers, forward, port):
        if port in self._ports:
            handlers[forward] = self._ports[port](session, forward)
        else:
            session.fail(forward, forwarding_error(port, "sandbox", REFUSED))


class Command:
    """A command of the pod; what it does not care about is ignored."""

    def __init__(self, session):
        self.session = session

    def start(self, *arguments):
        pass

    def on_stdin(self, data):
        pass

    def on_stdin_closed(self):
        pass

    def on_resize(self, size):
        pass

    def exit(self, code):
        self.session.send_result(exited(code))
        self.session.close()
