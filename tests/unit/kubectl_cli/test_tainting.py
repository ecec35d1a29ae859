"""What `taint` makes of the taints of a node."""

from __future__ import annotations

import pytest

from kubectl_cli.nodes.tainting import TaintChanges

A = {"key": "a", "value": "1", "effect": "NoSchedule"}
B = {"key": "b", "effect": "NoExecute"}
HARD_A = {"key": "a", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("present", "texts", "taints", "done"),
    [
        ([], ["a=1:NoSchedule"], [A], "tainted"),
        ([B], ["a=1:NoSchedule"], [A, B], "tainted"),
        ([A, B], ["a-"], [B], "untainted"),
        ([A, HARD_A], ["a:NoExecute-"], [A], "untainted"),
        ([A], ["b:NoExecute", "a-"], [B], "modified"),
    ],
)
def test_taints_are_added_before_the_old_ones_and_removed(
    present: list[dict[str, str]],
    texts: list[str],
    taints: list[dict[str, str]],
    done: str,
) -> None:
    assert TaintChanges(texts).apply("n", present, overwrite=False) == (taints, done)


def test_a_taint_is_replaced_only_with_overwrite() -> None:
    changes = TaintChanges(["a=2:NoSchedule"])

    with pytest.raises(Exception, match="node n already has a taint"):
        changes.apply("n", [A], overwrite=False)

    new = {"key": "a", "value": "2", "effect": "NoSchedule"}
    assert changes.apply("n", [A], overwrite=True) == ([new], "modified")
