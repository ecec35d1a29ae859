"""A server that shows another certificate than its own."""

from __future__ import annotations

import os
import ssl
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ServedCertificate"]


class ServedCertificate:
    """Serves the certificate that came with the rule.

    It is made by who adds the rule (`faults.certificates`), since a service neither has
    the authority's key nor loads what makes certificates.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._pem = values["cert_pem"].encode() + values["key_pem"].encode()

    def context(self, own: ssl.SSLContext) -> ssl.SSLContext:
        """The settings of a listener, but for the certificate."""
        if own.protocol != ssl.PROTOCOL_TLS_SERVER or not self._pem:
            return own
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = own.minimum_version
        context.options = own.options
        context.set_alpn_protocols(["http/1.1"])
        for authority in own.get_ca_certs(binary_form=True):
            context.load_verify_locations(cadata=authority)
        context.verify_mode = own.verify_mode
        # A client that resumes does not look at the certificate again.
        context.num_tickets = 0
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        # OpenSSL as Python has it reads a chain from a file only.
        descriptor, path = tempfile.mkstemp(suffix=".pem")
        try:
            os.write(descriptor, self._pem)
            os.close(descriptor)
            context.load_cert_chain(path)
        finally:
            os.unlink(path)
