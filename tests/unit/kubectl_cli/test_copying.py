"""cp's archives: what a hostile one can do (nothing), and what ours hold."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_cli.errors import CommandError
from kubectl_cli.file_specs import FileSpec, archived_prefix, parse_file_spec
from kubectl_cli.tar_reading import Unpacker
from kubectl_cli.tar_writing import write_tar

if TYPE_CHECKING:
    from pathlib import Path


def entry(name: str, **fields: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def tar_of(*entries: tarfile.TarInfo, content: bytes = b"evil") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for each in entries:
            if each.isreg():
                each.size = len(content)
            archive.addfile(each, io.BytesIO(content) if each.isreg() else None)
    return stream.getvalue()


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def unpack(data: bytes, target: Path, prefix: str = "src") -> None:
    Unpacker(prefix, str(target), "").unpack(io.BytesIO(data))


@pytest.mark.parametrize(
    "name", ["src/../../out", "src/a/../../../out", "src//../out", "src/.."]
)
def test_a_name_that_leads_out_is_skipped_aloud(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack(tar_of(entry(name), entry("src/good")), tmp_path / "t")

    assert everything(tmp_path) == {"t", "t/good"}
    assert "is outside target destination, skipping" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../out", "other", "srcfile", "./../src/x", ""]
)
def test_a_name_that_was_not_asked_for_ends_the_copy(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="tar contents corrupted"):
        unpack(tar_of(entry(name)), tmp_path / "t")

    assert everything(tmp_path) == set()


def test_an_absolute_name_below_a_root_stays_in_the_target(tmp_path: Path) -> None:
    unpack(tar_of(entry("/etc/passwd")), tmp_path / "t", ".")

    assert everything(tmp_path) == {"t", "t/etc", "t/etc/passwd"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_file_never_goes_through_a_link_of_the_archive(
    kind: bytes, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = entry("src/link", type=kind, linkname=str(outside))

    unpack(tar_of(link, entry("src/link/file")), tmp_path / "t")

    assert everything(outside) == set()
    assert (tmp_path / "t/link/file").read_bytes() == b"evil"


def test_a_link_that_is_there_already_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "link").symlink_to(victim)
    (tmp_path / "t" / "folder").symlink_to(tmp_path)

    with pytest.raises(CommandError, match="link"):
        unpack(tar_of(entry("src/link")), tmp_path / "t")
    with pytest.raises(CommandError, match=r"mkdir .*/t/folder: not a directory"):
        unpack(tar_of(entry("src/folder/victim")), tmp_path / "t")

    assert victim.read_text() == "precious"


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_not_made(kind: bytes, tmp_path: Path) -> None:
    unpack(tar_of(entry("src/device", type=kind), entry("src/good")), tmp_path / "t")

    assert everything(tmp_path) == {"t", "t/good"}


def test_rights_of_the_archive_are_not_given(tmp_path: Path) -> None:
    unpack(tar_of(entry("src/file", mode=0o6777)), tmp_path / "t")

    assert (tmp_path / "t/file").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_of_a_gigabyte_is_refused_before_it_is_read(
    kind: bytes, tmp_path: Path
) -> None:
    header = entry("src/x", type=kind, size=1 << 30).tobuf()

    with pytest.raises(CommandError, match="tar contents corrupted"):
        unpack(header + bytes(1024), tmp_path / "t")


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    header = entry("src/x", type=tarfile.GNUTYPE_SPARSE, size=512).tobuf()

    with pytest.raises(CommandError, match="tar contents corrupted"):
        unpack(header + bytes(2048), tmp_path / "t")


@pytest.mark.parametrize("size", [0, 100, 700])
def test_a_cut_archive_is_an_unexpected_eof(size: int, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="unexpected EOF"):
        unpack(tar_of(entry("src/file"), content=bytes(1024))[:size], tmp_path / "t")


def test_junk_is_no_tar(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="invalid tar header"):
        unpack(os.urandom(2048), tmp_path / "t")


def test_names_in_warnings_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = entry("src/\x1b[2J", type=tarfile.SYMTYPE, linkname="\x1b]0;x\x07")

    unpack(tar_of(link), tmp_path / "t")

    assert "\x1b" not in capsys.readouterr().err


def test_a_single_file_becomes_the_target(tmp_path: Path) -> None:
    unpack(tar_of(entry("etc/hosts"), content=b"h"), tmp_path / "new/h", "etc/hosts")

    assert (tmp_path / "new/h").read_bytes() == b"h"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub" / ("d" * 150)).mkdir(parents=True)
    (source / "sub" / ("d" * 150) / ("f" * 200)).write_bytes(b"deep")
    with open(os.fsencode(source) + b"/\xff\n*", "wb") as odd:
        odd.write(b"odd")
    os.mkfifo(source / "fifo")
    stream = io.BytesIO()

    write_tar(stream, str(source), "src")
    unpack(stream.getvalue(), tmp_path / "t")

    assert everything(tmp_path / "t") == everything(source) - {"fifo"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("/tmp/x", FileSpec("/tmp/x")),
        ("pod:/x", FileSpec("/x", "pod")),
        ("ns/pod:x:y", FileSpec("x:y", "pod", "ns")),
    ],
)
def test_file_specs(word: str, expected: FileSpec) -> None:
    assert parse_file_spec(word) == expected


@pytest.mark.parametrize("word", [":x", "a/b/c:x"])
def test_bad_file_specs(word: str) -> None:
    with pytest.raises(CommandError, match="canonical format"):
        parse_file_spec(word)


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/etc/hosts", "etc/hosts"),
        ("./a/../b/", "b"),
        ("../../x", "x"),
        (".", "."),
        ("/", "."),
        ("..", "."),
    ],
)
def test_the_prefix_of_archived_names(path: str, prefix: str) -> None:
    assert archived_prefix(path) == prefix
