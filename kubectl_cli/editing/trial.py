"""One try of an edit: what was refused, and how the user hears of it.

Source: kubernetes/kubectl pkg/cmd/util/editor/editoptions.go (editResults).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from apimachinery.status import StatusError
from kubectl_cli.editing.editor import program_name
from kubectl_cli.editing.text import Reason
from kubectl_cli.errors import SilentExitError

if TYPE_CHECKING:
    from kubectl_cli.selecting.resources import Resource

__all__ = ["Trial", "tell_kept"]


def _tell(text: str) -> None:
    sys.stdout.flush()
    print(text, file=sys.stderr)


def tell_kept(path: str) -> None:
    """Say where the text is, if it is somewhere."""
    if path and os.path.exists(path):
        _tell(f"A copy of your changes has been stored to {quote(path)}")


class Trial:
    """What became of the text in the file `path`, "" before the first one."""

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.reasons: list[Reason] = []
        self._retryable = False
        self._missing = False

    def cancel(self, why: str) -> bool:
        """Nothing is to be done; the file goes away."""
        os.unlink(self.path)
        _tell(f"Edit cancelled, {why}.")
        return True

    def reject(self, resource: Resource, name: str, details: list[str]) -> None:
        """The object is not valid: the file will be opened again."""
        label = f"{resource.full_name} {quote(name)}"
        self.reasons.append(Reason(f"{label} was not valid", tuple(details)))
        _tell(f"error: {label} is invalid")

    def fail(self, resource: Resource, name: str, error: Exception) -> None:
        """The object could not be written."""
        label = f"{resource.full_name} {quote(name)}"
        reason = error.reason if isinstance(error, StatusError) else ""
        if isinstance(error, StatusError) and reason == "Invalid":
            self.reject(resource, name, _causes(error))
        elif reason == "NotFound":
            self._missing = True
            _tell(f"error: {label} could not be found on the server")
        else:
            self._retryable = True
            _tell(f"error: {label} could not be patched: {error}")

    def conclude(self) -> bool:
        """Whether all is done; otherwise the user has to look at the file again.

        Raises:
            SilentExitError: it has been told what can be done with the file.
        """
        if self._retryable:
            _tell(
                f"You can run `{program_name()} replace -f {self.path}` to try this"
                " update again."
            )
            raise SilentExitError
        if self._missing:
            _tell(
                "The edits you made on deleted resources have been saved to"
                f" {quote(self.path)}"
            )
            raise SilentExitError
        if not self.reasons:
            os.unlink(self.path)
        return not self.reasons


def _causes(error: StatusError) -> list[str]:
    causes = (error.status.get("details") or {}).get("causes") or ()
    return [f"{each.get('field', '')}: {each.get('message', '')}" for each in causes]
