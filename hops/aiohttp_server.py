"""aiohttp's server without its client.

`aiohttp/__init__.py` imports the client, and that reads the system's certificate
authorities while it is imported: 4 MB and 60 ms in a program that only serves. Our
own client is `hops.client`.
"""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["load_aiohttp_server"]


def load_aiohttp_server() -> None:
    """Let `from aiohttp import web` load the server alone; call it before that.

    The package is put in place without its `__init__` having run, so of aiohttp only
    the modules are there that somebody imports. Does nothing when all of it is loaded.
    """
    if "aiohttp" in sys.modules:
        return
    spec = importlib.util.find_spec("aiohttp")
    if spec is None:
        raise ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")
    package = importlib.util.module_from_spec(spec)
    # aiohttp.http wants one for the header Server, which we do not send.
    package.__dict__["__version__"] = "-"
    sys.modules["aiohttp"] = package
