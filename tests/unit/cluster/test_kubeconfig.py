"""The kubeconfigs that are handed out."""

from __future__ import annotations

import base64
import json

import pytest
import yaml

from certs.pki import Pki, PkiNames, ensure_pki
from cluster.kubeconfig import component_kubeconfig, user_kubeconfig


@pytest.fixture(scope="module")
def pki(tmp_path_factory) -> Pki:
    return ensure_pki(tmp_path_factory.mktemp("pki"), PkiNames(), 1_800_000_000.0)


def test_the_users_kubeconfig_can_be_copied_away(pki):
    text = user_kubeconfig(
        context="mini-kube", server="https://h:1", pki=pki, extension={"stateDir": "/s"}
    )

    document = json.loads(text)
    user = document["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == pki.admin.key.read_bytes()
    cluster = document["clusters"][0]["cluster"]
    ca = base64.b64decode(cluster["certificate-authority-data"])
    assert ca == pki.ca_cert.read_bytes()
    assert cluster["server"] == "https://h:1"
    assert cluster["extensions"] == [
        {"name": "mini-kube", "extension": {"stateDir": "/s"}}
    ]


def test_a_services_kubeconfig_names_files_that_renewal_replaces(pki):
    text = component_kubeconfig(
        user="system:kube-scheduler", server="https://h:1", pki=pki, files=pki.scheduler
    )

    user = json.loads(text)["users"][0]["user"]
    assert user == {
        "client-certificate": str(pki.scheduler.cert),
        "client-key": str(pki.scheduler.key),
    }


def test_every_name_leads_to_what_it_names(pki):
    document = json.loads(
        user_kubeconfig(context="c", server="https://h:1", pki=pki, extension={})
    )

    context = document["contexts"][0]
    assert document["current-context"] == context["name"]
    assert context["context"]["cluster"] == document["clusters"][0]["name"]
    assert context["context"]["user"] == document["users"][0]["name"]


def test_json_is_yaml(pki):
    text = user_kubeconfig(context="c", server="https://h:1", pki=pki, extension={})

    assert yaml.safe_load(text) == json.loads(text)
