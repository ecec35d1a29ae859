"""cp's archives: what a hostile one can do (nothing), and what ours hold."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_cli.copying.file_specs import FileSpec, archived_prefix, parse_file_spec
from kubectl_cli.copying.tar_reading import Unpacker
from kubectl_cli.copying.tar_writing import write_tar
from kubectl_cli.errors import CommandError

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


def pax(records: dict[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A pax header with these records."""
    body = b""
    for key, value in records.items():
        line = f" {key}={value}\n".encode()
        length = len(line) + 1
        while len(str(length)) + len(line) != length:
            length += 1
        body += str(length).encode() + line
    header = entry("pax", type=kind, size=len(body)).tobuf(tarfile.USTAR_FORMAT)
    return header + body.ljust(-(-len(body) // 512) * 512, b"\0")


@pytest.mark.parametrize(
    "path", ["src/../../out", "/etc/passwd", "../out", "src/a/../../../out"]
)
def test_a_name_in_a_pax_header_leads_nowhere_else(path: str, tmp_path: Path) -> None:
    data = pax({"path": path}) + tar_of(entry("src/good"))

    with contextlib.suppress(CommandError):
        unpack(data, tmp_path / "t")

    assert everything(tmp_path) <= {"t", "t/good"}


def test_a_long_name_of_gnu_leads_nowhere_else(tmp_path: Path) -> None:
    name = "src/" + "../" * 60 + "out"
    long_name = entry("././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=len(name))
    data = long_name.tobuf() + name.encode().ljust(512, b"\0") + tar_of(entry("src/x"))

    unpack(data, tmp_path / "t")

    assert everything(tmp_path) == set()


@pytest.mark.parametrize(
    "records",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.map": "0,1," * 1000 + "0,1"},
        {"GNU.sparse.size": "1099511627776", "GNU.sparse.offset": "1"},
    ],
)
def test_a_map_of_a_sparse_file_is_refused(
    records: dict[str, str], tmp_path: Path
) -> None:
    """It may say that it has more entries than fit into memory."""
    endless = entry("src/x")
    data = pax(records) + tar_of(endless, content=b"999999999\n" + b"1\n" * 100_000)

    with pytest.raises(CommandError, match="tar contents corrupted"):
        unpack(data, tmp_path / "t")

    assert everything(tmp_path) == set()


def test_headers_for_all_that_follows_are_refused(tmp_path: Path) -> None:
    """They would be kept, each of them."""
    data = pax({"comment": "x"}, tarfile.XGLTYPE) + tar_of(entry("src/x"))

    with pytest.raises(CommandError, match="tar contents corrupted"):
        unpack(data, tmp_path / "t")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_never_end_are_no_tar(kind: bytes, tmp_path: Path) -> None:
    header = entry("src/x", type=kind, size=0).tobuf()

    with pytest.raises(CommandError, match=r"invalid tar header|corrupted"):
        unpack(header * 5000, tmp_path / "t")


@pytest.mark.parametrize("size", [-1, -512, -(1 << 40)])
def test_a_size_below_zero_is_refused(size: int, tmp_path: Path) -> None:
    """Python before 3.11.14 reads such an archive for ever (CVE-2025-8194)."""
    made = entry("src/x", size=size).tobuf(tarfile.GNU_FORMAT)

    with pytest.raises(CommandError, match="tar contents corrupted"):
        unpack(made + bytes(1024), tmp_path / "t")
    with pytest.raises(CommandError, match=r"corrupted|invalid tar header"):
        unpack(pax({"size": str(size)}) + tar_of(entry("src/x")), tmp_path / "t")


def test_a_file_that_says_it_is_huge_takes_no_more_than_came(tmp_path: Path) -> None:
    header = entry("src/x", size=1 << 50).tobuf(tarfile.GNU_FORMAT)

    with pytest.raises(CommandError, match="unexpected EOF"):
        unpack(header + b"a" * 1024, tmp_path / "t")

    assert (tmp_path / "t" / "x").stat().st_size <= 1024


def test_a_file_cannot_stand_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"mkdir .*/t/a: not a directory"):
        unpack(tar_of(entry("src/a"), entry("src/a/b")), tmp_path / "t")


def test_a_pipe_that_is_there_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    os.mkfifo(tmp_path / "t" / "pipe")

    with pytest.raises(CommandError, match=r"open .*/pipe"):
        unpack(tar_of(entry("src/pipe")), tmp_path / "t")


def test_names_in_errors_do_not_steer_the_terminal(tmp_path: Path) -> None:
    name = "\x1b[2J"
    (tmp_path / "t" / name).mkdir(parents=True)

    with pytest.raises(CommandError) as caught:
        unpack(tar_of(entry(f"src/{name}")), tmp_path / "t")

    assert "\x1b" not in str(caught.value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_archive_never_writes_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = bytearray(tar_of(entry("src/a"), entry("src/b/c"), content=b"x" * 600))
    places = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for place, byte in data.draw(st.lists(places, max_size=12)):
        whole[place] = byte

    with contextlib.suppress(CommandError):
        unpack(bytes(whole), folder / "t")

    assert all(name == "t" or name.startswith("t/") for name in everything(folder))


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
