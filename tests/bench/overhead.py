#!/usr/bin/python3 -B
"""What a balancer costs: requests a second, latency, throughput and memory.

    overhead.py [--out build/bench] [--only rate|transfer|memory] [--counts 3,10,50,200]
                [--rounds 3] [--seconds 2] [--quick] [--capacities]

Each figure is taken with one balancer alone on the machine, in rounds, each contender once a round
in rotating order: what drifts hits all alike. Medians are printed, and ratios within a round. The
balancer has the last core to itself; the load generator, the simulated instances and the agent
share the first one. Idle cores are kept awake (/dev/cpu_dma_latency, as root): else a balancer
that is a little slower pays for waking its peers' core too, in a virtual machine as much again.

rate      wrk with 1, 32 and 256 connections sends small POSTs, each on a connection of its own
          (all the balancers close it after the answer); jobs take no time. The CPU time that a
          request costs the balancer is shown beside the rate. The lower of both ratios is held
          against the target; CPU time alone where the balancer didn't work all the time, since
          then something else was the limit.
transfer  one upload of a sparse file and one download of 1 GiB, by curl.
memory    how much the balancer's processes (and the agent) grow over a 4 GiB upload: VmHWM, reset
          before, less VmRSS before.

The Python balancer holds whole bodies in memory: it gets smaller ones. Health checks come every
2 s, as .env.example has it. Nothing is asserted about speed: the exit status tells only whether
the measurement itself worked.
"""

import argparse
import contextlib
import csv
import json
import os
import struct
import subprocess
import time
from pathlib import Path

import contenders
from bench import cpu_seconds, in_lab, pin
from overhead_report import report
from processes import environment, memory_kib, reset_peak_memory

WRK_SCRIPT = Path(__file__).with_name("overhead.lua")
JOB_PATH = "/v1/audio/transcriptions"
INTERVAL_S = 2
MIB = 1 << 20
DIRECT = "direct"
MANY = ("haproxy-leastconn", "leastjobs")
CONNECTIONS = (1, 32, 256)
MAIN_CONNECTIONS = 32
# More would need more open files than usual, since a job may try eight of many instances.
MAX_CONNECTIONS = 512
SETTLE_S = 0.3
COLUMNS = ("measure", "contender", "instances", "connections", "round", "value", "unit")


class Direct:
    """No balancer: the first instance."""

    def __init__(self, sim):
        self.port = sim.instances[0].port

    def pids(self):
        return []


class Stack:
    """A contender and its simulated instances, each on its core."""

    def __init__(self, lab, name, count):
        # All on one port, each with its own address: a row of 200 free ports is hard to find.
        arguments = ("--slots", 1000, "--job-time", 0, "--spread", "address")
        self.sim = lab.sim(count, arguments, first=lab.ports.take())
        if name == DIRECT:
            self.balancer = Direct(self.sim)
        else:
            urls = [instance.url for instance in self.sim.instances]
            is_ours = name in (*MANY, contenders.WITH_CAPACITIES)
            variables = {"MAX_CONNECTIONS": MAX_CONNECTIONS} if is_ours else {}
            if name == contenders.WITH_CAPACITIES:
                numbers = range(1, count + 1)
                variables |= {f"INSTANCE_{n}_CAPACITY": 1 + n % 3 for n in numbers}
            self.balancer = contenders.start(name, lab, urls, INTERVAL_S, **variables)
        agent = getattr(self.balancer, "agent", None)
        self.agent_pids = [agent.pid] if agent else []
        self.balancer_pids = [p for p in self.balancer.pids() if p not in self.agent_pids]
        for pid in [self.sim.pid] + self.agent_pids:
            pin(pid, 0)
        for pid in self.balancer_pids:
            pin(pid, -1)

    def url(self):
        return f"http://127.0.0.1:{self.balancer.port}{JOB_PATH}"

    def cpu(self):
        """CPU seconds so far: of the balancer, the instances, the agent."""
        groups = (self.balancer_pids, [self.sim.pid], self.agent_pids)
        return [sum(cpu_seconds(pid) for pid in pids) for pids in groups]


