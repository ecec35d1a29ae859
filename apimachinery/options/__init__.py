"""Options that come with a request: ListOptions, DeleteOptions, PodLogOptions, …

Unknown parameters are ignored. Every ``from_query`` raises StatusError 400 for a value
that cannot be read; every ``validate`` returns field errors for a 422.
"""

from __future__ import annotations

from apimachinery.options.checks import META_GROUP, check
from apimachinery.options.delete import DeleteOptions, Preconditions
from apimachinery.options.list import ListOptions
from apimachinery.options.pods import PodExecOptions, PodLogOptions, PortForwardOptions
from apimachinery.options.query import Query, parse_bool
from apimachinery.options.write import WriteOptions

__all__ = [
    "META_GROUP",
    "DeleteOptions",
    "ListOptions",
    "PodExecOptions",
    "PodLogOptions",
    "PortForwardOptions",
    "Preconditions",
    "Query",
    "WriteOptions",
    "check",
    "parse_bool",
]
