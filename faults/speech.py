"""What is spoken on a hop, and so which faults could never strike there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faults.parameters import RuleError
from hops.hop import Hop

if TYPE_CHECKING:
    from faults.types import FaultType, Group

__all__ = ["check_speech"]

#: Where pods are reached, and in front of what is not ours, anything may be spoken.
_ANYTHING: Final = frozenset([Hop.KUBELET_POD, Hop.CRI_POD, Hop.PROXY])
#: etcd answers JSON over HTTP/1.1, too: clients of its gateway may come through a tap.
_GRPC: Final = _ANYTHING | {Hop.KUBELET_CRI, Hop.APISERVER_ETCD}
_HTTP: Final = frozenset(Hop) - {Hop.KUBELET_CRI, Hop.CRI_SHIM}
_FRAMES: Final = frozenset(Hop) - {Hop.CRI_SHIM}

#: The hops of a group of types, and what they have that others have not.
_NEEDS: Final[dict[Group, tuple[frozenset[Hop], str]]] = {
    "frames": (_FRAMES, "frames"),
    "session": (_HTTP, "streaming sessions"),
    "http": (_HTTP, "HTTP requests"),
    "grpc": (_GRPC, "gRPC calls"),
}


def check_speech(kind: FaultType, hop: Hop) -> None:
    """Refuse a fault on a hop where what it is for never comes.

    Raises:
        RuleError: the text says on which hops it does.
    """
    hops, what = _NEEDS.get(kind.group, (frozenset(Hop), ""))
    if hop not in hops:
        where = ", ".join(each for each in Hop if each in hops)
        raise RuleError(f"{kind.name}: there are no {what} on {hop}: {where}")
