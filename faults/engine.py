"""The rules of a process, and which connections they strike: its `FaultSource`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faults.active_rule import ActiveRule
from faults.connection import ConnectionFaults
from faults.parameters import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faults.connection import Timer
    from faults.rules import Rule
    from hops.hop import Hop
    from hops.pipe import ConnectionFacts, Fault

    CallAt = Callable[[float, Callable[[], None]], Timer]

__all__ = ["FaultEngine"]


class FaultEngine:
    """See `hops.pipe.FaultSource`.

    Args:
        call_at: `loop.call_at`, for faults that act though nothing comes.
        clock: what time it is, on the clock of `call_at`; None: what callers say.
        stamp: the time for the trace, which may be another clock's.
        done: called when the last connection that needed us has gone.

    Attributes:
        version: changes with the rules.
        watching: whether connections are read though no rule is for them yet, so that
            a rule on frames can reach a session in its middle.
    """

    def __init__(
        self,
        call_at: CallAt | None = None,
        done: Callable[[], None] = lambda: None,
        *,
        clock: Callable[[], float] | None = None,
        stamp: Callable[[], float] | None = None,
    ) -> None:
        self.done = done
        self._clock = clock
        self._stamp = stamp
        self.call_at = call_at
        self.version = 0
        self.watching = False
        self._rules: dict[tuple[Hop, str], ActiveRule] = {}
        self._connections: dict[str, ConnectionFaults] = {}

    def __bool__(self) -> bool:
        return bool(self._rules) or self.watching

    def now(self, said: float) -> float:
        """What time it is for faults."""
        return said if self._clock is None else self._clock()

    def stamp(self, said: float) -> float:
        """What time it is for the trace."""
        return said if self._stamp is None else self._stamp()

    def add(self, rule: Rule, now: float) -> ActiveRule:
        """Set a rule.

        Raises:
            RuleError: its hop has one of that name.
        """
        key = (rule.hop, rule.name)
        if key in self._rules and not self._rules[key].over(now):
            raise RuleError(f"{rule.hop} has a fault called {rule.name!r} already")
        active = self._rules[key] = ActiveRule(rule, now)
        self._changed()
        return active

    def remove(self, name: str, hop: Hop | None = None) -> list[Rule]:
        """Take the rules of that name away; answers which these were."""
        keys = [k for k in self._rules if k[1] == name and hop in (None, k[0])]
        removed = [self._rules.pop(key).rule for key in keys]
        if removed:
            self._changed()
        return removed

    def reset(self) -> list[Rule]:
        """Take all rules away."""
        removed = [active.rule for active in self._rules.values()]
        self._rules.clear()
        self._changed()
        return removed

    def watch(self, watching: bool) -> None:
        """See `watching`."""
        self.watching = watching
        self._changed()

    def active(self, hop: Hop | None = None) -> list[ActiveRule]:
        """The rules in the order they were set."""
        return [a for (h, _), a in self._rules.items() if hop in (None, h)]

    def down(self) -> set[Hop]:
        """The hops on which every connection is to be refused."""
        return {active.rule.hop for active in self._rules.values() if active.is_down}

    def clean(self, now: float) -> None:
        """Forget the rules whose time is up."""
        over = [key for key, active in self._rules.items() if active.over(now)]
        for key in over:
            del self._rules[key]
        if over:
            self._changed()

    def wake(self, now: float) -> None:
        """Let open connections see the rules; those that need none are left alone."""
        for name, connection in list(self._connections.items()):
            connection.wake(now)
            if connection.idle and not self._concerns(connection.hop):
                del self._connections[name]
        self._changed()

    @property
    def needed(self) -> bool:
        """Whether there are rules, or connections that still go through one of us."""
        return bool(self) or bool(self._connections)

    def _concerns(self, hop: Hop) -> bool:
        return self.watching or any(h == hop for h, _ in self._rules)

    def faults_for(self, connection: ConnectionFacts) -> Sequence[Fault]:
        """The faults of a connection: one object that stands for all of them.

        A connection that had some keeps its object to its end: it may hold bytes.
        """
        known = self._connections.get(connection.conn)
        if known is not None:
            return (known,)
        if not self._concerns(connection.hop):
            return ()
        made = ConnectionFaults(self, connection, self._forget)
        self._connections[connection.conn] = made
        return (made,)

    def to_json(self, now: float) -> list[dict[str, Any]]:
        """The rules with their counts, as `fault list` shows them."""
        return [
            active.rule.to_json()
            | {
                "connections": active.connections,
                "hits": active.hits,
                "left": None
                if active.until is None
                else max(0.0, round(active.until - now, 3)),
            }
            for active in self._rules.values()
            if not active.over(now)
        ]

    def _forget(self, connection: ConnectionFacts) -> None:
        self._connections.pop(connection.conn, None)
        if not self.needed:
            self.done()

    def _changed(self) -> None:
        self.version += 1
