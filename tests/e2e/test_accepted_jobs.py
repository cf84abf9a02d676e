"""Jobs that go on after their answer: known by what the answer says, and by nothing else."""

import pytest

from client import Job
from waiting import wait_for

HELD = -1
ASYNC = [("X-Sim-Async", "1")]


def response(name):
    return [("X-Sim-Response", name)]


def accepted_of(farm, **options):
    """Runs a job on a farm of one; how many acceptances HAProxy has counted for it."""
    before = farm.accepted()[1]
    farm.run_job(**options)
    return farm.accepted()[1] - before


ACCEPTANCES = ["status:202", "job-id", "job-id-big:8192"]
# As fast as an answer may be: that is no sign of anything.
NONE = [
    "status:200",
    "204",
    "418",
    "status:500",
    "chunked",
    "empty",
    "vtt",
    "big:100",
    "big:20000",
    "job-id-big:8193",
    "job-id-chunked",
    "job-id-text",
    "job-id-deep",
]


def test_202_and_small_json_with_a_job_id_are_acceptances(lab):
    farm = lab.start_farm(1)
    for name in ACCEPTANCES:
        assert (name, accepted_of(farm, headers=response(name))) == (name, 1)


def test_nothing_else_is_an_acceptance(lab):
    farm = lab.start_farm(1)
    assert accepted_of(farm) == 0
    assert accepted_of(farm, job_time=10) == 0
    for name in NONE:
        assert (name, accepted_of(farm, headers=response(name))) == (name, 0)


def test_the_job_id_is_where_the_operator_says(lab):
    farm = lab.start_farm(1, JOB_ID_FIELD="/job/id")
    expected = {"job-id-deep": 1, "job-id": 0, "status:202": 1, "status:200": 0}
    found = {name: accepted_of(farm, headers=response(name)) for name in expected}
    assert found == expected


@pytest.mark.parametrize("name", [None, "job-id-big:8193", "job-id-chunked", "job-id-text"])
def test_short_jobs_one_by_one_all_go_to_the_idle_instance(lab, name):
    farm = lab.start_farm(2, {2: 1})
    headers = response(name) if name else []
    # Each in less time than any report: counted as if it went on, the third would go elsewhere.
    for _ in range(20):
        assert farm.number_of_answer(farm.run_job(job_time=10, headers=headers)) == 1


def test_accepted_jobs_are_spread_in_a_moment_without_any_report(lab):
    farm = lab.start_farm(3, HEALTH_CHECK_INTERVAL="1h", JOBS_INTERVAL="1h")
    # The last reports for an hour are those that meeting HAProxy has asked for.
    met = farm.agent.wait_for_err("HAProxy answers")[0].split()[0]
    wait_for(
        lambda: all(i["last_check"] >= met for i in farm.health_of_all().values()),
        "a report of each since HAProxy was met",
    )
    numbers = []
    for _ in range(9):
        numbers.append(farm.number_of_answer(farm.run_job(job_time=HELD, headers=ASYNC)))
    for first in (0, 3, 6):
        assert sorted(numbers[first : first + 3]) == [1, 2, 3]
    assert farm.accepted() == farm.known() == {1: 3, 2: 3, 3: 3}
    for number in (1, 2, 3):
        farm.wait_for_health(number, accepted_jobs=3, load=3)


def test_the_first_report_that_can_have_an_accepted_job_takes_it_over(lab):
    farm = lab.start_farm(2, {2: 4})
    for _ in range(3):
        job = Job(farm.port, HELD, ASYNC).send()
        assert farm.number_of_answer(job.response()) == 1
        # Never twice, and never not at all: not before the report, nor with it, nor behind it.
        assert farm.known()[1] == farm.accepted()[1]
    begin = farm.instances[1].state()["health_requests"]
    seen = set()

    def two_reports():
        seen.add(farm.known()[1])
        return farm.instances[1].state()["health_requests"] >= begin + 2

    wait_for(two_reports, "two reports", 45)
    assert seen == {3}
    assert farm.run_jobs(1, job_time=10) == [1]
    farm.wait_for_health(1, active_jobs=3, accepted_jobs=0, external_jobs=3, load=3)
    farm.instances[1].release()


def test_an_accepted_job_that_ends_is_counted_no_longer_than_to_the_next_report(lab):
    farm = lab.start_farm(2, {2: 1})
    assert farm.number_of_answer(farm.run_job(job_time=0, headers=ASYNC)) == 1

    def over():
        found = farm.known()
        assert found == {1: 0, 2: 1}, f"known are {found}"
        return True

    wait_for(over, "the report without it", 6)
    assert farm.accepted() == {1: 1, 2: 0}


def test_a_job_that_fails_over_is_counted_where_it_was_accepted(lab):
    farm = lab.start_farm(2, {2: 5}, HEALTH_CHECK_INTERVAL="1h", JOBS_INTERVAL="1h")
    farm.instances[1].set(listening=False)
    assert farm.number_of_answer(farm.run_job(job_time=HELD, headers=ASYNC)) == 2
    assert farm.accepted() == {1: 0, 2: 1}
    assert farm.known()[2] == 6
