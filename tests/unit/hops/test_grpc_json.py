import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops.taps.grpc_json import MessageReader
from hops.taps.grpc_registry import find_method
from hops.taps.grpc_spans import message_spans
from hops.taps.masks import paint_spans
from rpc import cri_v1_pb2 as cri
from rpc import etcd_v3_pb2 as etcd
from rpc import mvcc_v3_pb2 as mvcc


@pytest.mark.parametrize(
    ("path", "layer", "request_name"),
    [
        ("/runtime.v1.RuntimeService/Exec", "cri", "runtime.v1.ExecRequest"),
        ("/runtime.v1.ImageService/PullImage", "cri", "runtime.v1.PullImageRequest"),
        ("/runtime.v1alpha2.RuntimeService/Exec", "cri", "runtime.v1.ExecRequest"),
        ("/v1.PodResourcesLister/List", "podresources", "v1.ListPodResourcesRequest"),
        ("/etcdserverpb.KV/Range", "etcd", "etcdserverpb.RangeRequest"),
        ("/etcdserverpb.Watch/Watch", "etcd", "etcdserverpb.WatchRequest"),
    ],
)
def test_methods_are_found_with_their_messages(path, layer, request_name):
    method = find_method(path)

    assert method.layer == layer
    assert method.request.DESCRIPTOR.full_name == request_name


@pytest.mark.parametrize("path", ["", "/", "/x.Y/Z", "/runtime.v1.RuntimeService/No"])
def test_other_methods_are_not(path):
    assert find_method(path) is None


def read(message, **how):
    reader = MessageReader(**how)
    return reader.read(message), reader.masked


def test_fields_have_the_names_of_the_proto_and_enums_theirs():
    shown, masked = read(
        cri.ListContainersRequest(
            filter=cri.ContainerFilter(
                state=cri.ContainerStateValue(state=cri.CONTAINER_RUNNING),
                label_selector={"app": "web"},
            )
        )
    )

    assert shown == {
        "filter": {
            "state": {"state": "CONTAINER_RUNNING"},
            "label_selector": {"app": "web"},
        }
    }
    assert not masked


def test_bytes_are_text_where_they_are_text():
    pair = mvcc.KeyValue(key=b"/registry/pods/a", value=b"k8s\x00\xff")

    assert read(pair)[0] == {
        "key": "/registry/pods/a",
        "value": {"base64": "azhzAP8="},
    }


def test_values_of_secrets_in_etcd_are_masked_wherever_they_stand():
    put = etcd.PutRequest(key=b"/registry/secrets/d/s", value=b"hUnTeR2")
    txn = etcd.TxnRequest(success=[etcd.RequestOp(request_put=put)])

    shown, masked = read(txn)

    assert shown["success"][0]["request_put"]["value"] == "***"
    assert masked
    assert "hUnTeR2" in str(read(txn, unmasked=True)[0])


def test_credentials_and_environments_of_cri_are_masked():
    shown, masked = read(
        cri.PullImageRequest(auth=cri.AuthConfig(username="me", password="pAsS"))  # noqa: S106
    )

    assert shown["auth"] == {"username": "me", "password": "***"}
    assert masked


def test_a_variable_is_masked_in_the_command_that_it_was_expanded_into():
    config = cri.ContainerConfig(
        command=["web", "--password=hUnTeR2"],
        args=["hUnTeR2hUnTeR2", "1"],
        envs=[
            cri.KeyValue(key="PASSWORD", value=b"hUnTeR2"),
            cri.KeyValue(key="HALF", value=b"hUnT"),
            cri.KeyValue(key="N", value=b"1"),
        ],
    )
    data = config.SerializeToString()

    shown, masked = read(config)
    painted = paint_spans(data, message_spans(type(config), data))

    assert masked
    assert shown["command"] == ["web", "--password=***"]
    assert shown["args"] == ["******", "1"]
    assert b"hUnT" not in painted
    assert cri.ContainerConfig.FromString(painted).args == ["*" * 14, "1"]
    assert read(config, unmasked=True)[0]["command"][1] == "--password=hUnTeR2"


def test_a_snapshot_of_etcd_and_what_is_compared_with_a_secret_are_masked():
    compare = etcd.Compare(key=b"/registry/secrets/d/s", value=b"hUnTeR2")

    assert read(etcd.SnapshotResponse(blob=b"hUnTeR2")) == ({"blob": "***"}, True)
    assert read(compare)[0]["value"] == "***"


def test_a_verbose_status_is_masked_with_its_keys_left():
    shown, masked = read(cri.ContainerStatusResponse(info={"info": "everything"}))

    assert shown == {"info": {"info": "***"}}
    assert masked


def test_long_lists_and_texts_are_cut_and_say_so():
    shown, _ = read(cri.ExecRequest(cmd=["x"] * 1001, container_id="i" * 5000))

    assert shown["cmd"][-1] == "... 1 more"
    assert shown["container_id"].endswith("... 904 more")


def test_bytes_that_are_no_message_are_an_error():
    with pytest.raises(ValueError, match="arsing"):
        MessageReader().parse(cri.ExecRequest, b"\xff\xff\xff")


SHORT = {"A": b"1", "B": b"1", "PATH": b"/bin", "EMPTY": b"", "LONG": b"x" * 300}


def test_spans_are_those_of_the_secrets_and_of_nothing_else():
    envs = [cri.KeyValue(key=key, value=value) for key, value in SHORT.items()]
    config = cri.ContainerConfig(envs=envs, labels={"one": "1"}, working_dir="/bin")
    message = cri.CreateContainerRequest(pod_sandbox_id="1", config=config)
    data = message.SerializeToString()

    painted = paint_spans(data, message_spans(type(message), data))

    seen = cri.CreateContainerRequest.FromString(painted)
    assert [e.value for e in seen.config.envs] == [
        b"*" * len(v) for v in SHORT.values()
    ]
    for env, value in zip(seen.config.envs, SHORT.values(), strict=True):
        env.value = value
    assert seen == message


def test_of_a_url_only_the_token_is_a_span():
    message = cri.ExecResponse(url="http://127.0.0.1:1/exec/tOkEn")
    data = message.SerializeToString()

    painted = paint_spans(data, message_spans(type(message), data))

    assert cri.ExecResponse.FromString(painted).url == "http://127.0.0.1:1/exec/*****"


def test_values_of_a_map_are_spans():
    message = cri.ContainerStatusResponse(info={"info": "everything"})
    data = message.SerializeToString()

    painted = paint_spans(data, message_spans(type(message), data))

    seen = cri.ContainerStatusResponse.FromString(painted)
    assert dict(seen.info) == {"info": "*" * 10}


@given(st.binary(max_size=60))
def test_spans_of_any_bytes_are_found_or_refused(data):
    for name in ("ExecResponse", "CreateContainerRequest", "ContainerStatusResponse"):
        try:
            spans = message_spans(getattr(cri, name), data)
        except ValueError:
            continue
        assert all(0 <= start <= end <= len(data) for start, end in spans)
