"""Servers that say otherwise what they do, or not at all: JOBS_SOURCE and what goes with it."""

import signal
from contextlib import contextmanager

import pytest

from client import http_request
from waiting import wait_for


def asked(instance):
    """How often each target was asked for."""
    targets = [record.target for record in instance.health_requests()]
    return {target: targets.count(target) for target in targets}


def instances_of(lab, kind, count, slots=4, more=()):
    return lab.sim(count, ("--kind", kind, "--slots", slots, *more)).instances


def start_agent_alone(farm):
    farm.start_agent()
    farm.wait_for_agent()


@contextmanager
def frozen(sim):
    """It takes connections, as the kernel does that for it, but does nothing."""
    sim.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        sim.send_signal(signal.SIGCONT)


# What is asked beside a job's own, and no other.
TARGETS = {
    "vllm": {"/health", "/metrics"},
    "sglang": {"/health", "/v1/loads?include=core"},
    "llamacpp": {"/health", "/metrics"},
}


@pytest.mark.parametrize("kind", TARGETS)
def test_jobs_go_to_the_one_that_reports_the_fewest(lab, kind):
    # Of six jobs two wait.
    instances = instances_of(lab, kind, 3)
    farm = lab.start_farm(instances, {1: 6, 2: 1, 3: 4}, JOBS_SOURCE=kind)
    assert {n: i["active_jobs"] for n, i in farm.health_of_all().items()} == {1: 6, 2: 1, 3: 4}
    assert farm.open_job_and_see() == 2
    assert farm.open_job_and_see() == 2
    assert farm.open_job_and_see() == 2
    assert farm.open_job_and_see() in (2, 3)
    for instance in instances:
        assert set(asked(instance)) == TARGETS[kind]


def test_health_is_asked_once_per_interval_and_the_load_while_jobs_run(lab):
    (instance,) = instances_of(lab, "vllm", 1)
    farm = lab.start_farm([instance], JOBS_SOURCE="vllm", JOBS_INTERVAL="100ms")
    farm.open_job_and_see()
    begin = asked(instance)
    wait_for(lambda: asked(instance)["/metrics"] >= begin["/metrics"] + 20, "twenty checks")
    assert asked(instance)["/health"] == begin["/health"]


@pytest.mark.quick("three checks make a verdict")
def test_a_server_that_is_not_well_is_left_though_it_has_a_load_to_tell(lab):
    farm = lab.farm(
        instances_of(lab, "vllm", 2), JOBS_SOURCE="vllm", INSTANCE_2_HEALTH_PATH="/nowhere"
    )
    start_agent_alone(farm)
    farm.wait_for_health(2, is_healthy=False)
    assert "404 from /nowhere" in farm.health_of(2)["error_message"]
    assert farm.health_of(1)["is_healthy"]


@pytest.mark.quick("three checks make a verdict")
@pytest.mark.parametrize(
    "variables, words",
    [
        ({"LOAD_URL": "/nothing-here"}, "unexpected HTTP status: 404 from /nothing-here"),
        ({"LOAD_URL": "/health"}, "no job count in the body: no metric vllm:"),
        ({"LOAD_URL": "/v1/models"}, "body isn't Prometheus' text format: line 1"),
        ({"JOBS_FIELD": "vllm:num_requests_flying"}, "no metric vllm:num_requests_flying from"),
        ({"JOBS_FIELD": 'vllm:num_requests_running{engine="9"}'}, "no metric vllm:num_req"),
    ],
)
def test_what_is_not_there_is_a_failed_check_with_its_reason(lab, variables, words):
    farm = lab.farm(instances_of(lab, "vllm", 1), JOBS_SOURCE="vllm", **variables)
    start_agent_alone(farm)
    farm.wait_for_health(1, is_healthy=False)
    assert words in farm.health_of(1)["error_message"], farm.health_of(1)


def test_one_engine_of_several_can_be_counted_and_metrics_are_exact(lab):
    (instance,) = instances_of(lab, "vllm", 1)
    farm = lab.start_farm(
        [instance],
        {1: 2},
        JOBS_SOURCE="prometheus",
        LOAD_URL="/metrics",
        JOBS_FIELD="nothing_of_this,vllm:num_requests_running + vllm:num_requests_waiting",
    )
    assert farm.health_of(1)["active_jobs"] == 2


