"""Scripts: what is refused and why, which answer is given, what the commands do."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from cri_runtime.errors import CriError
from cri_runtime.images.programs.log_player import decode
from cri_runtime.images.programs.root import Root
from cri_runtime.scripts.matching import MatchTooLong, find_in
from cri_runtime.scripts.script import ScriptError, parse_script
from cri_runtime.scripts.scripts import ANNOTATION, Scripts
from rpc import cri_v1_pb2 as cri


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], "script: an object is expected"),
        ({"exe": []}, "script: unknown: exe"),
        ({"exec": {}}, "exec: a list is expected"),
        ({"exec": [{"argv": "["}]}, "exec[0].argv: no regular expression"),
        ({"exec": [{}, {"stdout": 1}]}, "exec[1].stdout: a text is expected"),
        ({"exec": [{"stdout": {"base64": "?"}}]}, "exec[0].stdout: not base64"),
        ({"exec": [{"exit_code": 256}]}, "exec[0].exit_code: a number from 0 to 255"),
        ({"exec": [{"signal": "NONE"}]}, "exec[0].signal: there is no signal 'NONE'"),
        ({"exec": [{"delay": -1}]}, "exec[0].delay: seconds are expected"),
        ({"exec": [{"delay": float("nan")}]}, "exec[0].delay: seconds are expected"),
        ({"exec": [{"argv": 1}]}, "exec[0].argv: no regular expression"),
        ({"exec": [{"call": "name"}]}, "exec[0].call: module:function is expected"),
        ({"exec": [{"times": True}]}, "exec[0].times: a number is expected"),
        ({"exec": [{"steps": [{"exit_code": 1}]}]}, "steps: unknown: exit_code"),
        ({"main": []}, "main: an object is expected"),
        ({"ports": {"http": {}}}, "ports.http: not a port"),
        ({"ports": {"80": {"http": [{"url": 1}]}}}, "ports.80.http: unknown: url"),
        (
            {"ports": {"80": {"http": [{"path": "("}]}}},
            "ports.80.http.path: no regular",
        ),
        ({"ports": {"80": {"exchange": [{"expect": "("}]}}}, "expect: no regular"),
        ({"ports": {"80": {"close": "rst"}}}, "ports.80.close: reset is expected"),
        ({"ports": {"80": {"http": [{"status": "ok"}]}}}, "http.status: a number"),
        ({"ports": {"80": {"http": [{"body": {}}]}}}, "http.body: a text"),
        ({"ports": {"80": {"http": [{"headers": "a"}]}}}, "http.headers: an object"),
        ({"files": {"/a": None}}, "files./a: a text is expected"),
        ({"python_path": "here"}, "python_path: a list is expected"),
        ({"root": 1}, "root: the path of a directory is expected"),
    ],
)
def test_a_script_that_makes_no_sense_says_where(document, text):
    with pytest.raises(ScriptError) as refused:
        parse_script(document)

    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "command", "fits"),
    [
        ("ls", ["ls"], True),
        ("ls", ["ls", "-l"], False),
        ("ls( .*)?", ["ls", "-l", "/a b"], True),
        ("sh -c 'a b'", ["sh", "-c", "a b"], True),
        ("sh -c a b", ["sh", "-c", "a b"], True),
        ("echo .*", ["echo", "two\nlines"], True),
    ],
)
def test_a_pattern_is_for_the_whole_command_line(pattern, command, fits):
    script = parse_script({"exec": [{"argv": pattern}]})

    assert (script.find(command, {}) is not None) == fits


def test_a_pattern_that_backtracks_for_ever_is_given_up():
    script = parse_script({"exec": [{"argv": "(a+)+$"}]})

    with pytest.raises(MatchTooLong, match="takes too long to match"):
        script.find(["a" * 40 + "b"], {})


def test_so_is_one_that_is_searched_for_in_bytes():
    with pytest.raises(MatchTooLong, match="takes too long to match"):
        find_in(re.compile(rb"(a+)+$"), b"a" * 40 + b"b")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("containers: 5", "containers: an object is expected"),
        ("containers: {db: {}}\nmain: {}", "containers: nothing else may stand"),
        ("containers: {dbb: {}}", "containers: nothing for 'db', but for: dbb"),
        ("main: &here [*here]", "neither JSON nor YAML"),
        ("[" * 100_000, "neither JSON nor YAML"),
        ("{", "neither JSON nor YAML"),
    ],
    ids=[
        "containers",
        "beside",
        "another-container",
        "anchor-in-itself",
        "deep",
        "no-yaml",
    ],
)
def test_an_annotation_that_makes_no_sense_says_why(text, why):
    config = cri.PodSandboxConfig(annotations={ANNOTATION: text})
    sandbox = SimpleNamespace(config=config)
    metadata = cri.ContainerMetadata(name="db")
    container = SimpleNamespace(config=cri.ContainerConfig(metadata=metadata))
    image = SimpleNamespace(entry=SimpleNamespace(script={}))

    with pytest.raises(CriError) as refused:
        Scripts().dress(container, sandbox, image, Path("/nowhere"))

    assert why in str(refused.value)


def test_the_first_answer_that_is_not_worn_out_is_given():
    script = parse_script({"exec": [{"argv": "a", "times": 2}, {"argv": "."}]})

    found = [script.find(["a"], {0: used}).index for used in range(4)]

    assert found == [0, 0, 1, 1]


def test_otherwise_stands_behind_all_others():
    script = parse_script({"exec": [{"argv": "a"}], "otherwise": {"run": True}})

    assert script.find(["b"], {}) is None
    assert (script.otherwise.index, script.otherwise.run) == (1, True)


@pytest.fixture
def root(tmp_path):
    """A container's root with links, and a mount beside it."""
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "mount").mkdir()
    place = tmp_path / "root"
    (place / "absolute").symlink_to("/etc")
    (place / "out").symlink_to("../../../../etc")
    (place / "loop").symlink_to("loop")
    (place / "volume").symlink_to(tmp_path / "mount")
    return Root(str(place), {"/volume": str(tmp_path / "mount")})


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/", "root"),
        ("etc/motd", "root/etc/motd"),
        ("/etc/../etc/./motd", "root/etc/motd"),
        ("/../../../etc/passwd", "root/etc/passwd"),
        ("/absolute/motd", "root/etc/motd"),
        ("/out/passwd", "root/etc/passwd"),
        ("/volume/file", "mount/file"),
        ("/volume/../etc", "root/etc"),
    ],
)
def test_no_path_leads_out_of_the_container_but_into_its_mounts(
    root, tmp_path, path, real
):
    assert root.real(path) == str(tmp_path / real)


