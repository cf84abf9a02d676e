"""The balancers that the benchmarks compare, each in front of the same instances.

start(name, lab, urls, interval) starts one by its name (NAMES) and waits until it knows its
instances; what comes back has .name, .port, .pids() (its worker processes) and .reload(). The lab
ends them.

The HAProxy contenders have the global and the defaults section of the configuration that
leastjobs-genconf writes, word for word, and its options of the frontend and of the servers: they
differ from leastjobs in how an instance is chosen, and in nothing else.
"""

import os
import re
import signal
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "e2e"))

from client import http_request, request  # noqa: E402
from farm import Farm  # noqa: E402
from processes import Process  # noqa: E402
from waiting import wait_for  # noqa: E402

# Well below what the usual limit of 20,000 open files allows genconf.
CONNECTIONS = 1000
NO_SUCH_PATH = "/favicon.ico"

HAPROXY_SECTIONS = """\
frontend balancer
    bind 127.0.0.1:{port}
    maxconn {connections}
    option httpclose
    option disable-h2-upgrade
    log-format "%ci:%cp pick=%s status=%ST in=%U out=%B connect=%Tc response=%Tr total=%Ta \
state=%ts open=%fc %{{+Q}}r"
    option forwardfor
    http-request set-header X-Forwarded-Proto http
    default_backend farm

backend farm
    no log
    balance {algorithm}
    retries 1
    option redispatch 1
    {default_server}
{servers}
"""

