"""No room for the log, nobody who reads it, few open files, a clock that goes backwards."""

import contextlib
import fcntl
import os
import signal
import socket
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

from load import (
    HANG,
    AgentWatch,
    Stream,
    mount,
    own_namespaces,
    picks,
    records_by_mark,
    start_agent,
    start_haproxy,
    wait_for_about,
    wait_until_in_use,
    worker_of,
    wrong_picks,
)
from processes import genconf_command, run
from waiting import SLOWNESS, wait_for

FILES = 64
FILES_OF_HAPROXY = 256
PLACES = 20
CLIENTS = 60
ELSEWHERE = 30
F_SETPIPE_SZ = 1031
PIPE_SIZE = 4 * 4096
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def assert_works_on(farm, stream, number=1):
    """Health checks still get through, and jobs follow them: that many others are at one."""
    farm.instances[number].set(external_jobs=ELSEWHERE)
    wait_for_about(farm, {number: ELSEWHERE}, tolerance=5)
    share = stream.count / len(farm.instances)
    wait_for(
        lambda: farm.in_flight()[number] <= share / 2,
        f"jobs to avoid instance{number} ({farm.in_flight()})",
    )
    stream.wait_for_new()
    farm.instances[number].set(external_jobs=0)
    wait_for_about(farm, {number: 0}, tolerance=5)
    stream.wait_for_new()
    farm.agent.assert_running()
    farm.haproxy.assert_running()
    assert all(row["status"].startswith("UP") for row in farm.servers().values())


# --- the disk


def fill(path):
    """Leaves no byte free on the file's disk."""
    with open(path, "wb", buffering=0) as file:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass


def test_the_disk_of_the_logs_is_full(lab):
    with own_namespaces():
        disk = lab.directory / "disk"
        disk.mkdir()
        mount("tmpfs", disk, "tmpfs", data="size=512k")
        logs = [disk / "agent.log", disk / "haproxy.log"]
        farm = lab.farm(3, LOG_LEVEL="DEBUG")
        farm.config_path = disk / "haproxy.cfg"
        farm.write_config()
        good = farm.config_path.read_bytes()
        start_agent(farm, redirect=f"2>>{logs[0]}")
        start_haproxy(farm, redirect=f">>{logs[1]}")
        wait_until_in_use(farm)
        with Stream(farm) as stream:
            stream.fault("disk full under the logs and haproxy.cfg")
            fill(disk / "filler")
            stuck = [log.stat().st_size for log in logs]
            assert_works_on(farm, stream)
            result = run(genconf_command() + ["-o", farm.config_path], farm.variables)
            assert result.returncode == 1
            assert b"haproxy.cfg" in result.stderr
            assert b"No space left on device" in result.stderr
            assert farm.config_path.read_bytes() == good
            assert {p.name for p in disk.iterdir()} == {
                "agent.log",
                "haproxy.log",
                "haproxy.cfg",
                "filler",
            }
            (disk / "filler").unlink()
            wait_for(
                lambda: all(log.stat().st_size > size + 500 for log, size in zip(logs, stuck)),
                "the logs to go on when there is room again",
            )
            stream.account(log=False)
            farm.write_config()
            assert farm.config_path.read_bytes() == good


# --- the log's reader


