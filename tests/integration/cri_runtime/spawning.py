"""A program that starts one process as the shim does, and says what came of it.

The tests' own process has gRPC in it, and so it must not fork.
"""

import json
import os
import sys

sys.path.append(__file__.partition("/tests/")[0])

from cri_runtime.shim.spawn import ProcessSpec, SpawnError, spawn

argv, cwd = json.loads(sys.argv[1])
nothing = os.open(os.devnull, os.O_RDWR)
before = sorted(os.listdir("/proc/self/fd"))
told = {}
try:
    pid = spawn(
        ProcessSpec(tuple(argv), {"PATH": os.environ["PATH"]}, cwd), [nothing] * 3
    )
    told["status"] = os.waitpid(pid, 0)[1]
except SpawnError as error:
    told["text"] = error.text
told["leaked"] = sorted(os.listdir("/proc/self/fd")) != before
try:
    told["child"] = os.waitpid(-1, os.WNOHANG)[0]
except ChildProcessError:
    told["child"] = None
json.dump(told, sys.stdout)
