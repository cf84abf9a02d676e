"""A balancer that `leastjobs run` runs, with its instances in a .env file."""

import os
import re
import signal
from pathlib import Path

from client import http_request
from processes import Process, build_directory
from waiting import wait_for

UP = r"leastjobs: serving on http"
IN_FORCE = r"leastjobs run: the new configuration is in force"


def run_command():
    return [str(build_directory() / "leastjobs"), "run"]


class Running:
    """`farm` is asked as any other; it knows all simulated instances, the file only some."""

    def __init__(self, lab, count=2, configured=1, arguments=(), **variables):
        self.lab = lab
        self.farm = lab.farm(count, **variables)
        self.folder = lab.directory
        self.file = self.folder / ".env"
        self.variables = {
            name: value
            for name, value in self.farm.variables.items()
            if not name.startswith("INSTANCE_")
        }
        self.arguments = ["--env-file", self.file, *arguments]
        self.file.write_text(self.lines(range(1, configured + 1)))
        self.process = None

    def line(self, number):
        return f"INSTANCE_{number}_URL={self.farm.instances[number].url}\n"

    def lines(self, numbers):
        return "".join(self.line(number) for number in numbers)

    def launch(self):
        command = run_command() + self.arguments
        self.process = self.lab.start(
            Process(self.lab.name("run"), command, self.folder, self.variables)
        )
        # What the farm asks after.
        self.farm.agent = self.farm.haproxy = self.process
        return self

    def start(self):
        self.launch()
        self.process.wait_for_out(UP)
        return self

    # --- processes

    def children(self):
        """name -> pid, of what runs below `leastjobs run`."""
        found = {}
        for pid in self.process.children():
            try:
                words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0]:
                found[os.path.basename(words[0].decode())] = pid
        return found

    def workers(self):
        """Of HAProxy's master."""
        master = self.children().get("haproxy")
        return {
            int(entry)
            for entry in os.listdir("/proc")
            if entry.isdigit() and parent_of(int(entry)) == master is not None
        }

    def wait_for_other(self, name, pid):
        """Waits until another process of this name runs; returns it."""

        def other():
            found = self.children().get(name)
            return found if found != pid else None

        return wait_for(other, f"another {name} than {pid}")

    # --- reloads

    def count(self, pattern):
        return len(re.findall(pattern, self.process.err()))

    def wait_for_more(self, pattern, before):
        self.process.wait_for_err(pattern, count=before + 1)

    def change(self, write):
        """Changes something, and waits until HAProxy has been reloaded for it."""
        before = self.count(IN_FORCE)
        write()
        self.wait_for_more(IN_FORCE, before)

    def wait_until_it_gets_jobs(self, number):
        """An instance that has none gets the next one, once HAProxy knows it."""

        def is_known():
            health = http_request(self.farm.port, target="/health").json()["instances"]
            named = {i["name"]: i for i in health}.get(f"instance{number}")
            return named is not None and named["is_healthy"] and number in self.farm.servers()

        wait_for(is_known, f"instance{number} to be known")
        wait_for(
            lambda: self.farm.open_job_and_see() == number, f"instance{number} to get a job"
        )

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        assert self.process.wait() == 0


def parent_of(pid):
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])

