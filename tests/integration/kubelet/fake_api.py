"""An API server in memory, over a real socket: as much of one as a kubelet needs."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import time
from contextlib import suppress

from aiohttp import web

from apimachinery.meta import rfc3339
from apimachinery.patch.strategic import merge
from apimachinery.schema import lookup
from apimachinery.status import StatusError, already_exists, conflict, not_found
from hops.hop import Hop
from hops.hops import Hops
from hops.serve import serve_application

KINDS = {
    "pods": ("v1", "Pod"),
    "nodes": ("v1", "Node"),
    "events": ("v1", "Event"),
    "configmaps": ("v1", "ConfigMap"),
    "secrets": ("v1", "Secret"),
    "services": ("v1", "Service"),
    "serviceaccounts": ("v1", "ServiceAccount"),
    "runtimeclasses": ("node.k8s.io/v1", "RuntimeClass"),
    "leases": ("coordination.k8s.io/v1", "Lease"),
}
CLUSTER_WIDE = ("nodes", "runtimeclasses")
WAIT_SECONDS = 30.0


class FakeApi:
    """Objects by resource, namespace and name.

    Attributes:
        calls: (method, path) of every request, in order.
        reviews: answers to SubjectAccessReviews by subresource, default allowed.
    """

    def __init__(self):
        self.objects = {}
        self.calls = []
        self.reviews = {}
        self.tokens = {}
        self.agents = set()
        self._version = itertools.count(1)
        self._watches = set()
        self._changed = asyncio.Event()
        self._hops = Hops("fake-api")
        self._listener = None

    async def start(self, port=0):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._listener = await serve_application(
            self._hops, Hop.KUBELET_APISERVER, app, ("127.0.0.1", port)
        )
        return self

    async def stop(self):
        for queue in self._watches:
            queue.put_nowait(None)
        await self._listener.wait_closed()

    @property
    def port(self):
        return self._listener.port

    # For tests

    def add(self, resource, obj, namespace="default"):
        """Put an object there as a user would."""
        obj = copy.deepcopy(obj)
        api_version, kind = KINDS[resource]
        obj.setdefault("apiVersion", api_version)
        obj.setdefault("kind", kind)
        metadata = obj["metadata"]
        if resource not in CLUSTER_WIDE:
            metadata.setdefault("namespace", namespace)
        metadata.setdefault("uid", f"uid-{metadata['name']}-{next(self._version)}")
        metadata.setdefault("generation", 1)
        metadata.setdefault("creationTimestamp", rfc3339(time.time()))
        return self._store("ADDED", resource, obj)

    def get(self, resource, name, namespace="default"):
        return self.objects.get((resource, namespace, name))

    def remove(self, resource, name, namespace="default"):
        """Take an object away at once, as `--force` does."""
        obj = self.objects.pop((resource, namespace, name))
        self._tell("DELETED", resource, self._stamped(obj))

    def change(self, resource, name, change, namespace="default"):
        """Change an object in place by a function."""
        obj = copy.deepcopy(self.get(resource, name, namespace))
        change(obj)
        return self._store("MODIFIED", resource, obj)

    def delete(self, name, grace=1, namespace="default"):
        """Ask for a pod's deletion."""

        def mark(pod):
            metadata = pod["metadata"]
            metadata["deletionTimestamp"] = rfc3339(time.time() + grace)
            metadata["deletionGracePeriodSeconds"] = grace

        self.change("pods", name, mark, namespace)

    async def until(self, holds, seconds=WAIT_SECONDS):
        """Wait until a condition on the objects holds; its value."""
        async with asyncio.timeout(seconds):
            while not (value := holds()):
                await self._changed.wait()
                self._changed = asyncio.Event()
            return value

    async def pod(self, name, holds=lambda pod: True, seconds=WAIT_SECONDS):
        """Wait until the pod is there and a condition on it holds."""

        def look():
            pod = self.get("pods", name)
            return pod if pod is not None and holds(pod) else None

        try:
            return await self.until(look, seconds)
        except TimeoutError:
            status = (self.get("pods", name) or {}).get("status")
            raise AssertionError(f"{name}: {json.dumps(status, indent=1)}") from None

    async def gone(self, name):
        """Wait until the pod is gone."""
        await self.until(lambda: self.get("pods", name) is None)

    def events(self, name):
        """(type, reason, message) of an object's events, in the order they began."""
        found = [
            event
            for (resource, _, _), event in self.objects.items()
            if resource == "events" and event["involvedObject"]["name"] == name
        ]
        return [(e["type"], e["reason"], e["message"]) for e in found]

    async def event(self, name, reason):
        """Wait for an event; its message."""

        def look():
            return [m for _, r, m in self.events(name) if r == reason]

        return (await self.until(look))[0]

    # The server

    async def _serve(self, request):
        self.calls.append((request.method, request.path))
        self.agents.add(request.headers.get("User-Agent", ""))
        try:
            return await self._answer(request)
        except StatusError as err:
            return web.json_response(err.status, status=err.code)

    async def _answer(self, request):
        body = json.loads(await request.read() or b"null")
        resource, namespace, name, subresource = _parse(request.path)
        if resource in ("subjectaccessreviews", "tokenreviews"):
            return self._review(resource, body)
        if subresource == "token":
            return self._token(namespace, name)
        if not name and request.method == "GET":
            if request.query.get("watch"):
                return await self._watch(request, resource, namespace)
            return self._list(request, resource, namespace)
        match request.method:
            case "GET":
                return web.json_response(self._find(resource, namespace, name))
            case "POST":
                return self._create(resource, namespace, body)
            case "PUT":
                return self._update(resource, namespace, name, body)
            case "PATCH":
                return self._patch(resource, namespace, name, subresource, body)
            case _:
                return self._delete(resource, namespace, name, body or {})

    def _find(self, resource, namespace, name):
        found = self.objects.get((resource, namespace, name))
        if found is None:
            raise not_found(resource, name)
        return found

    def _create(self, resource, namespace, body):
        name = body["metadata"]["name"]
        if (resource, namespace, name) in self.objects:
            raise already_exists(resource, name)
        return web.json_response(self.add(resource, body, namespace), status=201)

    def _update(self, resource, namespace, name, body):
        known = self._find(resource, namespace, name)
        version = body["metadata"].get("resourceVersion")
        if version and version != known["metadata"]["resourceVersion"]:
            raise conflict(resource, name)
        return web.json_response(self._store("MODIFIED", resource, body))

    def _patch(self, resource, namespace, name, subresource, body):
        known = self._find(resource, namespace, name)
        wanted = (body.get("metadata") or {}).get("uid")
        if wanted and wanted != known["metadata"]["uid"]:
            raise conflict(resource, name)
        if subresource == "status":
            body = {"status": body["status"]}
        merged = merge(known, body, lookup(*KINDS[resource]))
        if merged == known:
            return web.json_response(known)
        return web.json_response(self._store("MODIFIED", resource, merged))

    def _delete(self, resource, namespace, name, options):
        known = self._find(resource, namespace, name)
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != known["metadata"]["uid"]:
            raise conflict(resource, name)
        self.remove(resource, name, namespace)
        return web.json_response(known)

    def _list(self, request, resource, namespace):
        items = [
            obj
            for (kind, ns, _), obj in self.objects.items()
            if kind == resource and namespace in (None, ns) and _selected(request, obj)
        ]
        version = str(next(self._version))
        return web.json_response(
            {"metadata": {"resourceVersion": version}, "items": items}
        )

    async def _watch(self, request, resource, namespace):
        response = web.StreamResponse()
        await response.prepare(request)
        queue = asyncio.Queue()
        since = int(request.query.get("resourceVersion") or 0)
        for (kind, ns, _), obj in list(self.objects.items()):
            newer = int(obj["metadata"]["resourceVersion"]) > since
            if kind == resource and namespace in (None, ns) and newer:
                queue.put_nowait(("ADDED", kind, obj))
        self._watches.add(queue)
        try:
            while (event := await queue.get()) is not None:
                kind, what, obj = event
                if what == resource and _selected(request, obj):
                    line = json.dumps({"type": kind, "object": obj})
                    await response.write(line.encode() + b"\n")
        finally:
            self._watches.discard(queue)
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    def _review(self, resource, body):
        if resource == "subjectaccessreviews":
            asked = body["spec"]["resourceAttributes"]
            allowed = self.reviews.get(asked["subresource"], True)
            return web.json_response({**body, "status": {"allowed": allowed}})
        user = self.tokens.get(body["spec"]["token"])
        status = {"authenticated": user is not None, "user": user or {}}
        return web.json_response({**body, "status": status})

    def _token(self, namespace, name):
        self._find("serviceaccounts", namespace, name)
        status = {
            "token": f"token-of-{name}",
            "expirationTimestamp": rfc3339(time.time() + 3600),
        }
        return web.json_response({"kind": "TokenRequest", "status": status}, status=201)

    def _stamped(self, obj):
        metadata = {**obj["metadata"], "resourceVersion": str(next(self._version))}
        return {**obj, "metadata": metadata}

    def _store(self, kind, resource, obj):
        obj = self._stamped(obj)
        metadata = obj["metadata"]
        namespace = None if resource in CLUSTER_WIDE else metadata["namespace"]
        self.objects[resource, namespace, metadata["name"]] = obj
        self._tell(kind, resource, obj)
        return obj

    def _tell(self, kind, resource, obj):
        for queue in self._watches:
            queue.put_nowait((kind, resource, obj))
        self._changed.set()


def _parse(path):
    """(resource, namespace, name, subresource); None where there is none."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = None
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    resource, name, subresource = (*parts, None, None)[:3]
    return resource, namespace, name, subresource


def _selected(request, obj):
    selector = request.query.get("fieldSelector", "")
    name, _, value = selector.partition("=")
    return name != "spec.nodeName" or obj["spec"].get("nodeName") == value