class Pipe:
    """What a process writes to; its reader can stop or go away."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._fd, F_SETPIPE_SZ, PIPE_SIZE)
        self.length = 0
        self._stop = threading.Event()
        self._thread = None
        self.read()

    def read(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.005):
            with contextlib.suppress(BlockingIOError):
                self.length += len(os.read(self._fd, 65536))

    def stop_reading(self):
        self._stop.set()
        self._thread.join()

    def is_full(self):
        waiting = bytearray(4)
        fcntl.ioctl(self._fd, 0x541B, waiting)  # FIONREAD
        return int.from_bytes(waiting, "little") > PIPE_SIZE // 2

    def close(self):
        if self._fd is not None:
            self.stop_reading()
            os.close(self._fd)
        self._fd = None


@contextlib.contextmanager
def farm_with_pipes(lab):
    farm = lab.farm(8, LOG_LEVEL="DEBUG", HEALTH_CHECK_INTERVAL="100ms")
    farm.write_config()
    pipes = [Pipe(lab.directory / "agent.pipe"), Pipe(lab.directory / "haproxy.pipe")]
    try:
        start_agent(farm, redirect=f"2>{pipes[0].path}")
        start_haproxy(farm, redirect=f">{pipes[1].path}")
        wait_until_in_use(farm)
        yield farm, pipes
    finally:
        for pipe in pipes:
            pipe.close()


def test_the_readers_of_the_logs_are_gone(lab):
    with farm_with_pipes(lab) as (farm, pipes):
        with Stream(farm) as stream, AgentWatch(farm, 2) as watch:
            assert all(pipe.length > 0 for pipe in pipes)
            stream.fault("log pipes closed")
            for pipe in pipes:
                pipe.close()
            assert_works_on(farm, stream)
            stream.account(log=False)
    assert watch.problems == []


def test_the_readers_of_the_logs_are_stuck(lab):
    with farm_with_pipes(lab) as (farm, pipes):
        with Stream(farm) as stream:
            stream.fault("log pipes full, nobody reads")
            for pipe in pipes:
                pipe.stop_reading()
            try:
                for pipe in pipes:
                    wait_for(pipe.is_full, f"{pipe.path.name} to be full")
                with AgentWatch(farm, 2) as watch:
                    assert_works_on(farm, stream)
            finally:
                before = [pipe.length for pipe in pipes]
                for pipe in pipes:
                    pipe.read()
            wait_for(
                lambda: all(p.length > b + 2 * PIPE_SIZE for p, b in zip(pipes, before)),
                "the logs to go on",
            )
            stream.account(log=False)
    assert watch.problems == []
    assert watch.worst < HANG


# --- open files


def test_few_open_files_for_the_agent_and_many_instances(lab):
    # Checks that wait for a file must not time out on a busy machine: their limit is the interval.
    farm = lab.farm(30, HEALTH_CHECK_INTERVAL="2s")
    farm.write_config()
    start_agent(farm, limits=f"ulimit -n {FILES}")
    farm.start_haproxy()
    wait_until_in_use(farm)
    with Stream(farm) as stream, AgentWatch(farm, 5) as watch:
        stream.fault("64 open files: the agent with 30 instances")
        stream.wait_for_new()
        farm.wait_for_polls(2)
        assert_few_files(farm.agent.pid)
        for instance in farm.instances.values():
            instance.set(external_jobs=5)
        wait_for_about(farm, dict.fromkeys(farm.instances, 5), tolerance=4)
        answers = checks_at_once(farm, 20)
        stream.account()
    # It keeps few connections, but not one that asked was turned away.
    assert [answer for answer in answers if not answer.startswith(b"up ")] == []
    assert watch.problems == []
    farm.agent.assert_running()
    lines = farm.agent.wait_for_err("limit of 64 open files is low for 30 instances")
    assert "health checks run at a time" in lines[0]
    assert "unhealthy" not in farm.agent.err()


def checks_at_once(farm, count):
    """What the agent answers to checks that it finds all together, as after a moment's pause."""
    line = b"instance5 external\n"
    with contextlib.ExitStack() as stack:
        farm.agent.send_signal(signal.SIGSTOP)
        try:
            connections = []
            for _ in range(count):
                connection = socket.create_connection(("127.0.0.1", farm.agent_port), 10)
                connections.append(stack.enter_context(connection))
                connection.sendall(line)
        finally:
            farm.agent.send_signal(signal.SIGCONT)
        answers = []
        for connection in connections:
            try:
                answers.append(connection.recv(4096))
            except ConnectionResetError:
                answers.append(b"reset")
        return answers


