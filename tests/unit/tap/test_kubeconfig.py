import json
import stat

import pytest

from apimachinery.kubeconfig import KubeconfigError
from hops.cluster_view import ClusterView
from tap.keys import make_keys
from tap.kubeconfig import find_kubeconfigs, read_context, write_kubeconfig

REAL = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "one",
    "clusters": [{"name": "c", "cluster": {"server": "https://real:6443/path"}}],
    "users": [{"name": "u", "user": {"token": "secret", "as": "jane"}}],
    "contexts": [
        {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "ns"}},
        {"name": "two", "context": {"cluster": "c", "user": "u"}},
    ],
}


@pytest.fixture
def real(tmp_path):
    path = tmp_path / "real"
    path.write_text(json.dumps(REAL))
    return path


@pytest.fixture
def written(tmp_path, real):
    config, client = read_context([str(real)], "")
    folder = tmp_path / "tap"
    folder.mkdir()
    path = folder / "kubeconfig"
    keys = make_keys(folder, ("127.0.0.1",))
    write_kubeconfig(path, config, client, "https://127.0.0.1:1/path", keys)
    return path


def test_names_and_namespace_are_the_real_ones(written):
    _, client = read_context([str(written)], "")

    assert (client.context_name, client.namespace) == ("one", "ns")
    assert (client.cluster_name, client.user_name) == ("c", "u")


def test_it_leads_to_the_tap_with_the_taps_keys(written):
    _, client = read_context([str(written)], "")

    assert client.server == "https://127.0.0.1:1/path"
    assert client.certificate_authority_data.startswith(b"-----BEGIN CERTIFICATE")
    assert client.client_key_data.startswith(b"-----BEGIN EC PRIVATE KEY")


def test_who_the_user_acts_as_is_still_said_by_the_client(written):
    assert read_context([str(written)], "")[1].as_user == "jane"


def test_no_real_credential_is_in_it_and_nobody_else_may_read_it(written):
    assert "secret" not in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_another_context_can_be_asked_for(real):
    assert read_context([str(real)], "two")[1].namespace == "default"


@pytest.mark.parametrize("context", ["none"])
def test_a_context_that_is_not_there_is_refused(real, context):
    with pytest.raises(KubeconfigError, match="does not exist"):
        read_context([str(real)], context)


def test_no_file_at_all_is_refused(tmp_path):
    with pytest.raises(KubeconfigError, match="no kubeconfig"):
        read_context([str(tmp_path / "none")], "")


def test_it_is_looked_for_as_kubectl_does(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    view = ClusterView("n", tmp_path, tmp_path, tmp_path / "ours")

    assert find_kubeconfigs("given", {"KUBECONFIG": "a:b"}, view) == ["given"]
    assert find_kubeconfigs(None, {"KUBECONFIG": "a:b"}, view) == ["a", "b"]
    assert find_kubeconfigs(None, {}, view) == [str(tmp_path / "ours")]
    assert find_kubeconfigs(None, {}, None) == [str(tmp_path / ".kube" / "config")]
