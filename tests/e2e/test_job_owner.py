"""Asynchronous jobs to their results: a request about a job reaches the instance that has it."""

import base64
import concurrent.futures
import os
import signal
import socket
import urllib.parse
from pathlib import Path

import pytest

from client import TIMEOUT, Connection, request
from hand import HandInstance
from load import reload_and_wait
from processes import is_instrumented, memory_kib, reset_peak_memory
from waiting import wait_for

JOBS = "/v1/jobs"
HELD = -1
POLLERS = 20
MIB = 1 << 20
AGENT_GROWTH_KIB_MAX = 16 * 1024
MANY = 100_000
MANY_KIB_MAX = 48 * 1024
# HAProxy's buffer holds a line of 16 KiB.
LINES_AT_A_TIME = 100


def job_url(job, below="", jobs=JOBS):
    return f"{jobs}/{urllib.parse.quote(job, safe='')}{below}"


def submit(farm, job_time=0, headers=(), **options):
    """An asynchronous job: its id, and the number of its instance."""
    response = farm.run_job(
        job_time=job_time, headers=headers, fields={"stored_output": "true"}, **options
    )
    assert response.status == 200, response
    return response.json()["job_id"], farm.number_of_answer(response)


def owners(farm):
    """How many jobs HAProxy's table has."""
    head = farm.runtime("show table owners").splitlines()[0]
    return int(head.rpartition("used:")[2])


def by_another_road(farm, number, job, **values):
    instance = farm.instances[number]
    instance.sim.control("POST", f"/instances/{instance.index}/jobs", {"ids": [job]} | values)


def about(farm, number, target):
    """The requests for a target that an instance got."""
    return [r for r in farm.records()[number] if r.target.partition("?")[0] == target]


# --- A job's life


def test_the_whole_life_of_a_job_through_a_haproxy_that_is_reloaded(lab):
    farm = lab.start_farm(3)
    job, number = submit(farm, job_time=HELD)
    answers = []

    def poll():
        while True:
            response = request(farm.port, target=job_url(job, "?include_result=true"))
            assert response.status == 200, response
            assert response.header("X-Sim-Instance") == str(farm.instances[number].index)
            answers.append(response.json()["status"])
            if answers[-1] == "completed":
                return response

    with concurrent.futures.ThreadPoolExecutor(POLLERS) as pool:
        polls = [pool.submit(poll) for _ in range(POLLERS)]
        for _ in range(3):
            reload_and_wait(farm)
            seen = len(answers)
            wait_for(lambda: len(answers) >= seen + POLLERS, "polls by the new process")
        farm.instances[number].release()
        results = [future.result(60) for future in polls]
    assert all("x" * 1000 in result.body.decode() for result in results)
    content = farm.request(target=job_url(job, "/content"))
    assert content.status == 200 and len(content.body) == 1000
    assert farm.request("DELETE", job_url(job)).json() == {"job_id": job, "deleted": True}
    assert farm.request(target=job_url(job)).status == 404
    assert "Job not found" in farm.request(target=job_url(job)).json()["detail"]


def test_the_id_is_known_by_its_answer_or_by_the_url_that_a_202_names(lab):
    farm = lab.start_farm(3)
    for count, how in enumerate(("location", "operation-location"), 1):
        response = farm.run_job(job_time=0, headers=[("X-Sim-Accepted", how), ("X-Sim-Job-Id", how)])
        assert response.status == 202
        assert owners(farm) == count
        answer = farm.request(target=job_url(how))
        assert answer.header("X-Sim-Instance") == response.header("X-Sim-Instance")
    # Nobody else has been asked.
    assert sum(len(about(farm, n, job_url("location"))) for n in farm.instances) == 1


def test_other_paths_have_jobs_of_the_same_kind(lab):
    sim = lab.sim(2, ("--slots", 10, "--jobs-path", "/v1/videos"))
    farm = lab.start_farm(sim.instances, JOBS_PATH="/v1/jobs,/v1/videos", JOB_ID_FIELD="/id")
    made = farm.request("POST", "/v1/videos", headers=[("X-Sim-Job-Time", "-1")], body=b"{}")
    assert made.status == 200 and made.json()["object"] == "video"
    job = made.json()["id"]
    assert owners(farm) == 1
    found = farm.request(target=job_url(job, jobs="/v1/videos"))
    assert found.header("X-Sim-Instance") == made.header("X-Sim-Instance")
    assert [video["id"] for video in farm.request(target="/v1/videos").json()["data"]] == [job]
    # It was a job: picked, and counted.
    assert sorted(farm.accepted().values()) == [0, 1]


