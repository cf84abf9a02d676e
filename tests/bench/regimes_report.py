"""Figures, tables and targets of regimes.py."""

import math
import os
from datetime import date

from bench import version
from routing_report import (
    Figures,
    balanced,
    outcomes,
    pool,
    pool_of,
    ratio_errors,
    verdict,
    write_csv,
)
from stack import ORACLE, PLAIN

OURS = "leastjobs"
FIELDS = (
    "row", "text", "source", "column", "runs", "jobs", "sent", "lost", "mean",
    "mean_ratio", "mean_ratio_error", "p99", "p99_ratio", "p99_ratio_error", "share", "excess",
    "of_leastconn", "of_leastconn_error", "limit", "least_share", "is_loss_compared", "is_loop",
    "seconds",
)  # fmt: skip
HEADINGS = {
    ORACLE: "oracle",
    "python": "Python balancer",
    "nginx": "nginx",
    PLAIN: "leastconn",
    "leastjobs": "**leastjobs**",
    "leastjobs-2s": "leastjobs, 2 s",
    "leastjobs-100ms": "leastjobs, 100 ms",
}
# What may be chance, in standard errors.
ERRORS = 2
# One of the ratio of two means of the model, which has a million jobs a point and gives none.
MODEL_ERROR = 0.002


class Row:
    """The runs of one regime."""

    def __init__(self, name, regime):
        self.name = name
        self.regime = regime
        self.seconds = 0.0
        self._runs = {}
        # Of all jobs, those of the warm-up too.
        self._sent = {}
        self._lost = {}

    def add(self, column, seed, plays, log):
        """A run, as player.play() and Stack.log() have it."""
        through = balanced(plays)
        counted = outcomes(self.regime.counted(through), log)
        self._runs.setdefault(column, {}).setdefault(seed, []).append(counted)
        lost = sum(self._is_lost(played, log) for played in through)
        self._sent[column] = self._sent.get(column, 0) + len(through)
        self._lost[column] = self._lost.get(column, 0) + lost

    def _is_lost(self, played, log):
        failed = outcomes([played], log) == [None]
        return failed and not self.regime.is_excused(log.get(played.number, []))

    def cells(self):
        """A dictionary of FIELDS for each column."""
        regime = self.regime
        by_column = {
            column: [
                Figures(self.name, regime.rho, None, regime.job_time, column, seed, runs)
                for seed, runs in seeds.items()
            ]
            for column, seeds in self._runs.items()
        }
        pooled = pool([f for seeds in by_column.values() for f in seeds], regime.block)
        return [self._cell(cell, by_column) for cell in pooled]

    def _cell(self, pooled, by_column):
        column = pooled["contender"]
        own, plain = by_column[column], by_column[PLAIN]
        cell = {field: pooled.get(field) for field in FIELDS}
        cell |= {"row": self.name, "source": "live", "column": column}
        cell |= {field: getattr(self.regime, field) for field in
                 ("text", "limit", "least_share", "is_loss_compared", "is_loop")}  # fmt: skip
        whole = pool_of(own)
        cell |= {"lost": self._lost[column], "excess": whole.excess, "seconds": self.seconds}
        cell |= {"runs": len(whole.runs), "sent": self._sent[column]}
        if column.startswith(OURS):
            errors = ratio_errors(own, plain, self.regime.block)
            cell["of_leastconn"] = whole.mean / pool_of(plain).mean
            cell["of_leastconn_error"] = errors.get("mean_ratio_error")
        return cell


def print_row(row):
    print(f"  {'':20}{'mean, of oracle':>18}{'p99':>18}{'fewest':>9}{'excess':>8}"
          f"{'lost':>16}{'of leastconn':>18}")  # fmt: skip
    for cell in row.cells():
        if cell["column"] == ORACLE:
            times = f"{cell['mean']:.4f} s{'':10}{cell['p99']:.2f} s{'':8}"
        else:
            times = f"{_with_error(cell, 'mean_ratio')}{_with_error(cell, 'p99_ratio')}"
        lost = f"{cell['lost']} of {cell['sent']}"
        print(f"  {cell['column']:20}{times:>36}{cell['share']:9.1%}{cell['excess']:8.2f}{lost:>16}"
              f"{_with_error(cell, 'of_leastconn')}")  # fmt: skip
    print(f"  {row.seconds:.0f} s", flush=True)


def _with_error(cell, field):
    if cell[field] is None:
        return f"{'':18}"
    error = cell[f"{field}_error"]
    return f"{cell[field]:10.3f}{'' if error is None else f' ± {error:.3f}':8}"


def write(out, rows, more=()):
    """`more`: the model's cells."""
    write_csv(out / "regimes.csv", FIELDS, _all_cells(rows, more))
    (out / "regimes.md").write_text(
        f"{version()}, {date.today()}, {len(os.sched_getaffinity(0))} cores; `make bench-regimes`."
        f"\n\n{table(rows, more)}"
    )


def _all_cells(rows, more):
    return [cell for row in rows for cell in row.cells()] + _cells_of_model(more)


def _cells_of_model(more):
    """The model's cells with all fields, and set beside leastconn's of the same row."""
    cells = [dict.fromkeys(FIELDS) | {"source": "model"} | cell for cell in more]
    plain = {cell["row"]: cell for cell in cells if cell["column"] == PLAIN}
    for cell in cells:
        if cell["of_leastconn"] is None and cell["row"] in plain:
            cell["of_leastconn"] = cell["mean_ratio"] / plain[cell["row"]]["mean_ratio"]
            cell["of_leastconn_error"] = MODEL_ERROR
    return cells


