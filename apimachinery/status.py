"""StatusError: what the API answers when it refuses, with Kubernetes' sentences.

Source: kubernetes/apimachinery pkg/api/errors/errors.go; the shape of the body is
metav1.Status. In ``details`` the field ``kind`` holds the resource (``pods``) except
in Invalid, where it holds the Kind (``Pod``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.field_errors import FieldError, aggregate
from apimachinery.go_text import quote
from apimachinery.gvk import (
    GroupKind,
    GroupResource,
    as_group_kind,
    as_group_resource,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apimachinery.types import JsonObject

__all__ = [
    "REQUEST_TIMEOUT_TEXT",
    "StatusError",
    "already_exists",
    "apply_conflict",
    "bad_request",
    "conflict",
    "expired",
    "failure_status",
    "forbidden",
    "from_status",
    "generate_name_conflict",
    "generic_server_response",
    "gone",
    "internal_error",
    "invalid",
    "method_not_allowed",
    "not_acceptable",
    "not_found",
    "request_entity_too_large",
    "server_timeout",
    "service_unavailable",
    "success_status",
    "timeout",
    "too_large_resource_version",
    "too_many_requests",
    "unauthorized",
    "unsupported_media_type",
]

GroupResourceLike = GroupResource | str
GroupKindLike = GroupKind | str

_OBJECT_MODIFIED = (
    "the object has been modified; please apply your changes to the latest version"
    " and try again"
)
REQUEST_TIMEOUT_TEXT = (
    "request did not complete within requested timeout - context deadline exceeded"
)


class StatusError(Exception):
    """A refusal, as the whole ``Status`` body that a client gets."""

    def __init__(self, status: JsonObject) -> None:
        super().__init__(str(status.get("message", "")))
        self.status = status

    @property
    def code(self) -> int:
        """The HTTP status, 500 when the body names none."""
        return int(self.status.get("code") or 500)

    @property
    def reason(self) -> str:
        return str(self.status.get("reason") or "")

    @property
    def message(self) -> str:
        return str(self.status.get("message") or "")

    @property
    def details(self) -> JsonObject:
        details = self.status.get("details")
        return details if isinstance(details, dict) else {}

    @property
    def causes(self) -> list[JsonObject]:
        return list(self.details.get("causes") or [])

    @property
    def retry_after_seconds(self) -> int:
        """Seconds for a ``Retry-After`` header; 0 means no header."""
        return int(self.details.get("retryAfterSeconds") or 0)


def failure_status(
    code: int, reason: str, message: str, details: JsonObject | None = None
) -> JsonObject:
    """A ``Status`` body of status Failure; empty members are left out."""
    status: JsonObject = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
    }
    if message:
        status["message"] = message
    if reason:
        status["reason"] = reason
    if details is not None:
        status["details"] = details
    status["code"] = code
    return status


def success_status(details: JsonObject | None = None) -> JsonObject:
    """A ``Status`` body of status Success, as DELETE answers it."""
    status: JsonObject = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
    }
    if details is not None:
        status["details"] = details
    return status


def from_status(status: JsonObject) -> StatusError:
    """The error for a body that came from a server."""
    return StatusError(status)


def _error(
    code: int, reason: str, message: str, details: JsonObject | None = None
) -> StatusError:
    return StatusError(failure_status(code, reason, message, details))


def _details(
    name: str,
    group: str,
    kind: str,
    *,
    causes: Sequence[JsonObject] = (),
    retry_after_seconds: int = 0,
) -> JsonObject:
    details: JsonObject = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if kind:
        details["kind"] = kind
    if causes:
        details["causes"] = list(causes)
    if retry_after_seconds:
        details["retryAfterSeconds"] = retry_after_seconds
    return details


def _resource_details(resource: GroupResource, name: str) -> JsonObject:
    return _details(name, resource.group, resource.resource)


def not_found(resource: GroupResourceLike, name: str) -> StatusError:
    """404 ``pods "x" not found``."""
    resource = as_group_resource(resource)
    message = f"{resource} {quote(name)} not found"
    return _error(404, "NotFound", message, _resource_details(resource, name))


def already_exists(
    resource: GroupResourceLike, name: str, *, being_deleted: bool = False
) -> StatusError:
    """409 ``pods "x" already exists``."""
    resource = as_group_resource(resource)
    prefix = "object is being deleted: " if being_deleted else ""
    message = f"{prefix}{resource} {quote(name)} already exists"
    return _error(409, "AlreadyExists", message, _resource_details(resource, name))


def generate_name_conflict(
    resource: GroupResourceLike, name: str, retry_after_seconds: int = 1
) -> StatusError:
    """409 after the attempts to generate a free name are used up."""
    resource = as_group_resource(resource)
    message = (
        f"{resource} {quote(name)} already exists, the server was not able to generate"
        " a unique name for the object"
    )
    details = _details(
        name,
        resource.group,
        resource.resource,
        retry_after_seconds=retry_after_seconds,
    )
    return _error(409, "AlreadyExists", message, details)


def unauthorized(message: str = "Unauthorized") -> StatusError:
    """401."""
    return _error(401, "Unauthorized", message)


def forbidden(
    resource: GroupResourceLike | None,
    name: str,
    reason: str,
    *,
    causes: Sequence[JsonObject] = (),
) -> StatusError:
    """403 ``pods "x" is forbidden: REASON``; ``forbidden: …`` without a resource."""
    if resource is None or not str(resource):
        return _error(403, "Forbidden", f"forbidden: {reason}", {})
    resource = as_group_resource(resource)
    subject = f"{resource} {quote(name)}" if name else f"{resource}"
    details = _details(name, resource.group, resource.resource, causes=causes)
    return _error(403, "Forbidden", f"{subject} is forbidden: {reason}", details)


def conflict(
    resource: GroupResourceLike, name: str, reason: str = _OBJECT_MODIFIED
) -> StatusError:
    """409 ``Operation cannot be fulfilled on pods "x": REASON``."""
    resource = as_group_resource(resource)
    message = f"Operation cannot be fulfilled on {resource} {quote(name)}: {reason}"
    return _error(409, "Conflict", message, _resource_details(resource, name))


def apply_conflict(causes: Sequence[JsonObject], message: str) -> StatusError:
    """409 of server-side apply; ``details`` has causes only."""
    return _error(409, "Conflict", message, {"causes": list(causes)})


def gone(message: str) -> StatusError:
    """410, the older reason."""
    return _error(410, "Gone", message)


def expired(
    message: str = "The resourceVersion for the provided watch is too old.",
    *,
    continue_token: str = "",
) -> StatusError:
    """410 Expired; ``continue_token`` lets a list go on inconsistently."""
    error = _error(410, "Expired", message)
    if continue_token:
        error.status["metadata"] = {"continue": continue_token}
    return error


def invalid(
    kind: GroupKindLike, name: str, errors: Iterable[FieldError]
) -> StatusError:
    """422 ``Pod "x" is invalid: …`` with one cause an error."""
    kind = as_group_kind(kind)
    errors = list(errors)
    message = f"{kind} {quote(name)} is invalid"
    if errors:
        message = f"{message}: {aggregate(errors)}"
    causes = [error.to_cause() for error in errors]
    details = _details(name, kind.group, kind.kind, causes=causes)
    return _error(422, "Invalid", message, details)


def bad_request(message: str) -> StatusError:
    """400."""
    return _error(400, "BadRequest", message)


def method_not_allowed(resource: GroupResourceLike, action: str) -> StatusError:
    """405 ``create is not supported on resources of kind "x"``."""
    resource = as_group_resource(resource)
    message = f"{action} is not supported on resources of kind {quote(str(resource))}"
    return _error(405, "MethodNotAllowed", message, _resource_details(resource, ""))


def not_acceptable(accepted: Iterable[str], *, converting_to: str = "") -> StatusError:
    """406: no clause of Accept can be served."""
    message = "only the following media types are accepted: " + ", ".join(accepted)
    if converting_to:
        message = (
            f"only the following media types are accepted when converting to"
            f" {converting_to}: {', '.join(accepted)}"
        )
    return _error(406, "NotAcceptable", message)


def unsupported_media_type(accepted: Iterable[str]) -> StatusError:
    """415: the body's Content-Type is unknown."""
    message = (
        "the body of the request was in an unknown format - accepted media types"
        f" include: {', '.join(accepted)}"
    )
    return _error(415, "UnsupportedMediaType", message)


