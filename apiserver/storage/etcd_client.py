"""etcd's calls, as the API server makes them, with time-outs and repeats.

Every call requires a leader: a member that is cut off refuses, instead of answering
from its own past. Calls wait for a connection, so that a restart of etcd is a pause.
What broke on the way is asked again: reads, and transactions that compare the revision
of their key, of which only one can succeed.

Source: kubernetes/apiserver pkg/storage/etcd3/store.go; etcd client/v3 retry.go.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from apiserver.storage.interface import StoreUnavailable
from hops.session import HEADER
from rpc import etcd_v3_pb2 as etcd
from rpc import etcd_v3_pb2_grpc as etcd_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from apiserver.storage.etcd_channel import EtcdChannel

__all__ = [
    "CALL_SECONDS",
    "CompactedError",
    "EtcdClient",
    "EtcdError",
    "FutureRevisionError",
    "TxnOutcome",
]

CALL_SECONDS = 20.0  # for one call with all its repeats
_REPEAT_SECONDS = 0.05
_METADATA = (("hasleader", "true"),)

_COMPACTED = "etcdserver: mvcc: required revision has been compacted"
_FUTURE = "etcdserver: mvcc: required revision is a future revision"


class EtcdError(StoreUnavailable):
    """A call failed; the text is etcd's own, or what Go's client would say.

    Attributes:
        code: the gRPC code's name, e.g. UNAVAILABLE.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class CompactedError(EtcdError):
    """The revision is older than the history that is kept."""


class FutureRevisionError(EtcdError):
    """The revision has not happened."""


@dataclass(frozen=True, slots=True)
class TxnOutcome:
    """The answer to a transaction; `repeated`: an earlier try may have been carried out."""

    response: etcd.TxnResponse
    repeated: bool

    @property
    def revision(self) -> int:
        return int(self.response.header.revision)

    @property
    def succeeded(self) -> bool:
        return bool(self.response.succeeded)


class EtcdClient:
    """The calls of one channel.

    Args:
        traceparent: the session of the request that a call is made for, "" for none.
            A watch is made for all who come, and says none.
    """

    def __init__(
        self, channel: EtcdChannel, traceparent: Callable[[], str] = str
    ) -> None:
        self._channel = channel
        self._traceparent = traceparent
        # generated, without annotations
        self._kv: Any = etcd_grpc.KVStub(channel.stub)  # type: ignore[no-untyped-call]
        self._watch: Any = etcd_grpc.WatchStub(channel.stub)  # type: ignore[no-untyped-call]
        self._lease: Any = etcd_grpc.LeaseStub(channel.stub)  # type: ignore[no-untyped-call]

    async def range(self, request: etcd.RangeRequest) -> etcd.RangeResponse:
        """Read. Raises EtcdError."""
        response: etcd.RangeResponse
        response, _ = await self._call(self._kv.Range, request)
        return response

    async def transact(self, request: etcd.TxnRequest) -> TxnOutcome:
        """Compare and write. Raises EtcdError."""
        return TxnOutcome(*await self._call(self._kv.Txn, request))

    async def compact(self, revision: int) -> None:
        """Forget what was before. Raises EtcdError."""
        await self._call(self._kv.Compact, etcd.CompactionRequest(revision=revision))

    async def grant_lease(self, seconds: int) -> int:
        """The id of a new lease. Raises EtcdError."""
        request = etcd.LeaseGrantRequest(TTL=seconds)
        response, _ = await self._call(self._lease.LeaseGrant, request)
        return int(response.ID)

    async def watch(
        self, request: etcd.WatchCreateRequest
    ) -> AsyncIterator[etcd.WatchResponse]:
        """Answers of one watch on a stream of its own, until it breaks.

        Raises:
            EtcdError
        """
        call = self._watch.Watch(metadata=_METADATA, wait_for_ready=True)
        try:
            await call.write(etcd.WatchRequest(create_request=request))
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as err:
            raise self._error(err) from None
        except asyncio.InvalidStateError:
            # grpcio says this of a write to a call that has ended
            raise EtcdError("UNAVAILABLE", await call.details()) from None
        finally:
            call.cancel()

    async def _call(self, method: Any, request: Any) -> tuple[Any, bool]:
        """(the answer, whether it was asked more than once)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CALL_SECONDS
        repeated = False
        session = self._traceparent()
        metadata = (*_METADATA, (HEADER, session)) if session else _METADATA
        while True:
            try:
                answer = await method(
                    request,
                    timeout=max(deadline - loop.time(), 0),
                    metadata=metadata,
                    wait_for_ready=True,
                )
            except grpc.aio.AioRpcError as err:
                passing = err.code() is grpc.StatusCode.UNAVAILABLE
                if not passing or loop.time() + _REPEAT_SECONDS > deadline:
                    raise self._error(err) from None
            else:
                return answer, repeated
            repeated = True
            await asyncio.sleep(_REPEAT_SECONDS)

    def _error(self, err: grpc.aio.AioRpcError) -> EtcdError:
        code, text = err.code().name, err.details() or ""
        if text == _COMPACTED:
            return CompactedError(code, text)
        if text == _FUTURE:
            return FutureRevisionError(code, text)
        if text.startswith("etcdserver: "):
            return EtcdError(code, text)
        if self._channel.trouble:
            text = (
                'rpc error: code = Unavailable desc = connection error: desc = "transport:'
                f' Error while dialing: {self._channel.trouble}"'
            )
        elif code == "DEADLINE_EXCEEDED":
            text = "context deadline exceeded"
        return EtcdError(code, text)
