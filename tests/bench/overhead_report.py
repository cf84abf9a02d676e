"""The tables and the pictures of overhead.py, from its CSV alone.

    overhead_report.py CSV DIRECTORY
"""

import csv
import statistics
import sys
from pathlib import Path

from bench import data_block, draw

BASE = "haproxy-leastconn"
OURS = "leastjobs"
MAIN_CONNECTIONS = 32
RATE_TARGETS = {3: 0.95, 10: 0.95, 50: 0.80}
PYTHON_TARGET = 10
GROWTH_TARGET_MIB = 16
# The core counts as the limit from here on: starting and ending wrk takes its part.
BUSY_PERCENT = 90
# Where the picture's logarithmic axis begins.
LEAST_MIB = 0.05
ORDER = ("direct", BASE, OURS, f"{OURS}-capacities", "nginx", "python")


class Figures:
    """The rows of the CSV, by what they measure."""

    def __init__(self, path):
        self._values = {}
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                place = (row["contender"], int(row["instances"]))
                key = (row["measure"], int(row["connections"]), *place)
                self._values.setdefault(key, {})[int(row["round"])] = float(row["value"])

    def of(self, measure, connections, contender, instances):
        """The median over the rounds, or None."""
        rounds = self._values.get((measure, connections, contender, instances))
        return statistics.median(rounds.values()) if rounds else None

    def ratio(self, measure, connections, over, under):
        """The median of the rounds' own ratios, or None."""
        over = self._values.get((measure, connections, *over), {})
        under = self._values.get((measure, connections, *under), {})
        both = [over[n] / under[n] for n in over if under.get(n)]
        return statistics.median(both) if both else None

    def contenders(self, measure, connections):
        """(contender, instances) that have such a figure, in the order of the tables."""
        found = {key[2:] for key in self._values if key[:2] == (measure, connections)}
        return sorted(found, key=lambda place: (ORDER.index(place[0]), place[1]))

    def connections(self, measure):
        return sorted({key[1] for key in self._values if key[0] == measure})

    def counts(self, contender):
        return sorted({key[3] for key in self._values if key[0] == "rate" and key[2] == contender})


def number(value, form):
    return "-" if value is None else format(value, form)


def judge(what, value, target, at_least=True, unit=""):
    met = value >= target if at_least else value < target
    limit = "at least" if at_least else "under"
    verdict = "met" if met else "MISSED"
    print(f"  {what}: target {limit} {target:g}{unit}, got {value:.3g}{unit}: {verdict}")


# --- requests a second


def cost_ratio(figures, connections, count):
    """How many requests leastjobs' HAProxy serves in the CPU time of one of plain leastconn."""
    return figures.ratio("cpu-per-request", connections, (BASE, count), (OURS, count))


def print_rate(figures, connections):
    print(f"\nRequests a second, {connections} connection{'s' if connections > 1 else ''} "
          "(ratios to HAProxy leastconn with as many servers)")
    print("contender          instances      1/s  ratio  p50 ms  p99 ms  CPU us/request  ratio  "
          "its CPU %  of core %  load's CPU %  of core %  errors")
    for contender, count in figures.contenders("rate", connections):
        def of(measure, form, contender=contender, count=count):
            return number(figures.of(measure, connections, contender, count), form)

        ours, base = (contender, count), (BASE, count)
        rate = figures.ratio("rate", connections, ours, base)
        cost = figures.ratio("cpu-per-request", connections, base, ours)
        print(f"{contender:18} {count:9} {of('rate', '8.0f'):>8} {number(rate, '6.2f'):>6} "
              f"{of('latency-p50', '7.2f'):>7} {of('latency-p99', '7.2f'):>7} "
              f"{of('cpu-per-request', '15.1f'):>15} {number(cost, '6.2f'):>6} "
              f"{of('balancer-cpu', '9.0f'):>9} {of('last-core', '9.0f'):>10} "
              f"{of('load-cpu', '12.0f'):>13} {of('first-core', '9.0f'):>10} "
              f"{of('errors', '7.0f'):>7}")


