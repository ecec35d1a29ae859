"""What goes wrong while a log is read, in kubectl's words."""

from __future__ import annotations

from contextlib import contextmanager

from hops.blocking.responses import RequestError
from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["reading"]


@contextmanager
def reading() -> Iterator[None]:
    """Reading a log: who breaks off in its middle is told of plainly, as by kubectl."""
    try:
        yield
    except RequestError as error:
        raise CommandError(error.text) from None
