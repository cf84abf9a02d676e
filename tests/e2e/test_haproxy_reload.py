"""HAProxy reloaded (SIGUSR2): the old process finishes its jobs, the new one counts them."""

import signal

from client import Load
from waiting import wait_for


def test_jobs_of_the_old_process_count_and_end_well(lab):
    farm = lab.start_farm(2)
    jobs = farm.open_jobs(6)
    assert farm.in_flight() == {1: 3, 2: 3}
    farm.haproxy.send_signal(signal.SIGUSR2)
    # The new process has nothing in flight itself.
    wait_for(lambda: farm.in_flight() == {1: 0, 2: 0}, "the new process")
    farm.wait_for_external({1: 3, 2: 3})
    farm.instances[1].release(3)
    farm.wait_for_external({1: 0, 2: 3})
    assert farm.run_jobs(3) == [1] * 3
    farm.instances[2].release(3)
    for job in jobs:
        assert job.response().status == 200
    farm.wait_for_external({1: 0, 2: 0})
    wait_for(lambda: len(farm.haproxy.children()) == 1, "the old process to end")


def test_no_request_fails_while_haproxy_reloads(lab):
    farm = lab.start_farm(2)
    with Load(farm.port, clients=4) as load:
        load.wait_for_more(10)
        for _ in range(3):
            before = set(farm.haproxy.children())
            farm.haproxy.send_signal(signal.SIGUSR2)
            wait_for(lambda: set(farm.haproxy.children()) - before, "a new process")
            load.wait_for_more(10)
    assert load.problems == []
    wait_for(lambda: len(farm.haproxy.children()) == 1, "the old processes to end")
