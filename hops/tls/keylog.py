"""SSLKEYLOGFILE: the keys of our TLS connections, for captures taken outside.

Wireshark and others decrypt a capture with it. Python reads the variable for
`ssl.create_default_context` only; ours are made by hand.

Source: draft-ietf-tls-keylogfile; NSS key log format.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

__all__ = ["VARIABLE", "log_keys"]

VARIABLE = "SSLKEYLOGFILE"


def log_keys(context: ssl.SSLContext) -> None:
    """Let a context append the keys of its connections, if the environment asks for it.

    Who has the file can read all that is said: it is made with mode 0600. A file that
    cannot be written is an error of the environment, and is raised.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    os.close(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    )
    context.keylog_filename = path
