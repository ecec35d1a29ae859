"""The fields of every built-in type, from data/k8s-fields.tsv.

One table drives decoding, unknown-field checks, patches and apply: JSON name, protobuf
number and type, merge keys, list type. It is read at the first question (a few
milliseconds) and a type is made into objects when it is asked for.
Source of the table: the published generated.proto and types.go of kubernetes/api and
kubernetes/apimachinery.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from apimachinery.gvk import GroupVersion

__all__ = ["Field", "Kind", "Message", "Shape", "kinds", "lookup", "message"]


_TABLE: Final = Path(__file__).parent / "data" / "k8s-fields.tsv"


class Shape(Enum):
    """How a field holds its type."""

    SINGLE = 0
    LIST = 1
    MAP = 2  # keys are strings


class Kind(Enum):
    """What one value of a field is, in JSON."""

    STRING = "string"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    DOUBLE = "double"
    BYTES = "bytes"  # base64
    TIME = "time"  # RFC 3339, whole seconds
    MICRO_TIME = "microtime"
    DURATION = "duration"
    QUANTITY = "quantity"
    INT_OR_STRING = "intorstring"
    RAW = "raw"  # an embedded object of any kind
    FIELDS_V1 = "fieldsv1"  # an object whose keys are paths
    STRINGS = "strings"  # a named list of strings: Verbs, ExtraValue
    MESSAGE = "message"
    UNKNOWN = "unknown"  # a type the table does not have


_SCALARS: Final = {
    "string": Kind.STRING,
    "int32": Kind.INT32,
    "int64": Kind.INT64,
    "bool": Kind.BOOL,
    "double": Kind.DOUBLE,
    "bytes": Kind.BYTES,
}
_SPECIAL: Final = {
    ("meta/v1", "Time"): Kind.TIME,
    ("meta/v1", "MicroTime"): Kind.MICRO_TIME,
    ("meta/v1", "Duration"): Kind.DURATION,
    ("meta/v1", "FieldsV1"): Kind.FIELDS_V1,
    ("meta/v1", "Verbs"): Kind.STRINGS,
    ("resource", "Quantity"): Kind.QUANTITY,
    ("resource", "QuantityValue"): Kind.QUANTITY,
    ("intstr", "IntOrString"): Kind.INT_OR_STRING,
    ("runtime", "RawExtension"): Kind.RAW,
}
_STRING_LISTS: Final = frozenset({"ExtraValue", "AttestationValue"})
_PACKAGES: Final = {
    "meta.v1": "meta/v1",
    "core.v1": "core/v1",
    "api.resource": "resource",
    "util.intstr": "intstr",
    "runtime": "runtime",
}

# +structType=atomic and +mapType=atomic of types.go, which the table has no column for:
# apply owns such a value as a whole.
_ATOMIC_TYPES: Final = frozenset(
    {
        ("meta/v1", "LabelSelector"),
        ("meta/v1", "OwnerReference"),
        ("core/v1", "ConfigMapKeySelector"),
        ("core/v1", "FileKeySelector"),
        ("core/v1", "LocalObjectReference"),
        ("core/v1", "NodeSelector"),
        ("core/v1", "NodeSelectorTerm"),
        ("core/v1", "ObjectFieldSelector"),
        ("core/v1", "ObjectReference"),
        ("core/v1", "ResourceFieldSelector"),
        ("core/v1", "ScopeSelector"),
        ("core/v1", "SecretKeySelector"),
        ("core/v1", "SecretReference"),
        ("core/v1", "TopologySelectorTerm"),
        ("core/v1", "TypedLocalObjectReference"),
        ("autoscaling/v1", "CrossVersionObjectReference"),
        ("rbac.authorization.k8s.io/v1", "RoleRef"),
        ("rbac.authorization.k8s.io/v1", "Subject"),
        ("discovery.k8s.io/v1", "EndpointHints"),
    }
)
_ATOMIC_FIELDS: Final = frozenset(
    {
        ("core/v1", "PodSpec", "nodeSelector"),
        ("core/v1", "ReplicationControllerSpec", "selector"),
        ("core/v1", "ServiceSpec", "selector"),
        ("core/v1", "CSIPersistentVolumeSource", "volumeAttributes"),
        ("core/v1", "PersistentVolumeClaimStatus", "allocatedResourceStatuses"),
        ("core/v1", "ScopedResourceSelectorRequirement", "values"),
        ("storage.k8s.io/v1", "CSIStorageCapacity", "nodeTopology"),
        ("discovery.k8s.io/v1", "Endpoint", "deprecatedTopology"),
    }
)


@dataclass(frozen=True)
class Field:
    """One field of a type; ``name`` is the JSON name."""

    name: str
    number: int
    shape: Shape
    kind: Kind
    type: tuple[str, str]  # group/version and name, for kind MESSAGE
    patch_strategies: frozenset[str]
    patch_merge_key: str
    list_type: str
    list_map_keys: tuple[str, ...]
    default: str
    pointer: bool
    omit_empty: bool
    inline: bool
    atomic_map: bool

    @property
    def merges(self) -> bool:
        """Strategic merge: this list is merged, not replaced."""
        return "merge" in self.patch_strategies

    @cached_property
    def message(self) -> Message | None:
        """The type of a value, for kind MESSAGE."""
        return message(*self.type) if self.kind is Kind.MESSAGE else None

    @property
    def atomic(self) -> bool:
        """Apply: owned as a whole."""
        if self.shape is Shape.LIST:
            return self.list_type in ("", "atomic")
        if self.shape is Shape.MAP:
            return self.atomic_map
        return self.kind is not Kind.MESSAGE or self.type in _ATOMIC_TYPES


@dataclass(frozen=True)
class Message:
    """A type: its own fields with those of its inlined parts."""

    group_version: str
    name: str
    own_fields: tuple[Field, ...]

    @cached_property
    def fields(self) -> dict[str, Field]:
        """By JSON name; inlined structs are unfolded, as in JSON."""
        found: dict[str, Field] = {}
        for field in self.own_fields:
            if field.inline and field.message is not None:
                found.update(field.message.fields)
            else:
                found[field.name] = field
        return found

    @cached_property
    def by_number(self) -> dict[int, Field]:
        """By protobuf number; inlined structs are fields of their own."""
        return {field.number: field for field in self.own_fields}

    @property
    def is_kind(self) -> bool:
        """Whether it is an object of the API rather than a part of one."""
        return "metadata" in self.fields


@cache
def _rows() -> dict[tuple[str, str], list[str]]:
    """The table's lines by type, not yet taken apart."""
    text = _TABLE.read_text(encoding="utf-8")
    found: dict[tuple[str, str], list[str]] = {}
    for line in text.splitlines()[1:]:
        group_version, name, rest = line.split("\t", 2)
        found.setdefault((group_version, name), []).append(rest)
    return found


