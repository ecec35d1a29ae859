"""What kubectl 1.36.2 printed against a real cluster, mini-kubectl prints too.

Each case plays back the answers that the real API server gave, and compares stdout,
stderr and exit code with the recording, byte for byte.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from replay import (  # type: ignore[import-not-found]
    Replay,
    initial_events,
    load,
    session,
)
from stub_server import Answer, Upgrade  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE = "/api/v1/namespaces/default"


def log(text: str) -> Answer:
    return Answer(200, text.encode(), [("Content-Type", "text/plain")])


def streams_of(name: str, recording: dict[str, Any]) -> dict[str, Answer | Upgrade]:
    """What the recording left out, made from what it printed."""
    out, err = recording["stdout"].encode(), recording["stderr"].encode()
    pods = f"{NAMESPACE}/pods"
    match name:
        case "11-wait-ready" | "12-wait-jsonpath":
            return {f"{pods}?allowWatch": initial_events(ready_pod())}
        case "93-wait-delete":
            return {f"{pods}?allowWatch": initial_events()}
        case "42-logs-f":
            return {f"{pods}/rec/log": log(recording["stdout"])}
        case "45-exec":
            return {f"{pods}/rec/exec": session()}
        case "46-exec-stdout" | "53-exec-spdy":
            return {f"{pods}/rec/exec": session(b"out\n", b"err\n", 5)}
        case "48-exec-noent":
            message = recording["stderr"].removeprefix("error: ").rstrip("\n")
            status = {"status": "Failure", "reason": "InternalError"}
            return {f"{pods}/rec/exec": session(status={**status, "message": message})}
        case "51-exec-i":
            return {f"{pods}/rec/exec": session(echo=True)}
        case "55-attach":
            return {f"{pods}/rec/attach": session(out)}
        case "26-run-attach":
            return run_attach(recording, out, err)
        case "60-cp-to":
            test = f"{pods}/rec/exec?command=test"
            return {test: session(exit_code=1), f"{pods}/rec/exec": session()}
        case "61-cp-from":
            return {f"{pods}/rec/exec": session(archive_of(recording), out)}
    return {}


def archive_of(recording: dict[str, Any]) -> bytes:
    """The archive that the pod's tar made of the file that was copied."""
    content = next(iter(recording["files_after"].values())).encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("tmp/cpfile")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def ready_pod() -> dict[str, Any]:
    """The pod of the recordings, in the state in which `get -o yaml` showed it."""
    pods = load("18-get-pod-json")["requests"][0]["response_body"]["items"]
    return next(pod for pod in pods if pod["metadata"]["name"] == "rec")


def run_attach(
    recording: dict[str, Any], out: bytes, err: bytes
) -> dict[str, Answer | Upgrade]:
    """The pod runs, is attached to, and fails with code 3."""
    name = "rec-run-i"
    requests = recording["requests"]
    created = requests[0]["response_body"]
    ready = {"type": "Ready", "status": "True"}
    running = {**created, "status": {"phase": "Running", "conditions": [ready]}}
    ended = next(r for r in requests if r["path_and_query"].endswith(f"pods/{name}"))
    watches = iter([initial_events(running), initial_events(ended["response_body"])])

    class Watches(dict[str, Any]):
        def items(self) -> Any:
            return [
                (f"{NAMESPACE}/pods/{name}/log", log("")),
                (f"{NAMESPACE}/pods/{name}/attach", session(b"hello\n")),
                (f"{NAMESPACE}/pods?", LazyAnswer(watches)),
            ]

    return Watches()


