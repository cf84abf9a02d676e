"""One balancer under test: haproxy.cfg by genconf, the agent, HAProxy, and what they say."""

import re
import signal
import socket

from client import Job, http_request, request, run_job
from processes import Process, agent_command, genconf_command, haproxy_command, run
from waiting import wait_for

# Farms run at the shipped settings: checks every 30 s, every second while jobs run. A test that
# has to see an idle farm's change, or a verdict of several checks, can't wait for that (nor for
# checks that hang for 5 s); it says @pytest.mark.quick("why").
QUICK = {"HEALTH_CHECK_INTERVAL": "300ms", "CHECK_TIMEOUT": "300ms"}
AGENT_HAS_ANSWERED = "L7OK"
# Table jobs counts in parts of a job, and the rules look at so many bits of the difference.
LOAD_UNIT = 16
LOAD_MODULUS = 1 << 31
# What is told of an instance that isn't to be picked begins here.
NOT_TO_BE_PICKED = 1 << 25
LOG_LINE = re.compile(
    r"(?P<time>\S+) (?P<client>\S+) pick=(?P<pick>\S+) load=(?P<load>\S+) loads=(?P<loads>\S+) "
    r"tried=(?P<tried>\S+) (?:penalty=(?P<penalty>\S+) )?status=(?P<status>\d+) (?P<rest>.*)"
)


