"""Figures, tables, CSV files and pictures of routing.py."""

import csv
import math
import random
import statistics
from collections import defaultdict
from dataclasses import dataclass

from bench import ROUTING_TARGETS, data_block, draw
from schedule import WORKLOADS
from stack import ORACLE

WARM_UP = 0.05
# Jobs that follow each other share their fate: errors are estimated from blocks of them.
BLOCK = 50
MIN_BLOCKS = 8
RESAMPLES = 200
LATE_S, LATE_SHARE = 0.005, 0.01
TARGETS_AT = (0.7, 0.1)
# Whose a target is, where it isn't leastjobs as it is.
TARGET_CONTENDERS = {"f": "leastjobs-capacities"}
RUN_FIELDS = (
    "workload", "rho", "poll", "job_time", "contender", "seed", "jobs", "failed",
    "mean", "p50", "p95", "p99", "share", "imbalance",
)  # fmt: skip
POOLED_FIELDS = tuple(f for f in RUN_FIELDS if f != "seed") + (
    "mean_ratio", "mean_ratio_error", "mean_ratio_low", "mean_ratio_high",
    "p95_ratio", "p99_ratio", "p99_ratio_error",
)  # fmt: skip
# Line styles of style.gp, and where a contender's points stand beside those of the others.
STYLES = {
    "leastjobs": 1,
    "leastjobs-capacities": 8,
    "haproxy-leastconn": 2,
    "haproxy-leastconn-w": 3,
    "haproxy-roundrobin-w": 4,
    "haproxy-random2-w": 5,
    "nginx": 6,
    "python": 7,
}
LEGENDS = {
    "leastjobs-capacities": "leastjobs, capacities",
    "haproxy-leastconn": "HAProxy leastconn",
    "haproxy-leastconn-w": "leastconn, weights",
    "haproxy-roundrobin-w": "roundrobin, weights",
    "haproxy-random2-w": "random(2), weights",
    "nginx": "nginx least\\\\_conn",
    "python": "Python balancer",
}
CLIPPED_AT = 8


@dataclass
class Outcome:
    """A job that went through the balancer."""

    response: float
    excess: int  # jobs of its instance less the fewest of any, when it came
    imbalance: int


class Figures:
    """What a contender's outcomes come to, on one seed or on all.

    `runs`: lists of outcomes in the order of the jobs, None for one that failed; a contender may
    have run several times on the same jobs.
    """

    def __init__(self, workload, rho, poll, job_time, contender, seed, runs):
        self.workload = workload
        self.rho = rho
        self.poll = poll
        self.job_time = job_time
        self.contender = contender
        self.seed = seed
        self.runs = runs
        outcomes = [outcome for run in runs for outcome in run]
        good = [outcome for outcome in outcomes if outcome is not None]
        times = sorted(outcome.response for outcome in good)
        self.jobs = len(outcomes)
        self.failed = len(outcomes) - len(good)
        self.mean = sum(times) / len(times) if times else math.nan
        self.p50, self.p95, self.p99 = (percentile(times, p) for p in (50, 95, 99))
        self.share = sum(o.excess == 0 for o in good) / len(good) if good else math.nan
        self.excess = sum(o.excess for o in good) / len(good) if good else math.nan
        self.imbalance = max((o.imbalance for o in good), default=0)


def percentile(ordered, percent):
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def balanced(plays):
    """Those that went through the balancer."""
    return [played for played in plays if not played.job.direct]


def after_warm_up(plays):
    return plays[math.ceil(WARM_UP * len(plays)) :]


def outcomes(plays, log):
    """Joins what the clients saw with the simulator's log.

    None stands for a job that failed, or was done more than once.
    """
    return [_outcome(played, log) for played in plays]


def _outcome(played, log):
    done = [row for row in log.get(played.number, []) if row["outcome"] == "done"]
    if played.status != 200 or len(done) != 1:
        return None
    row = done[0]
    ended = float(row["ended"]) if played.job.is_async else played.ended
    return Outcome(ended - played.scheduled, int(row["excess"]), int(row["imbalance"]))


def warn_if_late(plays):
    begun = [(p.begun, p.begun - p.scheduled) for run in plays for p in run]
    late = [lateness for _, lateness in begun if lateness > LATE_S]
    if len(late) > LATE_SHARE * len(begun):
        print(f"WARNING: the player was more than {LATE_S * 1000:.0f} ms late with "
              f"{len(late) / len(begun):.1%} of its jobs, at most {max(late) * 1000:.0f} ms: "
              f"this machine is too busy for these figures")  # fmt: skip


# --- pooled over seeds, against the oracle


