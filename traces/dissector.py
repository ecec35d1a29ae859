"""Where Wireshark finds what it needs for packets of ours: a script, and messages' types."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["lua_script", "proto_folder", "wireshark_options"]


def lua_script() -> Path:
    """The dissector of Kubernetes' streams; a file, as Wireshark wants it."""
    return Path(str(files("traces"))) / "data" / "mini_kube.lua"


def proto_folder() -> Path:
    """The folder with `rpc/cri_v1.proto` and the others, for decoded gRPC messages."""
    installed = Path(str(files("traces"))) / "data" / "proto"
    # in a checkout they stand where the stubs are made of them
    return installed if installed.is_dir() else lua_script().parents[2] / "proto"


def wireshark_options() -> list[str]:
    """The options for tshark and Wireshark that bring both in."""
    folder = str(proto_folder()).replace("\\", "\\x5c").replace('"', "\\x22")
    paths = f'uat:protobuf_search_paths:"{folder}","TRUE"'
    return ["-X", f"lua_script:{lua_script()}", "-o", paths]
