"""A contender with its own simulated instances, as often as a benchmark wants it."""

import csv
import re

import contenders
from client import run_job

ORACLE, PLAIN = "oracle", "haproxy-leastconn"


class Stack:
    """A contender in front of its own instances, for one seed.

    `interval`: HEALTH_CHECK_INTERVAL in seconds, None for the default. `copy`: which one of several
    on the same seed. `prepare(lab, sim)` is called before the contender starts; it returns the URLs
    of further instances, which the oracle doesn't know. `has_oracle_hop`: the oracle is asked
    through an HAProxy, which has nothing to choose.
    """

    def __init__(
        self, lab, contender, seed, workload, interval, *, copy=0, slots=1, prepare=None,
        has_oracle_hop=False,
    ):  # fmt: skip
        self.contender = contender
        self.seed = seed
        self.log_path = lab.directory / f"{lab.name('jobs')}.csv"
        arguments = ["--slots", slots, "--jobs-log", self.log_path]
        arguments += ["--speed", ",".join(map(str, workload.speeds))]
        if contender == ORACLE:
            arguments += ["--oracle", "127.0.0.1:0"]
        self.sim = lab.sim(len(workload.speeds), arguments)
        self.direct_ports = [instance.port for instance in self.sim.instances]
        more_urls = prepare(lab, self.sim) if prepare else []
        urls = [instance.url for instance in self.sim.instances] + more_urls
        self.balancers = []
        if contender == ORACLE:
            url = re.search(r"^oracle (http://\S+)$", self.sim.out(), re.MULTILINE).group(1)
            self.ports = [int(url.rpartition(":")[2])] * workload.balancers
            # All simulators break ties in the same order: each choice among idle ones shifts it.
            for _ in range(copy):
                run_job(self.ports[0], job_time=0)
            contender, urls = PLAIN, [url]
        if self.contender != ORACLE or has_oracle_hop:
            capacities = workload.capacities if contender == contenders.WITH_CAPACITIES else ()
            variables = {f"INSTANCE_{n}_CAPACITY": c for n, c in enumerate(capacities, 1)}
            self.balancers = [
                contenders.start(contender, lab, urls, interval, **variables)
                for _ in range(workload.balancers)
            ]
            self.ports = [balancer.port for balancer in self.balancers]

    def port_of(self, job):
        return self.direct_ports[job.direct - 1] if job.direct else self.ports[job.balancer]

    def is_idle(self):
        return all(i["running"] + i["queued"] == 0 for i in self.sim.states())

    def log(self):
        """What the simulator says of each job: its lines by number, usually one."""
        self.sim.control("POST", "/flush")
        found = {}
        with open(self.log_path, newline="") as file:
            for row in csv.DictReader(file):
                if row["job"].isdigit():
                    found.setdefault(int(row["job"]), []).append(row)
        return found
