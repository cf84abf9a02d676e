"""HAProxy's log: one line a job, with the pick and why."""

import re
from datetime import datetime, timezone

import pytest

from client import JOB_PATH


def loads_of(line):
    """loads=1:0+2+0,2:0+5+0 -> {1: (0, 2), 2: (0, 5)}: in flight and external jobs, no penalty."""
    parts = (re.fullmatch(r"(\d+):(\d+)\+(\d+)\+0", part) for part in line["loads"].split(","))
    return {int(p[1]): (int(p[2]), int(p[3])) for p in parts}


def test_each_job_has_one_line_with_its_pick_and_all_loads(lab):
    farm = lab.start_farm(3, {1: 2, 2: 5, 3: 1}, HEALTH_CHECK_INTERVAL="1h")
    farm.open_jobs(2)
    response = farm.run_job()
    assert response.status == 200
    (line,) = farm.wait_for_log(1)
    # The first two went to 3 and to 1 or 3; by then 2 are open.
    in_flight = farm.in_flight()
    loads = {n: (in_flight[n], jobs) for n, jobs in {1: 2, 2: 5, 3: 1}.items()}
    assert loads_of(line) == loads
    pick = int(response.header("X-Sim-Instance"))
    assert line["pick"] == f"instance{pick}"
    assert int(line["load"]) == sum(loads[pick]) == min(map(sum, loads.values()))
    assert line["tried"] == "-"
    assert line["status"] == "200"
    assert line["client"].startswith("127.0.0.1:")
    assert f"POST {JOB_PATH} HTTP/1.1" in line["rest"]


def test_each_line_begins_with_the_time_at_which_it_was_written(lab):
    farm = lab.start_farm(1)
    job = farm.open_job().send()
    farm.wait_until_running(job)
    begin = datetime.now(timezone.utc)
    farm.release_all()
    assert job.response().status == 200
    (line,) = farm.wait_for_log(1)
    # RFC 3339; the time of the job's end, as far as HAProxy's clock is that of its last turn.
    assert abs((datetime.fromisoformat(line["time"]) - begin).total_seconds()) < 60
    farm.haproxy.stop()
    for line in farm.haproxy.out().splitlines():
        assert datetime.fromisoformat(line.split(" ")[0]).tzinfo is not None, line


def test_there_are_as_many_lines_as_jobs(lab):
    farm = lab.start_farm(2)
    for _ in range(25):
        assert farm.run_job().status == 200
    jobs = farm.open_jobs(5)
    farm.release_all()
    for job in jobs:
        assert job.response().status == 200
    assert len(farm.wait_for_log(30)) == 30
    picked = [line["pick"] for line in farm.log()]
    counts = farm.counts()
    assert {n: picked.count(f"instance{n}") for n in counts} == counts


def test_a_job_that_was_sent_anew_names_the_refused_instances_and_the_final_one(lab):
    farm = lab.start_farm(4, {1: 0, 2: 1, 3: 2, 4: 3}, HEALTH_CHECK_INTERVAL="1h")
    farm.instances[1].set(listening=False)
    farm.instances[2].set(listening=False)
    response = farm.run_job()
    assert response.status == 200
    assert response.header("X-Sim-Instance") == "3"
    (line,) = farm.wait_for_log(1)
    assert line["pick"] == "instance3"
    assert line["tried"] == "1,2"
    assert line["load"] == "2"
    assert line["status"] == "200"
    assert {n: external for n, (_, external) in loads_of(line).items()} == {1: 0, 2: 1, 3: 2, 4: 3}
    assert [name for name, _ in response.headers if name.lower().startswith("x-leastjobs")] == []


def test_a_job_that_was_sent_anew_has_one_line_too(lab):
    farm = lab.start_farm(3, {1: 0, 2: 1, 3: 2}, HEALTH_CHECK_INTERVAL="1h")
    farm.instances[1].set(listening=False)
    farm.instances[2].set(listening=False)
    for _ in range(5):
        assert farm.run_job().status == 200
    assert len(farm.wait_for_log(5)) == 5
    assert farm.haproxy.stop() == []
    assert len(farm.haproxy.out().strip().splitlines()) == 5


