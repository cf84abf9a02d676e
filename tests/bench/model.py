#!/usr/bin/python3 -B
"""Routing quality as a simulation: the policies of routing.py, with more jobs and instances.

    model.py [--out build/bench] [--jobs 1000000] [--seed 1]
    model.py --check build/bench/routing.csv

A discrete-event simulation (model/) sends the same jobs through each policy: Poisson arrivals or
bursts, log-normal service times (sigma 1), one job at a time on each instance, utilisation 0.7.
Times are in mean jobs. The oracle sees every instance's true count at each arrival; all others are
given as ratios to it. "Fewest" is the share of jobs that went to an instance with the fewest;
imbalance the most by which two instances differed when a job came.

`--check` takes the runs of routing.py and shows how far the simulation is from them, with runs as
long as theirs, beside how far apart simulations of so few jobs are by chance alone.

model.csv has one line per workload, number of instances, balancers, poll and policy.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from bench import ROUTING_TARGETS, draw

ROOT = Path(__file__).resolve().parents[2]
ORACLE = "oracle"
RHO, POLL, INSTANCES = 0.7, 0.1, 5
# With more instances every job tells of more of them, and costs more.
MANY, MANY_JOBS_SHARE = 20, 0.2
SIZES = (2, 5, 10, 20, 50, 100, 300, 1000)
TABLE_SIZES = (5, 100, 1000)
POLLS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
TABLE_POLLS = (0.02, 0.1, 0.3, 1.0)
SPREAD_SEEDS, SPREAD_FIRST_SEED = 40, 1000
BALANCERS = (2, 4, 8)
BALANCER_SIZES = (5, 20, 100, 1000)

WORKLOADS = {
    "a": ("all jobs through the balancer", []),
    "b": ("half of the jobs by other roads", ["--other", "0.5"]),
    "d": ("async jobs, one by one", ["--async", "1"]),
    "d5": ("async jobs, bursts of 5", ["--async", "1", "--burst", "5"]),
    "f": ("speeds 0.5 to 1.5",
          ["--speeds", "0.5,0.75,1,1.25,1.5", "--capacities", "2,3,4,5,6"]),  # fmt: skip
    "g": ("all jobs through one of several balancers", []),
}
# Policy: line style of style.gp, name in pictures.
POLICIES = {
    "leastjobs": (1, "leastjobs"),
    "open+external": (8, "open + external"),
    "leastconn": (2, "leastconn"),
    "leastconn-w": (3, "leastconn, weights"),
    "roundrobin-w": (4, "roundrobin, weights"),
    "random2-w": (5, "random(2), weights"),
    "reported": (6, "fewest reported"),
    "reported+pending": (7, "reported + pending"),
}
BALANCER_POLICIES = ("leastjobs", "leastconn", "random2-w")
SPEED_POLICIES = (
    "leastjobs", "leastjobs-by-speed", "capacities", "oracle-by-speed", "leastconn"
)  # fmt: skip
# Whose a target is, where it isn't leastjobs as it is.
TARGET_POLICIES = {"f": "capacities"}
FIELDS = (
    "workload", "instances", "balancers", "rho", "poll", "policy", "jobs",
    "mean", "p95", "p99", "share", "imbalance", "mean_ratio", "p95_ratio", "p99_ratio",
)  # fmt: skip
# What routing.py calls the policies.
LIVE_NAMES = {
    "leastjobs": "leastjobs",
    "haproxy-leastconn": "leastconn",
    "haproxy-leastconn-w": "leastconn-w",
    "haproxy-roundrobin-w": "roundrobin-w",
    "haproxy-random2-w": "random2-w",
    "nginx": "leastconn",
    "python": "reported+pending",
}


def build_program():
    """Makes leastjobs-model; returns its path."""
    build = Path(os.environ.get("LEASTJOBS_BUILD", "build"))
    program = build / "leastjobs-model"
    subprocess.run(["make", "-s", f"BUILD={build}", str(program)], cwd=ROOT, check=True)
    return ROOT / program


class Model:
    """Runs the program once for each point asked for."""

    def __init__(self, program, jobs, seed, dice=0):
        self.program = program
        self.jobs = jobs
        self.seed = seed
        self.dice = dice
        self.rows = {}

    def jobs_for(self, instances):
        if instances < MANY:
            return self.jobs
        return round(self.jobs * MANY_JOBS_SHARE)

    def run(self, workload, policies, *, instances=INSTANCES, balancers=1, poll=POLL, run_jobs=0):
        """The rows (dictionaries of FIELDS) of the oracle and the policies on one workload."""
        new = [p for p in policies if (workload, instances, balancers, poll, p) not in self.rows]
        if new:
            self._run(workload, new, instances, balancers, poll, run_jobs)
        return [self.rows[workload, instances, balancers, poll, p] for p in policies]

    def _run(self, workload, policies, instances, balancers, poll, run_jobs):
        jobs = self.jobs_for(instances)
        options = {
            "instances": instances, "balancers": balancers, "poll": poll, "rho": RHO,
            "jobs": jobs, "run": min(run_jobs or jobs, jobs), "seed": self.seed,
            "dice": self.dice,
        }  # fmt: skip
        command = [self.program, *WORKLOADS[workload][1]]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        command += [ORACLE, *policies]
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        oracle, *results = csv.DictReader(out.splitlines())
        for result in [oracle, *results]:
            row = {"workload": workload, "rho": RHO, "instances": instances,
                   "balancers": balancers, "poll": poll, "policy": result["policy"],
                   "jobs": int(result["jobs"]), "imbalance": int(result["imbalance"]),
                   "share": float(result["share"])}  # fmt: skip
            for name in ("mean", "p95", "p99"):
                row[name] = float(result[name])
                row[f"{name}_ratio"] = row[name] / float(oracle[name])
            self.rows[workload, instances, balancers, poll, result["policy"]] = row

    def write(self, path):
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            for row in self.rows.values():
                rounded = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
                writer.writerow(rounded)


# --- tables


def print_table(title, rows, label="policy"):
    print(f"\n{title}")
    print(f"  {'':34}{'mean':>8}{'p95':>8}{'p99':>8}{'fewest':>9}{'imbalance':>11}")
    for row in rows:
        print(f"  {row[label]:34}{row['mean_ratio']:8.3f}{row['p95_ratio']:8.3f}"
              f"{row['p99_ratio']:8.3f}{row['share']:9.1%}{row['imbalance']:11}",
              flush=True)  # fmt: skip


def tables(model):
    for workload in ("a", "b", "d", "d5"):
        for instances in TABLE_SIZES:
            rows = model.run(workload, POLICIES, instances=instances)
            print_table(f"{workload}: {WORKLOADS[workload][0]}; {instances} instances, polls every "
                        f"{POLL:g} of a job; ratios to the oracle", rows)  # fmt: skip
    rows = []
    for instances in BALANCER_SIZES:
        for balancers in BALANCERS:
            for row in model.run("g", BALANCER_POLICIES, instances=instances, balancers=balancers):
                label = f"{balancers} over {instances}: {row['policy']}"
                rows.append({**row, "label": label})
    print_table(f"g: {WORKLOADS['g'][0]}; polls every {POLL:g} of a job", rows, "label")
    print_table("f: instances of speeds 0.5 to 1.5; by-speed: least (load + 1) / speed, with the "
                "speeds known; capacities: the same by capacities of 2 to 6",
                model.run("f", SPEED_POLICIES))  # fmt: skip
    for workload in ("a", "b", "d5"):
        rows = [{**row, "label": f"every {poll:g}: {row['policy']}"}
                for poll in TABLE_POLLS for row in model.run(workload, POLICIES, poll=poll)
                if row["policy"] in ("leastjobs", "open+external", "reported+pending")]  # fmt: skip
        print_table(f"{workload}: {WORKLOADS[workload][0]}; by time between polls", rows, "label")


def print_targets(model):
    print(f"\nTargets, for leastjobs at utilisation {RHO:g} with polls every {POLL:g} of a job, "
          f"{INSTANCES} instances (f: that knows capacities; g: two balancers):")  # fmt: skip
    for workload, targets in ROUTING_TARGETS.items():
        balancers = 2 if workload == "g" else 1
        policy = TARGET_POLICIES.get(workload, "leastjobs")
        (row,) = model.run(workload, [policy], balancers=balancers)
        for field, target in targets.items():
            met = row[field] >= target if field == "share" else row[field] <= target
            bound = "at least" if field == "share" else "at most"
            print(f"  {workload:3}{field.replace('_', ' '):11} target {bound} {target:.2f}, "
                  f"got {row[field]:.3f}: {'met' if met else 'MISSED'}")  # fmt: skip


# --- pictures


def blocks(panels):
    """gnuplot's data: block pN_S has panel N's (x, mean ratio, share in %) for line style S."""
    script = ""
    for number, rows in enumerate(panels):
        points = defaultdict(list)
        for x, row in rows:
            points[POLICIES[row["policy"]][0]].append(
                f"{x:g} {row['mean_ratio']:.5f} {100 * row['share']:.3f}\n"
            )
        script += "".join(f"$p{number}_{s} << END\n{''.join(p)}END\n" for s, p in points.items())
    return script


def lines(panel, column, policies, has_titles):
    plots = []
    for policy in policies:
        style, title = POLICIES[policy]
        key = f'title "{title}"' if has_titles else "notitle"
        plots.append(f"$p{panel}_{style} using 1:{column} with linespoints ls {style} {key}")
    return plots


RATIO_AXIS = """
set ylabel "mean response time, oracle = 1 (log)"
set logscale y
set yrange [0.95:{top}]
set ytics (1, 1.2, 1.5, 2, 3, 4, 6, 8, 12)
"""


def draw_instances(model, out):
    """Mean response by number of instances: sync jobs of all roads, and bursts of async ones."""
    policies = list(POLICIES)
    workloads = ("b", "d5")
    panels = [[(n, row) for n in SIZES for row in model.run(w, policies, instances=n)]
              for w in workloads]  # fmt: skip
    top = 1.1 * max(row["mean_ratio"] for rows in panels for _, row in rows)
    script = blocks(panels)
    script += f"""
