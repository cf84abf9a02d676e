"""Instances that fail: they cost a job or two, and nobody is shut out for good."""

from collections import Counter

import pytest

from client import JOB_PATH, http_request, job_number, run_at_rate
from load import separate_sims
from waiting import wait_for

GOOD_MS = 300


def start(lab, count, broken, reported=None):
    """Instances of which some answer every job at once in that way; the jobs' time is theirs."""
    sim = lab.sim(count)
    sim.all(job_time_ms=GOOD_MS)
    farm = lab.start_farm(sim.instances, reported)
    for number, response in broken.items():
        farm.instances[number].set(job_time_ms=0, response=response)
    return farm


@pytest.mark.parametrize("health", ["ok", "500"])
@pytest.mark.parametrize("response", ["status:500", "close"])
def test_one_of_three_that_fails_every_job_at_once_costs_a_few(lab, response, health):
    farm = start(lab, 3, {1: response})
    farm.instances[1].set(health=health)
    jobs = list(run_at_rate(farm.port, 150, per_second=20, job_time=None))
    counts = Counter(job.response().status for job in jobs)
    assert counts[200] >= 150 - 12, counts
    assert sum(counts.values()) == 150


def test_twelve_of_twenty_killed_at_once_cost_what_they_had(lab):
    mortal, immortal = lab.sim(12), lab.sim(8)
    farm = lab.start_farm(mortal.instances + immortal.instances)
    jobs = []
    for job in run_at_rate(farm.port, 50, per_second=5, job_time=2000):
        jobs.append(job)
        if len(jobs) == 15:
            # The latest has reached somebody: what is open is what they can lose.
            wait_for(lambda: sum(farm.in_flight().values()) >= 9, "jobs to be open")
            on_mortal = sum(state["running"] for state in mortal.states())
            mortal.kill()
    responses = [job.response() for job in jobs]
    counts = Counter(response.status for response in responses)
    assert counts[503] == 0, counts
    lost = [i for i, response in enumerate(responses) if response.status != 200]
    assert len(lost) <= on_mortal + 1, (counts, on_mortal)
    assert all(responses[i].status == 502 and i < 15 for i in lost), (counts, lost)


def test_a_job_gets_through_nineteen_dead_instances_that_nobody_knows_of(lab):
    mortal = lab.sim(19)
    alive = separate_sims(lab, 6)
    instances = mortal.instances + alive
    farm = lab.start_farm(instances, {n: 5 for n in range(20, 26)})
    mortal.kill()
    target = f"{JOB_PATH}?job={job_number()}"
    response = farm.run_job(target=target)
    assert response.status == 200, response
    line = wait_for(lambda: [x for x in farm.log() if target in x["line"]], "its line")[0]
    tried = line["tried"].split(",")
    assert sorted(map(int, tried)) == list(range(1, 20))
    assert line["pick"] in {f"instance{n}" for n in range(20, 26)}


def metric(farm, name, number):
    text = http_request(farm.status_port, target="/metrics").body.decode()
    lines = [x for x in text.splitlines() if x.startswith(f"{name}{{")]
    (line,) = [x for x in lines if f'"instance{number}"' in x]
    return float(line.rpartition(" ")[2])


def test_the_penalty_grows_is_shown_and_one_success_ends_it(lab):
    farm = start(lab, 2, {1: "status:500"}, {2: 20})
    # One failure in a row is a bad file.
    for penalty in (0, 1, 3, 7):
        assert farm.run_job(job_time=None).status == 500
        assert farm.penalties() == {1: penalty, 2: 0}
    farm.wait_for_health(1, penalty=7, load=7, is_healthy=True)
    assert metric(farm, "leastjobs_instance_penalty", 1) == 7
    assert metric(farm, "leastjobs_instance_penalty", 2) == 0
    farm.instances[1].set(response=None)
    assert farm.run_job(job_time=None).status == 200
    assert farm.penalties() == {1: 0, 2: 0}
    farm.wait_for_health(1, penalty=0, load=0)
    lines = farm.wait_for_log(5)
    # A line has what it is by now; loads what it was at the pick.
    assert [line["penalty"] for line in lines] == ["0", "1", "3", "7", "0"]
    at_pick = [f"1:0+0+{penalty},2:0+20+0" for penalty in (0, 0, 1, 3, 7)]
    assert [line["loads"] for line in lines] == at_pick


def test_a_penalty_moves_jobs_to_others_and_ends_by_itself(lab):
    farm = start(lab, 2, {1: "status:500"}, {2: 2})
    numbers = [farm.run_job(job_time=None).status for _ in range(6)]
    # 0, 0 and 1 are less than 2; from 3 on the other has the least.
    assert numbers == [500, 500, 500, 200, 200, 200]
    wait_for(lambda: farm.penalties() == {1: 0, 2: 0}, "the penalty's end")
    farm.instances[1].set(response=None)
    assert farm.run_jobs(3, job_time=None) == [1] * 3


def test_where_all_fail_alike_all_get_their_part(lab):
    farm = start(lab, 3, dict.fromkeys((1, 2, 3), "status:500"))
    for _ in range(30):
        assert farm.run_job(job_time=None).status == 500
    assert min(farm.counts().values()) >= 5, farm.counts()


def test_a_clients_own_mistake_is_not_held_against_an_instance(lab):
    farm = start(lab, 2, {1: "status:422", 2: "status:404"})
    for _ in range(12):
        assert farm.run_job(job_time=None).status in (422, 404)
    assert farm.penalties() == {1: 0, 2: 0}


def test_bad_files_among_good_ones_shut_nobody_out(lab):
    farm = start(lab, 3, {})
    for number in range(40):
        headers = [("X-Sim-Response", "status:500")] if number % 10 == 3 else []
        farm.run_job(job_time=0, headers=headers)
        assert set(farm.penalties().values()) == {0}
    assert min(farm.counts().values()) >= 5, farm.counts()
