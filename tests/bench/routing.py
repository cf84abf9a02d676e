#!/usr/bin/python3 -B
"""Live routing quality: response times behind each balancer, against an oracle.

    routing.py [--out build/bench] [--workloads a,b,…] [--seeds 3] [--seconds 120] [--quick]

Five instances with one slot each. A stack is one contender (contenders.py) in front of its own
simulated instances; the oracle is the simulator itself, which gives a job to the instance that has
the fewest at that moment. All stacks and seeds of a workload run at the same time and get the same
jobs (schedule.py) at the same times, but for some milliseconds that let the player keep up: so the
machine's noise hits all alike.

Response time: from the moment when the job was due to the end of its response, or of the job
itself if it is async (by the simulator's log). "Fewest": the share of jobs that went to an instance
with the fewest jobs; imbalance: the most by which two instances differed when a job came. Only jobs
that went through the balancer count, without the first 5 % of each run.

Ties are broken at random, so that even two oracles differ: by some 2 % in the mean of three seeds
of 120 s, and more in the p99. The oracle runs several times on each seed, which is cheap, and
every ratio has its standard error (bootstrap over blocks of jobs, the same ones of both).

After the workloads two sweeps over one of them: utilisation, and the interval between polls. Where
an interval would be too short for this machine to keep (MIN_INTERVAL_S), the jobs are made longer,
and the run with them: ratios have no unit.

routing.csv has one line per run, routing-pooled.csv the same over all seeds with the ratios.
"""

import argparse
import signal
import sys
from pathlib import Path

import contenders
import routing_report
import schedule
from bench import lab_of_run, names_of
from player import Run, play
from stack import ORACLE, Stack
from waiting import wait_for

RHO, POLL = 0.7, 0.1
SWEEP_RHOS = (0.5, 0.7, 0.9)
SWEEP_POLLS = (0.02, 0.1, 0.3, 1.0)
SWEEP_WORKLOAD = "b"
# Plain leastconn knows of no polls: it is there to be compared with.
SWEEP_CONTENDERS = (
    ORACLE, "leastjobs", "haproxy-leastconn", "haproxy-leastconn-w", "haproxy-random2-w", "python"
)  # fmt: skip
MIN_INTERVAL_S = 0.04
DRAIN_S = 120


def run(options, name, rho, poll, names, seconds):
    """All contenders and seeds on one workload; returns a Figures for each."""
    workload = schedule.WORKLOADS[name]
    names = [n for n in names if workload.capacities or n != contenders.WITH_CAPACITIES]
    job_time = max(options.job_time, MIN_INTERVAL_S / poll)
    seconds *= job_time / options.job_time
    seeds = range(1, options.seeds + 1)
    jobs = {s: schedule.make(workload, rho, seconds, job_time, s) for s in seeds}
    print(f"\n{name}: {workload.text}; utilisation {rho:g}, polls every {poll:g} of a job of "
          f"{job_time:g} s, {len(names)} contenders, {len(seeds)} seeds, {seconds:.0f} s",
          flush=True)  # fmt: skip
    together = options.at_once or len(seeds)
    runs = {}
    for first in range(0, len(seeds), together):
        with lab_of_run() as lab:
            stacks = [
                Stack(lab, contender, seed, workload, poll * job_time, copy=copy)
                for seed in seeds[first : first + together]
                for contender in names
                for copy in range(options.oracles if contender == ORACLE else 1)
            ]
            plays = play([Run(jobs[stack.seed], stack.port_of) for stack in stacks], DRAIN_S)
            wait_for(lambda: all(s.is_idle() for s in stacks), "all jobs to end", DRAIN_S)
            routing_report.warn_if_late(plays)
            for stack, played in zip(stacks, plays):
                counted = routing_report.after_warm_up(routing_report.balanced(played))
                outcomes = routing_report.outcomes(counted, stack.log())
                runs.setdefault((stack.contender, stack.seed), []).append(outcomes)
    return [
        routing_report.Figures(name, rho, poll, job_time, contender, seed, outcomes)
        for (contender, seed), outcomes in runs.items()
    ]


def sweep(options, done):
    """Both sweeps; runs that the standard table has had already aren't repeated."""
    names = [name for name in SWEEP_CONTENDERS if name in options.contenders]
    points = [(rho, POLL) for rho in SWEEP_RHOS] + [(RHO, poll) for poll in SWEEP_POLLS]
    figures = []
    for rho, poll in dict.fromkeys(points):
        if not any((f.workload, f.rho, f.poll) == (SWEEP_WORKLOAD, rho, poll) for f in done):
            figures += run(options, SWEEP_WORKLOAD, rho, poll, names, options.sweep_seconds)
            routing_report.print_table(figures[-len(names) * options.seeds :])
            routing_report.write(options.out, done + figures)
    return figures


def parse(arguments):
    all_contenders = [ORACLE, *contenders.NAMES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("build/bench"), help="directory of the results")
    add("--workloads", type=names_of(schedule.WORKLOADS), default=list(schedule.WORKLOADS))
    add("--contenders", type=names_of(all_contenders), default=all_contenders)
    add("--seeds", type=int, default=3)
    add("--oracles", type=int, default=3, help="runs of the oracle on each seed")
    add("--at-once", type=int, help="seeds that run at the same time (default: all)")
    add("--seconds", type=float, default=120, help="span of the arrivals of a run")
    add("--sweep-seconds", type=float, default=60, help="the same for each point of a sweep")
    add("--job-time", type=float, default=0.5, help="mean service time in seconds")
    add("--rho", type=float, default=RHO, help="utilisation")
    add("--poll", type=float, default=POLL, help="HEALTH_CHECK_INTERVAL in mean service times")
    add("--sweeps", action=argparse.BooleanOptionalAction, default=True)
    add("--quick", action="store_true", help="one seed, 20 s, workloads a, b and d5, no sweeps")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seeds, options.seconds, options.sweeps = 1, 20, False
        options.workloads = ["a", "b", "d5"]
    if ORACLE not in options.contenders:
        options.contenders.insert(0, ORACLE)
    return options


def main():
    options = parse(sys.argv[1:])
    # A run that is terminated ends its processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.out.mkdir(parents=True, exist_ok=True)
    figures = []
    for name in options.workloads:
        new = run(options, name, options.rho, options.poll, options.contenders, options.seconds)
        figures += new
        routing_report.print_table(new)
        # After each one, so that a run that is broken off has left something.
        routing_report.write(options.out, figures)
    routing_report.draw_workloads(options.out, options.rho, options.poll)
    if options.sweeps:
        figures += sweep(options, figures)
        routing_report.draw_sweep(options.out, "poll", SWEEP_WORKLOAD, RHO, POLL)
        routing_report.draw_sweep(options.out, "rho", SWEEP_WORKLOAD, RHO, POLL)
    routing_report.print_targets(figures)


if __name__ == "__main__":
    main()
