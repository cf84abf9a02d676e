"""leastjobs run: its processes, when one ends, can't start, or is one too many."""

import os
import signal
import socket
import subprocess

from processes import Process, environment
from running import IN_FORCE, UP, Running, run_command
from waiting import wait_for


def test_an_agent_that_is_killed_comes_back_and_jobs_do_not_notice(lab):
    running = Running(lab).start()
    job = running.farm.open_job().send()
    running.farm.wait_until_running(job)
    for count in range(1, 4):
        agent = running.children()["leastjobs-agent"]
        os.kill(agent, signal.SIGKILL)
        running.process.wait_for_err(
            r"the agent ended by signal 9 \(Killed\): it is started again.*jobs go by the last counts",
            count=count,
        )
        running.wait_for_other("leastjobs-agent", agent)
        assert running.farm.run_job().status == 200
    # The third had to wait.
    running.process.wait_for_err("started again in 0.25 s")
    running.farm.wait_for_agent()
    running.farm.release_all()
    assert job.response().status == 200


def test_haproxy_comes_back_whichever_of_its_processes_is_killed(lab):
    running = Running(lab).start()

    def kill_and_wait(count, victims, others=()):
        """`others` come back too; both ends are heard of in the same moment."""
        before = running.children()
        os.kill(running.process.pid, signal.SIGSTOP)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        os.kill(running.process.pid, signal.SIGCONT)
        for name in ("haproxy", *others):
            running.wait_for_other(name, before[name])
        running.process.wait_for_err("HAProxy takes jobs again", count=count)
        assert running.farm.run_job().status == 200

    kill_and_wait(1, running.workers())
    kill_and_wait(2, [running.children()["haproxy"]])
    kill_and_wait(3, running.children().values(), ["leastjobs-agent"])
    # Nothing of the earlier ones is left, not even a zombie.
    wait_for(lambda: len(running.process.children()) == 2, "two children")
    # It goes on following its file.
    running.change(lambda: running.file.write_text(running.lines((1, 2))))


def test_a_change_while_haproxy_starts_is_in_force_when_it_has(lab):
    """A signal that comes before its master can take it would be its end."""
    running = Running(lab).start()
    master = running.children()["haproxy"]
    os.kill(master, signal.SIGKILL)
    other = running.wait_for_other("haproxy", master)
    os.kill(other, signal.SIGSTOP)
    running.file.write_text(running.lines((1, 2)))
    running.process.wait_for_err("configuration reloaded: 2 instances")
    os.kill(other, signal.SIGCONT)
    running.process.wait_for_err(IN_FORCE)
    assert running.count("HAProxy ended") == 1
    running.wait_until_it_gets_jobs(2)


def test_ports_in_use_end_it_with_1(lab):
    """Also one that its server would share, as another HAProxy does."""
    running = Running(lab)
    shared = socket.create_server(("127.0.0.1", running.farm.port), reuse_port=True)
    with shared, socket.create_server(("127.0.0.1", running.farm.agent_port)):
        running.launch()
        running.process.expected = (1,)
        assert running.process.wait() == 1
    for name, port in (("PORT", running.farm.port), ("AGENT_PORT", running.farm.agent_port)):
        assert running.count(f' {name}="{port}" with .*: Address already in use') == 1
    assert not running.farm.socket.exists()


def test_a_bad_configuration_ends_it_with_2_and_genconfs_messages(lab):
    running = Running(lab, API_KEYS_FILE="/missing")
    running.file.write_text("INSTANCE_1_URL=ftp://x\nPORT=0\n")
    del running.variables["PORT"]
    running.launch()
    running.process.expected = (2,)
    assert running.process.wait() == 2
    assert running.process.err().count("leastjobs-genconf: error: ") == 2
    assert not running.farm.socket.exists()


def test_the_second_on_a_socket_is_refused(lab):
    running = Running(lab).start()
    first = running.process
    running.launch()
    running.process.expected = (1,)
    assert running.process.wait() == 1
    assert "another leastjobs run has HAPROXY_SOCKET=" in running.process.err()
    assert first.is_running()
    assert running.farm.run_job().status == 200


def test_nothing_is_left_of_one_that_is_killed(lab):
    running = Running(lab).start()
    job = running.farm.open_job().send()
    running.farm.wait_until_running(job)
    running.change(lambda: running.file.write_text(running.lines((1, 2))))
    left = {*running.process.children(), *running.workers()}
    assert len(left) == 4
    running.process.kill()

    def all_gone():
        # Orphans come to us: we are a subreaper.
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        return not [pid for pid in left if os.path.exists(f"/proc/{pid}")]

    wait_for(all_gone, "its processes to end")


def test_as_pid_1_it_reaps_and_stops(lab):
    running = Running(lab)
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    running.process = lab.start(
        Process("run", command + run_command() + running.arguments, lab.directory, running.variables)
    )
    running.farm.agent = running.farm.haproxy = running.process
    running.process.wait_for_out(UP)
    (first,) = running.process.children()
    enter = ["nsenter", "-t", str(first), "-p", "-m"]
    # An orphan: its parent has gone before it.
    subprocess.run(enter + ["sh", "-c", "sleep 0.05 & exit"], env=environment(), check=True)

    def names():
        done = subprocess.run(
            enter + ["ps", "-e", "-o", "comm="], env=environment(), capture_output=True, check=True
        )
        return sorted(done.stdout.decode().split())

    wait_for(
        lambda: names() == ["haproxy", "haproxy", "leastjobs", "leastjobs-agent", "ps"],
        "the orphan to be reaped",
    )
    os.kill(first, signal.SIGTERM)
    assert running.process.wait() == 0


def test_a_signal_before_there_is_a_handler_is_not_lost(lab):
    """As PID 1 it would be ignored; else it would be the end, without order."""
    running = Running(lab)
    text = running.file.read_text()
    running.file.unlink()
    os.mkfifo(running.file)
    running.launch()
    with open(running.file, "w", encoding="utf-8") as pipe:  # once it is being read
        running.process.send_signal(signal.SIGTERM)
        pipe.write(text)
    assert running.process.wait() == 0
    assert running.count("stopping on signal Terminated") == 1


def test_the_service_manager_is_told(lab):
    running = Running(lab)
    path = lab.short_directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(30)
        running.variables["NOTIFY_SOCKET"] = path
        running.start()
        assert manager.recv(1000) == b"READY=1"
        running.process.send_signal(signal.SIGHUP)
        assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(1000) == b"READY=1"
        running.stop()
        assert manager.recv(1000) == b"STOPPING=1"
