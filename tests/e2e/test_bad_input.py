"""Configurations that are refused: by both programs, in one message a mistake, with status 2."""

import re
from pathlib import Path
import socket

import pytest

from processes import agent_command, assert_no_sanitizer_report, genconf_command, run

GOOD = {"INSTANCE_1_URL": "http://127.0.0.1:8000"}
SECRET = "hunter2"

BAD_URLS = [
    "http://",
    "https://",
    "http:///path",
    "http://:8000",
    "://host",
    "nonsense://",
    "ftp://files.example",
    "tcp://10.0.0.1:80",
    "unix:///run/x.sock",
    "httpss://host",
    "file:///etc/passwd",
    "http://host:0",
    "http://host:65536",
    "http://host:99999999999",
    "http://host:-1",
    "http://host:80a",
    "http://host:8 0",
    "http://host?x=1",
    "http://host/path?x=1",
    "http://host/path?",
    "http://host#top",
    "http://host/path#",
    "http://under_score.example",
    "http://-host",
    "http://host-",
    "http://a..b",
    "http://.a",
    "http://" + "a" * 64,
    "http://" + ".".join(["a" * 60] * 5),
    "http://1.2.3",
    "http://1.2.3.4.5",
    "http://2130706433",
    "http://0x7f.1",
    "http://256.1.1.1",
    "http://[::1",
    "http://[::g]",
    "http://::1",
    "http://[127.0.0.1]",
    "http://host/a b",
    "http://ho st",
    " http://host x",
    'http://host/"',
    "http://host/'",
    "http://host/%41",
    "http://host/%[src]",
    "http://host/\\",
    "http://host/$HOME",
    "http://host/`id`",
    "http://host/{a}",
    "http://host/;x",
    "http://host/a|b",
    "http://host/<>",
    "http://host/^",
    "http://host/*",
    "http://host/!",
    "http://host/../x",
    "http://host/./x",
    "http://host/a//b",
    "http://host/a/..",
    "http://host\n    server evil 10.0.0.9:80",
    "http://host\r\n    server evil 10.0.0.9:80",
    "http://host\tx",
    "http://host/\x01",
    "http://host/\x7f",
    "http://host/\x1b[31m",
    "http://h\u00f6st",
    "http://host/\u00e4",
    "http://host/\udcff",
    "http://host\u2028x",
    "http://" + "a." * 1500 + "b",
    "http://host/" + "a" * 5000,
    "http:/host",
    "http//host",
    "http:host",
    "http:\\\\host",
    "host:port",
    "%",
    "#",
    "'",
    '"http://host"',
    "http://a,http://b",
]

WITH_PASSWORD = [
    f"http://user:{SECRET}@host",
    f"https://user:{SECRET}@host:8000/path",
    f"user:{SECRET}@host",
    f"http://us er:{SECRET}@host",
    f"http://user:{SECRET}@host:99999",
    f"http://user:{SECRET}@host?x",
    f"http://user:{SECRET}@host#x",
    f"http://user:{SECRET}\n@host",
    f"http://user:x@{SECRET}@host",
    f"http://user:{SECRET}/@host",
    f"http://user:{SECRET}%@host",
    f"ftp://user:{SECRET}@host",
    f"http:user:{SECRET}@host",
    f"http://:{SECRET}@host",
    f"http://{SECRET}@host",
]

