"""Plays the jobs of several runs at the same time, in one asyncio loop, and keeps their times."""

import asyncio
import gc
import socket
import time
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


def play(runs, is_async, drain_s):
    """`runs`: one (jobs, port_of) each, where port_of(job) says where a job is sent.

    Returns a list of Played for each, in the order of the jobs. Jobs that have no response
    `drain_s` after the last arrival are given up.
    """
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(_play(runs, is_async, drain_s))
    finally:
        gc.enable()


async def _play(runs, is_async, drain_s):
    loop = asyncio.get_running_loop()
    epoch = time.time() - loop.time()
    plays = []
    for place, (jobs, _) in enumerate(runs):
        start = epoch + loop.time() + LEAD_S + place * STAGGER_S
        plays.append([Played(number, job, start + job.at) for number, job in enumerate(jobs)])
    order = [
        (played, port_of(played.job)) for (_, port_of), run in zip(runs, plays) for played in run
    ]
    order.sort(key=lambda entry: entry[0].scheduled)
    tasks = []
    for played, port in order:
        delay = played.scheduled - epoch - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(_run(played, port, is_async, epoch)))
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=drain_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return plays


async def _run(played, port, is_async, epoch):
    loop = asyncio.get_running_loop()
    played.begun = epoch + loop.time()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await loop.sock_connect(connection, ("127.0.0.1", port))
            await _send(connection, played, port, is_async)
            # Everybody closes after the response, as the request asks.
            answer = b""
            while data := await loop.sock_recv(connection, 65536):
                answer += data
        except OSError:
            return
    played.ended = epoch + loop.time()
    played.status = _status(answer)


async def _send(connection, played, port, is_async):
    loop = asyncio.get_running_loop()
    upload = played.job.upload
    length = UPLOAD_PIECES * len(PIECE) if upload else len(BODY)
    head = (
        f"POST {JOB_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Content-Type: audio/wav\r\nContent-Length: {length}\r\n"
        f"X-Job: {played.number}\r\nX-Sim-Job-Time: {played.job.time_ms}\r\n"
        + ("X-Sim-Async: 1\r\n" if is_async else "")
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
