#!/usr/bin/python3 -B
"""The regimes of regimes.py as a simulation: those that take too long live, and some that don't.

    model_rows.py [--out build/bench] [--jobs 200000] [--seeds 4]

Five one-slot instances, log-normal service times (sigma 1), utilisation 0.7; jobs of 10 ms to 60 s,
equal and unequal instances, synchronous and asynchronous jobs (one by one and in bursts of 20),
none or half of the jobs by other roads (and half of those to one instance). A contender's
HEALTH_CHECK_INTERVAL is the default, 2 s or 100 ms. leastjobs asks busy instances every
JOBS_INTERVAL (at most 1 s) or up to ten times as often where their counts change, the Python
balancer every HEALTH_CHECK_INTERVAL (and counts what it has open twice); leastconn asks nobody.
Ratios are to the oracle, which sees all, on the same jobs.

A ratio far above 10 means no steady state: it says how long the run was.

model-regimes.csv has one line per regime and contender.
"""

import argparse
import csv
import itertools
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from model import RHO, build_program

JOBS, SEEDS = 200000, 4
# Where polls are many to a job, they are most of the work.
LONG_S, LONG_JOBS_SHARE = 60.0, 0.4
CHECK_S = 0.002  # how long a health check takes
QUICK_PART = 10  # as in agent/checks/pace.c
JOB_TIMES = {"10ms": 0.01, "100ms": 0.1, "500ms": 0.5, "5s": 5.0, "60s": 60.0}
JOB_TEXTS = {"10ms": "10 ms", "100ms": "100 ms", "500ms": "0.5 s", "5s": "5 s", "60s": "60 s"}
# The first is where half of the other jobs go: the fastest, or they alone would be too many for it.
SPEEDS = {"equal": "1", "unequal": "1.5,0.5,0.75,1,1.25"}
KINDS = {
    "sync": ("jobs of {}", []),
    "async": ("async jobs of {}, one by one", ["--async", "1"]),
    "async-bursts-20": ("async jobs of {}, bursts of 20", ["--async", "1", "--burst", "20"]),
}
OTHERS = {"": 0, "others": 0.5}
ORACLE, PLAIN = "oracle", "haproxy-leastconn"
# As regimes.py calls them: the policy, and the seconds between its polls.
COLUMNS = {
    ORACLE: ("oracle", 1.0),
    PLAIN: ("leastconn", 1.0),
    "python": ("reported+pending", 30.0),
    "python-2s": ("reported+pending", 2.0),
    "python-100ms": ("reported+pending", 0.1),
    "leastjobs": ("forecast", 1.0),
    "leastjobs-2s": ("forecast", 1.0),
    "leastjobs-100ms": ("forecast", 0.1),
}
FIELDS = (
    "row", "text", "column", "jobs", "mean", "mean_ratio", "mean_ratio_error", "p99", "p99_ratio",
    "p99_ratio_error", "share", "of_leastconn", "of_leastconn_error", "limit",
)  # fmt: skip


@dataclass(frozen=True)
class Regime:
    job: str
    instances: str
    kind: str
    others: str

    @property
    def name(self):
        parts = (self.kind, self.job, self.instances, self.others)
        return "-".join(part for part in parts if part not in ("", "equal"))

    @property
    def text(self):
        parts = [KINDS[self.kind][0].format(JOB_TEXTS[self.job])]
        parts += ["speeds 0.5 to 1.5"] if self.instances == "unequal" else []
        parts += ["half by other roads"] if self.others else []
        return ", ".join(parts)

    @property
    def limit(self):
        """The target: at most so much of the oracle's mean."""
        if self.others:
            return 1.10
        return 1.03 if self.kind == "sync" else 1.05

    def jobs(self, jobs):
        return round(jobs * LONG_JOBS_SHARE) if JOB_TIMES[self.job] >= LONG_S else jobs

    def command(self, program, poll, policies, jobs, seed):
        job_time = JOB_TIMES[self.job]
        options = {
            "seed": seed, "jobs": self.jobs(jobs), "rho": RHO, "other": OTHERS[self.others],
            "speeds": SPEEDS[self.instances], "poll": poll / job_time,
            "quickest": poll / QUICK_PART / job_time, "latency": CHECK_S / job_time,
        }  # fmt: skip
        words = [f"--{name}={value}" for name, value in options.items()]
        return [program, *words, *KINDS[self.kind][1], *policies]


