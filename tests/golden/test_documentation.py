"""What documents and sample files say of the options is what the table of options says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(ROOT, os.environ.get("LEASTJOBS_BUILD", "build")).resolve()
TIMEOUT_S = 60

# What stands for INSTANCE_N_URL: its own form in .env files, a list in the configuration file.
INSTANCES = "INSTANCE_N_URL"
INSTANCES_KEY = "instances"

# "NAME=VALUE" or "#NAME=VALUE"; "name = value;" or "#name = value;" (prose has a blank after #).
ENV_LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
CONF_LINE = re.compile(r"^#?([A-Za-z][A-Za-z0-9_]*) = ", re.MULTILINE)


def run(program, *arguments):
    return subprocess.run(
        [BUILD / program, *arguments],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
    )


def options():
    text = run("leastjobs-genconf", "--help").stdout.decode()
    names = re.findall(r"^  ([A-Z][A-Z0-9_]+)(?:=.*)?$", text, re.MULTILINE)
    assert INSTANCES in names
    return names


def read(name):
    path = ROOT / name
    assert path.exists(), f"{name} isn't there"
    return path.read_text()


def names_word(text, word):
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text) is not None


def env_names():
    """Variables of .env.example, INSTANCE_1_URL and its like as INSTANCE_N_URL; compose's aren't ours."""
    found = [n for n in ENV_LINE.findall(read(".env.example")) if not n.startswith("COMPOSE_")]
    return [re.sub(r"^INSTANCE_[0-9]+_", "INSTANCE_N_", name) for name in found]


def of_instances():
    """Options that only single instances have."""
    return [name for name in options() if name.startswith("INSTANCE_N_")]


def conf_names():
    """Keys of agent.conf, as the variables that they stand for."""
    text = read("agent/agent.conf")
    keys = CONF_LINE.findall(text)
    assert keys.count(INSTANCES_KEY) == 1
    names = [key.upper() for key in keys if key != INSTANCES_KEY]
    groups = re.search(rf"^#{INSTANCES_KEY} = .*?\);$", text, re.MULTILINE | re.DOTALL).group()
    own = [f"INSTANCE_N_{key.upper()}" for key in re.findall(r"(\w+) = ", groups)]
    return names + [name for name in dict.fromkeys(own) if name in of_instances()]


def test_both_programs_have_the_same_options():
    agent = run("leastjobs-agent", "--help").stdout.decode()
    genconf = run("leastjobs-genconf", "--help").stdout.decode()
    start = "Variables ("
    assert start in agent
    assert agent.partition(start)[2] == genconf.partition(start)[2]


# As in the Makefile, target `docs`.
MADE = {
    ".env.example": "env",
    "agent/agent.conf": "conf",
    "man/leastjobs.conf.5": "man",
    "docs/configuration.md": "markdown",
}


def remake(format, text):
    return subprocess.run(
        [BUILD / "leastjobs-option-docs", format],
        input=text,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
        text=True,
    ).stdout


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_the_table_of_options_is_as_the_table_has_it(name):
    text = read(name)
    assert text == remake(MADE[name], text), f"{name} is stale: make docs"


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_the_table_is_made_whole(name):
    """Nothing of what was there stays, and what stands around it does."""
    start, end = "start BEGIN OPTIONS x\n", "end END OPTIONS x\nend\n"
    made = remake(MADE[name], f"before\n{start}stale\n{end}")
    assert made.startswith(f"before\n{start}") and made.endswith(end)
    assert "stale" not in made
    assert remake(MADE[name], made) == made


def test_the_makefile_makes_these_files():
    done = subprocess.run(
        ["make", "-s", "print-OPTION_FILES"],
        cwd=ROOT,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
        text=True,
    )
    pairs = (pair.split(":") for pair in done.stdout.split())
    assert {name: format for format, name in pairs} == MADE


@pytest.mark.parametrize("name", ["man/leastjobs.conf.5", "docs/configuration.md"])
def test_the_manual_and_the_document_name_every_option(name):
    text = read(name)
    assert [option for option in options() if not names_word(text, option)] == []


def test_the_example_of_an_env_file_has_every_option_and_no_other():
    assert set(env_names()) == set(options())


def test_the_sample_configuration_file_has_every_option_and_no_other():
    keys = CONF_LINE.findall(read("agent/agent.conf"))
    assert [key for key in keys if key != key.lower()] == []
    assert set(conf_names()) == set(options())


def test_no_option_is_there_twice():
    for names in (env_names(), conf_names()):
        others = [name for name in names if name not in of_instances()]
        assert sorted(others) == sorted(set(others))


def uncommented(text, line_pattern, is_whole):
    """`text` with each option in force; one that goes on over lines is followed to its end."""
    result = []
    begun = None
    for line in text.splitlines():
        if begun is None and line_pattern.match(line):
            begun = ""
        if begun is None:
            result.append(line)
            continue
        line = line.removeprefix("#")
        result.append(line)
        begun += line
        if is_whole(begun):
            begun = None
    assert begun is None, f"no end to: {begun}"
    return "\n".join(result) + "\n"


def conf_is_whole(text):
    return text.rstrip().endswith(";") and text.count("(") == text.count(")")


@pytest.fixture
def files(tmp_path):
    """Files that must be readable, by the options that name them; the examples' aren't here."""
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer token\n")
    headers.chmod(0o600)
    certificates = tmp_path / "ca.pem"
    certificates.write_text("")
    return {"INSTANCE_CA_FILE": certificates, "HEALTH_HEADERS_FILE": headers}


def test_the_sample_configuration_file_is_good_with_every_option_in_force(tmp_path, files):
    text = uncommented(read("agent/agent.conf"), CONF_LINE, conf_is_whole)
    for name, file in files.items():
        text = re.sub(rf"^({name.lower()}) = .*$", rf'\1 = "{file}";', text, flags=re.MULTILINE)
    path = tmp_path / "agent.conf"
    path.write_text(text)
    done = run("leastjobs-agent", "-t", "-c", path)
    assert done.returncode == 0, done.stdout.decode()
    assert b"warning" not in done.stdout


def test_the_example_of_an_env_file_is_good_with_every_option_in_force(tmp_path, files):
    text = uncommented(read(".env.example"), ENV_LINE, lambda line: True)
    for name, file in files.items():
        text = re.sub(rf"^({name})=.*$", rf"\1={file}", text, flags=re.MULTILINE)
    # The example leaves these to the user.
    text = re.sub(r"^(INSTANCE_([0-9]+)_URL)=$", r"\1=http://10.0.0.\2", text, flags=re.MULTILINE)
    path = tmp_path / ".env"
    path.write_text(text)
    done = run("leastjobs-agent", "-t", "--env-file", path)
    assert done.returncode == 0, done.stdout.decode()
    assert b"warning" not in done.stdout


# --- Where a value is in force ---

# A value other than the one that the test begins with.
OTHER_VALUES = {
    "INSTANCES_DNS": "http://other.example",
    "INSTANCES_FILE": "/other",
    "INSTANCE_CA_FILE": "/etc/passwd",
    "HEALTH_CHECK_INTERVAL": "3",
    "JOBS_INTERVAL": "2",
    "CHECK_TIMEOUT": "4",
    "UNHEALTHY_AFTER": "4",
    "HEALTH_PATH": "/other",
    "JOBS_FIELD": "/other",
    "JOBS_SOURCE": "none",
    "LOAD_URL": "/other",
    "CAPACITY_FIELD": "auto",
    "HEALTH_HEADERS_FILE": "/other",
    "JOB_ID_FIELD": "/other",
    "JOBS_PATH": "/other",
    "JOB_RETENTION": "1h",
    "PORT": "8081",
    "BIND_ADDRESS": "::",
    "PROXY_PATHS": "/other",
    "EXTRA_PATHS": "/other",
    "CORS_ORIGINS": "none",
    "TRUSTED_PROXIES": "none",
    "HSTS_MAX_AGE": "60",
    "REQUEST_TIMEOUT": "60",
    "CONNECT_TIMEOUT": "4",
    "MAX_CONNECTIONS": "11",
    "THREADS": "2",
    "LOG_LEVEL": "DEBUG",
    "AGENT_HOST": "127.0.0.2",
    "AGENT_BIND_ADDRESS": "127.0.0.2",
    "AGENT_PORT": "1777",
    "STATUS_PORT": "1778",
    "HAPROXY_SOCKET": "/other",
    "ADMIN_BIND_ADDRESS": "127.0.0.2",
    "ADMIN_PORT": "1404",
    "STATUS_NEEDS_KEY": "yes",
    "HAPROXY_USER": "haproxy",
    "STOP_TIMEOUT": "1s",
}
# The same for what only single instances have, of instance 1.
OTHER_OWN_VALUES = {"INSTANCE_N_CAPACITY": "4"}
OTHER_FILES = {"TLS_CERT_FILE": "another.pem", "API_KEYS_FILE": "other", "ADMIN_PASSWORD_FILE": "other"}

def places():
    """Where docs/configuration.md says that each option is in force."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|.*\| (\w+) \|$", read("docs/configuration.md"), re.M)
    return dict(rows)


