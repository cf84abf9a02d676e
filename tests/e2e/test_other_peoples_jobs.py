"""Jobs that come to the instances by other roads than this balancer."""

from client import JOB_PATH, Connection, job_number
from waiting import wait_for


def test_an_instance_full_of_other_peoples_jobs_gets_nothing_while_another_has_fewer(lab):
    farm = lab.start_farm(2, {1: 20, 2: 4})
    # Nothing is in flight when each of these is picked: leastconn would take both alike.
    for _ in range(20):
        assert farm.in_flight() == {1: 0, 2: 0}
        assert farm.run_jobs(1) == [2]
    assert farm.counts() == {1: 0, 2: 20}


def test_three_jobs_of_others_lose_against_two_of_our_own(lab):
    farm = lab.start_farm(2, {1: 3, 2: 0})
    farm.open_jobs(2)
    assert farm.in_flight() == {1: 0, 2: 2}
    # By now the second instance reports our own two jobs as its active ones.
    farm.wait_for_polls(3)
    assert farm.instances[2].state()["active_jobs"] == 2
    farm.wait_for_health(2, active_jobs=2, in_flight=2, external_jobs=0, load=2)
    farm.wait_for_external({1: 3, 2: 0})
    assert farm.open_job_and_see() == 2


def test_own_and_other_jobs_add_up(lab):
    farm = lab.start_farm(2, {1: 0, 2: 2})
    assert farm.open_job_and_see() == 1
    assert farm.open_job_and_see() == 1
    farm.instances[1].set(external_jobs=5)
    farm.wait_for_health(1, active_jobs=7, in_flight=2, external_jobs=5, load=7)
    farm.wait_for_external({1: 5, 2: 2})
    # 7 against 2: five more go to the second before the first is its equal.
    assert [farm.open_job_and_see() for _ in range(5)] == [2] * 5


def test_jobs_counted_late_by_the_instance_are_not_lost_from_the_load(lab):
    farm = lab.start_farm(2)
    jobs = farm.open_jobs(4)
    assert farm.in_flight() == {1: 2, 2: 2}
    farm.release_all()
    for job in jobs:
        assert job.response().status == 200
    farm.wait_for_polls(2)
    farm.wait_for_external({1: 0, 2: 0})
    farm.wait_for_health(1, active_jobs=0, in_flight=0, external_jobs=0, load=0)
    farm.wait_for_health(2, active_jobs=0, in_flight=0, external_jobs=0, load=0)


def test_a_job_in_upload_counts_although_its_instance_does_not_know_of_it(lab):
    farm = lab.start_farm(2)
    mark = job_number()
    with Connection(farm.port) as upload:
        fields = [("Host", "x"), ("X-Job", mark), ("Content-Length", "1000")]
        upload.send_head("POST", JOB_PATH, fields)
        upload.send(b"x" * 500)
        (busy,) = wait_for(
            lambda: [n for n, i in farm.instances.items() if i.state()["uploading"] == 1],
            "half an upload to reach an instance",
        )
        farm.instances[busy].wait_for_polls(2)
        farm.wait_for_health(busy, active_jobs=0, in_flight=1, external_jobs=0, load=1)
        idle = 3 - busy
        assert farm.run_jobs(5) == [idle] * 5
        upload.send(b"x" * 500)
        assert upload.read_response("POST").header("X-Sim-Instance") == str(busy)
