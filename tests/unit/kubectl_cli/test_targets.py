"""What words and paths select: never more than was named."""

from __future__ import annotations

import pytest

from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.resources import BUILT_IN, POD, Mapper
from kubectl_cli.selecting.targets import parse_targets


class KnownMapper(Mapper):
    """Only the kinds that are known without a server."""

    def __init__(self) -> None:
        pass

    def category(self, word: str) -> list:
        return []

    def resolve(self, word: str):
        return next(each for each in BUILT_IN if each.answers_to(word))


@pytest.mark.parametrize("words", [["pod", ""], ["pods", "web", ""]])
def test_an_empty_name_is_not_all_objects(words) -> None:
    with pytest.raises(CommandError, match=r"^resource name may not be empty$"):
        parse_targets(words, KnownMapper())


def test_names_become_targets() -> None:
    targets = parse_targets(["po", "a", "b"], KnownMapper())

    assert [(each.resource, each.name) for each in targets] == [(POD, "a"), (POD, "b")]


@pytest.mark.parametrize(
    ("namespace", "name", "text"),
    [
        ("default", "..", "invalid resource name \"..\": [may not be '..']"),
        ("default", ".", "invalid resource name \".\": [may not be '.']"),
        ("default", "%2e", "invalid resource name \"%2e\": [may not contain '%']"),
        ("a/b", "web", "invalid namespace \"a/b\": [may not contain '/']"),
        (
            "default",
            "a/%",
            "invalid resource name \"a/%\": [may not contain '/' may not contain '%']",
        ),
    ],
)
def test_no_name_becomes_another_path(namespace, name, text) -> None:
    with pytest.raises(CommandError) as refused:
        POD.path(namespace, name)

    assert str(refused.value) == text


@pytest.mark.parametrize(
    ("name", "segment"), [("a b", "a%20b"), ("x?y", "x%3Fy"), ("ü", "%C3%BC")]
)
def test_odd_names_are_escaped(name, segment) -> None:
    assert POD.path("default", name) == f"/api/v1/namespaces/default/pods/{segment}"
