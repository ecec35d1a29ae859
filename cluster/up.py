"""`mini-kube up`: bring the cluster to what was asked for, from whatever is there.

The steps: settle ports, make certificates and configurations, end what should not run
any more, start what does not run, and wait until each is ready. Every step looks at
what is, so a second `up` finds nothing to do, and one after a crash does only the rest.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from certs.files import write_atomically
from certs.pki import Pki, PkiNames, ensure_pki
from cluster.kubeconfig import component_kubeconfig, user_kubeconfig
from cluster.lock import exclusive
from cluster.ports import choose_port, is_free
from cluster.records import read_records
from cluster.services import (
    authority,
    kubelet_config,
    kubelet_name,
    port_names,
    services,
)
from cluster.settings import SettingsError, read_settings, write_settings
from cluster.supervisor import StartedService, StartError, end_services, running, start
from cluster.tracing import make_folder, set_trace

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.layout import Layout
    from cluster.records import ServiceRecord
    from cluster.report import Report
    from cluster.services import Service
    from cluster.settings import ClusterSettings, Tracing

__all__ = ["bring_up"]

_LOG_LINES: Final = 12


def bring_up(
    layout: Layout, settings: ClusterSettings, report: Report, *, timeout: float
) -> None:
    """Make the cluster run as `settings` say, and return when its nodes are Ready.

    What was started here is ended again when not all becomes ready.

    Raises:
        StartError, SettingsError, LayoutError, OSError: it cannot be done.
    """
    was_there = False

    def make() -> None:
        nonlocal was_there
        was_there = layout.state.is_dir()
        layout.make()

    with exclusive(layout.lock, report.waiting_for_lock, make):
        previous = read_settings(layout.settings)
        if previous is None:
            settings = replace(settings, folder_was_there=was_there)
        settings = _with_trace_folder(settings, previous, report)
        settings = _settle_ports(layout, _with_known_ports(settings, previous))
        write_settings(layout.settings, settings)
        pki = _ensure_pki(layout, settings)
        _write_configurations(layout, settings, pki)
        wanted = services(settings, layout)
        _end_unwanted(layout, wanted)
        started: list[StartedService] = []
        begun = time.time()
        try:
            started.extend(
                _start(layout, service, settings.tracing) for service in wanted
            )
            if previous is not None and previous.tracing != settings.tracing:
                _retrace(started, settings.tracing)
            _await_all(layout, settings, started, report, begun, timeout)
            _retire_nodes(layout, settings)
        except BaseException:
            fresh = [item.record for item in started if item.fresh]
            end_services(layout, fresh)
            raise


def _with_trace_folder(
    settings: ClusterSettings, previous: ClusterSettings | None, report: Report
) -> ClusterSettings:
    """A folder that is asked for must be had; one from before is no reason not to run."""
    if not settings.trace_dir:
        return settings
    try:
        make_folder(settings.trace_dir)
    except SettingsError as err:
        if previous is None or previous.trace_dir != settings.trace_dir:
            raise
        report.say(f"{err}: going on without")
        return replace(settings, trace_dir="", trace_bytes="")
    return settings


def _with_known_ports(
    settings: ClusterSettings, previous: ClusterSettings | None
) -> ClusterSettings:
    """Another `up` may have chosen ports since `settings` were made."""
    if previous is None:
        return settings
    return replace(settings, ports={**previous.ports, **settings.ports})


def _settle_ports(layout: Layout, settings: ClusterSettings) -> ClusterSettings:
    """Give every service a port: the user's, the one it had, or a new one."""
    wanted = port_names(settings)
    ports = {name: port for name, port in settings.ports.items() if name in wanted}
    host = settings.bind_address
    if not is_free(host, 0):
        raise SettingsError(f"{host} is not an address of this machine")
    # What has a port now and should have another is ended before anything starts.
    ours = {item.address for item in read_records(layout) if item.process.is_running()}
    for name in wanted:
        known = ports.get(name)
        url = f"https://{authority(settings.client_host, known or 0)}"
        if known is not None and (url in ours or is_free(host, known)):
            continue
        if name in settings.fixed_ports:
            raise SettingsError(f"{name}: port {known} on {host} is taken")
        ports[name] = choose_port(host, ports.values())
    return replace(settings, ports=ports)


