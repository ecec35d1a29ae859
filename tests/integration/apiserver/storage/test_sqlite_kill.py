"""kill -9 in the middle of 1,000 writes: what was answered is there."""

import asyncio
import signal
import sys
from pathlib import Path

from apiserver.storage.sqlite import SqliteStore

ROOT = Path(__file__).parents[4]
WRITER = """
import asyncio, sys
from apiserver.storage.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(sys.argv[1])

    async def write(worker):
        for n in range(100):
            revision = await store.create(f"/registry/pods/{worker}-{n}", b"x" * 500)
            sys.stdout.write(f"{revision} /registry/pods/{worker}-{n}\\n")
            sys.stdout.flush()

    await asyncio.gather(*(write(worker) for worker in range(10)))

asyncio.run(main())
"""


async def write_and_kill(path, answers):
    """Run the writer until it has given so many answers; all it said until its end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(path),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    lines = [await child.stdout.readline() for _ in range(answers)]
    child.send_signal(signal.SIGKILL)
    rest = await child.stdout.read()
    assert await child.wait() == -signal.SIGKILL
    said = b"".join(lines) + rest
    # The last line may have been cut by the kill.
    return [line.split() for line in said.decode().split("\n")[:-1]]


async def test_no_acknowledged_write_is_lost(tmp_path):
    path = tmp_path / "store.db"

    answers = await write_and_kill(path, 300)
    store = await SqliteStore.open(path)

    assert 300 <= len(answers) < 1_000
    for revision, key in answers:
        stored = await store.get(key)
        assert stored is not None
        assert stored.revision == int(revision)
        assert stored.value == b"x" * 500
    await store.close()


async def test_after_the_kill_revisions_go_on_without_a_hole(tmp_path):
    path = tmp_path / "store.db"
    await write_and_kill(path, 100)

    store = await SqliteStore.open(path)
    last = await store.current_revision()
    watch = store.watch("/registry/", 0)
    created = await store.create("/registry/pods/after", b"")
    events = [await anext(watch) for _ in range(created)]

    assert created == last + 1
    assert [event.revision for event in events] == list(range(1, created + 1))
    await store.close()
