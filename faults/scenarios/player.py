"""Playing a scenario against a cluster."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from faults.client import FaultClient, FaultError
from faults.process_faults import signalled
from faults.scenarios.conditions import Seen, Time
from faults.scenarios.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.client import SetFault
    from faults.scenarios.scenario import Action, Scenario, Step
    from hops.cluster_view import ClusterView

__all__ = ["Player"]


class Player:
    """Plays one scenario.

    Args:
        tell: called with a line for each thing that is done.
        patience: seconds that a step may wait for the trace; None: without end.
    """

    def __init__(
        self,
        scenario: Scenario,
        view: ClusterView,
        tell: Callable[[str], object],
        patience: float | None = None,
    ) -> None:
        self._scenario = scenario
        self._view = view
        self._client = FaultClient(view)
        self._tell = tell
        self._patience = patience
        self._set: list[SetFault] = []
        self._begun = 0.0
        self._last = 0.0

    def play(self) -> None:
        """Do all steps; at the end the faults are taken away, unless they are kept.

        Raises:
            FaultError: a step cannot be done, or waited in vain.
            OSError: a service cannot be reached.
        """
        with contextlib.ExitStack() as stack:
            if not self._scenario.keep:
                stack.callback(self._clean)
            watcher = None
            if self._scenario.watches:
                # So that what a step sets later reaches sessions in their middle.
                self._client.watch()
                stack.callback(self._unwatch)
                watcher = stack.enter_context(
                    Watcher(self._view.admin_sockets.values())
                )
            self._begun = self._last = time.monotonic()
            self._tell("watching" if watcher is not None else "begun")
            for step in self._scenario.steps:
                self._wait(step, watcher)
                self._last = time.monotonic()
                for action in step.actions:
                    self._do(action)

    def _wait(self, step: Step, watcher: Watcher | None) -> None:
        match step.condition:
            case Time(seconds=seconds, from_begin=from_begin):
                due = (self._begun if from_begin else self._last) + seconds
                time.sleep(max(0.0, due - time.monotonic()))
            case Seen() as seen:
                assert watcher is not None  # noqa: S101 - see `play`
                self._wait_for(seen, watcher, step.line)

    def _wait_for(self, seen: Seen, watcher: Watcher, line: int) -> None:
        left = seen.n
        until = None if self._patience is None else time.monotonic() + self._patience
        for event in watcher.events(until):
            left -= seen.matches(event)
            if not left:
                return
        raise FaultError(f"the step of line {line} waited in vain: {left} did not come")

    def _do(self, action: Action) -> None:
        since = time.monotonic() - self._begun
        text = self._carry_out(action.kind, action.value)
        self._tell(f"{since:8.3f}s  {text}")

    def _carry_out(self, kind: str, value: Any) -> str:
        match kind:
            case "add":
                fault = self._client.add_rule(value)
                self._set.append(fault)
                return f"{fault.name} is set on {fault.rule['hop']}"
            case "remove":
                removed = self._client.remove(value)
                return f"{value} is removed" if removed else f"{value} was not set"
            case "reset":
                return f"{self._client.reset()} faults are removed"
            case "kill":
                fault = self._client.add_rule(value)
                return signalled(fault.rule["attributes"])
            case _:
                return str(value)

    def _clean(self) -> None:
        for fault in self._set:
            # A service that was killed has taken its faults along.
            with contextlib.suppress(FaultError):
                fault.remove()

    def _unwatch(self) -> None:
        with contextlib.suppress(FaultError):
            self._client.watch(False)
