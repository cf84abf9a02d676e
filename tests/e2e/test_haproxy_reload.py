"""HAProxy reloaded (SIGUSR2): the old process finishes its jobs, the new one counts them."""

import signal

from client import Connection, Job, Load
from load import reload_and_wait
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


def accepted(farm):
    """The connections of the public frontend."""
    names, row = farm.runtime("show stat balancer 1 -1").strip().splitlines()
    return int(dict(zip(names.removeprefix("# ").split(","), row.split(",")))["scur"])


def test_connections_whose_request_comes_after_the_reload_are_answered(lab):
    farm = lab.start_farm(2)
    silent = Job(farm.port)
    with Connection(farm.port) as begun:
        begun.send(b"GET /health HTT")
        wait_for(lambda: accepted(farm) == 2, "HAProxy to accept both")
        reload_and_wait(farm)
        assert silent.send().response().status == 200
        begun.send(b"P/1.1\r\nHost: x\r\n\r\n")
        assert begun.read_response().status == 200
    wait_for(lambda: len(farm.haproxy.children()) == 1, "the old process to end")
