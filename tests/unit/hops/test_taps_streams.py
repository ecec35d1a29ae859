"""What goes by between our own cores, told layer by layer."""

import base64

import pytest
from hypothesis import given, settings

from hops.hop import Hop
from hops.trace import ALL_BYTES, TraceSettings
from tests.unit.hops.tapped import DOWN, UP, Tapped, request, switched
from tests.unit.wire.splits import cut_lists
from wire.exit_status import exited
from wire.portforward import (
    ForwardOpened,
    PortForwardChannelClient,
    PortForwardChannelServer,
    PortForwardClient,
    PortForwardServer,
    Role,
    Tunnel,
    Tunnelled,
)
from wire.portforward_events import DataReceived
from wire.remotecommand import RemoteCommandClient, RemoteCommandServer, StreamOptions
from wire.remotecommand_spdy import SpdyRemoteCommandClient, SpdyRemoteCommandServer
from wire.terminal import TerminalSize
from wire.websocket import Opcode, encode_frame

EXEC = "/api/v1/namespaces/default/pods/p/exec?command=sh"
FORWARD = "/api/v1/namespaces/default/pods/p/portforward"
ALL = StreamOptions(stdin=True, stdout=True, stderr=True)
TTY = StreamOptions(stdin=True, stdout=True, tty=True)


class Between:
    """A tap between two cores, which talk until they are silent."""

    def __init__(self, target, client, server, cuts=(), **protocol):
        self.tapped = Tapped()
        self.client, self.server, self._cuts = client, server, cuts
        self.tapped.feed(UP, request(target, Upgrade=protocol["Upgrade"]), cuts)
        self.tapped.feed(DOWN, switched(**protocol), cuts)

    def talk(self):
        events = []
        while True:
            up = b"".join(self.client.data_to_send())
            down = b"".join(self.server.data_to_send())
            if not up and not down:
                return events
            self.tapped.feed(UP, up, self._cuts)
            events += self.server.receive_data(up) if up else []
            self.tapped.feed(DOWN, down, self._cuts)
            if down:
                self.client.receive_data(down)

    def meanings(self, layer):
        return [(e.dir, e.type) for e in self.tapped.of(layer)]


@settings(max_examples=25)
@given(cut_lists(300))
def test_exec_over_spdy_is_told_by_the_streams_roles(cuts):
    between = Between(
        EXEC,
        SpdyRemoteCommandClient("v4.channel.k8s.io", ALL),
        SpdyRemoteCommandServer("v4.channel.k8s.io", ALL, now=0.0),
        cuts,
        Upgrade="SPDY/3.1",
    )
    between.talk()
    between.client.send_stdin(b"in")
    between.client.close_stdin()
    between.talk()
    between.server.send_stdout(b"out")
    between.server.send_result(exited(3))
    between.server.close()
    between.talk()

    tapped = between.tapped
    assert tapped.data("spdy", "up", "data") == b"in"
    assert tapped.data("spdy", "down", "data").startswith(b"out")
    streams = {e.info["name"] for e in tapped.of("remotecommand") if e.type == "stream"}
    assert streams == {"error", "stdin", "stdout", "stderr"}
    assert ("up", "stdin_end") in between.meanings("remotecommand")
    (status,) = [e for e in tapped.of("remotecommand") if e.type == "status"]
    assert status.info["status"]["reason"] == "NonZeroExitCode"
    assert not tapped.of("raw")


def test_a_terminals_size_is_told_on_spdy():
    between = Between(
        EXEC,
        SpdyRemoteCommandClient("v4.channel.k8s.io", TTY),
        SpdyRemoteCommandServer("v4.channel.k8s.io", TTY, now=0.0),
        Upgrade="SPDY/3.1",
    )
    between.talk()
    between.client.send_resize(TerminalSize(100, 30))
    between.talk()

    (size,) = [e for e in between.tapped.of("remotecommand") if e.type == "resize"]
    assert size.info == {"width": 100, "height": 30}


