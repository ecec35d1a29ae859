"""`mini-kube trace replay`: play one end of a recorded session against a live other one."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

from certs.pki import Pki
from hops.tls.contexts import client_context, server_context
from traces.recording import (
    Recorded,
    RecordingError,
    recorded,
    recorded_with_others,
)
from traces.replay import Replayed, play_client
from traces.replay_server import ReplayServer

if TYPE_CHECKING:
    import argparse
    import ssl

    from hops.cluster_view import ClusterView
    from hops.hop import Address
    from traces.sessions import Session

__all__ = ["replay"]

#: Hops on which TLS is spoken.
_WITH_TLS: Final = ("kubectl-apiserver", "apiserver-kubelet", "kubelet-apiserver")


def replay(
    session: Session, options: argparse.Namespace, view: ClusterView | None
) -> int:
    """Play it; 1 when the live side did otherwise than the recorded one.

    Raises:
        RecordingError: the bytes were not recorded. OSError: nobody is there, or the
            address is not ours.
    """
    if options.role == "client":
        connections, play = recorded(session.connection_events(), options.hop), _client
    else:
        connections, play = recorded_with_others(session, options.hop), _server
    played = asyncio.run(play(connections, options, view))
    print(played.text(), end="")
    return 0 if played.equal else 1


async def _client(
    connections: list[Recorded], options: argparse.Namespace, view: ClusterView | None
) -> Replayed:
    return await play_client(
        connections,
        _address(options.address),
        tls=_client_tls(options, view),
        server_hostname=_address(options.address)[0],
        token=options.token,
        pace="real" if options.realtime else "fast",
    )


async def _server(
    connections: list[Recorded], options: argparse.Namespace, view: ClusterView | None
) -> Replayed:
    """Until a signal ends it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = ReplayServer(connections, pace="real" if options.realtime else "fast")
    tls = _server_tls(options, view)
    listener = await server.start(_address(options.address), tls=tls)
    host, port = listener.address[0], listener.address[1]
    scheme = "https" if tls else "http"
    print(f"mini-kube: replaying on {scheme}://{host}:{port}, ^C ends it", flush=True)
    try:
        await stop.wait()
    finally:
        await server.close()
    return server.result()


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise RecordingError(f"{text!r}: HOST:PORT is expected")
    return host.strip("[]"), int(port)


def _client_tls(
    options: argparse.Namespace, view: ClusterView | None
) -> ssl.SSLContext | None:
    if options.plain or options.hop not in _WITH_TLS:
        return None
    if options.ca_file is None and view is not None:
        pki = Pki(view.state / "pki")
        pair = (
            pki.admin if options.hop == _WITH_TLS[0] else pki.api_server_kubelet_client
        )
        return client_context(pki.ca_cert, cert=pair.cert, key=pair.key)
    return client_context(options.ca_file, cert=options.cert_file, key=options.key_file)


def _server_tls(
    options: argparse.Namespace, view: ClusterView | None
) -> ssl.SSLContext | None:
    """The API server's certificate is good for whoever believes in the cluster's CA."""
    if options.plain or options.hop not in _WITH_TLS:
        return None
    if options.cert_file is not None:
        return server_context(options.cert_file, options.key_file or options.cert_file)
    if view is None:
        raise RecordingError("say --cert-file and --key-file, or --plain")
    pair = Pki(view.state / "pki").api_server
    return server_context(pair.cert, pair.key)
