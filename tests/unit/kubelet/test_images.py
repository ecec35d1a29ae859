"""Image names, pull policy, and what users are told when an image cannot be had."""

from __future__ import annotations

import base64
import json

import pytest

from kubelet.cri import CriError
from kubelet.event_texts import EventTexts
from kubelet.image_names import (
    InvalidImageNameError,
    registry_of,
    with_default_tag,
)
from kubelet.images import ImageError, ImageManager, should_pull
from rpc import cri_v1_pb2 as cri
from tests.unit.kubelet.builders import container, make_pod


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.27", "nginx:1.27"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ("reg.io/x@sha256:" + "a" * 64, "reg.io/x@sha256:" + "a" * 64),
        ("Reg.IO/lower", "Reg.IO/lower:latest"),
    ],
)
def test_default_tag(name, expected):
    assert with_default_tag(name) == expected


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("UPPER", "repository name (library/UPPER) must be lowercase"),
        ("a" * 64, "cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_invalid_name(name, complaint):
    with pytest.raises(InvalidImageNameError) as error:
        with_default_tag(name)

    assert f'couldn\'t parse image name "{name}"' in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nginx", "docker.io"),
        ("library/nginx", "docker.io"),
        ("quay.io/a/b:1", "quay.io"),
        ("localhost:5000/a", "localhost:5000"),
    ],
)
def test_registry(image, registry):
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("policy", "present", "expected"),
    [
        ("Always", True, True),
        ("Always", False, True),
        ("IfNotPresent", True, False),
        ("IfNotPresent", False, True),
        ("Never", True, False),
        ("Never", False, False),
    ],
)
def test_pull_policy(policy, present, expected):
    assert should_pull(policy, present=present) is expected


class Registry:
    """A runtime's image service of which some images can be pulled."""

    def __init__(self, *present, fails=None):
        self.present = set(present)
        self.fails = fails
        self.pulled = []

    async def image_status(self, image):
        if image.image not in self.present:
            return None
        return cri.Image(id=f"sha256:{image.image}", size=7)

    async def pull_image(self, image, auth, sandbox):
        self.pulled.append((image.image, auth))
        if self.fails:
            raise self.fails
        self.present.add(image.image)
        return f"sha256:{image.image}"


class Recorder:
    """Remembers (type, reason, message)."""

    def __init__(self):
        self.events = []

    def normal(self, reference, reason, message):
        self.events.append(("Normal", reason, message))

    def warning(self, reference, reason, message):
        self.events.append(("Warning", reason, message))


class Images:
    def __init__(self, registry):
        self.now = 1000.0
        self.recorder = Recorder()
        self.registry = registry
        self.manager = ImageManager(
            registry, self.recorder, EventTexts(36), clock=lambda: self.now
        )

    async def ensure(self, image="busybox", policy="IfNotPresent", secrets=()):
        spec = container(image=image, imagePullPolicy=policy)
        return await self.manager.ensure(
            make_pod(spec), spec, cri.PodSandboxConfig(), secrets
        )


async def test_present_image_is_used():
    images = Images(Registry("busybox:latest"))

    assert await images.ensure() == "sha256:busybox:latest"
    assert images.registry.pulled == []
    assert images.recorder.events == [
        (
            "Normal",
            "Pulled",
            'Container image "busybox" already present on machine and can be accessed'
            " by the pod",
        )
    ]


async def test_absent_image_is_pulled():
    images = Images(Registry())

    await images.ensure()

    reasons = [(kind, reason) for kind, reason, _ in images.recorder.events]
    assert reasons == [("Normal", "Pulling"), ("Normal", "Pulled")]
    assert images.recorder.events[0][2] == 'Pulling image "busybox"'
    assert images.recorder.events[1][2].endswith("Image size: 7 bytes.")


async def test_never_pull():
    images = Images(Registry())

    with pytest.raises(ImageError) as error:
        await images.ensure(policy="Never")

    assert error.value.failure.reason == "ErrImageNeverPull"
    assert str(error.value) == (
        'Container image "busybox" is not present with pull policy of Never'
    )


async def test_failed_pull_then_back_off_then_another_try():
    fails = CriError("NOT_FOUND", "no such image")
    images = Images(Registry(fails=fails))

    with pytest.raises(ImageError) as first:
        await images.ensure()
    with pytest.raises(ImageError) as second:
        await images.ensure()
    images.now += 10
    with pytest.raises(ImageError) as third:
        await images.ensure()

    text = "rpc error: code = NotFound desc = no such image"
    assert first.value.failure.reason == "ErrImagePull"
    assert first.value.failure.message == text
    assert first.value.retry_after == 10
    assert second.value.failure.reason == "ImagePullBackOff"
    assert second.value.failure.message == (
        f'Back-off pulling image "busybox": ErrImagePull: {text}'
    )
    assert third.value.failure.reason == "ErrImagePull"
    assert third.value.retry_after == 20
    assert len(images.registry.pulled) == 2


async def test_unknown_error_loses_its_code():
    images = Images(Registry(fails=CriError("UNKNOWN", "boom")))

    with pytest.raises(ImageError, match=r"^boom$"):
        await images.ensure()


async def test_invalid_name_is_told():
    images = Images(Registry())

    with pytest.raises(ImageError) as error:
        await images.ensure(image="A B")

    assert error.value.failure.reason == "InvalidImageName"
    assert images.recorder.events[0][1] == "InspectFailed"


async def test_pull_secret_of_the_registry_is_used():
    auths = {
        "auths": {"https://quay.io/v2/": {"auth": base64.b64encode(b"u:p").decode()}}
    }
    data = base64.b64encode(json.dumps(auths).encode()).decode()
    secret = {"data": {".dockerconfigjson": data}}
    images = Images(Registry())

    await images.ensure(image="quay.io/a/b", secrets=[secret])

    auth = images.registry.pulled[0][1]
    assert (auth.username, auth.password) == ("u", "p")


@pytest.mark.parametrize(
    ("minor", "created", "started", "present"),
    [
        (28, "Created container c", "Started container c", ""),
        (31, "Created container: c", "Started container c", ""),
        (34, "Created container: c", "Started container c", "accessed by the pod"),
        (36, "Container created", "Container started", "accessed by the pod"),
    ],
)
def test_event_texts_by_version(minor, created, started, present):
    texts = EventTexts(minor)

    assert texts.created("c") == created
    assert texts.started("c") == started
    assert texts.already_present("x").endswith(present or "on machine")
