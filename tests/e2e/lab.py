"""Owner of everything that a test starts."""

import shutil
import tempfile
from pathlib import Path

from farm import Farm
from ports import Ports
from processes import end_own_children
from sim import Sim


class Lab:
    """Starts processes, and ends exactly those, the latest first."""

    def __init__(self, directory, settings=None):
        """`settings`: variables of every farm that doesn't set them itself."""
        self.settings = settings or {}
        self.directory = Path(directory)
        # A Unix socket's path must be short, pytest's aren't.
        self.short_directory = Path(tempfile.mkdtemp(prefix="lj", dir="/tmp"))
        self.ports = Ports()
        self.processes = []
        self.farms = []
        self._names = {}

    def name(self, kind):
        self._names[kind] = self._names.get(kind, 0) + 1
        return f"{kind}{self._names[kind]}"

    def start(self, process):
        self.processes.append(process)
        return process

    def sim(self, count=1, arguments=("--slots", 1000), first=None):
        """Simulated instances; by default they run all their jobs at a time.

        `first` is a port of this test that is free again.
        """
        name = self.name("sim")
        sim = self.start(Sim(name, self.directory, self.ports, count, arguments, first))
        return sim.wait_until_ready()

    def farm(self, instances, **variables):
        """A balancer that isn't started yet."""
        if isinstance(instances, int):
            instances = self.sim(instances).instances
        if not isinstance(instances, dict):
            instances = {i + 1: instance for i, instance in enumerate(instances)}
        farm = Farm(self, instances, **variables)
        self.farms.append(farm)
        return farm

    def start_farm(self, instances=3, reported=None, **variables):
        """A running balancer whose HAProxy knows what the instances report."""
        farm = self.farm(instances, **variables)
        reported = dict.fromkeys(farm.instances, 0) | (reported or {})
        for number, jobs in reported.items():
            if jobs:
                farm.instances[number].set(external_jobs=jobs)
        farm.start()
        farm.wait_for_external(reported)
        return farm

    def close(self):
        """Ends everything; returns what was wrong."""
        problems = []
        for farm in self.farms:
            farm.close_jobs()
        for process in reversed(self.processes):
            problems += process.stop()
        self.ports.release()
        problems += [f"left behind: {child}" for child in end_own_children()]
        shutil.rmtree(self.short_directory)
        return problems

    def tails(self):
        for process in self.processes:
            yield from process.tails()
