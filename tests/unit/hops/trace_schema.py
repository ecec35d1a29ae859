"""The published schema of traces, as a check for any event that a test sees."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = json.loads(
    Path(__file__, "../../../../docs/trace-events.schema.json").resolve().read_text()
)
_EVENT = Draft202012Validator(
    {"$ref": "#/$defs/event", "$defs": SCHEMA["$defs"]},
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)


def check(event):
    """Fail when a line is not as the schema says."""
    errors = [error.message for error in _EVENT.iter_errors(event)]
    assert not errors, f"{event}: {errors}"


def check_all(events):
    """The same for objects that a service emits; those of one shape only once."""
    for event in events:
        shape = _shape(event)
        if shape not in _CHECKED:
            check(json.loads(event.to_json()))
            _CHECKED.add(shape)


_CHECKED = set()


def _shape(event):
    """What the schema looks at, without the values."""
    fields = (event.dir, event.layer, event.type, event.fault)
    kinds = tuple(
        type(getattr(event, name)) for name in ("trace", "stream", "channel", "data")
    )
    return (
        fields,
        kinds,
        tuple(sorted((k, str(type(v))) for k, v in event.info.items())),
    )
