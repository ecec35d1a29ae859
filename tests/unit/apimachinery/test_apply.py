import copy

import pytest

from apimachinery.gvk import GroupVersionKind
from apimachinery.patch.apply import Applier, apply
from apimachinery.patch.field_set import from_fields_v1, print_path
from apimachinery.patch.managed_fields import track_update
from apimachinery.schema import lookup
from apimachinery.status import StatusError

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
FOO = GroupVersionKind("example.com", "v1", "Foo")


def config_map(**data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": data,
    }


def deployment(*containers, **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "ns"},
        "spec": {"template": {"spec": {"containers": list(containers)}}, **spec},
    }


def run(live, config, manager, *, kind=CONFIG_MAP, force=False, now=1_700_000_000.0):
    return apply(live, config, Applier(kind, manager, now, force))


def owned(obj, manager):
    for entry in obj["metadata"].get("managedFields", []):
        if entry["manager"] == manager:
            return {print_path(path) for path in from_fields_v1(entry["fieldsV1"])}
    return None


def test_a_first_apply_makes_the_object_and_owns_what_it_names():
    made = run(None, config_map(a="1"), "me")

    assert made["data"] == {"a": "1"}
    assert owned(made, "me") == {".data.a"}
    entry = made["metadata"]["managedFields"][0]
    assert (entry["operation"], entry["apiVersion"]) == ("Apply", "v1")
    assert entry["time"] == "2023-11-14T22:13:20Z"


def test_the_same_apply_again_changes_nothing():
    made = run(None, config_map(a="1"), "me")

    assert run(made, config_map(a="1"), "me", now=1_700_000_099.0) is made


def test_what_is_no_longer_named_goes():
    made = run(None, config_map(a="1", b="1"), "me")

    again = run(made, config_map(a="1"), "me")

    assert again["data"] == {"a": "1"}


def test_what_another_owns_stays():
    made = run(None, config_map(a="1", b="1"), "me")
    made = run(made, config_map(b="1"), "you")

    again = run(made, config_map(a="1"), "me")

    assert again["data"] == {"a": "1", "b": "1"}
    assert owned(again, "you") == {".data.b"}


def test_equal_values_are_owned_together_without_a_conflict():
    made = run(run(None, config_map(a="1"), "me"), config_map(a="1"), "you")

    assert owned(made, "me") == owned(made, "you") == {".data.a"}


def test_another_value_is_a_conflict_that_names_the_owner():
    made = run(None, config_map(a="1"), "me")

    with pytest.raises(StatusError) as caught:
        run(made, config_map(a="2"), "you")

    assert caught.value.code == 409
    assert caught.value.message == (
        'Apply failed with 1 conflict: conflict with "me": .data.a'
    )
    assert caught.value.details == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "me"',
                "field": ".data.a",
            }
        ]
    }


def test_several_conflicts_are_listed_by_owner():
    made = run(None, config_map(a="1", b="1"), "me")
    new = copy.deepcopy(made)
    new["data"]["b"] = "2"
    track_update(
        made, new, lookup("v1", "ConfigMap"), manager="edit", api_version="v1", now=0.0
    )

    with pytest.raises(StatusError) as caught:
        run(new, config_map(a="3", b="3"), "you")

    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "edit" using v1:\n- .data.b\n'
        'conflicts with "me":\n- .data.a'
    )


def test_force_takes_the_field_over():
    made = run(None, config_map(a="1", b="1"), "me")

    taken = run(made, config_map(a="2"), "you", force=True)

    assert taken["data"] == {"a": "2", "b": "1"}
    assert owned(taken, "me") == {".data.b"}
    assert owned(taken, "you") == {".data.a"}


def test_an_untracked_object_belonged_to_before_first_apply():
    with pytest.raises(StatusError) as caught:
        run(config_map(a="1"), config_map(a="2"), "me")

    assert '"before-first-apply" using v1: .data.a' in caught.value.message