NGINX_CONFIG = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
{user}
pid {directory}/pid;
error_log {directory}/error.log;
events {{
    worker_connections 16384;
}}
http {{
    access_log {directory}/access.log;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream farm {{
        least_conn;
{servers}
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        # One connection a job, on both sides, as the others have it.
        keepalive_timeout 0;
        tcp_nodelay on;
        client_max_body_size 0;
        location / {{
            proxy_pass http://farm;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_connect_timeout 3s;
            proxy_read_timeout 3600s;
            proxy_send_timeout 3600s;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


class Leastjobs(Farm):
    """genconf, the agent and HAProxy."""

    name = "leastjobs"

    def __init__(self, lab, urls, interval, **variables):
        super().__init__(
            lab,
            dict(enumerate(urls, 1)),
            **{
                # Empty is unset, and the tests' own default is another one.
                "HEALTH_CHECK_INTERVAL": "" if interval is None else f"{round(interval * 1000)}ms",
                "MAX_CONNECTIONS": CONNECTIONS,
                # The tests' own default has every instance's load in each line of the log.
                "LOG_LEVEL": "INFO",
            }
            | variables,
        )

    def pids(self):
        return self.haproxy.children() + ([self.agent.pid] if self.agent else [])

    def reload(self):
        self.haproxy.send_signal(signal.SIGUSR2)


class PlainHaproxy(Leastjobs):
    """HAProxy with one of its own algorithms; with the agent's weights unless told otherwise."""

    def __init__(self, lab, urls, interval, algorithm, has_agent=True, **variables):
        super().__init__(lab, urls, interval, **variables)
        self.algorithm = algorithm
        self.has_agent = has_agent

    def write_config(self):
        super().write_config()
        generated = self.config_path.read_text()
        sections = HAPROXY_SECTIONS.format(
            port=self.port,
            connections=CONNECTIONS,
            algorithm=self.algorithm,
            default_server=self._default_server(generated),
            servers="\n".join(self._server(*item) for item in self.instances.items()),
        )
        self.config_path.write_text(
            f"{_section(generated, 'global')}\n{_section(generated, 'defaults')}\n{sections}"
        )

    def _default_server(self, generated):
        line = re.search(r"^ +(default-server .*)$", generated, re.MULTILINE).group(1)
        return line if self.has_agent else re.sub(r" agent-\w+ \S+", "", line)

    def _server(self, number, url):
        # The agent's own default is the inverse weighting.
        agent = f' agent-check agent-send "instance{number}\\n"' if self.has_agent else ""
        address = url.removeprefix("http://")
        return f"    server instance{number} {address} check{agent}"

    def start(self):
        if self.has_agent:
            return super().start()
        self.write_config()
        self.start_haproxy()
        self.wait_for_haproxy()
        wait_for(
            lambda: all(s["check_status"] == "L4OK" for s in self.servers().values()),
            "every instance's first check",
        )
        return self


class Server:
    """A balancer of one process, which may have workers."""

    reload_signal = None

    def __init__(self, name, lab, port, process):
        self.name = name
        self.lab = lab
        self.port = port
        self.process = lab.start(process)

    def pids(self):
        return self.process.children() or [self.process.pid]

    def reload(self):
        """Does nothing where a reload isn't known."""
        if self.reload_signal is not None:
            self.process.send_signal(self.reload_signal)

    def wait_until(self, answers):
        def ready():
            self.process.assert_alive_or_expected()
            try:
                return answers()
            except OSError:
                return None

        wait_for(ready, f"{self.name} to be ready")
        return self


def _section(config, name):
    """One section of a generated haproxy.cfg, without its comments."""
    text = re.search(rf"^{name}\n(?:[ ].*\n)+", config, re.MULTILINE).group(0)
    return re.sub(r"^ +#.*\n", "", text, flags=re.MULTILINE)


def _haproxy(name, cls, **options):
    def start(lab, urls, interval, **variables):
        farm = cls(lab, urls, interval, **options, **variables)
        farm.name = name
        lab.farms.append(farm)
        return farm.start()

    return start


def _weighted(algorithm):
    """Named as HAProxy's users would say it: haproxy-leastconn-w, haproxy-random2-w."""
    name = f"haproxy-{re.sub('[()]', '', algorithm)}-w"
    return name, _haproxy(name, PlainHaproxy, algorithm=algorithm)


def nginx_least_conn(lab, urls, interval):
    """nginx has no health checks of its own: `interval` means nothing to it."""
    del interval
    port = lab.ports.take()
    directory = lab.directory / lab.name("nginx")
    directory.mkdir()
    config = directory / "nginx.conf"
    config.write_text(
        NGINX_CONFIG.format(
            directory=directory,
            port=port,
            # Workers of another user couldn't write into the lab's directory.
            user="user root;" if os.geteuid() == 0 else "",
            servers="\n".join(f"        server {url.removeprefix('http://')};" for url in urls),
        )
    )
    command = [_nginx(), "-c", config, "-e", directory / "error.log", "-p", directory]
    server = Server("nginx", lab, port, Process(directory.name, command, lab.directory))
    server.reload_signal = signal.SIGHUP
    return server.wait_until(lambda: request(port, target=NO_SUCH_PATH).status == 404)


def _nginx():
    for directory in os.environ.get("PATH", "").split(":") + ["/usr/sbin"]:
        candidate = Path(directory) / "nginx"
        if directory and os.access(candidate, os.X_OK):
            return candidate
    raise AssertionError("nginx isn't installed: neither on PATH nor at /usr/sbin/nginx")


def python_balancer(lab, urls, interval):
    port = lab.ports.take()
    variables = {"PORT": port} | ({} if interval is None else {"HEALTH_CHECK_INTERVAL": interval})
    variables |= {f"INSTANCE_{n}_URL": url for n, url in enumerate(urls, 1)}
    command = [sys.executable, "-B", BENCH / "python_balancer.py"]
    process = Process(lab.name("python"), command, lab.directory, variables)
    server = Server("python", lab, port, process)
    return server.wait_until(lambda: http_request(port, target="/health").json()["ready"])


# leastjobs with INSTANCE_N_CAPACITY, for workloads that have some.
WITH_CAPACITIES = "leastjobs-capacities"

STARTERS = {
    "leastjobs": _haproxy("leastjobs", Leastjobs),
    WITH_CAPACITIES: _haproxy(WITH_CAPACITIES, Leastjobs),
    "haproxy-leastconn": _haproxy(
        "haproxy-leastconn", PlainHaproxy, algorithm="leastconn", has_agent=False
    ),
    **dict(_weighted(algorithm) for algorithm in ("leastconn", "roundrobin", "random(2)")),
    "nginx": nginx_least_conn,
    "python": python_balancer,
}
NAMES = tuple(STARTERS)


def start(name, lab, urls, interval, **variables):
    """Starts a contender in front of `urls`, with health checks every `interval` seconds.

    None leaves the interval at the contender's own default.

    `variables` are further ones of leastjobs' configuration, for the contenders that have it.
    """
    return STARTERS[name](lab, list(urls), interval, **variables)
