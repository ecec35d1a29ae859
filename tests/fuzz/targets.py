"""What must hold for any bytes: the targets of the fuzzer, and of the kept corpus.

A target takes bytes and raises when something is wrong. The first two bytes choose where
the rest is cut; the claim of every core is that the cut decides nothing, and that bad
bytes end in RemoteProtocolError and in no other way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wire.channels import SUBPROTOCOLS
from wire.cri_log import LogDecoder, LogEncoder, parse_timestamp
from wire.errors import RemoteProtocolError
from wire.exit_status import decode, encode
from wire.remotecommand import RemoteCommandClient, RemoteCommandServer, StreamOptions
from wire.spdy.connection import Role, SpdyConnection
from wire.spdy.events import Pinged, StreamOpened
from wire.terminal import ResizeDecoder, TerminalSize, encode_resize
from wire.websocket import FrameDecoder, FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["TARGETS"]


def cut(data: bytes) -> tuple[int, list[bytes]]:
    """The number that chooses a variant, and the pieces of the rest."""
    if len(data) < 2:
        return 0, [data]
    choice, size = data[0], data[1] or 256
    rest = data[2:]
    return choice, [rest[at : at + size] for at in range(0, len(rest), size)]


def _outcome(steps: Iterator[list[Any]]) -> tuple[list[Any], str]:
    """All events, and the text of the protocol error that ended them."""
    events: list[Any] = []
    try:
        for step in steps:
            events += step
    except FrameError as error:
        return events + error.frames, str(error)
    except RemoteProtocolError as error:
        return events, str(error)
    return events, ""


def _same(whole: tuple[list[Any], str], split: tuple[list[Any], str]) -> None:
    assert whole == split, f"whole: {whole}\nsplit: {split}"


def spdy(data: bytes) -> None:
    """SPDY frames at either end: alone, and with a user that answers."""
    choice, pieces = cut(data)
    role = Role.SERVER if choice & 1 else Role.CLIENT

    def read(parts: list[bytes]) -> Iterator[list[Any]]:
        connection = SpdyConnection(role)
        if role is Role.CLIENT:
            for _ in range(choice >> 5):
                connection.open_stream([("streamtype", "stdout")])
        for part in parts:
            yield connection.receive_data(part)
        # an error that came behind events is told by the next call
        yield connection.receive_data(b"")
        yield connection.receive_eof()

    _same(_outcome(read([b"".join(pieces)])), _outcome(read(pieces)))
    _answer_everything(SpdyConnection(role), pieces)


def _answer_everything(connection: SpdyConnection, pieces: list[bytes]) -> None:
    try:
        for piece in pieces:
            for event in connection.receive_data(piece):
                _answer(connection, event)
            connection.data_to_send()
    except RemoteProtocolError:
        return


def _answer(connection: SpdyConnection, event: Any) -> None:
    if isinstance(event, Pinged) and not connection.closed:
        connection.ping()
    if isinstance(event, StreamOpened) and connection.is_open(event.stream_id):
        connection.reply(event.stream_id)
        if connection.may_send(event.stream_id):
            connection.send_data(event.stream_id, b"answer")
            connection.finish(event.stream_id)


def websocket(data: bytes) -> None:
    """WebSocket frames as a server, a client, a tap and a lenient server read them."""
    choice, pieces = cut(data)
    mask = (True, False, None)[choice % 3]
    lenient = bool(choice & 4)

    def read(parts: list[bytes]) -> Iterator[list[Any]]:
        decoder = FrameDecoder(mask, 1 << 16, lenient=lenient)
        for part in parts:
            yield decoder.receive_data(part)

    _same(_outcome(read([b"".join(pieces)])), _outcome(read(pieces)))


_PROTOCOLS = sorted(SUBPROTOCOLS)


def channels(data: bytes) -> None:
    """Sessions of exec over every WebSocket subprotocol: a peer may say anything."""
    choice, pieces = cut(data)
    subprotocol = _PROTOCOLS[choice % len(_PROTOCOLS)]
    tty = bool(choice & 64)
    options = StreamOptions(stdin=True, stdout=True, stderr=not tty, tty=tty)
    core = RemoteCommandServer if choice & 128 else RemoteCommandClient

    def read(parts: list[bytes]) -> list[Any]:
        session = core(subprotocol, options)
        events: list[Any] = []
        for part in parts:
            events += session.receive_data(part)
        events += session.receive_eof()
        session.data_to_send()
        return events

    whole, split = read([b"".join(pieces)]), read(pieces)
    assert whole == split, f"whole: {whole}\nsplit: {split}"


def cri_log(data: bytes) -> None:
    """Log files: any bytes are read; what a container says comes back as it was."""
    choice, pieces = cut(data)

    def read(parts: list[bytes]) -> list[Any]:
        decoder = LogDecoder()
        records = [each for part in parts for each in decoder.receive_data(part)]
        return records + decoder.receive_eof()

    rest = b"".join(pieces)
    assert read([rest]) == read(pieces)
    for record in read([rest]):
        try:
            parse_timestamp(record.timestamp)
        except (ValueError, RemoteProtocolError):
            continue  # the shape of a time, but no such day
    encoder = LogEncoder("stdout", max_content=1 + choice)
    file = b"".join(encoder.receive_data(piece, at) for at, piece in enumerate(pieces))
    file += encoder.receive_eof(len(pieces))
    said = b"".join(record.content for record in read([file]))
    # as containerd's line reader, the encoder loses the carriage return of "\r\n"
    wanted = rest.replace(b"\r\n", b"\n")
    assert said.removesuffix(b"\n") == wanted.removesuffix(b"\n")


def resize(data: bytes) -> None:
    """Terminal sizes: never an error, never a size that is none."""
    _, pieces = cut(data)

    def read(parts: list[bytes]) -> list[TerminalSize]:
        decoder = ResizeDecoder()
        return [size for part in parts for size in decoder.receive_data(part)]

    sizes = read([b"".join(pieces)])
    assert (
        read(pieces)[: len(sizes)] == sizes
        or read(pieces) == sizes[: len(read(pieces))]
    )
    for size in sizes:
        assert 0 <= size.width <= 0xFFFF
        assert 0 <= size.height <= 0xFFFF
        assert read([encode_resize(size)]) == [size]


def status(data: bytes) -> None:
    """The error stream: whatever it says becomes a result, and a result comes back."""
    result = decode(data)
    assert 0 <= result.code <= 255
    assert bool(data) or result.success
    for shape in ("compact", "metav1"):
        again = encode(result, shape)  # type: ignore[arg-type]
        json.loads(again)
        assert decode(again).code == result.code


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (spdy, websocket, channels, cri_log, resize, status)
}
