"""Which service carries out the faults of a hop.

Each hop has two ends. Its listener is the one that sees every client, ours or not; where
the listener is no service of ours, or cannot tell the hop, it is who dials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.parameters import RuleError
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["services_for"]

_API_SERVER, _KUBELET, _RUNTIME = "apiserver", "kubelet", "cri"

#: Kinds of services that stand at an end of the hop, who should do it first.
_ENDS: dict[Hop, tuple[str, ...]] = {
    Hop.KUBECTL_APISERVER: (_API_SERVER,),
    Hop.APISERVER_KUBELET: (_KUBELET, _API_SERVER),
    # The API server takes all its clients for kubectls.
    Hop.KUBELET_APISERVER: (_KUBELET,),
    Hop.CONTROLLERS_APISERVER: (_API_SERVER,),
    Hop.KUBELET_CRI: (_RUNTIME,),
    Hop.KUBELET_CRI_STREAMING: (_RUNTIME, _KUBELET),
    Hop.KUBELET_POD: (_KUBELET,),
    Hop.CRI_SHIM: (_RUNTIME,),
    Hop.CRI_POD: (_RUNTIME,),
    Hop.APISERVER_ETCD: (_API_SERVER,),
}


def services_for(hop: Hop, running: Mapping[str, Path]) -> list[str]:
    """The services to set a rule in; with several nodes each of their kubelets.

    Raises:
        RuleError: none of them runs, or is one of ours.
    """
    ends = _ENDS.get(hop, ())
    for kind in ends:
        found = [name for name in running if kind_of(name) == kind]
        if found:
            return found
    wanted = " or ".join(ends) or "no service"
    raise RuleError(
        f"faults on {hop} are carried out by {wanted}, which does not run:"
        f" {', '.join(running) or 'nothing does'}"
    )


def kind_of(service: str) -> str:
    """`kubelet` of `kubelet-mini-kube-2`, and so on; a tap is what it is called."""
    for kind in (_API_SERVER, _KUBELET, _RUNTIME):
        if service == kind or service.startswith(f"{kind}-"):
            return kind
    return service