IDS = [
    "a" * 64,
    "a/b",
    "/",
    "%2F",
    "50%",
    "a b+c",
    "?x=1#y",
    "ä" * 32,
    "\U0001f600" * 16,
    "'\"`$();&|<>*[]{}!^~",
    "\r\n",
    "\x01\x7f",
    "=,;:@",
    "job_id",
    "a..b",
    "...",
]


@pytest.mark.parametrize("job", IDS, ids=ascii)
def test_an_id_may_be_of_any_kind(lab, job):
    farm = lab.start_farm(3)
    by_another_road(farm, 2, job)
    for _ in range(2):
        response = farm.request(target=job_url(job))
        assert (response.status, response.json()["job_id"]) == (200, job)
        wait_for(lambda: owners(farm) == 1, "HAProxy to be told")
    # Searched for once, then known.
    assert len(about(farm, 1, job_url(job))) == 1
    assert len(about(farm, 2, job_url(job))) == 2


def test_an_id_of_an_answer_is_the_one_that_is_asked_for(lab):
    farm = lab.start_farm(3)
    for count, job in enumerate(("a" * 64, "a/b%c", "with blank", "0"), 1):
        quoted = urllib.parse.quote(job, safe="")
        assert submit(farm, headers=[("X-Sim-Job-Id", quoted)])[0] == job
        assert owners(farm) == count
        assert farm.request(target=job_url(job)).json()["job_id"] == job
    assert sum(len(about(farm, n, job_url("a" * 64))) for n in farm.instances) == 1


def test_longer_ids_are_searched_for_each_time(lab):
    farm = lab.start_farm(3)
    first, second = "a" * 64 + "b", "a" * 64 + "c"
    by_another_road(farm, 1, first)
    by_another_road(farm, 2, second)
    for _ in range(2):
        for job in (first, second):
            assert farm.request(target=job_url(job)).json()["job_id"] == job
    assert owners(farm) == 0


DEVIOUS = [
    "/v1/jobs/../secret",
    "/v1/jobs/..",
    "/v1/jobs/.",
    "/v1/jobs/a/../../secret",
    "/v1/jobs/a%2f..%2f..%2fsecret",
    "/v1/jobs/%2e%2e/secret",
    "/v1/jobs/a/..;/secret",
    "/v1/jobs/a\\b",
    "/v1/jobs/a%5cb",
    "/v1/jobs/a%00b",
]


def test_what_may_lead_to_another_path_is_nobodys(lab):
    farm = lab.start_farm(2)
    for target in DEVIOUS:
        assert (target, farm.request(target=target).status) == (target, 404)
        assert (target, request(farm.status_port, target=target).status) == (target, 404)
    assert farm.counts() == {1: 0, 2: 0}


def test_nor_does_a_bad_escape_open_it_for_a_job_whose_owner_is_known(lab):
    farm = lab.start_farm(2)
    job, number = submit(farm)
    assert farm.request(target=job_url(job)).status == 200
    before = farm.counts()
    for below in ("/../../secret%zz", "/..%2f../secret/%", "/%5c..%zz", "/%2"):
        assert (below, farm.request(target=job_url(job, below)).status) == (below, 404)
    assert farm.counts() == before
    assert farm.request(target=job_url(job, "/%25")).status != 404


def test_a_client_that_leaves_haproxy_ends_its_question(lab):
    """HAProxy resets its connection to the agent then."""
    with HandInstance(lab.ports.take()) as instance:
        farm = lab.start_farm({1: instance}, CHECK_TIMEOUT="10m")
        client = socket.create_connection(("127.0.0.1", farm.port), TIMEOUT)
        client.sendall(b"GET /v1/jobs/new HTTP/1.1\r\nHost: a\r\n\r\n")
        connection, _ = instance.job()
        client.close()
        # HandInstance waits as long as a test may; the question itself would take ten minutes.
        assert connection.recv(1) == b""


def test_each_instance_gets_its_own_host_and_path(lab):
    sim = lab.sim(2)
    urls = [sim.instances[0].url, sim.instances[1].url + "/behind/a/prefix"]
    farm = lab.farm({1: urls[0], 2: urls[1]}).start()
    sim.control("POST", "/instances/2/jobs", {"ids": ["mine"]})
    for below in ("", "/more?x=%20y", "/more?x=%20y"):
        assert farm.request(target=job_url("mine", below)).status == 200
    wanted = ["/v1/jobs/mine", "/v1/jobs/mine/more?x=%20y", "/v1/jobs/mine/more?x=%20y"]
    targets = [r.target for r in sim.instances[1].requests()]
    # Before the second HAProxy may not have been told yet: then it is searched for again.
    if len(targets) > len(wanted):
        targets.remove("/behind/a/prefix/v1/jobs/mine")
    assert targets == ["/behind/a/prefix" + target for target in wanted]
    assert {r.host for r in sim.instances[1].requests()} == {f"127.0.0.1:{sim.instances[1].port}"}


