"""The systemd units of deploy/: what their sandbox is worth, and that the programs work in it.

systemd isn't running here. Its system call filters, without which most of the sandbox's options
would mean nothing, are built as systemd builds them; capabilities are dropped, and the limit of
open files is set. What is not emulated: read-only mounts, private directories, user namespaces.

Run as a program, `test_systemd_units.py UNIT COMMAND …` becomes the command in UNIT's sandbox.
"""

import ctypes
import errno
import functools
import mmap
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = ("leastjobs-agent.service", "leastjobs-haproxy.service")
# The same in one.
SINGLE = "leastjobs.service"
ALL = (*UNITS, SINGLE)
ENV_FILE = "/etc/leastjobs/leastjobs.env"
CONFIG_FILE = "/run/leastjobs/haproxy.cfg"


def settings(unit):
    """Option -> its values, in order; the sections' options have different names."""
    found = {}
    for line in Path(DEPLOY, unit).read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


# --- the sandbox

PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW
REFUSE = 0x00050000  # SCMP_ACT_ERRNO(0)
GREATER_OR_EQUAL, EQUAL, MASKED_EQUAL = 5, 4, 7  # enum scmp_compare
SHM_EXEC = 0o100000
FAMILIES_END = 64


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


class Filter:
    """A seccomp filter, by libseccomp, which systemd itself uses."""

    library = None

    def __init__(self, default):
        if Filter.library is None:
            Filter.library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
            Filter.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))
        assert self.context.value, "seccomp_init failed"

    def add(self, action, call, *comparison):
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:  # not of this architecture
            return
        comparisons = (Comparison * 1)(Comparison(*comparison)) if comparison else None
        result = self.library.seccomp_rule_add_array(
            self.context, ctypes.c_uint32(action), number, 1 if comparison else 0, comparisons
        )
        assert result == 0, f"{call}: {os.strerror(-result)}"

    def load(self):
        result = self.library.seccomp_load(self.context)
        assert result == 0, os.strerror(-result)


@functools.lru_cache(None)
def calls_of(group):
    """The system calls of a group such as @system-service, by systemd's own tables."""
    listing = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", group],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    names = [line.strip() for line in listing.splitlines() if line.startswith("    ")]
    calls = set()
    for name in names:
        if not name.startswith("#"):
            calls |= calls_of(name) if name.startswith("@") else {name}
    return calls


def allowed_calls(unit):
    calls = set(calls_of("@default"))
    for value in settings(unit)["SystemCallFilter"]:
        for word in value.removeprefix("~").split():
            names = calls_of(word) if word.startswith("@") else {word}
            calls = calls - names if value.startswith("~") else calls | names
    return calls


def restrict_families(unit):
    (families,) = settings(unit)["RestrictAddressFamilies"]
    allowed = {int(getattr(socket, name)) for name in families.split()}
    refused = Filter(ALLOW)
    for family in set(range(FAMILIES_END)) - allowed:
        refused.add(REFUSE | errno.EAFNOSUPPORT, "socket", 0, EQUAL, family)
    refused.add(REFUSE | errno.EAFNOSUPPORT, "socket", 0, GREATER_OR_EQUAL, FAMILIES_END)
    refused.load()


def deny_writable_code(unit):
    assert settings(unit)["MemoryDenyWriteExecute"] == ["yes"]
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    refused = Filter(ALLOW)
    refused.add(REFUSE | errno.EPERM, "mmap", 2, MASKED_EQUAL, both, both)
    for call in ("mprotect", "pkey_mprotect"):
        refused.add(REFUSE | errno.EPERM, call, 2, MASKED_EQUAL, mmap.PROT_EXEC, mmap.PROT_EXEC)
    refused.add(REFUSE | errno.EPERM, "shmat", 2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC)
    refused.load()


