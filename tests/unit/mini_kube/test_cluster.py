"""What a cluster may be asked for, before anything is started."""

from __future__ import annotations

import pytest

from mini_kube import Cluster


@pytest.mark.parametrize("nodes", [0, -1, 51, 500])
def test_a_machine_is_not_drowned_in_nodes(nodes):
    with pytest.raises(ValueError, match="is not from 1 to 50"):
        Cluster(nodes=nodes)