def busy_seconds(which):
    """How long a core, 0 or -1 of those that we may use, has worked for anybody."""
    core = sorted(os.sched_getaffinity(0))[which]
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _wait, irq, softirq = map(int, ticks[:7])
            return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    raise AssertionError(f"/proc/stat has no core {core}")


@contextlib.contextmanager
def cores_awake():
    """Idle cores poll instead of halting, as long as the file is open (Linux' PM QoS)."""
    try:
        file = open("/dev/cpu_dma_latency", "wb", buffering=0)
    except OSError as problem:
        print(f"idle cores may halt: {problem}")
        yield
        return
    with file:
        file.write(struct.pack("i", 0))
        yield


def on_first_core():
    pin(os.getpid(), 0)


def run_client(command):
    """A client's standard output."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=on_first_core,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


# --- requests a second: every measurement returns (measure, connections, value, unit) lines


def run_wrk(stack, connections, seconds):
    command = ["wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s", "--timeout", "30s"]
    command += ["-s", WRK_SCRIPT, stack.url()]
    return json.loads(run_client(command).splitlines()[-1])


class NothingAnswered(Exception):
    """A balancer that had no time at all, on a machine that does other things."""


def measure_load(stack, connections, seconds):
    """One run of wrk."""
    # The requests that the last run left behind end first.
    time.sleep(SETTLE_S)
    before, began = [busy_seconds(-1), busy_seconds(0), *stack.cpu()], time.monotonic()
    found = run_wrk(stack, connections, seconds)
    elapsed = time.monotonic() - began
    after = [busy_seconds(-1), busy_seconds(0), *stack.cpu()]
    last_core, first_core, balancer, sim, agent = (b - a for a, b in zip(before, after))
    if not found["requests"]:
        raise NothingAnswered(f"no request was answered within {seconds} s: {found}")
    return [
        ("rate", connections, found["requests"] / found["seconds"], "1/s"),
        ("latency-p50", connections, found["p50_us"] / 1000, "ms"),
        ("latency-p99", connections, found["p99_us"] / 1000, "ms"),
        ("errors", connections, found["errors"], ""),
        ("cpu-per-request", connections, balancer * 1e6 / found["requests"], "us"),
        ("balancer-cpu", connections, 100 * balancer / elapsed, "%"),
        ("load-cpu", connections, 100 * (sim + agent + found["cpu_s"]) / elapsed, "%"),
        ("agent-cpu", connections, 100 * agent / elapsed, "%"),
        ("last-core", connections, 100 * last_core / elapsed, "%"),
        ("first-core", connections, 100 * first_core / elapsed, "%"),
    ]


def measure_rate(lab, name, count, seconds):
    stack = Stack(lab, name, count)
    run_wrk(stack, MAIN_CONNECTIONS, 1)
    found = []
    for connections in CONNECTIONS:
        length = seconds if connections == MAIN_CONNECTIONS else max(1, seconds // 2)
        try:
            found += measure_load(stack, connections, length)
        except NothingAnswered as problem:
            print(f"  {name}, {connections} connections: {problem}; tried again")
            found += measure_load(stack, connections, length)
    return found


# --- throughput and memory


def sparse_file(lab, size):
    path = lab.directory / "upload"
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def run_curl(stack, size, *arguments):
    """Seconds that a transfer of `size` bytes took; it is complete and was answered by 200."""
    written = "%{http_code} %{size_upload} %{size_download} %{time_total}\n"
    command = ["curl", "-sS", "-o", "/dev/null", "-w", written, "-X", "POST", *arguments]
    status, sent, received, seconds = run_client([*command, stack.url()]).split()
    assert status == "200" and size in (int(sent), int(received)), (status, sent, received)
    return float(seconds)


def upload(stack, path):
    # Without Expect, which would cost a wait that nobody here answers alike.
    headers = ("-H", "Expect:", "-H", "Content-Type: application/octet-stream")
    return run_curl(stack, path.stat().st_size, *headers, "-T", path)


def download(stack, size):
    return run_curl(stack, size, "-H", f"X-Sim-Response: big:{size}", "--data-binary", "x")


def measure_transfer(lab, name, count, size):
    stack = Stack(lab, name, count)
    path = sparse_file(lab, size)
    return [
        ("upload", 1, size / MIB / upload(stack, path), "MiB/s"),
        ("download", 1, size / MIB / download(stack, size), "MiB/s"),
        ("transfer-size", 1, size / MIB, "MiB"),
    ]


def measure_memory(lab, name, count, size):
    stack = Stack(lab, name, count)
    path = sparse_file(lab, size)
    pids = stack.balancer_pids + stack.agent_pids
    before = [memory_kib(pid, "VmRSS") for pid in pids]
    for pid in pids:
        reset_peak_memory(pid)
    upload(stack, path)
    growth = [memory_kib(pid, "VmHWM") - kib for pid, kib in zip(pids, before)]
    return [
        ("memory-before", 1, sum(before) / 1024, "MiB"),
        ("memory-growth", 1, sum(growth) / 1024, "MiB"),
        ("memory-size", 1, size / MIB, "MiB"),
    ]


# --- the run


def plan(arguments):
    """kind -> the runs of a round: (measure function, contender, instances, its argument)."""
    rate = [(DIRECT, 3), ("nginx", 3), ("python", 3)]
    many = (*MANY, contenders.WITH_CAPACITIES) if arguments.capacities else MANY
    rate += [(name, count) for count in arguments.counts for name in many]
    three = [DIRECT, *MANY, "nginx", "python"]
    runs = {
        "rate": [(measure_rate, *contender, arguments.seconds) for contender in rate],
        "transfer": [
            (measure_transfer, name, 3, arguments.size_of_transfer(name)) for name in three
        ],
        "memory": [
            (measure_memory, name, 3, arguments.size_of_memory(name)) for name in three[1:]
        ],
    }
    return {kind: runs[kind] for kind in runs if arguments.only in (None, kind)}


def measure_all(arguments):
    for kind, runs in plan(arguments).items():
        # Nothing drifts in a count of memory.
        rounds = 1 if kind == "memory" else arguments.rounds
        for number in range(rounds):
            first = number * len(runs) // rounds
            for measure, name, count, argument in runs[first:] + runs[:first]:
                print(f"{kind}, round {number + 1} of {rounds}: {name}, {count}", flush=True)
                for measured, connections, value, unit in in_lab(measure, name, count, argument):
                    yield measured, name, count, connections, number + 1, f"{value:.6g}", unit


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--only", choices=("rate", "transfer", "memory"))
    parser.add_argument("--counts", default="3,10,50,200", help="instances of leastjobs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of each run of wrk")
    parser.add_argument("--capacities", action="store_true", help="leastjobs with them, too")
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    arguments = parser.parse_args()
    transfer, memory, python = 1024 * MIB, 4096 * MIB, 256 * MIB
    if arguments.quick:
        arguments.counts, arguments.rounds, arguments.seconds = "3,50", 1, 1
        transfer, memory, python = 256 * MIB, 1024 * MIB, 64 * MIB
    arguments.counts = [int(count) for count in arguments.counts.split(",")]
    arguments.size_of_transfer = lambda name: python if name == "python" else transfer
    arguments.size_of_memory = lambda name: python if name == "python" else memory
    return arguments


def main():
    arguments = parse_arguments()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    path = out / "overhead.csv"
    with cores_awake(), open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in measure_all(arguments):
            table.writerow(row)
            file.flush()
    cores = len(os.sched_getaffinity(0))
    print("\nThe balancer on a core of its own, everything else on another"
          if cores > 1 else "\nOne core for everything: rates mean little, see CPU a request")
    report(path, out)


if __name__ == "__main__":
    main()