def print_limits(figures, connections):
    for contender, count in figures.contenders("rate", connections):
        own, core, other_core = (
            figures.of(measure, connections, contender, count)
            for measure in ("balancer-cpu", "last-core", "first-core")
        )
        if contender == "direct" or own >= BUSY_PERCENT:
            continue
        if core >= BUSY_PERCENT:
            why = f"something else took {core - own:.0f} % of its core"
        elif other_core >= BUSY_PERCENT:
            why = f"the load's core was the limit ({other_core:.0f} % busy)"
        else:
            why = f"neither core was the limit (busy {core:.0f} and {other_core:.0f} %)"
        print(f"  {contender} with {count} ran {own:.0f} % of the time, {why}: "
              "trust its CPU time, not its rate")


def is_saturated(figures, contender, count):
    """Whether the balancer worked all the time, so that its rate is what it can do."""
    return figures.of("balancer-cpu", MAIN_CONNECTIONS, contender, count) >= BUSY_PERCENT


def print_rate_targets(figures):
    for count in figures.counts(OURS):
        rate = figures.ratio("rate", MAIN_CONNECTIONS, (OURS, count), (BASE, count))
        cost = cost_ratio(figures, MAIN_CONNECTIONS, count)
        if count in RATE_TARGETS and rate:
            saturated = all(is_saturated(figures, name, count) for name in (OURS, BASE))
            how = "lower of rate and CPU time" if saturated else "CPU time"
            value = min(rate, cost) if saturated else cost
            judge(f"{OURS}/{BASE}, {count} instances, {how}", value, RATE_TARGETS[count])
    python = figures.ratio("rate", MAIN_CONNECTIONS, (OURS, 3), ("python", 3))
    if python:
        judge(f"{OURS}/Python, 3 instances, rate", python, PYTHON_TARGET)


def draw_rate(figures, out):
    bars = [
        (f'"{contender} {count}"' if contender in (BASE, OURS) else f'"{contender}"',
         figures.of("rate", MAIN_CONNECTIONS, contender, count), 1 if contender == OURS else 7)
        for contender, count in figures.contenders("rate", MAIN_CONNECTIONS)
    ]
    highest = max(bar[1] for bar in bars)
    counts = figures.counts(OURS)
    rates = [(n, figures.ratio("rate", MAIN_CONNECTIONS, (OURS, n), (BASE, n))) for n in counts]
    costs = [(n, cost_ratio(figures, MAIN_CONNECTIONS, n)) for n in counts]
    numbered = [(i, *bar) for i, bar in enumerate(bars)]
    script = data_block("bars", numbered) + data_block("rates", rates)
    script += data_block("costs", costs) + data_block("targets", RATE_TARGETS.items())
    script += f"""
set multiplot layout 1,2 title \
    "What the pick costs: {MAIN_CONNECTIONS} connections at a time, one request each, one core"
set key off
set style fill solid 0.9 noborder
set yrange [{len(bars) - 0.4}:-0.6] noreverse
set xrange [0:{highest * 1.25}]
set xtics format "%.0f"
set xtics {step_of(highest)}
set xlabel "requests a second"
set grid noytics xtics ls 10
plot $bars using ($3/2):1:($3/2):(0.36):($4 == 1 ? 0x0072b2 : 0x999999):ytic(2) \\
         with boxxyerrorbars lc rgb variable, \\
     $bars using 3:1:(sprintf(" %.0f", $3)) with labels left
set grid noxtics ytics ls 10
set key inside left bottom
set logscale x
set xrange [2.4:260]
set yrange [0:1.15<*]
set xtics format "%g" ({", ".join(str(n) for n in counts)})
set ytics auto
set ytics 0.2
set xlabel "instances"
set ylabel "{OURS} / {BASE}"
plot $rates using 1:2 with linespoints ls 1 title "requests a second", \\
     $costs using 1:2 with linespoints ls 3 title "requests in the same CPU time", \\
     $targets using 1:2 with points ls 2 pt 8 ps 1.6 title "target: above"
unset multiplot
"""
    draw(out, "overhead-rate", script)


