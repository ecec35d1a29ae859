"""Faults in a service: the commands of its control socket.

    {"cmd": "fault_add", "rule": {...}}          {"ok": true, "rule": {...}}
    {"cmd": "fault_list"}                        {"ok": true, "rules": [...]}
    {"cmd": "fault_remove", "name": ..., "hop": ...}    the hop may be left out
    {"cmd": "fault_reset"}                       {"ok": true, "removed": n}
    {"cmd": "fault_watch", "on": true}           read connections before a rule is set

Nothing of the engine is loaded before the first rule.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from hops.clock import monotonic
from hops.tasks import spawn

if TYPE_CHECKING:
    from faults.engine import FaultEngine
    from hops.admin import AdminServer
    from hops.hops import Hops

__all__ = ["FaultService", "serve_faults"]


def serve_faults(admin: AdminServer, hops: Hops) -> FaultService:
    """Let a control socket set the faults of a process."""
    service = FaultService(hops)
    for name in ("add", "list", "remove", "reset", "watch"):
        admin.add_command(f"fault_{name}", getattr(service, name))
    return service


class FaultService:
    """The faults of one process. The methods are commands: a request in, facts out."""

    def __init__(self, hops: Hops) -> None:
        self._hops = hops
        self._engine: FaultEngine | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Set a rule.

        Raises:
            RuleError: it cannot be, or one of that name is set.
        """
        from faults.rules import Rule

        rule = Rule.from_json(request.get("rule"))
        if self._engine is None:
            self._engine = self._new_engine()
        self._engine.add(rule, monotonic())
        await self._changed()
        return {"rule": rule.to_json()}

    async def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """The rules with their counts."""
        now = monotonic()
        return {"rules": [] if self._engine is None else self._engine.to_json(now)}

    async def remove(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take the rules of a name away; answers how many these were."""
        from hops.hop import Hop

        hop = request.get("hop")
        if self._engine is None:
            return {"removed": 0}
        removed = self._engine.remove(str(request["name"]), Hop(hop) if hop else None)
        await self._changed()
        return {"removed": len(removed)}

    async def reset(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take all rules away, and watch no more."""
        if self._engine is None:
            return {"removed": 0}
        removed = self._engine.reset()
        self._engine.watch(False)
        await self._changed()
        return {"removed": len(removed)}

    async def watch(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read connections from now on, so that later rules reach their middle."""
        if self._engine is None:
            self._engine = self._new_engine()
        self._engine.watch(bool(request.get("on", True)))
        await self._changed()
        return {"watching": self._engine.watching}

    def _new_engine(self) -> FaultEngine:
        from faults.engine import FaultEngine

        # The clock can be moved (`hops.clock`), and the loop's timers with it; what
        # the trace shows are times that passed.
        loop = asyncio.get_running_loop()
        return FaultEngine(
            loop.call_at, self._leave, clock=monotonic, stamp=time.monotonic
        )

    async def _changed(self) -> None:
        """Let the connections know, and come back when a rule's time is up."""
        engine = self._engine
        if engine is None:
            return
        loop = asyncio.get_running_loop()
        engine.clean(monotonic())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ends = [active.until for active in engine.active() if active.until is not None]
        if ends:
            self._timer = loop.call_at(min(ends), self._time_is_up)
        self._hops.set_faults(engine)
        engine.wake(monotonic())
        await self._hops.shut_doors(engine.down())
        if not engine.needed:
            self._leave()

    def _time_is_up(self) -> None:
        spawn("fault time is up", self._changed())

    def _leave(self) -> None:
        """No object of ours stands in any path any more."""
        self._hops.set_faults(None)
