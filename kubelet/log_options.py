"""Options of one log read, and where they come from.

Source: kubernetes/kubernetes pkg/kubelet/server/server.go (getContainerLogs) and
pkg/apis/core/validation (ValidatePodLogOptions); kubernetes/apimachinery
pkg/runtime/conversion.go for booleans.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire.cri_log import parse_timestamp
from wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["InvalidLogOptionsError", "LogOptions", "UndecodableLogOptionsError"]

_MAX_INT64 = 2**63 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}")
_STREAMS = ("All", "Stdout", "Stderr")


class UndecodableLogOptionsError(ValueError):
    """A value is not of its type: the kubelet answers 400."""


class InvalidLogOptionsError(ValueError):
    """Values are readable but make no sense: the kubelet answers 422."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to read a log.

    Attributes:
        since: nanoseconds since the epoch; older records are left out.
        tail: physical records to start before the end of the file.
        limit_bytes: of output, timestamps included.
        stream: All, Stdout or Stderr.
    """

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: int | None = None
    tail: int | None = None
    limit_bytes: int | None = None
    stream: str = "All"

    @classmethod
    def from_query(cls, query: Mapping[str, str], now: float) -> LogOptions:
        """Read the kubelet's query parameters. `now` is the wall clock in seconds.

        Raises:
            UndecodableLogOptionsError, InvalidLogOptionsError
        """
        tail_text = query.get("tail") or query.get("tailLines")
        tail = None if query.get("tail") == "all" else _integer(tail_text)
        since_seconds = _integer(query.get("sinceSeconds"))
        since_time = _time(query.get("sinceTime"))
        limit = _integer(query.get("limitBytes"))
        stream = query.get("stream") or "All"
        _check(tail, limit, since_seconds, since_time)
        _check_stream(stream, tail)
        if since_seconds is not None:
            # No record is older than the epoch, and times before it have no stamp.
            since_time = max(0, int((now - since_seconds) * 1e9))
        return cls(
            follow=_boolean(query, "follow"),
            previous=_boolean(query, "previous"),
            timestamps=_boolean(query, "timestamps"),
            since=since_time,
            tail=tail,
            limit_bytes=limit,
            stream=stream,
        )


def _boolean(query: Mapping[str, str], name: str) -> bool:
    # Everything but absence, `0` and `false` is true, the empty value too.
    value = query.get(name)
    return value is not None and value.lower() not in ("0", "false")


def _integer(text: str | None) -> int | None:
    if text is None:
        return None
    # int() takes more than strconv.ParseInt: blanks, underscores, foreign digits.
    if not _INTEGER.fullmatch(text):
        raise UndecodableLogOptionsError(text)
    try:
        value = int(text)
    except ValueError:  # more digits than it reads
        raise UndecodableLogOptionsError(text) from None
    if not -_MAX_INT64 - 1 <= value <= _MAX_INT64:
        raise UndecodableLogOptionsError(text)
    return value


def _time(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return parse_timestamp(text)
    except (RemoteProtocolError, ValueError) as err:
        raise UndecodableLogOptionsError(text) from err


def _check(
    tail: int | None,
    limit: int | None,
    since_seconds: int | None,
    since_time: int | None,
) -> None:
    if tail is not None and tail < 0:
        raise InvalidLogOptionsError("tailLines must be greater than or equal to 0")
    if limit is not None and limit < 1:
        raise InvalidLogOptionsError("limitBytes must be greater than 0")
    if since_seconds is not None and since_seconds < 1:
        raise InvalidLogOptionsError("sinceSeconds must be greater than 0")
    if since_seconds is not None and since_time is not None:
        raise InvalidLogOptionsError(
            "at most one of `sinceTime` or `sinceSeconds` may be specified"
        )


def _check_stream(stream: str, tail: int | None) -> None:
    """Looked at whether or not the gate PodLogsQuerySplitStreams is on."""
    if stream not in _STREAMS:
        raise InvalidLogOptionsError(f"stream: unsupported value {stream[:40]!r}")
    if stream != "All" and tail is not None:
        raise InvalidLogOptionsError(
            "`tailLines` and specific `stream` are mutually exclusive for now"
        )
