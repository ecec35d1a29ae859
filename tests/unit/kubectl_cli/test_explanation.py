"""explain, against what kubectl 1.36.2 printed for a real server's schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_cli.errors import CommandError
from kubectl_cli.explanation import Explanation, wrap

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

RECORDED = Path(__file__).parents[2] / "vectors/kubectl/1.36.2/75-explain.json"
POD = {"group": "", "kind": "Pod", "version": "v1"}


def unwrapped(lines: list[str], limit: int) -> str:
    """The text before it was wrapped: a break is one of its own if the next word fits."""
    text = lines[0]
    last = lines[0]
    for line in lines[1:]:
        word = line.partition(" ")[0]
        fits = len(last) + 1 + len(word) <= limit or not word or line.startswith(" -")
        text += ("\n" if fits else " ") + line
        last = line
    return text


def schema_of_type(text: str) -> JsonObject:
    if text.startswith("[]"):
        return {"type": "array", "items": schema_of_type(text[2:])}
    if text[0].isupper():
        return {"allOf": [{"$ref": f"#/components/schemas/io.k8s.api.core.v1.{text}"}]}
    return {"type": text}


def recorded_document(text: str) -> JsonObject:
    """The schema of a container and of its field in a pod, read off the output."""
    head, _, rest = text.partition("FIELDS:\n")
    about = [line[4:] for line in head.partition("DESCRIPTION:\n")[2].splitlines()]
    own, _, inner = unwrapped(about, 76).partition("\n")
    properties: dict[str, Any] = {}
    required = []
    for block in re.split(r"\n\n(?=  [a-z])", rest.rstrip("\n")):
        title, *lines = block.splitlines()
        match = re.match(r"  (\w+)\t<(.*)>( -required-)?$", title)
        assert match is not None
        name, kind, needed = match.groups()
        field = schema_of_type(kind)
        if lines[0].startswith("  enum: "):
            field["enum"] = lines.pop(0).removeprefix("  enum: ").split(", ")
        field["description"] = unwrapped([line[4:] for line in lines], 76)
        properties[name] = field
        if needed:
            required.append(name)
    container = {
        "type": "object",
        "description": inner.rstrip("\n"),
        "properties": properties,
        "required": required,
    }
    items = {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}
    containers = {"type": "array", "description": own, "items": items}
    spec = {"properties": {"containers": containers}, "type": "object"}
    return {
        "paths": {
            "/api/v1/namespaces/{namespace}/pods": {
                "get": {"x-kubernetes-group-version-kind": POD}
            }
        },
        "components": {
            "schemas": {
                "io.k8s.api.core.v1.Container": container,
                "io.k8s.api.core.v1.Pod": {
                    "properties": {"spec": spec},
                    "x-kubernetes-group-version-kind": [POD],
                },
            }
        },
    }


@pytest.fixture(scope="module")
def recorded() -> str:
    text: str = json.loads(RECORDED.read_text())["stdout"]
    return text


def test_a_type_is_explained_as_kubectl_did(recorded: str) -> None:
    explanation = Explanation(recorded_document(recorded), recursive=False)

    kind = explanation.kind_of("", "v1", "pods")
    assert kind == POD
    text = explanation.text(kind, ["spec", "containers"])

    assert f"KIND:       Pod\nVERSION:    v1\n\n{text}\n" == recorded


def test_a_single_field_lists_its_values(recorded: str) -> None:
    explanation = Explanation(recorded_document(recorded), recursive=False)

    text = explanation.text(POD, ["spec", "containers", "imagePullPolicy"])

    assert text.startswith(
        "FIELD: imagePullPolicy <string>\n"
        "ENUM:\n    Always\n    IfNotPresent\n    Never\n\nDESCRIPTION:\n"
        "    Image pull policy. One of"
    )


def test_recursion_ends_at_a_type_within_itself() -> None:
    own = "#/components/schemas/Node"
    node = {
        "type": "object",
        "properties": {
            "children": {"type": "array", "items": {"$ref": own}},
            "values": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["children"],
        "x-kubernetes-group-version-kind": [POD],
    }
    explanation = Explanation(
        {"components": {"schemas": {"Node": node}}}, recursive=True
    )

    assert explanation.text(POD, []).partition("FIELDS:\n")[2] == (
        "  children\t<[]Node> -required-\n"
        "    children\t<[]Node> -required-\n"
        "    values\t<map[string]string>\n"
        "  values\t<map[string]string>\n"
    )


@pytest.mark.parametrize("path", [["nope"], ["spec", "nope"], ["spec", "x", "y"]])
def test_a_field_that_is_not_there_is_named(recorded: str, path: list[str]) -> None:
    explanation = Explanation(recorded_document(recorded), recursive=False)

    with pytest.raises(CommandError, match=f'^field "{path[-1]}" does not exist$'):
        explanation.text(POD, path)


def test_many_values_are_cut_short() -> None:
    field = {"type": "string", "enum": ["", "a", "b", "c", "d"]}
    kind = {"properties": {"f": field}, "x-kubernetes-group-version-kind": [POD]}
    explanation = Explanation({"components": {"schemas": {"K": kind}}}, recursive=False)

    assert '\n  enum: "", a, b, c, ....\n' in explanation.text(POD, [])


@given(st.text(alphabet="ab \n", max_size=200), st.integers(5, 40))
def test_wrapping_changes_blanks_only_and_keeps_to_the_limit(
    text: str, limit: int
) -> None:
    wrapped = wrap(text, limit)

    assert wrapped.split() == text.split()
    for line in wrapped.split("\n"):
        assert len(line.rstrip()) <= limit or " " not in line.strip()
