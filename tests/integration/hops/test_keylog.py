"""SSLKEYLOGFILE, judged by tshark: it decrypts what was captured on the way."""

import asyncio
import contextlib
import stat
import subprocess
from ipaddress import IPv4Address

from hops.dial import dial_connection
from hops.listen import listen
from hops.tls.contexts import client_context, server_context
from hops.tls.keylog import VARIABLE
from tests.integration.hops.conftest import HOP, LOOPBACK, Listening
from tests.support.tools import tool_or_skip
from traces.formats import pcapng_blocks
from traces.formats.tcp_packets import Endpoint, TcpPackets

REQUEST = b"GET /api/v1/pods?secret=none HTTP/1.1\r\nHost: x\r\n\r\n"


class Capture:
    """A relay that keeps what goes by: the encrypted bytes, in order."""

    def __init__(self):
        self.chunks = []

    async def start(self, target):
        self._target = target
        self._server = await asyncio.start_server(self._relay, *LOOPBACK)
        return self._server.sockets[0].getsockname()[:2]

    async def _relay(self, reader, writer):
        other_reader, other_writer = await asyncio.open_connection(*self._target)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._copy(reader, other_writer, True))
            tasks.create_task(self._copy(other_reader, writer, False))

    async def _copy(self, reader, writer, up):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.chunks.append((up, data))
                writer.write(data)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def close(self):
        self._server.close()

    def write(self, path):
        """The capture as a file that Wireshark opens."""
        packets = TcpPackets(
            Endpoint(IPv4Address("127.0.0.1"), 40000),
            Endpoint(IPv4Address("127.0.0.2"), 443),
            1,
        )
        frames = packets.open()
        for up, data in self.chunks:
            frames += packets.data(up, data)
        blocks = [pcapng_blocks.section("test", ""), pcapng_blocks.interface("lo", "")]
        blocks += [pcapng_blocks.packet(0, n, each) for n, each in enumerate(frames)]
        path.write_bytes(b"".join(blocks))


async def test_a_capture_is_decrypted_with_the_keys_of_either_side(
    hops, authority, serving, tmp_path, monkeypatch
):
    tshark = tool_or_skip("tshark", "tshark")
    capture = Capture()
    accepted = asyncio.Queue()
    kind = type("Accepted", (Listening,), {"accepted": accepted})
    for side in ("server", "client"):
        monkeypatch.setenv(VARIABLE, str(tmp_path / "keys"))
        if side == "client":
            monkeypatch.delenv(VARIABLE)
        server_tls = server_context(serving.cert, serving.key)
        monkeypatch.delenv(VARIABLE, raising=False)
        if side == "client":
            monkeypatch.setenv(VARIABLE, str(tmp_path / "keys"))
        client_tls = client_context(authority.path)
        listener = await listen(hops, HOP, LOOPBACK, kind, tls=server_tls)
        capture.chunks.clear()
        address = await capture.start(listener.address)
        client = await dial_connection(
            hops, HOP, address, tls=client_tls, server_hostname="localhost"
        )
        server = await accepted.get()
        client.write(REQUEST)
        assert await server.read() == REQUEST
        client.close()
        server.close()
        await client.wait_closed()
        listener.close()
        await capture.close()
        capture.write(tmp_path / "capture.pcapng")

        seen = await asyncio.to_thread(_requests, tshark, tmp_path)

        assert seen == ["/api/v1/pods?secret=none"], side
        assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
        (tmp_path / "keys").unlink()


def _requests(tshark, folder):
    done = subprocess.run(
        [
            *(tshark, "-r", folder / "capture.pcapng"),
            *("-o", f"tls.keylog_file:{folder / 'keys'}"),
            *("-Y", "http.request", "-T", "fields", "-e", "http.request.uri"),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.split()
