"""GET /fleet of the agent: what operators look at."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from client import http_request
from waiting import wait_for

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LATEST = 50


def fleet(farm):
    answer = http_request(farm.status_port, target="/fleet")
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    return answer.json()


def instance(farm, number):
    (found,) = (i for i in fleet(farm)["instances"] if i["number"] == number)
    return found


def wait_for_failures(farm, kind, number, message):
    def found():
        failures = fleet(farm)["failures"]
        assert len(failures) <= LATEST
        matching = [
            f
            for f in failures
            if (f["kind"], f["instance"]) == (kind, number) and message in f["message"]
        ]
        assert matching, failures
        return matching

    return wait_for(found, f"a failure of a {kind} at {number}: {message}")


def is_recent(time):
    assert RFC3339.fullmatch(time)
    age = datetime.now(timezone.utc) - datetime.fromisoformat(time.replace("Z", "+00:00"))
    return timedelta(0) <= age + timedelta(seconds=1) <= timedelta(minutes=5)


def test_it_has_all_that_health_has_and_more(lab):
    farm = lab.start_farm(2, {1: 3, 2: 0})
    found, health = fleet(farm), farm.health()
    for key in ("total_instances", "healthy_instances", "total_active_jobs"):
        assert found[key] == health[key]
    for ours, theirs in zip(found["instances"], health["instances"], strict=True):
        assert set(theirs) <= set(ours)
        assert (ours["name"], ours["url"]) == (theirs["name"], theirs["url"])
    assert is_recent(found["time"])
    assert found["haproxy"] == {
        "is_present": True,
        "since": found["haproxy"]["since"],
        "socket": str(farm.socket),
        "problem": None,
    }
    assert is_recent(found["haproxy"]["since"])
    first = found["instances"][0]
    assert first["number"] == 1 and not first["is_in_maintenance"] and not first["is_drained"]
    assert first["report_url"] == farm.instances[1].url + "/health"
    assert first["report_field"] == "/active_jobs,/concurrency/active_transcriptions"
    assert first["capacity_field"] is None and not found["compares_capacities"]
    assert 0 <= first["report_age_seconds"] < 60
    assert found["failures"] == []
    # It is for the operator, and not for clients.
    assert farm.request(target="/fleet").status == 404
    assert http_request(farm.status_port, "POST", "/fleet").status == 405


def test_jobs_a_minute_are_those_that_haproxy_sent(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50}, JOBS_INTERVAL="100ms")
    assert farm.run_jobs(20) == [1] * 20

    def right():
        # Since the first counts 20 have come, in less than a minute and in more than a fiftieth.
        assert 20 <= instance(farm, 1)["jobs_per_minute"] <= 20 * 60 / 5
        return True

    wait_for(right, "the jobs to be counted")
    found = fleet(farm)
    assert instance(farm, 2)["jobs_per_minute"] == 0
    assert found["jobs_per_minute"] == found["instances"][0]["jobs_per_minute"]
    assert [i["failed_jobs"] for i in found["instances"]] == [0, 0]


def test_failed_jobs_are_counted_and_shown(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    farm.instances[1].set(response="status:500")
    assert farm.run_job().status == 500
    (failure,) = wait_for_failures(farm, "job", 1, "answered 1 job with a status of 5xx")
    assert is_recent(failure["time"])
    assert instance(farm, 1)["failed_jobs"] == 1 and instance(farm, 2)["failed_jobs"] == 0


def test_a_connection_that_fails_is_shown_and_no_job_is_lost_or_counted(lab):
    dead, alive = lab.sim(1), lab.sim(1)
    farm = lab.start_farm([*dead.instances, *alive.instances], {2: 5})
    dead.kill()
    assert farm.run_job().status == 200
    wait_for_failures(farm, "job", 1, "1 connection failed: sent elsewhere")
    assert instance(farm, 1)["failed_jobs"] == 0
    assert instance(farm, 1)["jobs_per_minute"] == 0
    assert instance(farm, 2)["jobs_per_minute"] > 0


@pytest.mark.quick("three failed checks")
def test_failed_checks_are_shown_until_they_are_a_state(lab):
    farm = lab.start_farm(2)
    farm.instances[2].set(health="500")
    farm.wait_until_unhealthy(2)
    farm.wait_for_polls(3)
    found = [f for f in fleet(farm)["failures"] if f["kind"] == "check"]
    assert {f["instance"] for f in found} == {2}
    assert "is unhealthy now: unexpected HTTP status" in wait_for_failures(
        farm, "check", 2, "is unhealthy now"
    )[0]["message"]
    # Newest first.
    assert [f["time"] for f in found] == sorted((f["time"] for f in found), reverse=True)


def test_an_instance_in_maintenance_and_a_drained_one(lab):
    farm = lab.start_farm(2)
    farm.set_state(1, "maint")
    farm.set_state(2, "drain")

    def shown():
        states = [(i["is_in_maintenance"], i["is_drained"]) for i in fleet(farm)["instances"]]
        return states == [(True, False), (False, True)]

    wait_for(shown, "both in /fleet")


def test_a_haproxy_that_is_not_there(lab):
    farm = lab.start_farm(1)
    before = fleet(farm)["haproxy"]["since"]
    farm.haproxy.stop()
    haproxy = wait_for(
        lambda: fleet(farm)["haproxy"]["is_present"] is False and fleet(farm)["haproxy"],
        "the agent to miss HAProxy",
    )
    assert haproxy["problem"] and haproxy["since"] > before


def test_a_reload_keeps_what_is_known(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    farm.instances[1].set(response="status:503")
    farm.run_job()
    wait_for_failures(farm, "job", 1, "5xx")
    begin = farm.agent.err().count("configuration reloaded")
    farm.agent.send_signal(1)
    farm.agent.wait_for_err("configuration reloaded", count=begin + 1)
    assert instance(farm, 1)["failed_jobs"] == 1
    assert instance(farm, 1)["jobs_per_minute"] > 0
    assert wait_for_failures(farm, "job", 1, "5xx")
