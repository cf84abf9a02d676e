"""A steady stream of jobs, with a record of each, while a test breaks one thing; and the breaking.

A test says what it broke by stream.fault("…"), and stream.account() judges every job. A row of
figures goes to the captured output (pytest -rA shows it) and, as a line of JSON, to the file
$LEASTJOBS_FAULT_REPORT.
"""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import heapq
import json
import os
import random
import re
import selectors
import shutil
import signal
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from client import JOB_PATH, job_number
from processes import (
    Process,
    agent_command,
    haproxy_command,
    memory_kib,
    reset_peak_memory,
)
from sim import Sim
from waiting import SLOWNESS, wait_for

OPEN_JOBS = 60
LEAST_OPEN = 50
BIG = 300_000
TICK = 0.02
# A job that failed at once isn't followed by the next at once: it would be a flood.
PAUSE_AFTER_FAILURE = 0.05
# A bound on what must not hang; nothing here measures speed.
HANG = 5.0 * SLOWNESS
MARK = re.compile(r"[?&]job=([0-9-]+)")
TRANSCRIPT = re.compile(r"simulated transcript from instance \d+")


def big_body(length):
    period = bytes((i * 31 + 7) % 251 for i in range(251))
    return (period * (length // 251 + 1))[:length]


BODIES = {
    "json": random.Random(1).randbytes(2_000),
    "upload": random.Random(2).randbytes(150_000),
    "big": random.Random(3).randbytes(2_000),
    "drip": random.Random(4).randbytes(2_000),
    "slow upload": random.Random(5).randbytes(400_000),
}
SHA256 = {kind: hashlib.sha256(body).hexdigest() for kind, body in BODIES.items()}
RESPONSES = {"big": f"big:{BIG}", "drip": "drip"}
BIG_BODY = big_body(BIG)
# What runs everywhere; tests of connections that stay open for long add the rest.
SHORT = ("json", "upload", "big")
LONG = ("json", "upload", "big", "drip", "slow upload")
# Where a broken-off response has to be a 502: the response is one small write.
WAITING = ("json", "upload")


class Task:
    """One job: what was sent, and what came back."""

    def __init__(self, kind, job_time):
        self.kind = kind
        self.job_time = job_time
        self.mark = job_number()
        self.sent = time.monotonic()
        self.ended = None
        self.status = None
        self.headers = {}
        self.body = b""
        self.problem = None
        self.instance = None

    def __repr__(self):
        times = f"{self.sent:.3f}-{self.ended:.3f}" if self.ended else f"{self.sent:.3f}-"
        return (
            f"<{self.mark} {self.kind} {times} by {self.instance}: {self.status} "
            f"{self.problem or 'ok'} {self.body[:80]!r}>"
        )

    @property
    def ok(self):
        return self.ended is not None and self.problem is None

    @property
    def was_refused(self):
        """Nobody listened at the balancer's port: it was never sent."""
        return self.problem is not None and os.strerror(errno.ECONNREFUSED) in self.problem

    @property
    def found_a_full_house(self):
        """More jobs than MAX_CONNECTIONS: it may be sent again, and is, by the next task."""
        return self.is_json_error(503) and self.headers.get("retry-after") == "5"

    @property
    def overhead(self):
        """Seconds that weren't the job itself."""
        return self.ended - self.sent - self.job_time / 1000

    def is_json_error(self, status):
        """An answer of HAProxy's own, in the form that clients may rely on."""
        if self.status != status or self.headers.get("content-type") != "application/json":
            return False
        return isinstance(json.loads(self.body)["detail"], str)

    def message(self):
        fields = [
            f"POST {JOB_PATH}?job={self.mark} HTTP/1.1",
            "Host: balancer",
            "Content-Type: audio/wav",
            f"Content-Length: {len(BODIES[self.kind])}",
            f"X-Sim-Job-Time: {self.job_time}",
        ]
        if self.kind in RESPONSES:
            fields.append(f"X-Sim-Response: {RESPONSES[self.kind]}")
        return "\r\n".join(fields).encode() + b"\r\n\r\n" + BODIES[self.kind]

    def judge(self, data, error):
        """Takes the response as it came, to the end of the connection."""
        self.ended = time.monotonic()
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            self.problem = f"no response: {error or 'closed'} after {len(data)} bytes"
            return
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        complete = self._take_body(rest)
        if not complete:
            self.problem = f"response cut short: {error or 'closed'} after {len(rest)} bytes"
        elif self.status != 200:
            self.problem = "not 200"
        elif not self._is_right():
            self.problem = "wrong bytes"

    def _take_body(self, rest):
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while True:
                size, separator, rest = rest.partition(b"\r\n")
                if not separator:
                    return False
                length = int(size, 16)
                if len(rest) < length + 2:
                    return False
                if length == 0:
                    self.body = b"".join(parts)
                    return True
                parts.append(rest[:length])
                rest = rest[length + 2 :]
        self.body = rest
        return len(rest) == int(self.headers.get("content-length", len(rest)))

    def _is_right(self):
        if self.kind == "big":
            return self.body == BIG_BODY
        if self.kind == "drip":
            return self.body == b"0123456789"
        return TRANSCRIPT.search(json.loads(self.body)["text"]) is not None


class _Exchange:
    """A task's connection."""

    def __init__(self, task, port):
        self.task = task
        self.unsent = memoryview(task.message())
        self.received = []
        self.piece = len(self.unsent)
        self.pause = 0.0
        if task.kind == "slow upload":
            self.piece, self.pause = 20_000, 0.1
        self.socket = socket.socket()
        self.socket.setblocking(False)
        code = self.socket.connect_ex(("127.0.0.1", port))
        self.failed_at_once = code if code not in (0, errno.EINPROGRESS) else None


class Stream:
    """Keeps `count` jobs open: each that ends is followed by a new one in the same moment."""

    def __init__(self, farm, count=OPEN_JOBS, kinds=SHORT, job_times=(400, 900)):
        self.farm = farm
        self.count = count
        self.tasks = []
        self.lowest_open = count
        self.row = None
        self.running = None
        self.fault_at = None
        self._kinds = kinds
        self._job_times = job_times
        self._random = random.Random(7)
        self._open = {}
        self._answered = 0
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._later = []
        self._started = time.monotonic()
        self._crash = None
        self._thread = threading.Thread(target=self._run)

    # --- for tests

    def __enter__(self):
        self._thread.start()
        try:
            # Every instance has some, and each of the first ones was replaced.
            self.wait_for_more(self.count)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def open_count(self):
        return len(self._open)

    def fault(self, row, least_open=LEAST_OPEN):
        """Says what is broken from now on; counts the requests that are running."""
        self.row = row
        self.running = self.open_count()
        self.fault_at = time.monotonic()
        assert self.running >= least_open, self.running
        return self.fault_at

    def answered(self):
        return self._answered

    def wait_for_more(self, count, timeout=30.0):
        begin = self._answered

        def enough():
            assert self._crash is None, self._crash
            return self._answered >= begin + count

        wait_for(enough, f"{count} more answers ({self.open_count()} jobs open)", timeout)

    def wait_for_new(self, count=None):
        """Waits for answers to that many jobs that have not been sent yet."""
        now = time.monotonic()
        wanted = count or self.count
        wait_for(
            lambda: sum(1 for t in list(self.tasks[-5000:]) if t.sent > now and t.ok) >= wanted,
            f"answers to {wanted} new jobs",
        )

    def finish(self):
        """No new jobs; waits for the end of those that are open."""
        self._stop.set()
        wait_for(
            lambda: not self._thread.is_alive() or self._crash,
            "the open jobs to end",
            timeout=30,
        )
        self._thread.join()
        assert self._crash is None, self._crash
        return self

    def failed(self):
        return [task for task in self.tasks if not task.ok]

    def sent_between(self, begin, end=float("inf")):
        return [task for task in self.tasks if begin < task.sent < end]

    def open_at(self, moment):
        return self.open_between(moment, moment)

    def open_between(self, begin, end):
        """Those that were open at some moment of it."""
        return [task for task in self.tasks if task.sent < end and task.ended > begin]

    # --- the loop

    def _run(self):
        try:
            self._loop()
        except BaseException as problem:  # shown by whoever waits
            self._crash = problem
            raise
        finally:
            for exchange in list(self._open.values()):
                exchange.socket.close()
            self._selector.close()

    def _loop(self):
        # Spread over the first moments, as clients come; the times are random anyway.
        for _ in range(self.count):
            self._start()
        while self._open or self._later:
            if self._stop.is_set():
                self._later = [entry for entry in self._later if entry[2] is not None]
                if not self._open:
                    return
            for key, events in self._selector.select(TICK):
                exchange = key.data
                if events & selectors.EVENT_READ and not self._receive(exchange):
                    continue
                if events & selectors.EVENT_WRITE:
                    self._send(exchange)
            self._run_timers()

    def _run_timers(self):
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            _, _, exchange = heapq.heappop(self._later)
            if exchange is None:
                if not self._stop.is_set():
                    self._start()
            elif exchange.task.ended is None:
                self._send(exchange)

    def _at(self, delay, exchange):
        heapq.heappush(self._later, (time.monotonic() + delay, random.random(), exchange))

    def _start(self):
        kind = self._kinds[len(self.tasks) % len(self._kinds)]
        task = Task(kind, self._random.randint(*self._job_times))
        exchange = _Exchange(task, self.farm.port)
        self.tasks.append(task)
        self._open[task.mark] = exchange
        if exchange.failed_at_once is not None:
            self._end(exchange, os.strerror(exchange.failed_at_once))
            return
        self._selector.register(
            exchange.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, exchange
        )

    def _watch(self, exchange, events):
        self._selector.modify(exchange.socket, events, exchange)

    def _send(self, exchange):
        try:
            sent = exchange.socket.send(exchange.unsent[: exchange.piece])
        except BlockingIOError:
            return
        except OSError:
            # Whatever was answered before that can still be read.
            exchange.unsent = exchange.unsent[:0]
            sent = 0
        exchange.unsent = exchange.unsent[sent:]
        if not exchange.unsent:
            self._watch(exchange, selectors.EVENT_READ)
        elif exchange.pause:
            self._watch(exchange, selectors.EVENT_READ)
            self._at(exchange.pause, exchange)

    def _receive(self, exchange):
        """Returns False at the end."""
        try:
            data = exchange.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError as error:
            self._end(exchange, error.strerror)
            return False
        if data:
            exchange.received.append(data)
            return True
        self._end(exchange, None)
        return False

    def _end(self, exchange, error):
        task = exchange.task
        with contextlib.suppress(KeyError):
            self._selector.unregister(exchange.socket)
        exchange.socket.close()
        task.judge(b"".join(exchange.received), error)
        del self._open[task.mark]
        self._answered += task.ok
        if self._stop.is_set():
            return
        self.lowest_open = min(self.lowest_open, len(self._open))
        # One that broke with its instance has a place elsewhere.
        broke = task.status == 502
        if not task.ok and not broke and task.ended - task.sent < PAUSE_AFTER_FAILURE:
            self._at(PAUSE_AFTER_FAILURE, None)
        else:
            self._start()

    # --- the books

    def account(self, failed=(), least_open=LEAST_OPEN, lost=(), log=True):
        """Ends the stream and judges every job of it.

        `failed`: the tasks that may have failed, no others. `lost`: numbers of instances whose
        simulator lost its records. Returns the tasks that failed.
        """
        self.finish()
        problems = []
        allowed = {task.mark for task in failed}
        records = records_by_mark(self.farm)
        # Only what was answered is sure to be in the log.
        answered = {task.mark for task in self.tasks if task.status is not None}
        picks = picks_by_mark(self.farm, answered) if log else {}
        for task in self.tasks:
            found = records.get(task.mark, [])
            pick = picks.get(task.mark)
            if found:
                task.instance = found[0][0]
            elif pick and pick["pick"].startswith("instance"):
                task.instance = int(pick["pick"].removeprefix("instance"))
            if not task.ok and task.mark not in allowed:
                problems.append(f"failed: {task}")
            if len(found) > 1:
                problems.append(f"sent {len(found)} times: {task}: {found}")
            if task.ok:
                problems += self._compare(task, found, task.instance in lost)
        row = self._report()
        shown = "\n".join(problems[:20])
        assert not problems, f"{len(problems)} of {len(self.tasks)} jobs, {row}:\n{shown}"
        assert self.lowest_open >= least_open, f"at one time only {self.lowest_open} were open"
        return self.failed()

    def _compare(self, task, found, is_lost):
        if not found:
            return [] if is_lost else [f"answered, but no instance had it: {task}"]
        record = found[0][1]
        if record.values["body_sha256"] != SHA256[task.kind]:
            return [f"the instance got other bytes: {task}: {record}"]
        if record.outcome != "answered":
            return [f"answered, but the instance says {record.outcome}: {task}"]
        return []

    def _report(self):
        refused = sum(task.was_refused for task in self.tasks)
        return report(
            self.row,
            running=self.running,
            failed=len(self.failed()) - refused,
            refused=refused,
            requests=len(self.tasks),
            lowest_open=self.lowest_open,
            seconds=round(time.monotonic() - self._started, 1),
        )


def report(row, **figures):
    """One row of the table of faults."""
    text = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in figures.items())
    print(f"\nfault: {row}: {text}")
    path = os.environ.get("LEASTJOBS_FAULT_REPORT")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"row": row} | figures) + "\n")
    return figures


