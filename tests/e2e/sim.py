"""The simulated instances (tests/sim) and their control endpoint."""

import json
import re

from client import http_request
from processes import Process, sim_command
from waiting import wait_for

READY = re.compile(r"^ready$", re.MULTILINE)


class Sim(Process):
    """One simulator process, playing `count` instances on neighbouring ports."""

    def __init__(self, name, directory, ports, count=1, arguments=(), first=None):
        if first is None:
            first = ports.take_row(count)
        command = sim_command() + ["--listen", f"127.0.0.1:{first}", "--count", str(count)]
        command += [str(argument) for argument in arguments]
        super().__init__(name, command, directory)
        self.count = count
        self.first_port = first
        self.control_port = 0
        self.instances = []

    def wait_until_ready(self):
        def ready():
            self.assert_alive_or_expected()
            return READY.search(self.out())

        wait_for(ready, f"{self.name} to listen")
        urls = re.findall(r"^instance \d+ (\S+)$", self.out(), re.MULTILINE)
        assert len(urls) == self.count, self.out()
        control = re.search(r"^control http://127\.0\.0\.1:(\d+)$", self.out(), re.MULTILINE)
        self.control_port = int(control.group(1))
        self.instances = [Instance(self, i + 1, url) for i, url in enumerate(urls)]
        return self

    def control(self, method, target, value=None):
        body = None if value is None else json.dumps(value).encode()
        answer = http_request(self.control_port, method, target, body=body)
        assert answer.status == 200, f"simulator: {method} {target} {value}: {answer}"
        return answer.json()

    def all(self, **values):
        """Sets something on every instance."""
        return self.control("POST", "/instances/all", values)["instances"]

    def states(self):
        return self.control("GET", "/instances")["instances"]

    def requests(self):
        """What all instances received (but health checks), in order."""
        return [Record(r) for r in self.control("GET", "/requests")["requests"]]


class Instance:
    """One of a simulator's instances."""

    def __init__(self, sim, index, url):
        self.sim = sim
        self.index = index
        self.url = url
        self.port = int(url.rpartition(":")[2])

    def __repr__(self):
        return f"<{self.sim.name} instance {self.index} {self.url}>"

    def set(self, **values):
        return self.sim.control("POST", f"/instances/{self.index}", values)

    def release(self, count=-1):
        return self.set(release=count)

    def state(self):
        return self.sim.control("GET", f"/instances/{self.index}")

    def requests(self):
        answer = self.sim.control("GET", f"/instances/{self.index}/requests")
        return [Record(r) for r in answer["requests"]]

    def health_requests(self):
        answer = self.sim.control("GET", f"/health-requests/{self.index}")
        return [Record(r) for r in answer["requests"]]

    def wait_for_polls(self, count):
        """Waits until `count` further health checks have come here."""
        begin = self.state()["health_requests"]
        wait_for(
            lambda: self.state()["health_requests"] >= begin + count,
            f"{count} health checks of {self}",
        )


class Record:
    """A request as an instance received it."""

    def __init__(self, values):
        self.values = values
        self.instance = values.get("instance")
        self.target = values["target"]
        self.method = values["method"]
        self.host = values["host"]
        self.outcome = values["outcome"]

    def header(self, name):
        found = [v for k, v in self.values["headers"] if k.lower() == name.lower()]
        assert len(found) <= 1, f"{name} came {len(found)} times: {self.values}"
        return found[0] if found else None

    def has_header(self, name):
        return any(k.lower() == name.lower() for k, _ in self.values["headers"])

    @property
    def mark(self):
        return self.header("X-Job")

    def __repr__(self):
        return f"<{self.values}>"

