"""leastjobs run: files change while jobs run."""

import os
import signal
import socket
import subprocess

from client import http_request
from processes import genconf_command, run
from running import IN_FORCE, Running
from waiting import wait_for

OPEN_JOBS = 50
BAD = r"leastjobs run: the new configuration is bad: the old one stays in force"
AGAIN = r"leastjobs run: the configuration is good again"
NOTHING_NEW = r"leastjobs run: the configuration was read again: nothing is new for HAProxy"


def replace(running, number):
    """As editors do it: another file, renamed."""
    other = running.folder / ".env.swp"
    other.write_text(running.file.read_text() + running.line(number))
    os.replace(other, running.file)


def append(running, number):
    with open(running.file, "a") as file:
        file.write(running.line(number))


def sed(running, number):
    line = running.line(number).rstrip("\n")
    subprocess.run(["sed", "-i", f"$a {line}", running.file], check=True)


def write_in_place(running, number):
    """Truncated, then written in two pieces, as `cp` and some editors do it."""
    text = running.file.read_text() + running.line(number)
    with open(running.file, "w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        file.write(text[len(text) // 2 :])


def change_ten_times(running, number):
    """Nine of them are other configurations, which nobody may see."""
    text = running.file.read_text()
    for i in range(9):
        running.file.write_text(text + f"CHECK_TIMEOUT={i + 2}s\n")
    running.file.write_text(text + running.line(number))


def switch_link(running, number):
    """As Kubernetes changes a ConfigMap: .env -> ..data/.env, ..data -> a folder."""
    for name, text in (("one", running.file.read_text()), ("two", None)):
        folder = running.folder / name
        folder.mkdir()
        (folder / ".env").write_text(text or running.file.read_text() + running.line(number))
    data = running.folder / "..data"
    data.symlink_to("one")
    (running.folder / "link").symlink_to("..data/.env")
    os.replace(running.folder / "link", running.file)
    wait_for(lambda: running.count(NOTHING_NEW) == 1, "the link to be read")
    (running.folder / "next").symlink_to("two")
    os.replace(running.folder / "next", data)


WAYS = [replace, append, sed, write_in_place, change_ten_times, switch_link]


def test_a_file_may_be_changed_in_any_way_while_jobs_run(lab):
    running = Running(lab, count=2 + len(WAYS), configured=2).start()
    farm = running.farm
    jobs = farm.open_jobs(OPEN_JOBS)
    for number, change in enumerate(WAYS, start=3):
        running.change(lambda change=change, number=number: change(running, number))
        running.wait_until_it_gets_jobs(number)
    assert running.count(BAD) == 0
    farm.release_all()
    assert [job.response().status for job in jobs] == [200] * OPEN_JOBS
    marks = [record.mark for records in farm.records().values() for record in records]
    assert len(marks) == len(set(marks)) and {job.mark for job in jobs} <= set(marks)
    # Each reload has left a worker behind, which ends with its jobs.
    wait_for(lambda: len(running.workers()) == 1, "the old workers to end")
    running.stop()


def test_a_bad_file_changes_nothing_and_says_why_once(lab):
    running = Running(lab).start()
    workers, agent = running.workers(), running.children()["leastjobs-agent"]
    good = running.file.read_text()
    running.file.write_text(good + "INSTANCE_2_URL=ftp://x\n")
    running.process.wait_for_err(BAD)
    running.file.write_text(good + "INSTANCE_2_URL=gopher://x\n")
    running.process.wait_for_err(BAD, count=2)
    # The second was read as often as the first: neither is said again.
    said = running.process.err()
    assert said.count("ftp://x") == said.count("gopher://x") == 1
    assert (workers, agent) == (running.workers(), running.children()["leastjobs-agent"])
    assert running.farm.run_job().status == 200
    running.file.write_text(good)
    running.process.wait_for_err(AGAIN)
    assert running.workers() == workers


def test_what_only_the_agent_reads_is_checked_too(lab):
    headers = lab.directory / "headers"
    headers.write_text("X-One: 1\n")
    running = Running(lab, HEALTH_HEADERS_FILE=headers).start()
    workers = running.workers()
    headers.write_text("no header field\n")
    running.process.wait_for_err(BAD)
    assert running.count("line 1: expected a header field") == 1
    headers.write_text("X-One: 2\n")
    running.process.wait_for_err(AGAIN)
    assert running.workers() == workers


def test_a_file_that_vanishes_or_is_missing_is_bad_until_it_is_there(lab):
    running = Running(lab).start()
    text = running.file.read_text()
    running.file.unlink()
    running.process.wait_for_err(BAD)
    assert running.count(r"\.env: can't be read") == 1
    # One that it names, next.
    keys = lab.directory / "keys"
    running.file.write_text(text + f"API_KEYS_FILE={keys}\n")
    running.process.wait_for_err(BAD, count=2)
    assert running.farm.run_job().status == 200
    running.change(lambda: keys.write_text("the-first-of-the-keys\n"))
    assert running.count(AGAIN) == 1
    assert status_with(running, "the-first-of-the-keys") == 200
    # It stays watched.
    running.change(lambda: keys.write_text("another-of-the-keys\n"))
    assert status_with(running, "the-first-of-the-keys") == 401
    assert status_with(running, "another-of-the-keys") == 200


def status_with(running, key):
    return running.farm.run_job(headers=[("Authorization", f"Bearer {key}")]).status


def test_a_change_that_is_nothing_to_haproxy_leaves_its_worker(lab):
    running = Running(lab).start()
    workers = running.workers()
    running.file.write_text("# " + running.file.read_text() + running.file.read_text())
    running.process.wait_for_err(NOTHING_NEW)
    running.file.write_text(running.file.read_text() + "JOBS_INTERVAL=2\n")
    running.process.wait_for_err(NOTHING_NEW, count=2)
    running.process.wait_for_err("configuration reloaded", count=2)
    assert running.workers() == workers


def test_signals_reload_what_has_not_changed_and_what_an_operator_said_just_before_stands(lab):
    running = Running(lab, count=2, configured=2).start()
    agent = running.children()["leastjobs-agent"]
    for number, state, wanted in (
        (signal.SIGHUP, "maint", "MAINT"),
        (signal.SIGUSR2, "ready", "UP"),
    ):
        workers = running.workers()
        # It would note that too, in a moment.
        os.kill(agent, signal.SIGSTOP)
        running.farm.set_state(1, state)
        running.change(lambda number=number: running.process.send_signal(number))
        assert running.farm.servers()[1]["status"].startswith(wanted)
        assert running.workers() != workers
        os.kill(agent, signal.SIGCONT)


def test_another_socket_takes_a_restart_and_says_so(lab):
    running = Running(lab)
    del running.variables["HAPROXY_SOCKET"]
    setting = f"HAPROXY_SOCKET={running.farm.socket}"
    running.file.write_text(running.file.read_text() + setting + "\n")
    running.start()
    running.file.write_text(running.file.read_text().replace(setting, setting + "x"))
    running.process.wait_for_err("another HAPROXY_SOCKET, which takes a stop and a start")
    assert running.farm.run_job().status == 200
    assert running.count(IN_FORCE) == 0


def test_a_port_in_use_is_refused_and_taken_when_it_is_free(lab):
    running = Running(lab)
    for name in ("PORT", "STATUS_PORT"):
        del running.variables[name]
    ports = f"PORT={running.farm.port}\nSTATUS_PORT={running.farm.status_port}\n"
    text = running.file.read_text()
    running.file.write_text(text + ports)
    running.start()
    before = running.children(), running.workers(), haproxy_cfg(running)
    (job,) = running.farm.open_jobs(1)
    port, status_port = lab.ports.take(), lab.ports.take()
    status = socket.create_server(("127.0.0.1", status_port))
    with status, socket.create_server(("127.0.0.1", port), reuse_port=True):
        running.file.write_text(f"{text}PORT={port}\nSTATUS_PORT={status_port}\n")
        running.process.wait_for_err("the new configuration is bad as long as that is so")
        assert running.count(rf' PORT="{port}" with .*: Address already in use') == 1
        assert running.count(rf' STATUS_PORT="{status_port}" with .*: Address already in use') == 1
        assert before == (running.children(), running.workers(), haproxy_cfg(running))
        assert running.count("configuration reloaded") == 0
    running.process.wait_for_err(IN_FORCE)
    assert http_request(port, target="/health").status == 200
    assert http_request(status_port, target="/health").status == 200
    running.farm.release_all()
    assert job.response().status == 200


def haproxy_cfg(running):
    return (running.farm.socket.parent / "haproxy.cfg").read_text()


def test_what_haproxy_has_not_taken_is_not_what_it_starts_with(lab):
    """It ends in the middle of a reload, for whatever reason."""
    running = Running(lab).start()
    good = haproxy_cfg(running)
    master = running.children()["haproxy"]
    os.kill(master, signal.SIGSTOP)
    running.file.write_text(running.lines((1, 2)))
    wait_for(lambda: haproxy_cfg(running) != good, "the reload to begin")
    os.kill(master, signal.SIGKILL)
    running.process.wait_for_err("HAProxy ended while it took the new configuration")
    running.process.wait_for_err("HAProxy takes jobs again")
    assert haproxy_cfg(running) == good
    running.change(lambda: running.process.send_signal(signal.SIGHUP))
    running.wait_until_it_gets_jobs(2)


def test_a_failure_that_passes_is_said_once_and_tried_again(lab):
    running = Running(lab)
    new = running.farm.socket.parent / "haproxy.cfg.new"
    new.mkdir()
    path = lab.short_directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(30)
        running.variables["NOTIFY_SOCKET"] = path
        running.start()
        assert manager.recv(1000) == b"READY=1"
        running.file.write_text(running.lines((1, 2)))
        for _ in range(2):  # the first, and the next one
            assert manager.recv(1000).startswith(b"RELOADING=1")
            assert manager.recv(1000) == b"READY=1"
    assert running.count("haproxy.cfg.new isn't a regular file") == 1
    assert running.count("can't be put in force now .*it is tried again") == 1
    running.change(new.rmdir)
    assert running.count(AGAIN) == 1 and running.count(BAD) == 0
    running.wait_until_it_gets_jobs(2)


def test_a_pipe_that_nobody_writes_to_is_bad(lab):
    """What waits for a writer without end holds back every later change."""
    os.mkfifo(lab.directory / ".env")
    done = run([*genconf_command(), "--env-file", lab.directory / ".env"])
    assert done.returncode == 2
    assert b".env: can't be read: it is a pipe that nobody writes to" in done.stderr
