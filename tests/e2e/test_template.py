"""A template of somebody's own: what genconf makes of it, HAProxy serves; what is wrong is said."""

from pathlib import Path

import pytest

from processes import ROOT, genconf_command, haproxy_command, run
from waiting import wait_for

ONE = {"INSTANCE_1_URL": "http://127.0.0.1:8000"}
BUILT_IN = Path(ROOT, "genconf", "haproxy.cfg.in")
SERVED_BY = (
    "    http-after-response set-header X-Served-By %[var(txn.pick)] if { var(txn.pick) -m found }\n"
)


def print_template():
    result = run(genconf_command() + ["--print-template"])
    assert result.returncode == 0 and result.stderr == b""
    return result.stdout.decode()


def below(line, text, added):
    assert text.count(line) == 1
    return text.replace(line, line + added)


@pytest.fixture
def template(tmp_path):
    """Writes a template; returns its path."""

    def write(text, name="my.cfg.in"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def generate(path, variables=ONE, arguments=()):
    return run(genconf_command() + ["--template", path, *arguments], variables)


def test_the_built_in_template_is_printed_as_it_is(tmp_path):
    assert print_template() == BUILT_IN.read_text()
    copy = tmp_path / "copy.cfg.in"
    assert run(genconf_command() + ["--print-template", "-o", copy]).stdout == b""
    assert copy.read_text() == BUILT_IN.read_text()


def test_a_copy_of_the_built_in_template_makes_the_same_and_says_so(template):
    path = template(print_template())
    result = generate(path)
    assert result.returncode == 0 and result.stderr == b"", result.stderr.decode()
    head, _, rest = result.stdout.decode().partition("\n")
    assert head == f"# Made from the template {path}."
    assert rest == run(genconf_command(), ONE).stdout.decode()


def test_a_line_that_a_user_adds_is_served(lab, template):
    path = template(below("\nfrontend balancer\n", print_template(), SERVED_BY))
    farm = lab.farm(2)
    variables = {"LOG_LEVEL": "DEBUG"} | farm.variables
    result = generate(path, variables, ["--check", "-o", farm.config_path])
    assert result.returncode == 0 and result.stderr == b"", result.stderr.decode()
    farm.start_agent()
    farm.start_haproxy()
    farm.wait_for_agent()
    farm.wait_for_haproxy()

    def answered():
        response = farm.run_job()
        return response if response.status == 200 else None

    for _ in range(4):
        response = wait_for(answered, "a job to be done")
        assert response.header("X-Served-By") == f"instance{farm.number_of_answer(response)}"
    # Nobody was picked.
    assert farm.request(target="/health").header("X-Served-By") is None


def test_check_refuses_what_haproxy_refuses(tmp_path, template, lab):
    variables = ONE | {"HAPROXY_SOCKET": f"{lab.short_directory}/haproxy.sock"}
    path = template(below("\nfrontend balancer\n", print_template(), "    no-such-keyword\n"))
    output = tmp_path / "haproxy.cfg"
    result = generate(path, variables, ["--check", "-o", output])
    assert result.returncode == 1
    assert b"unknown keyword 'no-such-keyword'" in result.stderr
    assert b": line " in result.stderr and b" is:     no-such-keyword\n" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["my.cfg.in"]


def test_a_byte_order_mark_is_dropped(template):
    path = template("\ufeff" + print_template())
    result = generate(path)
    assert result.returncode == 0 and result.stderr == b"", result.stderr.decode()
    assert result.stdout == generate(template(print_template())).stdout


BAD = {
    "a comment behind something": ("    maxconn 5 <<# five\n", "2:15: <<# in the middle of a line: a "
                                   "comment needs a line of its own"),
    "a misspelt value": ("    maxconn <<max_conections>>\n", '2:15: unknown value "max_conections": '
                         'did you mean "max_connections"?'),
    "no end": ("<<if debug>>\n    option x\n", "2:1: <<if>> that begins here has no <<end>>"),
    "an end too many": ("<<end>>\n", "2:1: <<end>> without an <<if>> or <<each>> that it ends"),
    "a value of instances elsewhere": ("    server x <<address>>\n", '2:16: "address" is known only '
                                       "between <<each instance>> and its <<end>>"),
    "a value that isn't there": ("    crt <<tls_cert_file>>\n", '2:9: "tls_cert_file" has no value '
                                 "here: put its word between <<if tls_cert_file>> and <<end>>"),
    "a value for a keyword": ("    <<log_level>> x\n", '2:5: "log_level" in the first word of a '
                              "line, which is HAProxy's keyword: expected it in a later word"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_said_with_line_and_column_and_nothing_is_written(
    what, tmp_path, template
):
    text, message = BAD[what]
    path = template(print_template().split("\n")[0] + "\n" + text)
    output = tmp_path / "haproxy.cfg"
    result = generate(path, ONE, ["-o", output])
    assert result.returncode == 2
    assert result.stdout == b"" and not output.exists()
    assert result.stderr.decode() == f"leastjobs-genconf: error: {path}:{message}\n"


def test_errors_of_template_and_configuration_are_reported_together(template):
    path = template("global\n    a <<prot>>\n    b <<maxcon>>\n")
    result = generate(path, ONE | {"PORT": "x"})
    assert result.returncode == 2
    for part in ('PORT="x"', ":2:9: unknown value", ":3:9: unknown value"):
        assert part in result.stderr.decode()


@pytest.mark.parametrize("path", ["nowhere/my.cfg.in", "."])
def test_a_template_that_cannot_be_read_is_named(path):
    result = generate(path)
    assert result.returncode == 2
    assert f"{path}: can't be read" in result.stderr.decode()


def test_a_template_of_another_version_or_without_what_the_agent_needs_is_warned_of(template):
    path = template(
        print_template().replace("<<# leastjobs ", "<<# leastjobs 0.0.1-", 1).replace(
            "\nbackend jobs\n", "\nbackend lost\n"
        )
    )
    result = generate(path)
    assert result.returncode == 0
    said = result.stderr.decode()
    assert f"warning: {path}: is for leastjobs 0.0.1-" in said
    assert f'warning: {path}: makes no line "backend jobs"' in said
    assert said.count("\n") == 2
    assert "backend lost" in result.stdout.decode()


def test_the_name_of_a_template_stays_within_its_comment(tmp_path, template):
    path = template(print_template(), "a\n    nbthread 64\rb\x1b[1m\\")
    output = tmp_path / "haproxy.cfg"
    generate(path, ONE, ["-o", output])
    lines = output.read_text().split("\n")
    assert lines[0] == f"# Made from the template {tmp_path}/a?    nbthread 64?b?[1m\\."
    assert lines[1].startswith("# haproxy.cfg for 1 instance,")
    assert run(haproxy_command() + ["-c", "-f", output]).returncode == 0
