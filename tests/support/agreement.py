"""Two clients, one command line each: text of both streams and exit code compared.

Only what cannot be the same is made so: ages, identifiers, ports, moments, and the
names of the objects that each client makes for itself.
"""

from __future__ import annotations

import difflib
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.support.kubectls import without_unready

__all__ = ["Outcome", "Pair", "difference", "normal"]

_PATIENCE = 20
_AGE = r"(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)|\d+[mhd]|<invalid>"
#: What is replaced, in this order. A column keeps no width that an age gave it. Of the
#: client's own version only the minor one is ours to agree on.
_VARYING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
    (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    (r"^[EF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ", "KLOG "),
    (r"(resourceVersion\"?: )\"\d+\"", r'\1"RV"'),
    (r"\bdebugger-(?:[a-z0-9-]+-)?[a-z0-9]{5}\b", "DEBUGGER"),
    (r"(Client Version: v1\.36)\.\d+", r"\1"),
    (r"(\"clientVersion\": \{[^}]*?\"gitVersion\": )[^}]*", r"\1BUILD"),
    (r"/[^\s]*/(LIVE|MERGED)-\w+", r"\1"),
    (r"^((?:---|\+\+\+) (?:LIVE|MERGED)\S*)\t.*$", r"\1"),
    (r"\b127(\.\d+){3}:\d+", "ADDRESS"),
    (r"\b127(\.\d+){3}\b *", "IP "),
    (r"(?<=\s)(AGE|Age) *(?=\s|$)", r"\1 "),
    (r" ---- +(?=-)", " ---- "),
    (rf"(?<=[\s(])({_AGE})(?=\)|\s|$) *", "AGO "),
)
_PATTERNS = [(re.compile(p, re.MULTILINE), to) for p, to in _VARYING]


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def normal(text: str, own: str = "", shared: str = "") -> str:
    """The text without what cannot be the same in two runs."""
    if own:
        text = text.replace(own, shared)
    text = without_unready(text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class Pair:
    """The real client and ours, before the same cluster.

    In command lines `{me}` becomes a name that only one of the two uses.
    """

    def __init__(self, env, folder, real, ours="mini-kubectl"):
        self.env = env
        self._folder = folder
        self.programs = {"real": str(real), "ours": ours}
        for name in self.programs:
            (folder / name).mkdir()
        # kubectl calls itself in some texts by the name it was called
        (folder / "kubectl").symlink_to(real)
        self.programs["real"] = str(folder / "kubectl")

    def write(self, name, text):
        """Lay a file where both find it under the same name."""
        for client in self.programs:
            content = text.replace("{me}", client)
            (self._folder / client / name).write_text(content)

    def outcomes(self, line, *, stdin=b"", env=None, normalise=True):
        """Both outcomes, the real client's first. They run at the same time."""
        with ThreadPoolExecutor(2) as pool:
            runs = [
                pool.submit(self._run, client, line, stdin, env or {}, normalise)
                for client in self.programs
            ]
            return [run.result() for run in runs]

    def agree(self, line, **options):
        """Require that both end alike; their outcome."""
        real, ours = self.outcomes(line, **options)
        assert ours == real, difference(line, real, ours)
        return real

    def _run(self, client, line, stdin, env, normalise):
        words = shlex.split(line.replace("{me}", client))
        done = subprocess.run(
            [self.programs[client], *words],
            input=stdin,
            capture_output=True,
            cwd=self._folder / client,
            env={**self.env, **env},
            timeout=_PATIENCE,
            check=False,
        )
        texts = [
            stream.decode(errors="backslashreplace")
            for stream in (done.stdout, done.stderr)
        ]
        if normalise:
            texts = [normal(text, client, "{me}") for text in texts]
        return Outcome(done.returncode, *texts)


def difference(line, real, ours):
    """What differs, as a patch from the real client's outcome to ours."""
    parts = [f"kubectl {line}"]
    for name in Outcome._fields:
        theirs, mine = (
            str(getattr(outcome, name)).splitlines() for outcome in (real, ours)
        )
        parts += difflib.unified_diff(
            theirs, mine, f"{name} of kubectl", f"{name} of ours", n=1, lineterm=""
        )
    return "\n".join(parts)
