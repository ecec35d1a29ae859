"""Usage figures, port maps and the command line."""

import os

import pytest

from cri_runtime import stats
from cri_runtime.config import Config, build_parser
from cri_runtime.shim.processes import (
    anonymous_bytes,
    children,
    descendants,
    environment,
)


def test_our_own_process_is_measured():
    usage = stats.measure([os.getpid(), 2**22 + 1])

    assert usage.processes == 1
    assert usage.rss_bytes > 1_000_000
    assert usage.minor_faults > 0


def test_a_counter_of_processor_time_never_falls():
    meter = stats.CpuMeter()
    looks = [(1_000, 5_000), (2_000, 9_000), (3_000, 2_000)]

    read = [meter.read("c", stats.Usage(at, ns, 0, 0, 0, 1)) for at, ns in looks]

    assert [r.usage_core_nano_seconds.value for r in read] == [5_000, 9_000, 9_000]
    assert [r.usage_nano_cores.value for r in read] == [0, 4_000_000_000, 0]


def test_links_are_not_followed_when_a_tree_is_measured(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    (tree / "link").symlink_to(tmp_path / "big")
    (tree / "file").write_bytes(bytes(4096))

    size, inodes = stats.disk_usage(tree)

    assert size < 100_000
    assert inodes == 3


def test_a_process_has_no_children_when_it_is_gone():
    assert children(2**22 + 1) == []
    assert environment(2**22 + 1) == {}
    assert anonymous_bytes(2**22 + 1) == 0


def test_the_descendants_of_a_process_start_with_itself():
    assert next(descendants([os.getpid()])) == os.getpid()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("4h", 14400.0), ("1.5m", 90.0), ("250ms", 0.25), ("7", 7.0)],
)
def test_durations_are_read_as_go_writes_them(text, seconds):
    options = build_parser().parse_args(["--stream-idle-timeout", text])

    assert Config.from_arguments(options).stream_idle_timeout == seconds


def test_the_folders_of_stop_all_are_its_own_options():
    options = build_parser().parse_args(["stop-all", "--root", "/r", "--state", "/s"])

    assert (options.command, options.root, options.state) == ("stop-all", "/r", "/s")


def test_every_option_is_explained():
    parser = build_parser()

    assert [a.dest for a in parser._actions if not a.help] == []
