"""Generated stubs: `python -m rpc.generate` writes them, `--check` says which are stale.

The sources are proto/rpc/*.proto. They are compiled with `proto` as the only root, so that
the stubs import each other as `rpc.NAME_pb2`. Needs grpcio-tools, a development dependency.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

__all__ = ["compile_into", "main", "stale"]

ROOT = Path(__file__).resolve().parent.parent
PROTO_ROOT = ROOT / "proto"


def compile_into(target: Path) -> list[Path]:
    """Compile every source below `target`; returns the files made, relative to it.

    Raises:
        RuntimeError: the compiler refused a source (it has told stderr why).
    """
    from grpc_tools import protoc  # heavy, and absent at run time

    sources = sorted(PROTO_ROOT.glob("rpc/*.proto"))
    options = [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    arguments = ["protoc", f"-I{PROTO_ROOT}", *options, *map(str, sources)]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc failed")
    return sorted(path.relative_to(target) for path in target.glob("rpc/*_pb2*"))


def stale() -> list[str]:
    """Names of the committed stubs that differ from what the sources give now."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = compile_into(Path(scratch))
        wanted = {str(path): (Path(scratch) / path).read_bytes() for path in fresh}
    present = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for path in ROOT.glob("rpc/*_pb2*.py*")
    }
    return sorted(
        name
        for name in wanted.keys() | present.keys()
        if wanted.get(name) != present.get(name)
    )


def main(arguments: list[str]) -> int:
    """Write the stubs, or with `--check` compare them: 1 when some are stale."""
    if arguments == ["--check"]:
        names = stale()
        for name in names:
            sys.stderr.write(f"{name} is stale: run `make proto`\n")
        return 1 if names else 0
    compile_into(ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
