"""What monitoring sees: the agent's /metrics, HAProxy's statistics page and its exporter."""

import re

import pytest

from client import http_request
from waiting import wait_for

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*),?\}})? (\S+)(?: \d+)?")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


def parse(text):
    """Prometheus' text format, version 0.0.4: returns (name, labels) -> value; asserts the form."""
    assert text.endswith("\n")
    types, helps, samples, current = {}, {}, {}, None
    for line in text.splitlines():
        if match := re.fullmatch(rf"# HELP ({NAME}) (.*)", line):
            assert match[1] not in helps, f"second HELP: {line}"
            helps[match[1]] = match[2]
        elif match := re.fullmatch(rf"# TYPE ({NAME}) (\w+)", line):
            assert match[1] not in types, f"second TYPE: {line}"
            assert match[2] in TYPES, line
            types[match[1]] = match[2]
            current = match[1]
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            family = match[1]
            if types.get(current) in ("histogram", "summary"):
                family = re.sub(r"_(bucket|sum|count)$", "", family)
            # All samples of a family stand together, behind its TYPE.
            assert family == current, f"{line!r} stands under {current}"
            assert family in helps, f"no HELP for {family}"
            key = (match[1], match[2] or "")
            assert key not in samples, f"twice: {line}"
            samples[key] = float(match[3])
            if types[family] == "counter":
                assert samples[key] >= 0 and family.endswith("_total"), line
    assert samples and set(types) == set(helps)
    return samples


def samples_of(farm):
    return parse(http_request(farm.status_port, target="/metrics").body.decode())


def test_checks_that_are_under_way_are_counted(lab):
    farm = lab.start_farm(3)
    farm.instances[2].set(health="hang")
    farm.run_job()

    def is_one():
        return samples_of(farm)["leastjobs_checks_due", ""] == 1

    wait_for(is_one, "the one health check that hangs, and no other")


def test_how_old_a_report_is_and_may_be(lab):
    farm = lab.start_farm(2)

    def age(samples, number):
        return samples["leastjobs_instance_report_age_seconds", f'name="instance{number}"']

    def interval(samples):
        return samples["leastjobs_check_interval_seconds", ""]

    # A farm that has just started may be looked at like a busy one.
    wait_for(lambda: interval(samples_of(farm)) == 30, "the interval of an idle farm")
    assert samples_of(farm)["leastjobs_check_timeout_seconds", ""] == 5
    farm.open_jobs(2)
    wait_for(lambda: interval(samples_of(farm)) == 1, "the interval of a busy farm")
    farm.instances[2].set(health="500")

    def grows():
        samples = samples_of(farm)
        return age(samples, 2) > age(samples, 1) + 2

    wait_for(grows, "the last report of an instance that fails to grow old")
    assert samples_of(farm)["leastjobs_instance_healthy", 'name="instance2"'] == 1


def test_jobs_and_capacity_are_those_of_the_instances_that_take_jobs(lab):
    farm = lab.start_farm(3, {2: 3}, INSTANCE_1_CAPACITY=2)

    def demand():
        samples = samples_of(farm)
        return samples["leastjobs_jobs", ""], samples["leastjobs_capacity", ""]

    assert demand() == (3, 4)
    farm.open_jobs(3)
    wait_for(lambda: demand() == (6, 4), "jobs of ours beside those of others")
    farm.set_state(2, "maint")
    wait_for(lambda: demand()[1] == 3, "the capacity of those without maintenance")
    assert samples_of(farm)["leastjobs_instance_in_maintenance", 'name="instance2"'] == 1
    farm.set_state(1, "drain")
    wait_for(lambda: demand() == (1, 1), "what the last one has")


@pytest.mark.quick("three failed checks")
def test_the_agents_metrics_are_prometheus_text_and_say_what_is(lab):
    farm = lab.start_farm(2, {1: 3})
    farm.instances[2].set(health="500")
    farm.wait_until_unhealthy(2)
    response = http_request(farm.status_port, target="/metrics")
    assert response.status == 200
    assert response.header("Content-Type").startswith("text/plain")
    samples = parse(response.body.decode())
    # Prometheus writes these two itself: ours would be renamed.
    assert not any(re.search(r'(^|,)(instance|job)="', labels) for _, labels in samples)
    assert samples["leastjobs_instance_active_jobs", 'name="instance1"'] == 3

    def of_instance(number, value):
        """Some metric has this value with a label that names the instance."""
        name = f'"instance{number}"'
        return {n for (n, labels), v in samples.items() if name in labels and v == value}

    active = {name for name in of_instance(1, 3) if "active" in name}
    assert active and active <= of_instance(2, 0)
    healthy = {name for name in of_instance(1, 1) if "health" in name}
    assert healthy & of_instance(2, 0)


@pytest.mark.quick("several checks of an idle farm")
def test_the_agents_counters_rise(lab):
    farm = lab.start_farm(1)

    def counters():
        text = http_request(farm.status_port, target="/metrics").body.decode()
        return {key: v for key, v in parse(text).items() if key[0].endswith("_total")}

    before = counters()
    farm.wait_for_polls(2)
    after = counters()
    assert set(before) <= set(after)
    assert all(after[key] >= value for key, value in before.items())
    assert any(after[key] > value for key, value in before.items())


def test_labels_are_quoted(lab):
    farm = lab.farm(1, HEALTH_CHECK_INTERVAL="200ms")
    farm.instances[1].set(health="nojson")
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, is_healthy=False)
    parse(http_request(farm.status_port, target="/metrics").body.decode())


def test_the_agents_other_paths_and_methods_are_errors(lab):
    farm = lab.farm(1)
    farm.start_agent()
    farm.wait_for_agent()
    for path in ("/nothing", "/health/x", "/metrics/", "//"):
        response = http_request(farm.status_port, target=path)
        assert (path, response.status) == (path, 404)
        assert "detail" in response.json()
    for method in ("POST", "PUT", "DELETE", "BREW"):
        assert 400 <= http_request(farm.status_port, method, "/health").status < 600
    assert http_request(farm.status_port, target="/health").status == 200


def test_haproxys_statistics_page_and_exporter_are_on_the_admin_port(lab):
    farm = lab.start_farm(2)
    assert farm.run_job().status == 200
    page = http_request(farm.admin_port, target="/haproxy")
    assert page.status == 200
    assert page.header("Content-Type").startswith("text/html")
    for number in farm.instances:
        assert f"instance{number}" in page.body.decode()
    exporter = http_request(farm.admin_port, target="/metrics")
    assert exporter.status == 200
    assert 'haproxy_server_status{proxy="farm",server="instance1"' in exporter.body.decode()


def test_the_agents_metrics_are_on_the_admin_port_too(lab):
    farm = lab.start_farm(2)
    passed_on = http_request(farm.admin_port, target="/metrics/agent")
    assert passed_on.status == 200
    assert parse(passed_on.body.decode())["leastjobs_instances", ""] == 2
    own = http_request(farm.status_port, target="/metrics")
    assert passed_on.header("Content-Type") == own.header("Content-Type")


def test_the_public_port_shows_neither(lab):
    farm = lab.start_farm(1)
    for path in ("/metrics", "/haproxy", "/haproxy?stats", "/;csv", "/stats"):
        assert farm.request("GET", path).status == 404
