"""Faults on HTTP/1.1 requests and their answers, the handshake of an upgrade among them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from faults.actions import Back, End
from faults.frame_fault import FrameFault
from faults.framing.frame import Body, Opaque
from faults.framing.http1 import RequestFrame, ResponseFrame
from hops.pipe import Direction
from wire.http1 import RequestHead, ResponseHead, encode_response_head, get_header

if TYPE_CHECKING:
    from faults.actions import Item
    from faults.frame_fault import Terms
    from faults.framing.frame import Frame
    from faults.selectors import RequestFacts
    from wire.http1 import Headers

__all__ = [
    "BodyLimit",
    "HttpAnswer",
    "HttpHeader",
    "StatusLine",
    "SubprotocolFault",
    "UpgradeSilence",
]


class _Answering(FrameFault):
    """Answers a request itself, and lets nothing of it pass."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._answered: RequestFacts | None = None

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Answer a request's head, drop its body."""
        if frame.direction is Direction.DOWN:
            return None
        if isinstance(frame, RequestFrame):
            return self.on_request(frame)
        if frame.request is self._answered and self._answered is not None:
            return []
        return self.on_body(frame) if isinstance(frame, Body) else None

    def on_request(self, frame: RequestFrame) -> list[Item] | None:
        """A request's head came."""
        raise NotImplementedError

    def on_body(self, frame: Body) -> list[Item] | None:
        """A piece of a body came."""
        return None

    def answer(self, frame: Frame, *, close: bool) -> list[Item]:
        """What goes back in place of the server's answer."""
        self._answered = frame.request
        if self.conversation is not None:
            self.conversation.swallow(frame.request)
        is_head = frame.request is not None and frame.request.method == "HEAD"
        content = self._response(is_head=is_head, close=close)
        items: tuple[Any, ...] = (Opaque(direction=Direction.DOWN, content=content),)
        return [Back((*items, End()) if close else items)]

    def _response(self, *, is_head: bool, close: bool) -> bytes:
        body = self.values["body"].encode()
        headers: Headers = []
        if self.values["content_type"]:
            headers.append(("Content-Type", self.values["content_type"]))
        headers.append(("Content-Length", str(len(body))))
        if close:
            headers.append(("Connection", "close"))
        for name, value in self.values["headers"].items():
            headers = [pair for pair in headers if pair[0].lower() != name.lower()]
            headers.append((name, value))
        status = self.values["status"]
        reason = self.values["reason"] or reason_of(status)
        head = encode_response_head(ResponseHead(status, reason, headers))
        return head if is_head else head + body


class HttpAnswer(_Answering):
    """A request is answered here, with any status, headers and body."""

    def on_request(self, frame: RequestFrame) -> list[Item] | None:
        """Answer it."""
        if not self.strike():
            return None
        return self.answer(frame, close=self.values["close"])


class BodyLimit(_Answering):
    """A request whose body is longer than `bytes` is refused."""

    _counted = 0

    def on_request(self, frame: RequestFrame) -> list[Item] | None:
        """Refuse it by its Content-Length."""
        self._counted = 0
        length = get_header(frame.head.headers, "content-length") or "0"
        too_long = length.isdecimal() and int(length) > self.values["bytes"]
        if not too_long or not self.strike():
            return None
        return self.answer(frame, close=True)

    def on_body(self, frame: Body) -> list[Item] | None:
        """Cut one that did not say its length."""
        self._counted += frame.size
        if self._counted <= self.values["bytes"] or not self.strike():
            return None
        return self.answer(frame, close=True)


class HttpHeader(FrameFault):
    """A header of requests (upstream) or answers (downstream) is another."""

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Change heads."""
        if not isinstance(frame, RequestFrame | ResponseFrame):
            return None
        if frame.direction not in self.ways:
            return None
        headers = self._changed(frame.head.headers)
        if headers == frame.head.headers or not self.strike():
            return None
        return [with_headers(frame, headers)]

    def _changed(self, headers: Headers) -> Headers:
        name, value = self.values["header"], self.values["value"]
        action = self.values["action"]
        if action == "append":
            return [*headers, (name, value)]
        kept = [pair for pair in headers if pair[0].lower() != name.lower()]
        return kept if action == "remove" else [*kept, (name, value)]


class SubprotocolFault(FrameFault):
    """The answer to a WebSocket handshake names another subprotocol, or none."""

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Change the 101."""
        if not isinstance(frame, ResponseFrame) or frame.head.status != 101:
            return None
        if not self.strike():
            return None
        name, value = "Sec-WebSocket-Protocol", self.values["value"]
        kept = [h for h in frame.head.headers if h[0].lower() != name.lower()]
        return [with_headers(frame, [*kept, (name, value)] if value else kept)]


class StatusLine(FrameFault):
    """The server's answer has another status; an upgrade has no headers then."""

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Change the status line of final answers."""
        if not isinstance(frame, ResponseFrame) or frame.head.status == 100:
            return None
        if not self.strike():
            return None
        status = self.values["status"]
        reason = self.values["reason"] or reason_of(status)
        head, headers = frame.head, frame.head.headers
        if head.status == 101 != status:
            # What follows is no body: a client would wait for its end.
            headers = [("Content-Length", "0"), ("Connection", "close")]
        frame.head = ResponseHead(status, reason, headers, head.version)
        frame.changed()
        return [frame]


class UpgradeSilence(FrameFault):
    """The upgrade is granted, and then nothing passes in either direction."""

    _silent = False

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Let the 101 pass, and nothing after it."""
        if self._silent:
            return []
        if not isinstance(frame, ResponseFrame) or frame.head.status != 101:
            return None
        self._silent = self.strike()
        return None


def with_headers(
    frame: RequestFrame | ResponseFrame, headers: Headers
) -> RequestFrame | ResponseFrame:
    """The frame, with other headers."""
    head = frame.head
    if isinstance(frame, RequestFrame) and isinstance(head, RequestHead):
        frame.head = RequestHead(head.method, head.target, headers, head.version)
    elif isinstance(frame, ResponseFrame) and isinstance(head, ResponseHead):
        frame.head = ResponseHead(head.status, head.reason, headers, head.version)
    frame.changed()
    return frame


def reason_of(status: int) -> str:
    """The usual words for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
