"""The flags of the API server as a program; `mini-apiserver` adds the controllers'."""

from __future__ import annotations

import argparse

from apiserver.config import add_arguments

__all__ = ["make_parser"]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mini-apiserver",
        description="A Kubernetes API server: objects over HTTPS, and the way to"
        " kubelets for exec, attach, port-forward and logs.",
    )
    add_arguments(parser)
    parser.add_argument(
        "--v",
        type=int,
        default=0,
        metavar="LEVEL",
        help="log verbosity; 4 and more shows decisions (default 0)",
    )
    return parser
