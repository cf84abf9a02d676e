"""Counts are fresh while jobs run; a verdict on health still takes what it took."""

from waiting import wait_for

# The ratio is what matters: ten polls to an interval.
MIXED = {"HEALTH_CHECK_INTERVAL": "2s", "JOBS_INTERVAL": "200ms"}


def keep_busy(farm):
    """One long job: all are polled for their counts."""
    job = farm.open_job().send()
    return farm.wait_until_running(job)


def test_failed_polls_count_once_in_each_interval(lab):
    farm = lab.start_farm(2, **MIXED)
    busy = keep_busy(farm)
    other = farm.instances[3 - busy]
    other.wait_for_polls(3)
    begin = other.state()["health_requests"]
    other.set(health="500")
    polls = {}

    def unhealthy():
        health = farm.health_of(3 - busy)
        polls.setdefault(health["consecutive_failures"], other.state()["health_requests"] - begin)
        assert health["is_healthy"] == (health["consecutive_failures"] < 3), health
        return not health["is_healthy"]

    wait_for(unhealthy, "the verdict", 20)
    assert sorted(polls) == [0, 1, 2, 3], polls
    # Ten polls lie between two that count; on a busy machine fewer.
    assert polls[2] - polls[1] >= 4 and polls[3] - polls[2] >= 4, polls


def test_at_the_defaults_a_failure_is_one_however_often_counts_are_asked_for(lab):
    farm = lab.start_farm(2)
    busy = keep_busy(farm)
    other = farm.instances[3 - busy]
    other.set(health="500")
    begin = other.state()["health_requests"]
    wait_for(lambda: other.state()["health_requests"] >= begin + 5, "five polls", 15)
    health = farm.health_of(3 - busy)
    assert health["consecutive_failures"] == 1, health
    assert health["is_healthy"], health
    # One success ends it, with the next poll and not with the next interval.
    other.set(health="ok")
    wait_for(lambda: farm.health_of(3 - busy)["consecutive_failures"] == 0, "a good poll", 6)


def test_an_instance_whose_latest_check_failed_comes_last_but_comes(lab):
    farm = lab.start_farm(2, {2: 7})
    busy = keep_busy(farm)
    assert busy == 1
    farm.instances[1].set(health="500")
    wait_for(lambda: farm.health_of(1)["consecutive_failures"] == 1, "a failed poll", 6)
    wait_for(lambda: farm.run_jobs(1, job_time=0) == [2], "the other to be picked")
    assert farm.run_jobs(10, job_time=0) == [2] * 10
    # It is the only one left.
    farm.set_state(2, "maint")
    assert farm.run_jobs(3, job_time=0) == [1] * 3
    farm.set_state(2, "ready")
    farm.wait_for_server(2, "UP")
    farm.instances[1].set(health="ok")
    wait_for(lambda: farm.health_of(1)["consecutive_failures"] == 0, "a good poll", 6)
    wait_for(lambda: farm.run_jobs(1, job_time=0) == [1], "the first to be picked", 6)


def test_a_check_has_its_own_time_limit(lab):
    # Slower than the polls are apart, and by far quicker than the limit.
    farm = lab.start_farm(2, HEALTH_CHECK_INTERVAL="300ms", JOBS_INTERVAL="100ms")
    farm.instances[1].set(health="slow:700", external_jobs=4)
    farm.wait_for_health(1, external_jobs=4, consecutive_failures=0)
    farm.instances[1].set(external_jobs=2)
    farm.wait_for_health(1, external_jobs=2, is_healthy=True, consecutive_failures=0)


def test_the_time_limit_of_a_check_can_be_chosen(lab):
    farm = lab.start_farm(1, HEALTH_CHECK_INTERVAL="300ms", CHECK_TIMEOUT="400ms")
    farm.instances[1].set(health="slow:60000")
    farm.wait_for_health(1, is_healthy=False)
    assert "400 ms" in farm.health_of(1)["error_message"]