set multiplot layout 1,2 title "Simulation: mean response by number of instances, 70 % busy, \
polls every {POLL:g} of a job" font ",14" margins 0.095,0.755,0.14,0.83 spacing 0.08
set xlabel "instances (log)"
set logscale x
set xrange [{SIZES[0] * 0.85}:{SIZES[-1] * 1.2}]
set xtics (2, 5, 10, 20, 50, 100, 300, 1000) font ",10"
set key at screen 0.77,0.83 left top vertical Left reverse
{RATIO_AXIS.format(top=top)}
"""
    for number, workload in enumerate(workloads):
        titles = ['1 ls 9 title "oracle"'] if number == 0 else ["1 ls 9 notitle"]
        plots = titles + lines(number, 2, policies, number == 0)
        script += f'set title "{WORKLOADS[workload][0]}"\nplot {", ".join(plots)}\nunset ylabel\n'
    draw(out, "model-instances", script + "unset multiplot\n")


def draw_poll(model, out):
    """Mean response and share to the fewest by the time between polls, sync jobs of all roads."""
    policies = list(POLICIES)
    rows = [(p, row) for p in POLLS for row in model.run("b", policies, poll=p)]
    top = 1.1 * max(row["mean_ratio"] for _, row in rows)
    script = blocks([rows])
    script += f"""
