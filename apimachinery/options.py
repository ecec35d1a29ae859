"""Options that come in the query: ListOptions, DeleteOptions, PodLogOptions, …

Source: kubernetes/apimachinery pkg/runtime/conversion.go (booleans and numbers),
pkg/apis/meta/internalversion/validation/validation.go (ListOptions),
pkg/apis/meta/v1/validation/validation.go (DeleteOptions and the others).
Unknown parameters are ignored. Every parser raises StatusError 400 for a value that
cannot be read; every ``validate`` returns field errors for a 422.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeVar

from apimachinery import fields, labels
from apimachinery.field_errors import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from apimachinery.go_text import quote
from apimachinery.gvk import GroupKind
from apimachinery.meta import parse_time
from apimachinery.status import bad_request
from apimachinery.status import invalid as invalid_object

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = [
    "META_GROUP",
    "DeleteOptions",
    "ListOptions",
    "PodExecOptions",
    "PodLogOptions",
    "PortForwardOptions",
    "Preconditions",
    "Query",
    "WriteOptions",
    "check",
    "parse_bool",
]

META_GROUP: Final = "meta.k8s.io"


class Query:
    """The query of a request: names with all their values, in order."""

    def __init__(
        self, pairs: Iterable[tuple[str, str]] | Mapping[str, str] = ()
    ) -> None:
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self._values: dict[str, list[str]] = {}
        for name, value in items:
            self._values.setdefault(name, []).append(value)

    def get(self, name: str, default: str = "") -> str:
        """The first value."""
        values = self._values.get(name)
        return values[0] if values else default

    def has(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        """All values, for parameters that may be repeated."""
        return list(self._values.get(name, ()))

    def boolean(self, name: str) -> bool:
        return parse_bool(self._values.get(name))

    def optional_boolean(self, name: str) -> bool | None:
        return self.boolean(name) if name in self._values else None

    def integer(self, name: str) -> int | None:
        """A 64-bit number; None when absent or empty.

        Raises:
            StatusError: 400, it is not a number.
        """
        text = self.get(name)
        if not text:
            return None
        return _parse_int(text)


def parse_bool(values: Sequence[str] | None) -> bool:
    """Absent, ``0`` and any case of ``false`` are false; all else, even "", is true.

    Source: Convert_Slice_string_To_bool.
    """
    if not values:
        return False
    return values[0] != "0" and values[0].lower() != "false"


def _parse_int(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise bad_request(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise bad_request(
            f"strconv.ParseInt: parsing {quote(text)}: value out of range"
        )
    return number


def check(kind: str, errors: list[FieldError], group: str = META_GROUP) -> None:
    """Refuse options that have errors.

    Raises:
        StatusError: 422 Invalid, about ``KIND.GROUP`` with an empty name.
    """
    if errors:
        raise invalid_object(GroupKind(group, kind), "", errors)


_ROOT: Final = Path()


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The query of list, watch and deletecollection."""

    label_selector: labels.LabelSelector = labels.EVERYTHING
    field_selector: fields.FieldSelector = fields.EVERYTHING
    watch: bool = False
    allow_watch_bookmarks: bool = False
    resource_version: str = ""
    resource_version_match: str = ""
    timeout_seconds: int | None = None
    limit: int = 0
    continue_token: str = ""
    send_initial_events: bool | None = None

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read the query.

        Raises:
            StatusError: 400, a selector or number cannot be read.
        """
        try:
            label_selector = labels.parse(query.get("labelSelector"))
            field_selector = fields.parse(query.get("fieldSelector"))
        except (labels.SelectorSyntaxError, fields.FieldSelectorError) as err:
            raise bad_request(str(err)) from None
        return cls(
            label_selector=label_selector,
            field_selector=field_selector,
            watch=query.boolean("watch"),
            allow_watch_bookmarks=query.boolean("allowWatchBookmarks"),
            resource_version=query.get("resourceVersion"),
            resource_version_match=query.get("resourceVersionMatch"),
            timeout_seconds=query.integer("timeoutSeconds"),
            limit=query.integer("limit") or 0,
            continue_token=query.get("continue"),
            send_initial_events=query.optional_boolean("sendInitialEvents"),
        )

    def validate(self, *, watch_list_enabled: bool = True) -> list[FieldError]:
        """The rules of resourceVersionMatch and sendInitialEvents."""
        if self.watch:
            return list(self._watch_errors(watch_list_enabled))
        return list(self._list_errors())

    def _list_errors(self) -> Iterable[FieldError]:
        path, match = _ROOT.child("resourceVersionMatch"), self.resource_version_match
        if match and not self.resource_version:
            yield forbidden(
                path,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            )
        if match and self.continue_token:
            yield forbidden(path, _MATCH_WITH_CONTINUE)
        if match not in ("", "Exact", "NotOlderThan"):
            yield not_supported(path, match, ("Exact", "NotOlderThan", ""))
        if match == "Exact" and self.resource_version == "0":
            yield forbidden(
                path,
                'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
            )
        if self.send_initial_events is not None:
            yield forbidden(
                _ROOT.child("sendInitialEvents"),
                "sendInitialEvents is forbidden for list",
            )

    def _watch_errors(self, enabled: bool) -> Iterable[FieldError]:
        path, match = _ROOT.child("resourceVersionMatch"), self.resource_version_match
        if self.send_initial_events is not None:
            if match != "NotOlderThan":
                yield forbidden(
                    path,
                    "sendInitialEvents requires setting resourceVersionMatch to"
                    " NotOlderThan",
                )
            if not enabled:
                yield forbidden(
                    _ROOT.child("sendInitialEvents"),
                    "sendInitialEvents is forbidden for watch unless the WatchList"
                    " feature gate is enabled",
                )
        elif match:
            yield forbidden(
                path,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents"
                " is provided",
            )
        if match not in ("", "NotOlderThan"):
            yield not_supported(path, match, ("NotOlderThan",))
        if match and self.continue_token:
            yield forbidden(path, _MATCH_WITH_CONTINUE)


_MATCH_WITH_CONTINUE = "resourceVersionMatch is forbidden when continue is provided"


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must still be true of the stored object."""

    uid: str | None = None
    resource_version: str | None = None


