"""leastjobs-genconf: what it reads, how it writes, and that HAProxy takes the result."""

import os
import stat
import subprocess
import tempfile

import pytest

from certificates import Authority
from processes import genconf_command, haproxy_command, run

ONE = {"INSTANCE_1_URL": "http://127.0.0.1:8000"}


def generate(variables, arguments=()):
    result = run(genconf_command() + list(arguments), variables)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stderr == b"", result.stderr.decode()
    return result.stdout.decode()


@pytest.fixture
def run_directory():
    """Stands for /run/leastjobs, which is there where HAProxy is to run; a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="lj", dir="/tmp") as directory:
        yield directory


def from_file(tmp_path, text, variables=None):
    file = tmp_path / "some.env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return generate(variables or {}, ["--env-file", file])


# --- the .env file

EXPECTED = {
    "INSTANCE_1_URL": "http://10.0.0.1:8000",
    "INSTANCE_2_URL": "https://two.example/gpu/b",
    "PORT": "18080",
    "HEALTH_CHECK_INTERVAL": "2s",
    "LOG_LEVEL": "WARNING",
}

PLAIN = "\n".join(f"{name}={value}" for name, value in EXPECTED.items()) + "\n"

FORMS = {
    "plain": PLAIN,
    "without a last newline": PLAIN.rstrip("\n"),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + PLAIN,
    "a byte order mark and CRLF": "\ufeff" + PLAIN.replace("\n", "\r\n"),
    "export": "".join(f"export {line}\n" for line in PLAIN.splitlines()),
    "export and blanks": "".join(f"  export \t {line}\n" for line in PLAIN.splitlines()),
    "double quotes": "".join(f'{name}="{value}"\n' for name, value in EXPECTED.items()),
    "single quotes": "".join(f"{name}='{value}'\n" for name, value in EXPECTED.items()),
    "double quotes and CRLF": "".join(f'{n}="{value}"\r\n' for n, value in EXPECTED.items()),
    "comments": "# first\n\n  # second\n" + PLAIN + "#PORT=1\n   #PORT=2\n\n",
    "comments behind values": "".join(f"{line} # why\n" for line in PLAIN.splitlines()),
    "comments behind quotes": "".join(f'{n}="{v}" # why\n' for n, v in EXPECTED.items()),
    "blanks around": "".join(f"  {name} = {value}  \t\n" for name, value in EXPECTED.items()),
    "other programs' variables": PLAIN + "POSTGRES_PASSWORD=a b'c\nlower_case=1\nPATH.x=2\n",
    "a later line wins": "PORT=1\nPORT=2\nLOG_LEVEL=LOUD\n" + PLAIN,
    "empty values": PLAIN + "THREADS=\nADMIN_PORT=\"\"\nEXTRA_PATHS=''\nMAX_CONNECTIONS=   \n",
    "escapes in double quotes": PLAIN + 'X="a\\nb\\"c\\\\"\nY="$HOME \\$HOME"\n',
    "lines in quotes": PLAIN + 'MOTTO="one\nPORT=99999\nthree"\nOTHER=\'a\nPORT=x\nb\'\n',
    "a name alone": PLAIN + "SOMETHING\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_an_env_file_means_the_same_in_each_form(tmp_path, form):
    assert from_file(tmp_path, FORMS[form]) == generate(EXPECTED)


def test_the_environment_has_precedence_over_the_env_file(tmp_path):
    changed = {"PORT": "18081", "INSTANCE_2_URL": "http://10.0.0.9"}
    assert from_file(tmp_path, PLAIN, changed) == generate(EXPECTED | changed)


def test_an_empty_variable_of_the_environment_counts_as_unset(tmp_path):
    empty = {"PORT": "", "INSTANCE_2_URL": "", "THREADS": ""}
    assert from_file(tmp_path, PLAIN, empty) == generate(EXPECTED)
    assert generate(ONE | {"PORT": "", "EXTRA_PATHS": "", "INSTANCE_2_URL": ""}) == generate(ONE)


def test_an_empty_later_line_takes_a_value_back(tmp_path):
    without = {name: value for name, value in EXPECTED.items() if name != "PORT"}
    assert from_file(tmp_path, PLAIN + "PORT=\n") == generate(without)


def test_the_env_file_has_precedence_over_the_libconfig_file(tmp_path):
    conf = tmp_path / "some.conf"
    conf.write_text(
        'port = 1; log_level = "DEBUG"; health_check_interval = 2;\n'
        'instances = ( { number = 1; url = "http://other"; },\n'
        '              { number = 3; url = "http://three" } );\n'
    )
    file = tmp_path / "some.env"
    file.write_text(PLAIN)
    expected = EXPECTED | {"INSTANCE_3_URL": "http://three"}
    assert generate({}, ["--env-file", file, "-c", conf]) == generate(expected)


def test_a_libconfig_file_alone_is_enough(tmp_path):
    conf = tmp_path / "some.conf"
    conf.write_text(
        'port = 18080;  # a comment\nhealth_check_interval = "2s";  // another\n'
        'log_level = "WARNING";\n'
        'instances = ( { number = 1; url = "http://10.0.0.1:8000"; },\n'
        '              { number = 2; url = "https://two.example/gpu/b"; } );\n'
    )
    assert generate({}, ["-c", conf]) == generate(EXPECTED)


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff", "\r\n\r\n"])
def test_an_env_file_with_nothing_in_it_adds_nothing(tmp_path, text):
    assert from_file(tmp_path, text, ONE) == generate(ONE)


@pytest.mark.parametrize(
    "spelling",
    [
        "http://10.0.0.1:8000/",
        "10.0.0.1:8000",
        "10.0.0.1:8000/",
        "HTTP://10.0.0.1:8000",
        "http://10.0.0.1:8000//",
    ],
)
def test_spellings_of_one_url_mean_the_same(spelling):
    expected = generate({"INSTANCE_1_URL": "http://10.0.0.1:8000"})
    assert generate({"INSTANCE_1_URL": spelling}) == expected


@pytest.mark.parametrize(
    "name, spellings",
    [
        ("HEALTH_CHECK_INTERVAL", ["2", "2s", "2000ms", "2.0"]),
        ("HEALTH_CHECK_INTERVAL", ["60", "1m", "60s", "60000ms"]),
        ("HEALTH_CHECK_INTERVAL", ["0.5", "500ms", "0.5s"]),
        ("REQUEST_TIMEOUT", ["3600", "1h", "60m", "3600s", ""]),
        ("REQUEST_TIMEOUT", ["1d", "24h", "86400"]),
        ("LOG_LEVEL", ["INFO", "info", "Info", ""]),
    ],
)
def test_spellings_of_one_value_mean_the_same(name, spellings):
    first, *others = [generate(ONE | {name: spelling}) for spelling in spellings]
    for other in others:
        assert other == first


# --- how it writes


def test_the_output_is_the_same_each_time_and_in_any_order():
    variables = {f"INSTANCE_{n}_URL": f"http://10.0.0.{n}" for n in range(1, 30)}
    backwards = dict(reversed(variables.items()))
    assert generate(variables) == generate(variables) == generate(backwards)


def test_o_writes_the_same_as_standard_output_with_mode_0644(tmp_path):
    output = tmp_path / "haproxy.cfg"
    old_mask = os.umask(0o077)
    try:
        assert generate(ONE, ["-o", output]) == ""
    finally:
        os.umask(old_mask)
    assert output.read_text() == generate(ONE)
    assert stat.S_IMODE(output.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["haproxy.cfg"]


def test_o_replaces_a_file_as_a_whole(tmp_path):
    output = tmp_path / "haproxy.cfg"
    output.write_text("old " * 10000)
    output.chmod(0o600)
    with open(output) as reader:
        generate(ONE, ["-o", output])
        # A reader of the old file still has all of it: it was replaced, not overwritten.
        assert reader.read() == "old " * 10000
    assert output.read_text() == generate(ONE)
    assert stat.S_IMODE(output.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["haproxy.cfg"]


def test_a_configuration_error_leaves_an_existing_file_as_it_was(tmp_path):
    output = tmp_path / "haproxy.cfg"
    output.write_text("old")
    before = output.stat()
    result = run(genconf_command() + ["-o", output], ONE | {"PORT": "x"})
    assert result.returncode == 2
    assert output.read_text() == "old"
    assert output.stat().st_mtime_ns == before.st_mtime_ns
    assert os.listdir(tmp_path) == ["haproxy.cfg"]


def test_a_place_that_cannot_be_written_is_status_1_with_its_name(tmp_path):
    for path in (tmp_path / "nonexistent" / "haproxy.cfg", tmp_path):
        result = run(genconf_command() + ["-o", path], ONE)
        assert result.returncode == 1
        assert str(path) in result.stderr.decode()
        assert result.stdout == b""
    assert os.listdir(tmp_path) == []
    beside = [name for name in os.listdir(tmp_path.parent) if name.startswith(f"{tmp_path.name}.")]
    assert beside == []


def test_a_full_disk_is_status_1(tmp_path):
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            genconf_command(),
            env={**os.environ, **ONE},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert b"No space left" in result.stderr


def test_check_accepts_what_haproxy_accepts(tmp_path, run_directory):
    variables = ONE | {"HAPROXY_SOCKET": f"{run_directory}/haproxy.sock"}
    output = tmp_path / "haproxy.cfg"
    assert generate(variables, ["--check", "-o", output]) == ""
    assert output.read_text() == generate(variables) == generate(variables, ["--check"])
    assert os.listdir(tmp_path) == ["haproxy.cfg"]


def test_check_writes_nothing_when_haproxy_refuses(tmp_path, run_directory):
    # A file that can be read, but holds no certificate.
    no_certificate = tmp_path / "ca.pem"
    no_certificate.write_text("nothing\n")
    output = tmp_path / "haproxy.cfg"
    output.write_text("old")
    variables = {"INSTANCE_1_URL": "https://host.example", "INSTANCE_CA_FILE": no_certificate}
    variables["HAPROXY_SOCKET"] = f"{run_directory}/haproxy.sock"
    for arguments in (["--check", "-o", output], ["--check"]):
        result = run(genconf_command() + arguments, variables)
        assert result.returncode != 0
        assert result.stdout == b""
        assert str(no_certificate) in result.stderr.decode()
    assert output.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["ca.pem", "haproxy.cfg"]


def test_check_without_haproxy_says_so(tmp_path, run_directory):
    variables = ONE | {"HAPROXY_SOCKET": f"{run_directory}/haproxy.sock", "PATH": str(tmp_path)}
    if os.access("/usr/sbin/haproxy", os.X_OK):
        # It is looked for there as well as on PATH.
        assert "frontend balancer" in generate(variables, ["--check"])
        return
    result = run(genconf_command() + ["--check"], variables)
    assert result.returncode == 1
    assert b"haproxy" in result.stderr


def test_help_names_every_option_and_exits_with_0():
    result = run(genconf_command() + ["--help"])
    assert result.returncode == 0
    for word in ("--env-file", "-c", "-o", "--check", "--help", "--version", "INSTANCE_N_URL"):
        assert word in result.stdout.decode()
    assert result.stderr == b""


def test_version_is_one_line():
    result = run(genconf_command() + ["--version"])
    assert result.returncode == 0
    assert result.stdout.decode().startswith("leastjobs-genconf ")
    assert result.stdout.count(b"\n") == 1


# --- what HAProxy says to it


def instances(count, template="http://10.1.{high}.{low}:8000"):
    return {
        f"INSTANCE_{n}_URL": template.format(n=n, high=n // 250, low=n % 250 + 1)
        for n in range(1, count + 1)
    }


SETS = {
    "one instance": ONE,
    "three instances": instances(3),
    "fifty instances": instances(50),
    "three hundred instances": instances(300),
    "gaps in the numbers": {
        "INSTANCE_2_URL": "http://10.0.0.1",
        "INSTANCE_90_URL": "http://10.0.0.2",
        "INSTANCE_65535_URL": "http://10.0.0.3",
    },
    "path prefixes": instances(3, "http://10.0.0.1:80{low}/gpu/{n}/a-b_c.d~e:f@g+h=i"),
    "one path prefix among others": instances(2) | {"INSTANCE_9_URL": "http://10.0.0.9/x"},
    "https": instances(3, "https://localhost:84{low}"),
    "https and http on one name": {
        "INSTANCE_1_URL": "https://localhost",
        "INSTANCE_2_URL": "http://localhost",
    },
    "https on an own CA": {"INSTANCE_1_URL": "https://localhost/gpu", "INSTANCE_CA_FILE": "CA"},
    "IPv6": {"INSTANCE_1_URL": "http://[::1]:8000", "INSTANCE_2_URL": "http://[2001:db8::2]/x"},
    "IPv6 at the front": instances(2) | {"BIND_ADDRESS": "::"},
    "IPv6 at the back": instances(2)
    | {"BIND_ADDRESS": "::1", "AGENT_HOST": "::1", "ADMIN_BIND_ADDRESS": "::"},
    "a name": {"INSTANCE_1_URL": "http://localhost:8000", "INSTANCE_2_URL": "http://localhost"},
    "the agent by name": ONE | {"AGENT_HOST": "localhost"},
    "threads": instances(3) | {"THREADS": "2"},
    "extra paths": ONE | {"EXTRA_PATHS": "/v1/models,/docs/,/a-b_c.d~e:f@g+h=i"},
    "one extra prefix": ONE | {"EXTRA_PATHS": "/"},
    "no proxies": ONE | {"TRUSTED_PROXIES": "none"},
    "many proxies": ONE | {"TRUSTED_PROXIES": ",".join(["2001:db8:1234:5678:9abc:def0:1:2/64"] * 16)},
    "max connections": instances(3) | {"MAX_CONNECTIONS": "500"},
    "short times": instances(2)
    | {"HEALTH_CHECK_INTERVAL": "100ms", "REQUEST_TIMEOUT": "1", "CONNECT_TIMEOUT": "100ms"},
    "long times": instances(2)
    | {"HEALTH_CHECK_INTERVAL": "1h", "REQUEST_TIMEOUT": "20d", "CONNECT_TIMEOUT": "1m"},
    "debug": instances(2) | {"LOG_LEVEL": "DEBUG"},
    "warning": instances(2) | {"LOG_LEVEL": "WARNING"},
    "error": instances(2) | {"LOG_LEVEL": "ERROR"},
    "other ports": instances(2)
    | {"PORT": "1", "ADMIN_PORT": "2", "AGENT_PORT": "3", "STATUS_PORT": "65535"},
    "strange fields": ONE | {"JOBS_FIELD": "/a b#'\"%[x],/~0~1"},
    "unhealthy at once": ONE | {"UNHEALTHY_AFTER": "1"},
}


@pytest.mark.parametrize("name", SETS)
def test_haproxy_takes_it_without_a_warning(tmp_path, run_directory, name):
    variables = {"HAPROXY_SOCKET": f"{run_directory}/haproxy.sock"} | SETS[name]
    if variables.get("INSTANCE_CA_FILE") == "CA":
        variables["INSTANCE_CA_FILE"] = Authority(tmp_path).file
    config = tmp_path / "haproxy.cfg"
    generate(variables, ["-o", config])
    result = run(haproxy_command() + ["-c", "-dW", "-f", config])
    said = (result.stdout + result.stderr).decode()
    assert result.returncode == 0, said
    assert "WARNING" not in said and "ALERT" not in said, said


def test_every_instance_is_a_server_of_farm():
    text = generate(instances(50))
    for n in range(1, 51):
        server = f"\n    server instance{n} 10.1.0.{n + 1}:8000 "
        assert text.count(server + "check ") == 1
        # That of backend owner.
        assert text.count(f"{server}track farm/instance{n}") == 1
        assert text.count(server) == 2


def test_strange_fields_leave_no_trace():
    assert generate(ONE | {"JOBS_FIELD": "/a b#'\"%[x],/~0~1"}) == generate(ONE)


def test_the_names_do_not_have_to_resolve(tmp_path):
    # Names below .invalid (RFC 6761) never do; HAProxy warns of them, and starts.
    config = tmp_path / "haproxy.cfg"
    variables = {f"INSTANCE_{n}_URL": f"http://one.invalid:800{n}" for n in range(1, 3)}
    generate(variables, ["-o", config])
    result = run(haproxy_command() + ["-c", "-f", config])
    assert result.returncode == 0, result.stderr.decode()