def pool(figures, block=BLOCK):
    """One row (a dictionary of POOLED_FIELDS) per workload, rho, poll and contender."""
    found = defaultdict(list)
    for f in figures:
        found[f.workload, f.rho, f.poll, f.contender].append(f)
    rows = []
    for key, seeds in found.items():
        oracles = found[(*key[:3], ORACLE)]
        whole, oracle = pool_of(seeds), pool_of(oracles)
        by_seed = [f.mean / o.mean for f, o in zip(seeds, oracles)]
        row = {field: getattr(whole, field, None) for field in POOLED_FIELDS}
        row |= {f"{name}_ratio": getattr(whole, name) / getattr(oracle, name)
                for name in ("mean", "p95", "p99")}  # fmt: skip
        row |= {"mean_ratio_low": min(by_seed), "mean_ratio_high": max(by_seed)}
        if key[-1] != ORACLE:
            row |= ratio_errors(seeds, oracles, block)
        rows.append(row)
    return rows


def pool_of(seeds):
    """The Figures of all seeds together."""
    first = seeds[0]
    runs = [run for f in seeds for run in f.runs]
    return Figures(
        first.workload, first.rho, first.poll, first.job_time, first.contender, "all", runs
    )


def ratio_errors(seeds, references, block=BLOCK):
    """Standard errors of the ratios of mean and p99: a bootstrap over blocks of the same jobs.

    `references` are another contender's Figures of the same seeds. Too few blocks have no error.
    """
    blocks = [
        (_times(f.runs, begin, block), _times(r.runs, begin, block))
        for f, r in zip(seeds, references)
        for begin in range(0, len(f.runs[0]), block)
    ]
    blocks = [(own, ideal) for own, ideal in blocks if own and ideal]
    if len(blocks) < MIN_BLOCKS:
        return {}
    dice = random.Random(1)
    means, p99s = [], []
    for _ in range(RESAMPLES):
        chosen = dice.choices(blocks, k=len(blocks))
        own, ideal = (sorted(t for block in chosen for t in block[side]) for side in (0, 1))
        means.append(statistics.fmean(own) / statistics.fmean(ideal))
        p99s.append(percentile(own, 99) / percentile(ideal, 99))
    return {
        "mean_ratio_error": statistics.pstdev(means),
        "p99_ratio_error": statistics.pstdev(p99s),
    }


def _times(runs, begin, block):
    return [o.response for run in runs for o in run[begin : begin + block] if o is not None]


def print_table(figures):
    print(f"  {'':20}{'mean, of oracle (seeds)':>32}{'p95':>9}{'p99':>17}"
          f"{'fewest':>9}{'imbalance':>11}{'failed':>14}")  # fmt: skip
    for row in pool(figures):
        if row["contender"] == ORACLE:
            times = f"{row['mean']:7.3f} s{'':23}{row['p95']:7.2f} s{row['p99']:7.2f} s{'':8}"
        else:
            seeds = f"({row['mean_ratio_low']:.3f} to {row['mean_ratio_high']:.3f})"
            times = f"{_with_error(row, 'mean_ratio')}{seeds:>17}{row['p95_ratio']:9.3f} "
            times += _with_error(row, "p99_ratio")
        failed = f"{row['failed']} of {row['jobs']}"
        print(f"  {row['contender']:20}{times:>58}{row['share']:9.1%}{row['imbalance']:11}"
              f"{failed:>14}", flush=True)  # fmt: skip


def _with_error(row, field):
    error = row[f"{field}_error"]
    return f"{row[field]:7.3f} {f'± {error:.3f}' if error is not None else '':7}"


def print_targets(figures):
    print("\nTargets, for leastjobs at utilisation 0.7 with polls every 0.1 of a job"
          " (± one standard error):")  # fmt: skip
    for row in pool(figures):
        contender = TARGET_CONTENDERS.get(row["workload"], "leastjobs")
        if row["contender"] == contender and (row["rho"], row["poll"]) == TARGETS_AT:
            for field, target in ROUTING_TARGETS.get(row["workload"], {}).items():
                print(f"  {row['workload']:3}{verdict(row, field, target)}")


def verdict(row, field, target):
    """Whether a row of pool() meets a target, in words."""
    label = field.replace("_", " ")
    if field == "share":
        met = "met" if row[field] >= target else "MISSED"
        return f"{label:11} target at least {target:.2f}, got {row[field]:.3f}: {met}"
    met = "met" if row[field] <= target else "MISSED"
    if row[field] > target and row[field] - 2 * (row[f"{field}_error"] or 0) <= target:
        met = "missed, within two standard errors"
    return f"{label:11} target at most  {target:.2f}, got {_with_error(row, field).strip()}: {met}"


# --- files


def write(out, figures):
    rows = ({field: getattr(f, field) for field in RUN_FIELDS} for f in figures)
    write_csv(out / "routing.csv", RUN_FIELDS, rows)
    write_csv(out / "routing-pooled.csv", POOLED_FIELDS, pool(figures))


