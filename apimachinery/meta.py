"""ObjectMeta: names, timestamps and small readings of an object.

Source: kubernetes/apimachinery pkg/apis/meta/v1; kubernetes/apiserver
pkg/storage/names/generate.go. Time is Unix seconds and comes from the caller.
"""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = [
    "GENERATED_SUFFIX_LENGTH",
    "annotations_of",
    "api_version_kind",
    "generate_name",
    "labels_of",
    "metadata_of",
    "micro_time",
    "name_of",
    "namespace_of",
    "namespaced_name",
    "new_uid",
    "parse_time",
    "resource_version_of",
    "rfc3339",
    "uid_of",
]

# No vowels and no 0, 1, 3, so that a random suffix never spells a word.
_SUFFIX_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
GENERATED_SUFFIX_LENGTH: Final = 5
_MAX_BASE_LENGTH: Final = 63 - GENERATED_SUFFIX_LENGTH


def generate_name(base: str, rng: random.Random | None = None) -> str:
    """``base`` cut to 58 characters, plus five random ones."""
    choose = (rng or _RNG).choice
    suffix = "".join(choose(_SUFFIX_ALPHABET) for _ in range(GENERATED_SUFFIX_LENGTH))
    return base[:_MAX_BASE_LENGTH] + suffix


_RNG: Final = random.SystemRandom()


def new_uid() -> str:
    """A random UUIDv4 in lower case."""
    return str(uuid.uuid4())


def rfc3339(now: float) -> str:
    """metav1.Time: whole seconds, UTC, ``Z``."""
    moment = datetime.fromtimestamp(int(now), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(now: float) -> str:
    """metav1.MicroTime: six digits of fraction, as Leases and Events have it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str | None) -> float | None:
    """Unix seconds of an RFC 3339 time; None for null, empty or not a time."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def metadata_of(obj: JsonObject) -> JsonObject:
    """The object's metadata, put there when it is absent or null."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        metadata = obj["metadata"] = {}
    return metadata


def _text(obj: JsonObject, field: str) -> str:
    metadata = obj.get("metadata")
    value = metadata.get(field) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""


def name_of(obj: JsonObject) -> str:
    return _text(obj, "name")


def namespace_of(obj: JsonObject) -> str:
    return _text(obj, "namespace")


def uid_of(obj: JsonObject) -> str:
    return _text(obj, "uid")


def resource_version_of(obj: JsonObject) -> str:
    return _text(obj, "resourceVersion")


def namespaced_name(obj: JsonObject) -> str:
    """``namespace/name``, or ``name`` for a cluster-scoped object."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def labels_of(obj: JsonObject) -> dict[str, str]:
    return _string_map(obj, "labels")


def annotations_of(obj: JsonObject) -> dict[str, str]:
    return _string_map(obj, "annotations")


def _string_map(obj: JsonObject, field: str) -> dict[str, str]:
    metadata = obj.get("metadata")
    value = metadata.get(field) if isinstance(metadata, dict) else None
    return value if isinstance(value, dict) else {}


def api_version_kind(obj: JsonObject) -> tuple[str, str]:
    """The two fields that name the object's type, ``""`` where absent."""
    return str(obj.get("apiVersion") or ""), str(obj.get("kind") or "")