class Farm:
    """Its processes start by start(), or one by one; lab ends them."""

    def __init__(self, lab, instances, **variables):
        """`instances`: number -> simulated instance, or a URL.  `variables` override ours."""
        self.lab = lab
        self.instances = dict(instances)
        self.port = lab.ports.take()
        self.admin_port = lab.ports.take()
        self.agent_port = lab.ports.take()
        self.status_port = lab.ports.take()
        self.socket = lab.short_directory / f"{self.port}.sock"
        self.config_path = lab.directory / f"haproxy-{self.port}.cfg"
        self.variables = {
            "PORT": self.port,
            "BIND_ADDRESS": "127.0.0.1",
            "ADMIN_PORT": self.admin_port,
            "AGENT_PORT": self.agent_port,
            "STATUS_PORT": self.status_port,
            "HAPROXY_SOCKET": self.socket,
        } | lab.settings
        for number, instance in self.instances.items():
            self.variables[f"INSTANCE_{number}_URL"] = getattr(instance, "url", instance)
        self.variables |= variables
        self.agent = None
        self.haproxy = None
        self._open_jobs = []

    # --- processes

    def write_config(self):
        # HAProxy's log has every instance's load: what a pick is judged by.
        variables = {"LOG_LEVEL": "DEBUG"} | self.variables
        result = run(genconf_command() + ["-o", self.config_path], variables)
        assert result.returncode == 0, result.stderr.decode()

    def start_agent(self, arguments=()):
        self.agent = self.lab.start(
            Process(
                self.lab.name("agent"),
                agent_command() + list(arguments),
                self.lab.directory,
                self.variables,
            )
        )
        return self.agent

    def wait_for_agent(self):
        def answers():
            self.agent.assert_alive_or_expected()
            try:
                return http_request(self.status_port, target="/health")
            except OSError:
                return None

        wait_for(answers, "the agent's HTTP")

    def start_haproxy(self):
        self.haproxy = self.lab.start(
            Process(
                self.lab.name("haproxy"),
                haproxy_command() + ["-W", "-f", str(self.config_path)],
                self.lab.directory,
            )
        )
        return self.haproxy

    def wait_for_haproxy(self):
        def answers():
            self.haproxy.assert_alive_or_expected()
            try:
                return self.runtime("show info") and True
            except OSError:
                return None

        wait_for(answers, "HAProxy's runtime socket")
        # The worker serves before its master is done: a signal would be the master's end.
        wait_for(lambda: self.haproxy.catches(signal.SIGTERM), "HAProxy's master")

    def start(self):
        """Everything, until HAProxy has had the agent's word on each instance."""
        self.write_config()
        self.start_agent()
        self.start_haproxy()
        self.wait_for_agent()
        self.wait_for_haproxy()
        wait_for(
            lambda: all(i["last_check"] is not None for i in self.health_of_all().values()),
            "every instance's first health check",
        )
        wait_for(
            lambda: all(s["agent_status"] == AGENT_HAS_ANSWERED for s in self.servers().values()),
            "every instance's first agent-check",
        )
        self.wait_for_checks()
        return self

    def wait_for_checks(self):
        """Waits until the agent has met HAProxy and has asked every instance since."""
        wanted = {"leastjobs_haproxy_present 1", "leastjobs_checks_due 0"}

        def done():
            text = http_request(self.status_port, target="/metrics").body.decode()
            return wanted <= set(text.splitlines())

        wait_for(done, f"{wanted} in the agent's metrics")

    # --- what HAProxy says

    def runtime(self, command):
        """An answer of HAProxy's runtime API (the operator's socket)."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(f"{self.socket}.admin")
            connection.sendall(command.encode() + b"\n")
            answer = b""
            while data := connection.recv(65536):
                answer += data
        return answer.decode()

    def haproxy_version(self):
        version = re.search(r"^Version: (\d+)\.(\d+)", self.runtime("show info"), re.MULTILINE)
        return int(version.group(1)), int(version.group(2))

    def set_state(self, number, state):
        answer = self.runtime(f"set server farm/instance{number} state {state}")
        assert answer.strip() == "", answer

    def servers(self):
        """The instances' rows of `show stat`, by number."""
        names, *rows = self.runtime("show stat farm 4 -1").strip().splitlines()
        keys = names.removeprefix("# ").split(",")
        found = [dict(zip(keys, row.split(","))) for row in rows]
        return {
            int(row["svname"].removeprefix("instance")): row
            for row in found
            if row["svname"].startswith("instance")
        }

    def weights(self):
        return {n: int(row["uweight"]) for n, row in self.servers().items()}

    def table(self, name):
        """A stick table's entries: key -> its data."""
        entries = {}
        for line in self.runtime(f"show table {name}").splitlines():
            fields = dict(re.findall(r"(\w+)=(\d+)", line))
            if "key" in fields:
                entries[int(fields.pop("key"))] = {name: int(v) for name, v in fields.items()}
        return entries

    def accepted(self):
        """How many jobs HAProxy has ever seen accepted, by the instance's number."""
        jobs = self.table("jobs")
        return {n: jobs.get(n, {}).get("gpc0", 0) for n in self.instances}

    def penalties(self):
        failed = self.table("failed")
        return {n: failed.get(n, {}).get("gpt0", 0) for n in self.instances}

    def known(self):
        """The jobs that the rules see beside those that HAProxy has open: external and accepted."""
        jobs = self.table("jobs")
        found = {}
        for number in self.servers():
            entry = jobs.get(number, {"gpc0": 0, "gpt0": 0})
            parts = (LOAD_UNIT * entry["gpc0"] - entry["gpt0"]) % LOAD_MODULUS
            found[number] = (parts + LOAD_UNIT // 2) // LOAD_UNIT
        return found

    def external(self):
        """The same of a farm without asynchronous jobs. Drained: NOT_TO_BE_PICKED or more."""
        return self.known()

    def in_flight(self):
        return {n: int(row["scur"]) for n, row in self.servers().items()}

    def wait_for_weights(self, expected):
        def right():
            weights = self.weights()
            chosen = {n: weights[n] for n in expected}
            assert chosen == expected, f"weights are {chosen}, wanted {expected}"
            return True

        wait_for(right, f"HAProxy's weights {expected}")

    def wait_for_external(self, expected):
        """Waits until HAProxy's rules see these numbers of other people's jobs, none drained."""
        wanted = {n: (jobs, max(1, 100 - jobs)) for n, jobs in expected.items()}

        def right():
            external, weights = self.external(), self.weights()
            seen = {n: (external[n], weights[n]) for n in wanted}
            assert seen == wanted, f"external jobs and weights are {seen}, wanted {wanted}"
            return True

        wait_for(right, f"external jobs {expected} in HAProxy")

    def wait_for_server(self, number, status):
        """Waits for a state as HAProxy words it: UP, DOWN, DOWN (agent), DRAIN, MAINT …"""
        wait_for(
            lambda: re.match(status, self.servers()[number]["status"]),
            f"instance{number} to be {status} in HAProxy",
        )

    def log(self):
        """HAProxy's lines about jobs, parsed."""
        lines = (LOG_LINE.match(line) for line in self.haproxy.out().splitlines())
        return [line.groupdict() | {"line": line.group(0)} for line in lines if line]

    def wait_for_log(self, count):
        wait_for(lambda: len(self.log()) >= count, f"{count} lines in HAProxy's log")
        return self.log()

    # --- what the agent says

    def health(self):
        return http_request(self.status_port, target="/health").json()

    def health_of_all(self):
        """The instances of the agent's /health, by number."""
        by_url = {i["url"]: i for i in self.health()["instances"]}
        urls = {n: getattr(i, "url", i) for n, i in self.instances.items()}
        return {n: by_url[url] for n, url in urls.items() if url in by_url}

    def health_of(self, number):
        return self.health_of_all()[number]

    def wait_for_health(self, number, **expected):
        def right():
            health = self.health_of(number)
            found = {key: health[key] for key in expected}
            assert found == expected, f"instance{number} is {health}"
            return True

        wait_for(right, f"instance{number} to be {expected} in /health")

    def wait_for_polls(self, count):
        """Waits until `count` further health checks have begun at each instance."""
        begin = {n: i.state()["health_requests"] for n, i in self.instances.items()}
        wait_for(
            lambda: all(
                i.state()["health_requests"] >= begin[n] + count for n, i in self.instances.items()
            ),
            f"{count} health checks of each instance",
        )

    def wait_until_unhealthy(self, number):
        self.wait_for_health(number, is_healthy=False)
        self.wait_for_server(number, "DOWN")

    def wait_until_healthy(self, number):
        self.wait_for_health(number, is_healthy=True)
        self.wait_for_server(number, "UP")

    def agent_check(self, line):
        """One exchange on the agent's port, as HAProxy has it; all that came until the close."""
        with socket.create_connection(("127.0.0.1", self.agent_port), 30) as connection:
            connection.sendall(line if isinstance(line, bytes) else line.encode())
            answer = b""
            while data := connection.recv(65536):
                answer += data
        return answer

    # --- jobs

    def request(self, method="GET", target="/", **options):
        return request(self.port, method, target, **options)

    def run_job(self, **options):
        return run_job(self.port, **options)

    def run_jobs(self, count, **options):
        """Jobs one after the other; returns by which instance each was answered."""
        return [self.number_of_answer(self.run_job(**options)) for _ in range(count)]

    def open_job(self, **options):
        """A job that stays open until its instance releases it, or the test ends."""
        job = Job(self.port, job_time=-1, **options)
        self._open_jobs.append(job)
        return job

    def open_jobs(self, count):
        """Opens jobs all at once; returns those, once an instance has each of them."""
        jobs = [self.open_job() for _ in range(count)]
        for job in jobs:
            job.send()
        for job in jobs:
            self.wait_until_running(job)
        return jobs

    def open_job_and_see(self):
        """Opens one more job; returns the number of the instance that has it."""
        job = self.open_job().send()
        return self.wait_until_running(job)

    def wait_until_running(self, job):
        """Waits until an instance has the job's whole request; returns its number."""
        return wait_for(lambda: self.number_of_mark(job.mark), f"job {job.mark} to reach someone")

    def close_jobs(self):
        for job in self._open_jobs:
            job.close()

    # --- who had what

    def number_of(self, sim, index):
        for number, instance in self.instances.items():
            if getattr(instance, "sim", None) is sim and instance.index == index:
                return number
        raise AssertionError(f"{sim.name} instance {index} isn't one of this farm's")

    def sims(self):
        return list(dict.fromkeys(i.sim for i in self.instances.values() if hasattr(i, "sim")))

    def records(self):
        """number -> requests that the instance received."""
        received = {number: [] for number in self.instances}
        for sim in self.sims():
            for record in sim.requests():
                received[self.number_of(sim, record.instance)].append(record)
        return received

    def counts(self):
        return {number: len(records) for number, records in self.records().items()}

    def number_of_mark(self, mark):
        """The instance that has the whole request of this mark, or None; asserts it is one."""
        found = [
            (number, record)
            for number, records in self.records().items()
            for record in records
            if record.mark == mark
        ]
        assert len(found) <= 1, f"one request was sent {len(found)} times: {found}"
        return found[0][0] if found and found[0][1].values["complete"] else None

    def number_of_answer(self, response):
        """The number of the instance that answered; only for farms with one simulator."""
        assert response.status == 200, response
        (sim,) = self.sims()
        return self.number_of(sim, int(response.header("X-Sim-Instance")))

    def release_all(self):
        for sim in self.sims():
            sim.all(release=-1)

