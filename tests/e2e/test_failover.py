"""Instances that refuse connections before any health check has said so."""

import hashlib
import random

import pytest

from client import JOB_PATH


def start_with_prefixes(lab):
    """Four instances, three of them below a path; none will be checked for an hour."""
    sim = lab.sim(4)
    prefixes = {1: "/gpu/a", 2: "/gpu/b", 3: "", 4: "/c"}
    farm = lab.farm(dict(zip(prefixes, sim.instances)), HEALTH_CHECK_INTERVAL="1h")
    for number, prefix in prefixes.items():
        farm.variables[f"INSTANCE_{number}_URL"] += prefix
    return farm, prefixes


def started(farm):
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    return farm


def assert_hosts_and_paths(farm, prefixes):
    for number, records in farm.records().items():
        for record in records:
            assert record.host == f"127.0.0.1:{farm.instances[number].port}"
            assert record.target == prefixes[number] + JOB_PATH + "?job=1"
            assert record.values["complete"]


@pytest.mark.parametrize("refusing", [(1, 2), (2, 4), (3, 4)])
def test_two_of_four_instances_refuse_and_every_request_succeeds(lab, refusing):
    farm, prefixes = start_with_prefixes(lab)
    started(farm)
    for number in refusing:
        farm.instances[number].set(listening=False)
    for path in (JOB_PATH, "/transcribe"):
        for _ in range(10):
            response = farm.run_job(target=path + "?job=1")
            assert response.status == 200
    counts = farm.counts()
    assert sum(counts.values()) == 20
    assert all(counts[number] == 0 for number in refusing)
    assert_hosts_and_paths(farm, prefixes)


def test_failed_over_requests_are_spread_by_load_too(lab):
    farm, prefixes = start_with_prefixes(lab)
    started(farm)
    for number in (1, 4):
        farm.instances[number].set(listening=False)
    # The refusing ones stay empty, so each of these tries them first.
    farm.open_jobs(12)
    assert farm.counts() == {1: 0, 2: 6, 3: 6, 4: 0}
    assert farm.in_flight() == {1: 0, 2: 6, 3: 6, 4: 0}


def test_three_of_four_instances_refuse_and_a_burst_succeeds(lab):
    farm, prefixes = start_with_prefixes(lab)
    started(farm)
    for number in (1, 2, 4):
        farm.instances[number].set(listening=False)
    jobs = farm.open_jobs(20)
    farm.release_all()
    for job in jobs:
        response = job.response()
        assert response.status == 200
        assert response.json() == {"text": "simulated transcript from instance 3"}
    assert farm.counts() == {1: 0, 2: 0, 3: 20, 4: 0}


def test_a_large_upload_survives_a_refused_connection_byte_for_byte(lab):
    farm, prefixes = start_with_prefixes(lab)
    started(farm)
    for number in (1, 2, 3):
        farm.instances[number].set(listening=False)
    body = random.Random(1).randbytes(8 << 20)
    response = farm.request("POST", JOB_PATH, headers=[("X-Sim-Job-Time", "0")], body=body)
    assert response.status == 200
    (record,) = farm.instances[4].requests()
    assert record.values["body_bytes"] == len(body)
    assert record.values["body_sha256"] == hashlib.sha256(body).hexdigest()


def test_the_client_address_is_kept_through_a_failover(lab):
    farm, prefixes = start_with_prefixes(lab)
    started(farm)
    for number in (1, 2, 3):
        farm.instances[number].set(listening=False)
    assert farm.run_job(headers=[("X-Forwarded-For", "203.0.113.9")]).status == 200
    (record,) = farm.instances[4].requests()
    fields = [v for k, v in record.values["headers"] if k.lower() == "x-forwarded-for"]
    assert ", ".join(fields) == "203.0.113.9, 127.0.0.1"
    assert farm.wait_for_log(1)[0]["client"].startswith("127.0.0.1:")


def test_two_instances_on_one_host_name_with_different_ports_both_get_jobs(lab):
    sim = lab.sim(2)
    farm = lab.farm(sim.instances, HEALTH_CHECK_INTERVAL="1h")
    for number, instance in farm.instances.items():
        farm.variables[f"INSTANCE_{number}_URL"] = f"http://localhost:{instance.port}"
    started(farm)
    farm.open_jobs(6)
    assert farm.counts() == {1: 3, 2: 3}
    for number, records in farm.records().items():
        for record in records:
            assert record.host == f"localhost:{farm.instances[number].port}"
    farm.instances[1].set(listening=False, drop=True)
    for _ in range(5):
        response = farm.run_job()
        assert response.status == 200
        assert response.header("X-Sim-Instance") == "2"


def test_two_instances_on_one_host_name_are_both_polled(lab):
    sim = lab.sim(2)
    farm = lab.farm(sim.instances)
    for number, instance in farm.instances.items():
        instance.set(external_jobs=number)
        instance.url = f"http://localhost:{instance.port}"
        farm.variables[f"INSTANCE_{number}_URL"] = instance.url
    farm.start()
    farm.wait_for_external({1: 1, 2: 2})
    for instance in farm.instances.values():
        assert instance.health_requests()[0].host == f"localhost:{instance.port}"


def test_an_instance_that_is_new_to_haproxy_and_refuses_from_the_start_costs_nobody(lab):
    farm, prefixes = start_with_prefixes(lab)
    farm.instances[2].set(listening=False)
    farm.instances[3].set(listening=False)
    started(farm)
    for _ in range(20):
        assert farm.run_job(target=JOB_PATH + "?job=1").status == 200
    assert_hosts_and_paths(farm, prefixes)


@pytest.mark.quick("three failed checks")
def test_an_instance_whose_name_does_not_resolve_costs_nobody(lab):
    farm = lab.farm({1: lab.sim(1).instances[0], 2: "http://nowhere.invalid:8000"})
    started(farm)
    farm.wait_for_server(1, "UP")
    farm.wait_for_health(2, is_healthy=False)
    for _ in range(5):
        assert farm.run_job().header("X-Sim-Instance") == "1"
    assert farm.health_of(2)["error_message"]
