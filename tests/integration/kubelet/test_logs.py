"""Every combination of a log's parameters, rotation, and the streams apart.

What is expected comes from a reading of the rules that is as plain as can be: the file
record by record, one filter after the other (logs.md section 6).
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
from pathlib import Path

import pytest

from tests.integration.kubelet.conftest import container, has_ended, pod, status_of

LINES = [
    # time, stream, tag, content
    ("2024-05-01T10:00:00.000000001Z", "stdout", "F", b"one"),
    ("2024-05-01T10:00:01.5Z", "stderr", "F", b"two"),
    ("2024-05-01T10:00:02Z", "stdout", "P", b"begun "),
    ("2024-05-01T10:00:03Z", "stdout", "P", b"and "),
    ("2024-05-01T10:00:04Z", "stdout", "F", b"ended"),
    ("2024-05-01T10:00:05Z", "stderr", "F", b""),
    ("2024-05-01T10:00:06Z", "stdout", "F:x", b"\xff\x00 spaced  out "),
    ("2024-05-01T10:00:07Z", "stderr", "P", b"cut off"),
]
TAILS = [None, 0, 1, 3, 100]
SINCES = [None, 1714557601, 1714557604, 1714557700]
LIMITS = [None, 1, 35, 1000]
STREAMS = [None, "All", "Stdout", "Stderr"]


def file_of(lines):
    return b"".join(
        f"{time} {stream} {tag} ".encode() + content + b"\n"
        for time, stream, tag, content in lines
    )


def nine_digits(time):
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}Z"


def expected(tail, since, timestamps, limit, stream):
    """What the reader gets."""
    lines = LINES if tail is None else LINES[len(LINES) - min(tail, len(LINES)) :]
    output = b""
    starts_line = True
    for time, source, tag, content in lines:
        second = int(time[17:19])
        if since is not None and 1714557600 + second + (".5" in time) / 2 < since:
            continue
        text = content if tag.startswith("P") else content + b"\n"
        if timestamps and starts_line:
            text = nine_digits(time).encode() + b" " + text
        starts_line = text.endswith(b"\n")
        if stream in (None, "All", source.capitalize()):
            output += text
    return output if limit is None else output[:limit]


def query_of(tail, since, timestamps, limit, stream):
    given = {
        "tailLines": tail,
        "sinceTime": since
        and f"2024-05-01T10:{(since - 1714557600) // 60:02}"
        f":{(since - 1714557600) % 60:02}Z",
        "timestamps": "true" if timestamps else None,
        "limitBytes": limit,
        "stream": stream,
    }
    pairs = (f"{name}={value}" for name, value in given.items() if value is not None)
    return "&".join(pairs)


async def ended_pod(world):
    """A pod whose only container has ended; its log file is the test's to write."""
    world.api.add("pods", pod_that_ends("web"))
    found = await world.api.pod("web", has_ended)
    uid = found["metadata"]["uid"]
    return Path(world.config.pod_logs_dir, f"default_web_{uid}", "c", "0.log")


def pod_that_ends(name, command="true"):
    return pod(name, container("c", command), restartPolicy="Never")


async def test_every_combination_of_parameters(bare_world):
    world = await bare_world.start(feature_gates={"PodLogsQuerySplitStreams": True})
    file = await ended_pod(world)
    file.write_bytes(file_of(LINES))
    differing = []

    for options in itertools.product(TAILS, SINCES, [False, True], LIMITS, STREAMS):
        tail, stream = options[0], options[4]
        status, body = await ask(world, options)
        if tail is not None and stream in ("Stdout", "Stderr"):
            answer = (422, b'{"message": "Invalid request."}')
        else:
            answer = (200, expected(*options))
        if (status, body) != answer:
            differing.append((query_of(*options), (status, body), answer))

    assert differing == []


async def test_follow_of_an_ended_container_reads_the_same_and_ends(bare_world):
    world = await bare_world.start(feature_gates={"PodLogsQuerySplitStreams": True})
    file = await ended_pod(world)
    file.write_bytes(file_of(LINES))
    options = itertools.product([None, 0, 3], [None], [False, True], [None, 5], [None])

    for each in options:
        _, body = await ask(world, each, "&follow=true")
        assert body == expected(*each)