def test_slots_are_counted_that_work(lab):
    (instance,) = instances_of(lab, "llamacpp", 1)
    variables = {"JOBS_SOURCE": "json", "LOAD_URL": "/slots", "JOBS_FIELD": "/*/is_processing"}
    lab.start_farm([instance], {1: 3}, **variables)


def test_triton_reports_those_that_wait_and_haproxy_knows_the_others(lab):
    instances = instances_of(lab, "triton", 2, slots=2)
    ports = {i.index: i.state()["metrics_url"].rpartition(":")[2] for i in instances}
    farm = lab.farm(
        instances,
        JOBS_SOURCE="triton",
        **{f"INSTANCE_{n}_LOAD_URL": f":{port}/metrics" for n, port in ports.items()},
    )
    # Five, of which three wait.
    instances[0].set(external_jobs=5)
    farm.start()
    farm.wait_for_external({1: 3, 2: 0})
    assert [farm.open_job_and_see() for _ in range(3)] == [2, 2, 2]
    # Of these three, one waits and is counted twice: nobody says whose it is.
    farm.wait_for_health(2, in_flight=3, external_jobs=1, active_jobs=4)


def test_sources_may_be_mixed(lab):
    instances = [instances_of(lab, kind, 1)[0] for kind in ("whisperx", "vllm", "none")]
    farm = lab.start_farm(
        instances,
        {1: 2, 2: 1},
        HEALTH_PATH="/health",
        CAPACITY_FIELD="auto",
        INSTANCE_2_JOBS_SOURCE="vllm",
        INSTANCE_3_JOBS_SOURCE="none",
        INSTANCE_3_CAPACITY=7,
    )
    assert farm.open_job_and_see() == 3
    assert {n: i["capacity"] for n, i in farm.health_of_all().items()} == {1: 4, 2: 1, 3: 7}


@pytest.mark.quick("capacities are read anew with each check")
def test_a_capacity_is_as_last_reported(lab):
    instances = instances_of(lab, "whisperx", 2)
    farm = lab.start_farm(
        instances,
        CAPACITY_FIELD="/absent,/concurrency/max_concurrent_requests",
        INSTANCE_2_CAPACITY_FIELD="/absent",
    )
    farm.wait_for_health(1, capacity=4)
    farm.wait_for_health(2, capacity=1, is_healthy=True)
    instances[0].set(slots=9)
    farm.wait_for_health(1, capacity=9)
    lines = [line for line in farm.agent.err().splitlines() if "reports no capacity" in line]
    assert len(lines) == 1 and "instance=instance2 " in lines[0], lines


def test_where_nothing_is_reported_what_haproxy_has_open_is_the_load(lab):
    farm = lab.start_farm(instances_of(lab, "none", 3), JOBS_SOURCE="none")
    first = farm.open_job_and_see()
    second = farm.open_job_and_see()
    assert len({first, second, farm.open_job_and_see()}) == 3
    farm.wait_for_polls(2)
    farm.wait_for_health(first, active_jobs=1, in_flight=1, external_jobs=0, load=1)


# --- Servers that can't answer while they work

ONE_LOCK = ("--threads", 1)


@pytest.mark.quick("checks that time out")
def test_a_busy_server_is_picked_last_but_gets_a_job_when_all_are_busy(lab):
    instances = instances_of(lab, "whispercpp", 2, slots=1, more=ONE_LOCK)
    farm = lab.start_farm(instances, JOBS_SOURCE="whispercpp")
    first = farm.open_job_and_see()
    farm.wait_for_health(first, is_busy=True, is_healthy=True)
    other = 3 - first
    assert farm.run_jobs(10) == [other] * 10
    assert farm.open_job_and_see() == other
    farm.wait_for_health(other, is_busy=True, is_healthy=True)
    # Much longer than three failures take, both stay in.
    begin = {n: busy_checks(farm, n) for n in (1, 2)}
    wait_for(lambda: all(busy_checks(farm, n) > begin[n] + 5 for n in (1, 2)), "many checks")
    for health in farm.health_of_all().values():
        assert health["is_healthy"] and health["consecutive_failures"] == 0, health
    third = farm.open_job().send()
    wait_for(lambda: sum(farm.in_flight().values()) == 3, "the third job to go to one of them")
    farm.release_all()
    farm.wait_until_running(third)
    farm.release_all()
    for number in (1, 2):
        farm.wait_for_health(number, is_busy=False, consecutive_failures=0, error_message=None)
    log = farm.agent.err()
    assert f"instance=instance{first} " in log and " is busy: " in log and "busy no more" in log
    assert "check failed" not in log
    for instance in instances:
        assert set(asked(instance)) == {"/health"}


