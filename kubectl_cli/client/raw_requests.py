"""--raw: the bytes of one file, sent to a path as they are."""

from __future__ import annotations

import sys

from kubectl_cli.documents.files import read_file
from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["send_raw"]


def send_raw(method: str, options: Options, factory: Factory) -> int:
    """Send what -f names, and print the answer; the exit code.

    Source: kubernetes/kubectl pkg/rawhttp/raw.go.
    """
    files = options.items("filename")
    if len(files) != 1:
        raise CommandError("--raw can only use a single local file or stdin")
    data = sys.stdin.buffer.read() if files[0] == "-" else read_file(files[0])
    response = factory.client.raw(method, options.text("raw"), body=data)
    sys.stdout.flush()
    sys.stdout.buffer.write(response.body)
    return 0