def drop_capabilities(unit):
    assert settings(unit)["CapabilityBoundingSet"] == [""]
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    # With an empty bounding set, exec leaves root none either.
    if os.geteuid() == 0:
        for capability in range(64):
            if prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
                assert prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def enter_sandbox(unit):
    limit = int(settings(unit)["LimitNOFILE"][0])
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if highest != resource.RLIM_INFINITY:
        limit = min(limit, highest)
    calls = Filter(REFUSE | errno.EPERM)
    for call in allowed_calls(unit):
        calls.add(ALLOW, call)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    drop_capabilities(unit)
    restrict_families(unit)
    deny_writable_code(unit)
    calls.load()  # the last: it refuses further filters


if __name__ == "__main__":
    enter_sandbox(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])


# --- the tests

from processes import (  # noqa: E402
    Process,
    build_directory,
    haproxy_command,
    run,
)
from running import UP, Running  # noqa: E402
from waiting import wait_for  # noqa: E402


def sandboxed(unit, command):
    return ["/usr/bin/python3", "-B", __file__, unit] + [str(part) for part in command]


def programs():
    # Not agent_command(): valgrind writes code, which the sandbox forbids.
    names = ("leastjobs", "leastjobs-agent", "leastjobs-genconf")
    own = {name: str(build_directory() / name) for name in names}
    return own | {"haproxy": haproxy_command()[0]}


def unit_command(line, places):
    """A command line of a unit, with our programs, and our files for the installed ones."""
    name, *arguments = line.split()
    return [programs()[name]] + [str(places.get(argument, argument)) for argument in arguments]


def exposure(unit_file):
    result = run(["systemd-analyze", "--no-pager", "security", "--offline=true", unit_file])
    text = result.stdout.decode()
    assert result.returncode == 0, result.stderr.decode()
    (found,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d+)", text)
    return float(found)


def assert_is_documented(found, pattern):
    """Another systemd than the README's may count otherwise, but must not find more."""
    readme = (DEPLOY / "README.md").read_text()
    said = float(re.search(pattern, readme)[1])
    version = re.search(r"in systemd (\d+)", readme)[1]
    is_the_readmes = run(["systemctl", "--version"]).stdout.startswith(f"systemd {version} ".encode())
    assert found == said if is_the_readmes else found <= said


def test_the_units_exposure_is_what_the_readme_says():
    for unit in ALL:
        assert_is_documented(exposure(DEPLOY / unit), r"gives each (\d\.\d)")


def test_a_low_port_costs_what_the_readme_says(tmp_path):
    readme = (DEPLOY / "README.md").read_text()
    (lines,) = re.findall(r"^    \[Service\]\n((?:    \w+=.*\n)+)", readme, re.MULTILINE)
    unit = tmp_path / UNITS[1]
    text = (DEPLOY / unit.name).read_text()
    for line in lines.split():
        # The drop-in's list of capabilities would be added to the empty one; that is the same.
        name = line.partition("=")[0]
        text = re.sub(rf"^{name}=.*\n", "", text, flags=re.MULTILINE)
    unit.write_text(text.replace("[Service]\n", "[Service]\n" + lines.replace("    ", "")))
    assert_is_documented(exposure(unit), r"\((\d\.\d) then\)")


def test_systemd_has_nothing_to_say_against_the_units(tmp_path):
    for unit in ALL:
        text = Path(DEPLOY, unit).read_text()
        for name, path in programs().items():
            text = re.sub(rf"^(Exec\w+=){name} ", rf"\g<1>{path} ", text, flags=re.MULTILINE)
        (tmp_path / unit).write_text(text)
    files = [tmp_path / unit for unit in ALL]
    result = run(["systemd-analyze", "verify", "--man=no"] + files)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def users_and_groups(root):
    """What sysusers makes in an empty system: name -> its line's fields; name -> number."""
    (root / "etc").mkdir()
    conf = (DEPLOY / "leastjobs.sysusers.conf").read_text()
    subprocess.run(["systemd-sysusers", f"--root={root}", "-"], input=conf, text=True, check=True)
    groups = dict(line.strip().split(":")[:3:2] for line in open(root / "etc/group"))
    return {line.split(":")[0]: line.split(":") for line in open(root / "etc/passwd")}, groups