BAD_VALUES = {
    "PORT": ["0", "65536", "-1", "80a", "0x50", "8e3", "8080.5", "http", "99999999999999999999"],
    "AGENT_PORT": ["0", "70000", "x"],
    "STATUS_PORT": ["0", "70000", "x"],
    "ADMIN_PORT": ["0", "70000", "x"],
    "BIND_ADDRESS": ["localhost", "1.2.3", "300.1.1.1", "[::1]", "::g", "eth0", "*:80"],
    "AGENT_BIND_ADDRESS": ["localhost", "1.2.3"],
    "ADMIN_BIND_ADDRESS": ["localhost", "1.2.3"],
    "HEALTH_CHECK_INTERVAL": ["0", "0s", "9ms", "2h", "-5", "5x", "5 s", "s", "1.2.3", "5S"],
    "JOBS_INTERVAL": ["0", "9ms", "2h", "-5", "5x", "s"],
    "CHECK_TIMEOUT": ["0", "9ms", "2h", "-5", "5x", "s"],
    "JOB_ID_FIELD": ["job_id", "/", "/a/", "/0", "/a.b", "/a~1b", "/a,/b"],
    "REQUEST_TIMEOUT": ["0", "999ms", "21d", "forever", "1h30m", "1,5"],
    "CONNECT_TIMEOUT": ["0", "99ms", "2h", "soon"],
    "HEALTH_PATH": ["health", "/a b", "/a?b c", "/a#b", "/../x", "//", "/%41", "http://x/"],
    "JOBS_PATH": ["v1/jobs", "/", "/v1/jobs/", "/a/,/b", "/a,,/b", "/a b", "/../a", "/a?b", "/%41"]
    + ["/a,/a/b", "/b,/a/c/d,/a", "/a,/a"],
    "JOB_RETENTION": ["0", "-1", "1d 2h", "21d", "999ms", "x"],
    "JOBS_SOURCE": ["VLLM", "ollama", "json,prometheus", "/metrics"],
    "LOAD_URL": ["metrics", ":8002", ":0/m", ":99999/m", "a:80/m", "ftp://a/m", "/a?%2", "/m#f"],
    "CAPACITY_FIELD": ["slots", "/a~2", "/a,", "Auto"],
    "HEALTH_HEADERS_FILE": ["headers", "/etc/a b", "/etc/'"],
    "INSTANCE_1_CAPACITY": ["0", "10001", "-1", "1.5", "many"],
    "JOBS_FIELD": ["active_jobs", "/a~2", "/a,", ",/a", "/a,b", "/" + ",/a" * 20],
    "UNHEALTHY_AFTER": ["0", "101", "three", "-3", "1.5"],
    "INSTANCES_DNS": ["https://workers", "http://10.0.0.1:8000", "http://a b", "http://a,,http://b"],
    "INSTANCES_FILE": ["instances", "/etc/a b", "/etc/'"],
    "LOG_LEVEL": ["LOUD", "TRACE", "1", "INFO,DEBUG"],
    "INSTANCE_CA_FILE": ["/nonexistent/ca.pem", "relative.pem", "/etc/a b", "/etc/'"],
    "TLS_CERT_FILE": ["relative.pem", "/etc/a b", "/etc/'"],
    "HSTS_MAX_AGE": ["0", "-1", "1y", "100000001", "31536000s"],
    "API_KEYS_FILE": ["keys", "/etc/a b", "/etc/'"],
    "ADMIN_PASSWORD_FILE": ["password", "/etc/a b", "/etc/'"],
    "STATUS_NEEDS_KEY": ["maybe", "1", "true", "yes please"],
    "STOP_TIMEOUT": ["-1", "21d", "never", "1m30s"],
    "HAPROXY_USER": ["a b", "-x", "x" * 33, "a:b", "a.b"],
    "PROXY_PATHS": ["x", "/a b", "/a,,/b", ",", "/a,", "/a?b", "/a if X", "/%41", "*", "/../a", "/a*b"],
    "CORS_ORIGINS": ["x y", "https://", "https://a,", "https://a if X", "null", "a,*", "https://a/b"],
    "EXTRA_PATHS": ["x", "/a b", "/a,,/b", ",", "/a,", "/a?b", "/a if X", "/%41", "/a*", "/../a"],
    "TRUSTED_PROXIES": ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "a", "1.2.3.4,", "None"],
    "THREADS": ["0", "65", "two", "-1"],
    "MAX_CONNECTIONS": ["0", "9", "1000001", "many"],
    "AGENT_HOST": ["bad_host", "-x", "a b", "1.2.3", "a..b", "http://agent"],
    "HAPROXY_SOCKET": ["relative.sock", "/run/a b", "/run/'x'", "/" + "a" * 100, "/run/%x"],
}

