"""How the kubelet sees its own node: what stays, and how it is at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.clock import wall
from kubelet.node_status import NodeIdentity, NodeMoment

if TYPE_CHECKING:
    from kubelet.config import KubeletConfig
    from kubelet.machine import Machine
    from kubelet.pleg import Pleg
    from kubelet.runtime import Runtime
    from kubelet.runtime_monitor import RuntimeMonitor

__all__ = ["NodeView"]

_WEBSOCKETS_TO_KUBELET = "ExtendWebSocketsToKubelet"


class NodeView:
    """Answers for the Node object."""

    def __init__(
        self,
        config: KubeletConfig,
        machine: Machine,
        addresses: tuple[str, ...],
        runtime: Runtime,
        monitor: RuntimeMonitor,
        pleg: Pleg,
    ) -> None:
        self._config = config
        self._machine = machine
        self._addresses = addresses
        self._runtime = runtime
        self._monitor = monitor
        self._pleg = pleg

    def identity(self, port: int) -> NodeIdentity:
        """What stays; `port` is where the kubelet serves."""
        config = self._config
        return NodeIdentity(
            name=config.node_name,
            machine=self._machine,
            addresses=self._addresses,
            port=port,
            max_pods=config.max_pods,
            kubelet_version=config.kubelet_version,
            labels=config.node_labels,
            taints=config.register_with_taints,
            provider_id=config.provider_id,
            shows_proxy_version=config.minor < 33,
        )

    def moment(self) -> NodeMoment:
        info, state = self._runtime.info, self._monitor.state
        version = info.version.removeprefix("v")
        return NodeMoment(
            now=wall(),
            runtime_version=f"{info.name}://{version}" if info.name else "",
            not_ready=self._not_ready(),
            images=self._monitor.images,
            runtime_handlers=state.handlers if state else (),
            features={"supplementalGroupsPolicy": state.supplemental_groups_policy}
            if state
            else None,
            declared_features=self._declared_features(),
        )

    def _not_ready(self) -> str:
        complaints = [self._monitor.complaint(), self._pleg.complaint()]
        found = [text for text in complaints if text]
        if len(found) < 2:
            return "".join(found)
        return f"[{', '.join(found)}]"  # as Go prints several errors

    def _declared_features(self) -> tuple[str, ...]:
        """Since 1.36 v5 WebSockets may come here: passed on, or translated."""
        return (_WEBSOCKETS_TO_KUBELET,) if self._config.minor >= 36 else ()
