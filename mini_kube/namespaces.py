"""Namespaces for one test each: made before they are asked for, deleted afterwards,
both in a thread of its own, so that no test waits for them.
"""

from __future__ import annotations

import itertools
import os
import threading
from queue import Empty, Queue, SimpleQueue
from typing import TYPE_CHECKING, Final

from mini_kube.errors import ClusterError

if TYPE_CHECKING:
    from mini_kube.api import Api

__all__ = ["Namespaces"]

_SPARE: Final = 2


class Namespaces:
    """Fresh namespaces, in which pods can be made. Close it when done."""

    def __init__(self, api: Api, *, timeout: float) -> None:
        self._api = api
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._prefix = f"test-{os.urandom(2).hex()}"
        self._spare: Queue[str | ClusterError] = Queue()
        self._orders: SimpleQueue[str | None] = SimpleQueue()
        self._closed = False
        for _ in range(_SPARE):
            self._orders.put("")
        self._thread = threading.Thread(
            target=self._work, name="mini-kube namespaces", daemon=True
        )
        self._thread.start()

    def take(self) -> str:
        """A namespace that nobody has used.

        Raises:
            ClusterError: it could not be made.
        """
        self._orders.put("")
        try:
            found = self._spare.get(timeout=self._timeout)
        except Empty:
            raise ClusterError("no namespace was made in time") from None
        if isinstance(found, ClusterError):
            raise found
        return found

    def give_back(self, name: str) -> None:
        """Have it deleted, with all that is in it, soon."""
        self._orders.put(name)

    def close(self) -> None:
        """Do nothing more: what is left goes with the cluster."""
        self._closed = True
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (name := self._orders.get()) is not None and not self._closed:
            if name:
                self._delete(name)
            else:
                self._spare.put(self._make())

    def _make(self) -> str | ClusterError:
        name = f"{self._prefix}-{next(self._numbers)}"
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        try:
            self._api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
            # A pod is refused before its service account is there.
            self._api.wait(
                account, lambda found: found is not None, timeout=self._timeout
            )
        except ClusterError as err:
            return err
        return name

    def _delete(self, name: str) -> None:
        path = f"/api/v1/namespaces/{name}"
        try:
            # Nobody waits for the grace periods of what is thrown away.
            self._api.delete(f"{path}/pods", grace_seconds=0)
            self._api.delete(path)
        except ClusterError:
            return  # a server that a test has broken is that test's affair
