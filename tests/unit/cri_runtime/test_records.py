"""Records, in memory and on disk."""

import pytest

from cri_runtime import statuses
from cri_runtime.records import Container, Process, Sandbox
from cri_runtime.store import RecordStore
from rpc import cri_v1_pb2 as cri


def sandbox(**fields):
    metadata = cri.PodSandboxMetadata(name="web", namespace="ns", uid="u", attempt=2)
    labels = {"app": "a"}
    config = cri.PodSandboxConfig(metadata=metadata, labels=labels, log_directory="/l")
    return Sandbox("5" * 64, config, created_at=1, address="127.70.0.1", **fields)


def container(**fields):
    config = cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name="c", attempt=1),
        envs=[cri.KeyValue(key="A", value=b"\xff")],
        labels={"x": "1"},
    )
    made = Process(["a"], {"A": "\udcff"}, "/", {"uid": 1, "gid": 2, "groups": [3]})
    return Container("c" * 64, "5" * 64, config, made, created_at=1, **fields)


def test_a_sandbox_survives_the_disk(tmp_path):
    store = RecordStore(tmp_path / "sandboxes", "sandbox.json")
    record = sandbox(shim_pid=7)

    store.save(record.id, record.to_document())

    assert Sandbox.from_document(store.load()[record.id]) == record


def test_a_container_survives_the_disk_with_bytes_that_are_no_text(tmp_path):
    store = RecordStore(tmp_path / "containers", "container.json")
    record = container(started_at=2, finished_at=3, exit_code=137, reason="Error")

    store.save(record.id, record.to_document())

    assert Container.from_document(store.load()[record.id]) == record


def test_a_record_that_was_never_completed_is_dropped(tmp_path):
    store = RecordStore(tmp_path, "x.json")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "x.json.new").write_text("{")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.json").write_text("{")

    assert store.load() == {}
    assert list(tmp_path.iterdir()) == []


def test_removing_twice_is_no_error(tmp_path):
    store = RecordStore(tmp_path, "x.json")
    store.save("a", {})

    store.remove("a")
    store.remove("a")

    assert store.load() == {}


def test_a_sandboxs_name_has_all_four_parts():
    assert sandbox().name == "web_ns_u_2"


@pytest.mark.parametrize(
    ("times", "state"),
    [
        ({}, cri.CONTAINER_CREATED),
        ({"started_at": 2}, cri.CONTAINER_RUNNING),
        ({"started_at": 2, "finished_at": 3}, cri.CONTAINER_EXITED),
        ({"finished_at": 3}, cri.CONTAINER_EXITED),
    ],
)
def test_the_state_follows_from_the_times(times, state):
    assert container(**times).state == state


def test_a_stopped_sandbox_has_no_address():
    assert statuses.sandbox_status(sandbox()).network.ip == "127.70.0.1"
    assert statuses.sandbox_status(sandbox(ready=False)).network.ip == ""


def test_a_status_has_a_reason_only_once_the_container_has_ended():
    running = statuses.container_status(container(started_at=2, reason="Error"))
    exited = statuses.container_status(
        container(started_at=2, finished_at=3, reason="Error", message="m")
    )

    assert (running.reason, running.message) == ("", "")
    assert (exited.reason, exited.message) == ("Error", "m")


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"id": "55"}, True),
        ({"id": "6"}, False),
        ({"state": cri.PodSandboxStateValue(state=cri.SANDBOX_READY)}, True),
        ({"state": cri.PodSandboxStateValue(state=cri.SANDBOX_NOTREADY)}, False),
        ({"label_selector": {"app": "a"}}, True),
        ({"label_selector": {"app": "a", "b": ""}}, False),
        ({"id": "55", "label_selector": {"app": "b"}}, False),
    ],
    ids=str,
)
def test_all_parts_of_a_sandbox_filter_must_fit(wanted, fits):
    assert statuses.sandbox_matches(sandbox(), cri.PodSandboxFilter(**wanted)) is fits


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"id": "cc", "pod_sandbox_id": "55"}, True),
        ({"pod_sandbox_id": "6"}, False),
        ({"state": cri.ContainerStateValue(state=cri.CONTAINER_CREATED)}, True),
        ({"state": cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)}, False),
        ({"label_selector": {"x": "1"}}, True),
        ({"label_selector": {"x": "2"}}, False),
    ],
    ids=str,
)
def test_all_parts_of_a_container_filter_must_fit(wanted, fits):
    assert (
        statuses.container_matches(container(), cri.ContainerFilter(**wanted)) is fits
    )
