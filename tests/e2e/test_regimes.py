"""Jobs go to the fewest as farms are shipped: checks every 30 s, every second while jobs run.

What is compared are counts; the times are those of the regime, not bounds.
"""

import time
from collections import Counter

from client import Job, run_in_loop
from load import reload_and_wait, wait_for_state_file
from waiting import wait_for

HELD = -1
ASYNC = [("X-Sim-Async", "1")]
# Reports come every second while jobs run; nothing here waits for a half-minute's check.
REPORT_DEADLINE = 6


def wait_for_known(farm, right, what):
    """Waits for a report of what runs now."""

    def known():
        found = farm.known()
        assert right(found), f"known are {found}"
        return True

    wait_for(known, what, REPORT_DEADLINE)


def test_an_instance_four_times_as_fast_gets_the_most_by_far(lab):
    sim = lab.sim(2, ["--slots", 1])
    fast, slow = sim.instances
    fast.set(job_time_ms=300)
    slow.set(job_time_ms=1200)
    farm = lab.start_farm(sim.instances)
    responses = run_in_loop(farm.port, 40, clients=8, job_time=None)
    assert [r.status for r in responses] == [200] * 40
    counts = Counter(r.header("X-Sim-Instance") for r in responses)
    # Four each at first; then one to whom has ended one: 30 and 10.
    assert counts["1"] >= 25, counts
    assert counts["2"] >= 4, counts


def test_short_jobs_go_to_the_idle_one_of_three(lab):
    farm = lab.start_farm(3, {2: 5, 3: 5})
    assert farm.run_jobs(12, job_time=300) == [1] * 12


def test_asynchronous_jobs_with_a_slow_upload_are_counted(lab):
    farm = lab.start_farm(6)
    numbers = []
    for _ in range(6):
        job = Job(farm.port, HELD, ASYNC).send_slowly(1.2)
        numbers.append(farm.number_of_answer(job.response()))
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


def test_bursts_of_asynchronous_jobs_stay_close_to_the_fewest(lab):
    farm = lab.start_farm(4)
    excess = []
    for _ in range(9):
        # 3 to 20 s, as they come: 20 in one moment, the next after some of them have ended.
        jobs = [Job(farm.port, 3000 + 850 * i, ASYNC).send() for i in range(20)]
        responses = [job.response() for job in jobs]
        excess += [int(response.header("X-Sim-Excess")) for response in responses]
        time.sleep(3)
    # Those that ended since the last report can't be known; round robin has 2.
    assert sum(excess) / len(excess) < 1.75, Counter(excess)
    assert max(excess) <= 10, Counter(excess)


def test_jobs_that_their_clients_have_left_count_as_long_as_they_run(lab):
    sim = lab.sim(3)
    sim.all(deaf=True)
    farm = lab.start_farm(sim.instances)

    def come_and_leave(count):
        jobs = farm.open_jobs(count)
        for job in jobs:
            job.close()
        wait_for(lambda: set(farm.in_flight().values()) == {0}, "HAProxy to let go of them")
        running = [state["running"] for state in sim.states()]
        wait_for_known(
            farm, lambda found: list(found.values()) == running, f"reports of {running} jobs"
        )

    for number in (2, 3):
        farm.set_state(number, "maint")
    come_and_leave(9)
    for number in (2, 3):
        farm.set_state(number, "ready")
        farm.wait_for_server(number, "UP")
    assert farm.counts() == {1: 9, 2: 0, 3: 0}
    for _ in range(6):
        come_and_leave(3)
    assert farm.counts() == {1: 9, 2: 9, 3: 9}


def test_after_a_reload_the_jobs_of_the_old_process_count_at_once(lab):
    farm = lab.start_farm(2)
    farm.set_state(2, "maint")
    jobs = farm.open_jobs(20)
    assert farm.in_flight() == {1: 20, 2: 0}
    farm.set_state(2, "ready")
    farm.wait_for_server(2, "UP")
    wait_for_state_file(farm, set())
    reload_and_wait(farm)
    wait_for_known(farm, lambda found: found == {1: 20, 2: 0}, "the old process's jobs")
    assert farm.run_jobs(8) == [2] * 8
    farm.release_all()
    assert [job.response().status for job in jobs] == [200] * 20


def test_every_instance_is_asked_each_second_while_one_job_runs_and_no_longer(lab):
    farm = lab.start_farm(4)
    job = farm.open_job().send()
    farm.wait_until_running(job)
    begin = {n: i.state()["health_requests"] for n, i in farm.instances.items()}

    def asked():
        now = {n: i.state()["health_requests"] for n, i in farm.instances.items()}
        assert all(now[n] >= begin[n] + 4 for n in now), f"{begin}, then {now}"
        return now

    # Thirty seconds apart, two of them would not fit.
    wait_for(asked, "four checks of each", 12)
    farm.release_all()
    assert job.response().status == 200
    last = {"checks": None, "since": 0.0}

    def quiet():
        checks = [i.state()["health_requests"] for i in farm.instances.values()]
        if checks != last["checks"]:
            last.update(checks=checks, since=time.monotonic())
        return time.monotonic() - last["since"] > 3

    wait_for(quiet, "three seconds without a check")


def test_an_idle_farm_is_asked_once_in_each_interval(lab):
    farm = lab.start_farm(2, HEALTH_CHECK_INTERVAL="2s", JOBS_INTERVAL="100ms")
    # All at once for each new process, agent and HAProxy, then each when its turn is.
    farm.wait_for_polls(2)
    begin = {n: len(i.health_requests()) for n, i in farm.instances.items()}
    farm.wait_for_polls(3)
    for number, instance in farm.instances.items():
        records = instance.health_requests()[begin[number] - 1 :]
        times = [record.values["started"] for record in records]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        # Every 100 ms it would be if a job ran.
        assert min(gaps) > 1, gaps