def records_by_mark(farm):
    """mark -> [(number, record)] of every simulator that still runs."""
    numbers = {}
    for number, instance in farm.instances.items():
        if hasattr(instance, "sim"):
            numbers.setdefault(instance.sim, {})[instance.index] = number
    found = {}
    for sim, indices in numbers.items():
        if not sim.is_running():
            continue
        for record in sim.requests():
            mark = MARK.search(record.target)
            # One simulator may play instances that were taken out of the farm meanwhile.
            number = indices.get(record.instance)
            if mark:
                found.setdefault(mark.group(1), []).append((number, record))
    return found


def picks(farm):
    """mark -> the line of HAProxy's log, as far as it is written."""
    found = {}
    for line in farm.log():
        mark = MARK.search(line["rest"])
        if mark:
            found[mark.group(1)] = line
    return found


def picks_by_mark(farm, marks):
    """The same, once there is a line for each of these."""

    def all_there():
        found = picks(farm)
        assert marks <= found.keys(), f"not in the log: {sorted(marks - found.keys())[:5]}"
        return found

    return wait_for(all_there, "HAProxy's log of every job")


def wrong_picks(lines, among):
    """Lines of HAProxy's log whose pick hadn't the least load of the instances that could be."""
    wrong = []
    for line in lines:
        if line["tried"] != "-":
            continue
        loads = {}
        for entry in line["loads"].split(","):
            number, _, load = entry.partition(":")
            loads[f"instance{number}"] = sum(map(int, load.split("+")))
        eligible = {f"instance{number}" for number in among}
        least = min(load for name, load in loads.items() if name in eligible)
        if line["pick"] not in eligible or loads[line["pick"]] != least:
            wrong.append(line["line"])
    return wrong


