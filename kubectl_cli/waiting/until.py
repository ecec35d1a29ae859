"""Waiting for an object: what it is now, then each change until a deadline.

kubectl uses an informer: a watch that first sends what there is
(`sendInitialEvents`), or a list and a watch where the server cannot do that.

Source: kubernetes/kubectl pkg/cmd/wait, kubernetes/client-go tools/cache/reflector.go.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from hops.blocking.responses import RequestError
from kubectl_cli.client.rest import ACCEPT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.rest import Query, RestClient

__all__ = ["Change", "follow_object", "wait_gone"]

#: ("ADDED" | "MODIFIED" | "DELETED" | "SYNCED", object); SYNCED comes once, after all
#: there was at the start, with an empty object.
Change = tuple[str, "JsonObject"]

_INITIAL_END = "k8s.io/initial-events-end"
_FOREVER = 7 * 24 * 3600.0  # "--timeout=-1 means a week"
_BACKOFF = 0.8  # seconds, reflector.go


def follow_object(
    client: RestClient, collection: str, name: str, timeout: float
) -> Iterator[Change]:
    """The object's states from now on; ends when `timeout` seconds are over."""
    deadline = time.monotonic() + timeout
    selector: Query = [("fieldSelector", f"metadata.name={name}")]
    version = ""
    streaming = True
    synced = False
    while (left := deadline - time.monotonic()) > 0:
        if not version and not streaming:
            listed = client.get(
                collection, [*selector, ("limit", "500"), ("resourceVersion", "0")]
            )
            version = listed["metadata"].get("resourceVersion") or "0"
            for item in listed.get("items") or ():
                yield "ADDED", item
            if not synced:
                synced = True
                yield "SYNCED", {}
        query = [*selector, *_watch_query(version)]
        try:
            for event in _events(client, collection, query, left):
                kind, obj = event["type"], event["object"]
                if kind == "ERROR":
                    version = ""  # 410: what we know is too old, start anew
                    break
                version = obj["metadata"].get("resourceVersion") or version
                if kind != "BOOKMARK":
                    yield kind, obj
                elif _is_initial_end(obj) and not synced:
                    synced = True
                    yield "SYNCED", {}
        except StatusError as error:
            if not streaming or error.reason not in ("Invalid", "BadRequest"):
                raise
            streaming = False  # the server knows no sendInitialEvents
            continue
        _pause(deadline)


def _pause(deadline: float) -> None:
    """A watch ended early; do not hammer the server."""
    left = deadline - time.monotonic()
    if left > 0:
        time.sleep(min(_BACKOFF, left))


def _watch_query(version: str) -> Query:
    query = [("allowWatchBookmarks", "true")]
    # client-go asks for 5 to 10 minutes, at random
    query.append(("timeoutSeconds", str(random.randint(300, 600))))
    if version:
        return [*query, ("resourceVersion", version)]
    return [
        *query,
        ("resourceVersionMatch", "NotOlderThan"),
        ("sendInitialEvents", "true"),
    ]


def _events(
    client: RestClient, collection: str, query: Query, left: float
) -> Iterator[JsonObject]:
    """The events of one watch; a connection that breaks off ends it."""
    try:
        yield from client.watch(collection, query, accept=ACCEPT_JSON, timeout=left)
    except RequestError as error:
        if "connection refused" in error.text or error.text.startswith("dial"):
            raise


def _is_initial_end(obj: JsonObject) -> bool:
    annotations = obj["metadata"].get("annotations") or {}
    return annotations.get(_INITIAL_END) == "true"


def wait_gone(
    client: RestClient, collection: str, name: str, uid: str, timeout: float
) -> bool:
    """Wait until the object is gone, or another one has its name.

    Returns:
        Whether it is; False when the time was up.
    """
    if _is_gone(client, f"{collection}/{name}", uid):
        return True
    if timeout <= 0:
        timeout = _FOREVER
    seen = False
    for kind, obj in follow_object(client, collection, name, timeout):
        if kind == "SYNCED":
            if not seen:
                return True
        elif kind == "DELETED" or (uid and obj["metadata"].get("uid") != uid):
            return True
        else:
            seen = True
    return _is_gone(client, f"{collection}/{name}", uid)


def _is_gone(client: RestClient, path: str, uid: str) -> bool:
    try:
        live = client.get(path)
    except StatusError as error:
        if error.reason == "NotFound":
            return True
        if error.reason == "Forbidden":
            return True  # wait.go: "if we cannot read it, we cannot wait for it"
        raise
    return bool(uid) and live["metadata"].get("uid") != uid
