"""Health endpoints that misbehave, all at once, while jobs run: out with the reason, no harm."""

import re
import time

import pytest

from certificates import Authority
from load import HANG, AgentWatch, Stream, picks, wait_until_in_use
from processes import is_instrumented

pytestmark = pytest.mark.quick("three failed checks of each kind")

# What the simulator's /health does -> words of the reason.
BROKEN = {
    "hang": "timed out: no complete response within 300 ms",
    "trickle": "timed out: no complete response within 300 ms",
    "500": "500",
    "garbage": "HTTP",
    "huge": "too large: more than 1048576 bytes",
    "huge-chunked": "too large: more than 1048576 bytes",
    "nested-deep": "JSON",
    "nan": "JSON",
    "inf": "job count",
    "negative": "-1",
    "string": "job count",
    "redirect": "302",
}
WRONG_CERTIFICATE = "TLS failed"
# A body may have up to a mebibyte, and two kinds of them have more.
GROWTH_MAX_KIB = 8 * 1024
GOOD = 3


def test_health_endpoints_that_misbehave_are_out_and_do_no_harm(lab):
    authority = Authority(lab.directory)
    (stranger,) = lab.sim(
        1, ["--slots", 1000] + authority.issue("DNS:wrong.example")
    ).instances
    stranger.url = f"https://localhost:{stranger.port}"
    instances = lab.sim(GOOD + len(BROKEN)).instances
    farm = lab.farm(instances, INSTANCE_CA_FILE=authority.file)
    wrong = len(instances) + 1
    farm.instances[wrong] = stranger
    farm.variables[f"INSTANCE_{wrong}_URL"] = stranger.url
    farm.write_config()
    farm.start_agent()
    farm.start_haproxy()
    wait_until_in_use(farm, but=[wrong])
    # HAProxy doesn't send a job elsewhere because of a certificate: its check must have failed.
    farm.wait_until_unhealthy(wrong)
    modes = {number: mode for number, mode in enumerate(BROKEN, GOOD + 1)}
    reasons = {n: BROKEN[mode] for n, mode in modes.items()} | {wrong: WRONG_CERTIFICATE}
    with Stream(farm, count=75) as stream, AgentWatch(farm, 1) as watch:
        # Everybody has jobs; those must not suffer.
        assert all(farm.in_flight()[number] > 0 for number in modes)
        stream.fault("health: hangs, trickles, 500, garbage, 10 MiB, deep, NaN, 1e999, … , TLS")
        for number, mode in modes.items():
            instances[number - 1].set(health=mode)
        for number in reasons:
            farm.wait_until_unhealthy(number)
        out = time.monotonic()
        stream.wait_for_new()
        # Further rounds of all of it.
        farm.instances[1].wait_for_polls(4)
        health = farm.health_of_all()
        until = time.monotonic()
        for number in modes:
            instances[number - 1].set(health="ok")
        for number in modes:
            farm.wait_until_healthy(number)
        back = time.monotonic()
        stream.wait_for_new()
        stream.account()
    for number, reason in reasons.items():
        assert not health[number]["is_healthy"]
        assert health[number]["consecutive_failures"] >= 3
        assert reason in health[number]["error_message"], (modes.get(number), health[number])
        # The log has the same words.
        lines = [line for line in farm.agent.err().splitlines() if f"=instance{number} " in line]
        (gone,) = [line for line in lines if "is unhealthy after 3 failed checks" in line]
        assert reason in gone
        assert sum(bool(re.search(r"check failed, [123] in a row", line)) for line in lines) == 3
    for number in range(1, GOOD + 1):
        assert health[number]["is_healthy"], health[number]
    for task in stream.sent_between(out, until):
        assert task.instance <= GOOD, task
    assert {t.instance for t in stream.sent_between(back)} == set(farm.instances) - {wrong}
    assert stranger.requests() == []
    assert {line["tried"] for line in picks(farm).values()} == {"-"}
    # The loop was never held up, and what came wasn't kept.
    assert watch.problems == []
    assert watch.replies >= 100
    assert watch.worst < HANG / 5
    print(f"agent: {watch.replies} replies, worst {watch.worst * 1000:.1f} ms, +{watch.growth} KiB")
    assert watch.growth < GROWTH_MAX_KIB or is_instrumented()
