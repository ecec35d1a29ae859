"""`mini-kube tap --fault`: what cannot be is refused before anything is tapped."""

from __future__ import annotations

import pytest

from hops.admin import AdminServer
from hops.hop import Hop
from hops.hops import Hops
from tap.errors import TapError
from tap.running import _add_faults


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lag", "there is no fault type 'lag'"),
        ("latency:lag=1", "latency has no parameter 'lag'"),
        ("latency:lag", "'lag' is not name=value"),
        ("grpc_status", "there are no gRPC calls on kubectl-apiserver"),
    ],
)
async def test_a_fault_that_cannot_strike_is_refused(text, why):
    hops = Hops("tap")
    admin = AdminServer(hops, "/nowhere")

    with pytest.raises(TapError, match=why):
        await _add_faults(admin, hops, Hop.KUBECTL_APISERVER, [text])
