"""YAML as sigs.k8s.io/yaml writes it. The expected texts are those of kubectl 1.36.4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_cli.printers.yaml import sort_keys, to_yaml

VECTORS = json.loads((Path(__file__).parent / "yaml_vectors.json").read_text())


@pytest.mark.parametrize("text", VECTORS["strings"])
def test_strings_are_written_as_kubectl_writes_them(text: str) -> None:
    assert to_yaml({"data": {"k": text}}) == VECTORS["strings"][text]


def test_nested_values_are_laid_out_as_kubectl_does() -> None:
    value: Any = {
        "a": [[1, [2, {"a": 1, "b": [{}]}], [], {}], {"c": [1.5, 1e30, True, None]}],
        "b": {},
        "c": [],
        "d": {"x": {"e": "z"}},
    }

    assert to_yaml(value) == (
        "a:\n- - 1\n  - - 2\n    - a: 1\n      b:\n      - {}\n  - []\n  - {}\n"
        "- c:\n  - 1.5\n  - 1e+30\n  - true\n  - null\n"
        "b: {}\nc: []\nd:\n  x:\n    e: z\n"
    )


def test_keys_sort_by_the_numbers_in_them() -> None:
    keys = ["a10", "a2", "a1", "b", "B", "a-", "10", "2", "k8s.io/x", "k8s"]

    assert sort_keys(keys) == [
        "2", "10", "B", "a-", "a1", "a2", "a10", "b", "k8s", "k8s.io/x",
    ]  # fmt: skip
