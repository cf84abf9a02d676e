#!/usr/bin/python3 -B
"""The agent at scale: what it costs, how fast it answers, and how soon a weight follows a change.

    agent.py [--out build/bench] [--counts 10,100,1000,5000] [--seconds 15] [--quick]

Four measurements with simulated instances, HEALTH_CHECK_INTERVAL=1s but for the second:

scale  No HAProxy. tests/bench/checker.c makes one agent-check per instance and second, evenly
       spread, a new connection each, and judges every answer. CPU time is the kernel's own count
       of the agent's process, memory is VmRSS and VmHWM of its /proc/PID/status, both before
       anybody asked for /health or /metrics. A missed poll is one that is missing in the
       simulator's counters of the window. The agent's own counter is shown beside it: it began
       with the agent's start, when all instances are asked at once.
busy   The real HAProxy with the generated configuration, both at the shipped defaults, with one
       job open for the whole time: so every instance is asked every JOBS_INTERVAL, with HAProxy's
       counts before and after. CPU time of the agent and of HAProxy's worker.
delay  The real HAProxy with the generated configuration. The number of jobs of an instance is
       changed at a random moment; one kept connection to the runtime socket watches what the
       routing rules know of it (table jobs). The bound is one poll interval.
rate   Agent-checks a second in a closed loop of 64 connections, in alternating rounds with
       tests/bench/accept_loop.c, a bare accept-read-write-close loop on the same libevent.
       The client may be slower than either server: the CPU time a check costs is shown beside it,
       and it is the lower of both ratios that is held against the target.

Server and client have a core each where there are two. Nothing is asserted about speed: the exit
status tells only whether the measurement itself worked.
"""

import argparse
import csv
import http.client
import json
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench import cpu_seconds, data_block, draw, in_lab, pin
from client import http_request
from processes import Process, build_directory, environment, memory_kib
from waiting import wait_for

INTERVAL_S = 1
MODULO = 50  # instance n reports (n - 1) % MODULO jobs, so that a mixed-up answer is seen
WARM_UP_S = 3
DELAY_COUNT_MAX = 1000
LANES = 10  # instances that are watched at a time
CHANGE_TIMEOUT_S = 20
START_TIMEOUT_S = 60
PARALLEL = 64
RATE_TARGET = 0.80
CPU_TARGETS = {1000: 12, 5000: 60}
BUSY_TARGETS = {1000: 15}
MEMORY_TARGETS = {1000: 32, 5000: 128}
P99_TARGETS_MS = {1000: 5}


# --- processes


def start_sim(lab, count):
    """All on one port, each with its own address: no row of 5,000 free ports is needed."""
    arguments = ("--slots", 1000, "--spread", "address")
    sim = lab.sim(count, arguments, first=lab.ports.take())
    pin(sim.pid, 0)
    return sim


class SimControl:
    """The simulator's control endpoint on one kept connection."""

    def __init__(self, sim):
        self._connection = http.client.HTTPConnection("127.0.0.1", sim.control_port, timeout=60)

    def set_jobs(self, number, jobs):
        body = json.dumps({"external_jobs": jobs})
        self._connection.request("POST", f"/instances/{number}", body)
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text

    def health_requests(self):
        self._connection.request("GET", "/instances")
        states = json.loads(self._connection.getresponse().read())["instances"]
        return [state["health_requests"] for state in states]

    def close(self):
        self._connection.close()


def start_checker(port, count, seconds, *arguments):
    command = [build_directory() / "leastjobs-checker", "--port", port, "--count", count]
    command += ["--seconds", seconds, *arguments]
    checker = subprocess.Popen(
        [str(part) for part in command], env=environment(), stdout=subprocess.PIPE, text=True
    )
    pin(checker.pid, 0)
    return checker


def result_of(checker):
    out, _ = checker.communicate()
    assert checker.returncode == 0, f"leastjobs-checker ended with {checker.returncode}"
    return {key: float(value) for key, value in (pair.split("=") for pair in out.split())}


