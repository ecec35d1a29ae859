"""The certificates of a cluster: made once, renewed in time, never lost."""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from certs.authority import Certificate
from certs.pki import RENEW_BEFORE, KeyPairFiles, PkiNames, ensure_pki, expiries
from certs.profile import Usage

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0
YEAR = 365 * 86400.0
NAMES = PkiNames(api_server_hosts=("here",), nodes={"a": ("127.0.0.1", "localhost")})


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "pki"


def read(files: KeyPairFiles) -> Certificate:
    return Certificate(files.cert.read_bytes(), files.key.read_bytes())


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("name", "common_name", "organizations", "usage"),
    [
        ("apiserver", "kube-apiserver", (), Usage.SERVER),
        (
            "apiserver-kubelet-client",
            "kube-apiserver-kubelet-client",
            ("system:masters",),
            Usage.CLIENT,
        ),
        ("admin", "kubernetes-admin", ("system:masters",), Usage.CLIENT),
        (
            "controller-manager",
            "system:kube-controller-manager",
            ("system:masters",),
            Usage.CLIENT,
        ),
        ("scheduler", "system:kube-scheduler", (), Usage.CLIENT),
        ("nodes/a/kubelet", "system:node:a", ("system:nodes",), Usage.SERVER),
        ("nodes/a/kubelet-client", "system:node:a", ("system:nodes",), Usage.CLIENT),
        ("front-proxy-client", "front-proxy-client", (), Usage.CLIENT),
    ],
)
def test_each_certificate_has_kubeadms_subject(
    directory, name, common_name, organizations, usage
):
    pki = ensure_pki(directory, NAMES, NOW)

    profile = read(pki.pair(name)).profile

    assert profile.common_name == common_name
    assert profile.organizations == organizations
    assert profile.usages == (usage,)


def test_the_api_server_is_reached_by_every_usual_name(directory):
    hosts = read(ensure_pki(directory, NAMES, NOW).api_server).profile.hosts

    assert {"kubernetes.default.svc", "10.96.0.1", "127.0.0.1", "::1"} <= set(hosts)
    assert "here" in hosts


def test_a_kubelet_is_reached_by_node_name_and_address(directory):
    pki = ensure_pki(directory, NAMES, NOW)

    assert read(pki.kubelet("a")).profile.hosts == ("a", "127.0.0.1", "localhost")


def test_private_keys_are_for_their_owner_only(directory):
    ensure_pki(directory, NAMES, NOW)

    keys = list(directory.rglob("*.key"))

    assert len(keys) == 11
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700


def test_python_accepts_each_pair_for_tls(directory):
    pki = ensure_pki(directory, NAMES, NOW)

    context = ssl.create_default_context(cafile=str(pki.ca_cert))

    for files in (pki.api_server, pki.admin, pki.kubelet("a")):
        context.load_cert_chain(files.cert, files.key)


def test_a_second_call_changes_nothing(directory):
    ensure_pki(directory, NAMES, NOW)
    before = contents(directory)

    ensure_pki(directory, NAMES, NOW + 86400)

    assert contents(directory) == before


def test_a_second_call_does_not_load_cryptography(directory):
    ensure_pki(directory, NAMES, NOW)
    program = (
        "import sys; from pathlib import Path; from certs.pki import *;"
        "ensure_pki(Path(sys.argv[1]), PkiNames(('here',),"
        f" {{'a': ('127.0.0.1', 'localhost')}}), {NOW});"
        "sys.exit('cryptography' in sys.modules)"
    )

    result = subprocess.run(
        [sys.executable, "-c", program, str(directory)], check=False
    )

    assert result.returncode == 0


def test_leafs_are_renewed_before_they_expire_and_the_authority_stays(directory):
    pki = ensure_pki(directory, NAMES, NOW)
    ca, admin = pki.ca_cert.read_bytes(), pki.admin.cert.read_bytes()

    later = NOW + YEAR - RENEW_BEFORE
    ensure_pki(directory, NAMES, later)

    assert pki.ca_cert.read_bytes() == ca
    assert pki.admin.cert.read_bytes() != admin
    assert read(pki.admin).not_after == later + YEAR