def assert_few_files(pid, files=FILES):
    limits = Path("/proc", str(pid), "limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(files), str(files)]


def jobs_at_a_time(tasks):
    """How many of the jobs that were done were being done when each of them ended."""
    done = [task for task in tasks if task.ok]
    middles = [(task, task.ended - task.job_time / 2000) for task in done]
    return [sum(t.ended - t.job_time / 1000 <= m <= t.ended for t in done) for _, m in middles]


def test_few_open_files_for_haproxy(lab):
    farm = lab.farm(3, MAX_CONNECTIONS=PLACES)
    farm.write_config()
    farm.start_agent()
    # Too few even for that: it says so at once, instead of failing when the jobs come.
    haproxy = start_haproxy(farm, limits=f"ulimit -n {FILES}")
    haproxy.expected = (1,)
    assert haproxy.wait() == 1
    assert "FD limit" in haproxy.err()
    assert f"limit is {FILES}" in haproxy.err()
    start_haproxy(farm, limits=f"ulimit -n {FILES_OF_HAPROXY}")
    wait_until_in_use(farm)
    assert_few_files(worker_of(farm.haproxy), FILES_OF_HAPROXY)
    with Stream(farm, count=CLIENTS, job_times=(200, 300)) as stream:
        stream.fault("256 open files: HAProxy with 20 connections for 60 clients", PLACES)
        stream.wait_for_more(2 * CLIENTS)
        stream.finish()
        refused = [task for task in stream.tasks if task.status == 503]
        # Whoever was refused was told so at once, may come again, and nobody had the job.
        assert [task for task in refused if not task.found_a_full_house] == []
        assert max(task.ended - task.sent for task in refused) < 1.0 * SLOWNESS
        # All others were done, once.
        assert len(stream.account(failed=refused, least_open=0)) == len(refused) > CLIENTS
        lines = picks(farm)
    assert all(lines[task.mark]["pick"] == "-" for task in refused)
    assert [task for task in refused if task.mark in records_by_mark(farm)] == []
    lines = {mark: line for mark, line in lines.items() if line["pick"] != "-"}
    # The places were used: the house was full, not shut.
    assert max(jobs_at_a_time(stream.tasks)) >= PLACES - 2
    assert wrong_picks(lines.values(), among=(1, 2, 3)) == []
    # Nobody was picked and not connected to for want of a file.
    assert all(line["tried"] == "-" for line in lines.values())
    assert all(int(row["chkdown"]) == 0 for row in farm.servers().values())


# --- the clock


class Clock:
    """The time of day that processes see, by libfaketime; the monotonic clock is left alone."""

    def __init__(self, directory):
        self._file = directory / "time"
        self.set("+0")
        assert FAKETIME.exists(), "libfaketime isn't installed"
        options = [os.environ.get("ASAN_OPTIONS", ""), "verify_asan_link_order=0"]
        self.variables = {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": self._file,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": ":".join(filter(None, options)),
        }

    def set(self, offset):
        new = self._file.with_suffix(".new")
        new.write_text(offset + "\n")
        new.replace(self._file)


def time_of_last_line(agent):
    words = agent.err().splitlines()[-1].split()
    return datetime.fromisoformat(words[0].replace("Z", "+00:00"))


def test_the_clock_goes_back_an_hour(lab):
    clock = Clock(lab.directory)
    farm = lab.farm(3, LOG_LEVEL="DEBUG")
    farm.write_config()
    start_agent(farm, variables=clock.variables)
    start_haproxy(farm, variables=clock.variables)
    wait_until_in_use(farm)
    for pid in (farm.agent.pid, worker_of(farm.haproxy)):
        assert FAKETIME.name in Path("/proc", str(pid), "maps").read_text()
    hour = timedelta(hours=1)
    with Stream(farm) as stream, AgentWatch(farm, 2) as watch:
        stream.fault("clock set back an hour")
        clock.set("-3600s")
        wait_for(
            lambda: datetime.now(timezone.utc) - time_of_last_line(farm.agent) > hour * 0.99,
            "the agent's clock to go back",
        )
        assert_works_on(farm, stream)
        stream.account()
        lines = picks(farm)
    assert watch.problems == []
    assert watch.worst < HANG
    assert wrong_picks(lines.values(), among=(1, 2, 3)) == []
    for line in lines.values():
        assert 0 <= int(line["rest"].partition(" total=")[2].split()[0]) < 60_000, line["line"]
    assert "unhealthy" not in farm.agent.err()
    assert "failed" not in farm.agent.err()
