"""A real Prometheus with the shipped configuration, and the dashboard's queries."""

import json
import re
import shutil
import subprocess
from urllib.parse import urlencode

from client import http_request
from processes import ROOT, Process
from waiting import wait_for

SHIPPED = ROOT / "deploy/prometheus"
SHIPPED_TARGET = "127.0.0.1:8404"
SHIPPED_INTERVAL = "15s"
METRIC = re.compile(r"\b(?:leastjobs|haproxy)_[a-z0-9_]+")


def program(name):
    path = shutil.which(name)
    assert path, f"{name} isn't installed: tools/install-packages test"
    return path


def promtool(*arguments, text=""):
    """Runs it to its end, with `text` on its standard input."""
    return subprocess.run(
        [program("promtool"), *map(str, arguments)],
        input=text,
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
    )


class Prometheus(Process):
    """It asks one farm each second, and has its data in the test's folder."""

    def __init__(self, lab, farm):
        folder = lab.directory / lab.name("prometheus")
        folder.mkdir()
        text = (SHIPPED / "prometheus.yml").read_text()
        assert text.count(SHIPPED_TARGET) == 1 and text.count(SHIPPED_INTERVAL) == 2
        text = text.replace(SHIPPED_INTERVAL, "1s")
        text = text.replace(SHIPPED_TARGET, f"127.0.0.1:{farm.admin_port}")
        (folder / "prometheus.yml").write_text(text)
        (folder / "leastjobs.rules.yml").symlink_to(SHIPPED / "leastjobs.rules.yml")
        self.balancer = f"127.0.0.1:{farm.admin_port}"
        self.port = lab.ports.take()
        command = [
            program("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        super().__init__(folder.name, command, folder)

    def get(self, path, **parameters):
        """The data of an answer of its API; None while it isn't there yet."""
        self.assert_running()
        try:
            answer = http_request(self.port, target=f"/api/v1/{path}?{urlencode(parameters)}")
        except OSError:
            return None
        if answer.header("Content-Type") != "application/json":
            return None
        value = answer.json()
        assert value["status"] == "success", f"{parameters}: {value}"
        return value["data"]

    def query(self, expression):
        """The series of an expression now: a list of their labels and value."""
        found = self.get("query", query=expression)
        if found is None:
            return []
        assert found["resultType"] == "vector", expression
        return [(series["metric"], float(series["value"][1])) for series in found["result"]]

    def value(self, expression):
        """The value of the one series; None if there is none yet."""
        found = self.query(expression)
        assert len(found) <= 1, f"{expression}: {found}"
        return found[0][1] if found else None

    def by_name(self, expression):
        return {labels["name"]: value for labels, value in self.query(expression)}

    def wait_until_it_has_asked(self):
        wait_for(lambda: self.value("sum(up)") == 2, "Prometheus to have asked both exporters")

    def metrics(self):
        return set(self.get("label/__name__/values"))

    def rules(self):
        (group,) = self.get("rules")["groups"]
        return group["rules"]

    def alerts(self):
        """Name and instance of those that fire, or would if it goes on so."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("name"))
            for alert in self.get("alerts")["alerts"]
        }


class Query:
    """One of the dashboard's."""

    def __init__(self, panel, target):
        self.title = panel["title"]
        self.is_table = target.get("format") == "table"
        self.expression = target["expr"]
        self.legend = target["legendFormat"]
        # A panel that is there once for each instance asks for that one.
        self.instance = "instance1" if panel.get("repeat") == "instance" else "instance.+"

    def __repr__(self):
        return f"<{self.title!r} {self.legend!r} {self.expression}>"

    def filled(self, balancer):
        """As Grafana would ask it, but for the time that rates are of: scrapes are a second apart."""
        variables = {"$__rate_interval": "15s", "$__range": "1m"}
        variables |= {"$balancer": balancer, "$instance": self.instance}
        text = self.expression
        for name, value in variables.items():
            text = text.replace(name, value)
        assert "$" not in re.sub(r'"\$1"', "", text), f"a variable that nobody knows: {self}"
        return text

    def labels(self):
        """What a legend, or a table's first column, is made of."""
        return ["name"] if self.is_table else re.findall(r"\{\{(\w+)\}\}", self.legend)

    def metrics(self):
        return set(METRIC.findall(self.expression))


class Dashboard:
    def __init__(self):
        self.json = json.loads((ROOT / "deploy/grafana/leastjobs.json").read_text())

    def panels(self):
        for panel in self.json["panels"]:
            yield panel
            yield from panel.get("panels", [])

    def queries(self):
        return [Query(panel, target) for panel in self.panels() for target in panel.get("targets", [])]

    def query(self, title, legend=None):
        """The one of a panel, or that with this legend, or that of this column of a table."""
        found = [q for q in self.queries() if q.title == title and legend in (None, q.legend)]
        assert len(found) == 1, (title, legend, found)
        return found[0]

    def column(self, name):
        """The query of a table's column."""
        (panel,) = [panel for panel in self.panels() if panel["type"] == "table"]
        (organize,) = [t for t in panel["transformations"] if t["id"] == "organize"]
        (field,) = [f for f, n in organize["options"]["renameByName"].items() if n == name]
        (target,) = [t for t in panel["targets"] if f"Value #{t['refId']}" == field]
        return Query(panel, target)