def test_a_link_to_itself_is_an_error(root):
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        root.real("/loop/x")


def test_the_last_link_may_be_meant_itself(root, tmp_path):
    assert root.real("/absolute", follow=False) == str(tmp_path / "root" / "absolute")


@pytest.mark.parametrize("name", ["../../evil", "/evil", "out/../../evil"])
def test_what_tar_unpacks_stays_in_the_container(root, tmp_path, monkeypatch, name):
    from cri_runtime.images.programs import tar_command

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    packed.seek(0)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(packed))

    assert tar_command.tar(root, ["xf", "-", "-C", "/etc"]) == 0

    found = list(tmp_path.rglob("evil"))
    assert found
    assert all(path.is_relative_to(tmp_path / "root") for path in found)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"2016-10-06T00:17:09.6Z stdout F a line", (1, b"a line\n")),
        (b"2016-10-06T00:17:09.6Z stderr P a part", (2, b"a part")),
        (b"2016-10-06T00:17:09.6Z stdout P:x a part", (1, b"a part")),
        (b'{"log":"docker\\n","stream":"stderr","time":"2016"}', (2, b"docker\n")),
        (b"neither of them", (1, b"neither of them\n")),
        (b"", (1, b"\n")),
    ],
)
def test_a_line_of_a_log_file_is_said_where_it_was(line, said):
    assert decode(line) == said
