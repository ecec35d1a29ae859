"""Every exhibit shows its trouble with the cause, and none without; each has a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from museum.exhibits import EXHIBITS
from museum.pages import index, page
from museum.runner import Museum
from tests.support.kubectls import newest_kubectl

PAGES = Path(__file__).parents[2] / "docs" / "museum"
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def museum():
    found = newest_kubectl()
    with Museum(found.path if found else None) as museum:
        yield museum


@pytest.mark.parametrize("name", EXHIBITS)
def test_the_trouble_shows_with_its_cause_only(museum, name):
    exhibit = EXHIBITS[name]
    if exhibit.needs_kubectl and newest_kubectl() is None:
        pytest.skip("no real kubectl can be had on this machine")

    shown = museum.show(exhibit)

    assert shown.troubled.seen.symptom, shown.troubled
    assert not shown.healthy.seen.symptom, shown.healthy
    made = page(shown)
    assert made.count("```mermaid\nsequenceDiagram") == 2
    kept = (PAGES / f"{name}.md").read_text()
    # times and the order of what happens at once differ from run to run
    assert kept.split("## With its cause")[0] == made.split("## With its cause")[0]
    assert kept.count("```mermaid\nsequenceDiagram") == 2


def test_the_list_of_pages_is_whole():
    assert (PAGES / "README.md").read_text() == index()
    assert {path.stem for path in PAGES.glob("*.md")} == {"README", *EXHIBITS}


def test_there_are_twenty_and_each_is_of_a_public_issue_of_its_own():
    issues = {each.issue for each in EXHIBITS.values()}

    assert len(issues) == len(EXHIBITS) >= 20
