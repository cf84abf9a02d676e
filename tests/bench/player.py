"""Plays the jobs of several runs at the same time, in one asyncio loop, and keeps their times.

A Run's jobs come when they are due, a Loop's each when the one before it has ended.
"""

import asyncio
import gc
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schedule import UPLOAD_PIECES, Job

JOB_PATH = "/v1/audio/transcriptions"
BODY = b"RIFF" + bytes(196)
PIECE = bytes(50)
LEAD_S = 0.5
# The runs' jobs are the same; played at the same instant they would wait for each other here.
STAGGER_S = 0.02


@dataclass
class Played:
    """A job as its client saw it; times are seconds since the epoch."""

    number: int
    job: Job
    scheduled: float
    begun: float = 0.0
    ended: float = 0.0
    status: int = 0  # 0: no whole response came


@dataclass(frozen=True)
class Run:
    jobs: Sequence[Job]
    port_of: Callable[[Job], int]  # where a job is sent
    # (seconds from the start, what is called then, in a thread)
    events: Sequence[tuple[float, Callable[[], None]]] = ()
    first: int = 0  # the number of the first job


@dataclass(frozen=True)
class Loop:
    """Clients that send one job after the other, all of the same length, for some seconds."""

    port: int
    clients: int
    time_ms: int
    seconds: float


def play(runs, drain_s):
    """Returns a list of Played for each Run, in the order of its jobs.

    Jobs that have no response `drain_s` after the last arrival are given up.
    """
    return _in_loop(_play(runs, drain_s))


def play_loops(loops):
    """Returns a list of Played for each Loop, in the order in which the jobs were sent."""
    return _in_loop(_play_loops(loops))


def _in_loop(coroutine):
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(coroutine)
    finally:
        gc.enable()


async def _play_loops(loops):
    plays = [[] for _ in loops]
    clients = [
        _client(loop, played) for loop, played in zip(loops, plays) for _ in range(loop.clients)
    ]
    await asyncio.gather(*clients)
    return plays


async def _client(loop, plays):
    clock = asyncio.get_running_loop()
    epoch = time.time() - clock.time()
    begin = clock.time()
    while (at := clock.time() - begin) < loop.seconds:
        job = Job(at=at, time_ms=loop.time_ms, direct=0, balancer=0, upload=0.0)
        played = Played(len(plays), job, epoch + begin + at)
        plays.append(played)
        await _run(played, loop.port, epoch)
        if played.status != 200:
            # What fails at once isn't followed by the next at once.
            await asyncio.sleep(loop.time_ms / 1000)


async def _act(due, action):
    loop = asyncio.get_running_loop()
    await asyncio.sleep(due - loop.time())
    await loop.run_in_executor(None, action)


async def _play(runs, drain_s):
    loop = asyncio.get_running_loop()
    epoch = time.time() - loop.time()
    plays, events = [], []
    for place, run in enumerate(runs):
        start = loop.time() + LEAD_S + place * STAGGER_S
        numbered = enumerate(run.jobs, run.first)
        plays.append([Played(number, job, epoch + start + job.at) for number, job in numbered])
        events += [asyncio.create_task(_act(start + at, action)) for at, action in run.events]
    order = [
        (played, run.port_of(played.job)) for run, played_run in zip(runs, plays)
        for played in played_run
    ]  # fmt: skip
    order.sort(key=lambda entry: entry[0].scheduled)
    tasks = []
    for played, port in order:
        delay = played.scheduled - epoch - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(_run(played, port, epoch)))
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=drain_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    # Not for their time, which is over, but for what went wrong in them.
    await asyncio.gather(*events)
    return plays


async def _run(played, port, epoch):
    loop = asyncio.get_running_loop()
    played.begun = epoch + loop.time()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await loop.sock_connect(connection, ("127.0.0.1", port))
            await _send(connection, played, port)
            # Everybody closes after the response, as the request asks.
            answer = b""
            while data := await loop.sock_recv(connection, 65536):
                answer += data
        except OSError:
            return
    played.ended = epoch + loop.time()
    played.status = _status(answer)


async def _send(connection, played, port):
    loop = asyncio.get_running_loop()
    upload = played.job.upload
    length = UPLOAD_PIECES * len(PIECE) if upload else len(BODY)
    head = (
        f"POST {JOB_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Content-Type: audio/wav\r\nContent-Length: {length}\r\n"
        f"X-Job: {played.number}\r\nX-Sim-Job-Time: {played.job.time_ms}\r\n"
        + ("X-Sim-Async: 1\r\n" if played.job.is_async else "")
        + "\r\n"
    ).encode()
    await loop.sock_sendall(connection, head + (PIECE if upload else BODY))
    begin = loop.time()
    for piece in range(1, UPLOAD_PIECES if upload else 1):
        due = begin + upload * piece / (UPLOAD_PIECES - 1)
        await asyncio.sleep(max(0, due - loop.time()))
        await loop.sock_sendall(connection, PIECE)


def _status(answer):
    """The status of a response that came whole, else 0."""
    head, found, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not found or not lines[0].startswith(b"HTTP/1.1 "):
        return 0
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and int(value) != len(body):
            return 0
    return int(lines[0].split(b" ")[1])
