"""The compiled CRI descriptors say what the published interface says."""

from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor, FileDescriptor

from rpc import cri_v1_pb2

TABLE = Path(__file__).parents[2] / "data" / "cri-v1.tsv"
SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("string", "bytes", "bool", "int32", "int64", "uint32", "uint64")
} | {FieldDescriptor.TYPE_DOUBLE: "double", FieldDescriptor.TYPE_FLOAT: "float"}


def type_name(field):
    if field.message_type is not None:
        return field.message_type.full_name
    if field.enum_type is not None:
        return field.enum_type.full_name
    return SCALARS[field.type]


def field_row(message, field):
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        kind, label = f"map<{type_name(key)},{type_name(value)}>", "map"
    else:
        kind = type_name(field)
        label = "repeated" if field.is_repeated else "optional"
    if field.GetOptions().deprecated:
        label += ";deprecated"
    return (
        "message",
        message.full_name,
        field.name,
        str(field.number),
        kind,
        label,
    )


def enum_rows(enum: EnumDescriptor):
    return [
        ("enum", enum.full_name, value.name, str(value.number)) for value in enum.values
    ]


def message_rows(message):
    rows = [row for enum in message.enum_types for row in enum_rows(enum)]
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            rows += message_rows(nested)
    if not message.fields:
        return [*rows, ("message", message.full_name, "(no fields)")]
    return rows + [field_row(message, field) for field in message.fields]


def service_rows(service):
    return [
        (
            "service",
            service.full_name,
            method.name,
            method.input_type.full_name,
            method.output_type.full_name,
            str(method.client_streaming).lower(),
            str(method.server_streaming).lower(),
        )
        for method in service.methods
    ]


def compiled_rows(file: FileDescriptor):
    rows = [
        row
        for service in file.services_by_name.values()
        for row in service_rows(service)
    ]
    rows += [
        row for enum in file.enum_types_by_name.values() for row in enum_rows(enum)
    ]
    for message in file.message_types_by_name.values():
        rows += message_rows(message)
    return set(rows)


def table_rows():
    lines = TABLE.read_text().splitlines()
    cells = [line.split("\t") for line in lines if not line.startswith("#")]
    return {tuple(cell for cell in row if cell) for row in cells}


@pytest.mark.parametrize("kind", ["service", "enum", "message"])
def test_compiled_descriptors_equal_the_published_table(kind):
    compiled = {row for row in compiled_rows(cri_v1_pb2.DESCRIPTOR) if row[0] == kind}
    published = {row for row in table_rows() if row[0] == kind}

    assert compiled == published


def test_the_package_is_the_published_one():
    assert cri_v1_pb2.DESCRIPTOR.package == "runtime.v1"


def test_every_message_enum_and_service_says_what_it_is_for():
    text = (
        (Path(__file__).parents[3] / "proto/rpc/cri_v1.proto").read_text().splitlines()
    )
    openings = ("message ", "enum ", "service ")

    bare = [
        line
        for before, line in pairwise(text)
        if line.startswith(openings) and not before.startswith("// ")
    ]

    assert bare == []
