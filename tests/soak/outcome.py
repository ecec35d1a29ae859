"""What a run saw, and what must hold of it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Outcome", "broken"]


@dataclass(slots=True)
class Outcome:
    """What the client of one session saw.

    Attributes:
        delivered: name -> (what was sent at one end, what came at the other).
        statuses: the statuses, as they came.
        after_status: what came behind a status and is no end.
        success: the client has been told that the command succeeded.
        code: the exit code that the client was told; None when it was told none.
        ended: in words, how the session ended.
        process_code: what the command wrote before it ended; None: it did not get there.
        whole: names of `delivered` that a success promises to be whole. What goes in
            is not among them: the command may end well without having read it all.
        must_succeed: nothing was there to disturb it.
    """

    delivered: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    statuses: list[bytes] = field(default_factory=list)
    after_status: list[str] = field(default_factory=list)
    success: bool = False
    code: int | None = None
    ended: str = ""
    process_code: int | None = None
    whole: tuple[str, ...] = ()
    must_succeed: bool = False


def broken(outcome: Outcome) -> list[str]:
    """Which invariants do not hold, in words."""
    wrong = [
        f"{name}: {len(got)} bytes came that are no prefix of the {len(sent)} sent"
        for name, (sent, got) in outcome.delivered.items()
        if not sent.startswith(got)
    ]
    if len(outcome.statuses) > 1:
        wrong.append(f"{len(outcome.statuses)} statuses: {outcome.statuses}")
    if outcome.after_status:
        wrong.append(f"after the status came {outcome.after_status}")
    if outcome.code is not None and outcome.code != outcome.process_code:
        wrong.append(
            f"the client was told exit code {outcome.code}, but the command"
            f" {_how_it_ended(outcome.process_code)}"
        )
    if outcome.success:
        wrong += [
            f"{name}: success, but only {len(got)} of {len(sent)} bytes came"
            for name, (sent, got) in outcome.delivered.items()
            if got != sent and name in outcome.whole
        ]
    if outcome.must_succeed and outcome.code is None and not outcome.success:
        wrong.append(f"nothing disturbed it, and it failed: {outcome.ended}")
    return wrong


def _how_it_ended(code: int | None) -> str:
    return "did not come to its end" if code is None else f"ended with {code}"
