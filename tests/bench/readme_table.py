#!/usr/bin/python3 -B
"""README's table of routing, from what `make bench-regimes BENCH_OUT=docs/results` has written.

    readme_table.py [--write] [docs/results/regimes.csv]

Prints it, or writes it into README.md between its two markers.
"""

import argparse
import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RESULTS = ROOT / "docs/results/regimes.csv"
BEGIN = "<!-- written by tests/bench/readme_table.py --write -->\n"
END = "<!-- end -->\n"
# Regimes of regimes.py: one where all are right, then what other balancers can't see.
ROWS = ("sync-500ms", "sync-500ms-others", "async-500ms", "start", "killed", "broken")
OURS = "leastjobs"
COLUMNS = {
    OURS: "leastjobs",
    "haproxy-leastconn": "HAProxy leastconn",
    "nginx": "nginx least_conn",
    "python": "the Python balancer",
}


def table(path):
    with open(path, newline="") as file:
        live = [cell for cell in csv.DictReader(file) if cell["source"] == "live"]
    cells = {(cell["row"], cell["column"]): cell for cell in live}
    lines = [f"| regime | {' | '.join(COLUMNS.values())} |", f"|---|{'---|' * len(COLUMNS)}"]
    for row in ROWS:
        line = [_text(cells[row, column]) for column in COLUMNS]
        lines.append(f"| {cells[row, OURS]['text']} | {' | '.join(line)} |")
    return "\n".join(lines) + "\n"


def _text(cell):
    # Jobs that fail make room for the others: a mean without them says little.
    if int(cell["lost"]) > 0:
        return f"{cell['lost']} of {cell['sent']} jobs lost"
    ratio, error, limit = (float(cell[f] or 0) for f in ("mean_ratio", "mean_ratio_error", "limit"))
    missed = cell["column"] == OURS and 0 < limit < round(ratio, 2)
    target = f" (target: {limit:.2f})" if missed else ""
    return f"{ratio:.2f} ± {error:.2f}{target}, {100 * float(cell['share']):.0f} %"


def table_of_readme():
    return README.read_text().partition(BEGIN)[2].partition(END)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into README.md")
    parser.add_argument("results", nargs="?", type=Path, default=RESULTS)
    options = parser.parse_args()
    written = table(options.results)
    if not options.write:
        sys.stdout.write(written)
        return
    text = README.read_text()
    assert BEGIN in text and END in text, f"{README} has lost its markers"
    head, _, rest = text.partition(BEGIN)
    README.write_text(head + BEGIN + written + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
