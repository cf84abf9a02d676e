"""Instances behind https://, with certificates of a CA of one's own."""

import pytest

from certificates import Authority
from client import JOB_PATH

SLOTS = ["--slots", 1000]


def tls_instance(lab, certificate, prefix=""):
    """A simulated instance of which the balancer knows the URL https://localhost:PORT/prefix."""
    (instance,) = lab.sim(1, SLOTS + certificate).instances
    instance.url = f"https://localhost:{instance.port}{prefix}"
    return instance


def test_an_https_instance_with_its_own_ca_gets_jobs_with_its_host_and_path(lab):
    authority = Authority(lab.directory)
    instance = tls_instance(lab, authority.issue("DNS:localhost"), "/gpu/a")
    instance.set(external_jobs=4)
    farm = lab.farm([instance], INSTANCE_CA_FILE=authority.file)
    farm.start()
    farm.wait_for_external({1: 4})
    assert farm.run_job().status == 200
    (record,) = instance.requests()
    assert record.host == f"localhost:{instance.port}"
    assert record.target == "/gpu/a" + JOB_PATH
    assert instance.health_requests()[0].host == f"localhost:{instance.port}"
    assert instance.health_requests()[0].target == "/gpu/a/health"


@pytest.mark.quick("three failed checks")
def test_an_instance_whose_certificate_has_another_name_gets_nothing(lab):
    authority = Authority(lab.directory)
    good = tls_instance(lab, authority.issue("DNS:localhost"))
    good.set(external_jobs=20)
    wrong = tls_instance(lab, authority.issue("DNS:wrong.example"))
    farm = lab.farm([good, wrong], INSTANCE_CA_FILE=authority.file)
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    farm.wait_until_unhealthy(2)
    farm.wait_for_external({1: 20})
    for _ in range(10):
        assert farm.run_job().status == 200
    assert farm.counts() == {1: 10, 2: 0}
    message = farm.health_of(2)["error_message"]
    assert "TLS" in message or "certificate" in message
    assert wrong.health_requests() == []


def test_haproxy_itself_does_not_trust_a_wrong_name(lab):
    authority = Authority(lab.directory)
    wrong = tls_instance(lab, authority.issue("DNS:wrong.example"))
    farm = lab.farm([wrong], INSTANCE_CA_FILE=authority.file)
    farm.write_config()
    # Without an agent HAProxy has only its own check.
    farm.start_haproxy()
    farm.wait_for_haproxy()
    farm.wait_for_server(1, "DOWN")
    assert farm.run_job().status == 503
    assert wrong.requests() == []


def test_a_job_does_not_go_to_a_wrong_certificate_that_no_check_has_seen(lab):
    authority = Authority(lab.directory)
    first = tls_instance(lab, authority.issue("DNS:localhost"))
    farm = lab.farm([first], INSTANCE_CA_FILE=authority.file, HEALTH_CHECK_INTERVAL="1h")
    farm.start()
    assert farm.run_job().status == 200
    assert first.sim.stop() == []
    # The next check is an hour away: only the job's own connection can notice this.
    wrong = authority.issue("DNS:wrong.example")
    (other,) = lab.sim(1, SLOTS + wrong, first=first.port).instances
    assert farm.run_job().status == 503
    assert other.requests() == []


@pytest.mark.quick("three failed checks")
def test_an_instance_of_an_unknown_ca_gets_nothing(lab):
    ours, other = Authority(lab.directory), Authority(lab.directory, "other")
    good = tls_instance(lab, ours.issue("DNS:localhost"))
    stranger = tls_instance(lab, other.issue("DNS:localhost"))
    farm = lab.farm([good, stranger], INSTANCE_CA_FILE=ours.file)
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    farm.wait_until_unhealthy(2)
    for _ in range(5):
        assert farm.run_job().status == 200
    assert farm.counts() == {1: 5, 2: 0}


@pytest.mark.quick("three failed checks")
def test_without_a_ca_file_only_the_systems_cas_count(lab):
    instance = tls_instance(lab, Authority(lab.directory).issue("DNS:localhost"))
    farm = lab.farm([instance])
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    farm.wait_until_unhealthy(1)
    assert farm.run_job().status == 503
    assert instance.requests() == []


def test_every_request_succeeds_when_two_of_four_refuse_and_some_are_https(lab):
    authority = Authority(lab.directory)
    certificate = authority.issue("DNS:localhost")
    plain = lab.sim(2).instances
    prefixes = {1: "", 2: "/gpu/a", 3: "", 4: "/gpu/b"}
    instances = {
        1: plain[0],
        2: tls_instance(lab, certificate, prefixes[2]),
        3: plain[1],
        4: tls_instance(lab, certificate, prefixes[4]),
    }
    farm = lab.farm(instances, INSTANCE_CA_FILE=authority.file, HEALTH_CHECK_INTERVAL="1h")
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    for number in (1, 2):
        instances[number].set(listening=False)
    jobs = farm.open_jobs(20)
    farm.release_all()
    for job in jobs:
        assert job.response().status == 200
    assert farm.counts() == {1: 0, 2: 0, 3: 10, 4: 10}
    for number, records in farm.records().items():
        host = "localhost" if number in (2, 4) else "127.0.0.1"
        for record in records:
            assert record.host == f"{host}:{instances[number].port}"
            assert record.target == prefixes[number] + JOB_PATH


def test_two_https_instances_on_one_host_name_both_get_jobs(lab):
    authority = Authority(lab.directory)
    certificate = authority.issue("DNS:localhost")
    instances = [tls_instance(lab, certificate), tls_instance(lab, certificate)]
    farm = lab.start_farm(instances, {1: 1}, INSTANCE_CA_FILE=authority.file)
    farm.open_jobs(5)
    assert farm.counts() == {1: 2, 2: 3}