_POLICIES: Final = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete; from the body when there is one, else from the query."""

    grace_period_seconds: int | None = None
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    dry_run: tuple[str, ...] = ()
    preconditions: Preconditions = Preconditions()

    @property
    def is_dry_run(self) -> bool:
        return bool(self.dry_run)

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read the query (Convert_url_Values_To_v1_DeleteOptions).

        Raises:
            StatusError: 400, a number cannot be read.
        """
        uid = query.get("uid") if query.has("uid") else None
        version = query.get("resourceVersion") if query.has("resourceVersion") else None
        return cls(
            grace_period_seconds=query.integer("gracePeriodSeconds"),
            propagation_policy=query.get("propagationPolicy") or None,
            orphan_dependents=query.optional_boolean("orphanDependents"),
            dry_run=tuple(query.all("dryRun")),
            preconditions=Preconditions(uid, version),
        )

    @classmethod
    def from_object(cls, body: JsonObject) -> Self:
        """Read a DeleteOptions object.

        Raises:
            StatusError: 400, the body is of another kind or a member has a wrong type.
        """
        kind = body.get("kind")
        if kind and kind != "DeleteOptions":
            raise bad_request(
                f"decoded object cannot be converted to DeleteOptions: {kind}"
            )
        preconditions = _member(body, "preconditions", dict, "object") or {}
        return cls(
            grace_period_seconds=_member(body, "gracePeriodSeconds", int, "int64"),
            propagation_policy=_member(body, "propagationPolicy", str, "string"),
            orphan_dependents=_member(body, "orphanDependents", bool, "bool"),
            dry_run=tuple(_member(body, "dryRun", list, "[]string") or ()),
            preconditions=Preconditions(
                _member(preconditions, "uid", str, "string"),
                _member(preconditions, "resourceVersion", str, "string"),
            ),
        )

    def validate(self) -> list[FieldError]:
        """dryRun, and at most one of orphanDependents and propagationPolicy."""
        errors = []
        path = _ROOT.child("propagationPolicy")
        policy = self.propagation_policy
        if policy is not None and self.orphan_dependents is not None:
            errors.append(
                invalid(
                    path,
                    policy,
                    "orphanDependents and deletionPropagation cannot be both set",
                )
            )
        if policy is not None and policy not in _POLICIES:
            errors.append(not_supported(path, policy, (*_POLICIES, "nil")))
        return errors + _dry_run_errors(self.dry_run)


