"""What a peer may cost us: the bounds of one SPDY connection.

spdystream 0.5.1 checks at most 1000 header pairs of 1 MiB each, older ones nothing.
Unlike spdystream we bound the sum as well: Kubernetes' header blocks have less than
a hundred bytes, so the defaults leave room and still keep memory fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection; sizes are bytes."""

    max_header_pairs: int = 1000
    """Names and values of one header block, NUL-separated values counted singly."""

    max_header_size: int = 64 * 1024
    """One header block, compressed and again uncompressed."""

    max_expansion: int = 64
    """Uncompressed bytes of header that each compressed byte may pay for, over the
    whole connection and beyond the first `max_header_size`."""

    max_settings: int = 1000
    """Entries of one SETTINGS frame; they are read and ignored."""

    max_streams: int = 10_000
    """Streams in the table; another one is refused with REFUSED_STREAM."""

    max_invalid_streams: int = 1000
    """SYN_STREAMs with an id out of order that get a reset before we give up."""

    max_unsent_answers: int = 1024 * 1024
    """Answers to PING and to bad SYN_STREAMs that wait for `data_to_send`."""

    max_data_piece: int = 64 * 1024
    """A longer DATA frame (16 MiB are legal) is delivered in pieces of this size."""

    max_data_frame: int = 32 * 1024
    """Data of one frame that we send; what io.Copy makes of it in client-go."""
