"""Pods from the API object to processes and back, over the real runtime."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubelet.cri import CriClient, CriError
from kubelet.runtime import Runtime
from tests.integration.kubelet.conftest import (
    container,
    has_ended,
    is_ready,
    phase,
    pod,
    status_of,
    waits_for,
)


async def test_pod_runs_and_is_reported_ready(world):
    ready = await world.run("web")

    status = ready["status"]
    assert status["phase"] == "Running"
    assert status["hostIP"] == "127.0.0.1"
    assert status["podIP"].startswith("127.")
    assert status["startTime"]
    entry = status_of(ready)
    assert entry["containerID"].startswith("mini-cri://")
    assert entry["restartCount"] == 0
    assert entry["started"]
    await world.api.event("web", "Started")
    assert [reason for _, reason, _ in world.api.events("web")] == [
        "Pulling",
        "Pulled",
        "Created",
        "Started",
    ]


async def test_second_pod_finds_the_image_present(world):
    await world.run("a")
    await world.run("b")

    assert await world.api.event("b", "Pulled") == (
        'Container image "busybox" already present on machine and can be accessed'
        " by the pod"
    )


@pytest.mark.parametrize(
    ("command", "policy", "expected", "code", "reason"),
    [
        ("exit 0", "Never", "Succeeded", 0, "Completed"),
        ("exit 3", "Never", "Failed", 3, "Error"),
        ("kill -9 $$$$", "Never", "Failed", 137, "Error"),
        ("exit 0", "OnFailure", "Succeeded", 0, "Completed"),
    ],
)
async def test_pod_that_ends(world, command, policy, expected, code, reason):
    world.api.add("pods", pod("once", command, restartPolicy=policy))

    ended = await world.api.pod("once", phase(expected))

    terminated = status_of(ended)["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (code, reason)
    assert terminated["startedAt"]
    assert terminated["finishedAt"]


async def test_termination_message_is_read_from_its_file(world):
    command = "printf 'the reason' > $MINI_KUBE_ROOT/dev/termination-log; exit 1"
    world.api.add("pods", pod("once", command, restartPolicy="Never"))

    ended = await world.api.pod("once", phase("Failed"))

    assert status_of(ended)["state"]["terminated"]["message"] == "the reason"


async def test_crash_loop(world):
    world.api.add("pods", pod("crash", "echo boom; exit 1"))

    looping = await world.api.pod("crash", waits_for("CrashLoopBackOff"))

    entry = status_of(looping)
    uid = looping["metadata"]["uid"]
    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["exitCode"] == 1
    assert entry["state"]["waiting"]["message"] == (
        f"back-off 10s restarting failed container=c pod=crash_default({uid})"
    )
    assert looping["status"]["phase"] == "Running"
    assert await world.api.event("crash", "BackOff") == (
        f"Back-off restarting failed container c in pod crash_default({uid})"
    )
    assert await world.text("/containerLogs/default/crash/c") == (200, "boom\n")
    previous = await world.text("/containerLogs/default/crash/c?previous=true")
    assert previous == (200, "boom\n")


async def test_deleted_pod_is_stopped_removed_and_its_object_let_go(world):
    ready = await world.run("web")
    directory = Path(world.config.root_dir) / "pods" / ready["metadata"]["uid"]
    assert directory.is_dir()

    world.api.delete("web")
    await world.api.gone("web")

    assert await world.api.event("web", "Killing") == "Stopping container c"
    await world.until_runtime(lambda: not world.kubelet.pods())
    assert await world.text("/runningpods/") == (
        200,
        '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}',
    )
    assert not directory.exists()
    assert os.listdir(world.config.pod_logs_dir) == []
    assert ("DELETE", "/api/v1/namespaces/default/pods/web") in world.api.calls


async def test_pod_taken_away_at_once_stops_too(world):
    await world.run("web")

    world.api.remove("pods", "web")

    await world.until_runtime(lambda: not world.runtime.containers.all())


async def test_shorter_grace_period_wins(world):
    stubborn = container("c", "trap '' TERM; while :; do sleep 0.1; done")
    await world.run("web", stubborn, terminationGracePeriodSeconds=600)

    world.api.delete("web", grace=600)
    await world.api.event("web", "Killing")
    world.api.delete("web", grace=1)

    await world.api.gone("web")


async def test_pre_stop_hook_runs_inside_the_grace_period(world):
    mark = world.folder / "mark"
    hook = {"preStop": {"exec": {"command": ["touch", str(mark)]}}}
    await world.run("web", container("c", lifecycle=hook))

    world.api.delete("web")
    await world.api.gone("web")

    assert mark.exists()


async def test_failed_post_start_hook_kills_the_container(world):
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    world.api.add("pods", pod("web", container("c", lifecycle=hook)))

    assert await world.api.event("web", "FailedPostStartHook") == "PostStartHook failed"
    assert await world.api.event("web", "Killing") == "FailedPostStartHook"


async def test_init_containers_run_in_order_before_the_others(world):
    order = world.folder / "order"
    init = [container(n, f"echo {n} >> {order}") for n in ("i1", "i2")]

    ready = await world.run(
        "web", f"echo main >> {order}; sleep 1000", initContainers=init
    )

    await world.until_runtime(lambda: order.read_text() == "i1\ni2\nmain\n")
    entry = status_of(ready, "i1", "initContainerStatuses")
    assert entry["state"]["terminated"]["reason"] == "Completed"
    assert entry["ready"]


async def test_failed_init_container_fails_a_never_pod(world):
    init = [container("i", "exit 7")]
    world.api.add(
        "pods", pod("web", "true", initContainers=init, restartPolicy="Never")
    )

    failed = await world.api.pod("web", phase("Failed"))

    waiting = status_of(failed)["state"]["waiting"]
    assert waiting["reason"] == "PodInitializing"


async def test_sidecar_runs_beside_and_does_not_keep_the_pod_alive(world):
    sidecar = container("side", restartPolicy="Always")
    world.api.add(
        "pods",
        pod("job", "sleep 0.2", initContainers=[sidecar], restartPolicy="Never"),
    )

    done = await world.api.pod("job", phase("Succeeded"))

    entry = status_of(done, "side", "initContainerStatuses")
    assert "terminated" in entry["state"]


async def test_ephemeral_container_joins_a_running_pod(world):
    await world.run("web")

    def add(pod):
        debugger = container("debug", "echo here; sleep 1000", targetContainerName="c")
        pod["spec"]["ephemeralContainers"] = [debugger]

    world.api.change("pods", "web", add)

    def runs(pod):
        entry = status_of(pod, "debug", "ephemeralContainerStatuses")
        return "running" in entry["state"]

    joined = await world.api.pod("web", runs)
    assert status_of(joined)["restartCount"] == 0


async def test_new_image_restarts_the_container(world):
    before = await world.run("web")

    def change(pod):
        pod["spec"]["containers"][0]["image"] = "alpine"

    world.api.change("pods", "web", change)

    after = await world.api.pod(
        "web", lambda p: status_of(p).get("restartCount") == 1 and is_ready(p)
    )
    assert status_of(after)["image"] == "alpine"
    assert status_of(after)["containerID"] != status_of(before)["containerID"]
    assert await world.api.event("web", "Killing") == (
        "Container c definition changed, will be restarted"
    )


async def test_deadline_fails_the_pod(world):
    world.api.add("pods", pod("slow", "sleep 1000", activeDeadlineSeconds=1))

    failed = await world.api.pod("slow", phase("Failed"))

    assert failed["status"]["reason"] == "DeadlineExceeded"
    assert failed["status"]["message"] == (
        "Pod was active on the node longer than the specified deadline"
    )
    await world.api.pod("slow", has_ended)


async def test_pod_that_does_not_fit_is_rejected(world):
    greedy = container("c", resources={"requests": {"cpu": "1000"}})
    world.api.add("pods", pod("big", greedy))

    failed = await world.api.pod("big", phase("Failed"))

    assert failed["status"]["reason"] == "OutOfcpu"
    assert await world.api.event("big", "OutOfcpu")


async def test_config_maps_and_secrets_as_environment_and_files(world):
    world.api.add("configmaps", {"metadata": {"name": "cm"}, "data": {"k": "v"}})
    world.api.add("secrets", {"metadata": {"name": "s"}, "data": {"pw": "eA=="}})
    spec = container(
        "c",
        "echo $K $PW $POD_IP; cat $MINI_KUBE_ROOT/cm/k $MINI_KUBE_ROOT/s/pw; echo; sleep 999",
        env=[
            {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}},
            {"name": "PW", "valueFrom": {"secretKeyRef": {"name": "s", "key": "pw"}}},
            {
                "name": "POD_IP",
                "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}},
            },
        ],
        volumeMounts=[
            {"name": "cm", "mountPath": "/cm"},
            {"name": "s", "mountPath": "/s", "readOnly": True},
        ],
    )
    volumes = [
        {"name": "cm", "configMap": {"name": "cm"}},
        {"name": "s", "secret": {"secretName": "s"}},
    ]

    ready = await world.run("web", spec, volumes=volumes)

    ip = ready["status"]["podIP"]
    await world.log("web", f"v x {ip}\nvx")


async def test_pod_waits_for_its_config_map(world):
    reference = {"configMapKeyRef": {"name": "cm", "key": "k"}}
    spec = container("c", env=[{"name": "K", "valueFrom": reference}])
    world.api.add("pods", pod("web", spec))
    waiting = await world.api.pod("web", waits_for("CreateContainerConfigError"))
    message = status_of(waiting)["state"]["waiting"]["message"]
    assert message == 'configmap "cm" not found'
    assert await world.api.event("web", "Failed") == ('Error: configmap "cm" not found')

    world.api.add("configmaps", {"metadata": {"name": "cm"}, "data": {"k": "v"}})

    await world.api.pod("web", is_ready)


async def test_missing_volume_is_told_and_waited_for(world):
    spec = container("c", volumeMounts=[{"name": "v", "mountPath": "/v"}])
    volumes = [{"name": "v", "configMap": {"name": "cm"}}]
    world.api.add("pods", pod("web", spec, volumes=volumes))
    assert await world.api.event("web", "FailedMount") == (
        'MountVolume.SetUp failed for volume "v" : configmap "cm" not found'
    )

    world.api.add("configmaps", {"metadata": {"name": "cm"}, "data": {}})

    await world.api.pod("web", is_ready)


async def test_service_account_token_is_bound_to_the_pod(world):
    world.api.add("serviceaccounts", {"metadata": {"name": "default"}})
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}
    spec = container(
        "c",
        "cat $MINI_KUBE_ROOT/sa/token; echo; sleep 1000",
        volumeMounts=[{"name": "sa", "mountPath": "/sa"}],
    )
    volumes = [{"name": "sa", "projected": {"sources": [source]}}]

    await world.run("web", spec, volumes=volumes, serviceAccountName="default")

    await world.log("web", "token-of-default")


async def test_bad_image_name_is_told(world):
    world.api.add("pods", pod("web", container("c", image="BAD!")))

    waiting = await world.api.pod("web", waits_for("InvalidImageName"))

    message = status_of(waiting)["state"]["waiting"]["message"]
    assert message.startswith('Failed to apply default image tag "BAD!"')
    assert await world.api.event("web", "Failed") == "Error: InvalidImageName"


async def test_image_that_nobody_may_pull(world):
    spec = container("c", image="python", imagePullPolicy="Never")
    world.api.add("pods", pod("web", spec))

    await world.api.pod("web", waits_for("ErrImageNeverPull"))


async def test_unknown_image_backs_off(bare_world):
    world = bare_world
    await world.api.start()
    await world.start_runtime(image_policy="strict")
    await world.start_kubelet()
    world.api.add("pods", pod("web", container("c", image="nope.example/x:1")))

    await world.api.pod("web", waits_for("ErrImagePull"))
    backing_off = await world.api.pod("web", waits_for("ImagePullBackOff"), 60)

    message = status_of(backing_off)["state"]["waiting"]["message"]
    assert message.startswith('Back-off pulling image "nope.example/x:1"')


async def test_liveness_failure_restarts_the_container(world):
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    world.api.add("pods", pod("web", container("c", livenessProbe=probe)))

    await world.api.pod("web", lambda p: status_of(p).get("restartCount") == 1)

    assert await world.api.event("web", "Killing") == (
        "Container c failed liveness probe, will be restarted"
    )
    assert (await world.api.event("web", "Unhealthy")).startswith(
        "Liveness probe failed: "
    )


async def test_readiness_follows_the_probe(world):
    mark = world.folder / "ready"
    probe = {"exec": {"command": ["test", "-e", str(mark)]}, "periodSeconds": 1}
    world.api.add("pods", pod("web", container("c", readinessProbe=probe)))
    running = await world.api.pod("web", lambda p: "running" in status_of(p)["state"])
    assert not is_ready(running)
    await world.api.event("web", "Unhealthy")

    mark.touch()
    await world.api.pod("web", is_ready)


async def test_http_probe_reaches_the_pods_own_address(world):
    spec = {
        **container("c"),
        "image": "nginx",
        "ports": [{"containerPort": 8080, "name": "http"}],
        "readinessProbe": {
            "httpGet": {"port": "http", "path": "/"},
            "periodSeconds": 1,
        },
    }
    del spec["command"]

    await world.run("web", spec)


async def test_startup_probe_gates_readiness(world):
    mark = world.folder / "started"
    probe = {
        "exec": {"command": ["test", "-e", str(mark)]},
        "periodSeconds": 1,
        "failureThreshold": 100,
    }
    world.api.add("pods", pod("web", container("c", startupProbe=probe)))
    await world.api.event("web", "Unhealthy")
    entry = status_of(world.api.get("pods", "web"))
    assert (entry["started"], entry["ready"]) == (False, False)

    mark.touch()
    await world.api.pod("web", is_ready)


async def test_host_network_pod_has_the_address_of_its_node(world):
    ready = await world.run("web", hostNetwork=True)

    assert ready["status"]["podIP"] == "127.0.0.1"
    reasons = [reason for _, reason, _ in world.api.events("web")]
    assert "SandboxChanged" not in reasons


async def test_runtime_without_events_is_relisted(bare_world, monkeypatch):
    async def none(self):
        raise CriError("UNIMPLEMENTED", "unknown method GetContainerEvents")
        yield

    monkeypatch.setattr(CriClient, "events", none)
    world = await bare_world.start()

    world.api.add("pods", pod("once", "sleep 0.3; exit 3", restartPolicy="Never"))

    failed = await world.api.pod("once", phase("Failed"))
    assert status_of(failed)["state"]["terminated"]["exitCode"] == 3


async def test_runtime_that_counts_nothing_still_gives_numbers(world, monkeypatch):
    async def none(self):
        raise CriError("UNIMPLEMENTED", "unknown method ListContainerStats")

    monkeypatch.setattr(Runtime, "container_stats", none)

    status, text = await world.text("/metrics/resource")

    assert status == 200
    assert "resource_scrape_error 0" in text


async def test_unknown_runtime_class_is_told(world):
    world.api.add("pods", pod("web", runtimeClassName="gvisor"))

    assert await world.api.event("web", "FailedCreatePodSandBox") == (
        'Failed to create pod sandbox: runtimeclasses.node.k8s.io "gvisor" not found'
    )


async def test_runtime_class_chooses_the_handler(world, monkeypatch):
    world.api.add("runtimeclasses", {"metadata": {"name": "fast"}, "handler": "runc"})
    asked = []
    original = Runtime.run_sandbox

    async def run_sandbox(self, config, handler=""):
        asked.append(handler)
        return await original(self, config, handler)

    monkeypatch.setattr(Runtime, "run_sandbox", run_sandbox)

    await world.run("web", runtimeClassName="fast")

    assert asked == ["runc"]
