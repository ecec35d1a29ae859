"""What a decision on a certificate signing request changes in it."""

from __future__ import annotations

import pytest

from kubectl_cli import clock
from kubectl_cli.errors import CommandError
from kubectl_cli.verbs.certificate_decide import _APPROVED, _DENIED, _decided


def csr(*types: str) -> dict:
    conditions = [{"type": each, "status": "True"} for each in types]
    return {"metadata": {"name": "me"}, "status": {"conditions": conditions}}


def test_an_approval_is_a_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: 0.0)

    changed = _decided({"metadata": {"name": "me"}}, _APPROVED)

    assert changed is not None
    assert changed["status"]["conditions"] == [
        {
            "type": "Approved",
            "status": "True",
            "reason": "KubectlApprove",
            "message": "This CSR was approved by kubectl certificate approve.",
            "lastUpdateTime": "1970-01-01T00:00:00Z",
        }
    ]


def test_other_conditions_stay() -> None:
    changed = _decided(csr("Failed"), _DENIED)

    assert changed is not None
    types = [each["type"] for each in changed["status"]["conditions"]]
    assert types == ["Failed", "Denied"]


def test_what_is_decided_so_needs_no_change() -> None:
    assert _decided(csr("Denied"), _DENIED) is None


def test_a_decision_is_final() -> None:
    text = r'^certificate signing request "me" is already Denied$'
    with pytest.raises(CommandError, match=text):
        _decided(csr("Denied"), _APPROVED)
