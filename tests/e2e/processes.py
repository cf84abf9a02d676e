"""Processes with their own output files, ended by pid, and checked for a clean end."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from waiting import SLOWNESS, wait_for

ROOT = Path(__file__).resolve().parents[2]
STOP_DEADLINE = 10
KEPT_VARIABLES = (
    "PATH",
    "LANG",
    "LD_LIBRARY_PATH",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
    "LLVM_PROFILE_FILE",
)
SANITIZER_REPORT = re.compile(
    r"(AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|: runtime error: |==\d+== )"
)


def build_directory():
    return Path(ROOT, os.environ.get("LEASTJOBS_BUILD", "build")).resolve()


def is_instrumented():
    """Under ASan or valgrind memory isn't the agent's own: its bounds mean nothing."""
    return "sanitized" in str(build_directory()) or bool(os.environ.get("LEASTJOBS_AGENT_WRAPPER"))


def genconf_command():
    return [str(build_directory() / "leastjobs-genconf")]


def agent_command():
    wrapper = shlex.split(os.environ.get("LEASTJOBS_AGENT_WRAPPER", ""))
    return wrapper + [str(build_directory() / "leastjobs-agent")]


def sim_command():
    return [str(build_directory() / "leastjobs-sim")]


def haproxy_command():
    chosen = os.environ.get("LEASTJOBS_HAPROXY")
    if chosen:
        return [chosen]
    for directory in os.environ.get("PATH", "").split(":") + ["/usr/sbin"]:
        candidate = Path(directory) / "haproxy"
        if directory and os.access(candidate, os.X_OK):
            return [str(candidate)]
    raise AssertionError("haproxy isn't installed: neither on PATH nor at /usr/sbin/haproxy")


def environment(variables=None):
    """A process's whole environment: nothing of ours but what the test names."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {name: str(value) for name, value in (variables or {}).items()}


def run(command, variables=None, timeout=60):
    """Runs a command to its end; standard output and error are bytes."""
    return subprocess.run(
        [str(part) for part in command],
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout * SLOWNESS,
        check=False,
    )


def assert_no_sanitizer_report(text, where):
    found = SANITIZER_REPORT.search(text)
    assert found is None, f"{where}: {text[found.start():][:3000]}"


class Process:
    """A running program with its standard output and error in files of `directory`."""

    def __init__(self, name, command, directory, variables=None, expected=(0,)):
        self.name = name
        self.command = [str(part) for part in command]
        self.expected = expected
        self.out_path = Path(directory) / f"{name}.out"
        self.err_path = Path(directory) / f"{name}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(
                self.command,
                env=environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                # Ctrl-C is pytest's alone: it ends them in their order.
                start_new_session=True,
            )
        self.pid = self.popen.pid

    def out(self):
        return self.out_path.read_text(errors="replace")

    def err(self):
        return self.err_path.read_text(errors="replace")

    def is_running(self):
        return self.popen.poll() is None

    def assert_running(self):
        assert self.is_running(), f"{self.name} ended with {self.popen.returncode}:\n{self.err()}"

    def send_signal(self, number):
        self.assert_running()
        os.kill(self.pid, number)

    def catches(self, number):
        """Whether a signal has a handler and isn't blocked (proc(5), status)."""
        status = Path("/proc", str(self.pid), "status").read_text()
        masks = {name: int(mask, 16) for name, mask in re.findall(r"(Sig\w+):\t(\w+)", status)}
        bit = 1 << (number - 1)
        return bool(masks["SigCgt"] & bit) and not masks["SigBlk"] & bit

    def kill(self):
        """An end without warning, which a test wants."""
        self.expected = (-signal.SIGKILL,)
        self.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self, timeout=STOP_DEADLINE):
        return self.popen.wait(timeout * SLOWNESS)

    def children(self):
        return [pid for pid, parent in _parents().items() if parent == self.pid]

    def wait_for_err(self, pattern, what=None, count=1):
        """Waits until standard error has `count` lines that match, and returns them."""
        return self._wait_for_lines(self.err, pattern, what, count)

    def wait_for_out(self, pattern, what=None, count=1):
        return self._wait_for_lines(self.out, pattern, what, count)

    def _wait_for_lines(self, read, pattern, what, count):
        def found():
            lines = [line for line in read().splitlines() if re.search(pattern, line)]
            if len(lines) >= count:
                return lines
            self.assert_alive_or_expected()
            return None

        return wait_for(found, what or f"{count} line(s) of {self.name} with {pattern!r}")

    def assert_alive_or_expected(self):
        code = self.popen.poll()
        if code is not None and code not in self.expected:
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.err()}")

    def stop(self):
        """Ends it with SIGTERM and returns what was wrong with the way it ended."""
        problems = []
        if self.is_running():
            os.kill(self.pid, signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                problems.append(f"{self.name} doesn't end on SIGTERM")
                self.popen.kill()
                self.popen.wait()
        if self.popen.returncode not in self.expected:
            problems.append(f"{self.name} ended with {self.popen.returncode}")
        for text in (self.out(), self.err()):
            found = SANITIZER_REPORT.search(text)
            if found is not None:
                problems.append(f"{self.name}: {text[found.start():][:3000]}")
        return problems

    def tails(self, lines=40):
        for path in (self.out_path, self.err_path):
            text = path.read_text(errors="replace").splitlines()
            if text:
                yield f"{path.name} ({len(text)} lines)", "\n".join(text[-lines:])


def _parents():
    """pid -> parent's pid of every process, zombies too."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        # The command's name stands in parentheses and may hold anything.
        parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def own_children():
    """What is left of our processes: children, orphans that came to us, and zombies."""
    return {pid for pid, parent in _parents().items() if parent == os.getpid()}


def end_own_children():
    """Ends and reaps what should not be there any more; returns what it was."""
    left = []
    for pid in own_children():
        stat = Path("/proc", str(pid), "stat").read_text()
        left.append(f"{pid} {stat[stat.index('(') : stat.rindex(')') + 3]}")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return left


def memory_kib(pid, field):
    """VmRSS or VmHWM of /proc/PID/status."""
    for line in Path("/proc", str(pid), "status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no {field}")


def reset_peak_memory(pid):
    """VmHWM starts again from VmRSS (proc(5), clear_refs)."""
    Path("/proc", str(pid), "clear_refs").write_text("5")
