#!/usr/bin/python3 -B
"""Every regime in one table: routing and faults as users run it.

    regimes.py [--out build/bench] [--rows a,b,…] [--quick]

Each row is a regime, each column a contender; all columns of a row get the same jobs at the same
times, as in routing.py, on which this is built. leastjobs stands in three columns: as shipped, with
no HEALTH_CHECK_INTERVAL at all, and with 2s and 100ms. The Python balancer has its default, 30 s.
All else is the shipped default too, but for MAX_CONNECTIONS (contenders.py says why) and ports.

Where jobs are short the oracle stands behind an HAProxy of one server, so that the time of a hop
isn't taken for bad routing.

A cell has the mean response time as a ratio to the oracle's with its standard error, that of the
99th percentile, and the share of jobs that went to an instance with the fewest. In a closed loop
the jobs done come first. "lost" are jobs that failed though they could have been kept: all but
those that an instance was doing when it was killed. A job that a broken instance answered can't be
kept by anybody, but the next one can: there they are counted, and compared with leastconn's.

What takes more than two minutes (jobs of a minute, more instances) comes from the model, if
model_rows.py is there: its rows() are dictionaries of regimes_report.FIELDS.

regimes.csv and regimes.md are written again after each row.
"""

import argparse
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import regimes_report
import routing_report
import schedule
from bench import lab_of_run, names_of
from client import request, run_job
from contenders import BENCH, Server
from player import Loop, Run, play, play_loops
from processes import Process
from schedule import Job, Workload
from stack import ORACLE, Stack
from waiting import wait_for

DRAIN_S = 120
ORACLES = 2
STARTS_AT_ONCE = 4
MODEL = "model"
# What starts last is the freshest when the jobs come: leastjobs, whose start is a regime.
COLUMNS = {
    ORACLE: (ORACLE, None),
    "python": ("python", None),
    "nginx": ("nginx", None),
    "haproxy-leastconn": ("haproxy-leastconn", None),
    "leastjobs": ("leastjobs", None),
    "leastjobs-2s": ("leastjobs", 2.0),
    "leastjobs-100ms": ("leastjobs", 0.1),
}
SYNC, WITH_OTHERS, ASYNC = 1.03, 1.10, 1.05


