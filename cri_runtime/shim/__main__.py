"""Entry of the launcher: `python -I -S .../cri_runtime/shim SOCKET READY_FD NOFILE`.

Under -I and -S only this folder and the standard library can be imported. The packages stand
two levels up; they go last on the path so that nothing there can shadow the standard library.
"""

import os.path
import sys

sys.path[0:1] = []
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))

from cri_runtime.shim.launcher import main  # noqa: E402 - the path comes first

main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