REGIMES = [Regime(*values) for values in itertools.product(JOB_TIMES, SPEEDS, KINDS, OTHERS)]


def _run(program, regime, jobs, seed):
    """What the model says of each (policy, poll) of COLUMNS."""
    found = {}
    for poll in sorted({poll for _, poll in COLUMNS.values()}):
        policies = sorted({policy for policy, its_poll in COLUMNS.values() if its_poll == poll})
        command = regime.command(program, poll, policies, jobs, seed)
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        for line in csv.DictReader(out.splitlines()):
            found[line["policy"], poll] = line
    return found


def _ratio(own, others):
    """Of the means over the seeds, and its standard error."""
    count, mean = len(own), sum(others) / len(others)
    ratio = sum(own) / sum(others)
    squares = sum((a - ratio * b) ** 2 for a, b in zip(own, others))
    return ratio, math.sqrt(squares / (count * (count - 1))) / mean


def _cells(regime, runs):
    """`runs`: those of each seed."""

    def values(column, field):
        return [float(run[COLUMNS[column]][field]) for run in runs]

    for column in COLUMNS:
        cell = {"row": regime.name, "text": regime.text, "column": column, "limit": regime.limit}
        cell["jobs"] = sum(int(run[COLUMNS[column]]["jobs"]) for run in runs)
        cell["share"] = sum(values(column, "share")) / len(runs)
        for field in ("mean", "p99"):
            own = values(column, field)
            ratio, error = _ratio(own, values(ORACLE, field))
            cell[field] = JOB_TIMES[regime.job] * sum(own) / len(own)
            cell |= {f"{field}_ratio": ratio, f"{field}_ratio_error": error}
        ratio, error = _ratio(values(column, "mean"), values(PLAIN, "mean"))
        yield cell | {"of_leastconn": ratio, "of_leastconn_error": error}


def rows(jobs=JOBS, seeds=SEEDS):
    """A dictionary of FIELDS for each regime and contender, in order; some minutes."""
    program = build_program()
    points = [(regime, seed) for regime in REGIMES for seed in range(1, seeds + 1)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(lambda point: _run(program, point[0], jobs, point[1]), points))
    return [
        cell
        for number, regime in enumerate(REGIMES)
        for cell in _cells(regime, found[number * seeds : (number + 1) * seeds])
    ]


def write(path, cells):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        for cell in cells:
            rounded = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in cell.items()}
            writer.writerow(rounded)


def print_table(cells):
    """Mean response times, of the oracle's; and whose target is missed by more than chance."""
    columns = [column for column in COLUMNS if column != ORACLE]
    titles = "".join(f"{column.replace('haproxy-', ''):>17}" for column in columns)
    print(f"{'mean, of the oracle':72}{titles}")
    by_row = {}
    for cell in cells:
        by_row.setdefault(cell["text"], {})[cell["column"]] = cell
    for text, row in by_row.items():
        line = "".join(
            f"{row[column]['mean_ratio']:10.3f} ±{row[column]['mean_ratio_error']:5.3f}"
            for column in columns
        )
        print(f"{text:72}{line}")
    print("\nMissed by more than two standard errors:")
    for cell in cells:
        if cell["column"].startswith("leastjobs"):
            over = cell["mean_ratio"] - 2 * cell["mean_ratio_error"]
            if over > cell["limit"]:
                print(f"  {cell['text']}: {cell['column']} {cell['mean_ratio']:.3f} of the oracle, "
                      f"at most {cell['limit']:.2f}")  # fmt: skip
            if cell["of_leastconn"] - 2 * cell["of_leastconn_error"] > 1:
                print(f"  {cell['text']}: {cell['column']} {cell['of_leastconn']:.3f} of leastconn")


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("build/bench"), help="directory of the results")
    add("--jobs", type=int, default=JOBS, help="jobs of a run")
    add("--seeds", type=int, default=SEEDS, help="runs, at least 2")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    options.out.mkdir(parents=True, exist_ok=True)
    cells = rows(options.jobs, options.seeds)
    write(options.out / "model-regimes.csv", cells)
    print_table(cells)


if __name__ == "__main__":
    main()
