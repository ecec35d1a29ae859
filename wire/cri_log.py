r"""The CRI log format: one record a line, `TIMESTAMP STREAM TAGS CONTENT\n`.

    2024-05-01T10:00:00.123456789Z stdout F hello

The first tag is F (a full line, or the last piece of one) or P (more of it follows in the same
stream). So a line as the container wrote it is P* F. The newline that ends a P record is the
record's own; the one that ends an F record is the container's.

Source: kubernetes/community contributors/design-proposals/node/kubelet-cri-logging.md;
containerd/containerd internal/cri/io/logger.go (writing);
kubernetes/cri-client pkg/logs/logs.go (reading).
"""

from __future__ import annotations

import re
from time import gmtime

from wire.errors import RemoteProtocolError
from wire.records import dataclass

__all__ = [
    "MAX_CONTENT",
    "LogDecoder",
    "LogEncoder",
    "LogRecord",
    "format_timestamp",
    "parse_record",
    "parse_timestamp",
]

# containerd's default for max_container_log_line_size
MAX_CONTENT = 16 * 1024

STREAMS = (b"stdout", b"stderr")

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)",
    re.ASCII,
)


def format_timestamp(now_ns: int) -> str:
    """Nanoseconds since the epoch as RFC 3339 in UTC, always with nine digits."""
    seconds, nanoseconds = divmod(now_ns, 1_000_000_000)
    at = gmtime(seconds)
    return (
        f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02}"
        f"T{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}.{nanoseconds:09}Z"
    )


def parse_timestamp(text: str) -> int:
    """RFC 3339 with any number of fractional digits, as nanoseconds since the epoch.

    Raises:
        RemoteProtocolError: the text is no such time.
    """
    from calendar import timegm  # with it comes datetime, and shims only write

    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise RemoteProtocolError(f"timestamp: expected RFC 3339, got {text[:40]!r}")
    *numbers, fraction, zone = match.groups()
    seconds = timegm((*map(int, numbers), 0, 0, 0)) - _offset(zone)
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def _offset(zone: str) -> int:
    """Seconds east of UTC."""
    if zone == "Z":
        return 0
    hours, minutes = zone[1:].split(":")
    return (int(hours) * 3600 + int(minutes) * 60) * (-1 if zone[0] == "-" else 1)


class LogEncoder:
    """Turns what one stream of a container wrote into records.

    The time of a record is the time its last piece was read. Content that no newline has
    ended yet is held back, up to `max_content` bytes.
    """

    def __init__(self, stream: str, *, max_content: int = MAX_CONTENT) -> None:
        self._head = f" {stream} ".encode()
        self._max = max_content
        self._pending = b""

    def receive_data(self, data: bytes, now_ns: int) -> bytes:
        """Take a chunk as it was read; returns the records that are ready, maybe none."""
        data = self._pending + data if self._pending else data
        cut = data.rfind(b"\n") + 1
        self._pending = data[cut:]
        if not cut and len(data) <= self._max:
            return b""
        prefix = format_timestamp(now_ns).encode() + self._head
        records = self._whole_lines(data[:cut], prefix) if cut else b""
        # A carriage return at the end is not counted: the newline may follow.
        if len(self._pending) - self._pending.endswith(b"\r") > self._max:
            records += self._overflow(prefix)
        return records

    def receive_eof(self, now_ns: int) -> bytes:
        """The stream has ended: what is left becomes a partial record, as in containerd."""
        if not self._pending:
            return b""
        prefix = format_timestamp(now_ns).encode() + self._head
        rest, self._pending = self._pending, b""
        return self._pieces(rest, prefix, b"P ")

    def _whole_lines(self, block: bytes, prefix: bytes) -> bytes:
        # containerd's line reader loses the carriage return before a newline
        block = block.replace(b"\r\n", b"\n")
        full = prefix + b"F "
        if len(block) <= self._max or max(map(len, block.split(b"\n"))) <= self._max:
            return full + block[:-1].replace(b"\n", b"\n" + full) + b"\n"
        lines = block[:-1].split(b"\n")
        return b"".join(self._pieces(line, prefix, b"F ") for line in lines)

    def _overflow(self, prefix: bytes) -> bytes:
        """Records for a line so long that it cannot wait for its newline."""
        trailing = self._pending.endswith(b"\r")
        keep = (len(self._pending) - trailing - 1) % self._max + 1 + trailing
        full, self._pending = self._pending[:-keep], self._pending[-keep:]
        return self._pieces(full, prefix, b"P ")

    def _pieces(self, line: bytes, prefix: bytes, last_tag: bytes) -> bytes:
        size = self._max
        starts = range(0, max(len(line), 1), size)
        return b"".join(
            prefix
            + (b"P " if start + size < len(line) else last_tag)
            + line[start : start + size]
            + b"\n"
            for start in starts
        )


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record.

    Attributes:
        timestamp: as it stands in the file; `parse_timestamp` reads it.
        content: with its newline when the record ends a line, else without.
    """

    timestamp: str
    stream: str
    partial: bool
    content: bytes


def parse_record(line: bytes) -> LogRecord:
    """One line of the file, with or without its newline, as a record.

    Raises:
        RemoteProtocolError: it is not `TIMESTAMP STREAM TAGS CONTENT`.
    """
    fields = line.split(b" ", 3)
    if len(fields) != 4:
        raise RemoteProtocolError(
            f"log record: expected four fields, got {len(fields)}"
        )
    timestamp, stream, tags, content = fields
    if stream not in STREAMS:
        raise RemoteProtocolError(f"log record: unexpected stream {stream[:40]!r}")
    partial = tags.split(b":", 1)[0] == b"P"
    if partial:
        content = content.removesuffix(b"\n")
    text = timestamp.decode("ascii", "replace")
    if _TIMESTAMP.fullmatch(text) is None:
        raise RemoteProtocolError(f"log record: unexpected timestamp {text[:40]!r}")
    return LogRecord(text, stream.decode(), partial, content)


class LogDecoder:
    """Reads a log file in chunks of any size. Lines that are no records are skipped."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []

    def receive_data(self, data: bytes) -> list[LogRecord]:
        """Take a chunk of the file; returns the records whose line is complete."""
        head, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._pending.append(data)
            return []
        block = b"".join((*self._pending, head, newline))
        self._pending = [rest] if rest else []
        return _records([line + b"\n" for line in block.split(b"\n")[:-1]])

    def receive_eof(self) -> list[LogRecord]:
        """The file ends here: a last line without newline counts as well."""
        rest, self._pending = b"".join(self._pending), []
        return _records([rest]) if rest else []


def _records(lines: list[bytes]) -> list[LogRecord]:
    records = []
    for line in lines:
        try:
            records.append(parse_record(line))
        except RemoteProtocolError:
            # kubernetes/cri-client logs.go: a line that cannot be parsed is logged and skipped
            continue
    return records