def start_agent(lab, sim):
    farm = lab.farm(sim.instances, HEALTH_CHECK_INTERVAL=f"{INTERVAL_S}s", LOG_LEVEL="WARNING")
    farm.start_agent()
    pin(farm.agent.pid, -1)
    return farm


def wait_until_polled(control, polls):
    """By the simulator's own counters: the agent's memory must not show our questions.

    Seldom, since the list of 5,000 instances keeps the simulator from answering polls.
    """
    end = time.monotonic() + START_TIMEOUT_S
    while min(control.health_requests()) < polls:
        assert time.monotonic() < end, f"no {polls} polls of each instance"
        time.sleep(INTERVAL_S)


# --- scale


class Window:
    """What the agent used, and how often it polled, between two moments."""

    def __init__(self, agent, control):
        self._agent = agent
        self._control = control
        self._polls = control.health_requests()
        self._began = time.monotonic()
        self._cpu = cpu_seconds(agent.pid)

    def end(self):
        cpu = cpu_seconds(self._agent.pid) - self._cpu
        seconds = time.monotonic() - self._began
        polls = [
            after - before for after, before in zip(self._control.health_requests(), self._polls)
        ]
        # An instance's polls can't be fewer than the whole intervals that the window surely has.
        missed = sum(max(0, int(seconds / INTERVAL_S) - count) for count in polls)
        return {
            "cpu_percent": 100 * cpu / seconds,
            "rss_mib": memory_kib(self._agent.pid, "VmRSS") / 1024,
            "peak_mib": memory_kib(self._agent.pid, "VmHWM") / 1024,
            "polls": sum(polls),
            "polls_missed": missed,
        }


def missed_by_its_own_count(farm):
    metrics = http_request(farm.status_port, target="/metrics").body.decode()
    return sum(map(int, re.findall(r"^leastjobs_instance_checks_missed_total\S* (\d+)$",
                                   metrics, re.MULTILINE)))


def times_after_warm_up(raw):
    """Wrong and missing answers count from the beginning, times only once the start is over."""
    with open(raw, newline="") as file:
        took = sorted(
            int(row["took_us"]) / 1000
            for row in csv.DictReader(file)
            if int(row["began_us"]) >= WARM_UP_S * 1e6
        )
    return {f"check_{name}_ms": percentile(took, rank)
            for name, rank in (("p50", 50), ("p99", 99), ("max", 100))}