@dataclass(frozen=True)
class Regime:
    """A row: jobs that come at random, and nothing happens to the instances."""

    text: str
    limit: float  # of the mean's ratio to the oracle's
    workload: Workload = Workload("")
    job_time: float = 0.5
    rho: float = 0.7
    seconds: float = 60.0
    seeds: int = 2
    seeds_at_once: int = 0  # 0: all
    # Where not all stacks can play at the same time: how many can, and into how many pieces the run
    # is cut, of which all stacks have one after the other, so that the machine's noise hits all.
    stacks_at_once: int = 0
    pieces: int = 1
    slots: int = 1
    block: int = routing_report.BLOCK
    least_share: float = 0.0
    is_loss_compared: bool = False  # with leastconn's: not all can be kept
    is_loop: bool = False
    # The hop's own time would look like bad routing where jobs are short.
    has_oracle_hop: bool = False

    def quick(self):
        return replace(self, seconds=min(self.seconds, 10.0), seeds=1)

    def prepare(self, lab, sim):
        """Before the balancers start; returns URLs of further instances."""
        del lab, sim
        return []

    def jobs(self, seed):
        return schedule.make(self.workload, self.rho, self.seconds, self.job_time, seed)

    def events(self, stack):
        """What happens to a stack meanwhile, as player.Run has it."""
        del stack
        return ()

    def play(self, stacks):
        """Lists of Played, one for each stack."""
        jobs = {seed: self.jobs(seed) for seed in {stack.seed for stack in stacks}}
        plays = [[] for _ in stacks]
        together = self.stacks_at_once or len(stacks)
        for piece in range(self.pieces):
            for first in range(0, len(stacks), together):
                part = stacks[first : first + together]
                runs = [self._run(s, piece, jobs[s.seed]) for s in part]
                for played, whole in zip(play(runs, DRAIN_S), plays[first:]):
                    whole += played
                if self.workload.is_async:
                    _wait_until_idle(part)
        return plays

    def _run(self, stack, piece, jobs):
        if self.pieces == 1:
            return Run(jobs, stack.port_of, self.events(stack))
        length = self.seconds / self.pieces
        own = [replace(job, at=job.at % length) for job in jobs if job.at // length == piece]
        return Run(own, stack.port_of, first=sum(job.at // length < piece for job in jobs))

    def counted(self, plays):
        """Of the jobs that went through the balancer, those whose times count."""
        return routing_report.after_warm_up(plays)

    def is_excused(self, rows):
        """Whether a failed job couldn't have been kept; `rows`: the simulator's log of it."""
        del rows
        return False


def _wait_until_idle(stacks):
    """A contender that piled so much up on one instance hasn't earned the end of the table."""
    try:
        wait_for(lambda: all(s.is_idle() for s in stacks), "all jobs to end", DRAIN_S)
    except AssertionError:
        names = sorted({stack.contender for stack in stacks if not stack.is_idle()})
        print(f"WARNING: jobs of {', '.join(names)} hadn't ended {DRAIN_S} s after the last answer "
              f"and count as lost", flush=True)  # fmt: skip


@dataclass(frozen=True)
class Killed(Regime):
    """Some instances die at once in the middle: reset connections, refused ones from then on."""

    victims: int = 0

    def events(self, stack):
        return [(self.seconds / 2, lambda: self._kill(stack))]

    def _kill(self, stack):
        for instance in stack.sim.instances[: self.victims]:
            instance.set(listening=False, drop=True)

    def is_excused(self, rows):
        return any(
            row["outcome"] == "aborted" and int(row["instance"]) <= self.victims for row in rows
        )


@dataclass(frozen=True)
class Broken(Regime):
    """One instance more than the workload has, that answers every job at once with 500."""

    def prepare(self, lab, sim):
        del sim
        port = lab.ports.take()
        command = [sys.executable, "-B", BENCH / "broken_instance.py", port]
        server = Server("broken", lab, port, Process(lab.name("broken"), command, lab.directory))
        server.wait_until(lambda: request(port, target="/health").status == 200)
        return [f"http://127.0.0.1:{port}"]


@dataclass(frozen=True)
class Start(Regime):
    """Just after a start, with held jobs of others on some instances, which end halfway."""

    held: tuple = ()

    def prepare(self, lab, sim):
        for instance, count in zip(sim.instances, self.held):
            for _ in range(count):
                run_job(instance.port, job_time=-1, headers=[("X-Sim-Async", "1")])
        return []

    def events(self, stack):
        return [(self.seconds / 2, lambda: stack.sim.all(release=-1))]

    def counted(self, plays):
        return plays


@dataclass(frozen=True)
class Reload(Regime):
    """Many long jobs, then a reload, then short jobs, which alone count.

    Some jobs end between, so that the instances don't have equally many.
    """

    long_jobs: int = 20
    ended_before: int = 10
    at: float = 4.0
    rate: float = 5.0

    def jobs(self, seed):
        dice = random.Random(seed)
        lengths = [dice.uniform(2.0, 2.5) for _ in range(self.ended_before)]
        lengths += [dice.uniform(self.at + 6, 1.5 * self.seconds) for _ in range(self.long_jobs)]
        dice.shuffle(lengths)
        jobs = [_plain_job(number * 0.03, length) for number, length in enumerate(lengths)]
        now = self.at
        while (now := now + dice.expovariate(self.rate)) < self.at + self.seconds:
            jobs.append(_plain_job(now, self.job_time))
        return jobs

    def events(self, stack):
        return [(self.at, balancer.reload) for balancer in stack.balancers]

    def counted(self, plays):
        return [played for played in plays if played.job.at >= self.at]


@dataclass(frozen=True)
class ClosedLoop(Regime):
    """Clients that send job after job."""

    clients: int = 1
    external: tuple = ()  # jobs of others, which stay

    def prepare(self, lab, sim):
        del lab
        for instance, jobs in zip(sim.instances, self.external):
            instance.set(external_jobs=jobs)
        return []

    def play(self, stacks):
        time_ms = round(self.job_time * 1000)
        return play_loops([Loop(s.ports[0], self.clients, time_ms, self.seconds) for s in stacks])

    def counted(self, plays):
        return plays


def _plain_job(at, seconds):
    return Job(at=at, time_ms=round(seconds * 1000), direct=0, balancer=0, upload=0.0)


_OTHER = Workload("", other=0.5)
_ASYNC = Workload("", is_async=True)
_ASYNC_OTHER = Workload("", is_async=True, other=0.5)
_BURST_5 = Workload("", is_async=True, burst=5)
_BURST_20 = Workload("", is_async=True, burst=20)
_THREE = Workload("", speeds=(1.0,) * 3)
_UNEQUAL = Workload("", speeds=(0.5, 0.75, 1.0, 1.25, 1.5))
# Jobs of 5 s come so seldom that more seeds fit in at the same time.
_LONG = {"job_time": 5.0, "seconds": 90.0, "seeds": 5}

# A row that the model has too is called the same there: the live one is its check.
REGIMES = {
    # No more instances: the Python balancer can't do so many jobs a second.
    "sync-10ms-3": Regime(
        "jobs of 10 ms, 3 instances", SYNC, _THREE, job_time=0.01, seconds=15.0, seeds=1,
        stacks_at_once=2, pieces=5, has_oracle_hop=True,
    ),
    "sync-100ms": Regime("jobs of 100 ms", SYNC, job_time=0.1, seeds=1, has_oracle_hop=True),
    "sync-500ms": Regime("jobs of 0.5 s", SYNC, seeds=3),
    "sync-5s": Regime("jobs of 5 s", SYNC, **_LONG),
    "sync-500ms-unequal": Regime("jobs of 0.5 s, speeds 0.5 to 1.5", SYNC, _UNEQUAL, seeds=3),
    "sync-100ms-others": Regime(
        "jobs of 100 ms, half by other roads", WITH_OTHERS, _OTHER, job_time=0.1, seeds=1,
        has_oracle_hop=True,
    ),
    "sync-500ms-others": Regime(
        "jobs of 0.5 s, half by other roads", WITH_OTHERS, _OTHER, seeds=3
    ),
    "sync-5s-others": Regime("jobs of 5 s, half by other roads", WITH_OTHERS, _OTHER, **_LONG),
    "async-500ms": Regime("async jobs of 0.5 s, one by one", ASYNC, _ASYNC, seeds=3),
    "async-5s": Regime("async jobs of 5 s, one by one", ASYNC, _ASYNC, **_LONG),
    "async-500ms-others": Regime(
        "async jobs of 0.5 s, half by other roads", WITH_OTHERS, _ASYNC_OTHER, seeds=3
    ),
    "async-bursts-5-500ms": Regime("async jobs of 0.5 s, bursts of 5", ASYNC, _BURST_5, seeds=3),
    "async-bursts-20-500ms": Regime("async jobs of 0.5 s, bursts of 20", ASYNC, _BURST_20, seeds=3),
    "killed": Killed(
        "4 of 12 instances killed halfway, jobs of 0.5 s",
        SYNC, Workload("", speeds=(1.0,) * 12), rho=0.5, victims=4,
    ),
    "broken": Broken(
        "one of 3 instances answers every job with 500 at once, jobs of 0.5 s",
        SYNC, Workload("", speeds=(1.0, 1.0)), rho=0.6, seeds=3, is_loss_compared=True,
    ),
    "start": Start(
        "the first 10 s after a start, half of the jobs by other roads",
        WITH_OTHERS, _OTHER, seconds=10.0, seeds=5, seeds_at_once=1, block=10, held=(3, 1),
    ),
    "reload": Reload(
        "the 30 s after a reload with 20 long jobs open",
        SYNC, job_time=0.3, seconds=30.0, slots=100, least_share=0.97,
    ),
    "closed-loop": ClosedLoop(
        "two instances of 0.3 and 1.2 s, 8 clients in a closed loop for 30 s",
        SYNC, Workload("", speeds=(1.0, 0.25)), job_time=0.3, seconds=30.0, clients=8, block=8,
        is_loop=True,
    ),
    "one-by-one": ClosedLoop(
        "jobs of 0.3 s one by one, while others hold 0, 5 and 5 jobs there",
        WITH_OTHERS, _THREE, job_time=0.3, seconds=30.0, block=8,
        external=(0, 5, 5), least_share=0.97, is_loop=True,
    ),
}  # fmt: skip


def _start(lab, regime, seeds):
    """(column, Stack) of all columns and seeds, some at a time: they wait more than they work."""

    def start(column, seed, copy):
        contender, interval = COLUMNS[column]
        return column, Stack(
            lab, contender, seed, regime.workload, interval, copy=copy, slots=regime.slots,
            prepare=regime.prepare, has_oracle_hop=regime.has_oracle_hop,
        )  # fmt: skip

    wanted = [
        (column, seed, copy)
        for column in COLUMNS
        for seed in seeds
        for copy in range(ORACLES if column == ORACLE else 1)
    ]
    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        return list(pool.map(lambda one: start(*one), wanted))


def run(name, regime):
    """All columns of a row on the same jobs; returns a regimes_report.Row."""
    begin = time.monotonic()
    print(f"\n{name}: {regime.text}; {regime.seeds} seeds, {regime.seconds:g} s", flush=True)
    seeds = list(range(1, regime.seeds + 1))
    together = regime.seeds_at_once or len(seeds)
    row = regimes_report.Row(name, regime)
    for first in range(0, len(seeds), together):
        with lab_of_run() as lab:
            stacks = _start(lab, regime, seeds[first : first + together])
            plays = regime.play([stack for _, stack in stacks])
            routing_report.warn_if_late(plays)
            for (column, stack), played in zip(stacks, plays):
                row.add(column, stack.seed, played, stack.log())
    row.seconds = time.monotonic() - begin
    return row


def rows_of_model():
    try:
        import model_rows
    except ImportError:
        print("\nmodel_rows.py isn't there: jobs of a minute and the rest of the grid are left out")
        return []
    print("\nthe model's rows", flush=True)
    return model_rows.rows()


def parse(arguments):
    names = [*REGIMES, MODEL]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("build/bench"), help="directory of the results")
    add("--rows", type=names_of(names), default=names, help=f"{MODEL}: those of the model")
    add("--quick", action="store_true", help="one seed, at most 10 s a row: does it run at all?")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    # A run that is terminated ends its processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.rows:
        if name != MODEL:
            regime = REGIMES[name].quick() if options.quick else REGIMES[name]
            rows.append(run(name, regime))
            regimes_report.print_row(rows[-1])
            regimes_report.write(options.out, rows)
    more = rows_of_model() if MODEL in options.rows else []
    regimes_report.write(options.out, rows, more)
    print(f"\n{regimes_report.table(rows, more)}")
    regimes_report.print_check(rows, more)
    regimes_report.print_targets(rows, more)


if __name__ == "__main__":
    main()