async def ask(world, options, more=""):
    target = f"/containerLogs/default/web/c?{query_of(*options)}{more}"
    response = await world.get(target)
    return response.status, response.body


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("stream=Both", 422, '{"message": "Invalid request."}'),
        ("stream=Stdout&tailLines=1", 422, '{"message": "Invalid request."}'),
        ("sinceSeconds=0", 422, '{"message": "Invalid request."}'),
        ("sinceSeconds=1&sinceTime=2024-05-01T10:00:00Z", 422, None),
        ("limitBytes=0", 422, '{"message": "Invalid request."}'),
        ("tailLines=1_0", 400, '{"message": "Unable to decode query."}'),
        ("tailLines=%2B1", 200, ""),
        ("sinceTime=noon", 400, '{"message": "Unable to decode query."}'),
        ("tail=all&tailLines=1", 200, ""),
        ("tail=some", 400, '{"message": "Unable to decode query."}'),
        ("limitBytes=9223372036854775808", 400, None),
    ],
)
async def test_queries_at_their_edges(shared, query, status, body):
    answered, text = await shared.text(f"/containerLogs/default/web/c?{query}")

    assert answered == status
    assert body is None or text == body


@pytest.fixture
async def shared(world):
    await ended_pod(world)
    return world


async def test_output_and_errors_come_apart(bare_world):
    world = await bare_world.start(feature_gates={"PodLogsQuerySplitStreams": True})
    command = "echo out; echo err >&2; printf partial"
    world.api.add("pods", pod_that_ends("web", command))
    await world.api.pod("web", has_ended)

    answers = {
        stream: await ask(world, (None, None, False, None, stream))
        for stream in ("Stdout", "Stderr")
    }

    assert answers == {
        "Stdout": (200, b"out\npartial"),
        "Stderr": (200, b"err\n"),
    }


COUNT = 'i=0; while ! test -e stop; do echo "$i"; i=$((i+1)); done'
ROTATIONS = 5


async def test_a_follower_loses_no_line_over_rotations(bare_world):
    """The real runtime writes as fast as it can; its log is rotated all the time."""
    world = await bare_world.start(
        container_log_max_size="2Ki",
        container_log_max_files=1000,
        container_log_monitor_interval=3600.0,  # this test says when
    )
    await world.run("web", container("c", COUNT), restartPolicy="Never")
    target = "/containerLogs/default/web/c?follow=true"

    async with world.client.stream("GET", target) as response:
        pieces = aiter(response)
        first = await anext(pieces)  # it follows from here on
        reading = asyncio.ensure_future(rest_of(pieces))
        await rotate(world)
        await world.exec("/exec/default/web/c?output=1&command=touch&command=stop")
        numbers = (first + await reading).split()

    assert numbers == [b"%d" % number for number in range(len(numbers))]
    assert len(numbers) > ROTATIONS


async def rest_of(pieces):
    return b"".join([piece async for piece in pieces])


async def rotate(world):
    """Rotate as soon as there is enough, each time a second later by its clock."""
    moments = itertools.count(1714564800)
    rotation = world.kubelet._rotation
    rotation._now = lambda: next(moments)
    (container_id,) = await world.kubelet.runtime.running_container_ids()
    rotated = 0
    while rotated < ROTATIONS:
        rotated += await rotation.rotate_if_large(container_id)


async def test_the_log_of_the_instance_before_has_its_last_lines(bare_world):
    """Rotated and current file together are whole; `previous` reads the current one."""
    world = await bare_world.start(
        container_log_max_size="2Ki", container_log_max_files=1000
    )
    command = f"test -e stop && sleep 1000; {COUNT}"
    await world.run("web", container("c", command))

    await rotate(world)
    await world.exec("/exec/default/web/c?output=1&command=touch&command=stop")
    found = await world.api.pod("web", lambda p: status_of(p).get("restartCount") == 1)
    status, text = await world.text("/containerLogs/default/web/c?previous=true")

    files = rotated_of(world, found)
    rotated = b"".join(map(content, files))
    numbers = [line.split(b" ", 3)[3] for line in rotated.splitlines()]
    numbers += text.encode().split()
    assert status == 200
    assert numbers == [b"%d" % number for number in range(len(numbers))]
    assert [file.suffix == ".gz" for file in files] == [True] * 4 + [False]


def rotated_of(world, pod):
    folder = f"default_web_{pod['metadata']['uid']}"
    return sorted(Path(world.config.pod_logs_dir, folder, "c").glob("0.log.*"))


def content(file):
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data
