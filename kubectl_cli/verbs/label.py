"""`label`: change the labels of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.metadata.flags import metadata_flags

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Change the labels of objects."
USE = (
    "label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N"
    " [--resource-version=version]"
)
EXAMPLES = "kubectl label pods foo unhealthy=true\nkubectl label pods foo bar-"
FLAGS = metadata_flags("kubectl-label")


def run(options: Options, factory: Factory) -> int:
    """Set and remove labels."""
    from kubectl_cli.metadata.edits import LABELS, MetadataCommand

    return MetadataCommand(options, factory, LABELS).run()
