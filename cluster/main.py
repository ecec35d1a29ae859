"""mini-kube: start, stop and look at a cluster.

Nothing heavy is imported before the command is known: `up` on an existing state takes
a second in all, and most of it belongs to the services.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cluster.flags import add_cluster_flags, add_up_flags
from cluster.layout import DEFAULT_NAME, Layout, LayoutError, locate
from cluster.settings import ClusterSettings, SettingsError, absolute, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hops.cluster_view import ClusterView

__all__ = ["main"]

_FLAGS_OF_PATHS: Final = (
    "trace_dir",
    "image_catalogue",
    "kwok_config",
    "etcd_cafile",
    "etcd_certfile",
    "etcd_keyfile",
)
_KEPT_FLAGS: Final = (
    "nodes",
    "bind_address",
    "emulate_version",
    "feature_gates",
    "kubelet_args",
    "trace_dir",
    "kubelet",
    "cri_socket",
    "image_policy",
    "image_catalogue",
    "kwok_config",
    "etcd",
    "etcd_cafile",
    "etcd_certfile",
    "etcd_keyfile",
    "etcd_prefix",
)


#: Commands of other packages: name -> the module, and what it is for. A module has
#: `configure(parser)` and `run(options, view) -> int`; `view` is a ClusterView, or None
#: where there is no cluster. It is imported when its command is asked for.
_TOOLS: Final = {
    "tap": ("tap.command", "stand in front of a real component, and trace it"),
    "fault": ("faults.command", "make a hop fail on purpose"),
    "scenario": ("faults.scenario_command", "play faults from a YAML file"),
    "reproduce": (
        "museum.command",
        "show a known trouble, and that it is gone without",
    ),
    "dashboard": ("traces.dashboard.command", "serve the live sessions as a web page"),
    "clock": ("faults.clock_command", "move the clock of the services"),
    "serve": ("mini_kube.server_command", "clusters for test suites, over HTTP"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run mini-kube; the exit code is 0, 1 for a failure, 2 for wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(words).parse_args(words)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        return _fail(f"{where}{err.strerror or err}")
    except (LayoutError, SettingsError) as err:
        return _fail(str(err))
    return code


def _up(options: argparse.Namespace) -> int:
    layout, _ = _wanted(options)
    code = _bring_up(options)
    if code == 0:
        print(f"\nexport KUBECONFIG={_quoted(layout.kubeconfig)}", flush=True)
    return code


def _bring_up(options: argparse.Namespace) -> int:
    from cluster.report import Report
    from cluster.supervisor import StartError
    from cluster.up import bring_up
    from hops.blocking.admin import AdminError

    layout, settings = _wanted(options)
    try:
        bring_up(layout, settings, Report(), timeout=options.timeout)
    except (StartError, AdminError) as err:
        return _fail(str(err))
    return 0


def _down(options: argparse.Namespace) -> int:
    from cluster.down import bring_down, delete
    from cluster.report import Report

    try:
        layout, _ = _present(options)
    except SettingsError as err:
        # Who ends a cluster must not need its settings: the records tell the processes.
        print(f"mini-kube: {err}: going on without", file=sys.stderr)
        layout = _located(options)
    end = delete if options.delete else bring_down
    end(layout, Report())
    return 0


def _status(options: argparse.Namespace) -> int:
    import time

    from cluster.status import observe, render, render_json

    layout, settings = _require(options)
    status = observe(layout, settings)
    text = (
        render_json(status) if options.output == "json" else render(status, time.time())
    )
    print(text)
    return 0 if status.is_up else 1


def _kubeconfig(options: argparse.Namespace) -> int:
    layout, _ = _require(options)
    if options.path:
        print(layout.kubeconfig)
    else:
        sys.stdout.write(layout.kubeconfig.read_text())
    return 0


def _trace(options: argparse.Namespace) -> int:
    """The switch is ours; looking at traces is `traces`' work."""
    if options.verb in ("on", "off"):
        return _switch_trace(options)
    from traces.command import run

    return run(options, _view(options))


def _switch_trace(options: argparse.Namespace) -> int:
    from cluster.services import services
    from cluster.settings import write_settings
    from cluster.supervisor import running
    from cluster.tracing import make_folder, set_trace
    from hops.blocking.admin import AdminError

    layout, settings = _require(options)
    trace_dir = _trace_dir(options, layout)
    if trace_dir:
        make_folder(trace_dir)
    data_bytes = str(options.bytes or "") if trace_dir else ""
    settings = replace(settings, trace_dir=trace_dir, trace_bytes=data_bytes)
    write_settings(layout.settings, settings)
    for service in services(settings, layout):
        if service.admin_socket is None or running(layout, service.name) is None:
            continue
        try:
            set_trace(service.admin_socket, settings.tracing)
        except AdminError as err:
            return _fail(str(err))
    print(f"tracing to {trace_dir}" if trace_dir else "tracing is off")
    return 0


def _trace_dir(options: argparse.Namespace, layout: Layout) -> str:
    if options.verb == "off":
        return ""
    return absolute(options.directory) or str(layout.state / "trace")


def _run(options: argparse.Namespace) -> int:
    from cluster.api import ApiError
    from cluster.run import ensure_pod, open_shell, run_commands
    from cluster.supervisor import StartError

    if code := _bring_up(options):
        return code
    layout, settings = _require(options)
    try:
        ensure_pod(layout, settings, timeout=options.timeout)
    except (StartError, ApiError) as err:
        return _fail(str(err))
    print()
    if sys.stdin.isatty() and sys.stdout.isatty():
        open_shell(layout)
        code = 0
    else:
        code = run_commands(layout)
    programs = Path(sys.argv[0]).absolute().parent
    print(
        "The cluster is still there. To go on with it:\n"
        f"  export KUBECONFIG={_quoted(layout.kubeconfig)}"
        f" PATH={_quoted(programs)}:$PATH\n"
        "  mini-kubectl get pods        (or kubectl)\n"
        f"  mini-kube down{_cluster_flags(options)}"
    )
    return code


