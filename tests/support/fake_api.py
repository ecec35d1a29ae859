"""An API in memory for controllers: objects by type, and every call that was made."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from apimachinery.meta import namespace_of, namespaced_name
from apimachinery.status import not_found

__all__ = ["Call", "FakeApi", "node", "pod"]


class Call(NamedTuple):
    """A request: the verb, what it was about, and what was sent."""

    verb: str
    what: str
    body: Any = None


class FakeApi:
    """Keeps objects, answers from them, and remembers the writes in `calls`.

    Put an exception into `failures` to have the next call of a verb end in it.
    """

    def __init__(self, documents=None):
        self.objects = defaultdict(dict)
        self.documents = documents or {}
        self.calls = []
        self.failures = {}

    def have(self, resource, *objects):
        for obj in objects:
            self.objects[resource][namespaced_name(obj)] = obj

    def verbs(self, *verbs):
        return [call for call in self.calls if call.verb in verbs]

    async def get(self, resource, name, namespace=""):
        scope = namespace if resource.namespaced else ""
        key = f"{scope}/{name}" if scope else name
        if key not in self.objects[resource]:
            raise not_found(resource.resource, name)
        return self.objects[resource][key]

    async def list(self, resource, namespace=""):
        return [
            obj
            for obj in self.objects[resource].values()
            if not namespace or namespace_of(obj) == namespace
        ]

    async def create(self, resource, obj):
        self._note("create", f"{resource.resource} {namespaced_name(obj)}", obj)
        self.objects[resource][namespaced_name(obj)] = obj
        return obj

    async def post(self, resource, obj, subresource, body):
        self._note(subresource, f"{resource.resource} {namespaced_name(obj)}", body)
        return body

    async def update(self, resource, obj, subresource=""):
        verb = subresource or "update"
        self._note(verb, f"{resource.resource} {namespaced_name(obj)}", obj)
        return obj

    async def patch(
        self, resource, obj, change, subresource="", patch_type="strategic"
    ):
        what = (
            f"{resource.resource}/{subresource}" if subresource else resource.resource
        )
        self._note("patch", f"{what} {namespaced_name(obj)}", change)
        return self.objects[resource].get(namespaced_name(obj), obj)

    async def delete(self, resource, obj, options=None):
        self._note("delete", f"{resource.resource} {namespaced_name(obj)}", options)
        self.objects[resource].pop(namespaced_name(obj), None)

    async def document(self, path):
        return self.documents[path]

    def _note(self, verb, what, body):
        if verb in self.failures:
            raise self.failures.pop(verb)
        self.calls.append(Call(verb, what, body))


_versions = iter(range(1, 1 << 30))


def pod(name="p", *, namespace="default", node="", phase="Pending", **spec):
    """A pod of one container without requests; `spec` is added to its spec."""
    values = {"containers": [{"name": "c", "image": "i"}], **spec}
    if node:
        values["nodeName"] = node
    return {
        "metadata": _metadata(name, namespace=namespace),
        "spec": values,
        "status": {"phase": phase},
    }


def node(name="n", *, labels=None, ready="True", allocatable=None, **spec):
    """A node with room for 110 pods, 4 CPUs and 8 GiB."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "110", **(allocatable or {})}
    condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": None}
    return {
        "metadata": _metadata(name, labels=labels or {}),
        "spec": spec,
        "status": {"allocatable": room, "conditions": [condition]},
    }


def _metadata(name, **more):
    return {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": str(next(_versions)),
        **more,
    }
