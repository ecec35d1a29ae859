import copy

import pytest

from apimachinery import schema
from apimachinery.patch.strategic import StrategicPatchError, merge

POD = schema.lookup("v1", "Pod")
DEPLOYMENT = schema.lookup("apps/v1", "Deployment")


def containers(*items):
    return {"spec": {"containers": list(items)}}


def c(name, **fields):
    return {"name": name, **fields}


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        pytest.param(
            containers(c("a", image="1"), c("b", image="1")),
            containers(c("b", image="2")),
            containers(c("a", image="1"), c("b", image="2")),
            id="a list with a merge key is merged",
        ),
        pytest.param(
            containers(c("a")),
            containers(c("z")),
            containers(c("z"), c("a")),
            id="a new element comes before what the patch does not name",
        ),
        pytest.param(
            containers(c("a"), c("b")),
            containers({"$patch": "delete", "name": "a"}),
            containers(c("b")),
            id="$patch delete removes an element",
        ),
        pytest.param(
            containers(c("a"), c("b")),
            containers(c("z"), {"$patch": "replace"}),
            containers(c("z")),
            id="$patch replace in a list replaces the list",
        ),
        pytest.param(
            {"spec": {"nodeName": "n", "hostNetwork": True}},
            {"spec": {"$patch": "replace", "nodeName": "m"}},
            {"spec": {"nodeName": "m"}},
            id="$patch replace in a map replaces the map",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": "1"}}},
            {"metadata": {"labels": {"$patch": "delete"}}},
            {"metadata": {"labels": {}}},
            id="$patch delete in a map empties it",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": "1", "b": "2"}}},
            {"metadata": {"labels": {"a": None, "c": "3"}}},
            {"metadata": {"labels": {"b": "2", "c": "3"}}},
            id="null deletes a key",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"finalizers": ["c"]}},
            {"metadata": {"finalizers": ["c", "a", "b"]}},
            id="a list of scalars is merged",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a", "z"]}},
            {"metadata": {"finalizers": ["b"]}},
            id="$deleteFromPrimitiveList removes scalars",
        ),
        pytest.param(
            {"spec": {"tolerations": [{"key": "a"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
            id="a list without a merge key is replaced",
        ),
        pytest.param(
            containers(c("a"), c("b"), c("c")),
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                    "containers": [c("a", image="2")],
                }
            },
            containers(c("b"), c("c"), c("a", image="2")),
            id="$setElementOrder orders what it names",
        ),
        pytest.param(
            containers(c("a"), c("b")),
            {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
            containers(c("b"), c("a")),
            id="$setElementOrder alone only orders",
        ),
        pytest.param(
            {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
            {
                "spec": {
                    "volumes": [
                        {
                            "name": "v",
                            "$retainKeys": ["name", "hostPath"],
                            "hostPath": {"path": "/x"},
                        }
                    ]
                }
            },
            {"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}},
            id="$retainKeys drops the other keys",
        ),
        pytest.param(
            {},
            {"spec": {"containers": [c("a", image=None)], "nodeName": None}},
            {"spec": {"containers": [c("a")]}},
            id="nulls in new parts mean nothing",
        ),
        pytest.param(
            {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}]}},
            {"metadata": {"ownerReferences": [{"uid": "1", "name": "b"}]}},
            {"metadata": {"ownerReferences": [{"uid": "1", "name": "b"}]}},
            id="other merge keys work too",
        ),
    ],
)
def test_a_patch_changes_the_pod(original, patch, result):
    before, given = copy.deepcopy(original), copy.deepcopy(patch)

    assert merge(original, patch, POD) == result
    assert (original, patch) == (before, given)


def test_a_deployment_changes_its_strategy():
    original = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}

    merged = merge(original, patch, DEPLOYMENT)

    assert merged == {"spec": {"strategy": {"type": "Recreate"}}}


@pytest.mark.parametrize(
    ("patch", "message", "bad_request"),
    [
        (
            containers({"image": "x"}),
            "map: map[image:x] does not contain declared merge key: name",
            False,
        ),
        (
            {"spec": {"$patch": "shout"}},
            "unknown patch type: shout in map: map[]",
            False,
        ),
        (
            {"spec": {"$setElementOrder/containers": "x"}},
            "invalid patch format of setElementOrder list",
            True,
        ),
        (
            {"spec": {"$retainKeys": ["a"], "nodeName": "n"}},
            "invalid patch format of retainKeys",
            True,
        ),
        (
            {"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}},
            "invalid patch format of primitive list",
            True,
        ),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(patch, message, bad_request):
    with pytest.raises(StrategicPatchError) as caught:
        merge({**containers(c("a")), "metadata": {}}, patch, POD)

    assert (str(caught.value), caught.value.bad_request) == (message, bad_request)


def test_an_element_missing_from_the_order_is_refused():
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [c("b")],
        }
    }

    with pytest.raises(StrategicPatchError, match="doesn't match"):
        merge(containers(c("a")), patch, POD)