def _ensure_pki(layout: Layout, settings: ClusterSettings) -> Pki:
    addresses = tuple(dict.fromkeys((settings.client_host, "127.0.0.1", "localhost")))
    nodes = dict.fromkeys(settings.node_names, addresses)
    names = PkiNames((settings.client_host,), nodes)
    try:
        return ensure_pki(layout.pki, names, time.time())
    except ValueError as err:
        # What signed every certificate of the cluster is not thrown away by itself.
        raise SettingsError(
            f"{layout.pki} is damaged ({err}): remove it, and up makes a new one"
        ) from err


def _write_configurations(layout: Layout, settings: ClusterSettings, pki: Pki) -> None:
    server = services(settings, layout)[0].address
    users = {
        "controller-manager": (
            "system:kube-controller-manager",
            pki.controller_manager,
        ),
        "scheduler": ("system:kube-scheduler", pki.scheduler),
    }
    for node in settings.node_names:
        files = pki.kubelet_client(node)
        users[kubelet_name(node)] = (f"system:node:{node}", files)
    for name, (user, files) in users.items():
        text = component_kubeconfig(user=user, server=server, pki=pki, files=files)
        _write_if_new(layout.component_config(name), text)
    if settings.kubelet:
        for node in settings.node_names:
            path = layout.component_config(f"{kubelet_name(node)}-config")
            _write_if_new(path, kubelet_config(settings, layout, node))
    _write_if_new(layout.kubeconfig, _user_kubeconfig(layout, settings, pki, server))


def _user_kubeconfig(
    layout: Layout, settings: ClusterSettings, pki: Pki, server: str
) -> str:
    extension = {
        "stateDir": str(layout.state),
        "adminSockets": {
            service.name: str(service.admin_socket)
            for service in services(settings, layout)
            if service.admin_socket is not None
        },
        "traceDir": settings.trace_dir,
    }
    return user_kubeconfig(
        context=settings.context_name, server=server, pki=pki, extension=extension
    )


def _write_if_new(path: Path, text: str) -> None:
    content = text.encode()
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)


def _end_unwanted(layout: Layout, wanted: list[Service]) -> None:
    """End services of another configuration, and those that read what is replaced."""
    by_name = {service.name: service for service in wanted}
    unwanted = [
        record
        for record in read_records(layout)
        if not _still_right(record, by_name.get(record.service))
    ]
    end_services(layout, unwanted)


def _still_right(record: ServiceRecord, service: Service | None) -> bool:
    if service is None or service.command != record.command:
        return False
    if not all(socket.exists() for socket in service.sockets):
        return False  # somebody has cleaned up: nobody can reach it any more
    return all(path.stat().st_mtime <= record.started for path in service.files)


def _start(layout: Layout, service: Service, tracing: Tracing) -> StartedService:
    record = running(layout, service.name)
    if record is not None:
        return StartedService(service, record, fresh=False)
    return start(layout, service, tracing)


def _retrace(started: list[StartedService], tracing: Tracing) -> None:
    """Tell those that were running; the fresh ones have it in their command."""
    for item in started:
        if not item.fresh and item.service.admin_socket is not None:
            set_trace(item.service.admin_socket, tracing)


def _await_all(
    layout: Layout,
    settings: ClusterSettings,
    started: list[StartedService],
    report: Report,
    begun: float,
    timeout: float,
) -> None:
    # The services are on their way; what only waiting needs is loaded beside them.
    from cluster.api import ApiClient
    from cluster.readiness import await_ready

    deadline = time.monotonic() + timeout
    with closing(ApiClient.of_cluster(layout, settings)) as view:
        for item in started:
            try:
                await_ready(item, view, since=begun, deadline=deadline)
            except StartError as err:
                tail = _log_tail(layout.log(item.service.name))
                raise StartError(f"{err}\n{tail}") from err
            report.ready(item, time.time() - begun)


def _retire_nodes(layout: Layout, settings: ClusterSettings) -> None:
    folders = {folder.name for folder in (layout.state / "nodes").glob("*")}
    if folders - set(settings.node_names):
        from cluster.retirement import retire_nodes  # seldom needed

        retire_nodes(layout, settings)


def _log_tail(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError as err:
        return str(err)
    return "\n".join([f"the end of {log}:", *(f"  {line}" for line in lines)])
