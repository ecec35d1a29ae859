"""How a session ended, as its client saw it: on the outermost hop that was traced.

exit 0, exit 3     a status came
failed: MESSAGE    a status came, without an exit code
no status          the stream ended without one
403 Forbidden      the stream was refused, or a plain request answered
closed             a stream that has no status ended: port-forward, and a log whose
                   answer broke off, as when the client leaves logs -f
running            none of these yet
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from traces.requests import Asked, header_of, request_of
from wire.exit_status import ExitResult, decode
from wire.grpc_codes import GRPC_CODES

if TYPE_CHECKING:
    from traces.events import Event, JsonObject

__all__ = ["HOPS_INWARDS", "Outcome", "outermost", "result_of"]

#: From the client inwards.
HOPS_INWARDS = (
    "kubectl-apiserver",
    "controllers-apiserver",
    "kubelet-apiserver",
    "apiserver-kubelet",
    "kubelet-cri-streaming",
)


def outermost(hops: dict[str, object] | set[str]) -> str | None:
    """The hop nearest to the client of those given."""
    known = next((hop for hop in HOPS_INWARDS if hop in hops), None)
    return known if known is not None else next(iter(hops), None)


def result_of(info: JsonObject) -> ExitResult:
    """The outcome that an event `remotecommand status` tells."""
    if isinstance(info.get("status"), dict):
        return decode(json.dumps(info["status"]).encode())
    return ExitResult(1, str(info.get("text", "")), is_exit_code=False)


class Outcome:
    """Follows the events of one session."""

    def __init__(self) -> None:
        self.method = ""  # of the first gRPC call
        self._requests: dict[str, Asked] = {}  # conn -> the last one
        self._unanswered: dict[str, int] = {}  # conn -> how many
        self._answers: dict[str, str] = {}  # hop -> "200 OK" of what was meant
        self._upgrades: dict[str, str] = {}  # hop -> protocol
        self._results: dict[str, ExitResult] = {}  # hop -> status
        self._following: set[str] = set()  # conns that stream an answer
        self._logs: dict[str, str] = {}  # hop -> conn of a log without its end
        self._upgraded: set[str] = set()
        self._closed: set[str] = set()
        self._hops: dict[str, str] = {}  # conn -> hop, of those with a request
        self._call_status = ""

    def add(self, event: Event) -> None:
        """Take the next event."""
        match event.layer, event.type:
            case "http1", "request":
                self._on_request(event)
            case "http1", "response":
                self._on_response(event)
            case "remotecommand", "status":
                self._results[event.hop] = result_of(event.info)
            case "conn", "close":
                self._closed.add(event.conn)
            case "crilog", "end":
                self._following.discard(event.conn)
                if self._logs.get(event.hop) == event.conn:
                    del self._logs[event.hop]
            case "grpc", "call":
                self.method = self.method or str(event.info.get("method", ""))
            case "grpc", "status":
                self._call_status = _grpc_code(event.info)

    @property
    def transport(self) -> str:
        """websocket, spdy or http; "" before an answer."""
        hop = outermost(set(self._upgrades))
        if hop is not None:
            return self._upgrades[hop]
        return "http" if self._answers else ""

    @property
    def exit_code(self) -> int | None:
        """Of the command, when a status told one."""
        result = self._result()
        return result.code if result is not None and result.is_exit_code else None

    @property
    def is_open(self) -> bool:
        """Whether something is still to come for the client.

        Servers keep the connections behind them for the next request.
        """
        outer = outermost(set(self._hops.values()))
        waiting = {conn for conn, number in self._unanswered.items() if number > 0}
        open_ = (waiting | self._following | self._upgraded) - self._closed
        return any(self._hops[conn] == outer for conn in open_)

    @property
    def text(self) -> str:
        """In a few words, see above."""
        result = self._result()
        if result is not None:
            if result.is_exit_code:
                return f"exit {result.code}"
            return f"failed: {result.message}"
        if self.is_open:
            return "running"
        if self._upgrades:
            asked = self._meant()
            has_status = asked is not None and asked.verb in ("exec", "attach")
            return "no status" if has_status else "closed"
        hop = outermost(set(self._answers))
        if hop is not None:
            return "closed" if hop in self._logs else self._answers[hop]
        if self._call_status:
            return self._call_status
        return "no answer" if self._requests else ""

    def _result(self) -> ExitResult | None:
        """A status that a hop further out never passed on did not reach the client."""
        hop = outermost({*self._upgrades, *self._results})
        return self._results.get(hop) if hop is not None else None

    def _meant(self) -> Asked | None:
        asked = list(self._requests.values())
        return next((each for each in asked if each.is_streaming), None)

    def _on_request(self, event: Event) -> None:
        asked = request_of(event)
        self._hops[event.conn] = event.hop
        self._unanswered[event.conn] = self._unanswered.get(event.conn, 0) + 1
        self._following.discard(event.conn)
        if asked is not None:
            self._requests[event.conn] = asked

    def _on_response(self, event: Event) -> None:
        status = event.info.get("status")
        if not isinstance(status, int) or (status < 200 and status != 101):
            return
        self._hops.setdefault(event.conn, event.hop)
        self._unanswered[event.conn] = max(0, self._unanswered.get(event.conn, 0) - 1)
        asked = self._requests.get(event.conn)
        if status == 101:
            protocol = header_of(event.info, "upgrade").lower()
            self._upgrades[event.hop] = protocol.partition("/")[0] or "unknown"
            self._upgraded.add(event.conn)
            return
        text = f"{status} {event.info.get('reason') or ''}".strip()
        if event.hop not in self._answers or (asked and asked.is_streaming):
            self._answers[event.hop] = text
        whole = header_of(event.info, "content-length")
        if status < 300 and asked and asked.verb in ("logs", "watch") and not whole:
            self._following.add(event.conn)
            if asked.verb == "logs":
                self._logs[event.hop] = event.conn


def _grpc_code(info: JsonObject) -> str:
    code = info.get("code")
    if isinstance(code, int) and 0 <= code < len(GRPC_CODES):
        return GRPC_CODES[code]
    return str(code)