@pytest.mark.parametrize(
    "subprotocol",
    [
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
        "channel.k8s.io",
        "base64.channel.k8s.io",
    ],
)
@settings(max_examples=20)
@given(cut_lists(300))
def test_exec_over_websocket_is_told_in_every_subprotocol(subprotocol, cuts):
    between = Between(
        EXEC,
        RemoteCommandClient(subprotocol, ALL),
        RemoteCommandServer(subprotocol, ALL),
        cuts,
        Upgrade="websocket",
        Sec_WebSocket_Protocol=subprotocol,
    )
    between.client.send_stdin(bytes(range(256)))
    between.server.start()
    between.server.send_stdout(b"out" * 100)
    between.server.send_stderr(b"err")
    between.server.send_result(exited(3))
    between.server.close()
    between.talk()

    tapped = between.tapped
    assert tapped.data("channel", "up", "stdin") == bytes(range(256))
    (out,) = [e for e in tapped.of("channel") if e.type == "stdout" and e.len]
    assert (out.len, out.channel, out.stream) == (300, 1, 1)
    assert tapped.data("channel", "down", "stdout") == (b"out" * 100)[:256]
    assert tapped.data("channel", "down", "stderr") == b"err"
    assert ("down", "status") in between.meanings("remotecommand")
    assert not tapped.of("raw")


def test_control_frames_and_fragments_are_told():
    tapped = Tapped()
    tapped.feed(UP, request(EXEC, Upgrade="websocket"))
    tapped.feed(
        DOWN, switched(Upgrade="websocket", Sec_WebSocket_Protocol="v5.channel.k8s.io")
    )

    tapped.feed(UP, encode_frame(9, b"are you there", mask=b"abcd"))
    tapped.feed(DOWN, encode_frame(10, b"are you there"))
    tapped.feed(DOWN, encode_frame(2, b"\x01ab", fin=False))
    tapped.feed(DOWN, encode_frame(0, b"\x01cd"))
    tapped.feed(DOWN, encode_frame(11, b"?"))
    tapped.feed(DOWN, encode_frame(8, b"\x03\xe8bye"))

    assert [(e.type, e.info["fin"]) for e in tapped.of("websocket")] == [
        ("ping", True),
        ("pong", True),
        ("binary", False),
        ("continuation", True),
        ("opcode-11", True),
        ("close", True),
    ]
    assert tapped.data("websocket", "up", "ping") == b"are you there"
    assert tapped.of("websocket")[0].info["masked"]
    close = tapped.of("websocket")[-1].info
    assert (close["code"], close["reason"]) == (1000, "bye")


def forward_over(form, cuts):
    if form == "channels":
        protocol = {"Sec_WebSocket_Protocol": "v4.channel.k8s.io"}
        client = PortForwardChannelClient("v4.channel.k8s.io", [8080])
        server = PortForwardChannelServer("v4.channel.k8s.io", [8080])
        server.start()
        target = f"{FORWARD}?ports=8080"
    elif form == "tunnel":
        protocol = {"Sec_WebSocket_Protocol": "SPDY/3.1+portforward.k8s.io"}
        client = Tunnelled(PortForwardClient(), Tunnel(Role.CLIENT))
        server = Tunnelled(PortForwardServer(), Tunnel(Role.SERVER))
        target = FORWARD
    else:
        protocol = {}
        client, server, target = PortForwardClient(), PortForwardServer(), FORWARD
    upgrade = "SPDY/3.1" if form == "spdy" else "websocket"
    return Between(target, client, server, cuts, Upgrade=upgrade, **protocol)


@pytest.mark.parametrize("form", ["spdy", "tunnel", "channels"])
@settings(max_examples=20)
@given(cut_lists(300))
def test_port_forward_is_told_the_same_in_its_three_forms(form, cuts):
    between = forward_over(form, cuts)
    client = getattr(between.client, "session", between.client)
    server = getattr(between.server, "session", between.server)
    forward = 0 if form == "channels" else client.open(8080)
    opened = [e.forward for e in between.talk() if isinstance(e, ForwardOpened)]
    number = opened[0] if opened else 0
    client.send_data(forward, b"GET /")
    got = [e for e in between.talk() if isinstance(e, DataReceived)]
    server.send_data(number, b"200 OK")
    between.talk()
    server.fail(number, "connection refused")
    between.talk()

    tapped = between.tapped
    assert [e.data for e in got] == [b"GET /"]
    assert tapped.data("portforward", "up", "data") == b"GET /"
    assert tapped.data("portforward", "down", "data") == b"200 OK"
    told = tapped.of("portforward")
    assert {e.info["port"] for e in told} == {8080}
    assert sum(e.type == "opened" for e in told) == 1
    (error,) = [e for e in told if e.type == "error"]
    assert error.info["text"] == "connection refused"
    assert not tapped.of("raw")


