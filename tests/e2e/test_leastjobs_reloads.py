"""leastjobs drain and maint while `leastjobs run` reloads HAProxy."""

import os
import re
import signal
from pathlib import Path

from commands import leastjobs, start
from running import Running
from waiting import wait_for


def reload(farm):
    assert leastjobs(farm, "reload").returncode == 0


def test_a_job_of_an_earlier_worker_is_waited_for(lab):
    running = Running(lab, count=2, configured=2, JOBS_SOURCE="none").start()
    farm = running.farm
    job = farm.open_job().send()
    number = farm.wait_until_running(job)
    # Two workers ago.
    reload(farm)
    reload(farm)
    done = leastjobs(farm, "drain", str(number), "--wait", "--timeout", "500ms")
    assert done.returncode == 3
    assert f"instance{number}: 1 in flight, 0 more; it stays drained" in done.stderr
    waiting = start(farm, "drain", str(number), "--wait")
    farm.release_all()
    assert job.response().status == 200
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out) == (
        0,
        f"instance{number} is drained, and its last job has ended\n",
    ), err
    running.stop()


def has_pending(pid, number):
    """A signal that a stopped process has yet to see."""
    status = Path("/proc", str(pid), "status").read_text()
    return int(re.search(r"ShdPnd:\s*(\w+)", status).group(1), 16) >> (number - 1) & 1


def test_an_order_during_a_reload_is_not_lost(lab):
    running = Running(lab, count=2, configured=2).start()
    farm = running.farm
    # What operators have said is written, and the master is told: it is a slow one.
    master = running.children()["haproxy"]
    os.kill(master, signal.SIGSTOP)
    reloading = start(farm, "reload")
    wait_for(lambda: has_pending(master, signal.SIGUSR2), "the master to be told")
    saying = start(farm, "maint", "1")
    wait_for(lambda: farm.servers()[1]["status"].startswith("MAINT"), "the old worker to hear it")
    os.kill(master, signal.SIGCONT)
    for process in (reloading, saying):
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
    assert farm.servers()[1]["status"].startswith("MAINT")
    running.stop()
