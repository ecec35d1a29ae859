"""`proxy`: the API server at a local port, with the user's credentials.

Source: kubernetes/kubectl pkg/cmd/proxy/proxy.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, SilentExitError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    import socket

    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.proxying.filtering import RequestFilter

SUMMARY = "Run a proxy to the API server on a local port."
USE = "proxy [--port=PORT] [--api-prefix=prefix]"
EXAMPLES = "kubectl proxy\nkubectl proxy --port=0\nkubectl proxy --api-prefix=/custom/"
_PORT = 8001
FLAGS = (
    Flag(
        "accept-hosts",
        default=r"^localhost$,^127\.0\.0\.1$,^\[::1\]$",
        help="Hosts to accept, as regular expressions with commas.",
    ),
    Flag("accept-paths", default="^.*", help="Paths to accept."),
    Flag("address", default="127.0.0.1", help="The IP address to serve on."),
    Flag("api-prefix", default="/", help="Where the API is served."),
    Flag("append-server-path", "bool", help="Ask below the path of the server's URL."),
    Flag("disable-filter", "bool", help="Accept everything. Dangerous."),
    Flag("keepalive", "duration", help="Accepted for compatibility."),
    Flag("port", "int", _PORT, short="p", help="The port; 0 for any free one."),
    Flag("reject-methods", default="^$", help="Methods to reject."),
    Flag(
        "reject-paths",
        default="^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach",
        help="Paths to reject, even if they are accepted.",
    ),
    Flag("unix-socket", short="u", help="A Unix socket to serve on, not a port."),
)


def run(options: Options, factory: Factory) -> int:
    """Listen, say where, and serve until interrupted."""
    from kubectl_cli.proxying.routes import Routes
    from kubectl_cli.proxying.server import ProxyServer

    client = factory.client
    request_filter = _filter(options)
    if options.number("port") != _PORT and options.text("unix-socket"):
        raise CommandError("cannot set --unix-socket and --port at the same time")
    base = ""
    if options.flag("append-server-path"):
        base = client.http.base_url.partition("://")[2].partition("/")[2]
        base = f"/{base}" if base else ""
    routes = Routes(options.text("api-prefix"), base, request_filter)
    listener = _listen(options)
    ProxyServer(listener, client, routes).run()
    return 0


def _filter(options: Options) -> RequestFilter | None:
    from kubectl_cli.client.verbosity import klog
    from kubectl_cli.proxying.filtering import BadExpressionError, RequestFilter

    if options.flag("disable-filter"):
        if not options.text("unix-socket"):
            klog(
                "W",
                "proxy.go:177",
                "Request filter disabled, your proxy is vulnerable to XSRF attacks,"
                " please be cautious",
            )
        return None
    try:
        return RequestFilter.of(options)
    except BadExpressionError as error:
        klog("F", "proxy_server.go:83", f"Error compiling re: {error}")
        raise SilentExitError(255) from None


def _listen(options: Options) -> socket.socket:
    from hops.blocking.listen import ListenError, listen_on, listen_on_path

    path, port = options.text("unix-socket"), options.number("port")
    host = options.text("address")
    try:
        if path:
            listener = listen_on_path(path)
        elif not 0 <= port <= 65535:
            raise ListenError(f"listen tcp: address {port}: invalid port")
        else:
            listener = listen_on(host.strip("[]"), port, network="tcp")
    except ListenError as error:
        raise CommandError(str(error)) from None
    if not path:
        bound = listener.getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        path = f"{shown}:{bound[1]}"
    print(f"Starting to serve on {path}", flush=True)
    return listener
