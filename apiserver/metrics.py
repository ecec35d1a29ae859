"""Counters of the API server, in Prometheus' text form.

Source of the names: kubernetes/apiserver pkg/endpoints/metrics/metrics.go.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Metrics"]


@dataclass(slots=True)
class Metrics:
    """What is counted; gauges are read when somebody asks."""

    requests: Counter[tuple[str, str, str, str, str]] = field(default_factory=Counter)
    """By verb, group, resource, subresource and code."""
    streams: Counter[tuple[str, str]] = field(default_factory=Counter)
    """WebSocket streaming requests by subresource and where they were handled."""
    gauges: dict[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)
    """Name to help text and reading."""

    def render(self) -> str:
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        name = "apiserver_request_total"
        yield f"# HELP {name} Requests by verb, group, resource, subresource and code."
        yield f"# TYPE {name} counter"
        for (verb, group, resource, subresource, code), count in sorted(
            self.requests.items()
        ):
            yield (
                f'{name}{{code="{code}",group="{group}",resource="{resource}",'
                f'subresource="{subresource}",verb="{verb}"}} {count}'
            )
        name = "apiserver_websocket_streaming_requests_total"
        yield f"# HELP {name} WebSocket sessions by subresource and handling."
        yield f"# TYPE {name} counter"
        for (subresource, handling), count in sorted(self.streams.items()):
            yield f'{name}{{handling="{handling}",subresource="{subresource}"}} {count}'
        for name, (text, reading) in self.gauges.items():
            yield f"# HELP {name} {text}"
            yield f"# TYPE {name} gauge"
            yield f"{name} {reading():g}"
