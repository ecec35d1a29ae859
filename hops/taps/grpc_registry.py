"""Which messages a gRPC method takes and gives: stubs, loaded when they are first needed.

A new service is one line in `_MODULES`.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["Method", "find_method"]

#: protobuf package -> (layer of its calls, module of its stubs)
_MODULES = {
    "runtime.v1": ("cri", "rpc.cri_v1_pb2"),
    # kubelets before 1.26: cri-api pkg/apis/runtime/v1alpha2 has the same messages
    "runtime.v1alpha2": ("cri", "rpc.cri_v1_pb2"),
    "v1": ("podresources", "rpc.podresources_v1_pb2"),
    "etcdserverpb": ("etcd", "rpc.etcd_v3_pb2"),
}


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        layer: of the events that tell of its calls.
        name: without its service, e.g. "Exec".
    """

    layer: str
    name: str
    request: type[Message]
    response: type[Message]


@functools.cache
def find_method(path: str) -> Method | None:
    """The method of a `:path` such as `/runtime.v1.RuntimeService/Exec`, or None."""
    service, _, name = path.removeprefix("/").rpartition("/")
    package, _, service_name = service.rpartition(".")
    if package not in _MODULES:
        return None
    layer, module = _MODULES[package]
    descriptor: Any = importlib.import_module(module).DESCRIPTOR
    declared = descriptor.services_by_name.get(service_name)
    method = declared.methods_by_name.get(name) if declared is not None else None
    if method is None:
        return None
    from google.protobuf.message_factory import GetMessageClass

    request = GetMessageClass(method.input_type)
    response = GetMessageClass(method.output_type)
    return Method(layer, name, request, response)
