"""The cores replay what real kubectls and our server said over WebSocket."""

import pytest

from tests.unit.wire.spdy import vectors
from wire.exit_status import decode
from wire.remotecommand import (
    Closed,
    PeerClosed,
    PingReceived,
    PongReceived,
    RemoteCommandClient,
    RemoteCommandServer,
    Resized,
    StatusReceived,
    StderrReceived,
    StdinClosed,
    StdinReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.terminal import TerminalSize

_LEFT_OUT = (PeerClosed, PingReceived, PongReceived)

every_exec = pytest.mark.parametrize(
    "vector", vectors.load("exec-i-*", "websocket"), ids=str
)
every_cut = pytest.mark.parametrize("whole", [True, False], ids=["as read", "by bytes"])


def heard(core, vector, side, *, whole=True):
    """The events of one side's bytes, without pings and kubectl's goodbye."""
    parts = vector.of(side)
    if not whole:
        parts = [bytes([byte]) for byte in b"".join(parts)]
    events = [event for part in parts for event in core.receive_data(part)]
    return [event for event in events if not isinstance(event, _LEFT_OUT)]


@every_exec
@every_cut
def test_our_server_reads_kubectl(vector, whole):
    options = StreamOptions(stdin=True, stdout=True, stderr=True)
    server = RemoteCommandServer(vector.subprotocol, options)

    events = heard(server, vector, "client", whole=whole)

    assert events == [StdinReceived(b"one line\n"), StdinClosed()]


@every_exec
@every_cut
def test_the_recorded_server_satisfies_our_client(vector, whole):
    options = StreamOptions(stdin=True, stdout=True, stderr=True)
    client = RemoteCommandClient(vector.subprotocol, options)

    *output, status, closed = heard(client, vector, "server", whole=whole)

    assert output == [StdoutReceived(b"one line\n"), StderrReceived(b"err\n")]
    assert isinstance(status, StatusReceived)
    assert decode(status.payload).code == 3
    assert closed == Closed(1000, "")


@every_cut
def test_sizes_of_a_terminal(whole):
    [vector] = vectors.load("exec-it-*", "websocket")
    options = StreamOptions(stdin=True, stdout=True, tty=True)
    server = RemoteCommandServer(vector.subprotocol, options)

    assert heard(server, vector, "client", whole=whole) == [
        Resized(TerminalSize(80, 24)),
        Resized(TerminalSize(132, 40)),
        StdinReceived(b"\n"),
    ]
