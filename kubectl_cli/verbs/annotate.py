"""`annotate`: change the annotations of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.metadata.flags import metadata_flags

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Change the annotations of objects."
USE = (
    "annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N"
    " [--resource-version=version]"
)
EXAMPLES = "kubectl annotate pods foo description='my frontend'"
FLAGS = metadata_flags("kubectl-annotate")


def run(options: Options, factory: Factory) -> int:
    """Set and remove annotations."""
    from kubectl_cli.metadata.edits import ANNOTATIONS, MetadataCommand

    return MetadataCommand(options, factory, ANNOTATIONS).run()
