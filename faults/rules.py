"""A rule: which fault, on which hop, for whom, and for how long."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.parameters import Parameter, RuleError, read_parameters
from faults.selectors import Selector
from faults.types import FaultType, find_type
from hops.hop import Hop
from hops.pipe import Direction

__all__ = ["RULE_TEXTS", "STREAMS", "Rule"]

#: How each key of a rule is meant.
RULE_TEXTS = {
    "name": "how it is called in lists and traces; default TYPE_STREAM, as in toxiproxy",
    "type": "which fault; see the types",
    "hop": "where",
    "stream": "upstream (from who dialled), downstream (back), or both",
    "toxicity": "the share of connections that it strikes, from 0 to 1",
    "seed": "what chance begins with: the same seed and traffic give the same faults",
    "attributes": "the parameters of the type",
    "selector": "for whom; see the selector",
    "for": "for how many seconds; null: until it is removed",
    "count": "how often it strikes at most; null: without end",
}
STREAMS = {
    "upstream": (Direction.UP,),
    "downstream": (Direction.DOWN,),
    "both": (Direction.UP, Direction.DOWN),
}
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `from_json` has checked it. See `RULE_TEXTS`."""

    name: str
    kind: FaultType
    hop: Hop
    stream: str
    values: Mapping[str, Any]
    selector: Selector = field(default_factory=Selector)
    toxicity: float = 1.0
    seed: int = 0
    seconds: float | None = None
    count: int | None = None

    @property
    def ways(self) -> tuple[Direction, ...]:
        """The directions it is for."""
        return STREAMS[self.stream]

    @property
    def wants_frames(self) -> bool:
        """Whether the connection must be read to carry it out."""
        return self.kind.stage == "frames" or self.selector.wants_request

    @classmethod
    def from_json(cls, document: Any) -> Rule:
        """Read a rule.

        Raises:
            RuleError: it cannot be; the text says what is allowed.
        """
        if not isinstance(document, Mapping):
            raise RuleError("a rule is an object")
        for key in document:
            if key not in RULE_TEXTS:
                raise RuleError(f"a rule has no {key!r}: {', '.join(RULE_TEXTS)}")
        kind = find_type(document.get("type"))
        stream = _stream(kind, document.get("stream"))
        given = document.get("attributes") or {}
        if not isinstance(given, Mapping):
            raise RuleError("attributes: an object is expected")
        selector = Selector.from_json(document.get("selector"))
        if kind.whole and selector.wants_request:
            raise RuleError(
                f"{kind.name} is for connections: its selector can name a connection"
                " only, since no request has come when it acts"
            )
        return cls(
            name=_name(document.get("name"), kind, stream),
            kind=kind,
            hop=_hop(document.get("hop")),
            stream=stream,
            values=read_parameters(kind.name, kind.parameters, given),
            selector=selector,
            toxicity=_share(document.get("toxicity")),
            seed=_whole("seed", document.get("seed"), 0) or 0,
            seconds=_seconds(document.get("for")),
            count=_whole("count", document.get("count"), 1),
        )

    def to_json(self, *, private: bool = False) -> dict[str, Any]:
        """What `from_json` reads; without `private` values that are not for people."""
        return {
            "name": self.name,
            "type": self.kind.name,
            "hop": str(self.hop),
            "stream": self.stream,
            "toxicity": self.toxicity,
            "seed": self.seed,
            "attributes": {
                parameter.name: self.values[parameter.name]
                for parameter in self.kind.parameters
                if private or not parameter.private
            },
            "selector": self.selector.to_json(),
            "for": self.seconds,
            "count": self.count,
        }


def free_name(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it when it is taken."""
    if name not in taken:
        return name
    return next(n for i in itertools.count(2) if (n := f"{name}_{i}") not in taken)


def _name(value: Any, kind: FaultType, stream: str) -> str:
    if value in (None, ""):
        return f"{kind.name}_{stream}" if kind.stream else kind.name
    if (
        not isinstance(value, str)
        or len(value) > _LONGEST_NAME
        or not value.isprintable()
    ):
        raise RuleError(
            f"name: {value!r} is not a text of at most {_LONGEST_NAME} characters"
        )
    return value


def _hop(value: Any) -> Hop:
    try:
        return Hop(value)
    except ValueError:
        hops = ", ".join(Hop)
        raise RuleError(f"there is no hop {value!r}: {hops}") from None


def _stream(kind: FaultType, value: Any) -> str:
    if value in (None, ""):
        return kind.stream or "both"
    if not isinstance(value, str) or value not in STREAMS:
        raise RuleError(f"stream: {value!r} is none of {', '.join(STREAMS)}")
    return str(value) if kind.stream else "both"


def _share(value: Any) -> float:
    parameter = Parameter("toxicity", "float", 1.0, "", most=1)
    return 1.0 if value is None else float(parameter.read(value))


def _whole(name: str, value: Any, least: int) -> int | None:
    parameter = Parameter(
        name, "int", None, "", least=least if name == "count" else None
    )
    return None if value is None else int(parameter.read(value))


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    seconds = float(Parameter("for", "float", None, "").read(value))
    if seconds <= 0:
        raise RuleError(f"for: {seconds} is not a time in seconds")
    return seconds
