"""Does what a plan says, against a real cluster, and says what came of it."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from hops.blocking.client import BlockingClient
from hops.blocking.responses import RequestError
from tests.soak.outcome import Outcome
from tests.soak.sessions import BrokenError, ExecEnd, ForwardEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.blocking.tls import TlsSettings
    from tests.soak.plan import Plan

__all__ = ["Performer"]

_PODS = "/api/v1/namespaces/default/pods"
#: When nothing comes for so long, a fault has stopped it, and the client leaves.
_PATIENCE = 1.5
_LINES = 3000


class Performer:
    """One client. Not for several threads at once.

    Args:
        pod: a pod with a shell and python3.
        talker: a pod that has printed the numbers from 1 to _LINES and ended.
        echo_port: where a server in the pod sends back what it gets.
    """

    def __init__(
        self, server: str, tls: TlsSettings, *, pod: str, talker: str, echo_port: int
    ) -> None:
        self._server = server
        self._tls = tls
        self._pod = pod
        self._talker = talker
        self._echo_port = echo_port
        self._operations: dict[str, Callable[[Plan, str, Outcome], None]] = {
            "output": self._output,
            "input": self._input,
            "echo": self._echo,
            "terminal": self._terminal,
            "forward": self._forward,
            "logs": self._logs,
        }

    def run(self, plan: Plan, trace_id: str) -> Outcome:
        """Do it; whatever a fault does to the session is an outcome, no exception."""
        outcome = Outcome(must_succeed=not plan.faults and plan.cut_after is None)
        try:
            self._operations[plan.operation](plan, trace_id, outcome)
        except (OSError, RequestError, BrokenError) as error:
            outcome.ended = f"{type(error).__name__}: {error}"
        return outcome

    # exec

    def _output(self, plan: Plan, trace_id: str, outcome: Outcome) -> None:
        outcome.whole = ("stdout",)
        expected = b"".join(b"%d\n" % n for n in range(1, plan.size + 1))
        command = f"seq 1 {plan.size}; {_last_words(plan)}"
        self._exec(plan, trace_id, outcome, command, b"", expected)

    def _input(self, plan: Plan, trace_id: str, outcome: Outcome) -> None:
        sent = random.Random(plan.seed).randbytes(plan.size)
        command = f"cat > in.{plan.seed}; {_last_words(plan)}"
        try:
            self._exec(plan, trace_id, outcome, command, sent, b"")
        finally:
            got = self._ask(f"cat in.{plan.seed} 2>/dev/null; rm -f in.{plan.seed}")
            outcome.delivered["stdin"] = (sent, got)

    def _echo(self, plan: Plan, trace_id: str, outcome: Outcome) -> None:
        sent = random.Random(plan.seed).randbytes(plan.size)
        command = f"cat; {_last_words(plan)}"
        self._exec(plan, trace_id, outcome, command, sent, sent)

    def _terminal(self, plan: Plan, trace_id: str, outcome: Outcome) -> None:
        outcome.whole = ("stdout",)
        expected = b"".join(b"%d\r\n" % n for n in range(1, plan.size + 1))
        command = f"seq 1 {plan.size}; {_last_words(plan)}"
        self._exec(plan, trace_id, outcome, command, b"", expected, tty=True)

    def _exec(
        self,
        plan: Plan,
        trace_id: str,
        outcome: Outcome,
        command: str,
        sent: bytes,
        expected: bytes,
        *,
        tty: bool = False,
    ) -> None:
        got = bytearray()
        outcome.delivered["stdout"] = (expected, b"")
        try:
            with ExecEnd(
                self._client(),
                f"{_PODS}/{self._pod}/exec",
                ["sh", "-c", command],
                stdin=bool(sent),
                tty=tty,
                spdy=plan.carrier == "spdy",
                headers=[_traceparent(trace_id)],
                outcome=outcome,
            ) as session:
                for piece in _cut(sent, plan.pieces):
                    session.send(piece, got, _PATIENCE)
                    if tty:
                        session.resize(random.Random(plan.seed))
                if sent:
                    session.end_input()
                session.read(got, _PATIENCE, plan.cut_after)
        finally:
            outcome.delivered["stdout"] = (expected, bytes(got))
            if outcome.code is not None:
                said = self._ask(f"cat code.{plan.seed} 2>/dev/null || true")
                outcome.process_code = int(said) if said.strip() else None

    # the others

    def _forward(self, plan: Plan, trace_id: str, outcome: Outcome) -> None:
        sent = random.Random(plan.seed).randbytes(plan.size)
        got = bytearray()
        outcome.delivered["forward"] = (sent, b"")
        try:
            with ForwardEnd(
                self._client(),
                f"{_PODS}/{self._pod}/portforward",
                self._echo_port,
                spdy=plan.carrier == "spdy",
                headers=[_traceparent(trace_id)],
            ) as forward:
                for piece in _cut(sent, plan.pieces):
                    forward.send(piece)
                forward.finish()
                forward.read(got, _PATIENCE, plan.cut_after)
                outcome.ended = "the pod ended its side"
                if len(got) == len(sent):
                    outcome.success = True
        finally:
            outcome.delivered["forward"] = (sent, bytes(got))

    def _logs(self, plan: Plan, trace_id: str, outcome: Outcome) -> None:
        expected = b"".join(b"%d\n" % n for n in range(1, _LINES + 1))
        outcome.whole = ("log",)
        follow = "true" if plan.exit_code else "false"
        target = f"{_PODS}/{self._talker}/log?follow={follow}"
        got = bytearray()
        try:
            with (
                self._client() as client,
                client.stream(
                    "GET", target, [_traceparent(trace_id)], timeout=2 * _PATIENCE
                ) as answer,
            ):
                if answer.status != 200:
                    outcome.ended = f"status {answer.status}"
                    return
                for chunk in answer.chunks():
                    got += chunk
                    if plan.cut_after is not None and len(got) > plan.cut_after:
                        outcome.ended = "the client left"
                        return
                outcome.success = True
                outcome.ended = "the log ended"
        finally:
            outcome.delivered["log"] = (expected, bytes(got))

    def _ask(self, command: str) -> bytes:
        """What a command prints, over a session that no fault disturbs."""
        outcome, got = Outcome(), bytearray()
        with ExecEnd(
            self._client(),
            f"{_PODS}/{self._pod}/exec",
            ["sh", "-c", command],
            outcome=outcome,
        ) as session:
            session.read(got, 20.0, None)
        if outcome.code != 0:
            raise AssertionError(f"{command}: {outcome.ended}")
        return bytes(got)

    def _client(self) -> BlockingClient:
        return BlockingClient(self._server, tls=self._tls, timeout=20)


def _last_words(plan: Plan) -> str:
    """The command says its code where no fault can reach it."""
    return f"echo {plan.exit_code} > code.{plan.seed}; exit {plan.exit_code}"


def _cut(data: bytes, pieces: tuple[int, ...]) -> list[bytes]:
    parts, at = [], 0
    for size in pieces:
        parts.append(data[at : at + size])
        at += size
    return [part for part in parts if part]


def _traceparent(trace_id: str) -> tuple[str, str]:
    return "traceparent", f"00-{trace_id}-{os.urandom(8).hex()}-01"