def wait_for_about(farm, expected, tolerance=8):
    """Waits for these external jobs in HAProxy; while jobs come and go they are never exact."""

    def about():
        external = farm.external()
        for number, jobs in expected.items():
            assert abs(external[number] - jobs) <= tolerance, f"external jobs are {external}"
        return True

    wait_for(about, f"external jobs of about {expected}")


def wait_for_share(farm, stream, number, share=0.7):
    """Waits until an instance has about its part of what is open."""
    fair = stream.count / len(farm.instances)
    wait_for(
        lambda: farm.in_flight()[number] >= share * fair,
        f"instance{number} to get its share of {fair:.0f} jobs (now {farm.in_flight()})",
    )


# --- instances


class FixedPort:
    """What Sim asks for its row of ports, for one that must be where another was."""

    def __init__(self, port):
        self._port = port

    def take_row(self, count):
        return self._port


def separate_sims(lab, count, arguments=("--slots", 1000)):
    """Instances that are one process each."""
    return [lab.sim(1, arguments).instances[0] for _ in range(count)]


def start_sim_again(lab, instance, arguments=("--slots", 1000)):
    """A new process at the place of one that was killed."""
    sim = Sim(lab.name("sim"), lab.directory, FixedPort(instance.port), 1, arguments)
    lab.start(sim).wait_until_ready()
    return sim.instances[0]


