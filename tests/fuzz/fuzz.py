"""One target under atheris, which steers by coverage: `fuzz.py TARGET [libFuzzer flags]`.

    python tests/fuzz/fuzz.py spdy -max_total_time=600 tests/fuzz/corpus/spdy

A finding is written where `-artifact_prefix` says, and the exit code is 77. Put the file
into the corpus folder with the fix.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
# atheris is no dependency: whoever runs this has it, or the test put it here.
sys.path.append(str(ROOT / ".cache" / "atheris"))

import atheris  # type: ignore[import-not-found]  # noqa: E402

with atheris.instrument_imports(include=["wire"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()