def test_a_job_that_nobody_takes_names_all_that_refused(lab):
    farm = lab.start_farm(2, {1: 0, 2: 1}, HEALTH_CHECK_INTERVAL="1h")
    for instance in farm.instances.values():
        instance.set(listening=False)
    assert farm.run_job().status == 503
    (line,) = farm.wait_for_log(1)
    assert line["status"] == "503"
    assert line["tried"] == "1,2"


@pytest.mark.parametrize("working", [20, 21])
def test_twenty_instances_are_tried_with_the_longest_of_numbers(lab, working):
    sim = lab.sim(21)
    numbers = range(65515, 65536)
    instances = dict(zip(numbers, sim.instances))
    farm = lab.farm(instances, HEALTH_CHECK_INTERVAL="1h")
    for jobs, instance in enumerate(sim.instances):
        instance.set(external_jobs=jobs)
    farm.start()
    farm.wait_for_external({number: jobs for jobs, number in enumerate(numbers)})
    for instance in sim.instances[: working - 1]:
        instance.set(listening=False)
    response = farm.run_job()
    (line,) = farm.wait_for_log(1)
    assert line["tried"] == ",".join(map(str, numbers[: working - 1]))
    last = f"instance{numbers[19]}"
    assert (response.status, line["pick"]) == ((200, last) if working == 20 else (503, "-"))


@pytest.mark.quick("three failed checks")
def test_a_job_without_any_healthy_instance_has_no_pick(lab):
    farm = lab.start_farm(2)
    for number, instance in farm.instances.items():
        instance.set(health="500")
        farm.wait_until_unhealthy(number)
    assert farm.run_job().status == 503
    (line,) = farm.wait_for_log(1)
    assert (line["pick"], line["tried"], line["status"]) == ("-", "-", "503")


def test_broken_jobs_are_logged_with_their_status(lab):
    farm = lab.start_farm(1)
    assert farm.run_job(headers=[("X-Sim-Response", "close")]).status == 502
    assert farm.run_job(headers=[("X-Sim-Response", "status:418")]).status == 418
    lines = farm.wait_for_log(2)
    assert [line["status"] for line in lines] == ["502", "418"]
    assert [line["pick"] for line in lines] == ["instance1"] * 2


def test_the_loads_of_all_are_not_logged_at_info(lab):
    farm = lab.start_farm(2, LOG_LEVEL="INFO")
    assert farm.run_job().status == 200
    farm.haproxy.wait_for_out(r" pick=instance[12] load=0 tried=- penalty=0 status=200 ")
    assert "loads=" not in farm.config_path.read_text()


def test_status_requests_are_not_logged_at_info(lab):
    farm = lab.start_farm(1, LOG_LEVEL="INFO")
    for path in ("/", "/health"):
        assert farm.request("GET", path).status == 200
    assert farm.run_job().status == 200
    farm.haproxy.wait_for_out("POST /")
    for line in farm.haproxy.out().splitlines():
        assert "GET /" not in line


def test_status_requests_are_logged_at_debug(lab):
    farm = lab.start_farm(1, LOG_LEVEL="DEBUG")
    assert farm.request("GET", "/health").status == 200
    farm.haproxy.wait_for_out("GET /health HTTP/1.1")


def test_a_request_with_control_characters_stays_one_line(lab):
    farm = lab.start_farm(1)
    farm.request("GET", "/a%0d%0aforged")
    farm.request("GET", "/\x1b[31mred")
    assert farm.run_job().status == 200
    farm.wait_for_log(1)
    assert "\x1b" not in farm.haproxy.out()
    assert not re.search(r"^forged", farm.haproxy.out(), re.MULTILINE)