class LazyAnswer:
    """The next watch each time one is asked for."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers


SUPPORTED = [
    "01-version",
    "03-api-resources-cold",
    "04-api-resources-warm",
    "05-api-versions",
    "06-get-pods-cold",
    "07-get-pods",
    "08-get-pods-none",
    "09-create-f",
    "10-create-f-again",
    "11-wait-ready",
    "12-wait-jsonpath",
    "13-get-pod-name",
    "14-get-pods-wide",
    "15-get-pods-wide-w",
    "16-get-pods-A",
    "17-get-pod-yaml",
    "18-get-pod-json",
    "19-get-pods-name",
    "20-get-pod-missing",
    "21-get-nodes",
    "23-describe-pod",
    "25-run",
    "26-run-attach",
    "28-apply-create",
    "30-apply-unchanged",
    "36-patch",
    "37-label",
    "39-logs",
    "40-logs-tail",
    "41-logs-default-container",
    "42-logs-f",
    "45-exec",
    "46-exec-stdout",
    "48-exec-noent",
    "49-exec-badcontainer",
    "51-exec-i",
    "53-exec-spdy",
    "55-attach",
    "60-cp-to",
    "61-cp-from",
    "66-auth-can-i",
    "69-auth-whoami",
    "71-debug",
    "77-get-raw",
    "78-cluster-info",
    "79-config-view",
    "80-create-ns",
    "82-create-dryrun-client",
    "83-get-as-table-custom",
    "84-get-multi",
    "92-wait-delete-bg",
    "93-wait-delete",
]

#: What these said differs by nature; the rest of the line is compared.
ADDRESS = "https://127.0.0.1:6443"


@pytest.mark.parametrize("name", SUPPORTED)
def test_output_is_the_recorded_one(
    name: str,
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = load(name)
    replay = Replay(discovery(recording), streams_of(name, recording))
    server = serve(replay)
    argv = with_files(recording, tmp_path)
    monkeypatch.setattr("kubectl_cli.clock.now", lambda: recorded_now(recording))
    monkeypatch.setenv("TZ", "UTC")

    stdin = (recording.get("stdin") or "").encode()
    if name == "79-config-view":
        result = kubectl(
            None, "--kubeconfig", lab_kubeconfig(tmp_path, server.url), *argv
        )
    else:
        result = kubectl(server, *argv, stdin=stdin)

    expected_code = 0 if recording.get("interrupted") else recording["exit_code"]
    expected = recording["stdout"].replace(ADDRESS, server.url)
    stderr = result.stderr.replace(str(tmp_path), "$DIR")
    assert (result.stdout, stderr, result.code) == (
        expected,
        recording["stderr"],
        expected_code,
    )
    assert not unexpected(replay.unknown)
    assert [sent for _, sent in replay.bodies] == [want for want, _ in replay.bodies]


def test_the_version_of_the_server_is_the_recorded_one(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    """The rest of `02` names the program that was asked: its build, its compiler."""
    recording = load("02-version-json")

    result = kubectl(serve(Replay(recording)), *recording["argv"])

    shown, expected = json.loads(result.stdout), json.loads(recording["stdout"])
    assert shown.pop("clientVersion").keys() == expected.pop("clientVersion").keys()
    assert shown == expected


def test_the_copied_file_is_the_recorded_one(
    serve: Callable[..., Any], kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    recording = load("61-cp-from")
    replay = Replay(recording, streams_of("61-cp-from", recording))

    result = kubectl(serve(replay), *with_files(recording, tmp_path))

    ((path, content),) = recording["files_after"].items()
    assert result.code == 0
    assert Path(path.replace("$DIR", str(tmp_path))).read_text() == content


def unexpected(requests: list[str]) -> list[str]:
    """Requests the recorded kubectl did not make; ours asks `can-i` discovery for less."""
    return [each for each in requests if "/api" not in each.split("?")[0][-5:]]


def discovery(recording: dict[str, Any]) -> dict[str, Any]:
    """The recording, with discovery for those whose client had it in its cache."""
    cold = load("03-api-resources-cold")["requests"]
    fresh = [
        each
        for each in recording["requests"]
        if not each["path_and_query"].startswith(("/api?", "/apis?"))
    ]
    return {**recording, "requests": [*fresh, *cold]}


def with_files(recording: dict[str, Any], folder: Path) -> list[str]:
    """The arguments, with the input files of the recording written out."""
    for path, content in (recording.get("files") or {}).items():
        target = Path(path.replace("$DIR", str(folder)))
        target.write_text(content.replace("$DIR", str(folder)))
    return [word.replace("$DIR", str(folder)) for word in recording["argv"]]


def recorded_now(recording: dict[str, Any]) -> float:
    """The time at which ages come out as recorded: 6 s after the pod's events."""
    from kubectl_cli.clock import to_seconds

    for request in recording["requests"]:
        body = request.get("response_body")
        if isinstance(body, dict) and body.get("kind") == "EventList":
            stamps = [
                event["lastTimestamp"] or event["eventTime"] for event in body["items"]
            ]
            return to_seconds(max(filter(None, stamps))) + 6.5
    return 1795329000.0


def lab_kubeconfig(folder: Path, server: str) -> str:
    """A kubeconfig of the shape that the lab's had."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": server, "certificate-authority-data": "QQ=="},
            }
        ],
        "users": [
            {
                "name": "u",
                "user": {"client-certificate-data": "QQ==", "client-key-data": "QQ=="},
            }
        ],
        "contexts": [{"name": "d", "context": {"cluster": "lab", "user": "u"}}],
        "current-context": "d",
    }
    path = folder / "admin.conf"
    path.write_text(json.dumps(config))
    return str(path)