# --- processes under restrictions


def wrap(command, limits="", redirect=""):
    """A command behind `ulimit …` or an `export …`, with its output redirected; the same pid."""
    prefix = f"{limits} && " if limits else ""
    return ["/bin/sh", "-c", f'{prefix}exec "$@" {redirect}', "sh", *command]


def start_agent(farm, limits="", redirect="", variables=None, arguments=()):
    farm.agent = farm.lab.start(
        Process(
            farm.lab.name("agent"),
            wrap(agent_command() + [str(a) for a in arguments], limits, redirect),
            farm.lab.directory,
            farm.variables | (variables or {}),
        )
    )
    return farm.agent


def start_haproxy(farm, limits="", redirect="", variables=None):
    command = haproxy_command() + ["-W", "-f", str(farm.config_path)]
    farm.haproxy = farm.lab.start(
        Process(
            farm.lab.name("haproxy"),
            wrap(command, limits, redirect),
            farm.lab.directory,
            variables,
        )
    )
    return farm.haproxy


def wait_until_in_use(farm, but=()):
    """Until HAProxy has had the agent's word on each instance, but some."""
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    wait_for(
        lambda: all(i["last_check"] is not None for i in farm.health_of_all().values()),
        "every instance's first health check",
    )
    wait_for(
        lambda: all(
            row["agent_status"] == "L7OK" or number in but
            for number, row in farm.servers().items()
        ),
        "every instance's first agent-check",
    )
    return farm


