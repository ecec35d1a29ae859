"""Options of a pod's subresources: exec, attach, log and portforward.

Source: kubernetes/kubernetes pkg/apis/core/v1/conversion.go,
pkg/apis/core/validation/validation.go (ValidatePodLogOptions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from apimachinery.field_errors import FieldError, forbidden, invalid, not_supported
from apimachinery.go_text import quote
from apimachinery.go_time import rfc3339_problem
from apimachinery.options.checks import ROOT
from apimachinery.status import bad_request

if TYPE_CHECKING:
    from apimachinery.options.query import Query

__all__ = ["PodExecOptions", "PodLogOptions", "PortForwardOptions"]


@dataclass(frozen=True, slots=True)
class PodExecOptions:
    """The query of pods/exec and pods/attach."""

    command: tuple[str, ...] = ()
    container: str = ""
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False

    @classmethod
    def from_query(cls, query: Query) -> Self:
        return cls(
            command=tuple(query.all("command")),
            container=query.get("container"),
            stdin=query.boolean("stdin"),
            stdout=query.boolean("stdout"),
            stderr=query.boolean("stderr"),
            tty=query.boolean("tty"),
        )

    def to_query(self) -> list[tuple[str, str]]:
        """The pairs a client sends; false and empty members are left out."""
        pairs = [("command", word) for word in self.command]
        if self.container:
            pairs.append(("container", self.container))
        pairs += [
            (name, "true")
            for name in ("stderr", "stdin", "stdout", "tty")
            if getattr(self, name)
        ]
        return pairs


@dataclass(frozen=True, slots=True)
class PortForwardOptions:
    """The query of pods/portforward: ``ports=80,443`` or ``ports=80&ports=443``."""

    ports: tuple[int, ...] = ()

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read the ports. Whether one is 0 the kubelet looks.

        Source: kubernetes/apimachinery pkg/apis/meta/v1/conversion.go
        (Convert_Slice_string_To_Slice_int32).

        Raises:
            StatusError: 400, a port is no number of 16 bits.
        """
        texts = [part for value in query.all("ports") for part in value.split(",")]
        return cls(tuple(map(_parse_uint16, texts)))


def _parse_uint16(text: str) -> int:
    digits = text.lstrip("0")
    if not (text.isascii() and text.isdigit()):
        problem = "invalid syntax"
    elif len(digits) > 5 or int(digits or "0") > 0xFFFF:
        problem = "value out of range"
    else:
        return int(digits or "0")
    reason = f"strconv.ParseUint: parsing {quote(text)}: {problem}"
    raise bad_request(f"cannot convert to []int32: {reason}")


_STREAMS: Final = ("All", "Stdout", "Stderr")


@dataclass(frozen=True, slots=True)
class PodLogOptions:
    """The query of pods/log. ``since_time`` keeps the client's own text."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    since_seconds: int | None = None
    since_time: str = ""
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    insecure_skip_tls_verify_backend: bool = False
    stream: str = ""

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read the query.

        Raises:
            StatusError: 400, a number or time cannot be read.
        """
        since_time = query.get("sinceTime")
        if since_time and (problem := rfc3339_problem(since_time)):
            raise bad_request(problem)
        return cls(
            container=query.get("container"),
            follow=query.boolean("follow"),
            previous=query.boolean("previous"),
            since_seconds=query.integer("sinceSeconds"),
            since_time=since_time,
            timestamps=query.boolean("timestamps"),
            tail_lines=query.integer("tailLines"),
            limit_bytes=query.integer("limitBytes"),
            insecure_skip_tls_verify_backend=query.boolean(
                "insecureSkipTLSVerifyBackend"
            ),
            stream=query.get("stream"),
        )

    def to_query(self) -> list[tuple[str, str]]:
        """The pairs a client sends; false and empty members are left out."""
        pairs: list[tuple[str, str]] = []
        for name, text in (("container", self.container), ("stream", self.stream)):
            if text:
                pairs.append((name, text))
        for name, flag in (
            ("follow", self.follow),
            ("previous", self.previous),
            ("timestamps", self.timestamps),
            ("insecureSkipTLSVerifyBackend", self.insecure_skip_tls_verify_backend),
        ):
            if flag:
                pairs.append((name, "true"))
        for name, number in (
            ("sinceSeconds", self.since_seconds),
            ("tailLines", self.tail_lines),
            ("limitBytes", self.limit_bytes),
        ):
            if number is not None:
                pairs.append((name, str(number)))
        if self.since_time:
            pairs.append(("sinceTime", self.since_time))
        return pairs

    def validate(self, *, split_streams: bool = False) -> list[FieldError]:
        """What is wrong with the values, in the order of ValidatePodLogOptions.

        Args:
            split_streams: gate PodLogsQuerySplitStreams: without it no stream may be
                named.
        """
        errors = []
        if self.tail_lines is not None and self.tail_lines < 0:
            errors.append(
                invalid(
                    ROOT.child("tailLines"),
                    self.tail_lines,
                    "must be greater than or equal to 0",
                )
            )
        if self.limit_bytes is not None and self.limit_bytes < 1:
            errors.append(_not_positive("limitBytes", self.limit_bytes))
        if self.since_seconds is not None and self.since_time:
            text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
            errors.append(forbidden(ROOT, text))
        elif self.since_seconds is not None and self.since_seconds < 1:
            errors.append(_not_positive("sinceSeconds", self.since_seconds))
        if split_streams:
            errors += self._stream_errors()
        elif self.stream:
            errors.append(forbidden(ROOT.child("stream"), "may not be specified"))
        return errors

    def _stream_errors(self) -> list[FieldError]:
        stream = self.stream or "All"  # SetDefaults_PodLogOptions
        errors = []
        if stream not in _STREAMS:
            errors.append(not_supported(ROOT.child("stream"), stream, _STREAMS))
        if stream != "All" and self.tail_lines is not None:
            text = "`tailLines` and specific `stream` are mutually exclusive for now"
            errors.append(forbidden(ROOT, text))
        return errors


def _not_positive(name: str, value: int) -> FieldError:
    return invalid(ROOT.child(name), value, "must be greater than 0")
