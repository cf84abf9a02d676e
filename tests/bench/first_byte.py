#!/usr/bin/python3 -B
"""Time to the first byte of large and streamed answers, side by side with version 0.1.0.

    first_byte.py [--out build/bench] [--rounds 200] [--before 702fd41] [--only large]

Version 0.1.0 is built in a worktree of its own, from the last commit before jobs were known by what
their answers say. Both balancers, and no balancer, serve the same simulated instance at the same
time, and are asked one after the other, in random order: what drifts hits all alike. A time is from the
request's last byte to the first byte of the answer's body; the last one's is to its fifth piece.
Medians are printed, and ratios to 0.1.0, of the lower quartiles too: what else a machine does makes
times longer, and never shorter. Nothing is asserted about speed.
"""

import argparse
import contextlib
import csv
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench import lab_of_run
from client import Connection, multipart
from processes import ROOT, build_directory

BEFORE = "702fd41"
JOB_PATH = "/v1/audio/transcriptions"
DIRECT, OLD, NEW = "direct", "0.1.0", "now"
ANSWERS = {
    "json": ([], 1),
    "json-of-8KiB": ([("X-Sim-Response", "job-id-big:8192")], 1),
    "large": ([("X-Sim-Response", f"big:{100 << 20}")], 1),
    "chunked": ([("X-Sim-Response", "chunked")], 1),
    "events": ([("X-Sim-Response", "sse:2")], 1),
    "fifth-piece": ([("X-Sim-Response", "drip")], 5 * len("1\r\n0\r\n")),
}
SETTLE_S = 0.02
COLUMNS = ("answer", "contender", "round", "ms")


@contextlib.contextmanager
def built(commit):
    """The programs of a commit."""
    with tempfile.TemporaryDirectory(prefix="leastjobs-before-", dir="/tmp") as folder:
        tree = Path(folder, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", tree, commit], check=True)
        try:
            subprocess.run(["make", "-s", "-C", tree, "all"], check=True, stdout=subprocess.DEVNULL)
            yield tree / "build"
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=True)


@contextlib.contextmanager
def programs(build):
    """What tests start comes from there."""
    before = os.environ.get("LEASTJOBS_BUILD")
    os.environ["LEASTJOBS_BUILD"] = str(build)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LEASTJOBS_BUILD"]
        else:
            os.environ["LEASTJOBS_BUILD"] = before


def start(lab, sim, build):
    """A balancer of that build, ready; of an old one nothing is known but its port."""
    with programs(build):
        farm = lab.farm(sim.instances, LOG_LEVEL="INFO", MAX_CONNECTIONS=100)
        farm.write_config()
        farm.start_agent()
        farm.start_haproxy()
        farm.wait_for_agent()
        farm.wait_for_haproxy()
    return farm.port


def measure(port, fields, count):
    """Milliseconds until so many bytes of the body, as it is framed, are there."""
    body, content_type = multipart()
    head = [("Host", "bench"), ("Content-Type", content_type), ("Content-Length", str(len(body)))]
    with Connection(port) as connection:
        connection.send_head("POST", JOB_PATH, head + [("X-Sim-Job-Time", "0")] + fields)
        connection.send(body)
        began = time.monotonic()
        assert connection.read_head().status == 200
        while count > 0:
            count -= len(connection.read_some())
        return 1000 * (time.monotonic() - began)


def run(lab, old_build, rounds, only, write):
    sim = lab.sim(1)
    ports = {
        DIRECT: sim.instances[0].port,
        OLD: start(lab, sim, old_build),
        NEW: start(lab, sim, build_directory()),
    }
    times = {}
    order = random.Random(1)
    for number in range(rounds):
        for answer, (fields, count) in ANSWERS.items():
            if only not in (None, answer):
                continue
            # Those that take half a second by themselves needn't be taken so often.
            if count > 1 and number % 10:
                continue
            for name in order.sample(list(ports), len(ports)):
                # What is left of the one before, such as most of a large answer, ends first.
                time.sleep(SETTLE_S)
                took = measure(ports[name], fields, count)
                times.setdefault((answer, name), []).append(took)
                write((answer, name, number + 1, f"{took:.3f}"))
    return times


def report(times):
    print(f"{'answer':14}{DIRECT:>10}{OLD:>10}{NEW:>10}   now / 0.1.0   of lower quartiles")
    for answer in dict.fromkeys(answer for answer, _ in times):
        quartiles = {n: statistics.quantiles(times[answer, n], n=4) for n in (DIRECT, OLD, NEW)}
        row = "".join(f"{quartiles[name][1]:10.2f}" for name in (DIRECT, OLD, NEW))
        low, middle = (quartiles[NEW][i] / quartiles[OLD][i] for i in (0, 1))
        print(f"{answer:14}{row}{middle:14.2f}{low:21.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--only", choices=ANSWERS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "first_byte.csv"
    with built(arguments.before) as old_build, open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        with lab_of_run() as lab:
            times = run(lab, old_build, arguments.rounds, arguments.only, table.writerow)
    print(f"\nMedians of {arguments.rounds} in ms, to the first byte of the body:")
    report(times)


if __name__ == "__main__":
    main()
