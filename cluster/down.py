"""`mini-kube down`: end every process of the cluster and leave no socket behind.

Kubelets go first, so that none sees its containers die and reports it; then the
runtimes and the API server; then the shims, whom a runtime leaves running on purpose.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from cluster.lock import exclusive
from cluster.records import read_records
from cluster.retirement import known_nodes, stop_containers
from cluster.settings import SettingsError, read_settings
from cluster.supervisor import end_services

if TYPE_CHECKING:
    from cluster.layout import Layout
    from cluster.report import Report

__all__ = ["bring_down", "delete"]


def bring_down(layout: Layout, report: Report) -> None:
    """End the cluster. Its objects stay, for the next `up`."""
    if not layout.state.is_dir():
        return
    with exclusive(layout.lock, report.waiting_for_lock):
        _end_everything(layout, report)


def delete(layout: Layout, report: Report) -> None:
    """End the cluster and remove its state folder."""
    if not layout.state.is_dir():
        return
    with exclusive(layout.lock, report.waiting_for_lock):
        _end_everything(layout, report)
        _remove_state(layout)


def _end_everything(layout: Layout, report: Report) -> None:
    records = read_records(layout)
    kubelets = [record for record in records if record.service.startswith("kubelet-")]
    others = [record for record in records if record not in kubelets]
    for group in (kubelets, others):
        end_services(
            layout, group, on_end=lambda record, k: report.ended(record, killed=k)
        )
    stop_containers(known_nodes(layout))
    shutil.rmtree(layout.sockets, ignore_errors=True)


def _remove_state(layout: Layout) -> None:
    """Remove what is ours; a folder that the user made, or put more into, is kept."""
    keeps_folder = _was_there(layout)
    for folder in ("pki", "conf", "nodes", "run", "logs", "trace"):
        shutil.rmtree(layout.state / folder, ignore_errors=True)
    for file in (layout.kubeconfig, layout.settings, layout.lock):
        file.unlink(missing_ok=True)
    for file in layout.state.glob(f"{layout.database.name}*"):
        file.unlink()
    if not keeps_folder and not any(layout.state.iterdir()):
        layout.state.rmdir()


def _was_there(layout: Layout) -> bool:
    try:
        settings = read_settings(layout.settings)
    except SettingsError:
        return False
    return settings is not None and settings.folder_was_there
