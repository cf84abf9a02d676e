"""Instances that break off, and clients that go away."""

import pytest

from client import JOB_PATH, Job
from waiting import wait_for


@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_instance_that_breaks_off_before_its_response_is_502_and_the_job_runs_once(lab, how):
    farm = lab.start_farm(2)
    response = farm.run_job(headers=[("X-Sim-Response", how)])
    assert response.status == 502
    assert response.header("Content-Type") == "application/json"
    assert isinstance(response.json()["detail"], str)
    assert sum(farm.counts().values()) == 1
    assert farm.run_job().status == 200


@pytest.mark.parametrize("how", ["abort", "abort-chunked"])
def test_a_response_that_breaks_off_is_seen_to_be_incomplete(lab, how):
    farm = lab.start_farm(1)
    response = farm.run_job(headers=[("X-Sim-Response", how)])
    assert response.status == 200
    assert response.complete is False
    assert farm.counts() == {1: 1}


def test_an_instance_that_is_too_slow_is_504(lab):
    farm = lab.start_farm(1, REQUEST_TIMEOUT="1s")
    response = farm.open_job().send().response()
    assert response.status == 504
    assert response.header("Content-Type") == "application/json"
    assert isinstance(response.json()["detail"], str)
    assert farm.counts() == {1: 1}
    wait_for(lambda: farm.instances[1].state()["aborted"] == 1, "the job to be given up")


def test_a_client_that_goes_away_takes_its_job_with_it(lab):
    farm = lab.start_farm(1)
    job = Job(farm.port, job_time=-1).send()
    farm.wait_until_running(job)
    assert farm.in_flight() == {1: 1}
    job.close()
    wait_for(lambda: farm.instances[1].state()["aborted"] == 1, "the job to be given up")
    wait_for(lambda: farm.in_flight() == {1: 0}, "HAProxy to count it no more")


def test_an_instance_that_dies_under_its_jobs_costs_only_those(lab):
    farm = lab.start_farm(2)
    jobs = farm.open_jobs(6)
    on_first = {record.mark for record in farm.instances[1].requests()}
    farm.instances[1].set(listening=False, drop=True)
    for job in jobs:
        if job.mark in on_first:
            response = job.response()
            assert response.status == 502
            assert isinstance(response.json()["detail"], str)
    for _ in range(5):
        assert farm.run_job().header("X-Sim-Instance") == "2"
    farm.instances[2].release()
    for job in jobs:
        if job.mark not in on_first:
            assert job.response().status == 200
    # Nothing ran twice: three jobs each, and the five after that.
    assert farm.counts() == {1: 3, 2: 8}


def test_a_client_connection_carries_one_job(lab):
    farm = lab.start_farm(1)
    job = Job(farm.port).send()
    response = job.connection.read_response("POST")
    assert response.header("Connection") == "close"
    assert job.connection.read_rest() == b""
    job.close()
    assert farm.run_job(target=JOB_PATH).status == 200
    records = farm.instances[1].requests()
    assert len({record.values["connection"] for record in records}) == 2
