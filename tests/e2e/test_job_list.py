"""GET /v1/jobs: the instances' lists, put together."""

import signal

import pytest

from test_job_owner import JOBS, by_another_road, submit
from waiting import wait_for


def names(response):
    return [missing["name"] for missing in response.json()["instances_missing"]]


@pytest.mark.parametrize("target", [JOBS, JOBS + "/"])
def test_all_jobs_of_all_instances_are_in_it(lab, target):
    farm = lab.start_farm(3)
    jobs = [submit(farm)[0] for _ in range(7)]
    by_another_road(farm, 2, 'a "quoted" \\ one')
    response = farm.request(target=target)
    assert response.status == 200
    assert response.header("Content-Type") == "application/json"
    found = response.json()
    assert set(found["jobs"]) == {*jobs, 'a "quoted" \\ one'}
    assert found["total_jobs"] == 8
    assert found["instances_missing"] == []
    assert {job["status"] for job in found["jobs"].values()} == {"completed"}


def test_nobody_has_any(lab):
    farm = lab.start_farm(2)
    expected = {"total_jobs": 0, "jobs": {}, "instances_missing": []}
    assert farm.request(target=JOBS).json() == expected


def test_who_did_not_answer_is_named(lab):
    farm = lab.start_farm(3)
    for number in farm.instances:
        by_another_road(farm, number, f"of{number}")
    farm.instances[2].set(listening=False)
    response = farm.request(target=JOBS)
    assert response.status == 200
    assert set(response.json()["jobs"]) == {"of1", "of3"}
    assert names(response) == ["instance2"]
    for number in farm.instances:
        farm.instances[number].set(listening=False)
    response = farm.request(target=JOBS)
    assert response.status == 503
    assert sorted(names(response)) == ["instance1", "instance2", "instance3"]


def test_a_frozen_instance_is_missing_after_the_time_limit(lab):
    sims = lab.sim(1), lab.sim(1)
    farm = lab.start_farm(sims[0].instances + sims[1].instances, CHECK_TIMEOUT="1s")
    by_another_road(farm, 1, "it")
    sims[1].send_signal(signal.SIGSTOP)
    try:
        response = farm.request(target=JOBS)
        assert list(response.json()["jobs"]) == ["it"]
        assert names(response) == ["instance2"]
    finally:
        sims[1].send_signal(signal.SIGCONT)


def test_openai_lists_stay_openai_lists(lab):
    sim = lab.sim(2, ("--slots", 10, "--jobs-path", "/v1/videos"))
    farm = lab.start_farm(sim.instances, JOBS_PATH="/v1/videos", JOB_ID_FIELD="/id")
    made = [farm.request("POST", "/v1/videos", body=b"{}").json()["id"] for _ in range(4)]
    found = farm.request(target="/v1/videos").json()
    assert sorted(video["id"] for video in found["data"]) == sorted(made)
    assert found["object"] == "list" and found["instances_missing"] == []
    # Another path than JOBS_PATH is nobody's.
    assert farm.request(target=JOBS).status == 404


def test_other_methods_are_refused(lab):
    farm = lab.start_farm(1)
    response = farm.request("DELETE", JOBS)
    assert (response.status, response.header("Allow")) == (405, "GET, HEAD, POST")
    assert farm.request("HEAD", JOBS).status == 200


def test_a_list_beyond_the_bound_is_missing_and_the_others_are_there(lab):
    farm = lab.start_farm(2)
    instance = farm.instances[1]
    instance.sim.control(
        "POST", f"/instances/{instance.index}/jobs", {"count": 100_000, "prefix": "p" * 40}
    )
    by_another_road(farm, 2, "small")
    response = farm.request(target=JOBS)
    assert list(response.json()["jobs"]) == ["small"]
    assert response.json()["instances_missing"] == [
        {"name": "instance1", "error": "its list is too large"}
    ]
    wait_for(lambda: farm.request(target="/v1/jobs/" + "p" * 40 + "77").status == 200, "its job")