# What could end a word, a line or a quotation in haproxy.cfg, or start something there.
INJECTIONS = [
    "\n    server evil 10.0.0.9:80",
    "\r\n    server evil 10.0.0.9:80",
    "\r",
    " if TRUE",
    "\tx",
    "#",
    "'",
    '"',
    "%[src]",
    "\\",
    "\\x20",
    "${HOME}",
    ";",
    "\x01",
    "\x7f",
    "\u00e9",
    "\u00a0",
    "\udc85",
]
HARMLESS = {
    "PORT": "18080",
    "BIND_ADDRESS": "127.0.0.1",
    "HEALTH_CHECK_INTERVAL": "2s",
    "JOBS_INTERVAL": "1s",
    "CHECK_TIMEOUT": "5s",
    "JOB_ID_FIELD": "/job_id",
    "JOBS_PATH": "/v1/jobs",
    "JOB_RETENTION": "24h",
    "INSTANCES_DNS": "http://workers:8000",
    "INSTANCES_FILE": "/etc/leastjobs/instances",
    "STOP_TIMEOUT": "5m",
    "HEALTH_PATH": "/health",
    "JOBS_SOURCE": "whisperx",
    "LOAD_URL": ":8002/metrics",
    "HEALTH_HEADERS_FILE": str(Path(__file__).resolve().parent / "example_headers"),
    "INSTANCE_1_CAPACITY": "4",
    "UNHEALTHY_AFTER": "3",
    "REQUEST_TIMEOUT": "1h",
    "CONNECT_TIMEOUT": "3s",
    "LOG_LEVEL": "INFO",
    "INSTANCE_CA_FILE": "/etc/passwd",
    "PROXY_PATHS": "/docs",
    "CORS_ORIGINS": "none",
    "EXTRA_PATHS": "/docs",
    "TRUSTED_PROXIES": "10.0.0.0/8,::1",
    "THREADS": "1",
    "MAX_CONNECTIONS": "500",
    "AGENT_HOST": "127.0.0.1",
    "AGENT_BIND_ADDRESS": "127.0.0.1",
    "AGENT_PORT": "19777",
    "STATUS_PORT": "19778",
    "ADMIN_BIND_ADDRESS": "127.0.0.1",
    "ADMIN_PORT": "18404",
    "HAPROXY_SOCKET": "/run/leastjobs/haproxy.sock",
    "INSTANCE_1_URL": "http://127.0.0.1:8000",
    "INSTANCE_2_URL": "https://host.example/gpu/a",
    "TLS_CERT_FILE": "/etc/passwd",
    "HSTS_MAX_AGE": "60",
    "API_KEYS_FILE": str(Path(__file__).resolve().parent / "example_keys"),
    "STATUS_NEEDS_KEY": "yes",
    "ADMIN_PASSWORD_FILE": str(Path(__file__).resolve().parent / "example_keys"),
    "HAPROXY_USER": "haproxy",
}


def refused(tmp_path, variables, arguments=()):
    """Runs both programs, which must refuse; returns genconf's message."""
    output = tmp_path / "haproxy.cfg"
    output.write_text("as it was")
    messages = []
    for command in (
        genconf_command() + list(arguments),
        genconf_command() + ["-o", output] + list(arguments),
        agent_command() + ["-t"] + list(arguments),
    ):
        result = run(command, variables)
        message = result.stderr.decode(errors="surrogateescape")
        assert_no_sanitizer_report(message, command[0])
        assert result.returncode == 2, f"{command}: {result.returncode}: {message}"
        assert result.stdout == b"", command
        messages.append(message)
    assert output.read_text() == "as it was"
    # Both say the same, each under its own name.
    plain = [re.sub(r"leastjobs-\w+", "", message) for message in messages]
    assert plain[0] == plain[1] == plain[2]
    return messages[0]


def assert_names(message, variable, value):
    assert variable in message
    # Control characters can't be shown as they are, the rest of the value can.
    parts = re.split(r"[\x00-\x1f\x7f]+", value[:60])
    for part in parts:
        assert part in message, f"{part!r} isn't in {message!r}"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", message)


@pytest.mark.parametrize("environment", [{}, {"INSTANCE_1_URL": ""}, {"INSTANCE_URL": "http://a"}])
def test_no_instance_at_all_is_refused(tmp_path, environment):
    message = refused(tmp_path, environment)
    assert "At least one instance endpoint must be configured: set INSTANCE_1_URL" in message


def test_numbers_that_are_no_instance_numbers_do_not_count_as_instances(tmp_path):
    for name in ("INSTANCE_0_URL", "INSTANCE_01_URL", "INSTANCE_-1_URL", "INSTANCE_A_URL"):
        message = refused(tmp_path, {name: "http://a"})
        assert "At least one instance endpoint must be configured" in message
        assert name in message