def table(rows, more=()):
    """Markdown: a line per row, a column per contender."""
    by_row = {}
    for cell in _all_cells(rows, more):
        by_row.setdefault((cell["source"], cell["row"]), {})[cell["column"]] = cell
    lines = [
        "Mean response time (oracle: seconds; others: as a ratio to the oracle's ± one standard "
        "error) / the 99th percentile's / jobs to an instance with the fewest.",
        "",
        f"| regime | {' | '.join(HEADINGS.values())} | took |",
        f"|---|{'---|' * len(HEADINGS)}---|",
    ]
    for cells in by_row.values():
        first = next(iter(cells.values()))
        source = " (model)" if first["source"] == "model" else ""
        took = f"{first['seconds']:.0f} s" if first["seconds"] else ""
        line = " | ".join(_text(cells.get(column)) for column in HEADINGS)
        lines.append(f"| {first['text']}{source} | {line} | {took} |")
    return "\n".join(lines) + "\n"


def _text(cell):
    if cell is None:
        return ""
    if cell["mean"] is not None and math.isnan(cell["mean"]):
        return f"{cell['lost']} of {cell['sent']} lost"
    parts = [f"{cell['jobs'] / cell['runs']:.0f} jobs"] if cell["is_loop"] else []
    if cell["column"] == ORACLE:
        parts += [f"{cell[field]:.3g} s" for field in ("mean", "p99") if cell[field] is not None]
    else:
        error = cell["mean_ratio_error"]
        parts.append(f"{cell['mean_ratio']:.2f}{'' if error is None else f' ± {error:.2f}'}")
        parts += [f"{cell['p99_ratio']:.2f}"] if cell["p99_ratio"] is not None else []
    if cell["share"] is not None:
        parts.append(f"{100 * cell['share']:.0f} %")
    if cell["lost"]:
        parts.append(f"{cell['lost']} of {cell['sent']} lost")
    return " / ".join(parts)


def print_check(rows, more):
    """The model beside the live rows of the same names."""
    model = {(cell["row"], cell["column"]): cell for cell in more}
    pairs = [
        (cell, model[cell["row"], cell["column"]])
        for row in rows
        for cell in row.cells()
        if cell["column"] != ORACLE and (cell["row"], cell["column"]) in model
    ]
    if pairs:
        print("\nMean response time, of the oracle's, live and in the model:")
    for cell, other in pairs:
        print(f"  {cell['row']:24}{cell['column']:20}{_with_error(cell, 'mean_ratio'):20}"
              f"{other['mean_ratio']:8.3f}")  # fmt: skip


def print_targets(rows, more=()):
    print("\nTargets, of every column of leastjobs (± one standard error; even two balancers that "
          "are the same differ\nby more than two of them once in 44 times):")  # fmt: skip
    cells = _all_cells(rows, more)
    plain = {(cell["source"], cell["row"]): cell for cell in cells if cell["column"] == PLAIN}
    verdicts = [
        (cell, line)
        for cell in cells
        if cell["column"].startswith(OURS)
        for line in _verdicts(cell, plain.get((cell["source"], cell["row"])))
    ]
    for cell, line in verdicts:
        source = "" if cell["source"] == "live" else ", model"
        if not source or not _is_met(line):
            print(f"  {cell['row'] + source:32} {cell['column']:16} {line}")
    met = sum(_is_met(line) for _, line in verdicts)
    print(f"  {met} of {len(verdicts)} met; of the model's only those missed are listed")


def _is_met(line):
    return line.endswith(": met")


def _verdicts(cell, plain):
    """`plain`: leastconn's cell of the same row, or None."""
    bound = 0
    if plain is not None:
        yield _against_leastconn(cell, plain)
        bound = plain["lost"] if cell["is_loss_compared"] else 0
    # Jobs that fail make room for the others: a mean without them says nothing.
    if cell["limit"] and not cell["is_loss_compared"]:
        yield verdict(cell, "mean_ratio", cell["limit"])
    if cell["least_share"]:
        yield verdict(cell, "share", cell["least_share"])
    if cell["lost"] is not None:
        met = "met" if cell["lost"] <= bound else "MISSED"
        yield f"{'lost':11} target at most  {bound:4d}, got {cell['lost']:5d}: {met}"


def _against_leastconn(cell, plain):
    """By what the row is about: jobs kept, where they went, or how long they took."""
    if cell["lost"] != plain["lost"]:
        met = cell["lost"] < plain["lost"]
        found = f"{cell['lost']} lost, leastconn {plain['lost']}"
    elif cell["is_loss_compared"]:
        met, found = True, f"{cell['lost']} lost, as many as leastconn"
    elif cell["least_share"]:
        spread = ERRORS * math.sqrt(2 * 0.25 / cell["jobs"])
        met = cell["share"] + spread >= plain["share"]
        found = f"share {cell['share']:.3f}, leastconn {plain['share']:.3f}"
    else:
        met = cell["of_leastconn"] - ERRORS * (cell["of_leastconn_error"] or 0.0) <= 1
        found = f"{_with_error(cell, 'of_leastconn').strip()} of leastconn's mean"
    return f"{'plain':11} target never worse,   got {found}: {'met' if met else 'MISSED'}"
