"""leastjobs drain and maint while `leastjobs run` reloads HAProxy."""

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


def test_an_order_during_a_reload_is_not_lost(lab):
    running = Running(lab, count=2, configured=2).start()
    farm = running.farm
    for count in range(4):
        word, status = (("maint", "MAINT"), ("ready", "UP"))[count % 2]
        reloading = start(farm, "reload")
        done = leastjobs(farm, word, "1")
        assert done.returncode == 0, done.stderr
        assert reloading.wait(30) == 0
        reloading.communicate()
        wait_for(lambda: farm.servers()[1]["status"].startswith(status), f"{status}: {count}")
    running.stop()