def test_an_old_authority_is_renewed_with_its_key(directory):
    pki = ensure_pki(directory, NAMES, NOW)
    key = pki.pair("ca").key.read_bytes()

    later = NOW + 10 * YEAR - 86400
    ensure_pki(directory, NAMES, later)

    assert pki.pair("ca").key.read_bytes() == key
    assert read(pki.pair("ca")).not_after == later + 10 * YEAR


def test_a_new_node_gets_certificates_and_the_others_keep_theirs(directory):
    pki = ensure_pki(directory, NAMES, NOW)
    before = pki.kubelet("a").cert.read_bytes()

    ensure_pki(directory, PkiNames(("here",), {**NAMES.nodes, "b": ()}), NOW)

    assert pki.kubelet("a").cert.read_bytes() == before
    assert read(pki.kubelet_client("b")).profile.common_name == "system:node:b"


def test_a_new_address_means_a_new_serving_certificate(directory):
    pki = ensure_pki(directory, NAMES, NOW)

    ensure_pki(directory, PkiNames(("there",), NAMES.nodes), NOW)

    assert "there" in read(pki.api_server).profile.hosts


@pytest.mark.parametrize(
    "damage",
    [
        lambda files: files.cert.unlink(),
        lambda files: files.key.unlink(),
        lambda files: files.cert.write_bytes(b"not a certificate"),
        lambda files: files.key.write_bytes(b"not a key"),
    ],
    ids=["no certificate", "no key", "broken certificate", "broken key"],
)
def test_a_damaged_leaf_is_made_anew_once_its_facts_are_doubted(directory, damage):
    pki = ensure_pki(directory, NAMES, NOW)

    damage(pki.admin)
    (directory / "facts.json").unlink()
    ensure_pki(directory, NAMES, NOW)

    assert read(pki.admin).key_matches()


def test_a_replaced_certificate_is_noticed(directory):
    pki = ensure_pki(directory, NAMES, NOW)

    pki.admin.cert.write_bytes(pki.scheduler.cert.read_bytes())
    ensure_pki(directory, NAMES, NOW)

    assert read(pki.admin).profile.common_name == "kubernetes-admin"


def test_a_foreign_authority_is_taken_over_with_all_its_leafs_made_anew(
    directory, tmp_path
):
    pki = ensure_pki(directory, NAMES, NOW)
    other = ensure_pki(tmp_path / "other", NAMES, NOW)

    for mine, theirs in (
        (pki.pair("ca").cert, other.pair("ca").cert),
        (pki.pair("ca").key, other.pair("ca").key),
    ):
        mine.write_bytes(theirs.read_bytes())
    before = pki.admin.cert.read_bytes()
    ensure_pki(directory, NAMES, NOW)

    assert pki.ca_cert.read_bytes() == other.ca_cert.read_bytes()
    assert pki.admin.cert.read_bytes() != before


def test_the_service_account_keys_stay(directory):
    pki = ensure_pki(directory, NAMES, NOW)
    before = pki.service_account_key.read_bytes()

    (directory / "facts.json").unlink()
    ensure_pki(directory, NAMES, NOW + YEAR)

    assert pki.service_account_key.read_bytes() == before


@pytest.mark.parametrize("junk", [b"", b"[]", b'{"version": 0}', b'{"version": 1}'])
def test_facts_that_cannot_be_read_are_made_anew(directory, junk):
    ensure_pki(directory, NAMES, NOW)
    before = expiries(directory)

    (directory / "facts.json").write_bytes(junk)
    ensure_pki(directory, NAMES, NOW)

    assert expiries(directory) == before


def test_of_a_certificate_that_was_removed_no_expiry_is_told(directory):
    pki = ensure_pki(directory, NAMES, NOW)

    pki.scheduler.cert.unlink()

    assert "scheduler" not in expiries(directory)
    assert "admin" in expiries(directory)


def test_expiry_is_told_for_each_certificate(directory):
    assert expiries(directory) == {}

    ensure_pki(directory, NAMES, NOW)

    told = expiries(directory)
    assert told["apiserver"] == NOW + YEAR
    assert told["ca"] == NOW + 10 * YEAR
    assert len(told) == 10


def test_an_authority_that_is_no_certificate_is_an_error(directory):
    pki = ensure_pki(directory, NAMES, NOW)

    pki.ca_cert.write_bytes(b"junk")

    with pytest.raises(ValueError, match="PEM"):
        ensure_pki(directory, NAMES, NOW)
