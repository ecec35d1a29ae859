"""From the bytes of a log file to the bytes a reader gets.

The order of the filters is that of the real reader: parse, since, timestamps, limit.
Blocks of plain full records take a fast path that strips all their prefixes at once.
Whatever it cannot vouch for is read record by record.

Source: kubernetes/cri-client pkg/logs/logs.go.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from kubelet.log_blocks import strip_block
from wire.cri_log import (
    LogRecord,
    format_timestamp,
    parse_record,
    parse_timestamp,
)
from wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubelet.log_options import LogOptions

__all__ = ["LogFilter", "UnknownLogFormatError"]

_FRACTION = re.compile(r"(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$")


class UnknownLogFormatError(Exception):
    """The first line is neither CRI's nor docker's."""


class LogFilter:
    """One read of one file, fed with its bytes in order."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._pending = b""
        self._at_line_start = True
        self._remaining = options.limit_bytes
        self._records_left = None if options.follow else options.tail
        since = options.since
        self._since_text = None if since is None else format_timestamp(since).encode()
        self._parse: Callable[[bytes], LogRecord] | None = None
        self._stream = options.stream.lower()
        self.finished = options.tail == 0 and not options.follow

    def receive_data(self, data: bytes) -> bytes:
        """Take the next bytes of the file; returns output, maybe none.

        Raises:
            UnknownLogFormatError: the first line cannot be read.
        """
        if self.finished:
            return b""
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._pending += data
            return b""
        block = self._pending + data[:cut]
        self._pending = data[cut:]
        if self._parse is None:
            self._parse = _detect(block[: block.index(b"\n") + 1])
        return self._limit(self._fast(block) or self._slow(block))

    def receive_eof(self) -> bytes:
        """The file ends and nobody will add to it: a last line without newline counts."""
        block, self._pending = self._pending, b""
        if not block or self.finished:
            return b""
        return self._limit(self._slow(block))

    def _fast(self, block: bytes) -> bytes | None:
        """The block without its prefixes, or None when it needs a closer look."""
        records = block.count(b"\n")
        left = self._records_left
        if (
            self._parse is not parse_record
            or self._stream != "all"
            or not self._at_line_start
            or (left is not None and left <= records)
        ):
            return None
        text = strip_block(
            block, timestamps=self._options.timestamps, since=self._since_text
        )
        if text is None:
            return None
        if left is not None:
            self._records_left = left - records
        return text

    def _slow(self, block: bytes) -> bytes:
        output = []
        start = 0
        while start < len(block) and not self.finished:
            end = block.find(b"\n", start) + 1 or len(block)
            output.append(self._record(block[start:end]))
            start = end
        return b"".join(output)

    def _record(self, line: bytes) -> bytes:
        if self._parse is None:
            self._parse = _detect(line)
        try:
            record = self._parse(line)
        except (RemoteProtocolError, ValueError):
            return b""  # logged and skipped by the real reader
        if self._records_left is not None:
            self._records_left -= 1
            self.finished = self._records_left <= 0
        since = self._options.since
        if since is not None and parse_timestamp(record.timestamp) < since:
            return b""
        text = record.content
        if self._options.timestamps and self._at_line_start:
            text = f"{_nine_digits(record.timestamp)} ".encode() + text
        self._at_line_start = not record.content or record.content.endswith(b"\n")
        return text if self._stream in ("all", record.stream) else b""

    def _limit(self, output: bytes) -> bytes:
        if self._remaining is None:
            return output
        output = output[: self._remaining]
        self._remaining -= len(output)
        self.finished = self.finished or self._remaining <= 0
        return output


def _nine_digits(timestamp: str) -> str:
    """The same instant in the runtime's zone with exactly nine digits of fraction."""
    return _FRACTION.sub(
        lambda match: f".{(match[1] or '').ljust(9, '0')[:9]}{match[2]}", timestamp
    )


def _detect(line: bytes) -> Callable[[bytes], LogRecord]:
    for parse in (parse_record, _parse_docker):
        try:
            parse(line)
        except (RemoteProtocolError, ValueError):
            continue
        return parse
    raise UnknownLogFormatError(
        f"unsupported log format: {quote(line.decode('utf-8', 'replace'))}"
    )


def _parse_docker(line: bytes) -> LogRecord:
    """`{"log": …, "stream": …, "time": …}`, as cri-dockerd's files have it."""
    entry = json.loads(line)
    if not isinstance(entry, dict) or not {"log", "stream", "time"} <= entry.keys():
        raise ValueError("expected log, stream and time")
    content = str(entry["log"]).encode()
    stream = str(entry["stream"])
    partial = not content.endswith(b"\n")
    return LogRecord(str(entry["time"]), stream, partial, content)
