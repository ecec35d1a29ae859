"""When a step is due: at a time, after a time, or when something is seen in the trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faults.durations import read_duration
from faults.parameters import RuleError
from faults.selectors import Selector, request_facts
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faults.scenarios.source import Located

__all__ = ["LAYERS", "WHEN_TEXTS", "Seen", "Time", "read_condition"]

#: What a `when` can wait for.
WHEN_TEXTS = {
    "session": "a request that matches this selector (empty: exec, attach or port-forward)",
    "frame": "a frame: `layer`, `type`, `channel`, `hop`, `dir` (up or down)",
    "fault": "a fault of this name has struck",
    "n": "the n-th of these, counted from when the step is waited for (default 1)",
}
_FRAME_KEYS = ("layer", "type", "channel", "hop", "dir")
#: The layers of docs/trace-events.md.
LAYERS = (
    *("conn", "tls", "bytes", "http1", "websocket", "channel", "remotecommand"),
    *("portforward", "spdy", "http2", "grpc", "cri", "etcd", "podresources"),
    *("crilog", "process", "raw"),
)
_CHOICES: dict[str, Sequence[str]] = {
    "hop": list(Hop),
    "layer": LAYERS,
    "dir": ("up", "down"),
}
_STREAMING = ("exec", "attach", "portforward")


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds from the scenario's begin, or from the step before."""

    seconds: float
    from_begin: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """An event of the trace, for the n-th time.

    Attributes:
        selector: of a request; None: not one.
        frame: fields of the event.
        fault: the name of a fault that struck; "": not one.
    """

    selector: Selector | None
    frame: Mapping[str, str]
    fault: str
    n: int

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether an event, as a line of the trace has it, is meant."""
        if self.fault:
            return bool(event.get("fault") == self.fault)
        if self.selector is not None:
            return _is_session(event, self.selector)
        return all(_has(event, key, wanted) for key, wanted in self.frame.items())


def read_condition(step: Mapping[str, Located]) -> Time | Seen:
    """The condition of a step; without one it is due at once.

    Raises:
        ScenarioError: more than one, or one that cannot be.
    """
    given = [key for key in ("at", "after", "when") if key in step]
    if not given:
        return Time(0.0, from_begin=False)
    if len(given) > 1:
        raise step[given[1]].fail(f"a step has one of at, after and when, not {given}")
    place = step[given[0]]
    if given == ["when"]:
        return _seen(place)
    try:
        return Time(read_duration(place.value), from_begin=given == ["at"])
    except RuleError as err:
        raise place.fail(f"{given[0]}: {err}") from None


def _seen(place: Located) -> Seen:
    keys = place.mapping("when")
    for key, item in keys.items():
        if key not in WHEN_TEXTS:
            raise item.fail(f"when has no {key!r}: {', '.join(WHEN_TEXTS)}")
    events = [key for key in keys if key != "n"]
    if len(events) != 1:
        raise place.fail("when waits for one of session, frame and fault")
    return Seen(
        selector=_selector(keys["session"]) if "session" in keys else None,
        frame=_frame(keys["frame"]) if "frame" in keys else {},
        fault=keys["fault"].text("fault") if "fault" in keys else "",
        n=_number(keys["n"]) if "n" in keys else 1,
    )


def _selector(place: Located) -> Selector:
    try:
        return Selector.from_json(place.plain())
    except RuleError as err:
        raise place.fail(err) from None


def _frame(place: Located) -> dict[str, str]:
    frame = {}
    for key, item in place.mapping("frame").items():
        if key not in _FRAME_KEYS:
            raise item.fail(f"frame has no {key!r}: {', '.join(_FRAME_KEYS)}")
        if not isinstance(item.value, str | int):
            raise item.fail(f"{key}: a text is expected")
        known = _CHOICES.get(key)
        if known is not None and item.value not in known:
            raise item.fail(f"there is no {key} {item.value!r}: {', '.join(known)}")
        frame[key] = str(item.value)
    if not frame:
        raise place.fail(f"frame names at least one of {', '.join(_FRAME_KEYS)}")
    return frame


def _number(place: Located) -> int:
    if type(place.value) is not int or place.value < 1:
        raise place.fail(f"n: {place.value!r} is not a number from 1")
    return place.value


def _has(event: Mapping[str, Any], key: str, wanted: str) -> bool:
    if key == "channel" and not wanted.isdecimal():
        # Traces call the types of channel events by the channel's name.
        return wanted in (event.get("type"), (event.get("info") or {}).get("name"))
    return str(event.get(key)) == wanted


def _is_session(event: Mapping[str, Any], selector: Selector) -> bool:
    if event.get("layer") != "http1" or event.get("type") != "request":
        return False
    info = event.get("info") or {}
    headers = [(str(name), str(value)) for name, value in info.get("headers", ())]
    request = request_facts(str(info.get("method")), str(info.get("target")), headers)
    request.session = str(event.get("trace") or request.session)
    if not selector.to_json():
        return request.verb in _STREAMING
    return selector.matches(request)
