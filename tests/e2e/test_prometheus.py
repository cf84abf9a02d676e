"""deploy/prometheus and deploy/grafana, as a real Prometheus has them that asks a real balancer."""

import math
import re

import pytest

from client import http_request
from processes import ROOT
from prometheus import METRIC, SHIPPED, Dashboard, Prometheus, promtool
from waiting import wait_for


def test_configuration_and_rules_are_valid():
    done = promtool("check", "config", SHIPPED / "prometheus.yml")
    assert done.returncode == 0 and "rules found" in done.stdout, done.stdout + done.stderr


def test_alerts_are_there_when_they_should_and_silent_when_not():
    done = promtool("test", "rules", ROOT / "tests/prometheus/alerts.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_a_section_that_says_what_to_do():
    rules = (SHIPPED / "leastjobs.rules.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) >= 5
    tested = re.findall(r"alertname: (\w+)", (ROOT / "tests/prometheus/alerts.yml").read_text())
    assert set(tested) == set(alerts)
    links = re.findall(r'runbook: "(\S+)#(\S+)"', rules)
    assert links == [("deploy/prometheus/README.md", alert.lower()) for alert in alerts]
    headings = re.findall(r"^### (\w+)$", (SHIPPED / "README.md").read_text(), re.MULTILINE)
    assert headings == alerts


def test_the_dashboard_needs_no_plugin_and_names_no_prometheus():
    panels = list(Dashboard().panels())
    assert {panel["type"] for panel in panels} == {
        "row",
        "stat",
        "timeseries",
        "table",
        "state-timeline",
    }
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        sources = [panel] if panel["type"] != "row" else []
        for source in sources + panel.get("targets", []):
            assert source["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel
    # No two have one place.
    places = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(places)) == len(places) and max(x for x, _ in places) < 24


@pytest.mark.quick("three failed checks")
def test_promtool_takes_what_both_exporters_say(lab):
    farm = lab.start_farm(2)
    farm.instances[2].set(health="nojson")
    farm.wait_until_unhealthy(2)
    agent = http_request(farm.admin_port, target="/metrics/agent").body.decode()
    done = promtool("check", "metrics", text=agent)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    # 1 is text that it can't read, 3 its taste: HAProxy's own names aren't all to it.
    haproxy = http_request(farm.admin_port, target="/metrics").body.decode()
    assert promtool("check", "metrics", text=haproxy).returncode in (0, 3)


def queries_of_autoscaling():
    text = (ROOT / "deploy/autoscaling.md").read_text()
    demand, refused = re.findall(r"^ +query: (.+)$", text, re.MULTILINE)
    return demand, refused


def takes_jobs(instance):
    return instance["is_healthy"] and not instance["is_drained"]


def jobs_of(instance):
    return instance["in_flight"] + instance["external_jobs"] + instance["accepted_jobs"]


def assert_every_query_is_answered(prometheus, dashboard):
    """By at least one series, with the labels of its legend, which tells it from the others."""
    for query in dashboard.queries():
        found = prometheus.query(query.filled(prometheus.balancer))
        assert found, f"nothing for {query}"
        names = [tuple(labels.get(name) for name in query.labels()) for labels, _ in found]
        assert all(all(name) for name in names), f"{query}: {found}"
        assert len(set(names)) == len(names), f"{query}: {found}"
        assert all(math.isfinite(value) for _, value in found), f"{query}: {found}"


def assert_variables_are_answered(prometheus, dashboard):
    variables = {v["name"]: v for v in dashboard.json["templating"]["list"]}
    for name, expected in (("balancer", {prometheus.balancer}), ("instance", None)):
        query = variables[name]["definition"].replace("$balancer", prometheus.balancer)
        series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", query).groups()
        found = {labels[label] for labels, _ in prometheus.query(series)}
        assert found == (expected or {f"instance{n}" for n in range(1, 5)})


def assert_what_is_kept_is_what_is_asked_for(prometheus, dashboard):
    asked = set().union(*(query.metrics() for query in dashboard.queries()))
    asked |= set(METRIC.findall((SHIPPED / "leastjobs.rules.yml").read_text()))
    asked |= set(METRIC.findall(" ".join(queries_of_autoscaling())))
    kept = prometheus.metrics()
    assert {name for name in asked if name not in kept} == set()
    assert {name for name in kept if name.startswith("haproxy_")} - asked == set()


def assert_it_says_what_health_says(prometheus, dashboard, farm):
    """Key panels; the farm doesn't change any more."""
    health = farm.health()
    instances = {instance["name"]: instance for instance in health["instances"]}
    taking = [i for i in instances.values() if takes_jobs(i)]
    jobs, capacity = sum(map(jobs_of, taking)), sum(i["capacity"] for i in taking)

    def value(title, legend=None):
        return prometheus.value(dashboard.query(title, legend).filled(prometheus.balancer))

    def by_name(query):
        return prometheus.by_name(query.filled(prometheus.balancer))

    def all_of(field):
        return {name: float(instance[field]) for name, instance in instances.items()}

    assert capacity > 0
    assert value("Instances", "healthy") == health["healthy_instances"]
    assert value("Instances", "of") == health["total_instances"]
    assert value("Jobs now") == jobs == prometheus.value(queries_of_autoscaling()[0])
    assert value("Jobs and capacity", "capacity") == capacity
    assert value("Jobs for each unit of capacity", "fill") == pytest.approx(jobs / capacity)
    for legend, field in (
        ("in flight", "in_flight"),
        ("external", "expected_external_jobs"),
        ("accepted", "accepted_jobs"),
        ("penalty", "penalty"),
    ):
        wanted = sum(instance[field] for instance in instances.values())
        assert value("Load, by its parts", legend) == pytest.approx(wanted), legend
    for column in ("load", "capacity", "penalty"):
        assert by_name(dashboard.column(column)) == all_of(column), column
    assert by_name(dashboard.column("healthy")) == all_of("is_healthy")
    assert by_name(dashboard.column("withdrawn")) == all_of("is_drained")
    shown = by_name(dashboard.query("Health"))
    assert shown == {"instance1": 1, "instance2": 1, "instance3": 0, "instance4": 2}
    return True


@pytest.mark.quick("three failed checks, and reports of an idle farm")
def test_dashboard_alerts_and_scaling_say_what_is(lab):
    dashboard = Dashboard()
    # Jobs that run, other people's, one instance that fails, one that was drained for that.
    farm = lab.start_farm(4, INSTANCE_1_CAPACITY=2, INSTANCE_2_CAPACITY=4)
    prometheus = lab.start(Prometheus(lab, farm))
    farm.open_jobs(8)
    farm.instances[2].set(external_jobs=5)
    farm.set_state(4, "drain")
    for number in (3, 4):
        farm.instances[number].set(health="500")
    farm.wait_until_unhealthy(3)
    farm.wait_for_health(4, is_healthy=False)
    prometheus.wait_until_it_has_asked()

    # From here on it sees counters rise.
    demand, refused = queries_of_autoscaling()
    assert farm.run_job(headers=[("X-Sim-Response", "status:500")]).status == 500
    wait_for(lambda: prometheus.value(refused) == 0, "no reason to wake an instance")
    for number in (1, 2):
        farm.set_state(number, "drain")
    farm.wait_for_weights({1: 0, 2: 0, 4: 0})
    assert farm.run_job().status == 503
    wait_for(lambda: prometheus.value(refused) == 1, "a refusal that wakes an instance")
    for number in (1, 2):
        farm.set_state(number, "ready")
    for legend in ("by instances", "by HAProxy"):
        query = dashboard.query("Failed, in the time shown", legend)
        filled = query.filled(prometheus.balancer)
        wait_for(lambda: prometheus.value(filled) > 0, f"a failed job {legend}")
    wait_for(
        lambda: assert_it_says_what_health_says(prometheus, dashboard, farm),
        "Prometheus to say what /health says",
    )
    assert prometheus.value(refused) == 0
    assert_every_query_is_answered(prometheus, dashboard)
    assert_variables_are_answered(prometheus, dashboard)
    assert_what_is_kept_is_what_is_asked_for(prometheus, dashboard)

    assert [(r["name"], r.get("lastError")) for r in prometheus.rules() if r["health"] != "ok"] == []
    unhealthy = {("LeastjobsInstanceUnhealthy", "instance3")}
    wait_for(lambda: prometheus.alerts() == unhealthy, "one alert, about instance3")
    assert farm.agent.stop() == []
    silent = {("LeastjobsAgentSilent", None)}
    wait_for(lambda: prometheus.alerts() == silent, "one alert, about the agent")
    assert farm.haproxy.stop() == []
    silent = {("LeastjobsBalancerSilent", None)}
    wait_for(lambda: prometheus.alerts() == silent, "one alert, about HAProxy")