def worker_of(haproxy):
    """The pid of HAProxy's only worker."""

    def only_one():
        children = haproxy.children()
        return children[0] if len(children) == 1 else None

    return wait_for(only_one, "one worker of HAProxy")


def reload_and_wait(farm):
    """SIGUSR2 to the master; returns when a new process answers."""
    before = set(farm.haproxy.children())
    old = farm.runtime("show info").partition("\nPid: ")[2].partition("\n")[0]
    farm.haproxy.send_signal(signal.SIGUSR2)
    wait_for(lambda: set(farm.haproxy.children()) - before, "a new worker")

    def answers():
        try:
            return f"\nPid: {old}\n" not in farm.runtime("show info")
        except OSError:
            return False

    wait_for(answers, "the new worker's runtime socket")
    # The master has begun anew, too: a signal that comes too soon would be its end.
    wait_for(lambda: farm.haproxy.catches(signal.SIGTERM), "HAProxy's master")


def wait_for_state_file(farm, numbers):
    """Until the file that a reload starts from names these instances: drained, or in maintenance."""
    path = Path(f"{farm.socket}.state/servers")

    def says_it():
        found = re.findall(r"^\d+ farm \d+ instance(\d+) ", path.read_text(), re.MULTILINE)
        assert {int(number) for number in found} == set(numbers), f"the file has {found}"
        return True

    wait_for(says_it, "the agent to write the state file")


