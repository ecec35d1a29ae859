"""Makes sure that a container's image is there before the container is.

Source: kubernetes/kubernetes pkg/kubelet/images/{image_manager,types}.go.
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apimachinery.go_text import quote
from apimachinery.meta import annotations_of
from hops.clock import monotonic, wall
from kubelet import pod as pods
from kubelet.backoff import Backoff
from kubelet.container_statuses import Failure
from kubelet.cri import CriError
from kubelet.events import pod_reference
from kubelet.image_names import (
    InvalidImageNameError,
    registry_of,
    with_default_tag,
)
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apimachinery.types import JsonObject
    from kubelet.event_texts import EventTexts
    from kubelet.events import EventRecorder

__all__ = ["ImageError", "ImageManager", "ImageRuntime", "should_pull"]


class ImageRuntime(Protocol):
    """The part of `Runtime` that images need."""

    async def image_status(self, image: cri.ImageSpec, /) -> cri.Image | None: ...
    async def pull_image(
        self,
        image: cri.ImageSpec,
        auth: cri.AuthConfig | None,
        sandbox: cri.PodSandboxConfig,
        /,
    ) -> str: ...


class ImageError(Exception):
    """The image cannot be had.

    Attributes:
        failure: what the container's waiting state shows.
        retry_after: seconds until trying makes sense, None when unknown.
    """

    def __init__(self, failure: Failure, retry_after: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One container's image, with what is needed to speak of it."""

    name: str
    spec: cri.ImageSpec
    reference: JsonObject
    backoff_key: str


def should_pull(policy: str, *, present: bool) -> bool:
    return policy == "Always" or (policy == "IfNotPresent" and not present)