# --- Who has it is forgotten, or was never known


def test_a_restarted_haproxy_finds_jobs_again_and_keeps_them(lab):
    farm = lab.start_farm(3)
    job, number = submit(farm)
    farm.haproxy.stop()
    farm.start_haproxy()
    farm.wait_for_haproxy()
    assert owners(farm) == 0
    assert farm.request(target=job_url(job)).header("X-Sim-Instance") == str(number)
    wait_for(lambda: owners(farm) == 1, "HAProxy to be told")
    asked = {n: len(about(farm, n, job_url(job))) for n in farm.instances}
    assert asked == {1: 1, 2: 1, 3: 1}
    assert farm.request(target=job_url(job)).status == 200
    assert len(about(farm, number, job_url(job))) == 2


def test_without_the_agent_known_jobs_are_found_and_others_get_503(lab):
    farm = lab.start_farm(2)
    job, number = submit(farm)
    farm.agent.stop()
    assert farm.request(target=job_url(job)).header("X-Sim-Instance") == str(number)
    response = farm.request(target=job_url("other"))
    assert (response.status, response.header("Retry-After")) == (503, "1")
    assert "agent" in response.json()["detail"]
    farm.start_agent()
    farm.wait_for_agent()
    assert farm.request(target=job_url("other")).status == 404


def test_any_method_and_body_reaches_the_owner_of_a_job_of_another_road(lab):
    farm = lab.start_farm(3)
    for method, body in (("POST", b'{"a":1}'), ("PUT", b""), ("PATCH", b"x" * 5000), ("DELETE", None)):
        job = f"job-{method}"
        by_another_road(farm, 3, job)
        fields = [("X-Mine", "kept"), ("Content-Type", "application/json")]
        answer = farm.request(method, job_url(job, "/cancel?now=1"), headers=fields, body=body)
        assert answer.status == 200 and answer.json()["method"] == method
        (record,) = [r for r in about(farm, 3, job_url(job, "/cancel"))]
        assert record.method == method and record.header("X-Mine") == "kept"
        assert record.values["body_bytes"] == len(body or b"")
        assert record.target == job_url(job, "/cancel?now=1")
        # The others have only been asked whether they have it.
        assert {r.method for r in about(farm, 1, job_url(job))} == {"GET"}
        assert about(farm, 1, job_url(job, "/cancel")) == []


def test_a_search_carries_a_small_body_only(lab):
    farm = lab.start_farm(2)
    by_another_road(farm, 2, "it")
    target = job_url("it", "/more")
    response = farm.request("POST", target, body=b"x" * (65536 + 1))
    assert response.status == 413 and "detail" in response.json()
    assert farm.request("POST", target, body=b"x" * 65536).status == 200
    wait_for(lambda: owners(farm) == 1, "HAProxy to be told")
    # Once the owner is known, any size will do.
    assert farm.request("POST", target, body=b"x" * (65536 + 1)).status == 200


def test_an_owner_is_forgotten_after_the_retention(lab):
    farm = lab.start_farm(2, JOB_RETENTION="1s")
    job, _ = submit(farm)
    assert owners(farm) == 1
    wait_for(lambda: owners(farm) == 0, "the entry's end")
    assert farm.request(target=job_url(job)).status == 200


def test_a_head_is_answered_without_a_body(lab):
    farm = lab.start_farm(2)
    by_another_road(farm, 2, "it")
    response = farm.request("HEAD", job_url("it", "/content"))
    assert (response.status, response.header("Content-Length")) == (200, "1000")


# --- Owners that are drained, down, gone


def test_a_drained_owner_is_still_asked(lab):
    farm = lab.start_farm(2)
    job, number = submit(farm, job_time=HELD)
    by_another_road(farm, number, "other")
    farm.set_state(number, "drain")
    farm.wait_for_weights({number: 0})
    for name in (job, "other", "other"):
        assert farm.request(target=job_url(name)).status == 200
    farm.instances[number].release()


