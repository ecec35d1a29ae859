"""Exponential back-off per key, without a clock.

Source: kubernetes/client-go util/flowcontrol/backoff.go. An entry is forgotten
once nothing happened for twice the longest delay.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Backoff"]


@dataclass(slots=True)
class _Entry:
    delay: float
    updated: float


@dataclass(slots=True)
class Backoff:
    """Delays in seconds; every `now` and `since` is on the caller's one clock."""

    initial: float = 10.0
    longest: float = 300.0
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def delay(self, key: str) -> float:
        """The present delay of a key, 0 when it never failed."""
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def advance(self, key: str, event_time: float, now: float) -> None:
        """Note another try: the next delay is twice as long."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, event_time):
            self._entries[key] = _Entry(self.initial, now)
            return
        entry.delay = min(entry.delay * 2, self.longest)
        entry.updated = now

    def remaining_since(self, key: str, event_time: float, now: float) -> float:
        """Seconds to wait when counting from an event, such as a container's end."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, event_time):
            return 0.0
        return max(0.0, event_time + entry.delay - now)

    def remaining_since_update(self, key: str, now: float) -> float:
        """Seconds to wait when counting from the last `advance`."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, now):
            return 0.0
        return max(0.0, entry.updated + entry.delay - now)

    def reset(self, key: str) -> None:
        self._entries.pop(key, None)

    def forget_expired(self, now: float) -> None:
        """Drop what no longer counts, so that keys of gone pods do not pile up."""
        for key in [k for k, e in self._entries.items() if self._expired(e, now)]:
            del self._entries[key]

    def _expired(self, entry: _Entry, event_time: float) -> bool:
        return event_time - entry.updated > self.longest * 2
