"""What a user can name is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from traces.dissector import lua_script, proto_folder
from traces.formats import FORMATS

PAGE = (Path(__file__).parents[3] / "docs" / "traces.md").read_text("utf-8")
FIELDS = re.findall(r'ProtoField\.\w+\("([^"]+)"', lua_script().read_text("utf-8"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_documented(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_the_dissector_is_documented(name):
    assert f"`{name}`" in PAGE


def test_the_types_of_messages_are_where_wireshark_is_sent():
    assert (proto_folder() / "rpc" / "cri_v1.proto").is_file()
