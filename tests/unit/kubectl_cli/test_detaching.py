"""The keys of --detach-keys, as moby/term reads them."""

from __future__ import annotations

import pytest

from kubectl_cli.errors import CommandError
from kubectl_cli.streams.detaching import DEFAULT_KEYS, DetachKeys


def typed(keys: str, *pieces: bytes) -> tuple[list[bytes], bool]:
    detach = DetachKeys.parse(keys)
    assert detach is not None
    return [detach.pass_on(piece) for piece in pieces], detach.pressed


@pytest.mark.parametrize(
    ("keys", "code"),
    [("ctrl-a", 1), ("ctrl-@", 0), ("ctrl-]", 29), ("ctrl-_", 31), ("DEL", 127)],
)
def test_names_of_keys(keys, code) -> None:
    assert typed(keys, b"x%cy" % code) == ([b"x"], True)


@pytest.mark.parametrize(
    ("pieces", "passed", "pressed"),
    [
        ([b"ls\x10\x11rest"], [b"ls"], True),
        ([b"a\x10", b"\x11"], [b"a", b""], True),
        ([b"a\x10", b"b"], [b"a", b"\x10b"], False),
        # The second one begins nothing.
        ([b"\x10\x10", b"\x11"], [b"\x10\x10", b"\x11"], False),
    ],
)
def test_what_may_be_the_keys_is_held_back(pieces, passed, pressed) -> None:
    assert typed(DEFAULT_KEYS, *pieces) == (passed, pressed)


@pytest.mark.parametrize("name", ["foo", "ctrl-A", "ctrl-", "ctrl-ab", " a", "é"])
def test_other_names_are_none(name) -> None:
    with pytest.raises(CommandError) as refused:
        DetachKeys.parse(f"ctrl-a,{name}")

    text = f"could not bind detach keys: Unknown character: '{name}'"
    assert str(refused.value) == text


def test_no_name_is_no_key() -> None:
    assert DetachKeys.parse("") is None
