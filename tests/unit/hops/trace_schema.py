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
    """The same for objects that a service emits."""
    for event in events:
        check(json.loads(event.to_json()))
