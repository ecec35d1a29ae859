"""Hostile peers: what they send costs a fixed amount of memory, or ends at once."""

import contextlib
import itertools
import struct
import tracemalloc
import zlib

import pytest

from wire.errors import RemoteProtocolError
from wire.portforward import PortForwardClient, PortForwardServer
from wire.remotecommand import StreamOptions
from wire.remotecommand_spdy import SpdyRemoteCommandServer
from wire.spdy.connection import Role, SpdyConnection
from wire.spdy.dictionary import DICTIONARY
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import Ping, Setting, Settings, SynReply, SynStream
from wire.spdy.limits import Limits

KIB = 1024
CHUNK = 8 * KIB
FEW = Limits(max_streams=100)


def control(frame_type, payload, flags=0):
    head = struct.pack("!HHI", 0x8003, frame_type, flags << 24 | len(payload))
    return head + payload


def chunks_of(pieces, total):
    """Endless pieces as chunks of 8 KiB, `total` bytes in all."""
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        while len(chunk) >= CHUNK:
            yield bytes(chunk[:CHUNK])
            del chunk[:CHUNK]
            total -= CHUNK
            if total <= 0:
                return


def syn_streams(ids, headers=(("port", "80"),)):
    encoder = FrameEncoder()
    return (encoder.encode(SynStream(stream_id, headers)) for stream_id in ids)


def bombs():
    deflate = zlib.compressobj(9, zdict=DICTIONARY)
    block = struct.pack("!III", 1, 1, 0)[:8] + b"a" + struct.pack("!I", 60_000)
    for stream_id in itertools.count(1, 2):
        packed = deflate.compress(block + bytes([98]) * 60_000)
        packed += deflate.flush(zlib.Z_SYNC_FLUSH)
        yield control(1, struct.pack("!IIBB", stream_id, 0, 0, 0) + packed)


def requests(headers_of):
    encoder = FrameEncoder()
    for number in itertools.count():
        yield encoder.encode(SynStream(2 * number + 1, headers_of(number)))


def early_data():
    """Data streams that wait for their error stream, each with a lot of data."""
    encoder = FrameEncoder()
    for number in itertools.count():
        stream_id = 2 * number + 1
        headers = (
            ("streamtype", "data"),
            ("port", "80"),
            ("requestid", str(number)),
        )
        yield encoder.encode(SynStream(stream_id, headers))
        yield struct.pack("!II", stream_id, 60_000) + bytes(60_000)


def lone_streams(number):
    return (
        ("streamtype", "error"),
        ("port", "80"),
        ("requestid", "x" * 90 + str(number)),
    )


def pings():
    return itertools.repeat(FrameEncoder().encode(Ping(1)))


def settings_frames():
    full = Settings(tuple(Setting(number, 1) for number in range(1000)))
    return itertools.repeat(FrameEncoder().encode(full))


def server():
    return SpdyConnection(Role.SERVER, FEW)


def forwarding_server():
    return PortForwardServer(limits=FEW)


def exec_server():
    return SpdyRemoteCommandServer("v4.channel.k8s.io", StreamOptions(stdin=True))


FLOODS = {
    "streams": (server, lambda: syn_streams(itertools.count(1, 2))),
    "streams with ids out of order": (server, lambda: syn_streams(itertools.repeat(1))),
    "zlib bombs": (server, bombs),
    "pings": (server, pings),
    "settings": (server, settings_frames),
    "window updates": (
        server,
        lambda: itertools.repeat(control(9, struct.pack("!II", 1, 0x7FFFFFFF))),
    ),
    "resets": (server, lambda: itertools.repeat(control(3, struct.pack("!II", 1, 5)))),
    "empty data": (server, lambda: itertools.repeat(struct.pack("!II", 1, 0))),
    "one endless data frame": (
        server,
        lambda: itertools.chain(
            [struct.pack("!II", 1, 0xFFFFFF)], itertools.repeat(bytes(CHUNK))
        ),
    ),
    "exec streams of unknown type": (
        exec_server,
        lambda: requests(lambda number: (("streamtype", f"x{number}"),)),
    ),
    "exec streams of one type": (
        exec_server,
        lambda: requests(lambda number: (("streamtype", "error"),)),
    ),
    "forwards without error stream": (forwarding_server, early_data),
    "forwards without data stream": (forwarding_server, lambda: requests(lone_streams)),
    "forwards of one request": (
        forwarding_server,
        lambda: requests(
            lambda _: (("streamtype", "error"), ("port", "80"), ("requestid", "0"))
        ),
    ),
}


def feed(session, chunk):
    with contextlib.suppress(RemoteProtocolError):
        session.receive_data(chunk)
    session.data_to_send()


@pytest.mark.parametrize(("make", "flood"), FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_costs_a_fixed_amount_of_memory(make, flood):
    """After the first half nothing more is kept, and no chunk makes much of itself."""
    total = 4096 * KIB if flood is early_data else 300 * KIB
    chunks = list(chunks_of(flood(), total))
    session = make()
    tracemalloc.start()
    try:
        for chunk in chunks[: len(chunks) // 2]:
            feed(session, chunk)
        kept_at_half, _ = tracemalloc.get_traced_memory()
        for chunk in chunks[len(chunks) // 2 :]:
            feed(session, chunk)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept - kept_at_half < 100 * KIB  # free lists of the interpreter come and go
    assert peak < 2048 * KIB


@pytest.mark.parametrize(
    ("flood", "message"),
    [
        pytest.param(
            lambda: syn_streams(itertools.repeat(1)), "out of order", id="stream ids"
        ),
        pytest.param(bombs, "header block of more than", id="zlib bombs"),
    ],
)
def test_some_floods_end_the_connection(flood, message):
    session = server()
    with pytest.raises(RemoteProtocolError, match=message):  # noqa: PT012
        for chunk in chunks_of(flood(), 512 * KIB):
            session.receive_data(chunk)
            session.data_to_send()


def test_a_peer_that_pings_and_does_not_read_is_given_up():
    session = server()

    with pytest.raises(RemoteProtocolError, match="without reading"):  # noqa: PT012
        for chunk in chunks_of(pings(), 4096 * KIB):
            session.receive_data(chunk)

    assert sum(map(len, session.data_to_send())) < 1100 * KIB


def test_an_endless_error_text_is_cut():
    client = PortForwardClient()
    forward = client.open(80)
    encoder = FrameEncoder()
    replies = [encoder.encode(SynReply(stream_id)) for stream_id in (1, forward)]
    client.receive_data(b"".join(replies))

    for _ in range(10):
        client.receive_data(struct.pack("!II", 1, 60_000) + b"e" * 60_000)
    events = client.receive_data(struct.pack("!II", 1, 1 << 24))

    assert [len(event.text) for event in events] == [64 * 1024]
