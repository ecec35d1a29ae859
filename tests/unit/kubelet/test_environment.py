"""Environment, expansion, downward API and service variables by table."""

from __future__ import annotations

import base64

import pytest

from kubelet.environment import VariableError, make_environment
from kubelet.expansion import UnknownVariableError, expand, expand_strictly
from kubelet.field_ref import PodFacts, UnsupportedFieldError, field_value
from kubelet.resource_ref import resource_value
from kubelet.service_env import service_variables
from tests.unit.kubelet.builders import container, make_pod

FACTS = PodFacts(host_ips=("10.0.0.1",), pod_ips=("10.244.0.5", "fd00::5"))
ALLOCATABLE = {"cpu": "4", "memory": "8Gi"}


class Objects:
    """ConfigMap `cm` and Secret `sec` of namespace `ns`."""

    async def config_map(self, namespace, name):
        if (namespace, name) == ("ns", "cm"):
            return {"data": {"k": "v", "bad=name": "x", "ÄÖ": "y"}}
        return None

    async def secret(self, namespace, name):
        if (namespace, name) == ("ns", "sec"):
            return {"data": {"pw": base64.b64encode(b"s3cret").decode()}}
        return None


async def environment(services=None, **fields):
    spec = container(**fields)
    return await make_environment(
        make_pod(spec), spec, FACTS, services or {}, Objects(), ALLOCATABLE
    )


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ({"value": "x"}, "x"),
        ({}, ""),
        ({"value": "$(HOST)/$(NOPE)/$$(HOST)"}, "h/$(NOPE)/$(HOST)"),
        ({"valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}, "v"),
        ({"valueFrom": {"secretKeyRef": {"name": "sec", "key": "pw"}}}, "s3cret"),
        ({"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, "10.244.0.5"),
        ({"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}, "4"),
    ],
)
async def test_variable(variable, expected):
    env = [{"name": "HOST", "value": "h"}, {"name": "A", **variable}]

    assert (await environment(env=env)).variables["A"] == expected


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "k"}}, 'configmap "no" not found'),
        ({"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found'),
        (
            {"configMapKeyRef": {"name": "cm", "key": "no"}},
            "couldn't find key no in ConfigMap ns/cm",
        ),
        (
            {"secretKeyRef": {"name": "sec", "key": "no"}},
            "couldn't find key no in Secret ns/sec",
        ),
    ],
)
async def test_missing_source(source, text):
    with pytest.raises(VariableError) as error:
        await environment(env=[{"name": "A", "valueFrom": source}])
    assert str(error.value) == text

    kind, reference = next(iter(source.items()))
    optional = {kind: {**reference, "optional": True}}
    made = await environment(env=[{"name": "A", "valueFrom": optional}])
    assert "A" not in made.variables


async def test_env_from_takes_what_can_be_a_name():
    made = await environment(envFrom=[{"prefix": "P_", "configMapRef": {"name": "cm"}}])

    assert made.variables == {"P_k": "v"}
    assert made.skipped == (("ConfigMap ns/cm", ("P_bad=name", "P_ÄÖ")),)


async def test_env_wins_over_env_from_and_both_over_services():
    made = await environment(
        services={"k": "service", "S": "service"},
        envFrom=[{"configMapRef": {"name": "cm"}}],
        env=[{"name": "k", "value": "own"}],
    )

    assert made.variables == {"k": "own", "S": "service"}


def test_expansion_leaves_what_it_does_not_know():
    assert expand("a $(X) $(Y) $$ $", {"X": "1"}) == "a 1 $(Y) $ $"


def test_strict_expansion_refuses_unknown_names():
    assert expand_strictly("$(X)/y", {"X": "1"}) == "1/y"
    with pytest.raises(UnknownVariableError, match='missing value for "Y"'):
        expand_strictly("$(Y)", {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "uid-1"),
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['none']", ""),
        ("metadata.labels", 'app="web"\nz="\\"quoted\\""'),
        ("spec.nodeName", "n1"),
        ("status.hostIP", "10.0.0.1"),
        ("status.podIPs", "10.244.0.5,fd00::5"),
    ],
)
def test_field(path, expected):
    labels = {"z": '"quoted"', "app": "web"}
    pod = make_pod(metadata={"labels": labels}, nodeName="n1")

    assert field_value(pod, path, FACTS) == expected


def test_unknown_field():
    with pytest.raises(UnsupportedFieldError):
        field_value(make_pod(), "spec.containers", FACTS)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"resource": "limits.cpu"}, "1"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "500"),
        ({"resource": "requests.memory", "divisor": "1Mi"}, "64"),
        ({"resource": "limits.memory"}, str(8 << 30)),
        ({"resource": "requests.cpu"}, "0"),
    ],
)
def test_resource_field(reference, expected):
    resources = {"limits": {"cpu": "500m"}, "requests": {"memory": "64Mi"}}
    spec = container(resources=resources)

    assert resource_value(make_pod(spec), spec, reference, ALLOCATABLE) == expected


def service(name, namespace="ns", ip="10.96.0.9", ports=((80, "http"), (443, ""))):
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "clusterIP": ip,
            "ports": [{"port": number, "name": label} for number, label in ports],
        },
    }


def test_services_of_the_namespace_become_variables():
    variables = service_variables([service("my-db")], "ns", links=True)

    assert variables["MY_DB_SERVICE_HOST"] == "10.96.0.9"
    assert variables["MY_DB_SERVICE_PORT"] == "80"
    assert variables["MY_DB_SERVICE_PORT_HTTP"] == "80"
    assert variables["MY_DB_PORT"] == "tcp://10.96.0.9:80"
    assert variables["MY_DB_PORT_443_TCP_ADDR"] == "10.96.0.9"


@pytest.mark.parametrize("links", [True, False])
def test_the_api_server_is_known_everywhere(links):
    services = [service("kubernetes", "default"), service("own"), service("x", "other")]

    variables = service_variables(services, "ns", links=links)

    assert "KUBERNETES_SERVICE_HOST" in variables
    assert ("OWN_SERVICE_HOST" in variables) is links
    assert "X_SERVICE_HOST" not in variables


@pytest.mark.parametrize("ip", ["None", "", None])
def test_headless_services_have_no_variables(ip):
    assert service_variables([service("h", ip=ip)], "ns", links=True) == {}
