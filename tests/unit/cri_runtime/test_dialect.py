import pytest

from cri_runtime.streaming.dialect import Dialect


@pytest.mark.parametrize(
    ("dialect", "more"),
    [
        (Dialect(minor=29), False),
        (Dialect(minor=30), True),
        (Dialect(minor=36), True),
        (Dialect(minor=36, as_containerd=True), False),
    ],
)
def test_v5_and_tunnels_are_for_nodes_whose_api_servers_know_them(dialect, more):
    assert ("v5.channel.k8s.io" in dialect.exec_subprotocols) is more
    assert dialect.takes_tunnels is more