def test_sysusers_makes_the_units_users_in_one_group(tmp_path):
    users, groups = users_and_groups(tmp_path)
    assert len(users) == len(ALL)
    for unit in ALL:
        found = settings(unit)
        (user,), (group,) = found["User"], found["Group"]
        assert users[user][3] == groups[group], f"{user} isn't in {group}"


def test_both_users_write_to_the_common_directory_and_the_agent_only_its_own_files(lab):
    root = lab.short_directory
    root.chmod(0o755)
    users, _ = users_and_groups(root)
    conf = DEPLOY / "leastjobs.tmpfiles.conf"
    result = run(["systemd-tmpfiles", f"--root={root}", "--create", conf])
    assert result.returncode == 0, result.stderr.decode()
    directories = {value for unit in UNITS for value in settings(unit)["ReadWritePaths"]}
    assert directories == {str(Path(CONFIG_FILE).parent)}
    directory = root / "run/leastjobs"

    def run_as(unit, script):
        """As its user, with its umask; returns whether it worked."""
        _, _, user, group, *_ = users[settings(unit)["User"][0]]
        command = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        script = f"umask {settings(unit)['UMask'][0]} && cd {directory} && {script}"
        return run(command + ["/bin/sh", "-c", script]).returncode == 0

    agent, haproxy = UNITS
    # In either order; files are replaced as both programs do it.
    write_state = "echo x > state.new && chmod 640 state.new && mv -f state.new state"
    write_config = "echo x > haproxy.cfg.new && mv -f haproxy.cfg.new haproxy.cfg"
    for _ in range(2):
        assert run_as(agent, write_state)
        assert run_as(haproxy, write_config + " && cat state")
    assert not run_as(agent, "cat haproxy.cfg")
    assert not run_as(agent, "rm -f haproxy.cfg")
    assert not run_as(agent, "echo y > mine && mv -f mine haproxy.cfg")
    assert not run_as(agent, "mv -f haproxy.cfg elsewhere")
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", directory]
    assert run(as_nobody).returncode != 0


def test_the_emulated_sandbox_refuses_what_the_units_forbid():
    attempts = """
import ctypes, mmap, os, socket
def refused(attempt):
    try:
        attempt()
    except OSError:
        return
    raise SystemExit(f"{attempt} was allowed")
refused(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
refused(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
refused(lambda: os.chown("/", 0, 0))
refused(lambda: os.chroot("/"))
refused(lambda: os.sched_setaffinity(0, {0}))
status = open("/proc/self/status").read()
for line in ("NoNewPrivs:\\t1", "CapEff:\\t" + 16 * "0", "Seccomp:\\t2"):
    assert line in status, status
socket.socket(socket.AF_INET6).close()
socket.socket(socket.AF_UNIX).close()
"""
    for unit in ALL:
        result = run(sandboxed(unit, ["/usr/bin/python3", "-c", attempts]))
        assert result.returncode == 0, result.stderr.decode()


