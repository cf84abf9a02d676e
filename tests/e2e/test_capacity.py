"""Unequal capacities: a job goes to an instance with the least (load + 1) / capacity, exactly."""

import random
from collections import Counter
from fractions import Fraction
from math import sqrt

import pytest

from client import Job
from farm import LOAD_UNIT
from load import reload_and_wait
from waiting import wait_for

CAPACITY_MAX = 10_000
# The most that the agent's word may say of an instance: drained, with every penalty.
LOAD_MAX = 1 << 26


def variables(capacities):
    return {f"INSTANCE_{n}_CAPACITY": capacity for n, capacity in capacities.items()}


def costs(loads, capacities):
    return {n: Fraction(load + 1) / capacities[n] for n, load in loads.items()}


def best(loads, capacities):
    by_number = costs(loads, capacities)
    return {n for n, cost in by_number.items() if cost == min(by_number.values())}


def end_all_jobs(farm):
    farm.release_all()
    wait_for(lambda: not any(farm.in_flight().values()), "all jobs to be over")


def wait_for_exactly(farm, external):
    """Until reports say the same so often that their forecast is it, to the sixteenth."""
    wanted = {n: -jobs * LOAD_UNIT % (1 << 32) for n, jobs in external.items()}

    def right():
        jobs = farm.table("jobs")
        assert {n: jobs.get(n, {"gpt0": 0})["gpt0"] for n in wanted} == wanted
        return True

    wait_for(right, f"HAProxy to be told {external}")


def check_picks(farm, external, capacities, count):
    """Brings the instances into a state, and compares so many picks from it with `best`."""
    for number, jobs in external.items():
        farm.instances[number].set(external_jobs=jobs)
    wait_for_exactly(farm, external)
    loads = dict(external)
    for _ in range(count):
        allowed = best(loads, capacities)
        number = farm.open_job_and_see()
        assert number in allowed, f"{number}: loads {loads}, capacities {capacities}"
        loads[number] += 1
    end_all_jobs(farm)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_picks_in_random_states_are_those_of_an_exact_computation(lab, seed):
    dice = random.Random(seed)
    capacities = {n: dice.choice([1, 2, 3, 4, 6, 12, 31, 500]) for n in range(1, 7)}
    farm = lab.start_farm(6, HEALTH_CHECK_INTERVAL="50ms", **variables(capacities))
    for _ in range(20):
        fullness = dice.choice([0, 1, 3])
        external = {n: dice.randint(0, fullness * min(c, 30)) for n, c in capacities.items()}
        check_picks(farm, external, capacities, 5)


class Rules:
    """HAProxy alone, whose table of jobs the test writes: any load, at once."""

    def __init__(self, lab, capacities):
        self.capacities = capacities
        self.farm = lab.farm(len(capacities), **variables(capacities))
        self.farm.write_config()
        self.farm.start_haproxy()
        self.farm.wait_for_haproxy()

    def set_parts(self, parts):
        """Loads in sixteenths of a job."""
        for number, sixteenths in parts.items():
            word = -sixteenths % (1 << 32)
            answer = self.farm.runtime(f"set table jobs key {number} data.gpt0 {word}")
            assert answer.strip() == "", answer

    def pick(self):
        (number,) = self.farm.run_jobs(1, job_time=0)
        return number

    def check(self, parts):
        self.set_parts(parts)
        loads = {n: Fraction(p, LOAD_UNIT) for n, p in parts.items()}
        number = self.pick()
        assert number in best(loads, self.capacities), (number, parts, self.capacities)


def some_parts(dice, capacity):
    """Mostly loads around the same fullness, where it is close."""
    most = dice.choice([2, 30 * capacity, LOAD_MAX - 1])
    return LOAD_UNIT * dice.randint(0, min(most, LOAD_MAX - 1)) + dice.choice([0, 0, 1, 15])


