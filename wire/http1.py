"""HTTP/1.1: heads, and the bodies that follow them, without I/O."""

from wire.http1_body import LAST_CHUNK, BodyReader, UnsupportedCoding, encode_chunk
from wire.http1_head import (
    HOP_BY_HOP,
    Head,
    Headers,
    HeadReader,
    HeadTooLarge,
    RequestHead,
    ResponseHead,
    encode_request_head,
    encode_response_head,
    get_all,
    get_header,
    has_token,
    is_upgrade,
)

__all__ = [
    "HOP_BY_HOP",
    "LAST_CHUNK",
    "BodyReader",
    "Head",
    "HeadReader",
    "HeadTooLarge",
    "Headers",
    "RequestHead",
    "ResponseHead",
    "UnsupportedCoding",
    "encode_chunk",
    "encode_request_head",
    "encode_response_head",
    "get_all",
    "get_header",
    "has_token",
    "is_upgrade",
]