@cache
def message(group_version: str, name: str) -> Message | None:
    """A type by the table's name: ``core/v1`` and ``PodSpec``."""
    lines = _rows().get((group_version, name))
    if lines is None:
        return None
    fields = tuple(_field(group_version, name, line.split("\t")) for line in lines)
    return Message(group_version, name, fields)


@cache
def lookup(api_version: str, kind: str) -> Message | None:
    """The type of objects with these two fields, if it is built in."""
    group_version = GroupVersion.parse(api_version)
    if not group_version.group:
        found = message(f"core/{group_version.version}", kind)
        return found or message(f"meta/{group_version.version}", kind)
    if group_version.group == "meta.k8s.io":
        return message(f"meta/{group_version.version}", kind)
    return message(api_version, kind) or message("meta/v1", kind)


def kinds() -> list[tuple[str, str]]:
    """(apiVersion, kind) of all built-in kinds that have metadata, lists included."""
    found = []
    for group_version, name in _rows():
        if group_version in ("meta/v1", "runtime", "intstr", "resource"):
            continue
        each = message(group_version, name)
        if each is not None and each.is_kind and name != "PodTemplateSpec":
            found.append((group_version.removeprefix("core/"), name))
    return found


def _field(group_version: str, owner: str, columns: list[str]) -> Field:
    name, number, label, proto_type, _, strategy, merge_key, list_type = columns[:8]
    map_keys, default, go_kind, omit_empty = columns[8:12]
    shape = Shape.LIST if label == "repeated" else Shape.SINGLE
    if proto_type.startswith("map<"):
        shape, proto_type = Shape.MAP, proto_type[len("map<string, ") : -1]
    kind, type_name = _kind(group_version, proto_type)
    return Field(
        name=name.strip("()") if name != "(inline)" else "",
        number=int(number),
        shape=shape,
        kind=kind,
        type=type_name,
        patch_strategies=frozenset(strategy.split(",")) - {""},
        patch_merge_key=merge_key,
        list_type=list_type,
        list_map_keys=tuple(map_keys.split(",")) if map_keys else (),
        default=default,
        pointer=go_kind == "ptr",
        omit_empty=bool(omit_empty),
        inline=name == "(inline)",
        atomic_map=(group_version, owner, name) in _ATOMIC_FIELDS,
    )


def _kind(group_version: str, proto_type: str) -> tuple[Kind, tuple[str, str]]:
    scalar = _SCALARS.get(proto_type)
    if scalar is not None:
        return scalar, ("", "")
    package, _, name = proto_type.rpartition(".")
    where = (_PACKAGES.get(package, package) if package else group_version, name)
    if where in _SPECIAL:
        return _SPECIAL[where], where
    if name in _STRING_LISTS:
        return Kind.STRINGS, where
    return (Kind.MESSAGE if where in _rows() else Kind.UNKNOWN), where
