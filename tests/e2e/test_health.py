"""When an instance counts as healthy, and what happens to requests when it doesn't."""

import pytest

from waiting import wait_for

pytestmark = pytest.mark.quick("most here are verdicts, of three checks each")

# What the simulator's /health does -> words that the reason must have.
FAILURES = {
    "hang": ["time"],
    "slow:60000": ["time"],
    "trickle": ["time"],
    "500": ["500"],
    "503": ["503"],
    "404": ["404"],
    "401": ["401"],
    "garbage": [],
    "nojson": ["JSON"],
    "empty": ["JSON"],
    "huge": ["large"],
    "huge-chunked": ["large"],
    "nested-deep": ["JSON"],
    "nan": ["JSON"],
    "inf": [],
    "negative": ["-1"],
    "fraction": ["1.5"],
    "string": [],
    "null": [],
    "missing": ["job"],
    "absurd": ["1e+15"],
    "redirect": ["redirect", "302"],
    "close": [],
    "trailing": ["JSON"],
}


def test_three_failures_in_a_row_take_an_instance_out_and_one_success_brings_it_back(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    assert farm.run_jobs(1) == [1]
    farm.instances[1].set(health="500")
    farm.wait_until_unhealthy(1)
    assert farm.run_jobs(10) == [2] * 10
    farm.instances[1].set(health="ok")
    farm.wait_until_healthy(1)
    farm.wait_for_health(1, consecutive_failures=0, error_message=None)
    assert farm.run_jobs(3) == [1] * 3


def watch_failures(farm, number, until):
    """Follows an instance's failures; returns what was seen: count -> set of is_healthy."""
    seen = {}

    def reached():
        health = farm.health_of(number)
        seen.setdefault(health["consecutive_failures"], set()).add(health["is_healthy"])
        return health["consecutive_failures"] >= until

    wait_for(reached, f"{until} failures")
    return seen


def test_fewer_than_three_failures_change_nothing(lab):
    farm = lab.start_farm(2, HEALTH_CHECK_INTERVAL="400ms")
    farm.instances[1].set(health="500")
    seen = watch_failures(farm, 1, until=4)
    assert seen == {failures: {failures < 3} for failures in seen}
    assert len(seen) > 2


def test_a_success_between_failures_starts_the_count_again(lab):
    farm = lab.start_farm(1, HEALTH_CHECK_INTERVAL="1s")
    farm.instances[1].set(health="500")
    assert watch_failures(farm, 1, until=2)[2] == {True}
    farm.instances[1].set(health="ok")
    farm.wait_for_health(1, consecutive_failures=0, is_healthy=True)
    farm.instances[1].set(health="500")
    assert watch_failures(farm, 1, until=1)[1] == {True}


def test_the_number_of_failures_can_be_chosen(lab):
    farm = lab.start_farm(1, UNHEALTHY_AFTER=1)
    farm.instances[1].set(health="500")
    seen = watch_failures(farm, 1, until=2)
    assert seen == {failures: {failures < 1} for failures in seen}


def test_every_kind_of_failed_check_is_counted_with_its_reason(lab):
    modes = list(FAILURES) + ["refuse", "ok", "slow:1"]
    sim = lab.sim(len(modes))
    farm = lab.farm(sim.instances, HEALTH_CHECK_INTERVAL="400ms")
    numbers = {mode: number for number, mode in enumerate(modes, 1)}
    for mode, number in numbers.items():
        if mode == "refuse":
            farm.instances[number].set(listening=False)
        else:
            farm.instances[number].set(health=mode)
    farm.start_agent()
    farm.wait_for_agent()

    def all_failed():
        health = farm.health_of_all()
        for mode in list(FAILURES) + ["refuse"]:
            assert health[numbers[mode]]["consecutive_failures"] >= 3, mode
        return health

    health = wait_for(all_failed, "three failures of each kind")
    wrong = []
    for mode, words in (FAILURES | {"refuse": ["connect"]}).items():
        found = health[numbers[mode]]
        message = found["error_message"]
        if found["is_healthy"] or not message:
            wrong.append(f"{mode}: {found}")
        elif not all(word.lower() in message.lower() for word in words):
            wrong.append(f"{mode}: {message!r} doesn't say {words}")
        if not farm.agent_check(f"instance{numbers[mode]} external\n").startswith(b"down #"):
            wrong.append(f"{mode}: the agent-check isn't down")
    for mode in ("ok", "slow:1"):
        found = health[numbers[mode]]
        if not found["is_healthy"] or found["error_message"] is not None:
            wrong.append(f"{mode}: {found}")
    assert not wrong, "\n".join(wrong)


def test_an_instance_that_refuses_connections_comes_back(lab):
    farm = lab.start_farm(2, {2: 50})
    farm.instances[1].set(listening=False)
    farm.wait_until_unhealthy(1)
    assert farm.run_jobs(3) == [2] * 3
    farm.instances[1].set(listening=True)
    farm.wait_until_healthy(1)
    assert farm.run_jobs(3) == [1] * 3


def test_an_instance_that_comes_back_gets_a_new_weight(lab):
    farm = lab.start_farm(2, {1: 1, 2: 6})
    farm.instances[1].set(health="hang")
    farm.wait_until_unhealthy(1)
    farm.instances[1].set(health="ok", external_jobs=9)
    farm.wait_until_healthy(1)
    farm.wait_for_external({1: 9, 2: 6})
    assert farm.run_jobs(1) == [2]


def test_with_all_instances_down_clients_get_503_with_retry_after(lab):
    farm = lab.start_farm(3)
    for sim in farm.sims():
        sim.all(health="500")
    for number in farm.instances:
        farm.wait_until_unhealthy(number)
    response = farm.run_job()
    assert response.status == 503
    assert response.header("Content-Type") == "application/json"
    assert int(response.header("Retry-After")) >= 1
    assert response.json() == {"detail": "No healthy backend instances available"}
    assert farm.counts() == {1: 0, 2: 0, 3: 0}
    farm.instances[2].set(health="ok")
    farm.wait_until_healthy(2)
    assert farm.run_jobs(2) == [2] * 2


def test_with_all_instances_refusing_and_not_yet_checked_clients_get_the_same_503(lab):
    farm = lab.start_farm(3, HEALTH_CHECK_INTERVAL="1h")
    for instance in farm.instances.values():
        instance.set(listening=False)
    response = farm.run_job()
    assert response.status == 503
    assert int(response.header("Retry-After")) >= 1
    assert response.json() == {"detail": "No healthy backend instances available"}


def test_the_reason_is_shown_by_haproxy_too(lab):
    farm = lab.start_farm(2)
    farm.instances[1].set(health="404")
    farm.wait_until_unhealthy(1)
    row = wait_for(
        lambda: "404" in farm.servers()[1]["last_agt"] and farm.servers()[1],
        "HAProxy to know the reason",
    )
    assert row["agent_status"] == "L7STS"
    answer = farm.agent_check("instance1 external\n").decode()
    reason = farm.health_of(1)["error_message"]
    assert answer == f"down #{reason}\n"


def test_the_agent_logs_changes_and_failures_by_their_levels(lab):
    farm = lab.start_farm(2)
    for instance in farm.instances.values():
        instance.set(health="500")
    for number in farm.instances:
        farm.wait_until_unhealthy(number)
    farm.agent.wait_for_err(r" WARNING .*instance1\b.*500")
    farm.agent.wait_for_err(r" ERROR .*no healthy instance|ERROR .*[Nn]o .*instance.* healthy")
    farm.instances[1].set(health="ok")
    farm.wait_until_healthy(1)
    farm.agent.wait_for_err(r" INFO .*instance1\b.*healthy")
    assert " DEBUG " not in farm.agent.err()


def test_log_level_debug_shows_each_check_and_error_hides_the_rest(lab):
    farm = lab.farm(1, LOG_LEVEL="DEBUG")
    farm.start_agent()
    farm.agent.wait_for_err(r" DEBUG .*instance1\b", count=3)
    quiet = lab.farm(farm.instances, LOG_LEVEL="ERROR")
    quiet.instances[1].set(health="500")
    quiet.start_agent()
    quiet.wait_for_agent()
    quiet.wait_for_health(1, is_healthy=False)
    quiet.agent.wait_for_err(" ERROR ")
    assert [line for line in quiet.agent.err().splitlines() if " ERROR " not in line] == []


def test_a_field_for_the_job_count_can_be_chosen(lab):
    farm = lab.farm(1, JOBS_FIELD="/nothing/here,/concurrency/max_concurrent_requests")
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, active_jobs=1000)


def test_a_health_path_can_be_chosen(lab):
    farm = lab.farm({1: lab.sim(1).instances[0].url + "/gpu"}, HEALTH_PATH="/status/health")
    farm.start_agent()
    farm.wait_for_agent()
    instance = lab.processes[0].instances[0]
    record = wait_for(instance.health_requests, "a health check")[0]
    assert record.target == "/gpu/status/health"
    assert record.host == f"127.0.0.1:{instance.port}"


@pytest.mark.parametrize("mode", ["string", "negative", "absurd", "missing", "huge"])
def test_a_bad_body_leaves_the_job_count_as_it_was(lab, mode):
    farm = lab.farm(1, HEALTH_CHECK_INTERVAL="200ms")
    farm.instances[1].set(external_jobs=7)
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, active_jobs=7)
    farm.instances[1].set(health=mode)
    farm.wait_for_health(1, is_healthy=False, active_jobs=7)