class ImageManager:
    """Pulls by policy, one at a time unless told otherwise, with back-off."""

    def __init__(
        self,
        runtime: ImageRuntime,
        recorder: EventRecorder,
        texts: EventTexts,
        *,
        serialize: bool = True,
        clock: Callable[[], float] = wall,
    ) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._texts = texts
        self._clock = clock
        self._backoff = Backoff()
        self._last_errors: dict[str, str] = {}
        self._turn = asyncio.Lock() if serialize else nullcontext()

    async def ensure(
        self,
        pod: JsonObject,
        container: JsonObject,
        sandbox: cri.PodSandboxConfig,
        pull_secrets: Sequence[JsonObject] = (),
    ) -> str:
        """The runtime's reference of the container's image.

        Raises:
            ImageError: it is not there and cannot be pulled now.
        """
        wanted = self._wanted(pod, container)
        present = await self._look(wanted)
        policy = container.get("imagePullPolicy") or "IfNotPresent"
        if not should_pull(policy, present=bool(present)):
            return self._use_present(wanted, present)
        remaining = self._backoff.remaining_since_update(
            wanted.backoff_key, self._clock()
        )
        if remaining:
            raise self._back_off(wanted, remaining)
        return await self._pull(wanted, sandbox, pull_secrets)

    def _wanted(self, pod: JsonObject, container: JsonObject) -> _Wanted:
        name = container.get("image", "")
        reference = pod_reference(pod, container["name"])
        try:
            image = with_default_tag(name)
        except InvalidImageNameError as err:
            message = f"Failed to apply default image tag {quote(name)}: {err}"
            self._recorder.warning(reference, "InspectFailed", message)
            raise ImageError(Failure("InvalidImageName", message)) from err
        spec = cri.ImageSpec(
            image=image, user_specified_image=image, annotations=annotations_of(pod)
        )
        return _Wanted(name, spec, reference, f"{pods.uid(pod)}_{name}")

    async def _look(self, wanted: _Wanted) -> str:
        """The id of the image if the runtime has it, else ""."""
        try:
            image = await self._runtime.image_status(wanted.spec)
        except CriError as err:
            message = f"Failed to inspect image {quote(wanted.name)}: {err}"
            self._recorder.warning(wanted.reference, "InspectFailed", message)
            raise ImageError(Failure("ImageInspectError", message)) from err
        return image.id if image else ""

    def _use_present(self, wanted: _Wanted, present: str) -> str:
        if present:
            message = self._texts.already_present(wanted.name)
            self._recorder.normal(wanted.reference, "Pulled", message)
            return present
        message = (
            f"Container image {quote(wanted.name)} is not present with pull policy"
            " of Never"
        )
        self._recorder.warning(wanted.reference, "ErrImageNeverPull", message)
        raise ImageError(Failure("ErrImageNeverPull", message))

    def _back_off(self, wanted: _Wanted, remaining: float) -> ImageError:
        message = f"Back-off pulling image {quote(wanted.name)}"
        self._recorder.normal(wanted.reference, "BackOff", message)
        if last := self._last_errors.get(wanted.backoff_key):
            message = f"{message}: ErrImagePull: {last}"
        return ImageError(Failure("ImagePullBackOff", message), remaining)

    async def _pull(
        self,
        wanted: _Wanted,
        sandbox: cri.PodSandboxConfig,
        pull_secrets: Sequence[JsonObject],
    ) -> str:
        name = quote(wanted.name)
        self._recorder.normal(wanted.reference, "Pulling", f"Pulling image {name}")
        asked = monotonic()
        auth = _credentials(wanted.spec.image, pull_secrets)
        try:
            async with self._turn:
                began = monotonic()
                found = await self._runtime.pull_image(wanted.spec, auth, sandbox)
        except CriError as err:
            raise self._pull_failed(wanted, err) from err
        now = monotonic()
        self._backoff.reset(wanted.backoff_key)
        self._last_errors.pop(wanted.backoff_key, None)
        size = await self._size(wanted)
        took = f"{_duration(now - began)} ({_duration(now - asked)} including waiting)"
        message = (
            f"Successfully pulled image {name} in {took}. Image size: {size} bytes."
        )
        self._recorder.normal(wanted.reference, "Pulled", message)
        return found

    def _pull_failed(self, wanted: _Wanted, err: CriError) -> ImageError:
        # kubernetes/cri-client: an error of unknown code loses its prefix.
        text = err.details if err.code == "UNKNOWN" else str(err)
        name = quote(wanted.name)
        message = f"Failed to pull image {name}: {text}"
        self._recorder.warning(wanted.reference, "Failed", message)
        now = self._clock()
        self._backoff.advance(wanted.backoff_key, now, now)
        self._backoff.forget_expired(now)
        self._last_errors[wanted.backoff_key] = text
        return ImageError(
            Failure("ErrImagePull", text), self._backoff.delay(wanted.backoff_key)
        )

    async def _size(self, wanted: _Wanted) -> int:
        try:
            image = await self._runtime.image_status(wanted.spec)
        except CriError:
            return 0
        return int(image.size) if image else 0


def _duration(seconds: float) -> str:
    """As Go prints a duration rounded to milliseconds."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{text}" if minutes else text


def _credentials(
    image: str, pull_secrets: Sequence[JsonObject]
) -> cri.AuthConfig | None:
    """The login for the image's registry out of the pod's pull secrets."""
    registry = registry_of(image)
    for secret in pull_secrets:
        for server, entry in _logins(secret).items():
            if _host(server) in (registry, f"index.{registry}"):
                return _auth_config(server, entry)
    return None


def _logins(secret: JsonObject) -> dict[str, JsonObject]:
    data = secret.get("data") or {}
    for key in (".dockerconfigjson", ".dockercfg"):
        if key not in data:
            continue
        try:
            content = json.loads(base64.b64decode(data[key]))
        except ValueError:
            continue
        logins: dict[str, JsonObject] = content.get("auths", content)
        return logins
    return {}


def _host(server: str) -> str:
    return server.partition("://")[2].partition("/")[0] or server.partition("/")[0]


def _auth_config(server: str, entry: JsonObject) -> cri.AuthConfig:
    user, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth") and not user:
        pair = base64.b64decode(entry["auth"]).decode("utf-8", "replace")
        user, _, password = pair.partition(":")
    return cri.AuthConfig(
        username=user,
        password=password,
        server_address=server,
        identity_token=entry.get("identitytoken", ""),
        registry_token=entry.get("registrytoken", ""),
    )
