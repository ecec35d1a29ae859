"""Input that does not arrive, or does not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Stage

__all__ = ["INPUT"]

_CLIENT = "kubectl-apiserver"


def _endless(stage: Stage) -> Seen:
    shell = stage.shell()
    lost = {"layer": "channel", "channel": "close", "n": 0, "stream": "upstream"}
    with stage.fault("frame_drop", _CLIENT, **lost):
        done = stage.kubectl("exec", "-i", shell, "--", "cat", stdin="hi\n", timeout=2)
    return Seen(done.hung, f"exit code {done.code}, after the output {done.stdout!r}")


def _dropped(stage: Stage) -> Seen:
    shell = stage.shell()
    lost = {"layer": "channel", "channel": "stdin", "n": 1, "stream": "upstream"}
    with stage.fault("frame_drop", "apiserver-kubelet", **lost):
        done = stage.kubectl("exec", "-i", shell, "--", "wc", "-c", stdin="hello\n")
    return Seen(
        done.code == 0 and done.stdout.strip() == "0",
        f"of 6 bytes the command read {done.stdout.strip()}; exit code {done.code}",
    )


def _size(stage: Stage) -> Seen:
    shell = stage.shell()
    lost = {"layer": "channel", "channel": "resize", "n": 1, "stream": "upstream"}
    with stage.fault("frame_drop", _CLIENT, **lost):
        done = stage.in_terminal(
            "exec", "-it", shell, "--", "stty", "size", columns=97, lines=31
        )
    return Seen(
        "31 97" not in done.stdout,
        f"the terminal has 31 lines of 97 columns, the command sees {done.stdout!r}",
    )


INPUT = (
    Exhibit(
        name="stdin-that-never-ends",
        issue="kubernetes/kubernetes#89899",
        title="exec -i hangs at the end of its input",
        story="""\
A WebSocket cannot be half-closed. Up to `v4.channel.k8s.io` a client can therefore not
say that its input has ended: `cat` waits for more for ever. v5 has a message for it, the
byte 255 followed by the channel's number. Where that message is lost, or one of the two
speaks v4, a command that reads to the end of its input never ends.

Here the client's close message is lost on its way to the API server. Over SPDY the same
is said by FIN on the stdin stream.""",
        run=_endless,
    ),
    Exhibit(
        name="stdin-dropped",
        issue="kubernetes/kubernetes#112834",
        title="what was piped into exec does not reach the command",
        story="""\
Input is sent as soon as the client has it, and nobody acknowledges it: when a part of the
path starts to read too late, or drops what came before it was ready, the command sees its
input end without having had any, and succeeds.

Here the first stdin message is lost between API server and kubelet.""",
        run=_dropped,
    ),
    Exhibit(
        name="terminal-without-size",
        issue="kubernetes/kubernetes#47990",
        title="the terminal in the container has the wrong size at first",
        story="""\
The size is no part of the request: it is the first message on the resize channel, and it
races with the command's start. A program that asks for the size before that message
arrived gets 0 by 0 and draws for 80 columns, or not at all.

Here the message is lost. In mini-kube the runtime gives the terminal the first size that
is there when the session begins, before it starts the command.""",
        run=_size,
    ),
)
