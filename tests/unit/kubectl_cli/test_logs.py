"""What `logs` does about a container that has no log yet."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from apimachinery.status import StatusError, bad_request
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import parse
from kubectl_cli.logs.reader import LogCommand
from kubectl_cli.verbs.logs import FLAGS, run

WAITING = 'container "c" in pod "p" is waiting to start: ContainerCreating'
POD = {
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default"},
    "spec": {"containers": [{"name": "c"}]},
}


def refuse(*_arguments: object, **_options: object) -> None:
    raise bad_request(WAITING)


def logs(*argv: str) -> int:
    client = SimpleNamespace(stream=refuse, get=lambda *_, **_options: dict(POD))
    factory = SimpleNamespace(client=client, namespace="default")
    return LogCommand(parse(FLAGS, list(argv)), factory, "p", "", []).run()  # type: ignore[arg-type] # the two that are used


def test_a_container_that_starts_too_late_is_given_up_on(capsys) -> None:
    with pytest.raises(CommandError, match=r"^context deadline exceeded$"):
        logs("-f", "--pod-running-timeout=1ms")

    assert capsys.readouterr().err == f"{WAITING}\n"


def test_without_follow_nobody_waits() -> None:
    with pytest.raises(StatusError):
        logs()


def test_nobody_waits_for_what_may_be_missing(capsys) -> None:
    assert logs("-f", "--ignore-errors") == 0
    assert capsys.readouterr() == (f"error: {WAITING}\n", "")


def test_waiting_takes_time() -> None:
    options = parse(FLAGS, ["p", "--pod-running-timeout=0"])

    with pytest.raises(CommandError, match="must be higher than zero"):
        run(options, SimpleNamespace())  # type: ignore[arg-type] # not used


def test_the_container_chosen_is_told_for_each_pod_of_a_selector(capsys) -> None:
    spec = {"containers": [{"name": "c"}, {"name": "d"}]}
    pods = [
        {**POD, "metadata": {**POD["metadata"], "name": n}, "spec": spec} for n in "pq"
    ]
    client = SimpleNamespace(stream=refuse, get=lambda *_, **_options: {"items": pods})
    factory = SimpleNamespace(client=client, namespace="default")
    options = parse(FLAGS, ["-l", "a=b"])

    with pytest.raises(StatusError, match="ContainerCreating"):
        LogCommand(options, factory, "", "", []).run()  # type: ignore[arg-type] # as above

    told = 'Defaulted container "c" out of: c, d\n'
    assert capsys.readouterr().err == told * 2