def busy_checks(farm, number):
    name = f'leastjobs_instance_checks_total{{name="instance{number}",result="busy"}} '
    text = http_request(farm.status_port, target="/metrics").body.decode()
    found = [line for line in text.splitlines() if line.startswith(name)]
    return int(found[0].removeprefix(name)) if found else 0


@pytest.mark.quick("three checks make a verdict")
def test_a_frozen_server_is_left_once_no_job_of_ours_runs_there(lab):
    sims = [lab.sim(1, ("--kind", "none", "--slots", 9)) for _ in range(2)]
    farm = lab.start_farm([sim.instances[0] for sim in sims], JOBS_SOURCE="none")
    job = farm.open_job().send()
    first = farm.wait_until_running(job)
    with frozen(sims[first - 1]):
        # With a job of ours it might be busy: it comes last.
        farm.wait_for_health(first, is_busy=True, is_healthy=True)
        job.close()
        farm.wait_for_health(first, is_busy=False, is_healthy=False, consecutive_failures=3)
        farm.wait_for_server(first, "DOWN")
        assert "timed out" in farm.health_of(first)["error_message"]
    farm.wait_until_healthy(first)


@pytest.mark.quick("three checks make a verdict")
def test_a_frozen_server_that_reports_its_jobs_is_left_whatever_runs_there(lab):
    sims = [lab.sim(1, ("--slots", 9)) for _ in range(2)]
    farm = lab.start_farm([sim.instances[0] for sim in sims])
    job = farm.open_job().send()
    first = farm.wait_until_running(job)
    with frozen(sims[first - 1]):
        farm.wait_for_health(first, is_busy=False, is_healthy=False, consecutive_failures=3)
        farm.wait_for_server(first, "DOWN")
    farm.wait_until_healthy(first)


# --- Header fields of health checks


def test_health_checks_carry_the_fields_of_a_file_read_again_on_reload(lab):
    file = lab.directory / "headers"
    file.write_text("# for the instances\nAuthorization: Bearer first-secret\nX-Farm: a b\n")
    file.chmod(0o600)
    (instance,) = instances_of(lab, "vllm", 1)
    farm = lab.start_farm([instance], JOBS_SOURCE="vllm", HEALTH_HEADERS_FILE=file)
    for record in instance.health_requests():
        assert record.header("Authorization") == "Bearer first-secret", record
        assert record.header("X-Farm") == "a b"
    # One that is bad changes nothing, and isn't shown.
    file.write_text("Authorization Bearer second-secret\n")
    farm.agent.send_signal(signal.SIGHUP)
    wait_for(lambda: "the old one stays in force" in farm.agent.err(), "the reload to be refused")
    assert f'HEALTH_HEADERS_FILE="{file}": line 1: expected a header field' in farm.agent.err()
    file.write_text("Authorization: Bearer third-secret\n")
    file.chmod(0o644)
    farm.agent.send_signal(signal.SIGHUP)
    wait_for(lambda: "configuration reloaded" in farm.agent.err(), "the reload")
    farm.open_job_and_see()
    wait_for(
        lambda: instance.health_requests()[-1].header("Authorization") == "Bearer third-secret",
        "the new token",
    )
    assert not instance.health_requests()[-1].has_header("X-Farm")
    assert "everybody on this machine can read it" in farm.agent.err()
    assert "secret" not in farm.agent.err() + farm.agent.out()
    # Whoever is asked for a job gets none of it.
    assert not instance.requests()[0].has_header("Authorization")
