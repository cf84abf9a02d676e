"""What the benchmarks share: labs, cores, CPU time, pictures, the targets of routing quality."""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import conntrack

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from lab import Lab  # noqa: E402
from processes import agent_command, run  # noqa: E402

STYLE = Path(__file__).resolve().with_name("style.gp")
# What a figure of leastjobs may be at most (ratios to the oracle) or at least (shares).
ROUTING_TARGETS = {
    "a": {"mean_ratio": 1.03, "p99_ratio": 1.10, "share": 0.97},
    "b": {"mean_ratio": 1.03, "p99_ratio": 1.10, "share": 0.97},
    "d": {"mean_ratio": 1.05},
    "d5": {"mean_ratio": 1.05},
    # Where speeds are unequal, the oracle's fewest jobs aren't the shortest wait.
    "f": {"mean_ratio": 0.92},
    "g": {"mean_ratio": 1.05},
}


class ThreadsLab(Lab):
    """A lab in which several threads may start things."""

    def __init__(self, directory):
        super().__init__(directory)
        self._lock = threading.Lock()

    def name(self, kind):
        with self._lock:
            return super().name(kind)


@contextlib.contextmanager
def lab_of_run():
    """A lab of its own; what was wrong with the processes is an error."""
    conntrack.make_room()
    watch = conntrack.Watch()
    with tempfile.TemporaryDirectory(prefix="leastjobs-bench-", dir="/tmp") as directory:
        lab = ThreadsLab(directory)
        try:
            yield lab
        except BaseException:
            for title, lines in lab.tails():
                print(f"--- {title}\n{lines}", file=sys.stderr)
            lab.close()
            raise
        watch.warn()
        problems = lab.close()
        assert not problems, "\n".join(problems)


def in_lab(measure, *arguments):
    with lab_of_run() as lab:
        return measure(lab, *arguments)


def version():
    """What is measured, as it calls itself."""
    return run(agent_command() + ["--version"]).stdout.decode().strip()


def names_of(known):
    """A type for argparse: some of these, separated by commas."""

    def parse(text):
        unknown = [name for name in text.split(",") if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown}: known are {', '.join(known)}")
        return text.split(",")

    return parse


def pin(pid, core):
    """The last core is the server's, the first one everybody else's."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core]})


def cpu_seconds(pid):
    """User and system time of a process, as exact as the scheduler knows it (clock_getres(2))."""
    return time.clock_gettime(~pid << 3 | 2)


def data_block(name, rows):
    """gnuplot's $name, for `plot $name`."""
    return f"${name} << END\n" + "".join(" ".join(map(str, r)) + "\n" for r in rows) + "END\n"


def draw(out, name, script):
    """The same picture twice, as style.gp has it."""
    for suffix in ("svg", "png"):
        head = f'load "{STYLE}"\neval picture_{suffix}\nset output "{out / name}.{suffix}"\n'
        subprocess.run(["gnuplot"], input=head + script, text=True, check=True)