def test_a_connection_into_a_pod_is_the_users_own():
    tapped = Tapped(Hop.CRI_POD)

    tapped.feed(UP, b"\x00no protocol that anybody knows")

    assert tapped.told == [("up", "portforward", "data")]


def test_a_log_is_told_in_lines_and_to_its_end():
    tapped = Tapped(Hop.APISERVER_KUBELET)
    tapped.feed(UP, b"GET /containerLogs/default/p/c?follow=true HTTP/1.1\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    tapped.feed(DOWN, head + b"6\r\na\nb\nc\n\r\n3\r\npar\r\n0\r\n\r\n")

    lines = [e for e in tapped.of("crilog") if e.type == "lines"]
    assert sum(e.info["lines"] for e in lines) == 3
    assert lines[-1].info["whole"] is False
    assert tapped.data("crilog", "down", "lines") == b"a\nb\nc\npar"
    assert tapped.told[-1] == ("down", "crilog", "end")


def test_only_a_server_is_ready_and_only_a_client_ends_stdin():
    tapped = Tapped()
    tapped.feed(UP, request(EXEC, Upgrade="websocket"))
    tapped.feed(
        DOWN,
        switched(Upgrade="websocket", Sec_WebSocket_Protocol="v5.channel.k8s.io"),
    )
    for message in (b"\x01", b"\xff\x00"):
        tapped.feed(UP, encode_frame(2, message, mask=b"abcd"))
        tapped.feed(DOWN, encode_frame(2, message))

    told = [(e.dir, e.type) for e in tapped.of("remotecommand")]
    assert told == [
        ("down", "ready"),
        ("up", "close"),
        ("up", "stdin_end"),
        ("down", "close"),
    ]


SECRETS = "/api/v1/namespaces/default/secrets?watch=1"
EVENTS = [b'{"object":{"data":{"k":"aFVuVGVSMg=="}}}', b"hUnTeR2", b"hUnTeR2" * 40]


@given(cut_lists(500))
def test_a_watch_of_secrets_over_websocket_is_told_without_them(cuts):
    tapped = Tapped(settings=TraceSettings(data_bytes=ALL_BYTES))
    frames = [encode_frame(Opcode.TEXT, each) for each in EVENTS]
    answer = switched(Upgrade="websocket")

    tapped.feed(UP, request(SECRETS, Upgrade="websocket"))
    tapped.feed(DOWN, answer + b"".join(frames), cuts)

    told = [e for e in tapped.of("websocket") if e.type == "text"]
    assert [e.len for e in told] == [len(each) for each in EVENTS]
    assert {e.data for e in told} == {None}
    assert tapped.data("bytes", "down", "chunk") == answer + b"".join(
        frame[: len(frame) - len(each)] + b"*" * len(each)
        for frame, each in zip(frames, EVENTS, strict=True)
    )


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"Content-Length: 3\r\n\r\n{}\n hUnTeR2 \r\n\r\n", b""),
        (b"\r\n", b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhUnTeR2\r\n"),
        (b"\r\n", b"Content-Length: 2\r\n\r\n{}hUnTeR2\r\n\r\n"),
    ],
    ids=["request", "chunk", "answer"],
)
def test_bytes_that_break_off_a_secret_are_not_shown(sent, answered):
    tapped = Tapped(settings=TraceSettings(data_bytes=ALL_BYTES))

    tapped.feed(UP, b"PUT /api/v1/namespaces/d/secrets/s HTTP/1.1\r\n" + sent)
    tapped.feed(DOWN, b"HTTP/1.1 200 OK\r\n" + answered if answered else b"")
    tapped.feed(DOWN if answered else UP, b"hUnTeR2")

    assert "undecodable" in [e.type for e in tapped.of("raw")]
    shown = b"".join(base64.b64decode(e.data or "") for e in tapped.events)
    assert b"hUnTeR2" not in shown
    assert "hUnTeR2" not in str([e.info for e in tapped.of("raw")])


def test_a_watch_of_secrets_is_shown_when_it_is_asked_for():
    tapped = Tapped(settings=TraceSettings(secrets=True))

    tapped.feed(UP, request(SECRETS, Upgrade="websocket"))
    tapped.feed(DOWN, switched(Upgrade="websocket"))
    tapped.feed(DOWN, encode_frame(Opcode.TEXT, EVENTS[0]))

    assert tapped.data("websocket", "down", "text") == EVENTS[0]
