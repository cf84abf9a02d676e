"""Jobs that are answered at once and go on: counted from the answer until a report has them."""

from client import JOB_PATH, Job, job_number
from waiting import wait_for

HELD = -1
ASYNC = [("X-Sim-Async", "1")]


def accept(farm, count):
    """Asynchronous jobs that go on until they are released, one after the other."""
    numbers = []
    for _ in range(count):
        response = farm.run_job(job_time=HELD, headers=ASYNC)
        assert response.status == 200 and response.json()["job_id"]
        numbers.append(farm.number_of_answer(response))
    return numbers


def loads(farm):
    """What the rules see at the next pick: number -> [open, external and accepted, penalty]."""
    probe = f"{JOB_PATH}?probe={job_number()}"
    farm.run_job(job_time=HELD, headers=ASYNC, target=probe)
    line = wait_for(lambda: [line for line in farm.log() if probe in line["line"]], "its line")[0]
    parts = (part.split(":") for part in line["loads"].split(","))
    return {int(number): list(map(int, load.split("+"))) for number, load in parts}


def test_jobs_accepted_between_two_reports_are_spread_evenly(lab):
    farm = lab.start_farm(5, HEALTH_CHECK_INTERVAL="1h")
    numbers = accept(farm, 20)
    assert sorted(numbers) == sorted([1, 2, 3, 4, 5] * 4)
    # As even as can be at any time, not only in the end.
    for first in range(0, 20, 5):
        assert sorted(numbers[first : first + 5]) == [1, 2, 3, 4, 5]


def test_other_peoples_jobs_and_accepted_ones_add_up(lab):
    farm = lab.start_farm(2, {1: 3}, HEALTH_CHECK_INTERVAL="1h")
    assert accept(farm, 3) == [2, 2, 2]
    assert sorted(accept(farm, 2)) == [1, 2]


def test_a_report_takes_over_from_the_count(lab):
    farm = lab.start_farm(2)
    accept(farm, 4)
    farm.wait_for_external({1: 2, 2: 2})

    def not_counted_twice():
        external = {n: farm.instances[n].state()["active_jobs"] for n in (1, 2)}
        farm.wait_for_external(external)
        found = loads(farm)
        return all(found[n] == [0, external[n], 0] for n in (1, 2))

    wait_for(not_counted_twice, "the count of accepted jobs to end")
    for instance in farm.instances.values():
        instance.release()
    farm.wait_for_external({1: 0, 2: 0})


def test_a_job_that_took_its_time_is_over_with_its_answer(lab):
    farm = lab.start_farm(2, {2: 1})
    for _ in range(3):
        assert farm.number_of_answer(farm.run_job(job_time=300)) == 1
    assert loads(farm) == {1: [0, 0, 0], 2: [0, 1, 0]}


def test_a_refusal_is_no_job(lab):
    farm = lab.start_farm(1, HEALTH_CHECK_INTERVAL="1h")
    for status, penalty in ((422, 0), (503, 0), (503, 1)):
        refusal = [("X-Sim-Response", f"status:{status}")]
        assert farm.run_job(headers=refusal).status == status
        assert farm.known() == {1: 0}
        assert farm.penalties() == {1: penalty}
    assert loads(farm) == {1: [0, 0, 1]}


def test_a_job_that_found_its_instance_at_the_second_try_counts_there(lab):
    farm = lab.start_farm(3, {2: 5, 3: 7}, HEALTH_CHECK_INTERVAL="1h")
    farm.instances[1].set(listening=False)
    assert farm.number_of_answer(Job(farm.port, HELD, ASYNC).send().response()) == 2
    found = loads(farm)
    assert found[2] == [0, 6, 0]
    assert found[3] == [0, 7, 0]