@pytest.mark.parametrize("url", BAD_URLS, ids=[ascii(url)[:50] for url in BAD_URLS])
def test_what_is_no_url_of_an_instance_is_refused(tmp_path, url):
    message = refused(tmp_path, GOOD | {"INSTANCE_7_URL": url})
    assert_names(message, "INSTANCE_7_URL", url)
    assert "INSTANCE_1_URL" not in message


@pytest.mark.parametrize("url", WITH_PASSWORD, ids=ascii)
def test_a_password_in_a_url_is_refused_and_never_printed(tmp_path, url):
    message = refused(tmp_path, GOOD | {"INSTANCE_7_URL": url, "LOAD_URL": url, "HEALTH_PATH": url})
    assert all(name in message for name in ("INSTANCE_7_URL", "LOAD_URL", "HEALTH_PATH"))
    assert SECRET not in message


@pytest.mark.parametrize("variable", BAD_VALUES)
def test_a_bad_value_of_a_variable_is_refused(tmp_path, variable):
    for value in BAD_VALUES[variable]:
        message = refused(tmp_path, GOOD | {variable: value})
        assert_names(message, variable, value)
        assert "INSTANCE_1_URL" not in message


@pytest.mark.parametrize("injection", INJECTIONS, ids=ascii)
def test_nothing_that_could_add_a_directive_passes_in_any_variable(tmp_path, injection):
    message = refused(tmp_path, {name: value + injection for name, value in HARMLESS.items()})
    lines = message.splitlines()
    for name in HARMLESS:
        assert [line for line in lines if f"{name}=" in line], f"{name} isn't refused: {message}"
    # One line an error, whatever was in the value.
    assert len(lines) == len(HARMLESS)


def test_the_harmless_values_of_the_test_above_are_taken():
    for command in (genconf_command(), agent_command() + ["-t"]):
        result = run(command, HARMLESS)
        assert result.returncode == 0, result.stderr.decode()


def test_every_variable_of_the_manual_is_covered_here():
    known = set(re.findall(r"^  ([A-Z][A-Z_]+)(?:=|$)", _help(), re.MULTILINE))
    known = {name.replace("_N_", "_1_") for name in known}
    known.remove("INSTANCE_1_URL")
    assert known >= {"PORT", "HEALTH_CHECK_INTERVAL", "REQUEST_TIMEOUT", "LOG_LEVEL"}
    assert known == set(BAD_VALUES)
    # Locators may have any character: haproxy.cfg has none of them.
    assert known - {"JOBS_FIELD", "CAPACITY_FIELD"} == set(HARMLESS) - {"INSTANCE_1_URL", "INSTANCE_2_URL"}


def _help():
    result = run(genconf_command() + ["--help"])
    assert result.returncode == 0
    return result.stdout.decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        "127.0.0.1:8000",
        "HTTP://127.0.0.1:8000",
    ],
)
def test_the_same_url_twice_is_refused(tmp_path, url):
    message = refused(tmp_path, GOOD | {"INSTANCE_3_URL": url})
    assert "INSTANCE_1_URL" in message and "INSTANCE_3_URL" in message
    assert "http://127.0.0.1:8000" in message