def step_of(highest):
    """A round distance of three or four tics."""
    for step in (1000, 2000, 5000, 10000, 20000, 50000):
        if highest / step <= 4:
            return step
    return 100000


# --- throughput and memory


def print_transfer(figures):
    print("\nThroughput of one transfer (ratios to HAProxy leastconn)")
    print("(direct: curl and the instance share a core, which a balancer on the other relieves)")
    print("contender          size MiB  upload MiB/s  ratio  download MiB/s  ratio")
    for contender, count in figures.contenders("upload", 1):
        def ratio(measure, ours=(contender, count)):
            return number(figures.ratio(measure, 1, ours, (BASE, ours[1])), "6.2f")

        def of(measure, form, contender=contender, count=count):
            return number(figures.of(measure, 1, contender, count), form)

        print(f"{contender:18} {of('transfer-size', '8.0f')} {of('upload', '13.0f')} "
              f"{ratio('upload'):>6} {of('download', '15.0f')} {ratio('download'):>6}")


def print_memory(figures):
    print("\nMemory of the balancer's processes over one upload (leastjobs: with its agent)")
    print("contender          size MiB  before MiB  growth MiB  growth/size")
    for contender, count in figures.contenders("memory-growth", 1):
        size, before, growth = (
            figures.of(f"memory-{what}", 1, contender, count)
            for what in ("size", "before", "growth")
        )
        print(f"{contender:18} {size:8.0f} {before:11.1f} {growth:11.1f} {growth / size:12.4f}")
    growth = figures.of("memory-growth", 1, OURS, 3)
    judge(f"{OURS}, growth", growth, GROWTH_TARGET_MIB, at_least=False, unit=" MiB")


def draw_memory(figures, out):
    bars = []
    for contender, count in figures.contenders("memory-growth", 1):
        size = figures.of("memory-size", 1, contender, count)
        text = f"{size / 1024:g} GiB" if size >= 1024 else f"{size:g} MiB"
        growth = figures.of("memory-growth", 1, contender, count)
        # A logarithmic axis has no 0; the label tells the figure as it is.
        bars.append((len(bars), f'"{contender}\\n({text} sent)"', max(growth, LEAST_MIB), growth))
    script = data_block("bars", bars)
    script += f"""
set title "How much the balancer grows while one upload passes through it"
set key inside left top
set style fill solid 0.9 noborder
set boxwidth 0.6
set logscale y
set yrange [{LEAST_MIB}:4000]
set bmargin 4
set xrange [-0.6:{len(bars) - 0.4}]
set ylabel "growth of resident memory (MiB)"
set format y "%g"
plot $bars using 1:3:($0 == {index_of_ours(bars)} ? 0x0072b2 : 0x999999):xtic(2) \\
         with boxes lc rgb variable notitle, \\
     $bars using 1:($3*1.25):(sprintf("%.1f", $4)) with labels notitle, \\
     {GROWTH_TARGET_MIB} with lines ls 9 title "target for {OURS}: below {GROWTH_TARGET_MIB} MiB"
"""
    draw(out, "overhead-memory", script)


def index_of_ours(bars):
    return next((bar[0] for bar in bars if bar[1].startswith(f'"{OURS}')), -1)


def report(path, out):
    figures = Figures(path)
    for connections in figures.connections("rate"):
        print_rate(figures, connections)
        if connections > 1:
            print_limits(figures, connections)
    if figures.connections("rate"):
        print_rate_targets(figures)
        draw_rate(figures, out)
    if figures.connections("upload"):
        print_transfer(figures)
    if figures.connections("memory-growth"):
        print_memory(figures)
        draw_memory(figures, out)


if __name__ == "__main__":
    report(Path(sys.argv[1]), Path(sys.argv[2]))
