"""kubeconfig files changed: what a dotted name means, and which file is written."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from apimachinery.kubeconfig import load_file
from kubectl_cli.client.kubeconfig_properties import find_property
from kubectl_cli.errors import CommandError
from kubectl_cli.main import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("current-context", ("current-context", "", "")),
        ("clusters", ("clusters", "", "")),
        ("clusters.c1", ("clusters", "c1", "")),
        ("clusters.c1.server", ("clusters", "c1", "server")),
        ("clusters.10.0.0.1.server", ("clusters", "10.0.0.1", "server")),
        ("clusters.c1.nonsense", ("clusters", "c1.nonsense", "")),
        ("clusters.server", ("clusters", "server", "")),
        ("users.u1.act-as", ("users", "u1", "as")),
        ("contexts.a.b.namespace", ("contexts", "a.b", "namespace")),
    ],
)
def test_a_dotted_name_means_a_place(path: str, parts: tuple[str, ...]) -> None:
    found = find_property(path)

    assert (found.section, found.name, found.key) == parts


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nonsense", "unable to parse nonsense after [] at api.Config"),
        ("kind.x", "unable to parse one or more field values of kind.x"),
        (
            "users.u.exec.command",
            "unable to parse one or more field values of users.u.exec.command",
        ),
    ],
)
def test_other_names_mean_nothing(path: str, text: str) -> None:
    with pytest.raises(CommandError) as refused:
        find_property(path)

    assert str(refused.value) == text


@pytest.mark.parametrize(
    ("text", "raw", "value"),
    [("aGk=", False, "aGk="), ("hi", True, "aGk=")],
)
def test_bytes_are_kept_in_base64(text: str, raw: bool, value: str) -> None:
    found = find_property("clusters.c.certificate-authority-data")

    assert found.value(text, raw=raw) == value


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two kubeconfigs, both read; the second holds the contexts."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text('{"clusters": [{"name": "c", "cluster": {"server": "s"}}]}')
    second.write_text(
        '{"contexts": [{"name": "old", "context": {"cluster": "c"}}],'
        ' "current-context": "old"}'
    )
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    return first, second


def test_a_change_goes_to_the_file_of_its_stanza(files: tuple[Path, Path]) -> None:
    run(["config", "set", "contexts.old.namespace", "n"])
    run(["config", "set-cluster", "c", "--server=other"])
    run(["config", "set-credentials", "u", "--token=t"])

    first, second = map(load_file, map(str, files))
    assert second.contexts == {"old": {"cluster": "c", "namespace": "n", "user": ""}}
    assert first.clusters["c"]["server"] == "other"
    assert first.users == {"u": {"token": "t"}}


def test_the_current_context_goes_to_the_first_file(files: tuple[Path, Path]) -> None:
    run(["config", "set-context", "new"])
    run(["config", "use-context", "new"])

    first, second = map(load_file, map(str, files))
    assert (first.current_context, second.current_context) == ("new", "old")


def test_files_are_named_from_the_kubeconfig(files: tuple[Path, Path]) -> None:
    beside = files[0].with_name("ca.crt")
    beside.write_bytes(b"pem")
    run(["config", "set-cluster", "near", f"--certificate-authority={beside}"])
    run(["config", "set-cluster", "far", "--certificate-authority=/etc/hosts"])
    run(
        [
            "config",
            "set-cluster",
            "in",
            "--embed-certs",
            f"--certificate-authority={beside}",
        ]
    )

    clusters = load_file(str(files[0])).clusters
    assert clusters["near"]["certificate-authority"] == "ca.crt"
    assert clusters["far"]["certificate-authority"] == "/etc/hosts"
    embedded = clusters["in"]["certificate-authority-data"]
    assert base64.b64decode(embedded) == b"pem"


def test_a_link_to_a_kubeconfig_stays_one(files: tuple[Path, Path]) -> None:
    real = files[0].rename(files[0].with_name("real"))
    real.chmod(0o640)
    files[0].symlink_to(real)

    run(["config", "set", "users.u.token", "t"])

    assert files[0].is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert load_file(str(real)).users == {"u": {"token": "t"}}


def test_what_nobody_reads_stays(files: tuple[Path, Path]) -> None:
    rest = {
        "preferences": {"colors": True},
        "extensions": [{"name": "a.b", "extension": {"z": [1]}}],
    }
    files[0].write_text(json.dumps(rest))

    run(["config", "set", "users.u.token", "t"])

    assert load_file(str(files[0])).rest == rest


def test_a_new_kubeconfig_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "below" / "config"

    run([f"--kubeconfig={path}", "config", "set", "users.u.token", "t"])

    assert path.stat().st_mode & 0o777 == 0o600