@pytest.mark.parametrize(
    "first, second",
    [
        ("http://Host.Example", "http://host.example:80"),
        ("https://host.example:443/a/", "https://host.example/a"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_the_same_url_in_another_spelling_is_refused(tmp_path, first, second):
    message = refused(tmp_path, {"INSTANCE_4_URL": first, "INSTANCE_5_URL": second})
    assert "INSTANCE_4_URL" in message and "INSTANCE_5_URL" in message


@pytest.mark.parametrize(
    "variables, names",
    [
        ({"PORT": "9777"}, ["PORT", "AGENT_PORT"]),
        ({"AGENT_PORT": "9000", "STATUS_PORT": "9000"}, ["AGENT_PORT", "STATUS_PORT"]),
        ({"ADMIN_PORT": "8080"}, ["ADMIN_PORT", "PORT"]),
        ({"PORT": "1234", "ADMIN_PORT": "1234"}, ["PORT", "ADMIN_PORT"]),
        ({"STATUS_PORT": "8404"}, ["STATUS_PORT", "ADMIN_PORT"]),
    ],
)
def test_a_port_used_twice_is_refused(tmp_path, variables, names):
    message = refused(tmp_path, GOOD | variables)
    for name in names:
        assert name in message
    assert list(variables.values())[0] in message


def test_all_errors_of_one_run_are_reported_together(tmp_path):
    message = refused(
        tmp_path,
        {
            "INSTANCE_1_URL": "ftp://one",
            "INSTANCE_2_URL": "http://two?x",
            "PORT": "99999",
            "LOG_LEVEL": "LOUD",
            "HEALTH_CHECK_INTERVAL": "5 parsecs",
            "INSTANCE_CA_FILE": "/nonexistent/ca.pem",
            "STATUS_PORT": "9777",
        },
    )
    for part in (
        "INSTANCE_1_URL",
        "ftp://one",
        "INSTANCE_2_URL",
        "http://two?x",
        "PORT",
        "99999",
        "LOG_LEVEL",
        "LOUD",
        "HEALTH_CHECK_INTERVAL",
        "5 parsecs",
        "INSTANCE_CA_FILE",
        "/nonexistent/ca.pem",
        "STATUS_PORT",
        "9777",
    ):
        assert part in message, part
    assert len(message.splitlines()) == 7


def test_a_directory_is_no_ca_file(tmp_path):
    message = refused(tmp_path, GOOD | {"INSTANCE_CA_FILE": str(tmp_path)})
    assert_names(message, "INSTANCE_CA_FILE", str(tmp_path))


@pytest.mark.parametrize("option", ["--env-file", "-c"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, option):
    for path in (tmp_path / "nonexistent", tmp_path, tmp_path / "x" / "y"):
        message = refused(tmp_path, GOOD, [option, path])
        assert str(path) in message


@pytest.mark.parametrize("option", ["--env-file", "-c"])
def test_a_file_that_is_no_text_or_is_endless_is_refused(tmp_path, option):
    binary = tmp_path / "binary"
    binary.write_bytes(b"PORT=1\x00\n")
    assert str(binary) in refused(tmp_path, GOOD, [option, binary])
    large = tmp_path / "large"
    large.write_bytes(b"# comment\n" * 200_000)
    assert str(large) in refused(tmp_path, GOOD, [option, large])
    assert "/dev/zero" in refused(tmp_path, GOOD, [option, "/dev/zero"])


@pytest.mark.parametrize(
    "text, words",
    [
        ("PORT 8080\n", ["line 1"]),
        ("# fine\n=8080\n", ["line 2"]),
        ("PORT=80\n\n1PORT=8080\n", ["line 3"]),
        ('LOG_LEVEL="INFO\n', ["line 1", "LOG_LEVEL", "quote"]),
        ("LOG_LEVEL='INFO\nPORT=1\n", ["line 1", "LOG_LEVEL", "quote"]),
        ('LOG_LEVEL="INFO" x\n', ["line 1", "LOG_LEVEL"]),
        ("a b=c\n", ["line 1"]),
        ("PORT=99999\n", ["line 1", "PORT", "99999"]),
        ('INSTANCE_2_URL="http://a\\n    server evil 10.0.0.9"\n', ["INSTANCE_2_URL"]),
        ("INSTANCE_2_URL='http://a\n    server evil 10.0.0.9'\n", ["INSTANCE_2_URL"]),
    ],
)
def test_a_mistake_in_an_env_file_is_refused_with_its_place(tmp_path, text, words):
    file = tmp_path / "some.env"
    file.write_text(text)
    message = refused(tmp_path, GOOD, ["--env-file", file])
    for word in words + [str(file)]:
        assert word in message


@pytest.mark.parametrize(
    "text, words",
    [
        ("prot = 8080;\n", ["line 1", "prot", "port"]),
        ("\nhealth_chek_interval = 5;\n", ["line 2", "health_check_interval"]),
        ("Port = 8080;\n", ["Port", "port"]),
        ("instances = ( { number = 1; ulr = \"http://a\"; } );\n", ["ulr", "url"]),
        ("instances = ( { url = \"http://a\"; } );\n", ["line 1", "number"]),
        ("instances = \"http://a\";\n", ["instances"]),
        ("instances = ( \"http://a\" );\n", ["line 1"]),
        ("port = true;\n", ["port"]),
        ("port = ( 1, 2 );\n", ["port"]),
        ("port = 99999;\n", ["PORT", "99999"]),
        ("port = -1;\n", ["PORT", "-1"]),
        ("log_level = \"LOUD\";\n", ["LOG_LEVEL", "LOUD"]),
        ("port = 8080\nlog_level = ;\n", ["line 2"]),
        ("port = 8080; port = 8081;\n", ["line 1"]),
        ("@include \"/etc/passwd\"\n", []),
        ("instances = ( { number = 2; url = \"ftp://a\"; } );\n", ["INSTANCE_2_URL", "ftp://a"]),
    ],
)
def test_a_mistake_in_a_libconfig_file_is_refused_with_its_place(tmp_path, text, words):
    file = tmp_path / "some.conf"
    file.write_text(text)
    message = refused(tmp_path, GOOD, ["-c", file])
    for word in words:
        assert word.lower() in message.lower(), message
    assert str(file) in message


MISSPELT = {
    "INSTANCE_1URL": "INSTANCE_1_URL",
    "INSTANCES_1_URL": "INSTANCE_1_URL",
    "instance_1_url": "INSTANCE_1_URL",
    "HEALTHCHECK_INTERVAL": "HEALTH_CHECK_INTERVAL",
    "API_KEY_FILE": "API_KEYS_FILE",
    "TLS_CERT": "TLS_CERT_FILE",
}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_name_in_an_env_file_is_refused_with_the_nearest_one(tmp_path, name):
    file = tmp_path / "some.env"
    file.write_text(f"INSTANCE_2_URL=http://b\n{name}=x\n")
    message = refused(tmp_path, {}, ["--env-file", file])
    assert f"{name} ({file} line 2): unknown variable: did you mean {MISSPELT[name]}?" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_name_in_the_environment_is_warned_of(name):
    for command in (genconf_command(), agent_command() + ["-t"]):
        result = run(command, {"INSTANCE_2_URL": "http://b", name: "x"})
        message = result.stderr.decode()
        assert result.returncode == 0, message
        expected = f"{name} (environment): unknown variable: did you mean {MISSPELT[name]}?"
        assert f"warning: {expected}" in message


# What stands in .env files beside ours: of the Python balancer, of compose, of the instances.
SHARED_ENV = """
INSTANCE_1_URL=http://gpu-server-1:8000
INSTANCE_2_URL="http://192.168.1.102:8000/"
PORT=8080
HEALTH_CHECK_INTERVAL=30
REQUEST_TIMEOUT=3600
LOG_LEVEL=INFO
HOST=0.0.0.0
DEBUG=false
TZ=Europe/Berlin
PATH=/opt/bin:$PATH
PORTS=8080:8080
HTTP_PORT=80
POSTGRES_PORT=5432
UVICORN_PORT=8000
LOG_LEVELS=INFO,DEBUG
COMPOSE_PROJECT_NAME=asr
COMPOSE_FILE=docker-compose.yml:${OVERRIDE:-gpu.yml}
HF_TOKEN=hf_x
WHISPER_MODEL=large-v3
CUDA_VISIBLE_DEVICES=0,1
GUNICORN_CMD_ARGS=--workers=1
API_KEY=x
API_KEYS=x,y
SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
"""


def test_an_env_file_that_other_programs_share_is_taken_without_a_word(tmp_path):
    file = tmp_path / ".env"
    file.write_text(SHARED_ENV)
    for command in (genconf_command(), agent_command() + ["-t"]):
        result = run(command + ["--env-file", file])
        assert result.returncode == 0, result.stderr.decode()
        assert result.stderr == b""


@pytest.mark.parametrize("value", ["${GPU}", "$GPU", '"http://${GPU}:8000"'])
def test_a_reference_that_compose_would_expand_is_refused(tmp_path, value):
    file = tmp_path / ".env"
    file.write_text(f"GPU=http://a\nINSTANCE_2_URL={value}\n")
    message = refused(tmp_path, {}, ["--env-file", file])
    assert "INSTANCE_2_URL" in message and "compose" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "variables, words",
    [
        ({"JOBS_FIELD": "active_jobs"}, ["JOBS_FIELD", "did you mean /active_jobs?"]),
        ({"API_KEYS_FILE": "keys"}, ["API_KEYS_FILE", "absolute", f"{Path.cwd()}/keys"]),
        ({"TLS_CERT_FILE": "./c.pem"}, ["TLS_CERT_FILE", "absolute", f"{Path.cwd()}/./c.pem"]),
    ],
)
def test_a_quiet_mistake_is_refused_with_what_would_be_right(tmp_path, variables, words):
    message = refused(tmp_path, GOOD | variables)
    for word in words:
        assert word in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "variables, words",
    [
        ({"STATUS_NEEDS_KEY": "yes"}, ["STATUS_NEEDS_KEY", "API_KEYS_FILE"]),
        ({"CONNECT_TIMEOUT": "90"}, ["CONNECT_TIMEOUT", "REQUEST_TIMEOUT"]),
        ({"INSTANCE_2_URL": "http://b/health"}, ["INSTANCE_2_URL", "/health", '"http://b"']),
        (
            {"INSTANCE_2_URL": "https://b/x/v1/audio/transcriptions"},
            ["INSTANCE_2_URL", "/v1/audio/transcriptions", '"https://b/x"'],
        ),
    ],
)
def test_what_is_most_likely_a_mistake_is_warned_of(variables, words):
    for command in (genconf_command(), agent_command() + ["-t"]):
        result = run(command, GOOD | variables)
        message = result.stderr.decode()
        assert result.returncode == 0, message
        assert "warning: " in message
        for word in words:
            assert word in message


def test_check_refuses_a_socket_whose_folder_is_not_there(tmp_path):
    variables = GOOD | {"HAPROXY_SOCKET": tmp_path / "run" / "haproxy.sock"}
    result = run(genconf_command() + ["--check"], variables)
    message = result.stderr.decode()
    assert result.returncode == 2, message
    assert "HAPROXY_SOCKET" in message and str(tmp_path / "run") in message
    # It may be written here and used elsewhere.
    assert run(genconf_command(), variables).returncode == 0
    (tmp_path / "run").mkdir()
    assert run(genconf_command() + ["--check"], variables).returncode == 0


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["-o"], ["--env-file"], ["stray"], ["-t", "stray"], ["-z"]]
)
def test_bad_usage_is_status_2_with_nothing_on_standard_output(arguments):
    for command in (genconf_command(), agent_command()):
        result = run(command + arguments, GOOD)
        assert result.returncode == 2, (command, arguments)
        assert result.stdout == b""
        assert result.stderr != b""