def request_entity_too_large(limit: int) -> StatusError:
    """413 with the limit in bytes."""
    message = f"Request entity too large: limit is {limit}"
    return _error(413, "RequestEntityTooLarge", message)


def too_many_requests(message: str, retry_after_seconds: int = 1) -> StatusError:
    """429."""
    details = _details("", "", "", retry_after_seconds=retry_after_seconds)
    return _error(429, "TooManyRequests", message, details)


def server_timeout(
    resource: GroupResourceLike, operation: str, retry_after_seconds: int = 2
) -> StatusError:
    """500 ServerTimeout: the storage could not answer in time."""
    resource = as_group_resource(resource)
    message = (
        f"The {operation} operation against {resource} could not be completed at this"
        " time, please try again."
    )
    details = _details(
        "", resource.group, resource.resource, retry_after_seconds=retry_after_seconds
    )
    return _error(500, "ServerTimeout", message, details)


def timeout(
    message: str = REQUEST_TIMEOUT_TEXT,
    retry_after_seconds: int = 0,
    *,
    causes: Sequence[JsonObject] = (),
) -> StatusError:
    """504 ``Timeout: MESSAGE``."""
    details = _details(
        "", "", "", causes=causes, retry_after_seconds=retry_after_seconds
    )
    return _error(504, "Timeout", f"Timeout: {message}", details)


