"""Who a credential stands for."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apiserver.authn.jwt import InvalidTokenError, Signer, Verifier, claims_of
from apiserver.authn.service_account import (
    ServiceAccountTokens,
    TokenIssuer,
    TokenSubject,
)
from apiserver.authn.token_file import TokenFile
from apiserver.authn.websocket_token import TokenProtocolError, take_token
from apiserver.authn.x509 import user_of_certificate

ISSUER = "https://issuer"


def encoded(token):
    raw = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
    return f"base64url.bearer.authorization.k8s.io.{raw}"


def test_a_subject_with_several_organizations_is_in_several_groups():
    certificate = {
        "subject": (
            (("organizationName", "a"),),
            (("organizationName", "b"), ("commonName", "alice")),
        )
    }

    user = user_of_certificate(certificate, b"der")

    assert (user.name, user.groups) == ("alice", ("a", "b"))
    assert user_of_certificate({"subject": ()}, None) is None


def test_token_files_are_csv():
    tokens = TokenFile(['t1,alice,1,"a,b"', "t2,bob,2", "# no,token"])

    assert tokens.authenticate("t1").groups == ("a", "b")
    assert tokens.authenticate("t2").name == "bob"
    assert tokens.authenticate("t3") is None


def test_a_short_line_of_a_token_file_is_refused():
    with pytest.raises(ValueError, match="line 2"):
        TokenFile(["t,u,1", "t,u"])


def test_a_token_is_taken_out_of_the_subprotocols():
    token, rest = take_token([f"{encoded('secret')}, v4.channel.k8s.io", "v5"])

    assert (token, rest) == ("secret", ["v4.channel.k8s.io", "v5"])
    assert take_token(["v4"]) == (None, ["v4"])


@pytest.mark.parametrize(
    "lines",
    [
        [encoded("a")],
        [f"{encoded('a')}, {encoded('b')}, v4"],
        ["base64url.bearer.authorization.k8s.io.!!, v4"],
        ["base64url.bearer.authorization.k8s.io._w, v4"],
    ],
    ids=["alone", "two", "not base64", "not text"],
)
def test_misplaced_subprotocol_tokens_are_errors(lines):
    with pytest.raises(TokenProtocolError):
        take_token(lines)


@pytest.fixture(params=["EC", "RSA"])
def key_file(request, tmp_path):
    if request.param == "EC":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(65537, 2048)
    file = tmp_path / "sa.key"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def test_a_signature_is_verified_and_a_changed_token_is_not(key_file):
    token = Signer.read(key_file).sign({"a": 1})
    verifier = Verifier.read(key_file)
    header, _, signature = token.split(".")
    other = base64.urlsafe_b64encode(b'{"a":2}').rstrip(b"=").decode()

    assert verifier.verify(token) == {"a": 1}
    with pytest.raises(InvalidTokenError):
        verifier.verify(f"{header}.{other}.{signature}")
    assert verifier.key_set()["keys"][0]["kid"] == _header(token)["kid"]


def _header(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.e30.c", "ä.ö.ü"])
def test_anything_else_is_no_token(key_file, token):
    with pytest.raises(InvalidTokenError):
        Verifier.read(key_file).verify(token)


def test_claims_must_be_an_object():
    listed = base64.urlsafe_b64encode(b"[1]").rstrip(b"=").decode()

    with pytest.raises(InvalidTokenError):
        claims_of(f"a.{listed}.b")


class Accounts:
    def __init__(self):
        self.account = {"metadata": {"uid": "u1"}}
        self.bound_pod = {"metadata": {"uid": "p1"}}

    def service_account(self, namespace, name):
        return self.account

    def pod(self, namespace, name):
        return self.bound_pod


@pytest.fixture
def accounts():
    return Accounts()


@pytest.fixture
def tokens(key_file, accounts):
    return ServiceAccountTokens(
        key_file, ISSUER, ("api",), accounts, clock=lambda: 1000.0
    )


def issue(key_file, *, now=1000.0, audiences=("api",), lifetime=600):
    subject = TokenSubject("ns", "robot", "u1", {"pod": {"name": "p", "uid": "p1"}})
    return TokenIssuer(key_file, ISSUER).issue(subject, list(audiences), now, lifetime)


def test_a_fresh_token_names_account_and_pod(key_file, tokens):
    user = tokens.authenticate(issue(key_file))

    assert user.name == "system:serviceaccount:ns:robot"
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("p",)


@pytest.mark.parametrize(
    "changes",
    [{"now": 100.0}, {"now": 2000.0}, {"audiences": ("other",)}],
    ids=["expired", "not yet", "for others"],
)
def test_a_token_out_of_time_or_place_is_nobodys(key_file, tokens, changes):
    assert tokens.authenticate(issue(key_file, **changes)) is None


def test_a_token_ends_with_what_it_is_bound_to(key_file, tokens, accounts):
    token = issue(key_file)

    accounts.bound_pod = {"metadata": {"uid": "another"}}
    assert tokens.authenticate(token) is None

    accounts.bound_pod = None
    assert tokens.authenticate(token) is None


def test_a_strangers_token_is_left_to_others(tokens, tmp_path):
    assert tokens.authenticate("bob-token") is None