def close_parts(dice, capacities):
    """All costs are nearly the same: whole multiples of a fraction, a sixteenth more or less."""
    one = LOAD_UNIT * dice.randint(1, LOAD_MAX // max(capacities.values()) - 2)
    near = {n: one * c - LOAD_UNIT + dice.choice([-1, 0, 0, 1]) for n, c in capacities.items()}
    return {n: max(0, parts) for n, parts in near.items()}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_loads_and_capacities_nothing_is_rounded(lab, seed):
    dice = random.Random(seed)
    most = [3, 20, CAPACITY_MAX][seed % 3]
    capacities = {n: dice.randint(1, most) for n in range(1, 6)} | {6: most}
    rules = Rules(lab, capacities)
    for _ in range(30):
        rules.check({n: some_parts(dice, c) for n, c in capacities.items()})
        rules.check(close_parts(dice, capacities))


def test_neighbouring_fractions_are_told_apart(lab):
    # 9998/9999 < 9999/10000: the closest that there are.
    rules = Rules(lab, {1: 10_000, 2: 9_999})
    for _ in range(10):
        rules.check({1: LOAD_UNIT * 9_998, 2: LOAD_UNIT * 9_997})
        rules.check({1: LOAD_UNIT * 9_998 - 1, 2: LOAD_UNIT * 9_997})
        rules.check({1: LOAD_UNIT * 9_998 - 2, 2: LOAD_UNIT * 9_997})


def test_ties_are_spread_evenly_whatever_the_capacities(lab):
    # (0 + 1) / 1 = (1 + 1) / 2 = (4 + 1) / 5 = (9999 + 1) / 10000; the last is worse.
    rules = Rules(lab, {1: 1, 2: 2, 3: 5, 4: 10_000, 5: 5})
    rules.set_parts({1: 0, 2: LOAD_UNIT, 3: 4 * LOAD_UNIT, 4: 9_999 * LOAD_UNIT, 5: 5 * LOAD_UNIT})
    picks = 600
    counts = Counter(rules.pick() for _ in range(picks))
    # Five standard deviations of a fair share.
    spread = 5 * sqrt(picks * 1 / 4 * 3 / 4)
    assert set(counts) == {1, 2, 3, 4}, counts
    assert all(abs(count - picks / 4) < spread for count in counts.values()), counts


def test_equal_capacities_have_the_rules_of_no_capacities(lab):
    plain, equal = lab.farm(3), lab.farm(3)
    equal.variables = plain.variables | variables({1: 4, 2: 4, 3: 4})
    texts = []
    for farm in (plain, equal):
        farm.write_config()
        texts.append(farm.config_path.read_text().replace(str(farm.config_path), ""))
    assert texts[0] == texts[1]


def test_the_log_and_health_show_loads_and_capacities(lab):
    farm = lab.start_farm(2, {1: 3, 2: 0}, **variables({1: 10, 2: 2}))
    jobs = farm.open_jobs(1)
    assert {n: h["capacity"] for n, h in farm.health_of_all().items()} == {1: 10, 2: 2}
    farm.release_all()
    assert jobs[0].response().status == 200
    (line,) = farm.wait_for_log(1)
    assert (line["pick"], line["load"], line["loads"]) == ("instance1", "3", "1:0+3+0,2:0+0+0")


def start_reporting(lab, slots, **more):
    """Instances whose reports say their slots, which count as their capacity."""
    farm = lab.farm(len(slots), CAPACITY_FIELD="auto", HEALTH_CHECK_INTERVAL="50ms", **more)
    for number, count in slots.items():
        farm.instances[number].set(slots=count)
    return farm.start()


def wait_for_capacities(farm, expected):
    def right():
        capacities = farm.table("capacities")
        told = {n: capacities.get(n, {"gpt0": 0})["gpt0"] + 1 for n in expected}
        assert told == expected
        shown = farm.health_of_all()
        return {n: shown[n]["capacity"] for n in expected} == expected

    wait_for(right, f"HAProxy to be told capacities {expected}")


def test_capacities_are_read_from_reports_and_change_with_them(lab):
    dice = random.Random(7)
    farm = start_reporting(lab, {1: 1, 2: 6, 3: 3})
    for capacities in ({1: 1, 2: 6, 3: 3}, {1: 40, 2: 2, 3: 3}, {1: 2, 2: 2, 3: 2}):
        for number, slots in capacities.items():
            farm.instances[number].set(slots=slots)
        wait_for_capacities(farm, capacities)
        external = {n: dice.randint(0, 2 * c) for n, c in capacities.items()}
        check_picks(farm, external, capacities, 8)


def test_a_configured_capacity_wins_and_a_reload_is_told_again(lab):
    farm = start_reporting(lab, {1: 1, 2: 6, 3: 3}, INSTANCE_1_CAPACITY=100)
    wait_for_capacities(farm, {2: 6, 3: 3})
    assert farm.health_of(1)["capacity"] == 100
    assert {farm.open_job_and_see() for _ in range(10)} == {1}
    reload_and_wait(farm)
    wait_for_capacities(farm, {2: 6, 3: 3})
    farm.release_all()


def test_what_no_report_has_said_is_one(lab):
    farm = lab.farm(2, INSTANCE_2_CAPACITY_FIELD="/nowhere", INSTANCE_1_CAPACITY=2)
    farm.start()
    assert [farm.open_job_and_see() for _ in range(3)].count(1) == 2
    assert farm.table("capacities").get(2, {"gpt0": 0})["gpt0"] == 0


def test_nobody_left_is_503_and_a_failed_connection_goes_to_the_next_best(lab):
    dead, alive = lab.sim(1), lab.sim(2)
    farm = lab.start_farm(
        [*dead.instances, *alive.instances], {2: 1, 3: 1}, **variables({1: 9, 2: 3, 3: 2})
    )
    dead.kill()
    response = farm.run_job()
    assert response.status == 200 and farm.wait_for_log(1)[0]["pick"] == "instance2"
    for number in (1, 2, 3):
        farm.set_state(number, "maint")
    response = farm.run_job()
    assert (response.status, response.header("Retry-After")) == (503, "30")


def test_a_large_instance_that_fails_fast_does_not_draw_the_jobs(lab):
    farm = lab.farm(2, **variables({1: 1000, 2: 2}))
    sim = farm.sims()[0]
    sim.all(job_time_ms=300)
    farm.start()
    farm.instances[1].set(job_time_ms=0, response="status:500")
    statuses = Counter()
    for _ in range(3):
        jobs = [Job(farm.port, job_time=None).send() for _ in range(4)]
        statuses += Counter(job.response().status for job in jobs)
    # A burst, until its failures are known, and no more.
    assert statuses[200] >= 8, statuses
    assert farm.health_of(1)["penalty"] % 1000 == 0
