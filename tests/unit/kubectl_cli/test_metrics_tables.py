"""The tables of `top`, as kubectl 1.36.4 printed them of the same metrics."""

from __future__ import annotations

from typing import Any

from kubectl_cli.printers.metrics import TableStyle, node_table, pod_table


def pod(namespace: str, name: str, **containers: tuple[str, str]) -> dict[str, Any]:
    usage = [
        {"name": key, "usage": {"cpu": cpu, "memory": memory}}
        for key, (cpu, memory) in containers.items()
    ]
    return {"metadata": {"namespace": namespace, "name": name}, "containers": usage}


def node(name: str, **usage: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "usage": usage}


PODS = [
    pod("default", "b", x=("12m", "20Mi"), a=("1500u", "2000Ki")),
    pod("default", "a", z=("1", "1Gi")),
    pod("other", "c", q=("123456789n", "300Mi")),
]
NODES = [
    node("n2", cpu="1234567890n", memory="1000000Ki", swap="1Gi"),
    node("n1", cpu="250m", memory="3Gi"),
]


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_pods_stand_in_the_order_of_their_names() -> None:
    assert lines(pod_table(PODS[:2], TableStyle(headers=False))) == [
        "a     1000m   1024Mi",
        "b     14m     21Mi",
    ]


def test_containers_are_sorted_by_use_within_sorted_pods_and_summed() -> None:
    style = TableStyle(sort_by="memory")

    table = pod_table(PODS, style, containers=True, namespaces=True, total=True)

    assert lines(table) == [
        "NAMESPACE   POD   NAME   CPU(cores)   MEMORY(bytes)",
        "default     a     z      1000m        1024Mi",
        "other       c     q      124m         300Mi",
        "default     b     x      12m          20Mi",
        "default     b     a      2m           1Mi",
        "                         ________     ________",
        "                         1137m        1345Mi",
    ]


def test_nodes_show_the_part_of_what_they_have() -> None:
    has = {"cpu": "3", "memory": "7000Mi"}

    table = node_table(
        NODES,
        {"n1": has, "n2": {**has, "swap": "4Gi"}, "n3": has},
        TableStyle(swap=True),
    )

    assert lines(table) == [
        "NAME   CPU(cores)   CPU(%)      MEMORY(bytes)   MEMORY(%)   SWAP(bytes)   SWAP(%)",
        "n1     250m         8%          3072Mi          43%         <unknown>     <unknown>",
        "n2     1235m        41%         976Mi           13%         1024Mi        25%",
        "n3     <unknown>    <unknown>   <unknown>       <unknown>   <unknown>     <unknown>",
    ]
