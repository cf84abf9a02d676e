"""Many requests at the same moment."""

import threading

from client import Job


def assert_even(lab, variables):
    farm = lab.start_farm(3, **variables)
    farm.open_jobs(30)
    assert farm.counts() == {1: 10, 2: 10, 3: 10}
    assert farm.in_flight() == {1: 10, 2: 10, 3: 10}


def test_thirty_requests_at_once_to_three_idle_instances_are_ten_each(lab):
    assert_even(lab, {})


def test_a_burst_is_even_while_no_health_check_comes(lab):
    assert_even(lab, {"HEALTH_CHECK_INTERVAL": "1h"})


def test_a_burst_is_even_while_health_checks_come_as_often_as_they_may(lab):
    assert_even(lab, {"HEALTH_CHECK_INTERVAL": "100ms"})


def test_a_burst_of_thirty_threads_is_ten_each(lab):
    farm = lab.start_farm(3)
    barrier = threading.Barrier(30)
    jobs, problems = [], []

    def send():
        try:
            barrier.wait(30)
            # Connecting is part of it, as with any client.
            job = Job(farm.port, job_time=-1)
            jobs.append(job)
            job.send()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=send) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    for job in jobs:
        farm.wait_until_running(job)
    assert farm.counts() == {1: 10, 2: 10, 3: 10}
    farm.release_all()
    for job in jobs:
        assert job.response().status == 200


def test_a_burst_fills_up_what_other_people_left(lab):
    farm = lab.start_farm(3, {1: 8, 2: 0, 3: 3}, HEALTH_CHECK_INTERVAL="1h")
    farm.open_jobs(13)
    assert farm.in_flight() == {1: 0, 2: 8, 3: 5}


def test_with_more_threads_every_job_of_a_burst_still_reaches_somebody(lab):
    # How evenly is another matter: THREADS says that it isn't promised.
    farm = lab.start_farm(3, THREADS=2)
    jobs = farm.open_jobs(30)
    assert sum(farm.counts().values()) == 30
    farm.release_all()
    for job in jobs:
        assert job.response().status == 200
