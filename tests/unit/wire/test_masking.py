"""The mask of WebSocket frames, in Python and in C."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import masking
from wire.masking import apply_mask

MASK = b"\x37\xfa\x21\x3d"


@given(st.binary(max_size=200), st.binary(min_size=4, max_size=4))
def test_masking_is_xor_and_undoes_itself(data, mask):
    masked = apply_mask(data, mask)

    assert masked == bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    assert apply_mask(masked, mask) == data


@pytest.mark.parametrize("size", [4096, 4097, 4099, 65537])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_c_and_python_give_the_same(size, kind):
    data = kind(bytes(range(256)) * 257)[:size]

    assert apply_mask(data, MASK) == masking._in_python(data, MASK)


def test_without_the_c_code_python_does_it(monkeypatch):
    monkeypatch.setattr(masking, "_MODULE", "websockets.of_another_build")
    masking._c_code.cache_clear()

    assert apply_mask(bytes(5000), MASK) == MASK * 1250

    masking._c_code.cache_clear()


def test_of_the_package_only_the_c_code_is_loaded():
    code = (
        "import sys\nfrom wire.masking import apply_mask\n"
        "apply_mask(bytes(4096), b'1234')\n"
        "sys.exit('websockets' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
