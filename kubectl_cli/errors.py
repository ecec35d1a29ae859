"""How a command ends other than well: the errors kubectl knows how to print.

Source: kubernetes/kubectl pkg/cmd/util/helpers.go (checkErr, StandardErrorMessage).
"""

from __future__ import annotations

__all__ = [
    "AggregateError",
    "CommandError",
    "ConfigurationInvalidError",
    "RemoteExitError",
    "SilentExitError",
    "UsageError",
]


class CommandError(Exception):
    """A sentence for the user; printed after `error: ` unless it has its own head."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class UsageError(CommandError):
    """Wrong arguments: the sentence is followed by where to read about the command."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(f"{message}\nSee '{command} -h' for help and examples")


class ConfigurationInvalidError(CommandError):
    """The kubeconfig holds together badly; each reason is one line."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class AggregateError(Exception):
    """Several errors of one command, printed one a line; within another, in brackets."""

    def __init__(self, errors: list[Exception]) -> None:
        text = ", ".join(map(str, errors))
        super().__init__(text if len(errors) == 1 else f"[{text}]")
        self.errors = errors


class RemoteExitError(Exception):
    """The command in the container ended with this code, which becomes ours."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class SilentExitError(Exception):
    """End with this code; whatever there was to say has been said."""

    def __init__(self, code: int = 1) -> None:
        super().__init__(code)
        self.code = code