def hurry(farm, line, value):
    """Shortens one of the times of haproxy.cfg that no variable changes, for the test's sake."""
    text = farm.config_path.read_text()
    front = text.index("\nfrontend balancer\n")
    made, count = re.subn(
        rf"^( +{line}) \d+s$", rf"\1 {value}", text[:front], flags=re.MULTILINE
    )
    assert count == 1, f"{count} lines of {line} in haproxy.cfg before its frontends"
    text = made + text[front:]
    farm.config_path.write_text(text)


# --- watching the agent


class AgentWatch:
    """Asks the agent like HAProxy does, all the time; the worst reply time, and its memory."""

    def __init__(self, farm, number):
        self.worst = 0.0
        self.replies = 0
        self.problems = []
        self._farm = farm
        self._line = f"instance{number} external\n"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.wait(0.01):
            begin = time.monotonic()
            try:
                answer = self._farm.agent_check(self._line)
            except OSError as problem:
                self.problems.append(problem)
                continue
            self.worst = max(self.worst, time.monotonic() - begin)
            self.replies += 1
            if not answer.startswith(b"up "):
                self.problems.append(answer)

    def __enter__(self):
        reset_peak_memory(self._farm.agent.pid)
        self.memory = memory_kib(self._farm.agent.pid, "VmRSS")
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.growth = memory_kib(self._farm.agent.pid, "VmHWM") - self.memory


# --- namespaces of a test's own: they go with the last process in them

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, 0x8913, request))[1]
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", flags | 1))


def mount(source, target, kind=None, flags=0, data=None):
    encoded = [os.fsencode(x) if x is not None else None for x in (source, target, kind)]
    _call(_libc.mount, *encoded, ctypes.c_ulong(flags), data.encode() if data else None)


def _open_namespaces():
    return [os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY) for kind in ("net", "mnt")]


class _Place:
    """The root and the working directory of this thread, in the mount namespace of now."""

    def __init__(self):
        self._descriptors = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in ("/", ".")]

    def return_to(self):
        """setns(2) into a mount namespace leads to that one's root: out of a chroot, if in one."""
        root, here = self._descriptors
        os.fchdir(root)
        os.chroot(".")
        os.fchdir(here)
        os.close(root)
        os.close(here)


def _make_mounts_private():
    """Nothing that is mounted here is to be seen elsewhere."""
    # In a chroot, "/" may be no mount: the namespace's own root is.
    place = _Place()
    net, mounts = _open_namespaces()
    _call(_libc.setns, mounts, CLONE_NEWNS)
    try:
        mount("none", "/", flags=MS_REC | MS_PRIVATE)
    finally:
        place.return_to()
        os.close(net)
        os.close(mounts)


def _unshare():
    try:
        _call(_libc.unshare, CLONE_NEWNET | CLONE_NEWNS)
    except OSError as error:
        reason = f"{error.strerror}: a network and mounts of its own need CAP_SYS_ADMIN"
        pytest.fail(reason, pytrace=False)


@contextlib.contextmanager
def own_namespaces():
    """This thread, and what it starts, gets a network (a loopback only) and mounts of its own."""
    place, before = _Place(), _open_namespaces()
    _unshare()
    try:
        _make_mounts_private()
        _loopback_up()
        yield
    finally:
        # A thread that has been joined may not be gone yet; going back alone needs this to be ours.
        _call(_libc.unshare, CLONE_FS)
        for descriptor in before:
            _call(_libc.setns, descriptor, 0)
            os.close(descriptor)
        place.return_to()


def drop_packets(port, drop=True):
    """Makes a port a black hole both ways: no answer, no refusal. In own_namespaces() only."""
    iptables = shutil.which("iptables", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert iptables, "iptables isn't installed"
    for direction in ("--dport", "--sport"):
        status = os.spawnv(
            os.P_WAIT,
            iptables,
            ["iptables", "-A" if drop else "-D", "INPUT", "-p", "tcp"]
            + [direction, str(port), "-j", "DROP"],
        )
        assert status == 0, f"iptables ended with {status}"
