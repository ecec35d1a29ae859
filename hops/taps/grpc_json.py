"""Protobuf messages as JSON for a trace, with the names of the .proto and masks.

Unlike google.protobuf.json_format: names as they are declared, numbers as numbers, and
bytes as text where they are text.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from hops.expansions import hide_values, telling_values
from hops.taps.grpc_secrets import EXPANDED, SECRET_FIELDS, hides_value
from hops.taps.masks import MASK, mask_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

__all__ = ["MessageReader"]

_MAX_ITEMS = 1000
_MAX_TEXT = 4096


class MessageReader:
    """Reads one message.

    Attributes:
        masked: whether something was masked.
        url: a streaming URL that the message brings, with its token.
    """

    def __init__(self, *, unmasked: bool = False) -> None:
        self._unmasked = unmasked
        self.masked = False
        self.url: str | None = None

    def parse(self, kind: type[Message], data: bytes) -> dict[str, Any]:
        """Read a message from its bytes. Raises ValueError when they are none."""
        from google.protobuf.message import DecodeError

        try:
            message = kind.FromString(data)
        except DecodeError as err:
            raise ValueError(str(err)) from None
        return self.read(message)

    def read(self, message: Message) -> dict[str, Any]:
        """The fields that are set."""
        name = message.DESCRIPTOR.full_name
        hidden = hides_value(name, getattr(message, "key", b"") or b"")
        envs = () if self._unmasked else getattr(message, "envs", ())
        values = telling_values(
            (one.key, one.value.decode(errors="surrogateescape")) for one in envs
        )
        return {
            field.name: self._field(name, field, value, hidden, values)
            for field, value in message.ListFields()
        }

    def _field(
        self,
        name: str,
        field: FieldDescriptor,
        value: Any,
        hidden: bool,
        values: list[str],
    ) -> Any:
        secret = (name, field.name) in SECRET_FIELDS
        secret = secret or (hidden and field.name == "value")
        if secret and field.name == "url":
            self.url = value
        if secret and not self._unmasked:
            return self._mask(field, value)
        if values and (name, field.name) in EXPANDED:
            value = [hide_values(item, values) for item in value]
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            return self._map(kind.fields_by_name["value"], value)
        show = self._shower(field)
        if not _is_repeated(field):
            return show(value)
        shown = [show(item) for item in value[:_MAX_ITEMS]]
        if len(value) > _MAX_ITEMS:
            shown.append(f"... {len(value) - _MAX_ITEMS} more")
        return shown

    def _map(self, field: FieldDescriptor, value: Any) -> dict[str, Any]:
        show = self._shower(field)
        return {str(key): show(value[key]) for key in list(value)[:_MAX_ITEMS]}

    def _shower(self, field: FieldDescriptor) -> Callable[[Any], Any]:
        if field.message_type is not None:
            return self.read
        if field.enum_type is not None:
            names = field.enum_type.values_by_number
            return lambda number: names[number].name if number in names else number
        return _plain

    def _mask(self, field: FieldDescriptor, value: Any) -> Any:
        self.masked = True
        if field.name == "url":
            return mask_target(value)
        if field.message_type is not None:  # a map
            return {str(key): MASK for key in value}
        return MASK


def _is_repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value[:_MAX_TEXT]).decode("ascii")}
        if not value.isprintable():
            return {"base64": base64.b64encode(value.encode()[:_MAX_TEXT]).decode()}
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return f"{value[:_MAX_TEXT]}... {len(value) - _MAX_TEXT} more"
    return value