def too_large_resource_version(requested: int, current: int) -> StatusError:
    """504: the revision asked for has not happened yet."""
    cause = {
        "reason": "ResourceVersionTooLarge",
        "message": "Too large resource version",
    }
    text = f"Too large resource version: {requested}, current: {current}"
    return timeout(text, 1, causes=[cause])


def internal_error(text: str) -> StatusError:
    """500 ``Internal error occurred: TEXT``."""
    details = {"causes": [{"message": text}]}
    return _error(500, "InternalError", f"Internal error occurred: {text}", details)


def service_unavailable(message: str) -> StatusError:
    """503."""
    return _error(503, "ServiceUnavailable", message)


_GENERIC = {
    400: (
        "BadRequest",
        "the server rejected our request for an unknown reason",
    ),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", ""),
    404: ("NotFound", "the server could not find the requested resource"),
    405: (
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    ),
    406: ("NotAcceptable", ""),
    409: ("Conflict", "the server reported a conflict"),
    415: ("UnsupportedMediaType", ""),
    422: (
        "Invalid",
        "the server rejected our request due to an error in our request",
    ),
    429: (
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    503: (
        "ServiceUnavailable",
        "the server is currently unable to handle the request",
    ),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted,"
        " but may still be processing the request",
    ),
}


def generic_server_response(
    code: int,
    verb: str,
    resource: GroupResourceLike = "",
    name: str = "",
    server_message: str = "",
    retry_after_seconds: int = 0,
) -> StatusError:
    """The error a client makes of an answer that is no Status body."""
    resource = as_group_resource(resource)
    reason, message = _generic_text(code, verb, server_message)
    if str(resource):
        subject = f"{resource} {name}" if name else f"{resource}"
        message = f"{message} ({verb.lower()} {subject})"
    causes = []
    if server_message:
        causes = [{"reason": "UnexpectedServerResponse", "message": server_message}]
    details = _details(
        name,
        resource.group,
        resource.resource,
        causes=causes,
        retry_after_seconds=retry_after_seconds,
    )
    return _error(code, reason, message, details)


def _generic_text(code: int, verb: str, server_message: str) -> tuple[str, str]:
    if code == 409 and verb.upper() == "POST":
        return "AlreadyExists", "the server reported a conflict"
    reason, message = _GENERIC.get(code, ("", ""))
    if code in (403, 406, 415):
        return reason, server_message or _UNEXPLAINED[code]
    if message:
        return reason, message
    if code >= 500:
        text = server_message or "unknown"
        return (
            "InternalError",
            f"an error on the server ({quote(text)}) has prevented the request"
            " from succeeding",
        )
    return (
        "Unknown",
        f"the server responded with the status code {code} but did not return more"
        " information",
    )


_UNEXPLAINED = {
    403: "the server has forbidden this request",
    406: "the server was unable to respond with a content type that the client supports",
    415: "the body of the request was in an unknown format",
}
