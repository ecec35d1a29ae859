"""Volumes: contents, atomic writing, and what is refused."""

from __future__ import annotations

import base64
import os

import pytest

from kubelet.atomic_writer import InvalidPathError, write_payload
from kubelet.field_ref import PodFacts
from kubelet.mounts import MountError, make_mounts
from kubelet.volume_payload import File, PayloadSources, VolumeError, volume_payload
from kubelet.volumes import Volumes, VolumeSetUpError
from tests.unit.kubelet.builders import container, make_pod


class Objects:
    async def config_map(self, namespace, name):
        if name != "cm":
            return None
        binary = base64.b64encode(b"\0\1").decode()
        return {"data": {"a": "1", "b": "2"}, "binaryData": {"bin": binary}}

    async def secret(self, namespace, name):
        data = {"pw": base64.b64encode(b"x").decode()}
        return {"data": data} if name == "sec" else None


class Tokens:
    def __init__(self, text="t0ken"):
        self.value = text

    async def token(self, pod, projection):
        return self.value


def sources(tokens=None):
    return PayloadSources(Objects(), tokens or Tokens(), PodFacts(("10.0.0.1",)), {})


async def payload(volume, tokens=None):
    return await volume_payload(make_pod(), volume, sources(tokens))


async def test_config_map_gives_all_its_keys():
    files = await payload({"configMap": {"name": "cm", "defaultMode": 0o600}})

    assert files == {
        "a": File(b"1", 0o600),
        "b": File(b"2", 0o600),
        "bin": File(b"\0\1", 0o600),
    }


async def test_items_choose_keys_paths_and_modes():
    items = [{"key": "a", "path": "sub/x", "mode": 0o400}]

    files = await payload({"configMap": {"name": "cm", "items": items}})

    assert files == {"sub/x": File(b"1", 0o400)}


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"secret": {"secretName": "no"}}, 'secret "no" not found'),
        (
            {"configMap": {"name": "cm", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent config key: z",
        ),
        (
            {"downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "z"}}]}},
            "unsupported fieldPath: z",
        ),
    ],
)
async def test_missing_contents(volume, text):
    with pytest.raises(VolumeError, match=text):
        await payload(volume)


@pytest.mark.parametrize("kind", ["configMap", "secret"])
async def test_optional_contents_may_be_missing(kind):
    source = {"name": "no", "secretName": "no", "optional": True}

    assert await payload({kind: source}) == {}


SERVICE_ACCOUNT = {
    "projected": {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "cm", "items": [{"key": "a", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
    }
}


async def test_service_account_volume():
    files = await payload(SERVICE_ACCOUNT)

    contents = {path: file.content for path, file in files.items()}
    assert contents == {"token": b"t0ken", "ca.crt": b"1", "namespace": b"ns"}
    assert files["token"].mode == 0o600


async def test_api_server_without_tokens_leaves_the_file_out():
    files = await payload(SERVICE_ACCOUNT, Tokens(None))

    assert set(files) == {"ca.crt", "namespace"}


def read_all(directory):
    return {
        name: (directory / name).read_bytes()
        for name in os.listdir(directory)
        if not name.startswith("..")
    }


def test_writer_replaces_the_whole_content_at_once(tmp_path):
    first = {"a": File(b"1", 0o644), "b": File(b"2", 0o644)}
    second = {"a": File(b"3", 0o640), "d/e": File(b"4", 0o644)}

    assert write_payload(str(tmp_path), first)
    assert read_all(tmp_path) == {"a": b"1", "b": b"2"}
    assert write_payload(str(tmp_path), second)

    assert (tmp_path / "a").read_bytes() == b"3"
    assert (tmp_path / "d" / "e").read_bytes() == b"4"
    assert not (tmp_path / "b").exists()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert len([n for n in os.listdir(tmp_path) if n.startswith("..2")]) == 1


def test_writer_leaves_the_same_content_alone(tmp_path):
    files = {"a": File(b"1", 0o644)}
    write_payload(str(tmp_path), files)

    assert not write_payload(str(tmp_path), files)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "..data"])
def test_writer_stays_inside(tmp_path, path):
    with pytest.raises(InvalidPathError):
        write_payload(str(tmp_path), {path: File(b"", 0o644)})


async def test_set_up_gives_a_path_for_each_volume(tmp_path):
    host = tmp_path / "host"
    pod = make_pod(
        volumes=[
            {"name": "e", "emptyDir": {}},
            {"name": "c", "configMap": {"name": "cm"}},
            {"name": "h", "hostPath": {"path": str(host), "type": "DirectoryOrCreate"}},
        ]
    )

    paths = await Volumes(str(tmp_path / "root")).set_up(pod, sources())

    assert paths["e"].endswith("pods/uid-1/volumes/kubernetes.io~empty-dir/e")
    assert os.stat(paths["e"]).st_mode & 0o777 == 0o777
    assert sorted(os.listdir(paths["c"]))[-3:] == ["a", "b", "bin"]
    assert paths["h"] == str(host)
    assert host.is_dir()


@pytest.mark.parametrize(
    ("volume", "cause"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"nfs": {"server": "x"}}, "no volume plugin matched: nfs"),
        (
            {"hostPath": {"path": "/nonexistent", "type": "Directory"}},
            "hostPath type check failed: /nonexistent is not a directory",
        ),
    ],
)
async def test_set_up_failure_is_the_text_of_the_event(tmp_path, volume, cause):
    pod = make_pod(volumes=[{"name": "v", **volume}])

    with pytest.raises(VolumeSetUpError) as error:
        await Volumes(str(tmp_path)).set_up(pod, sources())

    assert str(error.value) == f'MountVolume.SetUp failed for volume "v" : {cause}'