def _cluster_flags(options: argparse.Namespace) -> str:
    """The flags that name this cluster again, for a person to copy."""
    flags = {"--name": options.name, "--state-dir": options.state_dir}
    return "".join(f" {key} {_quoted(value)}" for key, value in flags.items() if value)


def _quoted(word: Path | str) -> str:
    """As a shell reads it."""
    from shlex import quote  # seldom needed, and then a person can wait for it

    return quote(str(word))


def _wanted(options: argparse.Namespace) -> tuple[Layout, ClusterSettings]:
    """What the flags ask for, on top of what the cluster was asked for before."""
    layout, settings = _present(options)
    name = options.name or DEFAULT_NAME
    if settings is None:
        settings = ClusterSettings(name=name, sockets="")
    given = {key: getattr(options, key) for key in _KEPT_FLAGS}
    given = {key: value for key, value in given.items() if value is not None}
    if "kubelet_args" in given:
        given["kubelet_args"] = tuple(filter(None, given["kubelet_args"]))
    for key in _FLAGS_OF_PATHS:
        if key in given:
            given[key] = absolute(given[key])
    settings = replace(settings, sockets=str(layout.sockets), **given)
    return layout, _with_fixed_ports(settings, options)


def _with_fixed_ports(
    settings: ClusterSettings, options: argparse.Namespace
) -> ClusterSettings:
    from cluster.services import API_SERVER, kubelet_name, port_names

    asked: dict[str, int] = {}
    if options.api_port is not None:
        asked[API_SERVER] = options.api_port
    if (first := options.kubelet_port) is not None:
        for offset, node in enumerate(settings.node_names):
            asked[kubelet_name(node)] = first and first + offset
    fixed = {name: port for name, port in asked.items() if port}
    others = set(port_names(settings)) - set(asked)
    kept = (name for name in settings.fixed_ports if name in others)
    return replace(
        settings, ports={**settings.ports, **fixed}, fixed_ports=(*kept, *fixed)
    )


def _present(options: argparse.Namespace) -> tuple[Layout, ClusterSettings | None]:
    """The cluster that the flags name, and its settings when there is one."""
    layout = _located(options)
    settings = read_settings(layout.settings)
    # What is running has its sockets where they were, whatever the environment says now.
    if settings is not None and Path(settings.sockets).is_dir():
        layout = replace(layout, sockets=Path(settings.sockets))
    return layout, settings


def _located(options: argparse.Namespace) -> Layout:
    name = options.name or DEFAULT_NAME
    return locate(name, options.state_dir, os.environ, Path.home())


def _require(options: argparse.Namespace) -> tuple[Layout, ClusterSettings]:
    layout, settings = _present(options)
    if settings is None:
        raise SettingsError(f"there is no cluster in {layout.state}: run mini-kube up")
    return layout, settings


def _fail(text: str) -> int:
    print(f"mini-kube: {text}", file=sys.stderr)
    return 1


def _run_tool(options: argparse.Namespace) -> int:
    module = importlib.import_module(_TOOLS[options.tool][0])
    code: int = module.run(options, _view(options))
    return code


def _view(options: argparse.Namespace) -> ClusterView | None:
    """The cluster that the flags name, for the tools; None when there is none."""
    from cluster.services import services
    from cluster.supervisor import running
    from hops.cluster_view import ClusterView

    layout, settings = _present(options)
    if settings is None:
        return None
    sockets = {
        service.name: service.admin_socket
        for service in services(settings, layout)
        if service.admin_socket is not None and running(layout, service.name)
    }
    return ClusterView(
        name=settings.name,
        state=layout.state,
        sockets=layout.sockets,
        kubeconfig=layout.kubeconfig,
        admin_sockets=sockets,
        trace_dir=Path(settings.trace_dir) if settings.trace_dir else None,
    )


def _add_tools(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], words: Sequence[str]
) -> None:
    for name, (module, text) in _TOOLS.items():
        if importlib.util.find_spec(module) is None:
            continue
        parser = _command(commands, name, _run_tool, text)
        parser.set_defaults(tool=name)
        if name in words:
            importlib.import_module(module).configure(parser)


def _parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mini-kube",
        description="A small Kubernetes of real, separate processes on this machine.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_up_flags(
        _command(commands, "up", _up, "start the cluster, or what is missing of it")
    )
    down = _command(commands, "down", _down, "end the cluster; its objects are kept")
    down.add_argument(
        "--delete", action="store_true", help="remove the state folder, too"
    )
    deletion = _command(commands, "delete", _down, "the same as down --delete")
    deletion.set_defaults(delete=True)
    status = _command(commands, "status", _status, "show services, nodes, certificates")
    status.add_argument("-o", "--output", choices=["json"], help="output format")
    kubeconfig = _command(commands, "kubeconfig", _kubeconfig, "print the kubeconfig")
    kubeconfig.add_argument(
        "--path", action="store_true", help="print where the file is instead"
    )
    _add_trace(commands, words)
    run = _command(
        commands, "run", _run, "start, make the pod nginx, open a shell in it"
    )
    add_up_flags(run)
    _add_tools(commands, words)
    return parser


def _add_trace(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], words: Sequence[str]
) -> None:
    parser = _command(
        commands, "trace", _trace, "every frame of every hop: live, and in files"
    )
    if "trace" in words:
        from traces.command import configure

        configure(parser, add_cluster_flags)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    add_cluster_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
