"""The balancer's internal header fields are nobody else's."""

import pytest

from client import JOB_PATH
from hand import HandInstance

FORGED = [
    [("x-leastjobs-tried", "1")],
    [("X-LeastJobs-Tried", "1")],
    [("x-leastjobs-tried", "2"), ("x-leastjobs-tried", "1")],
    [("x-leastjobs-tried", "1,2")],
    [("x-leastjobs-path", "/admin"), ("x-leastjobs-pick", "instance2")],
    [("x-leastjobs-load", "0"), ("x-leastjobs-loads", "2:0+0+0"), ("x-leastjobs-anything", "x")],
]


@pytest.mark.parametrize("headers", FORGED)
def test_a_forged_internal_header_changes_nothing(lab, headers):
    farm = lab.farm(2, HEALTH_CHECK_INTERVAL="1h")
    farm.instances[2].set(external_jobs=9)
    for number, instance in farm.instances.items():
        instance.url += f"/gpu/{number}"
        farm.variables[f"INSTANCE_{number}_URL"] = instance.url
    farm.start()
    farm.wait_for_external({1: 0, 2: 9})
    response = farm.run_job(headers=headers)
    assert response.status == 200
    assert response.header("X-Sim-Instance") == "1"
    assert [k for k, _ in response.headers if k.lower().startswith("x-leastjobs")] == []
    (record,) = farm.instances[1].requests()
    assert record.target == "/gpu/1" + JOB_PATH
    for value in ("admin", "instance2"):
        assert value not in str(record.values["headers"])
    (line,) = farm.wait_for_log(1)
    assert (line["pick"], line["load"], line["tried"]) == ("instance1", "0", "-")


def test_a_forged_header_does_not_survive_a_failover_either(lab):
    farm = lab.start_farm(3, {2: 1, 3: 2}, HEALTH_CHECK_INTERVAL="1h")
    farm.instances[1].set(listening=False)
    response = farm.run_job(headers=[("x-leastjobs-tried", "2")])
    assert response.header("X-Sim-Instance") == "2"
    (line,) = farm.wait_for_log(1)
    assert (line["pick"], line["tried"]) == ("instance2", "1")


def test_a_host_or_absolute_target_of_the_client_does_not_reach_the_instance(lab):
    farm = lab.start_farm(1)
    own = f"127.0.0.1:{farm.instances[1].port}"
    for target, host in (
        (JOB_PATH, "evil.example"),
        (f"http://evil.example{JOB_PATH}", "evil.example"),
        (f"http://evil.example:99{JOB_PATH}", "evil.example:99"),
    ):
        response = farm.request(
            "POST", target, headers=[("Host", host), ("X-Sim-Job-Time", "0")], body=b"x"
        )
        assert response.status == 200
    for record in farm.instances[1].requests():
        assert record.host == own
        assert record.target == JOB_PATH


def answer_with_forged_fields(instance):
    connection, head = instance.job()
    assert head.startswith(b"POST")
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-leastjobs-pick: instance9\r\n"
        b"X-LeastJobs-Load: 99\r\nx-leastjobs-loads: 9:9+9\r\nx-leastjobs-tried: instance7\r\n"
        b"x-leastjobs-else: 1\r\nX-Own: kept\r\n\r\nok"
    )
    connection.close()


def assert_nothing_was_believed(response, farm, tried):
    assert (response.status, response.body) == (200, b"ok")
    assert [k for k, _ in response.headers if k.lower().startswith("x-leastjobs")] == []
    assert response.header("X-Own") == "kept"
    (line,) = farm.wait_for_log(1)
    assert (line["pick"], line["load"], line["tried"]) == ("instance1", "0", tried)
    assert "9" not in line["loads"]


def test_an_instance_cannot_forge_them_in_the_first_pass(lab):
    with HandInstance(lab.ports.take()) as instance:
        farm = lab.start_farm({1: instance})
        job = farm.open_job().send()
        answer_with_forged_fields(instance)
        assert_nothing_was_believed(job.response(), farm, "-")


def test_nor_in_the_second_one(lab):
    # The other one is dead, which nobody knows: half of the jobs, or more, try it first.
    with HandInstance(lab.ports.take()) as instance:
        dead = lab.sim(1).instances[0]
        farm = lab.farm({1: instance, 2: dead}, HEALTH_CHECK_INTERVAL="1h")
        farm.start()
        dead.set(listening=False)
        passed = False
        for _ in range(50):
            before = len(farm.log())
            job = farm.open_job().send()
            answer_with_forged_fields(instance)
            response = job.response()
            line = farm.wait_for_log(before + 1)[before]
            assert [k for k, _ in response.headers if k.lower().startswith("x-leastjobs")] == []
            assert line["pick"] == "instance1" and line["load"] == "0"
            passed = line["tried"] == "2"
            if passed:
                break
            assert line["tried"] == "-"
        assert passed