@pytest.mark.quick("other people's jobs come while the farm is idle")
def test_both_programs_work_in_their_units_sandboxes(lab):
    # Much of what genconf can write: HAProxy compiles no regular expression in this sandbox.
    farm = lab.farm(2, EXTRA_PATHS="/v1/models,/docs/")
    # Instance 1 again, by a name, which is looked up without AF_NETLINK.
    by_name = farm.instances[1].url.replace("127.0.0.1", "localhost")
    # The unit's user isn't root; here it is, without root's rights.
    farm.variables["HAPROXY_USER"] = "root"
    farm.variables["INSTANCE_3_URL"] = by_name + "/prefix"
    env_file = lab.directory / "leastjobs.env"
    env_file.write_text("".join(f"{k}={v}\n" for k, v in farm.variables.items()))
    # LeakSanitizer traces its own process, which the sandbox forbids.
    asan = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    places = {ENV_FILE: env_file, CONFIG_FILE: farm.config_path}
    agent_unit, haproxy_unit = (settings(unit) for unit in UNITS)

    def run_line(unit, line):
        result = run(sandboxed(unit, unit_command(line, places)), asan)
        assert result.returncode == 0, result.stderr.decode()

    def start(name, unit, line):
        command = sandboxed(unit, unit_command(line, places))
        return lab.start(Process(name, command, lab.directory, asan))

    run_line(UNITS[1], haproxy_unit["ExecStartPre"][0])
    farm.agent = start("agent", UNITS[0], agent_unit["ExecStart"][0])
    farm.haproxy = start("haproxy", UNITS[1], haproxy_unit["ExecStart"][0])
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    farm.instances[1].set(external_jobs=5)
    farm.wait_for_external({1: 5, 2: 0, 3: 5})
    assert farm.run_job().status == 200

    job = farm.open_job().send()
    farm.wait_until_running(job)
    run_line(UNITS[0], agent_unit["ExecReload"][0])
    run_line(UNITS[1], haproxy_unit["ExecReload"][0])
    before = farm.haproxy.children()
    assert agent_unit["ExecReload"][1] == "kill -HUP $MAINPID"
    farm.agent.send_signal(signal.SIGHUP)
    assert haproxy_unit["ExecReload"][1] == "kill -USR2 $MAINPID"
    farm.haproxy.send_signal(signal.SIGUSR2)
    farm.agent.wait_for_err("configuration reloaded")
    wait_for(lambda: set(farm.haproxy.children()) - set(before), "a new worker")
    farm.wait_for_haproxy()
    # The open job is the old worker's, which the new one can't see.
    farm.wait_for_external({1: 5, 2: 1, 3: 5})
    assert farm.run_job().status == 200

    # The stop: the open job, which the worker before the reload has, may end.
    farm.haproxy.send_signal(getattr(signal, haproxy_unit["KillSignal"][0]))
    farm.haproxy.wait_for_err("Exiting Master process")
    assert farm.haproxy.is_running()
    farm.release_all()
    assert job.response().status == 200
    assert farm.haproxy.wait() == 0


def seconds(span):
    """Of systemd.time(7), as far as the units have it; "5m" of ours."""
    units = {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3600}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"(\d+) ?([a-z]+)", span))


def test_the_single_unit_waits_longer_than_leastjobs_run_does():
    help_text = run([programs()["leastjobs-agent"], "--help"]).stdout.decode()
    ours = seconds(re.search(r"STOP_TIMEOUT=(\S+)", help_text)[1])
    assert ours > 0
    assert ours + 10 <= seconds(settings(SINGLE)["TimeoutStopSec"][0]) <= ours + 60


def test_a_bad_configuration_is_not_started_again_and_again():
    for unit in ALL:
        assert settings(unit)["RestartPreventExitStatus"] == ["2"]
        assert settings(unit)["Restart"] == ["always"]


def test_leastjobs_run_works_in_its_units_sandbox(lab):
    running = Running(lab)
    unit = settings(SINGLE)
    places = {ENV_FILE: running.file}
    asan = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    variables = running.variables | asan | {"HAPROXY_USER": "root"}
    command = sandboxed(SINGLE, unit_command(unit["ExecStart"][0], places))
    running.process = lab.start(Process("run", command, lab.directory, variables))
    running.farm.agent = running.farm.haproxy = running.process
    running.process.wait_for_out(UP)
    jobs = running.farm.open_jobs(1)
    running.change(lambda: running.file.write_text(running.lines((1, 2))))
    check, hang_up = unit["ExecReload"]
    result = run(sandboxed(SINGLE, unit_command(check, places)), variables)
    assert result.returncode == 0, result.stderr.decode()
    assert hang_up == "kill -HUP $MAINPID"
    running.change(lambda: running.process.send_signal(signal.SIGHUP))
    jobs += running.farm.open_jobs(1)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait_for_err("2 jobs are open")
    running.farm.release_all()
    assert [job.response().status for job in jobs] == [200, 200]
    assert running.process.wait() == 0