def test_kubectl_takes_over_what_it_wrote_by_client_side_apply():
    live = config_map(a="1")
    live["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"1"}}'
    }

    assert run(live, config_map(a="2"), "kubectl")["data"] == {"a": "2"}


def c(name, **fields):
    return {"name": name, **fields}


def test_containers_are_merged_by_name():
    made = run(None, deployment(c("a", image="1")), "me", kind=DEPLOYMENT)
    made = run(made, deployment(c("b", image="1")), "you", kind=DEPLOYMENT)

    names = [each["name"] for each in made["spec"]["template"]["spec"]["containers"]]
    assert names == ["a", "b"]
    path = '.spec.template.spec.containers[name="b"]'
    assert owned(made, "you") == {path, f"{path}.name", f"{path}.image"}


def test_a_container_that_nobody_names_any_more_goes():
    made = run(None, deployment(c("a"), c("b")), "me", kind=DEPLOYMENT)

    again = run(made, deployment(c("a")), "me", kind=DEPLOYMENT)

    assert again["spec"]["template"]["spec"]["containers"] == [c("a")]


def test_ports_are_known_by_number_and_protocol_with_its_default():
    tcp, udp = {"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}
    made = run(None, deployment(c("a", ports=[tcp])), "me", kind=DEPLOYMENT)

    made = run(made, deployment(c("a", ports=[udp])), "you", kind=DEPLOYMENT)

    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [tcp, udp]


def test_a_struct_that_was_mine_alone_goes_with_its_defaults():
    config = deployment(c("a"), strategy={"rollingUpdate": {"maxSurge": 1}})
    made = run(None, config, "me", kind=DEPLOYMENT)
    made["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = "25%"

    again = run(made, deployment(c("a")), "me", kind=DEPLOYMENT)

    assert "strategy" not in again["spec"]


def test_an_atomic_value_is_replaced_whole():
    selector = {"matchLabels": {"a": "1"}}
    made = run(None, deployment(c("a"), selector=selector), "me", kind=DEPLOYMENT)
    selector = {"matchLabels": {"b": "1"}}

    again = run(made, deployment(c("a"), selector=selector), "me", kind=DEPLOYMENT)

    assert again["spec"]["selector"] == selector
    assert ".spec.selector" in owned(again, "me")


def test_finalizers_are_a_set():
    one, two = config_map(), config_map()
    one["metadata"]["finalizers"], two["metadata"]["finalizers"] = ["x/a"], ["x/b"]

    made = run(run(None, one, "me"), two, "you")

    assert made["metadata"]["finalizers"] == ["x/a", "x/b"]
    assert owned(made, "you") == {'.metadata.finalizers[="x/b"]'}


def test_custom_resources_merge_maps_and_replace_lists():
    live = run(
        None,
        {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "f"},
         "spec": {"a": 1, "l": [1]}},
        "me",
        kind=FOO,
    )  # fmt: skip
    config = {
        "apiVersion": "example.com/v1",
        "kind": "Foo",
        "metadata": {"name": "f"},
        "spec": {"b": 2, "l": [2]},
    }

    made = run(live, config, "you", kind=FOO, force=True)

    assert made["spec"] == {"a": 1, "b": 2, "l": [2]}


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (
            deployment(c("a"), foo=1),
            ".spec.foo: field not declared in schema",
        ),
        (
            deployment(c("a"), c("a")),
            '.spec.template.spec.containers: duplicate entries for key [name="a"]',
        ),
    ],
)
def test_a_configuration_that_does_not_fit_the_type_is_refused(config, why):
    with pytest.raises(StatusError) as caught:
        run(None, config, "me", kind=DEPLOYMENT)

    assert caught.value.code == 500
    assert caught.value.message == (
        "failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): " + why
    )


def test_a_configuration_must_not_carry_managed_fields():
    config = config_map()
    config["metadata"]["managedFields"] = [{"manager": "x"}]

    with pytest.raises(StatusError, match=r"metadata\.managedFields must be nil"):
        run(None, config, "me")