def measure_scale(lab, count, seconds, raw):
    sim = start_sim(lab, count)
    control = SimControl(sim)
    for number in range(1, count + 1):
        control.set_jobs(number, (number - 1) % MODULO)
    farm = start_agent(lab, sim)
    wait_until_polled(control, 2)
    arguments = ("--rate", max(1, count // INTERVAL_S), "--modulo", MODULO, "--csv", raw)
    # Half a second more keeps the ends of the window clear of whole intervals.
    checker = start_checker(farm.agent_port, count, WARM_UP_S + seconds + 1, *arguments)
    time.sleep(WARM_UP_S)
    window = Window(farm.agent, control)
    time.sleep(seconds + 0.5)
    found = {"instances": count} | window.end()
    checks = result_of(checker)
    found |= times_after_warm_up(raw)
    found["check_p99_with_warm_up_ms"] = checks["p99_us"] / 1000
    found |= {name: int(checks[name]) for name in ("checks", "wrong", "missing")}
    found["checks_late_ms"] = checks["late_us"] / 1000
    found["polls_missed_since_start"] = missed_by_its_own_count(farm)
    http_request(farm.status_port, target="/health")
    found["peak_with_status_mib"] = memory_kib(farm.agent.pid, "VmHWM") / 1024
    found["cpu_us_per_instance"] = found["cpu_percent"] * 1e4 / count
    found["kib_per_instance"] = found["rss_mib"] * 1024 / count
    control.close()
    return found


# --- busy


def measure_busy(lab, count, seconds):
    sim = start_sim(lab, count)
    farm = lab.farm(sim.instances, LOG_LEVEL="WARNING")
    farm.start_agent()
    pin(farm.agent.pid, -1)
    start_haproxy(farm)
    farm.open_job_and_see()
    control = SimControl(sim)
    wait_until_polled(control, WARM_UP_S)
    (worker,) = farm.haproxy.children()
    window, worker_cpu = Window(farm.agent, control), cpu_seconds(worker)
    time.sleep(seconds + 0.5)
    worker_cpu = cpu_seconds(worker) - worker_cpu
    found = {"instances": count} | window.end()
    control.close()
    return found | {"haproxy_cpu_percent": 100 * worker_cpu / (seconds + 0.5)}


# --- delay


class Runtime:
    """HAProxy's runtime socket in interactive mode: one connection, many commands."""

    PROMPT = b"\n> "

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(path))
        self._ask("prompt")

    def _ask(self, command):
        self._socket.sendall(command.encode() + b"\n")
        answer = b""
        while not answer.endswith(self.PROMPT):
            data = self._socket.recv(65536)
            assert data, "HAProxy closed its runtime socket"
            answer += data
        return answer

    def known_jobs(self, number):
        """What the rules know of jobs that HAProxy itself can't see (see common/names.h)."""
        answer = self._ask(f"show table jobs key {number}")
        found = dict(re.findall(rb" (gp[ct]0)=(\d+)", answer))
        sixteenths = (16 * int(found.get(b"gpc0", 0)) - int(found.get(b"gpt0", 0))) % 2**31
        return (sixteenths + 8) // 16

    def close(self):
        self._socket.close()


class Lane:
    """One instance after the other: its jobs are changed, then HAProxy's table is watched."""

    def __init__(self, numbers, jobs, generator):
        self._numbers = numbers
        self._jobs = jobs
        self._random = generator
        self.changed_at = None
        self._rest()

    def _rest(self):
        """Until a moment that has nothing to do with the agent's rhythm."""
        self.changed_at = None
        self._next = time.monotonic() + self._random.uniform(0, 2 * INTERVAL_S)

    def step(self, control, runtime):
        """Does what is due; returns the delay of a change that has just been seen, or None."""
        if self.changed_at is None:
            if time.monotonic() >= self._next:
                self._change(control)
            return None
        seen = runtime.known_jobs(self._number) == self._jobs[self._number]
        delay = time.monotonic() - self.changed_at
        if seen:
            self._rest()
            return delay
        assert delay < CHANGE_TIMEOUT_S, f"instance{self._number}'s jobs were never told"
        return None

    def _change(self, control):
        self._number = self._random.choice(self._numbers)
        others = [n for n in range(MODULO) if n != self._jobs[self._number]]
        self._jobs[self._number] = self._random.choice(others)
        self.changed_at = time.monotonic()
        control.set_jobs(self._number, self._jobs[self._number])


def watch_changes(control, runtime, count, changes):
    generator = random.Random(count)
    jobs = dict.fromkeys(range(1, count + 1), 0)
    lanes = min(count, LANES)
    rows = [Lane(range(1 + i, count + 1, lanes), jobs, generator) for i in range(lanes)]
    delays = []
    while len(delays) < changes:
        for lane in rows:
            delay = lane.step(control, runtime)
            if delay is not None:
                delays.append(delay)
        time.sleep(0.001)
    return sorted(delays)


def percentile(values, percent):
    """The nearest rank of sorted values."""
    return values[max(0, -(-len(values) * percent // 100) - 1)]


def start_with_haproxy(lab, sim):
    return start_haproxy(start_agent(lab, sim))


def start_haproxy(farm):
    farm.write_config()
    farm.start_haproxy()
    farm.wait_for_haproxy()
    wait_for(
        lambda: all(row["agent_status"] == "L7OK" for row in farm.servers().values()),
        "every instance's first agent-check",
    )
    return farm


def measure_delay(lab, count, changes):
    sim = start_sim(lab, count)
    control = SimControl(sim)
    farm = start_with_haproxy(lab, sim)
    wait_until_polled(control, WARM_UP_S)
    runtime = Runtime(f"{farm.socket}.admin")
    began, cpu = time.monotonic(), cpu_seconds(farm.agent.pid)
    delays = watch_changes(control, runtime, count, changes)
    cpu = (cpu_seconds(farm.agent.pid) - cpu) / (time.monotonic() - began)
    runtime.close()
    control.close()
    return {
        "instances": count,
        "changes": len(delays),
        "delay_p50_s": percentile(delays, 50),
        "delay_p99_s": percentile(delays, 99),
        "delay_max_s": delays[-1],
        "bound_s": INTERVAL_S,
        "cpu_percent": 100 * cpu,
        "rss_mib": memory_kib(farm.agent.pid, "VmRSS") / 1024,
        "delays": delays,
    }


# --- rate


class BareLoop(Process):
    """The bare loop; it has no way to end but a signal."""

    def __init__(self, lab):
        command = [build_directory() / "leastjobs-accept-loop"]
        super().__init__(lab.name("bare"), command, lab.directory, expected=(-15,))
        (line,) = self.wait_for_out(r"^port \d+$")
        self.port = int(line.split()[1])
        pin(self.pid, -1)


def measure_round(name, process, port, seconds, round_number):
    began, cpu = time.monotonic(), cpu_seconds(process.pid)
    checks = result_of(start_checker(port, 10, seconds, "--parallel", PARALLEL))
    cpu = cpu_seconds(process.pid) - cpu
    assert checks["wrong"] == checks["missing"] == 0, f"{name}: {checks}"
    return {
        "server": name,
        "round": round_number,
        "rate": checks["rate"],
        "cpu_us_per_check": cpu * 1e6 / checks["checks"],
        "cpu_percent": 100 * cpu / (time.monotonic() - began),
        "p99_ms": checks["p99_us"] / 1000,
    }


def measure_rate(lab, seconds, rounds):
    sim = start_sim(lab, 10)
    control = SimControl(sim)
    farm = start_agent(lab, sim)
    wait_until_polled(control, 2)
    control.close()
    bare = lab.start(BareLoop(lab))
    servers = [("agent", farm.agent, farm.agent_port), ("bare loop", bare, bare.port)]
    found = []
    for number in range(1, rounds + 1):
        for server in servers if number % 2 else reversed(servers):
            found.append(measure_round(*server, seconds, number))
    return found


def mean(rows, server, key):
    values = [row[key] for row in rows if row["server"] == server]
    return sum(values) / len(values)


# --- what comes out


def verdict(value, target, unit="", at_least=False):
    met = value >= target if at_least else value < target
    limit = "at least" if at_least else "under"
    return f"target {limit} {target}{unit}, got {value:.3g}{unit}: {'met' if met else 'MISSED'}"


def print_scale(rows):
    print("\nThe agent, one poll and one agent-check per instance and second")
    print("instances  CPU %  us/instance  RSS MiB  peak MiB  (+status)  KiB/instance  "
          "p50 ms  p99 ms  max ms   polls  missed  (+start)  checks  wrong  missing")
    for r in rows:
        print(f"{r['instances']:9} {r['cpu_percent']:6.2f} {r['cpu_us_per_instance']:12.1f} "
              f"{r['rss_mib']:8.1f} {r['peak_mib']:9.1f} {r['peak_with_status_mib']:10.1f} "
              f"{r['kib_per_instance']:13.1f} {r['check_p50_ms']:7.2f} {r['check_p99_ms']:7.2f} "
              f"{r['check_max_ms']:7.2f} {r['polls']:7} {r['polls_missed']:7} "
              f"{r['polls_missed_since_start']:9} {r['checks']:7} "
              f"{r['wrong']:6} {r['missing']:8}")
    for r in rows:
        print_scale_targets(r)
    for less, more in zip(rows, rows[1:]):
        added = more["instances"] - less["instances"]
        cpu = (more["cpu_percent"] - less["cpu_percent"]) * 1e4 / added
        memory = (more["rss_mib"] - less["rss_mib"]) * 1024 / added
        print(f"  from {less['instances']} to {more['instances']} each instance more costs "
              f"{cpu:.1f} us of CPU a second and {memory:.1f} KiB")


def print_scale_targets(row):
    count = row["instances"]
    if count in CPU_TARGETS:
        print(f"  {count}: CPU {verdict(row['cpu_percent'], CPU_TARGETS[count], ' %')}")
    if count in MEMORY_TARGETS:
        print(f"  {count}: peak memory {verdict(row['peak_mib'], MEMORY_TARGETS[count], ' MiB')}")
    if count in P99_TARGETS_MS:
        print(f"  {count}: p99 {verdict(row['check_p99_ms'], P99_TARGETS_MS[count], ' ms')}")
        print(f"  {count}: missed polls {verdict(row['polls_missed'], 1)}")


def print_busy(rows):
    print("\nThe shipped defaults while a job runs, with HAProxy")
    print("instances  agent CPU %  HAProxy CPU %  RSS MiB   polls  missed")
    for r in rows:
        print(f"{r['instances']:9} {r['cpu_percent']:12.2f} {r['haproxy_cpu_percent']:14.2f} "
              f"{r['rss_mib']:8.1f} {r['polls']:7} {r['polls_missed']:7}")
    for r in rows:
        if r["instances"] in BUSY_TARGETS:
            limit = BUSY_TARGETS[r["instances"]]
            print(f"  {r['instances']}: CPU {verdict(r['cpu_percent'], limit, ' %')}")


def print_delay(rows):
    print("\nFrom a change of an instance's jobs to HAProxy's rules (and the agent's cost behind "
          "it)")
    print("instances  changes  p50 s  p99 s  max s  bound s  p99/bound  CPU %  RSS MiB")
    for r in rows:
        print(f"{r['instances']:9} {r['changes']:8} {r['delay_p50_s']:6.3f} "
              f"{r['delay_p99_s']:6.3f} {r['delay_max_s']:6.3f} {r['bound_s']:8.2f} "
              f"{r['delay_p99_s'] / r['bound_s']:10.2f} {r['cpu_percent']:6.2f} "
              f"{r['rss_mib']:8.1f}")


def print_rate(rows):
    print(f"\nAgent-checks a second, {PARALLEL} connections at a time")
    print("server     round   per second  CPU us/check  server's CPU %  p99 ms")
    for r in rows:
        print(f"{r['server']:10} {r['round']:5} {r['rate']:12.0f} {r['cpu_us_per_check']:13.2f} "
              f"{r['cpu_percent']:15.1f} {r['p99_ms']:7.2f}")
    rate = mean(rows, "agent", "rate") / mean(rows, "bare loop", "rate")
    cost = mean(rows, "bare loop", "cpu_us_per_check") / mean(rows, "agent", "cpu_us_per_check")
    print(f"  rate, agent/bare loop: {rate:.2f}; CPU a check, bare loop/agent: {cost:.2f}")
    print(f"  {verdict(min(rate, cost), RATE_TARGET, at_least=True)}")


def write_csv(path, rows):
    """Long form, one figure a line: the three measurements have little in common."""
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["measurement", "instances", "server", "round", "figure", "value"])
        for measurement, row in rows:
            place = [row.get(key, "") for key in ("instances", "server", "round")]
            for key, value in row.items():
                if key not in ("instances", "server", "round", "delays"):
                    number = f"{value:.6g}" if isinstance(value, float) else value
                    out.writerow([measurement, *place, key, number])


def write_delays(path, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["instances", "delay_s"])
        for row in rows:
            out.writerows([row["instances"], f"{delay:.4f}"] for delay in row["delays"])


def read_figures(path, measurement, figure):
    with open(path, newline="") as file:
        return [(int(row["instances"]), float(row["value"])) for row in csv.DictReader(file)
                if (row["measurement"], row["figure"]) == (measurement, figure)]


def read_delays(path):
    found = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(int(row["instances"]), []).append(float(row["delay_s"]))
    return found


def draw_scale(out, path):
    cpu = read_figures(path, "scale", "cpu_percent")
    memory = read_figures(path, "scale", "rss_mib")
    peak = read_figures(path, "scale", "peak_mib")
    last_count, last_cpu = cpu[-1]
    script = data_block("cpu", cpu) + data_block("memory", memory) + data_block("peak", peak)
    script += data_block("cpu_targets", CPU_TARGETS.items())
    script += data_block("memory_targets", MEMORY_TARGETS.items())
    script += f"""
set multiplot layout 1,2 title "The agent's cost: a poll and an agent-check per instance a second"
set logscale xy
set xlabel "instances"
set xrange [7:8000]
set format x "%.0f"
set format y "%g"
set key inside left top
set ylabel "CPU (% of one core)"
set yrange [0.01:200]
plot {last_cpu} * x / {last_count} title "in proportion" lc rgb "#999999" lw 1, \\
    $cpu using 1:2 with linespoints ls 1 title "agent", \\
    $cpu_targets using 1:2 with points ls 2 pt 11 ps 1.5 title "target: below"
set ylabel "memory (MiB)"
set yrange [4:300]
plot $memory using 1:2 with linespoints ls 1 title "resident", \\
    $peak using 1:2 with linespoints ls 3 title "peak", \\
    $memory_targets using 1:2 with points ls 2 pt 11 ps 1.5 title "target: below"
unset multiplot
"""
    draw(out, "agent-scale", script)


def draw_delay(out, path):
    delays = read_delays(path)
    script = ""
    plots = []
    for style, (count, values) in enumerate(delays.items(), 1):
        lines = [(0, 0)] + [(v, 100 * (i + 1) / len(values)) for i, v in enumerate(values)]
        script += data_block(f"d{count}", lines)
        plots.append(f'$d{count} with steps ls {style} title "{count:,} instances"')
    bound = INTERVAL_S
    script += f"""
set title "From a change of an instance's jobs to HAProxy's rules"
set xlabel "time since the change (s)"
set ylabel "changes seen by then (%)"
set xrange [0:{bound * 1.2}]
set yrange [0:100]
set key inside left top
set arrow from {bound}, graph 0 to {bound}, graph 1 nohead ls 9
set label "bound: one poll" at {bound}, graph 0.5 rotate by 90 center offset 1,0
plot {", ".join(plots)}, \\
    {100 / INTERVAL_S} * x with lines lc rgb "#999999" lw 1 title "a poll at any moment"
"""
    draw(out, "agent-delay", script)


# --- the run


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--counts", default="10,100,1000,5000")
    parser.add_argument("--seconds", type=int, default=15, help="of each scale measurement")
    parser.add_argument("--changes", type=int, default=200, help="of each delay measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of the rate, each server")
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    arguments = parser.parse_args()
    arguments.counts = sorted(int(count) for count in arguments.counts.split(","))
    arguments.rate_seconds = 5
    if arguments.quick:
        arguments.seconds, arguments.changes, arguments.rounds = 3, 60, 1
        arguments.rate_seconds = 2
    return arguments


def main():
    arguments = parse_arguments()
    # As Ctrl-C does: what was started must be ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    rates = in_lab(measure_rate, arguments.rate_seconds, arguments.rounds)
    print_rate(rates)
    scale = []
    for count in arguments.counts:
        raw = out / f"agent-checks-{count}.csv"
        scale.append(in_lab(measure_scale, count, arguments.seconds, raw))
    print_scale(scale)
    busy, delay = [], []
    for count in arguments.counts:
        if count <= DELAY_COUNT_MAX:
            busy.append(in_lab(measure_busy, count, arguments.seconds))
    print_busy(busy)
    for count in arguments.counts:
        if count <= DELAY_COUNT_MAX:
            delay.append(in_lab(measure_delay, count, arguments.changes))
    print_delay(delay)
    rows = [("rate", row) for row in rates] + [("scale", row) for row in scale]
    rows += [("busy", row) for row in busy]
    write_csv(out / "agent.csv", rows + [("delay", row) for row in delay])
    draw_scale(out, out / "agent.csv")
    if delay:
        write_delays(out / "agent-delays.csv", delay)
        draw_delay(out, out / "agent-delays.csv")


if __name__ == "__main__":
    main()