def mounts_of(tmp_path, mount, variables=None):
    spec = container(volumeMounts=[{"name": "v", "mountPath": "/v", **mount}])
    volume = tmp_path / "v"
    volume.mkdir(exist_ok=True)
    return make_mounts(
        make_pod(spec),
        spec,
        {"v": str(volume)},
        variables or {},
        str(tmp_path / "pod"),
        ("127.0.0.9",),
    )


def test_mounts_are_volumes_hosts_and_termination_file(tmp_path):
    spec = container(
        volumeMounts=[{"name": "v", "mountPath": "/v", "readOnly": True}],
        terminationMessagePath="/dev/termination-log",
    )

    volume, hosts, message = make_mounts(
        make_pod(spec),
        spec,
        {"v": "/somewhere"},
        {},
        str(tmp_path / "pod"),
        ("127.0.0.9",),
    )

    assert (volume.container_path, volume.host_path) == ("/v", "/somewhere")
    assert volume.readonly
    assert "127.0.0.9\tp\n" in (tmp_path / "pod" / "etc-hosts").read_text()
    assert hosts.container_path == "/etc/hosts"
    assert os.stat(message.host_path).st_mode & 0o777 == 0o666


def test_sub_path_by_expression(tmp_path):
    first, *_ = mounts_of(tmp_path, {"subPathExpr": "logs/$(POD)"}, {"POD": "p1"})

    assert first.host_path == str(tmp_path / "v" / "logs" / "p1")
    assert os.path.isdir(first.host_path)


@pytest.mark.parametrize(
    ("mount", "complaint"),
    [
        ({"subPath": "../x"}, "must not contain"),
        ({"subPath": "/x"}, "must not be an absolute path"),
        ({"subPathExpr": "$(NOPE)"}, 'missing value for "NOPE"'),
        ({"name": "other"}, 'volume "other" is not mounted'),
        ({"subPath": "link/x"}, "failed to prepare subPath"),
    ],
)
def test_mount_that_cannot_be(tmp_path, mount, complaint):
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "link").symlink_to("/etc")

    with pytest.raises(MountError, match=complaint):
        mounts_of(tmp_path, mount)
