"""The jobs of a routing benchmark: when which one comes, by which road, how long it takes.

Arrivals are Poisson, or bursts whose arrivals are; service times are log-normal. Everything is
drawn from the seed before anything runs, so that all balancers get the same jobs (common random
numbers).
"""

import math
import random
from dataclasses import dataclass

INSTANCES = 5
SIGMA = 1.0
UPLOAD_PIECES = 20
# Of the jobs by other roads, the share that goes to the first instance; the rest to the others.
OTHER_TO_FIRST = 0.5


@dataclass(frozen=True)
class Workload:
    text: str
    other: float = 0.0
    burst: int = 1
    is_async: bool = False
    has_uploads: bool = False
    speeds: tuple = (1.0,) * INSTANCES
    balancers: int = 1
    capacities: tuple = ()  # as leastjobs-capacities is told them


WORKLOADS = {
    "a": Workload("all jobs through the balancer"),
    "b": Workload("half of the jobs by other roads", other=0.5),
    "c": Workload("bursts of 20", burst=20),
    "d": Workload("async jobs, one by one", is_async=True),
    "d5": Workload("async jobs, bursts of 5", is_async=True, burst=5),
    "e": Workload("slow uploads", has_uploads=True),
    "f": Workload(
        "speeds 0.5 to 1.5", speeds=(0.5, 0.75, 1.0, 1.25, 1.5), capacities=(2, 3, 4, 5, 6)
    ),
    "g": Workload("two balancers", balancers=2),
}


@dataclass(frozen=True)
class Job:
    at: float  # seconds from the start
    time_ms: int
    direct: int  # 0: through a balancer; else the number of the instance that it is sent to
    balancer: int  # which one, from 0
    upload: float  # seconds that its body takes to be sent
    is_async: bool = False


def make(workload, rho, seconds, job_time, seed):
    """All jobs of one run, in order. `rho`: utilisation, `job_time`: mean service time."""
    dice = random.Random(seed)
    rate = rho * sum(workload.speeds) / job_time
    jobs, now = [], dice.expovariate(rate / workload.burst)
    while now < seconds:
        jobs += [_job(dice, workload, now, job_time) for _ in range(workload.burst)]
        now += dice.expovariate(rate / workload.burst)
    return jobs


def _job(dice, workload, at, job_time):
    """Draws everything, needed or not: workloads then differ in one thing only."""
    service = dice.lognormvariate(math.log(job_time) - SIGMA**2 / 2, SIGMA)
    is_other = dice.random() < workload.other
    to_first = dice.random() < OTHER_TO_FIRST
    another = dice.randint(2, len(workload.speeds))
    balancer = dice.randrange(workload.balancers)
    upload = dice.expovariate(1 / job_time)
    return Job(
        at=at,
        time_ms=max(1, round(service * 1000)),
        direct=(1 if to_first else another) if is_other else 0,
        balancer=balancer,
        upload=upload if workload.has_uploads and not is_other else 0.0,
        is_async=workload.is_async,
    )