_T = TypeVar("_T")
_GO_NAMES: Final = {
    bool: "bool",
    int: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _member(body: JsonObject, name: str, kind: type[_T], go_type: str) -> _T | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        seen = _GO_NAMES.get(type(value), "number")
        raise bad_request(
            f"json: cannot unmarshal {seen} into Go struct field"
            f" DeleteOptions.{name} of type {go_type}"
        )
    return value


def _dry_run_errors(values: Sequence[str]) -> list[FieldError]:
    path = _ROOT.child("dryRun")
    if any(value != "All" for value in values):
        return [not_supported(path, list(values), ("All",))]
    return []


_FIELD_VALIDATIONS: Final = ("", "Ignore", "Warn", "Strict")
_MAX_MANAGER: Final = 128


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """CreateOptions, UpdateOptions and PatchOptions: they share their members."""

    dry_run: tuple[str, ...] = ()
    field_manager: str = ""
    field_validation: str = ""
    force: bool | None = None

    @property
    def is_dry_run(self) -> bool:
        return bool(self.dry_run)

    @classmethod
    def from_query(cls, query: Query) -> Self:
        return cls(
            dry_run=tuple(query.all("dryRun")),
            field_manager=query.get("fieldManager"),
            field_validation=query.get("fieldValidation"),
            force=query.optional_boolean("force"),
        )

    def validate(self) -> list[FieldError]:
        """The rules of create and update."""
        return [
            *_field_manager_errors(self.field_manager),
            *_dry_run_errors(self.dry_run),
            *self._field_validation_errors(),
        ]

    def validate_patch(self, *, apply: bool) -> list[FieldError]:
        """The rules of patch; ``apply`` is server-side apply."""
        errors: list[FieldError] = []
        if not apply and self.force is not None:
            errors.append(
                forbidden(
                    _ROOT.child("force"), "may not be specified for non-apply patch"
                )
            )
        if apply and not self.field_manager:
            errors.append(
                required(_ROOT.child("fieldManager"), "is required for apply patch")
            )
        return errors + self.validate()

    def _field_validation_errors(self) -> list[FieldError]:
        value = self.field_validation
        if value in _FIELD_VALIDATIONS:
            return []
        return [
            not_supported(_ROOT.child("fieldValidation"), value, _FIELD_VALIDATIONS)
        ]


def _field_manager_errors(manager: str) -> Iterable[FieldError]:
    path = _ROOT.child("fieldManager")
    if len(manager) > _MAX_MANAGER:
        yield too_long(path, _MAX_MANAGER)
    for position, rune in enumerate(manager):
        if not rune.isprintable():
            yield invalid(
                path,
                manager,
                f"invalid character U+{ord(rune):04X} (at position {position})",
            )
            return


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
        """Read the ports.

        Raises:
            StatusError: 400, a port is not a number.
        """
        texts = [part for value in query.all("ports") for part in value.split(",")]
        return cls(tuple(_parse_int(text) for text in texts if text))


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
        if since_time and parse_time(since_time) is None:
            raise bad_request(
                f"parsing time {quote(since_time)} as"
                f' "2006-01-02T15:04:05Z07:00": cannot parse {quote(since_time)} as "2006"'
            )
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

    def validate(self) -> list[FieldError]:
        """Signs of the numbers, one since, a known stream (ValidatePodLogOptions)."""
        errors = []
        for name, value, least in (
            ("tailLines", self.tail_lines, 0),
            ("limitBytes", self.limit_bytes, 1),
        ):
            if value is not None and value < least:
                words = "0" if name == "limitBytes" else str(least)
                relation = "greater than" if least else "greater than or equal to"
                errors.append(
                    invalid(_ROOT.child(name), value, f"must be {relation} {words}")
                )
        if self.since_seconds is not None and self.since_time:
            errors.append(
                forbidden(
                    _ROOT,
                    "at most one of `sinceTime` or `sinceSeconds` may be specified",
                )
            )
        elif self.since_seconds is not None and self.since_seconds < 1:
            errors.append(
                invalid(
                    _ROOT.child("sinceSeconds"),
                    self.since_seconds,
                    "must be greater than 0",
                )
            )
        if self.stream not in ("", *_STREAMS):
            errors.append(not_supported(_ROOT.child("stream"), self.stream, _STREAMS))
        elif self.stream in ("Stdout", "Stderr") and self.tail_lines is not None:
            errors.append(
                forbidden(
                    _ROOT,
                    "`tailLines` and specific `stream` are mutually exclusive for now",
                )
            )
        return errors