@pytest.mark.parametrize("variable", ["AGENT_PORT", "STATUS_PORT"])
def test_a_port_in_use_ends_the_agent_with_status_2_and_the_ports_name(lab, variable):
    farm = lab.farm({1: "http://127.0.0.1:9"})
    port = farm.variables[variable]
    with socket.create_server(("127.0.0.1", port)):
        result = run(agent_command(), farm.variables)
    message = result.stderr.decode()
    assert result.returncode == 2, message
    assert variable in message and str(port) in message
    assert_no_sanitizer_report(message, "agent")


def test_both_ports_in_use_are_both_reported(lab):
    farm = lab.farm({1: "http://127.0.0.1:9"})
    with socket.create_server(("127.0.0.1", farm.agent_port)):
        with socket.create_server(("127.0.0.1", farm.status_port)):
            result = run(agent_command(), farm.variables)
    message = result.stderr.decode()
    assert result.returncode == 2
    for port in (farm.agent_port, farm.status_port):
        assert str(port) in message


def test_an_address_that_is_not_ours_ends_the_agent_with_status_2(lab):
    # TEST-NET-1 (RFC 5737) is nobody's.
    farm = lab.farm({1: "http://127.0.0.1:9"}, AGENT_BIND_ADDRESS="192.0.2.1")
    result = run(agent_command(), farm.variables)
    assert result.returncode == 2
    assert "192.0.2.1" in result.stderr.decode()


def test_a_second_agent_on_the_same_ports_is_refused(lab):
    farm = lab.farm(1)
    farm.start_agent()
    farm.wait_for_agent()
    result = run(agent_command(), farm.variables)
    assert result.returncode == 2
    assert str(farm.agent_port) in result.stderr.decode()
    assert farm.agent_check("instance1\n") in (b"unknown\n", b"up 100%\n")