@pytest.fixture(scope="module")
def generate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=golden", "-keyout", key, "-out", certificate]
    subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)
    for name in ("balancer.pem", "another.pem"):
        (folder / name).write_bytes(certificate.read_bytes() + key.read_bytes())
    (folder / "keys").write_text("an-example-of-a-key\n")
    (folder / "other").write_text("another-example-of-a-key\n")
    # What `leastjobs run` has found.
    (folder / "socket.state").mkdir()
    (folder / "socket.state" / "instances").write_text("3 http://10.0.0.3 /other\n")
    base = {
        "INSTANCE_1_URL": "https://host.example",
        "INSTANCE_2_URL": "http://another.example",
        "HAPROXY_USER": "root",
        "HAPROXY_SOCKET": str(folder / "socket"),
        "MAX_CONNECTIONS": "10",
        "TLS_CERT_FILE": str(folder / "balancer.pem"),
        "API_KEYS_FILE": str(folder / "keys"),
        "ADMIN_PASSWORD_FILE": str(folder / "keys"),
    }

    def run_genconf(name=None):
        if name in OTHER_FILES:
            changed = {name: str(folder / OTHER_FILES[name])}
        elif name == INSTANCES:
            changed = {"INSTANCE_3_URL": "http://other.example"}
        elif name in OTHER_OWN_VALUES:
            changed = {name.replace("_N_", "_1_"): OTHER_OWN_VALUES[name]}
        else:
            changed = {} if name is None else {name: OTHER_VALUES[name]}
        done = subprocess.run(
            [BUILD / "leastjobs-genconf"],
            env={"PATH": os.environ["PATH"]} | base | changed,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run_genconf


def test_every_option_has_a_place():
    assert set(places()) == set(options()) == {INSTANCES, *OTHER_VALUES, *OTHER_OWN_VALUES, *OTHER_FILES}
    assert set(places().values()) == {"agent", "HAProxy", "both", "run"}


@pytest.mark.parametrize("name", [INSTANCES, *OTHER_VALUES, *OTHER_OWN_VALUES, *OTHER_FILES])
def test_haproxy_cfg_depends_on_what_is_in_force_there_and_on_nothing_else(generate, name):
    assert (generate() != generate(name)) == (places()[name] in ("HAProxy", "both"))


def test_the_agent_uses_what_is_in_force_there_and_nothing_else():
    """By the fields of struct config that its sources name; an instance has some of them too."""
    table = read("common/options.c")
    row = r'\.name = "(\w+)",(?:(?!\.name).)*?\.offset = FIELD\((\w+)\)'
    fields = dict(re.findall(row, table, re.DOTALL))
    assert len(fields) > 20
    sources = "\n".join(path.read_text() for path in (ROOT / "agent").rglob("*.c"))
    # By way of what an instance is asked, and of how its answer is read.
    own = {
        "preset": "jobs_source",
        "locator": "jobs_field",
        "capacity_locator": "capacity_field",
        r"health\.url": "health_path",
        r"load\.url": "load_url",
        # What was found is in the list of instances like the others.
        "is_leaving": "instances_dns config->instances_file",
    }
    for field, option in own.items():
        sources = re.sub(rf"(?:->|\.){field}\b", f" config->{option}", sources)
    for name, field in fields.items():
        used = re.search(rf"\bconfig->{field}\b", sources) is not None
        assert used == (places()[name] in ("agent", "both")), name
