"""`edit`: change an object in an editor.

Source: kubernetes/kubectl pkg/cmd/util/editor/editoptions.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import VALIDATE_FLAG
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Edit an object of the server."
USE = "edit (RESOURCE/NAME | -f FILENAME)"
EXAMPLES = "kubectl edit configmap/settings\nKUBE_EDITOR=nano kubectl edit pod/web"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    VALIDATE_FLAG,
    Flag("field-manager", default="kubectl-edit", help="Who owns the fields."),
    Flag("output-patch", "bool", help="Print the patch."),
    Flag("save-config", "bool", help="Keep the configuration for a later apply."),
    Flag("subresource", help="Edit this subresource."),
    Flag("windows-line-endings", "bool", help="Give the editor CRLF."),
)


def run(options: Options, factory: Factory) -> int:
    """Open the editor, send what changed; reopen it when the server refuses."""
    from kubectl_cli.editing.command import EditCommand

    return EditCommand(options, factory).run()
