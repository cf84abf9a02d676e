"""leastjobs drain, maint and ready: an operator's word, and when it is in force."""

import signal

import pytest

from commands import Terminal, leastjobs, start
from waiting import wait_for


def test_a_drain_is_in_force_when_it_returns_and_ready_undoes_it(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    done = leastjobs(farm, "drain", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "instance1 is drained; no job is known there\n"
    assert farm.weights()[1] == 0
    assert farm.run_jobs(5) == [2] * 5
    done = leastjobs(farm, "drain", "2")
    assert done.returncode == 0 and done.stdout.startswith("instance2 is drained; jobs left: ")
    assert "warning: no instance takes jobs now" in done.stderr
    assert farm.run_job().status == 503
    done = leastjobs(farm, "ready", "instance1", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "instance1 is ready\ninstance2 is ready\n"
    farm.wait_for_external({1: 0, 2: 50})
    assert farm.run_jobs(3) == [1] * 3


def test_wait_returns_when_its_last_job_has_ended(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    job = farm.open_job().send()
    assert farm.wait_until_running(job) == 1
    waiting = start(farm, "drain", "1", "--wait")
    farm.wait_for_weights({1: 0})
    # Whatever the reports say meanwhile.
    farm.wait_for_polls(2)
    assert waiting.poll() is None
    farm.release_all()
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, err) == (0, "")
    assert out == "instance1 is drained, and its last job has ended\n"
    assert job.response().status == 200


def test_wait_waits_for_other_peoples_jobs_too(lab):
    farm = lab.start_farm(4, {1: 2, 2: 50, 3: 50}, HEALTH_CHECK_INTERVAL="1h")
    # One that is idle is asked at once: its next check is an hour away.
    done = leastjobs(farm, "drain", "4", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    waiting = start(farm, "drain", "1", "3", "--wait")
    farm.wait_for_weights({1: 0, 3: 0})
    farm.instances[3].set(external_jobs=0)
    farm.wait_for_health(3, external_jobs=0)
    assert waiting.poll() is None
    farm.instances[1].set(external_jobs=0)
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert out.splitlines() == [
        f"instance{n} is drained, and its last job has ended" for n in (1, 3)
    ]


def test_wait_waits_for_a_job_that_goes_on_after_its_answer(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    answer = farm.run_job(job_time=-1, headers=[("X-Sim-Async", "1")])
    assert answer.status == 200 and "job_id" in answer.json()
    waiting = start(farm, "drain", "1", "--wait")
    farm.wait_for_weights({1: 0})
    farm.wait_for_polls(2)
    assert waiting.poll() is None
    farm.release_all()
    assert waiting.wait(30) == 0
    waiting.communicate()


def test_a_time_that_is_over_has_a_status_of_its_own_and_leaves_the_drain(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    farm.wait_until_running(farm.open_job().send())
    done = leastjobs(farm, "drain", "1", "--wait", "--timeout", "500ms")
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr == "leastjobs drain: instance1: 1 in flight, 0 more; it stays drained\n"
    assert farm.weights()[1] == 0
    farm.release_all()


def test_who_waits_at_a_terminal_sees_what_is_left_and_who_has_put_it_back(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    farm.wait_until_running(farm.open_job().send())
    for end in ("its last job", "ready"):
        with Terminal(farm, "drain", "1", "--wait") as terminal:
            terminal.read_until(lambda text: b"instance1: 1 in flight, 0 more; " in text, "it")
            farm.set_state(1, "ready") if end == "ready" else farm.release_all()
            text = terminal.read_to_the_end()
            if end == "ready":
                assert b"instance1 isn't drained any more: somebody has put it back" in text
                assert terminal.process.returncode == 1
            else:
                last = b"\r\x1b[Kinstance1 is drained, and its last job has ended\r\n"
                assert text.endswith(last)
                assert terminal.process.returncode == 0
        assert leastjobs(farm, "ready", "1").returncode == 0
        farm.wait_for_external({1: 0, 2: 50})
        assert farm.wait_until_running(farm.open_job().send()) == 1
    farm.release_all()


def test_what_is_not_there_changes_nothing(lab):
    farm = lab.start_farm(dict(zip((2, 17), lab.sim(2).instances)))
    for word in ("drain", "maint", "ready"):
        for names in (["2", "instance02"], ["-1"], []):
            done = leastjobs(farm, word, *names)
            assert (done.returncode, done.stdout) == (2, ""), names
        assert leastjobs(farm, word, "2", "3").stderr == (
            f'leastjobs {word}: there is no instance "3": there are 2, 17\n'
        )
    assert farm.weights() == {2: 100, 17: 100}


def test_without_the_agent_a_drain_is_refused_and_maint_works(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    farm.agent.stop()
    done = leastjobs(farm, "drain", "1")
    assert done.returncode == 1
    assert "the agent doesn't answer" in done.stderr and "leastjobs maint" in done.stderr
    assert farm.servers()[1]["status"] == "UP"
    assert leastjobs(farm, "maint", "1", "--wait").returncode == 1
    assert farm.servers()[1]["status"] == "UP"
    done = leastjobs(farm, "maint", "1")
    assert (done.returncode, done.stdout) == (0, "instance1 is in maintenance\n")
    assert farm.run_jobs(3) == [2] * 3
    assert leastjobs(farm, "ready", "1").returncode == 0
    farm.wait_for_server(1, "UP")


def test_without_haproxy_nothing_can_be_said(lab):
    farm = lab.start_farm(1)
    farm.haproxy.stop()
    done = leastjobs(farm, "drain", "1")
    assert done.returncode == 1
    assert f"HAProxy can't be asked on {farm.socket}: " in done.stderr


@pytest.mark.quick("three failed checks")
def test_an_unhealthy_instance_is_drained_and_ready_at_once_and_says_so(lab):
    farm = lab.start_farm(2)
    farm.instances[1].set(health="500")
    farm.wait_until_unhealthy(1)
    assert leastjobs(farm, "drain", "1").returncode == 0
    done = leastjobs(farm, "drain", "1", "--wait", "--timeout", "300ms")
    assert done.returncode == 3
    assert "none in flight, but its checks fail" in done.stderr
    done = leastjobs(farm, "ready", "1")
    assert done.returncode == 0
    assert done.stdout.startswith("instance1 is ready, but DOWN")


def test_a_reload_of_haproxy_does_not_end_the_wait(lab):
    farm = lab.start_farm(2, {1: 0, 2: 50})
    job = farm.open_job().send()
    assert farm.wait_until_running(job) == 1
    waiting = start(farm, "drain", "1", "--wait")
    farm.wait_for_weights({1: 0})
    state = farm.socket.parent / f"{farm.socket.name}.state" / "servers"
    wait_for(lambda: " instance1 " in state.read_text(), "the drain in the state file")
    farm.haproxy.send_signal(signal.SIGUSR2)
    farm.agent.wait_for_err("is a new process")
    # The old process has the job; the new one knows nothing of it.
    farm.wait_for_polls(2)
    assert waiting.poll() is None
    farm.release_all()
    assert job.response().status == 200
    assert waiting.wait(30) == 0
    waiting.communicate()
