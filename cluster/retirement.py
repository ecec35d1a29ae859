"""Ending what a node leaves behind: its shims, its Node object, its folders.

The services of a node are ended like all others (`cluster.supervisor`); containers
outlive them on purpose, under their shims, until the runtime's `stop-all` ends those.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from cluster.api import ApiClient
from cluster.services import executable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster.layout import Layout, NodeLayout
    from cluster.settings import ClusterSettings

__all__ = ["known_nodes", "retire_nodes", "stop_containers"]


def known_nodes(layout: Layout) -> list[NodeLayout]:
    """The nodes that have, or had, services: each has a folder."""
    folders = sorted((layout.state / "nodes").glob("*/"))
    return [layout.node(folder.name) for folder in folders]


def stop_containers(nodes: Iterable[NodeLayout]) -> None:
    """End every shim of these nodes with all that runs below it."""
    calls = [
        subprocess.Popen(
            [
                executable("mini-cri"),
                "stop-all",
                f"--root={node.cri_root}",
                f"--state={node.cri_state}",
            ],
            stdin=subprocess.DEVNULL,
        )
        for node in nodes
        if node.cri_root.exists() or node.cri_state.exists()
    ]
    for call in calls:
        call.wait()


def retire_nodes(layout: Layout, settings: ClusterSettings) -> None:
    """Remove nodes that the cluster had and is to have no more."""
    former = [
        node for node in known_nodes(layout) if node.name not in settings.node_names
    ]
    if not former:
        return
    stop_containers(former)
    with closing(ApiClient.of_cluster(layout, settings)) as api:
        for node in former:
            api.delete(f"/api/v1/nodes/{node.name}")
            shutil.rmtree(layout.pki / "nodes" / node.name, ignore_errors=True)
            shutil.rmtree(node.state)
