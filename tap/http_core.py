"""One HTTP/1.1 connection as a proxy must understand it, without I/O.

Requests are rewritten, head by head; everything else passes as the bytes it came in:
bodies with their chunks, answers, whatever follows an upgrade. Answers are read only to
know what has been agreed on, and to tell of their status.

    client --> from_client --> server      server --> from_server --> client

Behind a request that asks for an upgrade nothing more is taken from the client until
the answer is known (`holding`), since it decides what the bytes are.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
    get_header,
    is_upgrade,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HttpCore"]


class HttpCore:
    """Both directions of one connection.

    Args:
        rewrite: called with each request head; answers what the server is to get.
        answered: called with the status of each final answer.

    Attributes:
        begun: there was a whole request head.
        holding: nothing may be given to `from_client` now.
        switched: HTTP is over: both directions are bytes of another protocol.
        untouched: no byte of an answer has come yet.
    """

    def __init__(
        self,
        rewrite: Callable[[RequestHead], RequestHead],
        answered: Callable[[int], None] = lambda status: None,
    ) -> None:
        self._rewrite = rewrite
        self._answered = answered
        self._head = HeadReader("request")
        self._body: BodyReader | None = None
        self._answer_head = HeadReader("response")
        self._answer_body: BodyReader | None = None
        self._asked: deque[RequestHead] = deque()
        self._held = b""
        self._opaque = False
        self.begun = False
        self.holding = False
        self.switched = False
        self.untouched = True

    @property
    def between_requests(self) -> bool:
        """Whether the client may leave without having broken anything off."""
        return self._body is None and self._head.empty

    # -- requests -----------------------------------------------------------------------

    def from_client(self, data: bytes) -> bytes:
        """What to send to the server for what came from the client.

        Raises:
            RemoteProtocolError: it is not HTTP/1, or ambiguous about its length.
        """
        out: list[bytes] = []
        while data:
            if self.switched:
                out.append(data)
                break
            if self.holding:
                self._held += data
                break
            passed, data = self._take_request(data)
            out.append(passed)
        return b"".join(out)

    def _take_request(self, data: bytes) -> tuple[bytes, bytes]:
        """(bytes for the server, bytes not looked at yet)."""
        if self._body is not None:
            self._body.receive_data(data)
            if not self._body.complete:
                return data, b""
            rest, self._body = self._body.leftover, None
            return data[: len(data) - len(rest)], rest
        head = self._head.receive_data(data)
        if not isinstance(head, RequestHead):
            return b"", b""
        rest, self._head = self._head.leftover, HeadReader("request")
        body = BodyReader.for_request(head)
        self._body = None if body.complete else body
        self._asked.append(head)
        self.begun = True
        # A body does not belong to an upgrade; Go's client sends none.
        wants = get_header(head.headers, "upgrade") is not None
        self.holding = wants and is_upgrade(head.headers) and self._body is None
        return encode_request_head(self._rewrite(head)), rest

    # -- answers ------------------------------------------------------------------------

    def from_server(self, data: bytes) -> bytes:
        """What the server must get now, held back so far. `data` itself goes on as it is."""
        self.untouched = False
        try:
            while data and not (self.switched or self._opaque):
                data = self._take_answer(data)
        except RemoteProtocolError:
            # Not ours to judge: the client sees it as it is.
            self._opaque = True
            self._release(switched=self.holding)
        return self._take_held()

    def _take_answer(self, data: bytes) -> bytes:
        if self._answer_body is not None:
            self._answer_body.receive_data(data)
            if not self._answer_body.complete:
                return b""
            rest, self._answer_body = self._answer_body.leftover, None
            return rest
        head = self._answer_head.receive_data(data)
        if not isinstance(head, ResponseHead):
            return b""
        rest, self._answer_head = self._answer_head.leftover, HeadReader("response")
        self._on_answer(head)
        return rest

    def _on_answer(self, head: ResponseHead) -> None:
        if head.status < 200 and head.status != 101:
            return  # 100 Continue and the like: the answer itself is still to come
        request = self._asked.popleft() if self._asked else None
        self._answered(head.status)
        if head.status == 101:
            self._release(switched=True)
            return
        body = BodyReader.for_response(request.method if request else "GET", head)
        self._answer_body = None if body.complete else body
        if not self._asked:
            self._release(switched=False)

    def _release(self, *, switched: bool) -> None:
        self.switched = self.switched or switched
        self.holding = False

    def _take_held(self) -> bytes:
        if self.holding or not self._held:
            return b""
        held, self._held = self._held, b""
        return self.from_client(held)
