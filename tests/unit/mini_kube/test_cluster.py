"""What a cluster may be asked for, before anything is started."""

from __future__ import annotations

import pytest

from mini_kube import Cluster


@pytest.mark.parametrize("nodes", [0, -1, 51, 500, 1.5, True, "2"])
def test_a_machine_is_not_drowned_in_nodes(nodes):
    with pytest.raises(ValueError, match="is not from 1 to 50"):
        Cluster(nodes=nodes)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"name": "../x"}, "name: '../x': lower-case letters"),
        ({"name": ""}, "name: ''"),
        ({"name": 5}, "name: 5"),
        ({"timeout": -1}, "timeout: -1 is no time in seconds"),
        ({"timeout": float("nan")}, "timeout: nan is no time"),
        ({"timeout": "60"}, "timeout: '60' is no time"),
        ({"emulate_version": "9.9"}, "emulate_version: "),
        ({"image_policy": "strickt"}, "image_policy: 'strickt' is not permissive"),
        ({"image_catalogue": "/nowhere/at/all"}, "image_catalogue: '/nowhere"),
        ({"kwok_config": "/nowhere/at/all"}, "kwok_config: '/nowhere"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_started(settings, why):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text follows
        Cluster(**settings)

    assert why in str(refused.value)


def test_a_command_in_one_text_is_told_how_it_should_be():
    with pytest.raises(ValueError, match=r"a list is expected, as \['sleep', '9'\]"):
        Cluster().run_pod("p", command="sleep 9")