@pytest.mark.quick("waits for a verdict")
def test_an_owner_that_is_down_is_named_and_nobody_else_is_asked(lab):
    farm = lab.start_farm(2)
    job, number = submit(farm)
    farm.instances[number].set(listening=False)
    expected = f"instance{number}, which has this job, can not be reached"
    before = len(farm.records()[3 - number])
    for _ in range(2):
        # At first only the connection fails, then HAProxy knows.
        response = farm.request(target=job_url(job))
        assert response.status == 503, response
        assert response.json() == {"detail": expected}
        assert response.header("Retry-After") is not None
        farm.wait_until_unhealthy(number)
    assert len(farm.records()[3 - number]) == before
    farm.instances[number].set(listening=True)
    farm.wait_until_healthy(number)
    assert farm.request(target=job_url(job)).status == 200


def test_nobodys_job_is_404_and_where_somebody_cannot_be_asked_503(lab):
    farm = lab.start_farm(3)
    response = farm.request(target=job_url("nobodys"))
    assert response.status == 404 and "detail" in response.json()
    farm.instances[2].set(listening=False)
    response = farm.request(target=job_url("nobodys"))
    assert response.status == 503 and response.header("Retry-After") == "1"
    assert [m["name"] for m in response.json()["instances_missing"]] == ["instance2"]
    # What one has is found all the same.
    by_another_road(farm, 3, "third")
    assert farm.request(target=job_url("third")).status == 200


def test_requests_about_jobs_are_no_jobs(lab):
    farm = lab.start_farm(2)
    job, number = submit(farm, job_time=HELD)
    failing = [("X-Sim-Response", "status:500")]
    for _ in range(3):
        assert farm.request("POST", job_url(job), headers=failing).status == 500
    assert farm.penalties() == {1: 0, 2: 0}
    assert sum(farm.accepted().values()) == 1
    assert farm.in_flight() == {1: 0, 2: 0}
    farm.instances[number].release()


