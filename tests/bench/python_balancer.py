"""A balancer of the old kind, for the benchmarks: FastAPI, httpx and uvicorn in one process.

It reads a whole request into memory, picks the instance with the least of reported jobs plus
requests that it has pending there (ties at random), and sends the whole response back. The jobs
are asked for every HEALTH_CHECK_INTERVAL seconds, of each instance by itself.

Environment: INSTANCE_N_URL, PORT, HEALTH_CHECK_INTERVAL.
"""

import asyncio
import os
import random
import re

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

INTERVAL = float(os.environ.get("HEALTH_CHECK_INTERVAL", 30))
UNHEALTHY_AFTER = 3
REQUEST_TIMEOUT = 3600
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade"}
OURS_TO_WRITE = HOP_BY_HOP | {"host", "content-length"}


class Instance:
    def __init__(self, number, url):
        self.number = number
        self.url = url.rstrip("/")
        self.reported = None
        self.pending = 0
        self.failures = 0

    def is_healthy(self):
        return self.failures < UNHEALTHY_AFTER

    def load(self):
        return (self.reported or 0) + self.pending

    async def check(self, client):
        try:
            answer = await client.get(f"{self.url}/health", timeout=max(INTERVAL, 1))
            answer.raise_for_status()
            health = answer.json()
            active = health.get("active_jobs")
            if active is None:
                active = health["concurrency"]["active_transcriptions"]
            self.reported = active
            self.failures = 0
        except (httpx.HTTPError, KeyError, ValueError):
            self.failures += 1

    async def check_forever(self, client):
        while True:
            await self.check(client)
            await asyncio.sleep(INTERVAL)


def instances_of_environment():
    found = (
        (re.fullmatch(r"INSTANCE_(\d+)_URL", name), url) for name, url in os.environ.items()
    )
    return sorted((Instance(int(m[1]), url) for m, url in found if m), key=lambda i: i.number)


INSTANCES = instances_of_environment()
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=0)


app = FastAPI()


# FastAPI of Debian 12 has no lifespan yet.
@app.on_event("startup")
async def startup():
    app.state.client = httpx.AsyncClient(limits=NO_LIMITS, timeout=REQUEST_TIMEOUT)
    app.state.checks = httpx.AsyncClient()
    app.state.loops = [asyncio.create_task(i.check_forever(app.state.checks)) for i in INSTANCES]


@app.on_event("shutdown")
async def shutdown():
    for loop in app.state.loops:
        loop.cancel()
    await app.state.client.aclose()
    await app.state.checks.aclose()


@app.get("/health")
async def health():
    return {
        "ready": all(i.reported is not None or i.failures for i in INSTANCES),
        "instances": [
            {"url": i.url, "is_healthy": i.is_healthy(), "active_jobs": i.reported}
            for i in INSTANCES
        ],
    }


def end_to_end(headers, left_out):
    return {name: value for name, value in headers.items() if name.lower() not in left_out}


@app.post("/v1/audio/transcriptions")
async def transcribe(request: Request):
    body = await request.body()
    healthy = [i for i in INSTANCES if i.is_healthy()]
    if not healthy:
        return Response('{"detail":"No healthy backend instances available"}', 503)
    least = min(i.load() for i in healthy)
    instance = random.choice([i for i in healthy if i.load() == least])
    instance.pending += 1
    try:
        answer = await app.state.client.post(
            instance.url + request.url.path,
            content=body,
            headers=end_to_end(request.headers, OURS_TO_WRITE),
        )
    except httpx.HTTPError as error:
        return Response(f'{{"detail":"{type(error).__name__}"}}', 502)
    finally:
        instance.pending -= 1
    # httpx has undone a content coding already.
    left_out = HOP_BY_HOP | {"content-length", "content-encoding"}
    return Response(answer.content, answer.status_code, end_to_end(answer.headers, left_out))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
