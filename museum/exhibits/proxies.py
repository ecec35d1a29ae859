"""Proxies that do not pass what they do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Done, Stage

__all__ = ["PROXIES"]

_CLIENT: Final = "kubectl-apiserver"
_OVER_SPDY: Final = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}


def _refused(done: Done) -> Seen:
    last = (done.stderr.splitlines() or ["no error"])[-1]
    return Seen(done.code == 1, f"exit code {done.code}: {last}")


def _no_upgrade(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.middlebox("no-upgrade", _CLIENT):
        return _refused(stage.kubectl("exec", shell, "--", "echo", "hello"))


def _no_spdy(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.middlebox("no-spdy", _CLIENT):
        done = stage.kubectl("exec", shell, "--", "echo", "hello", env=_OVER_SPDY)
    return _refused(done)


def _no_websocket(stage: Stage) -> Seen:
    shell = stage.shell()
    stage.cluster.trace.clear()
    with stage.middlebox("no-websocket", _CLIENT):
        done = stage.kubectl("exec", shell, "--", "echo", "hello")
    tried = [
        event.info.get("status")
        for event in stage.cluster.trace.frames(
            hop=_CLIENT, layer="http1", type="response"
        )
        if event.info.get("status") in (101, 400, 403)
    ]
    return Seen(
        done.stdout == "hello\n" and len(tried) == 2,
        f"answers to the upgrades: {tried}; exit code {done.code}",
    )


def _missing_header(stage: Stage) -> Seen:
    shell = stage.shell()
    gone = {"header": "Upgrade", "action": "remove", "stream": "upstream"}
    with stage.fault("http_header", "apiserver-kubelet", **gone):
        done = stage.kubectl("exec", shell, "--", "echo", "hello", env=_OVER_SPDY)
    return _refused(done)


def _page(stage: Stage) -> Seen:
    shell = stage.shell()
    with stage.middlebox("html-404", _CLIENT):
        return _refused(stage.kubectl("exec", shell, "--", "echo", "hello"))


PROXIES = (
    Exhibit(
        name="upgrade-request-required",
        issue="kubernetes/kubernetes#32026",
        title="exec through a proxy fails: Upgrade request required",
        story="""\
`Upgrade` and `Connection` are hop-by-hop headers: a proxy that does not know what they
ask for drops them. The API server then gets an ordinary request to a path that can only
be upgraded, and says so. `get`, `apply` and `logs` work through the same proxy.""",
        run=_no_upgrade,
    ),
    Exhibit(
        name="proxy-without-spdy",
        issue="kubernetes/kubernetes#6343",
        title="exec fails behind a proxy that does not know SPDY",
        story="""\
Up to 1.29 kubectl spoke SPDY only, a protocol that browsers and proxies gave up years
ago. Proxies that pass WebSocket drop an upgrade to `SPDY/3.1`. kubectl from 1.30 (exec)
and 1.31 (port-forward) on asks for a WebSocket first, for this very reason.

Here the client is told to speak SPDY.""",
        run=_no_spdy,
    ),
    Exhibit(
        name="fallback-to-spdy",
        issue="kubernetes/enhancements#4006",
        title="a refused WebSocket is tried again over SPDY",
        story="""\
kubectl asks for a WebSocket first. Whatever is no handshake leads it to a second request,
over SPDY, and users see at most that it takes longer. When both fail, they read what the
second one said, which may hide why the first was refused. Authorizers see two requests,
a GET and a POST.

Here a proxy drops the upgrade to WebSocket and passes that to SPDY.""",
        run=_no_websocket,
    ),
    Exhibit(
        name="missing-upgrade-header",
        issue="kubernetes/kubernetes#67329",
        title="exec fails: missing upgrade headers in request",
        story="""\
Something between API server and kubelet (a proxy that the API server uses for nodes, a
service mesh) drops `Upgrade`. The kubelet answers 400 and names the headers it got, and
the API server passes that on, so the client reads of headers that it has sent itself.""",
        run=_missing_header,
    ),
    Exhibit(
        name="page-in-place-of-a-stream",
        issue="rancher/rancher#14328",
        title="a gateway answers exec with a web page",
        story="""\
A gateway that routes by path or host sends what it does not know to its own page: 404,
and HTML. The client has no Status to read, so what it prints is its own guess, or the
page.""",
        run=_page,
    ),
)
