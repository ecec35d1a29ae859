"""Which resource a word means: `po`, `deploy`, `certificates.v1.example.com`.

The kinds of the core group are known without asking; for any other word the server is
asked what it has (`discovery`, with a cache on disk).

Source: kubernetes/apimachinery pkg/api/meta/restmapper.go, kubernetes/cli-runtime
pkg/resource/builder.go (texts), kubernetes/client-go restmapper/shortcut.go,
rest/request.go (Name, Namespace: what may stand in a path).
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_cli.client.factory import Factory

__all__ = ["BUILT_IN", "NAMESPACE", "POD", "Mapper", "Resource"]

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type of the server."""

    group: str
    version: str
    name: str  # plural, as in the URL
    kind: str
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """`pods`, `deployments.apps`."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def label(self) -> str:
        """How output names an object's type: `pod`, `deployment.apps`."""
        kind = self.kind.lower()
        return f"{kind}.{self.group}" if self.group else kind

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the type, or of one object of it.

        Raises:
            CommandError: a namespace or a name that would be another path.
        """
        root = f"/apis/{self.group}" if self.group else "/api"
        parts = [root, self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", _segment("namespace", namespace)]
        parts.append(self.name)
        if name:
            parts.append(_segment("resource name", name))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)

    def answers_to(self, word: str) -> bool:
        """Whether `word`, in lower case, is one of the names of this type."""
        return (
            word in (self.name, self.singular, self.kind.lower())
            or word in self.short_names
        )


def _segment(what: str, text: str) -> str:
    if text.isascii() and text.replace("-", "").replace(".", "").isalnum():
        return text
    # apimachinery pkg/api/validation/path IsValidPathSegmentName
    if text in (".", ".."):
        raise CommandError(f"invalid {what} \"{text}\": [may not be '{text}']")
    wrong = [f"may not contain '{each}'" for each in "/%" if each in text]
    if wrong:
        raise CommandError(f'invalid {what} "{text}": [{" ".join(wrong)}]')
    from urllib.parse import quote

    return quote(text, safe="$&+,:;=@")


def _core(
    name: str, kind: str, *short: str, namespaced: bool = True, all_: bool = False
) -> Resource:
    return Resource(
        "",
        "v1",
        name,
        kind,
        namespaced,
        kind.lower(),
        short,
        ("all",) if all_ else (),
    )


POD = _core("pods", "Pod", "po", all_=True)
NAMESPACE = _core("namespaces", "Namespace", "ns", namespaced=False)
BUILT_IN = (
    POD,
    _core("nodes", "Node", "no", namespaced=False),
    NAMESPACE,
    _core("services", "Service", "svc", all_=True),
    _core("configmaps", "ConfigMap", "cm"),
    _core("secrets", "Secret"),
    _core("events", "Event", "ev"),
    _core("endpoints", "Endpoints", "ep"),
    _core("serviceaccounts", "ServiceAccount", "sa"),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
    _core("persistentvolumes", "PersistentVolume", "pv", namespaced=False),
    _core("replicationcontrollers", "ReplicationController", "rc", all_=True),
    _core("limitranges", "LimitRange", "limits"),
    _core("resourcequotas", "ResourceQuota", "quota"),
    _core("podtemplates", "PodTemplate"),
)


class Mapper:
    """Finds resources by the words people type, and by the kinds of manifests."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._discovered: list[Resource] | None = None
        self._fresh = False

    def resolve(self, word: str) -> Resource:
        """The resource that `word` names.

        Raises:
            CommandError: the server has none of that name.
        """
        low = word.lower()
        found = _find(BUILT_IN, low)
        if found is None:
            found = _find(self.discovered(), low)
        if found is None and not self._fresh:
            found = _find(self.discovered(fresh=True), low)
        if found is None:
            raise CommandError(_unknown(word))
        return found

    def all_named(self, word: str) -> list[Resource]:
        """The resources of all groups and versions that `word` may mean; not empty.

        Raises:
            CommandError: the server has none of that name.
        """
        low = word.lower()
        found = [each for each in self.discovered() if each.answers_to(low)]
        if not found and not self._fresh:
            self.discovered(fresh=True)
            return self.all_named(word)
        if not found:
            raise CommandError(_unknown(word))
        return found

    def category(self, word: str) -> list[Resource]:
        """The resources of a category such as `all`; [] when there is none."""
        if _find(BUILT_IN, word.lower()) is not None:
            return []
        found: dict[str, Resource] = {}
        for each in self.discovered():  # the preferred version comes first
            if word in each.categories:
                found.setdefault(each.full_name, each)
        return list(found.values())

    def for_kind(self, api_version: str, kind: str) -> Resource:
        """The resource that holds objects of this kind.

        Raises:
            CommandError: the server knows no such kind.
        """
        for resources in (BUILT_IN, self.discovered()):
            for each in resources:
                if each.kind == kind and each.api_version == api_version:
                    return each
        if not self._fresh:
            self.discovered(fresh=True)
            return self.for_kind(api_version, kind)
        from apimachinery.go_text import quote

        raise CommandError(
            f"no matches for kind {quote(kind)} in version {quote(api_version)}"
        )

    def discovered(self, *, fresh: bool = False) -> list[Resource]:
        """All the server has, from the cache when that is young enough."""
        if self._discovered is None or (fresh and not self._fresh):
            from kubectl_cli.client.discovery import discover

            self._discovered, self._fresh = discover(self._factory, fresh=fresh)
        return self._discovered


def _find(resources: Iterable[Resource], word: str) -> Resource | None:
    """By name, `name.group` or `name.version.group`, the first in order of groups."""
    name, _, rest = word.partition(".")
    if not rest:
        return next((each for each in resources if each.answers_to(word)), None)
    version, _, group = rest.partition(".")
    for each in resources:
        if not each.answers_to(name):
            continue
        if each.group == rest or (each.version == version and each.group == group):
            return each
    return None


def _unknown(word: str) -> str:
    from apimachinery.go_text import quote

    name = word.partition(".")[0]
    return f"the server doesn't have a resource type {quote(name)}"