def test_api_keys_hold_for_them_too(lab, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("an-example-of-a-key\n")
    farm = lab.start_farm(1, API_KEYS_FILE=keys)
    by_another_road(farm, 1, "secret")
    key = [("Authorization", "Bearer an-example-of-a-key")]
    for target in (job_url("secret"), JOBS):
        assert farm.request(target=target).status == 401
        assert farm.request(target=target, headers=key).status == 200
    assert all(not r.has_header("Authorization") for r in farm.records()[1])


def test_when_all_connections_are_taken_they_are_refused_as_jobs_are(lab):
    farm = lab.start_farm(1, MAX_CONNECTIONS=10)
    by_another_road(farm, 1, "known")
    assert farm.request(target=job_url("known")).status == 200
    wait_for(lambda: owners(farm) == 1, "HAProxy to be told")
    jobs = farm.open_jobs(10)
    for target in (job_url("known"), job_url("other"), JOBS):
        response = farm.request(target=target)
        assert (response.status, response.header("Retry-After")) == (503, "5")
    jobs[0].close()
    wait_for(lambda: farm.request(target=job_url("known")).status == 200, "room for one")


def test_they_take_jobs_places_while_they_last(lab):
    farm = lab.start_farm(1, MAX_CONNECTIONS=10)
    by_another_road(farm, 1, "large", result_bytes=200 * MIB)
    readers = [Connection(farm.port) for _ in range(10)]
    for reader in readers:
        reader.send_head("GET", job_url("large", "/content"), [("Host", "x")])
        assert reader.read_head().status == 200
    assert farm.run_job(job_time=None).status == 503
    for reader in readers:
        reader.close()
    wait_for(lambda: farm.run_job(job_time=None).status == 200, "room for a job")


# --- Large answers, clients that leave


def test_a_large_result_passes_through_the_agent_with_bounded_memory(lab):
    farm = lab.start_farm(3)
    size = 100 * MIB
    by_another_road(farm, 2, "large", result_bytes=size)
    reset_peak_memory(farm.agent.pid)
    before = memory_kib(farm.agent.pid, "VmHWM")
    with Connection(farm.port) as slow:
        by_another_road(farm, 2, "slow", result_bytes=size)
        slow.send_head("GET", job_url("slow", "/content"), [("Host", "x")])
        assert slow.read_head().header("Content-Length") == str(size)
        response = request(farm.port, target=job_url("large", "/content"), keep=False)
        assert (response.status, response.length, response.complete) == (200, size, True)
        pattern = bytes((i * 31 + 7) % 251 for i in range(251))
        assert slow.read_some().startswith(pattern)
    if not is_instrumented():
        assert memory_kib(farm.agent.pid, "VmHWM") - before < AGENT_GROWTH_KIB_MAX


def test_a_client_that_leaves_ends_what_is_done_for_it(lab):
    farm = lab.start_farm(2)
    by_another_road(farm, 2, "large", result_bytes=100 * MIB)
    instance = farm.instances[2]
    with Connection(farm.port) as client:
        client.send_head("GET", job_url("large", "/content"), [("Host", "x")])
        assert client.read_head().status == 200
        wait_for(lambda: about(farm, 2, job_url("large", "/content")), "the request")
    wait_for(
        lambda: [r.outcome for r in about(farm, 2, job_url("large", "/content"))] == ["aborted"],
        "the instance to see it",
    )
    assert instance.state()["uploading"] == 0


def test_a_client_that_leaves_while_a_job_is_searched_for_ends_the_search(lab):
    farm = lab.start_farm(2, CHECK_TIMEOUT="20s")
    (sim,) = farm.sims()
    sim.send_signal(signal.SIGSTOP)
    try:
        with Connection(farm.port) as client:
            client.send_head("GET", job_url("any"), [("Host", "x")])
            wait_for(lambda: open_asks(farm) >= 2, "the search")
        wait_for(lambda: open_asks(farm) <= 0, "its end")
    finally:
        sim.send_signal(signal.SIGCONT)


def open_asks(farm):
    """Connections that the agent has to instances, beside those of the health checks."""
    ports = {f"{instance.port:04X}" for instance in farm.instances.values()}
    links = Path(f"/proc/{farm.agent.pid}/fd").iterdir()
    own = {os.readlink(link).removeprefix("socket:[")[:-1] for link in links if link.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[9] in own and row[2][-4:] in ports for row in rows) - len(ports)


def test_an_answer_that_breaks_off_is_seen_to_be_broken(lab):
    farm = lab.start_farm(2)
    by_another_road(farm, 2, "it")
    response = farm.request(target=job_url("it"), headers=[("X-Sim-Response", "abort")])
    # Where all of it came at once, HAProxy can still say so.
    assert response.status == 502 or not response.complete


def test_a_frozen_instance_costs_a_search_its_time_limit_only(lab):
    good, frozen = lab.sim(1), lab.sim(1)
    farm = lab.start_farm(good.instances + frozen.instances, CHECK_TIMEOUT="1s")
    by_another_road(farm, 1, "first")
    frozen.send_signal(signal.SIGSTOP)
    try:
        assert farm.request(target=job_url("first")).status == 200
        response = farm.request(target=job_url("nobodys"))
        assert response.status == 503
        missing = {"name": "instance2", "error": "no answer in time"}
        assert response.json()["instances_missing"] == [missing]
    finally:
        frozen.send_signal(signal.SIGCONT)


def test_more_searches_than_may_run_wait_their_turn_or_are_told_to_come_again(lab):
    farm = lab.start_farm(3)
    for number in range(100):
        by_another_road(farm, 1 + number % 3, f"job{number}")
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda n: farm.request(target=job_url(f"job{n}")), range(100)))
    assert {a.status for a in answers} == {200}
    assert [a.json()["job_id"] for a in answers] == [f"job{n}" for n in range(100)]
    wait_for(lambda: owners(farm) == 100, "HAProxy to be told of all")


def remember(farm, jobs, number):
    """Tells HAProxy of many owners at once, as the agent does of a few."""
    lines = [
        f"set table owners key {base64.b64encode(job.encode()).decode()} data.gpt0 {number}"
        for job in jobs
    ]
    for first in range(0, len(lines), LINES_AT_A_TIME):
        farm.runtime(";".join(lines[first : first + LINES_AT_A_TIME]))


def test_a_hundred_thousand_jobs_are_remembered_in_little_memory(lab):
    farm = lab.start_farm(3)
    instance = farm.instances[2]
    path = f"/instances/{instance.index}/jobs"
    (worker,) = farm.haproxy.children()
    before = memory_kib(worker, "VmRSS")
    made = instance.sim.control("POST", path, {"count": MANY})["ids"]
    remember(farm, made, 2)
    assert owners(farm) == MANY
    growth = memory_kib(worker, "VmRSS") - before
    print(f"{MANY} jobs: {growth} KiB, {1024 * growth // MANY} bytes each")
    assert growth < MANY_KIB_MAX
    for job in made[:: MANY // 10]:
        assert farm.request(target=job_url(job)).status == 200
    # Nobody was searched for.
    assert farm.counts()[1] == farm.counts()[3] == 0