set multiplot layout 1,2 title "Simulation: {WORKLOADS['b'][0]}, 70 % busy, {INSTANCES} \
instances" font ",14" margins 0.095,0.755,0.14,0.87 spacing 0.10
set xlabel "time between polls, in mean jobs (log)"
set logscale x
set xrange [{POLLS[0] * 0.85}:{POLLS[-1] * 1.15}]
set xtics (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) font ",10"
set key at screen 0.77,0.87 left top vertical Left reverse
{RATIO_AXIS.format(top=top)}
plot {", ".join(['1 ls 9 title "oracle"', *lines(0, 2, policies, True)])}
unset logscale y
set ylabel "jobs to an instance with the fewest [%]"
set yrange [*:100]
set ytics auto
plot {", ".join(lines(0, 3, policies, False))}
unset multiplot
"""
    draw(out, "model-poll", script)


# --- against the live runs


def read_live(path):
    """Runs of routing.csv by workload and contender, at this RHO and POLL; workloads a and b."""
    runs = defaultdict(list)
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["workload"] in ("a", "b") and (float(row["rho"]), float(row["poll"])) == (
                RHO, POLL,
            ):  # fmt: skip
                runs[row["workload"], row["contender"]].append(row)
    return runs


def mean_over_runs(runs, field):
    total = sum(int(run["jobs"]) for run in runs)
    return sum(float(run[field]) * int(run["jobs"]) for run in runs) / total


def spread(model, workload, policies, jobs, run_jobs):
    """Standard deviations of mean ratio and share, by policy, in simulations of so many jobs.

    Ties are broken apart from the oracle's, as they are in the live runs.
    """
    samples = defaultdict(list)
    for seed in range(SPREAD_FIRST_SEED, SPREAD_FIRST_SEED + SPREAD_SEEDS):
        (oracle,) = Model(model.program, jobs, seed).run(workload, [ORACLE], run_jobs=run_jobs)
        other = Model(model.program, jobs, seed, dice=seed)
        for row in other.run(workload, policies, run_jobs=run_jobs):
            samples[row["policy"]].append((row["mean"] / oracle["mean"], row["share"]))
    return {policy: [statistics.stdev(values) for values in zip(*pairs)]
            for policy, pairs in samples.items()}  # fmt: skip


def check(model, path):
    """Prints model and live side by side; False if the file has nothing to compare with."""
    live = read_live(path)
    found = False
    for workload in ("a", "b"):
        oracle = live.get((workload, ORACLE))
        names = [name for name in LIVE_NAMES if (workload, name) in live]
        if not oracle or not names:
            print(f"{workload}: no runs to compare with at utilisation {RHO:g}, poll {POLL:g}")
            continue
        found = True
        # Each of a contender's rows is one run: its balanced jobs without the 5 % of warm-up.
        runs = live[workload, names[0]]
        balanced = 0.5 if workload == "b" else 1
        run_jobs = round(sum(int(run["jobs"]) for run in runs) / len(runs) / 0.95 / balanced)
        policies = list(dict.fromkeys(LIVE_NAMES[name] for name in names))
        rows = {r["policy"]: r for r in model.run(workload, policies, run_jobs=run_jobs)}
        spreads = spread(model, workload, policies, run_jobs * len(runs), run_jobs)
        print(f"\n{workload}: {WORKLOADS[workload][0]}; runs of {run_jobs} jobs, live "
              f"{len(runs)} of them; chance: ± 2 standard deviations")  # fmt: skip
        print(f"  {'':22}{'mean, of the oracle':^34}{'to a fewest-jobs instance [%]':^34}")
        print(f"  {'':22}" + f"{'model':>9}{'live':>8}{'apart':>8}{'chance':>9}" * 2)
        for name in names:
            row, runs = rows[LIVE_NAMES[name]], live[workload, name]
            ratio = mean_over_runs(runs, "mean") / mean_over_runs(oracle, "mean")
            share = 100 * mean_over_runs(runs, "share")
            sd_ratio, sd_share = spreads[LIVE_NAMES[name]]
            print(f"  {name:22}{row['mean_ratio']:9.3f}{ratio:8.3f}"
                  f"{ratio - row['mean_ratio']:+8.3f}{'±':>4}{2 * sd_ratio:.3f}"
                  f"{100 * row['share']:9.1f}{share:8.1f}"
                  f"{share - 100 * row['share']:+8.1f}{'±':>5}{200 * sd_share:.1f}")  # fmt: skip
    return found


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("build/bench"), help="directory of the results")
    add("--jobs", type=int, default=1000000, help="jobs of a point; fewer with many instances")
    add("--seed", type=int, default=1)
    add("--check", type=Path, metavar="ROUTING_CSV", help="compare with the live runs instead")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    model = Model(build_program(), options.jobs, options.seed)
    if options.check:
        return 0 if check(model, options.check) else 1
    options.out.mkdir(parents=True, exist_ok=True)
    tables(model)
    draw_instances(model, options.out)
    draw_poll(model, options.out)
    print_targets(model)
    model.write(options.out / "model.csv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
