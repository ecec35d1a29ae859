"""Who made a certificate signing request, as the request tells."""

from __future__ import annotations

from apiserver.admission.chain import AdmissionRequest
from apiserver.admission.signing_requests import SigningRequestUser
from apiserver.authn.user import UserInfo
from apiserver.resources.others import OTHERS

_CSRS = next(each for each in OTHERS if each.kind == "CertificateSigningRequest")
_JANE = UserInfo("jane", ("devs",), extra={"scope": ("a",)})


async def admitted(operation, spec):
    obj = {"metadata": {"name": "r"}, "spec": spec}
    request = AdmissionRequest(operation, _CSRS, "", "", "r", _JANE, context=None)
    await SigningRequestUser().mutate(request, obj, None)
    return obj["spec"]


async def test_a_request_says_who_made_it():
    spec = await admitted("CREATE", {"signerName": "example.com/s"})

    assert spec == {
        "signerName": "example.com/s",
        "username": "jane",
        "groups": ["devs"],
        "extra": {"scope": ["a"]},
    }


async def test_nobody_asks_for_somebody_else():
    claimed = {"username": "admin", "uid": "1", "groups": ["system:masters"]}

    spec = await admitted("CREATE", claimed)

    assert (spec["username"], spec["groups"], "uid" in spec) == (
        "jane",
        ["devs"],
        False,
    )


async def test_a_change_leaves_the_author():
    assert await admitted("UPDATE", {"username": "joe"}) == {"username": "joe"}
