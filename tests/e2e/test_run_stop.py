"""leastjobs run: its end, with jobs open."""

import os
import re
import signal
import time
from pathlib import Path

from processes import Process
from running import Running, run_command
from waiting import wait_for

CUT_OFF = re.compile(r"pick=instance\d .* state=K\S")


def with_jobs(lab, **variables):
    """Three jobs in a worker that a reload has left behind, three in the current one."""
    running = Running(lab, **variables).start()
    jobs = running.farm.open_jobs(3)
    running.change(lambda: running.file.write_text(running.lines((1, 2))))
    return running, jobs + running.farm.open_jobs(3)


def lines_of_cut_jobs(running):
    return len(CUT_OFF.findall(running.process.out()))


def test_open_jobs_may_end_and_new_ones_are_refused(lab):
    running, jobs = with_jobs(lab)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait_for_err(r"6 jobs are open, which may end within 300 s")

    def is_refused():
        try:
            return running.farm.request().status == 503
        except OSError:
            return True

    wait_for(is_refused, "the port to be closed")
    assert running.process.is_running()
    running.farm.release_all()
    assert [job.response().status for job in jobs] == [200] * 6
    assert running.process.wait() == 0
    assert lines_of_cut_jobs(running) == 0


def test_what_is_open_after_stop_timeout_is_cut_off_and_has_its_line(lab):
    running, _ = with_jobs(lab, STOP_TIMEOUT="200ms")
    running.stop()
    assert running.count("STOP_TIMEOUT is over: open jobs are cut off") == 1
    assert lines_of_cut_jobs(running) == 6


def test_the_second_signal_cuts_off_at_once(lab):
    running, _ = with_jobs(lab)
    running.process.send_signal(signal.SIGINT)
    running.process.wait_for_err("6 jobs are open")
    running.stop(signal.SIGINT)
    assert running.count("stopping at once") == 1
    assert lines_of_cut_jobs(running) == 6


def test_a_stop_before_all_works_is_one(lab):
    running = Running(lab).launch()
    running.process.wait_for_err("leastjobs run .*: 1 instance")
    running.stop()


def test_a_stop_in_the_middle_of_a_reload_loses_no_job(lab):
    running = Running(lab).start()
    (job,) = running.farm.open_jobs(1)
    running.process.send_signal(signal.SIGHUP)
    running.process.wait_for_err("Reloading HAProxy")
    running.process.send_signal(signal.SIGTERM)
    running.process.wait_for_err("1 job is open")
    running.farm.release_all()
    assert job.response().status == 200
    assert running.process.wait() == 0


def is_pending(pid, number):
    """A signal to a process that is stopped."""
    (pending,) = re.findall(r"ShdPnd:\t(\w+)", Path("/proc", str(pid), "status").read_text())
    return int(pending, 16) >> (number - 1) & 1


def test_a_stop_in_a_slow_reload_cuts_off_nothing_before_its_time(lab):
    running = Running(lab, STOP_TIMEOUT="60s").start()
    (job,) = running.farm.open_jobs(1)
    master = running.children()["haproxy"]
    os.kill(master, signal.SIGSTOP)
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: is_pending(master, signal.SIGUSR2), "the reload to begin")
    running.process.send_signal(signal.SIGTERM)
    running.process.wait_for_err("stopping on signal")
    time.sleep(3.2)  # more than a master gets that has no jobs yet
    assert not is_pending(master, signal.SIGTERM)
    os.kill(master, signal.SIGCONT)
    running.process.wait_for_err("1 job is open")
    running.farm.release_all()
    assert job.response().status == 200
    assert running.process.wait() == 0


def test_a_private_folder_goes_at_the_end(lab):
    running = Running(lab)
    del running.variables["HAPROXY_SOCKET"]
    running.arguments.append("--private")
    running.start()
    folder = Path(re.search(r"configuration: (\S+)\)", running.process.out())[1]).parent
    assert (folder / "haproxy.sock.admin").exists()
    running.stop()
    assert not folder.exists()


def test_what_its_parent_has_left_to_it_ends_too(lab):
    """As tools/run does with the simulator."""
    running = Running(lab)
    script = 'sleep 1000 & exec "$@"'
    command = ["bash", "-c", script, "bash", *run_command(), *running.arguments]
    running.process = lab.start(Process("run", command, lab.directory, running.variables))
    running.process.wait_for_out("serving on http")
    assert "sleep" in running.children()
    running.stop()
