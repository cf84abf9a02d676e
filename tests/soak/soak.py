#!/usr/bin/python3 -B
"""A long run: a steady stream of jobs while faults happen at random, then the books.

    soak.py [--seconds 600] [--seed N] [--quick]

At the shipped settings, where a verdict of three checks takes a minute and a half; --quick has many
more faults in the same time, by checks every 300 ms.

Every job must be accounted for: answered rightly, or failed because the very instance that had
it was broken at that moment, with a 502 in JSON if it was answered at all. No job may run twice. The agent and HAProxy must
not grow in memory or open files, and no process may be left. Exit status 0 if all of that holds.
"""

import argparse
import ctypes
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

# The time of a verdict at the shipped settings, and a good deal more.
os.environ.setdefault("LEASTJOBS_DEADLINE", "200")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from farm import QUICK  # noqa: E402
from lab import Lab  # noqa: E402
from load import MARK, Stream, separate_sims, worker_of  # noqa: E402
from processes import memory_kib  # noqa: E402
from waiting import wait_for  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36
INSTANCES = 5
WARM_UP = 0.15
AGENT_GROWTH_KIB_MAX = 4 * 1024
HAPROXY_GROWTH_KIB_MAX = 16 * 1024
FILES_GROWTH_MAX = 10
# Kinds of failed health check that heal by themselves when the instance is well again.
HEALTH_FAULTS = ("500", "garbage", "nojson", "missing", "negative", "string", "close", "empty")


class LongStream(Stream):
    """Jobs by the hundred thousand: what was judged right needn't be kept."""

    def _end(self, exchange, error):
        super()._end(exchange, error)
        if exchange.task.ok:
            exchange.task.body = b""
            exchange.task.headers = {}


class Records(threading.Thread):
    """Collects who had which job, before the simulators forget."""

    def __init__(self, farm):
        super().__init__(daemon=True)
        self.farm = farm
        self.found = {}
        self.twice = []
        self.stop = threading.Event()
        self._since = {}

    def run(self):
        while not self.stop.wait(1.0):
            self.collect()

    def collect(self):
        for number, instance in self.farm.instances.items():
            since = self._since.get(number, 0)
            target = f"/instances/{instance.index}/requests?since={since}"
            for record in instance.sim.control("GET", target)["requests"]:
                self._since[number] = max(self._since.get(number, 0), record["id"])
                mark = MARK.search(record["target"])
                if mark is None:
                    continue
                if mark.group(1) in self.found:
                    self.twice.append(mark.group(1))
                self.found[mark.group(1)] = number


