"""Every request goes to an instance with the least load: in flight plus external jobs."""

import time

from waiting import wait_for


class Model:
    """The definition of load, and nothing else."""

    def __init__(self, external):
        self.external = dict(external)
        self.in_flight = dict.fromkeys(external, 0)

    def loads(self):
        return {n: self.in_flight[n] + self.external[n] for n in self.external}

    def allowed(self):
        loads = self.loads()
        return {n for n, load in loads.items() if load == min(loads.values())}

    def open(self, number):
        self.in_flight[number] += 1

    def close(self, number):
        self.in_flight[number] -= 1


def open_and_check(farm, model):
    number = farm.open_job_and_see()
    assert number in model.allowed(), f"sent to {number} with loads {model.loads()}"
    model.open(number)
    return number


def wait_until_polls_agree(farm, model):
    """Until the agent and HAProxy say what the model says, from checks begun after now."""
    farm.wait_for_polls(3)

    def agree():
        health = farm.health_of_all()
        assert {n: h["in_flight"] for n, h in health.items()} == model.in_flight
        assert {n: h["external_jobs"] for n, h in health.items()} == model.external
        assert {n: h["load"] for n, h in health.items()} == model.loads()
        assert farm.in_flight() == model.in_flight
        return True

    wait_for(agree, "the agent to see what is open")
    farm.wait_for_external(model.external)


def test_the_next_request_goes_to_the_instance_with_the_fewest_jobs(lab):
    reported = {1: 2, 2: 5, 3: 1}
    farm = lab.start_farm(3, reported)
    assert farm.run_jobs(1) == [3]


def test_ten_requests_that_stay_open_go_out_in_the_order_of_the_definition(lab):
    reported = {1: 2, 2: 5, 3: 1}
    # No further health check comes: what changes is what HAProxy itself has open.
    farm = lab.start_farm(3, reported, HEALTH_CHECK_INTERVAL="1h")
    model = Model(reported)
    order = [open_and_check(farm, model) for _ in range(10)]
    # Loads 2 5 1: the third, then the first and third by turns up to 5 each, then any.
    assert order[0] == 3
    assert sorted(order[:7]) == [1, 1, 1, 3, 3, 3, 3]
    assert sorted(order[7:]) == [1, 2, 3]
    assert farm.in_flight() == {1: 4, 2: 1, 3: 5}


def test_the_order_is_the_same_with_health_checks_between_the_requests(lab):
    reported = {1: 2, 2: 5, 3: 1}
    farm = lab.start_farm(3, reported, HEALTH_CHECK_INTERVAL="100ms")
    model = Model(reported)
    for _ in range(10):
        open_and_check(farm, model)
        wait_until_polls_agree(farm, model)
    assert model.in_flight == {1: 4, 2: 1, 3: 5}


def test_a_finished_job_makes_room_at_once(lab):
    farm = lab.start_farm(2, HEALTH_CHECK_INTERVAL="1h")
    model = Model({1: 0, 2: 0})
    for _ in range(4):
        open_and_check(farm, model)
    opened = time.monotonic()
    # Answered within agent-inter (one second here), they would be taken for asynchronous ones.
    wait_for(lambda: time.monotonic() > opened + 1.1, "the jobs to have taken their time")
    for number in (1, 2, 2, 1):
        farm.instances[number].release(1)
        wait_for(
            lambda: farm.in_flight()[number] == model.in_flight[number] - 1, "the job to be over"
        )
        model.close(number)
        assert open_and_check(farm, model) == number


def test_a_change_of_the_reported_jobs_changes_the_order(lab):
    farm = lab.start_farm(3, {1: 0, 2: 4, 3: 4})
    assert farm.run_jobs(1) == [1]
    farm.instances[1].set(external_jobs=8)
    farm.instances[2].set(external_jobs=0)
    farm.wait_for_external({1: 8, 2: 0, 3: 4})
    assert farm.run_jobs(1) == [2]
    farm.instances[3].set(external_jobs=0)
    farm.instances[2].set(external_jobs=7)
    farm.wait_for_external({1: 8, 2: 7, 3: 0})
    assert farm.run_jobs(1) == [3]


def test_ties_are_broken_at_random(lab):
    farm = lab.start_farm(3, {1: 1, 2: 1, 3: 1}, HEALTH_CHECK_INTERVAL="1h")
    # The chance that one of three gets none of 60 is below one in 10,000,000,000.
    assert set(farm.run_jobs(60)) == {1, 2, 3}


def test_the_flat_form_of_the_health_body_counts_as_well(lab):
    farm = lab.farm(2)
    farm.instances[1].set(form="flat", external_jobs=3)
    farm.instances[2].set(form="nested", external_jobs=2)
    farm.start()
    farm.wait_for_external({1: 3, 2: 2})
    assert farm.run_jobs(1) == [2]


def test_finished_jobs_do_not_count_as_load(lab):
    farm = lab.start_farm(2, {1: 0, 2: 3})
    # The nested form's /concurrency/active_jobs rises by each of these, and isn't the load.
    assert farm.run_jobs(6) == [1] * 6
    farm.wait_for_polls(2)
    farm.wait_for_external({1: 0, 2: 3})
    assert farm.run_jobs(1) == [1]


def test_instance_numbers_may_have_gaps(lab):
    sim = lab.sim(3)
    instances = dict(zip((2, 17, 4711), sim.instances))
    farm = lab.start_farm(instances, {2: 3, 17: 0, 4711: 2}, HEALTH_CHECK_INTERVAL="1h")
    model = Model({2: 3, 17: 0, 4711: 2})
    for _ in range(8):
        open_and_check(farm, model)


def test_more_jobs_than_a_weight_can_say_still_count_as_many(lab):
    farm = lab.farm(2)
    farm.instances[1].set(external_jobs=5000)
    farm.instances[2].set(external_jobs=90)
    farm.start()
    farm.wait_for_external({1: 5000, 2: 90})
    assert farm.run_jobs(5) == [2] * 5


def test_hundreds_of_other_peoples_jobs_are_told_from_hundreds_more(lab):
    farm = lab.farm(3)
    for number, jobs in {1: 301, 2: 300, 3: 1_000_000}.items():
        farm.instances[number].set(external_jobs=jobs)
    farm.start()
    farm.wait_for_external({1: 301, 2: 300, 3: 1_000_000})
    first, *others = [farm.open_job_and_see() for _ in range(3)]
    assert (first, sorted(others)) == (2, [1, 2])
    assert farm.in_flight() == {1: 1, 2: 2, 3: 0}
    farm.release_all()
    assert sorted(int(line["load"]) for line in farm.wait_for_log(3)) == [300, 301, 301]
