"""Names, labels and keys: the formats, and what is said of a bad one.

Source: kubernetes/apimachinery pkg/util/validation/validation.go. Every function
returns the list of complaints; an empty list means valid.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "config_map_key",
    "dns1035_label",
    "dns1123_label",
    "dns1123_subdomain",
    "env_var_name",
    "in_range",
    "label_value",
    "path_segment_name",
    "port_name",
    "port_number",
    "qualified_name",
    "strict_env_var_name",
]

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = _LABEL + r"(\." + _LABEL + ")*"
_DNS1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_QUALIFIED})?"
_CONFIG_KEY: Final = "[-._a-zA-Z0-9]+"
_ENV_NAME: Final = "[-._a-zA-Z][-._a-zA-Z0-9]*"

_QUALIFIED_TEXT: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end"
    " with an alphanumeric character"
)
_MUST_BE_NON_EMPTY: Final = "must be non-empty"


def _regex_text(words: str, pattern: str, *examples: str) -> str:
    # RegexError ends every example with "', ", which is why two blanks precede "or".
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {shown}regex used for validation is '{pattern}')"


def max_length_text(limit: int) -> str:
    """``must be no more than N characters``; also said of bytes, as upstream does."""
    return f"must be no more than {limit} characters"


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


_TEXT_LABEL: Final = _regex_text(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or"
    " '-', and must start and end with an alphanumeric character",
    _LABEL,
    "my-name",
    "123-abc",
)
_TEXT_SUBDOMAIN: Final = _regex_text(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters,"
    " '-' or '.', and must start and end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)
_TEXT_DNS1035: Final = _regex_text(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start"
    " with an alphabetic character, and end with an alphanumeric character",
    _DNS1035,
    "my-name",
    "abc-123",
)
_TEXT_QUALIFIED: Final = _regex_text(
    _QUALIFIED_TEXT, _QUALIFIED, "MyName", "my.name", "123-abc"
)
_TEXT_LABEL_VALUE: Final = _regex_text(
    "a valid label must be an empty string or consist of alphanumeric characters, '-',"
    " '_' or '.', and must start and end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
_TEXT_ENV_NAME: Final = _regex_text(
    "a valid environment variable name must consist of alphabetic characters, digits,"
    " '_', '-', or '.', and must not start with a digit",
    _ENV_NAME,
    "my.env-name",
    "MY_ENV.NAME",
    "MyEnvName1",
)
_TEXT_CONFIG_KEY: Final = _regex_text(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)


def _checked(text: str, limit: int, pattern: str, words: str) -> list[str]:
    complaints = []
    if len(text.encode("utf-8", "surrogateescape")) > limit:
        complaints.append(max_length_text(limit))
    if not _matches(pattern, text):
        complaints.append(words)
    return complaints


def dns1123_label(text: str) -> list[str]:
    """Container, volume and namespace names."""
    return _checked(text, 63, _LABEL, _TEXT_LABEL)


def dns1123_subdomain(text: str) -> list[str]:
    """Pod, node, ConfigMap and most other object names."""
    return _checked(text, 253, _SUBDOMAIN, _TEXT_SUBDOMAIN)


def dns1035_label(text: str) -> list[str]:
    """Service names."""
    return _checked(text, 63, _DNS1035, _TEXT_DNS1035)


def label_value(text: str) -> list[str]:
    """Values of labels; empty is valid."""
    return _checked(text, 63, _LABEL_VALUE, _TEXT_LABEL_VALUE)


def qualified_name(text: str) -> list[str]:
    """Keys of labels and annotations: ``[prefix/]name``."""
    prefix, slash, name = text.rpartition("/")
    if text.count("/") > 1:
        return [
            f"a qualified name {_TEXT_QUALIFIED} with an optional DNS subdomain prefix"
            " and '/' (e.g. 'example.com/MyName')"
        ]
    complaints = []
    if slash and not prefix:
        complaints.append(f"prefix part {_MUST_BE_NON_EMPTY}")
    elif slash:
        complaints += [f"prefix part {said}" for said in dns1123_subdomain(prefix)]
    if not name:
        complaints.append(f"name part {_MUST_BE_NON_EMPTY}")
    elif len(name) > 63:
        complaints.append(f"name part {max_length_text(63)}")
    if not _matches(_QUALIFIED, name):
        complaints.append(f"name part {_TEXT_QUALIFIED}")
    return complaints


def config_map_key(text: str) -> list[str]:
    """Keys of ConfigMap and Secret data, which become file names."""
    complaints = []
    if len(text) > 253:
        complaints.append(max_length_text(253))
    if not _matches(_CONFIG_KEY, text):
        complaints.append(_TEXT_CONFIG_KEY)
    return complaints + _parent_folder(text)


def strict_env_var_name(text: str) -> list[str]:
    """Names of environment variables that kubectl lets pass."""
    complaints = [] if _matches(_ENV_NAME, text) else [_TEXT_ENV_NAME]
    return complaints + _parent_folder(text)


def _parent_folder(text: str) -> list[str]:
    """hasChDirPrefix: names that would lead out of a folder."""
    if text in (".", ".."):
        return [f"must not be '{text}'"]
    return ["must not start with '..'"] if text.startswith("..") else []


def env_var_name(text: str) -> list[str]:
    """Names of environment variables, under the relaxed rule of 1.30 and later."""
    complaints = []
    if not text:
        complaints.append("environment variable name must be non-empty")
    if not re.fullmatch(r"[ -<>-~]*", text):
        complaints.append(
            "a valid environment variable name must consist only of printable ASCII"
            " characters other than '='"
        )
    return complaints


def path_segment_name(text: str) -> list[str]:
    """Names that only have to be usable in a URL path (RBAC objects)."""
    if text == ".":
        return ["may not be '.'"]
    if text == "..":
        return ["may not be '..'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in text]


def in_range(value: int, low: int, high: int) -> list[str]:
    """``must be between LOW and HIGH, inclusive``."""
    if low <= value <= high:
        return []
    return [f"must be between {low} and {high}, inclusive"]


def port_number(value: int) -> list[str]:
    return in_range(value, 1, 65535)


def port_name(text: str) -> list[str]:
    """IANA service names, as container and service ports have them."""
    complaints = []
    if len(text) > 15:
        complaints.append("must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", text):
        complaints.append(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        )
    if not re.search(r"[a-z]", text):
        complaints.append("must contain at least one letter (a-z)")
    if "--" in text:
        complaints.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        complaints.append("must not begin or end with a hyphen")
    return complaints