class Soak:
    def __init__(self, farm, stream, seed):
        self.farm = farm
        self.stream = stream
        self.random = random.Random(seed)
        self.counts = {}
        self.breaks = []  # (moment, instance): whose open jobs may fail

    def pick(self):
        return self.random.choice(list(self.farm.instances))

    def fault_of_health(self):
        number = self.pick()
        instance = self.farm.instances[number]
        instance.set(health=self.random.choice(HEALTH_FAULTS))
        self.farm.wait_until_unhealthy(number)
        self.stream.wait_for_more(50)
        instance.set(health="ok")
        self.farm.wait_until_healthy(number)

    def refused_connections(self):
        number = self.pick()
        instance = self.farm.instances[number]
        begin = time.monotonic()
        instance.set(listening=False)
        # A connection that only the kernel had accepted is reset, with the job on it.
        self.breaks.append((begin, time.monotonic(), number))
        self.stream.wait_for_more(50)
        instance.set(listening=True)
        self.farm.wait_until_healthy(number)

    def broken_instance(self):
        number = self.pick()
        instance = self.farm.instances[number]
        begin = time.monotonic()
        instance.set(listening=False, drop=True)
        self.breaks.append((begin, time.monotonic(), number))
        self.stream.wait_for_more(50)
        instance.set(listening=True)
        self.farm.wait_until_healthy(number)

    def frozen_instance(self):
        number = self.pick()
        sim = self.farm.instances[number].sim
        sim.send_signal(signal.SIGSTOP)
        try:
            self.farm.wait_until_unhealthy(number)
            self.stream.wait_for_more(30)
        finally:
            sim.send_signal(signal.SIGCONT)
        self.farm.wait_until_healthy(number)

    def other_peoples_jobs(self):
        number = self.pick()
        instance = self.farm.instances[number]
        instance.set(external_jobs=self.random.randint(1, 90))
        self.stream.wait_for_more(50)
        instance.set(external_jobs=0)

    def agent_killed(self):
        self.farm.agent.kill()
        self.stream.wait_for_more(50)
        self.farm.start_agent()
        self.farm.wait_for_agent()

    def agent_frozen(self):
        self.farm.agent.send_signal(signal.SIGSTOP)
        self.stream.wait_for_more(100)
        self.farm.agent.send_signal(signal.SIGCONT)

    def agent_reloaded(self):
        self.farm.agent.send_signal(signal.SIGHUP)
        self.stream.wait_for_more(20)

    def haproxy_reloaded(self):
        before = set(self.farm.haproxy.children())
        self.farm.haproxy.send_signal(signal.SIGUSR2)
        wait_for(
            lambda: set(self.farm.haproxy.children()) - before and self.farm.runtime("show info"),
            "a new worker",
        )
        self.stream.wait_for_more(50)
        wait_for(lambda: len(self.farm.haproxy.children()) == 1, "the old worker to end", 120)

    def drained_instance(self):
        number = self.pick()
        self.farm.set_state(number, "drain")
        self.stream.wait_for_more(50)
        self.farm.set_state(number, "ready")

    def run_for(self, seconds):
        faults = [
            self.fault_of_health,
            self.refused_connections,
            self.broken_instance,
            self.frozen_instance,
            self.other_peoples_jobs,
            self.agent_killed,
            self.agent_frozen,
            self.agent_reloaded,
            self.haproxy_reloaded,
            self.drained_instance,
        ]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            fault = self.random.choice(faults)
            self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
            fault()
            self.stream.wait_for_more(50)

    def may_have_failed(self, task, number):
        """Open on an instance at the moment that it was broken."""
        return any(
            number in (None, broken) and task.sent <= late and task.ended >= early
            for early, late, broken in self.breaks
        )

    def judge(self, records):
        problems = [f"ran twice: {mark}" for mark in records.twice]
        failed = 0
        for task in self.stream.tasks:
            number = records.found.get(task.mark)
            if task.ok:
                if number is None:
                    problems.append(f"answered, but no instance had it: {task}")
                continue
            failed += 1
            if not self.may_have_failed(task, number):
                problems.append(f"failed without a cause: {task}")
            elif task.status is not None and task.body and task.kind == "json":
                if not task.is_json_error(502):
                    problems.append(f"not a 502 in JSON: {task}")
        return failed, problems


def sizes(farm):
    worker = wait_for(lambda: worker_of(farm.haproxy), "a single worker", 120)
    return {
        name: (memory_kib(pid, "VmRSS"), len(os.listdir(f"/proc/{pid}/fd")))
        for name, pid in (("agent", farm.agent.pid), ("haproxy", worker))
    }


def growth(before, after):
    problems = []
    limits = {"agent": AGENT_GROWTH_KIB_MAX, "haproxy": HAPROXY_GROWTH_KIB_MAX}
    for name, limit in limits.items():
        memory = after[name][0] - before[name][0]
        files = after[name][1] - before[name][1]
        print(f"{name}: memory {after[name][0]} KiB ({memory:+d}), files {after[name][1]} ({files:+d})")
        if memory > limit:
            problems.append(f"{name} grew by {memory} KiB")
        if files > FILES_GROWTH_MAX:
            problems.append(f"{name} has {files} more files open")
    return problems


def settle(farm, stream):
    """Sizes between two storms: as many jobs as ever, nothing broken."""
    stream.wait_for_more(200)
    return sizes(farm)


def soak(lab, seconds, seed):
    farm = lab.start_farm(separate_sims(lab, INSTANCES), LOG_LEVEL="WARNING")
    records = Records(farm)
    records.start()
    with LongStream(farm) as stream:
        run = Soak(farm, stream, seed)
        run.run_for(seconds * WARM_UP)
        before = settle(farm, stream)
        run.run_for(seconds * (1 - WARM_UP))
        after = settle(farm, stream)
        stream.finish()
    records.stop.set()
    records.join()
    records.collect()
    failed, problems = run.judge(records)
    print(f"jobs: {len(stream.tasks)}, failed with their instance: {failed}")
    print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(run.counts.items())))
    return problems + growth(before, after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--quick", action="store_true", help="health checks every 300 ms")
    arguments = parser.parse_args()
    # Orphans of our processes become ours: one that is left is seen.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    print(f"soak: {arguments.seconds:.0f} s, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak") as directory:
        lab = Lab(directory, QUICK if arguments.quick else None)
        try:
            problems = soak(lab, arguments.seconds, arguments.seed)
        finally:
            left = lab.close()
    problems += left
    for problem in problems[:50]:
        print(f"problem: {problem}")
    print("soak: all is accounted for" if not problems else f"soak: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
