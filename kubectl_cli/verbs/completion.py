"""`completion`: shell code that completes command lines.

Source: kubernetes/kubectl pkg/cmd/completion/completion.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import UsageError

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

SUMMARY = "Print shell code that completes command lines (bash, zsh or fish)."
USE = "completion SHELL"
EXAMPLES = (
    "source <(mini-kubectl completion bash)\nmini-kubectl completion fish | source"
)
FLAGS: tuple[Flag, ...] = ()


def run(options: Options, factory: Factory) -> int:
    """Print the script of the shell that was named."""
    from apimachinery.go_text import quote
    from kubectl_cli.completing.scripts import SCRIPTS

    words, command = options.args, f"kubectl {factory.command}"
    if not words:
        raise UsageError("Shell not specified.", command)
    if len(words) > 1:
        text = "Too many arguments. Expected only the shell type."
        raise UsageError(text, command)
    if words[0] not in SCRIPTS:
        raise UsageError(f"Unsupported shell type {quote(words[0])}.", command)
    sys.stdout.write(SCRIPTS[words[0]])
    return 0
