import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.channels import (
    SUBPROTOCOLS,
    Channel,
    ChannelMessage,
    decode_base64,
    decode_binary,
    encode_base64,
    encode_binary,
)
from wire.errors import RemoteProtocolError

messages = st.tuples(st.integers(0, 9), st.binary(max_size=100))


@given(messages)
def test_binary_messages_survive(message):
    assert decode_binary(encode_binary(*message)) == ChannelMessage(*message)


@given(messages)
def test_base64_messages_survive(message):
    assert decode_base64(encode_base64(*message)) == ChannelMessage(*message)


def test_base64_messages_are_those_of_the_reference():
    assert encode_base64(Channel.STDOUT, b"hi\n") == b"1aGkK"
    assert decode_base64(b"0bHMK") == ChannelMessage(Channel.STDIN, b"ls\n")
    assert encode_base64(Channel.STDOUT, b"") == b"1"


@pytest.mark.parametrize("message", [b"", b"0!", b"0YQ", b"0\xff\xff"])
def test_what_is_not_base64_is_refused(message):
    with pytest.raises(RemoteProtocolError):
        decode_base64(message)


def test_an_empty_message_names_no_channel():
    with pytest.raises(RemoteProtocolError):
        decode_binary(b"")


def test_each_name_means_what_the_table_says():
    assert {
        name: (kind.codec.name, kind.json_status, kind.close_channel)
        for name, kind in SUBPROTOCOLS.items()
    } == {
        "": ("BINARY", False, False),
        "channel.k8s.io": ("BINARY", False, False),
        "base64.channel.k8s.io": ("BASE64", False, False),
        "v4.channel.k8s.io": ("BINARY", True, False),
        "v4.base64.channel.k8s.io": ("BASE64", True, False),
        "v5.channel.k8s.io": ("BINARY", True, True),
    }
