import copy

import pytest

from apimachinery.validation import pods

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or"
    " '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or"
    " '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def pod(container=None, **spec):
    return {
        "metadata": {"name": "p"},
        "spec": {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "containers": [{"name": "c", "image": "i", **(container or {})}],
            **spec,
        },
    }


def said(obj):
    return [str(error) for error in pods.validate_pod(obj)]


def test_a_plain_pod_is_valid():
    assert said(pod()) == []


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (pod(containers=[]), "spec.containers: Required value"),
        (pod({"name": ""}), "spec.containers[0].name: Required value"),
        (
            pod({"name": "A_b"}),
            f'spec.containers[0].name: Invalid value: "A_b": {LABEL_TEXT}',
        ),
        (pod({"image": ""}), "spec.containers[0].image: Required value"),
        (
            pod({"image": " x"}),
            'spec.containers[0].image: Invalid value: " x": must not have leading or'
            " trailing whitespace",
        ),
        (
            pod(initContainers=[{"name": "c", "image": "i"}]),
            'spec.initContainers[0].name: Duplicate value: "c"',
        ),
        (
            pod(restartPolicy="X"),
            'spec.restartPolicy: Unsupported value: "X": supported values: "Always",'
            ' "OnFailure", "Never"',
        ),
        (
            pod(dnsPolicy="X"),
            'spec.dnsPolicy: Unsupported value: "X": supported values:'
            ' "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
        ),
        (
            pod({"imagePullPolicy": "X"}),
            'spec.containers[0].imagePullPolicy: Unsupported value: "X": supported'
            ' values: "Always", "IfNotPresent", "Never"',
        ),
        (
            pod({"ports": [{"containerPort": 70000, "protocol": "TCP"}]}),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be"
            " between 1 and 65535, inclusive",
        ),
        (
            pod({"ports": [{"protocol": "TCP"}]}),
            "spec.containers[0].ports[0].containerPort: Required value",
        ),
        (
            pod({"ports": [{"containerPort": 1, "protocol": "X"}]}),
            'spec.containers[0].ports[0].protocol: Unsupported value: "X": supported'
            ' values: "SCTP", "TCP", "UDP"',
        ),
        (pod({"env": [{}]}), "spec.containers[0].env[0].name: Required value"),
        (
            pod({"env": [{"name": "a=b"}]}),
            'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment'
            " variable name must consist only of printable ASCII characters other than"
            " '='",
        ),
        (
            pod({"volumeMounts": [{"name": "v", "mountPath": "/a"}]}),
            'spec.containers[0].volumeMounts[0].name: Not found: "v"',
        ),
        (
            pod(volumes=[{"name": "v"}]),
            "spec.volumes[0]: Required value: must specify a volume type",
        ),
        (
            pod(volumes=[{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]),
            'spec.volumes[1].name: Duplicate value: "v"',
        ),
        (
            pod(volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]),
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume"
            " type",
        ),
        (
            pod({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
            'spec.containers[0].resources.requests: Invalid value: "2": must be less'
            " than or equal to cpu limit of 1",
        ),
        (
            pod(activeDeadlineSeconds=0),
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and"
            " 2147483647, inclusive",
        ),
        (
            pod(terminationGracePeriodSeconds=-1),
            "spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater"
            " than or equal to 0",
        ),
        (
            pod(tolerations=[{"key": "k", "operator": "Exists", "value": "v"}]),
            'spec.tolerations[0].operator: Invalid value: "v": value must be empty when'
            " `operator` is 'Exists'",
        ),
        (
            pod(ephemeralContainers=[{"name": "e", "image": "i"}]),
            "spec.ephemeralContainers: Forbidden: cannot be set on create",
        ),
        (
            pod({"livenessProbe": {}}),
            "spec.containers[0].livenessProbe: Required value: must specify a handler"
            " type",
        ),
        (
            pod(
                {
                    "livenessProbe": {
                        "exec": {"command": ["a"]},
                        "tcpSocket": {"port": 1},
                    }
                }
            ),
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more"
            " than 1 handler type",
        ),
        (
            pod({"envFrom": [{}]}),
            'spec.containers[0].envFrom[0]: Invalid value: "": must specify one of:'
            " `configMapRef` or `secretRef`",
        ),
    ],
)
def test_a_mistake_is_told_in_kubernetes_words(obj, message):
    assert said(obj) == [message]


def test_two_containers_may_not_share_a_name_or_a_host_port():
    port = {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}
    one = {"name": "c", "image": "i", "ports": [port]}

    assert said(pod(containers=[one, copy.deepcopy(one)])) == [
        'spec.containers[1].name: Duplicate value: "c"',
        'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"',
    ]


def changed(**spec):
    new = pod(tolerations=[{"key": "k", "operator": "Exists"}])
    new["spec"].update(spec)
    return new


OLD = changed(activeDeadlineSeconds=10, schedulingGates=[{"name": "g"}])


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "c", "image": "other"}]},
        {"activeDeadlineSeconds": 5},
        {"schedulingGates": []},
        {
            "tolerations": [
                {"key": "k", "operator": "Exists"},
                {"key": "l", "operator": "Exists"},
            ]
        },
    ],
)
def test_some_of_a_pod_may_change(spec):
    new = {**OLD, "spec": {**OLD["spec"], **spec}}

    assert pods.validate_pod_update(new, OLD) == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"containers": []},
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            {"activeDeadlineSeconds": 20},
            "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal"
            " to previous value 10",
        ),
        (
            {"tolerations": []},
            "spec.tolerations: Forbidden: existing toleration can not be modified except"
            " its tolerationSeconds",
        ),
        (
            {"nodeName": "other"},
            "spec: Forbidden: pod updates may not change fields other than"
            " `spec.containers[*].image`,`spec.initContainers[*].image`,"
            "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing"
            " tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1"
            " if it was previously negative)",
        ),
    ],
)
def test_the_rest_of_a_pod_may_not_change(spec, message):
    new = {**OLD, "spec": {**OLD["spec"], **spec}}

    assert [str(error) for error in pods.validate_pod_update(new, OLD)] == [message]


def test_ephemeral_containers_may_only_be_added():
    one = {"name": "e", "image": "i", "targetContainerName": "c"}
    old, new = (
        pod(ephemeralContainers=[one]),
        pod(ephemeralContainers=[one, {**one, "name": "f"}]),
    )

    assert pods.validate_ephemeral_containers_update(new, old) == []
    assert [str(e) for e in pods.validate_ephemeral_containers_update(old, new)] == [
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers may not be"
        " removed"
    ]