def write_csv(path, fields, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def _read(out, **chosen):
    """Rows of routing-pooled.csv with these values, but the oracle's."""
    with open(out / "routing-pooled.csv", newline="") as file:
        for row in csv.DictReader(file):
            same = all(
                row[k] == v if isinstance(v, str) else float(row[k]) == v for k, v in chosen.items()
            )
            if same and row["contender"] != ORACLE:
                yield row


# --- pictures


def _legend(contender):
    return LEGENDS.get(contender, contender)


def draw_workloads(out, rho, poll):
    """Mean response by workload: a dot per contender, a bar for the range over the seeds."""
    rows = list(_read(out, rho=rho, poll=poll))
    names = [name for name in STYLES if any(r["contender"] == name for r in rows)]
    places = {w: x for x, w in enumerate(dict.fromkeys(r["workload"] for r in rows))}
    top = 1.2 * min(CLIPPED_AT, max(2, *(float(row["mean_ratio_high"]) for row in rows)))
    script, plots, labels = "", ['1 ls 9 title "oracle"'], []
    for place, name in enumerate(names):
        shift = (place - (len(names) - 1) / 2) * 0.1
        points = []
        for row in rows:
            if row["contender"] != name:
                continue
            x = places[row["workload"]] + shift
            mean, low, high = (
                min(CLIPPED_AT, float(row[f])) for f in ("mean_ratio", "mean_ratio_low",
                                                         "mean_ratio_high")
            )  # fmt: skip
            points.append((f"{x:.3f}", mean, low, high))
            if mean == CLIPPED_AT:
                labels.append(f'set label "{float(row["mean_ratio"]):.0f}" at {x:.3f},'
                              f'{CLIPPED_AT * 1.07:.2f} center font ",9"\n')  # fmt: skip
        block = f"points{place}"
        script += data_block(block, points)
        plots.append(f'${block} with yerrorbars ls {STYLES[name]} title "{_legend(name)}"')
    tics = ", ".join(f'"{_wrapped(w)}" {x}' for w, x in places.items())
    separators = "".join(
        f"set arrow from {x + 0.5},0.9 to {x + 0.5},{top} nohead ls 10\n"
        for x in range(len(places) - 1)
    )
    script += "".join(labels) + separators
    script += f"""
set title "Mean response time by workload, {100 * rho:.0f} % busy, polls every {poll:g} of a job"
set ylabel "mean response time, oracle = 1 (log)"
set logscale y
set yrange [0.9:{top}]
set ytics (0.9, 1, 1.2, 1.5, 2, 3, 4, 6, 8)
set xrange [-0.5:{len(places) - 0.5}]
set xtics ({tics}) font ",9" scale 0
set key at screen 0.5,0.02 center bottom horizontal Left reverse maxrows 2
set bmargin 9
set bars 0
plot {", ".join(plots)}
"""
    draw(out, "routing", script)


def _wrapped(workload):
    """A label of short lines: the workload's letter above its text."""
    lines = [""]
    for word in WORKLOADS[workload].text.split():
        if len(lines[-1]) + len(word) > 13:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\\n".join([workload, *lines])


def draw_sweep(out, variable, workload, rho, poll):
    """Mean response and share to the fewest against the poll interval or the utilisation."""
    fixed = {"rho": rho} if variable == "poll" else {"poll": poll}
    rows = list(_read(out, workload=workload, **fixed))
    values = sorted({float(row[variable]) for row in rows})
    points = defaultdict(list)
    for row in rows:
        if len({r[variable] for r in rows if r["contender"] == row["contender"]}) == len(values):
            points[row["contender"]].append(
                (float(row[variable]), row["mean_ratio"], 100 * float(row["share"]))
            )
    names = [name for name in STYLES if name in points]
    script = "".join(data_block(f"sweep{STYLES[n]}", sorted(points[n])) for n in names)
    label = {"poll": "time between polls, in mean jobs (log)", "rho": "utilisation"}[variable]
    tics = ", ".join(f'"{value:g}" {value:g}' for value in values)

    def lines(column, has_titles):
        titles = [f'title "{_legend(n)}"' if has_titles else "notitle" for n in names]
        return [f"$sweep{STYLES[n]} using 1:{column} with linespoints ls {STYLES[n]} {title}"
                for n, title in zip(names, titles)]  # fmt: skip

    at = f"{100 * rho:.0f} % busy" if variable == "poll" else f"polls every {poll:g} of a job"
    script += f"""
set multiplot layout 1,2 title "{WORKLOADS[workload].text.capitalize()}, {at}" font ",14" \\
    margins 0.095,0.77,0.14,0.87 spacing 0.095
set xlabel "{label}"
set xtics ({tics})
{"set logscale x" if variable == "poll" else ""}
set xrange [{values[0] * 0.9:g}:{values[-1] * 1.1:g}]
set key at screen 0.785,0.87 left top vertical Left reverse
set ylabel "mean response time, oracle = 1 (log)"
set logscale y
set yrange [0.9:*]
set ytics (0.9, 1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16)
plot {", ".join(['1 ls 9 title "oracle"', *lines(2, True)])}
unset logscale y
set ylabel "jobs to an instance with the fewest [%]"
set yrange [*:100]
set ytics auto
plot {", ".join(lines(3, False))}
unset multiplot
"""
    draw(out, f"routing-{variable}", script)
