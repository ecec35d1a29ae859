"""A port-forward session and the connections that it makes."""

import asyncio

from cri_runtime.errors import CriError
from cri_runtime.streaming.port_forward import Forwarding
from wire.portforward_channels import MAX_PORTS, PortForwardChannelServer


class Transport(asyncio.Transport):
    """Takes everything."""

    def __init__(self):
        super().__init__()
        self.closing = False

    def set_protocol(self, protocol): ...
    def set_write_buffer_limits(self, high=None, low=None): ...
    def get_write_buffer_size(self):
        return 0

    def writelines(self, list_of_data): ...
    def write_eof(self): ...
    def is_reading(self):
        return True

    def pause_reading(self): ...
    def resume_reading(self): ...
    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True

    abort = close


class SlowPod:
    """Nobody accepts there, and it takes a while to find out that nobody listens."""

    def __init__(self):
        self.asked = []
        self.dialled = []
        self.may_answer = asyncio.Event()
        self.may_refuse = asyncio.Event()

    async def connect(self, sandbox_id, port, protocol_factory, turn):
        async with turn:
            self.asked.append(port)
            await self.may_answer.wait()
        self.dialled.append(port)
        await self.may_refuse.wait()
        raise CriError("nobody")


async def turns():
    for _ in range(300):
        await asyncio.sleep(0)


async def test_a_session_asks_a_few_times_at_once_where_its_pod_listens():
    ports = list(range(1, MAX_PORTS + 1))
    core = PortForwardChannelServer("v4.channel.k8s.io", ports)
    pod = SlowPod()
    forwarding = Forwarding(Transport(), core, core, pod, "s1", idle_timeout=60.0)

    forwarding.start(b"", core.start())
    await turns()
    at_once = len(pod.asked)
    pod.may_answer.set()
    await turns()

    assert at_once == 8
    assert sorted(pod.dialled) == ports  # none waits for another's connection
    pod.may_refuse.set()
    await turns()
    assert core.closed
