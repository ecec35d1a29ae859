"""The shim's pure parts, and that it needs nothing but the standard library."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cri_runtime.shim.protocol import FD_MARK, MessageDecoder, encode
from cri_runtime.shim.waiting import exit_code
from cri_runtime.shim_client import ShimClient

FOLDER = Path(__file__).parents[3] / "cri_runtime" / "shim"
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)


@given(st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=5), st.data())
def test_any_split_of_the_stream_gives_the_same_messages(messages, data):
    stream = b"".join(FD_MARK + encode(message) for message in messages)
    cut = data.draw(st.integers(0, len(stream)))
    decoder = MessageDecoder()

    found = decoder.receive_data(stream[:cut]) + decoder.receive_data(stream[cut:])

    assert found == messages


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff", b"", b"1"])
def test_a_line_that_is_no_object_is_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011 - json says it in many ways
        MessageDecoder().receive_data(line + b"\n")


def test_the_runtime_hangs_up_on_what_it_does_not_understand():
    client = ShimClient()
    client._transport = Mock()

    client.data_received(b'{"id": 1, "o\n')

    client._transport.abort.assert_called_once_with()


def test_bytes_that_are_no_text_survive():
    message = {"argv": [os.fsdecode(b"\xff\x80")]}

    (found,) = MessageDecoder().receive_data(encode(message))

    assert os.fsencode(found["argv"][0]) == b"\xff\x80"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, (0, 0)),
        (3 << 8, (3, 0)),
        (255 << 8, (255, 0)),
        (9, (137, 9)),
        (11 | 128, (139, 11)),
    ],
)
def test_a_wait_status_is_a_code_or_128_and_the_signal(status, expected):
    assert exit_code(status) == expected


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name
)
def test_the_shim_imports_the_standard_library_itself_and_a_little_of_wire(path):
    foreign = {
        name
        for name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith("cri_runtime.shim")
    }

    assert foreign <= {"wire.cri_log", "wire.records"}
    assert not {"asyncio", "subprocess", "threading"} & set(imports(path))


def test_a_launcher_loads_neither_dataclasses_nor_typing():
    code = (
        f"import sys\nsys.path = {sys.path!r}\n"
        "import cri_runtime.shim.launcher\nprint(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True
    )

    heavy = {"dataclasses", "inspect", "typing", "traceback", "datetime"}
    assert not heavy & set(done.stdout.decode().split())


def test_the_state_of_a_message_is_json_in_one_line():
    line = encode({"a": "x\ny", "b": [1]})

    assert line.count(b"\n") == 1
    assert json.loads(line) == {"a": "x\ny", "b": [1]}
