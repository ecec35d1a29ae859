"""The compiled etcd descriptors say what etcd's published interface says."""

from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from rpc import etcd_v3_pb2, mvcc_v3_pb2

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "tests" / "data" / "etcd-v3.tsv"
SOURCES = ("etcd_v3", "mvcc_v3")
FILES = (etcd_v3_pb2.DESCRIPTOR, mvcc_v3_pb2.DESCRIPTOR)
SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("string", "bytes", "bool", "int32", "int64", "uint32", "uint64")
}
WITHOUT = "etcdserverpb.Auth"  # carries passwords, and no API server calls it


def table():
    """(field rows, method rows) of the published interface, as far as we have it."""
    text, _, services = TABLE.read_text().partition("#service")
    return tuple(
        {
            tuple(line.split("\t"))
            for line in part.splitlines()[1:]
            if line and not line.startswith(WITHOUT)
        }
        for part in (text, services)
    )


def type_name(field, package):
    target = field.message_type or field.enum_type
    if target is None:
        name = SCALARS[field.type]
    elif target.containing_type is not None:
        name = target.name
    else:
        name = target.full_name.removeprefix(f"{package}.")
    return f"repeated {name}" if field.is_repeated else name


def message_rows(message, package):
    for enum in message.enum_types:
        yield from enum_rows(enum)
    for field in message.fields:
        oneof = field.containing_oneof.name if field.containing_oneof else ""
        number = str(field.number)
        kind = type_name(field, package)
        yield message.full_name, field.name, number, kind, oneof


def enum_rows(enum):
    for value in enum.values:
        yield enum.full_name, value.name, str(value.number), "enum", ""


def compiled():
    fields, methods = set(), set()
    for file in FILES:
        for enum in file.enum_types_by_name.values():
            fields.update(enum_rows(enum))
        for message in file.message_types_by_name.values():
            fields.update(message_rows(message, file.package))
        for service in file.services_by_name.values():
            for method in service.methods:
                answer = "stream " * method.server_streaming + method.output_type.name
                asked = "stream " * method.client_streaming + method.input_type.name
                methods.add((service.full_name, method.name, asked, answer, ""))
    return fields, methods


def test_services_and_methods_are_the_published_ones():
    assert compiled()[1] == table()[1]


def test_every_field_is_a_published_one():
    assert compiled()[0] <= table()[0]


def test_no_message_that_is_there_lacks_a_field():
    fields, _ = compiled()
    ours = {row[0] for row in fields}

    assert {row for row in table()[0] if row[0] in ours} == fields


@pytest.mark.parametrize("source", SOURCES)
def test_every_message_enum_and_service_says_what_it_is_for(source):
    text = (ROOT / f"proto/rpc/{source}.proto").read_text().splitlines()
    openings = ("message ", "enum ", "service ")

    bare = [
        line
        for before, line in pairwise(text)
        if line.startswith(openings) and not before.startswith("// ")
    ]

    assert bare == []
