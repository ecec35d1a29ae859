"""kubeconfigs: reading, merging, choosing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from apimachinery.kubeconfig import (
    InvalidConfigurationError,
    KubeconfigError,
    Overrides,
    load,
    merge,
    parse,
    resolve,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
apiVersion: v1
kind: Config
clusters:
- name: c1
  cluster: {server: "https://one.test:6443", certificate-authority: ca.crt}
- name: c2
  cluster:
    server: https://two.test
    insecure-skip-tls-verify: true
    tls-server-name: other.test
    proxy-url: http://proxy.test
users:
- name: u1
  user: {token: abc, as: jane, as-groups: [a, b]}
- name: u2
  user: {client-certificate: c.crt, client-key: /abs/c.key}
contexts:
- name: x
  context: {cluster: c1, user: u1, namespace: foo}
- name: z
  context: {cluster: c2, user: u2}
current-context: x
"""


def test_the_current_context_is_resolved_with_paths_beside_the_file() -> None:
    config = resolve(parse(TEXT, "/home/me/.kube/config"))

    assert config.server == "https://one.test:6443"
    assert config.namespace == "foo"
    assert config.certificate_authority == "/home/me/.kube/ca.crt"
    assert (config.token, config.as_user) == ("abc", "jane")
    assert config.as_groups == ("a", "b")
    assert config.context_name == "x"


def test_another_context_can_be_chosen() -> None:
    config = resolve(parse(TEXT, "/k/config"), Overrides(context="z"))

    assert config.insecure_skip_tls_verify
    assert config.tls_server_name == "other.test"
    assert config.proxy_url == "http://proxy.test"
    assert config.namespace == "default"
    assert (config.client_certificate, config.client_key) == ("/k/c.crt", "/abs/c.key")


def test_single_parts_can_be_overridden() -> None:
    overrides = Overrides(
        cluster="c2",
        namespace="bar",
        cluster_fields=(("server", "https://three.test"),),
        user_fields=(("token", "other"),),
    )

    config = resolve(parse(TEXT), overrides)

    assert (config.server, config.token) == ("https://three.test", "other")
    assert config.namespace == "bar"


def test_an_authority_given_outweighs_insecure() -> None:
    overrides = Overrides(
        context="z", cluster_fields=(("certificate-authority", "/my/ca"),)
    )

    config = resolve(parse(TEXT), overrides)

    assert not config.insecure_skip_tls_verify
    assert config.certificate_authority == "/my/ca"


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (Overrides(context="no"), 'context "no" does not exist'),
        (Overrides(cluster="no"), 'cluster "no" does not exist'),
        (Overrides(user="no"), 'auth info "no" does not exist'),
    ],
)
def test_what_was_asked_for_must_exist(overrides: Overrides, text: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        resolve(parse(TEXT), overrides)

    assert str(caught.value) == text


def test_a_context_that_names_nothing_is_empty() -> None:
    text = json.dumps(
        {
            "contexts": [{"name": "x", "context": {"cluster": "no", "user": "no"}}],
            "current-context": "x",
        }
    )

    config = resolve(parse(text))

    assert (config.server, config.has_credentials) == ("", False)


def test_a_missing_current_context_is_told() -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        resolve(parse('{"current-context": "gone"}'))

    assert caught.value.reasons == ["context was not found for specified context: gone"]


def test_data_is_decoded_and_our_own_files_need_no_yaml() -> None:
    pem = base64.b64encode(b"PEM").decode()
    config = parse(
        json.dumps(
            {
                "kind": "Config",
                "apiVersion": "v1",
                "clusters": [
                    {
                        "name": "c",
                        "cluster": {
                            "server": "https://x",
                            "certificate-authority-data": pem,
                            "extensions": [
                                {"name": "mini-kube", "extension": {"traceDir": "/t"}}
                            ],
                        },
                    }
                ],
                "contexts": [{"name": "x", "context": {"cluster": "c"}}],
                "current-context": "x",
            }
        )
    )

    resolved = resolve(config)

    assert resolved.certificate_authority_data == b"PEM"
    assert resolved.extensions["mini-kube"] == {"traceDir": "/t"}


def test_broken_data_is_told() -> None:
    text = TEXT.replace("token: abc", "client-key-data: '***'")

    with pytest.raises(KubeconfigError, match="illegal base64 data"):
        resolve(parse(text))


def test_the_first_file_wins_and_missing_ones_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "one").write_text(
        '{"current-context": "x", "users": [{"name": "u", "user": {"token": "1"}}]}'
    )
    (tmp_path / "two").write_text(
        '{"current-context": "y", "users": [{"name": "u", "user": {"token": "2"}},'
        ' {"name": "v", "user": {"token": "3"}}]}'
    )
    paths = [str(tmp_path / name) for name in ("one", "gone", "two")]

    config = load(paths)

    assert config.current_context == "x"
    assert config.users == {"u": {"token": "1"}, "v": {"token": "3"}}
    assert config.origin("users", "v") == paths[2]
    assert config.origin("users", "u") == paths[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("foo: [", "yaml: line 1: did not find expected node content"),
        ("kind: Pod\napiVersion: v1", 'no kind "Pod" is registered for version "v1"'),
        ("users: [{name: a}, {name: a}]", 'duplicate name "a" in list: users'),
        ("users: 3", "number into Go struct field Config.users of type []v1.NamedAuth"),
        ("users: [a]", "string into Go struct field Config.users of type v1.NamedAuth"),
        ("users: [{name: a, user: []}]", "array into Go struct field NamedAuthInfo.u"),
        ("users: [{name: 1}]", "NamedAuthInfo.users.name of type string"),
        ("current-context: {}", "object into Go struct field Config.current-context"),
        ("just text", "couldn't get version/kind"),
    ],
)
def test_what_is_no_kubeconfig_is_refused(text: str, problem: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        parse(f"{text}\n")

    assert problem in str(caught.value)


def test_an_empty_file_is_an_empty_kubeconfig() -> None:
    assert parse("") == merge([])


def test_two_ways_to_authenticate_are_one_too_many() -> None:
    text = TEXT.replace("token: abc", "token: abc, username: me")

    with pytest.raises(InvalidConfigurationError, match="more than one authentication"):
        resolve(parse(text))
