"""The compose file, for real: `make containers`. It needs Docker Compose, or what speaks as it does.

LEASTJOBS_COMPOSE is the command, `docker compose` if unset; LEASTJOBS_UP are more arguments of its
`up`. The images are there already.
"""

import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = shlex.split(os.environ.get("LEASTJOBS_COMPOSE", "docker compose"))
UP = ["up", "-d", *shlex.split(os.environ.get("LEASTJOBS_UP", ""))]
PORTS = {"BIND_ADDRESS": "127.0.0.1", "PORT": "18080", "ADMIN_PORT": "18404"}
URL = "http://127.0.0.1:18080"
TIMEOUT_S = 240
# A name is asked for every 5 s, and an engine's name server may be slow on a busy machine.
FOUND_S = 30
TAKEN_S = 3


class Project:
    """A folder as a user has it, with its containers."""

    def __init__(self, folder):
        self.folder = folder
        self.pool = concurrent.futures.ThreadPoolExecutor(64)
        for name in ("docker-compose.yml", "deploy", ".env.example"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)

    def compose(self, *arguments, check=True):
        done = subprocess.run(
            [*COMPOSE, *arguments],
            cwd=self.folder,
            env=os.environ | PORTS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout
        return done

    def write_env(self, *lines):
        """As an editor does: another file in its place."""
        new = self.folder / ".env.new"
        new.write_text("HEALTH_CHECK_INTERVAL=1\n" + "".join(f"{line}\n" for line in lines))
        new.rename(self.folder / ".env")

    def container(self, service):
        return self.compose("ps", "-q", service).stdout.split()

    def health(self):
        try:
            with urllib.request.urlopen(f"{URL}/health", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return {"healthy_instances": 0, "instances": []}

    def wait(self, condition, what, seconds=FOUND_S):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {what}: {self.health()}"
            time.sleep(0.1)

    def wait_for(self, count, seconds=FOUND_S):
        """Until so many instances are there for jobs."""

        def there():
            return [i for i in self.health()["instances"] if not i.get("is_leaving")]

        self.wait(
            lambda: len(there()) == count and all(i["is_healthy"] for i in there()),
            f"{count} instances",
            seconds,
        )

    def job(self, seconds):
        """One that lasts as long, of no audio but of so many bytes: see tests/sim/README.md."""
        request = urllib.request.Request(
            f"{URL}/v1/audio/transcriptions",
            data=bytes(int(32000 * seconds)),
            headers={"Content-Type": "audio/mpeg"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status

    def jobs(self, count, seconds):
        """They run when this returns; each one's result is its status."""
        running = self.health().get("total_active_jobs", 0)
        started = [self.pool.submit(self.job, seconds) for _ in range(count)]
        self.wait(
            lambda: self.health().get("total_active_jobs", 0) >= running + count, f"{count} jobs"
        )
        return started


def statuses(jobs):
    return [job.result(TIMEOUT_S) for job in jobs]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "leastjobs"
    folder.mkdir()
    made = Project(folder)
    try:
        yield made
    finally:
        made.compose("--profile", "demo", "down", "-v", "-t", "1", check=False)
        made.pool.shutdown()


@pytest.fixture
def demo(project):
    project.compose("--profile", "demo", *UP)
    project.wait_for(3)
    return project


def scale(project, count):
    project.compose("--profile", "demo", *UP, "--scale", f"worker={count}")


def test_the_demo_needs_no_env_file(demo):
    assert not (demo.folder / ".env").exists()
    assert statuses(demo.jobs(3, 3)) == [200] * 3


def test_workers_come_and_go_while_jobs_run_and_none_is_lost(demo):
    jobs = demo.jobs(6, 12)
    balancer = demo.container("leastjobs")
    scale(demo, 5)
    demo.wait_for(5)
    jobs += demo.jobs(4, 12)
    scale(demo, 2)
    demo.wait_for(2, 60)
    assert statuses(jobs) == [200] * 10
    assert statuses([demo.pool.submit(demo.job, 0.5) for _ in range(4)]) == [200] * 4
    assert demo.container("leastjobs") == balancer


def test_a_changed_env_file_is_in_force_without_a_new_container(demo):
    first, second, third = (f"INSTANCE_{n}_URL=http://leastjobs-worker-{n}:8000" for n in (1, 2, 3))
    demo.write_env(first)
    demo.wait_for(1, 10)
    balancer = demo.container("leastjobs")
    jobs = demo.jobs(1, 10)
    demo.write_env(first, second)
    demo.wait_for(2, TAKEN_S)
    with (demo.folder / ".env").open("a") as file:
        file.write(f"{third}\n")
    demo.wait_for(3, TAKEN_S)
    subprocess.run(["sed", "-i", "/INSTANCE_2/d", demo.folder / ".env"], check=True)
    demo.wait_for(2, TAKEN_S)
    assert statuses(jobs) == [200]
    assert demo.container("leastjobs") == balancer


def test_a_drain_outlives_a_new_container(demo):
    def drained():
        return [i["name"] for i in demo.health()["instances"] if i["is_drained"]]

    demo.compose("exec", "-T", "leastjobs", "leastjobs", "drain", "2")
    demo.wait(lambda: drained() == ["instance2"], "the drain")
    before = demo.container("leastjobs")
    demo.compose("--profile", "demo", *UP, "--force-recreate", "--no-deps", "leastjobs")
    demo.wait_for(3)
    assert demo.container("leastjobs") != before
    demo.wait(lambda: drained() == ["instance2"], "the drain in the new container")


def test_a_stop_lets_a_job_end(demo):
    jobs = demo.jobs(1, 5)
    demo.compose("stop", "leastjobs")
    assert statuses(jobs) == [200]
    assert re.search(r"Exited \(0\)", demo.compose("ps", "-a", "leastjobs").stdout)


def test_an_unfilled_env_file_is_said_on_the_first_screen(project):
    shutil.copy(project.folder / ".env.example", project.folder / ".env")
    done = project.compose(*UP, check=False)
    assert done.returncode != 0
    assert "INSTANCE_1_URL" in done.stdout
    text = (project.folder / ".env").read_text()
    filled = text.replace("INSTANCE_2_URL=", "INSTANCE_2_URL=http://gpu.example:8000", 1)
    (project.folder / ".env").write_text(filled)
    project.compose("config", "-q")
