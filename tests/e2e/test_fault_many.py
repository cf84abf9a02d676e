"""Many failures at once, and those that no health check shows, at the shipped defaults."""

import os
import shutil
import time

from load import OPEN_JOBS, WAITING, Stream, own_namespaces, picks, separate_sims

LOSS = 0.2
# What a broken instance of three has open when it breaks, and as many before its failures are seen.
BROKEN_COSTS = 2 * OPEN_JOBS // 3


def test_a_third_of_the_instances_killed_together_costs_what_was_open_on_them(lab):
    farm = lab.start_farm(separate_sims(lab, 12))
    dead = {2, 5, 8, 11}
    with Stream(farm, kinds=WAITING) as stream:
        begin = stream.fault("a third of the instances (4 of 12) killed together")
        for number in dead:
            farm.instances[number].sim.kill()
        killed = time.monotonic()
        stream.wait_for_more(300)
        stream.finish()
        lines = picks(farm)
        names = {f"instance{number}" for number in dead}
        on_them = [t for t in stream.open_between(begin, killed) if lines[t.mark]["pick"] in names]
        failed = stream.account(failed=on_them, lost=dead)
    assert len(failed) >= 5
    for task in failed:
        assert task.is_json_error(502), task


def test_an_instance_that_fails_fast_costs_a_job_now_and_then(lab):
    farm = lab.start_farm(separate_sims(lab, 3))
    with Stream(farm, kinds=WAITING) as stream:
        stream.fault("one of three answers each job 500, /health good")
        farm.instances[2].set(response="status:500")
        stream.wait_for_more(400)
        stream.finish()
        broken = [task for task in stream.tasks if task.status == 500]
        failed = stream.account(failed=broken)
    assert 1 <= len(failed) <= BROKEN_COSTS
    assert {task.instance for task in failed} == {2}


def lose_packets(port, share, action="-A"):
    """That share of what comes to a port, "-D": no longer. In own_namespaces() only.

    What is lost is sent again after 0.2 s, 0.4 s, and so on: with both ways lossy, or for as long as
    the stream needs to end, one of some hundred jobs would take longer than anybody waits.
    """
    iptables = shutil.which("iptables", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert iptables, "iptables isn't installed"
    rule = [action, "INPUT", "-p", "tcp", "--dport", str(port)]
    rule += ["-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP"]
    assert os.spawnv(os.P_WAIT, iptables, ["iptables", *rule]) == 0


def test_a_network_that_loses_one_packet_in_five_costs_no_job(lab):
    with own_namespaces():
        farm = lab.start_farm(separate_sims(lab, 3))
        with Stream(farm, kinds=WAITING) as stream:
            stream.fault("an instance's network loses one packet in five")
            lose_packets(farm.instances[2].port, LOSS)
            stream.wait_for_more(300)
            lose_packets(farm.instances[2].port, LOSS, "-D")
            stream.account()
