"""The servers that the simulator plays, and how they say what they do: in the forms that were read in
their sources, or recorded."""

import re

import pytest

from client import JOB_PATH, Connection, Job, request, run_job
from waiting import wait_for

HELD = -1
SERIES = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")


def start(lab, kind, slots=4, *arguments):
    return lab.sim(1, ["--kind", kind, "--slots", slots, *arguments]).instances[0]


def get(instance, target, port=None):
    return request(port or instance.port, "GET", target)


def metrics(instance, port=None):
    """All series of each name: [(labels, value)]."""
    answer = get(instance, "/metrics", port)
    assert answer.status == 200
    assert answer.header("Content-Type").startswith("text/plain")
    text = answer.body.decode()
    assert text.endswith("\n")
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.match(line).groups()
            found.setdefault(name, []).append((labels, value))
    return found


def total(series):
    return sum(float(value) for _, value in series)


def hold(instance, count, target=JOB_PATH):
    jobs = [Job(instance.port, HELD, target=target).send() for _ in range(count)]
    wait_for(lambda: instance.state()["active_jobs"] == count, f"{count} jobs to be active")
    return jobs


def finish(instance, jobs):
    instance.release()
    for job in jobs:
        assert job.response().status == 200


def test_whisperx_says_what_the_real_one_says(lab):
    instance = start(lab, "whisperx")
    jobs = hold(instance, 5)
    told = get(instance, "/health").json()
    assert told["concurrency"]["active_transcriptions"] == 5
    assert told["concurrency"]["max_concurrent_requests"] == 4
    assert told["concurrency"]["processing"] == 0
    run_job(instance.port, job_time=HELD, fields={"stored_output": "true"})
    assert get(instance, "/health").json()["concurrency"]["processing"] == 1
    finish(instance, jobs)
    assert get(instance, "/metrics").status == 404


def test_vllm_has_two_engines(lab):
    instance = start(lab, "vllm")
    jobs = hold(instance, 7, "/v1/chat/completions")
    answer = get(instance, "/health")
    assert (answer.status, answer.body) == (200, b"")
    found = metrics(instance)
    running = found["vllm:num_requests_running"]
    assert [labels for labels, _ in running] == [
        'engine="0",model_name="simulated"',
        'engine="1",model_name="simulated"',
    ]
    assert [value for _, value in running] == ["2.0", "2.0"]
    assert [value for _, value in found["vllm:num_requests_waiting"]] == ["2.0", "1.0"]
    assert total(found["vllm:num_requests_waiting_by_reason"]) == 3
    assert get(instance, "/load").json() == {"server_load": 0}
    finish(instance, jobs)
    found = metrics(instance)
    assert total(found["vllm:num_requests_running"] + found["vllm:num_requests_waiting"]) == 0
    assert total(found["vllm:request_success_total"]) == 7


def test_sglang_has_a_load_for_each_rank(lab):
    instance = start(lab, "sglang", 3)
    jobs = hold(instance, 4, "/generate")
    loads = get(instance, "/v1/loads?include=core").json()["loads"]
    assert [load["num_running_reqs"] for load in loads] == [2, 1]
    assert [load["num_waiting_reqs"] for load in loads] == [1, 0]
    assert sum(load["max_running_requests"] for load in loads) == 3
    assert "queues" not in loads[0]
    assert "queues" in get(instance, "/v1/loads").json()["loads"][0]
    found = metrics(instance)
    assert total(found["sglang:num_running_reqs"]) == 3
    assert total(found["sglang:num_queue_reqs"]) == 1
    finish(instance, jobs)


def test_sglang_with_one_slot_has_one_rank(lab):
    instance = start(lab, "sglang", 1)
    instance.set(external_jobs=3)
    (load,) = get(instance, "/v1/loads?include=core").json()["loads"]
    counts = load["num_running_reqs"], load["num_waiting_reqs"], load["max_running_requests"]
    assert counts == (1, 2, 1)


def test_llamacpp_has_metrics_and_slots(lab):
    instance = start(lab, "llamacpp")
    jobs = hold(instance, 6, "/completion")
    assert get(instance, "/health").json() == {"status": "ok"}
    found = metrics(instance)
    assert found["llamacpp:requests_processing"] == [(None, "4")]
    assert found["llamacpp:requests_deferred"] == [(None, "2")]
    assert [slot["is_processing"] for slot in get(instance, "/slots").json()] == [True] * 4
    finish(instance, jobs)
    assert [slot["is_processing"] for slot in get(instance, "/slots").json()] == [False] * 4


def test_triton_has_its_metrics_at_a_second_address(lab):
    instance = start(lab, "triton")
    second = int(instance.state()["metrics_url"].rpartition(":")[2])
    assert f"metrics 1 http://127.0.0.1:{second}\n" in instance.sim.out()
    jobs = hold(instance, 7, "/v2/models/first/infer")
    for target in ("/v2/health/ready", "/v2/health/live"):
        assert (get(instance, target).status, get(instance, target, second).status) == (200, 404)
    assert get(instance, "/metrics").status == 404
    pending = metrics(instance, second)["nv_inference_pending_request_count"]
    assert pending == [('model="first",version="1"', "2"), ('model="second",version="1"', "1")]
    instance.set(listening=False)
    with pytest.raises(ConnectionRefusedError):
        get(instance, "/metrics", second)
    instance.set(listening=True)
    assert metrics(instance, second)
    finish(instance, jobs)


def test_one_that_says_nothing_says_ok(lab):
    instance = start(lab, "none")
    jobs = hold(instance, 1, "/v1/chat/completions")
    answer = get(instance, "/health")
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"
    finish(instance, jobs)


def test_external_jobs_take_the_slots_that_are_left(lab):
    instance = start(lab, "llamacpp")
    jobs = hold(instance, 1)
    for external, running, deferred in ((0, 1, 0), (2, 3, 0), (9, 4, 6)):
        instance.set(external_jobs=external)
        found = metrics(instance)
        assert total(found["llamacpp:requests_processing"]) == running
        assert total(found["llamacpp:requests_deferred"]) == deferred
    finish(instance, jobs)


def test_whispercpp_answers_nothing_while_a_job_runs(lab):
    instance = start(lab, "whispercpp", 1)
    assert get(instance, "/health").json() == {"status": "ok"}
    jobs = hold(instance, 1, "/inference")
    with Connection(instance.port) as health:
        health.socket.settimeout(0.3)
        health.send_head("GET", "/health", [("Host", "sim")])
        with pytest.raises(TimeoutError):
            health.read_head()
        assert instance.state()["health_requests"] == 2
        # The next job has the lock, but what came before it has its turn.
        jobs += [Job(instance.port, HELD, target="/inference").send()]
        wait_for(lambda: instance.state()["queued"] == 1, "the second job to wait")
        health.socket.settimeout(10)
        instance.release(1)
        assert health.read_response().json() == {"status": "ok"}
    assert jobs[0].response().json()["text"]
    with Connection(instance.port) as leaving:
        leaving.send_head("GET", "/health", [("Host", "sim")])
        wait_for(lambda: instance.state()["open_connections"] == 2, "the request")
    wait_for(lambda: instance.state()["open_connections"] == 1, "it to leave")
    finish(instance, jobs[1:])
    assert get(instance, "/health").status == 200


def test_with_more_threads_it_answers_until_all_have_a_job(lab):
    instance = start(lab, "whispercpp", 1, "--threads", 3)
    jobs = hold(instance, 2)
    assert get(instance, "/health").status == 200
    instance.set(external_jobs=1)
    with Connection(instance.port) as health:
        health.socket.settimeout(0.3)
        health.send_head("GET", "/health", [("Host", "sim")])
        with pytest.raises(TimeoutError):
            health.read_head()
        health.socket.settimeout(10)
        instance.set(threads=0)
        assert health.read_response().status == 200
    finish(instance, jobs)


def test_asking_whispercpp_for_its_load_is_an_error_that_shows(lab):
    instance = start(lab, "whispercpp")
    for method in ("GET", "POST"):
        assert request(instance.port, method, "/load", body=b"").status == 400
    errors = [record.values["error"] for record in instance.requests()]
    assert errors == ["asked to load a model"] * 2


def test_a_report_of_the_load_may_be_ill_alone(lab):
    instance = start(lab, "vllm")
    for mode, status in (("404", 404), ("501", 501), ("missing", 200), ("nan", 200)):
        instance.set(load=mode)
        assert get(instance, "/health").status == 200
        assert get(instance, "/metrics").status == status
    assert metrics(instance)["vllm:num_requests_running"][0][1] == "NaN"
    instance.set(load="missing")
    found = metrics(instance)
    assert "vllm:num_requests_running" not in found
    assert "vllm:num_requests_waiting" in found
    instance.set(load="ok", health="503")
    assert get(instance, "/health").status == 503
    assert get(instance, "/metrics").status == 200


@pytest.mark.parametrize(
    ("kind", "target", "name"),
    [
        ("sglang", "/v1/loads", b'"num_running_reqs":"3"'),
        ("sglang", "/metrics", b'"} "3"\n'),
        ("llamacpp", "/metrics", b'llamacpp:requests_processing "3"\n'),
        ("llamacpp", "/slots", b'"is_processing":"3"'),
    ],
)
def test_a_wrong_count_stands_where_the_count_would(lab, kind, target, name):
    instance = start(lab, kind)
    assert name not in get(instance, target).body
    instance.set(load="string")
    assert name in get(instance, target).body


def test_a_huge_report_is_as_valid_as_the_small_one(lab):
    instance = start(lab, "whisperx")
    instance.set(load="huge", health="huge")
    for kind, target in (("whisperx", "/health"), ("llamacpp", "/slots"), ("sglang", "/v1/loads")):
        instance.set(kind=kind)
        answer = get(instance, target)
        assert answer.length > 10 << 20
        assert answer.json()
    instance.set(kind="vllm")
    assert get(instance, "/metrics").length > 10 << 20
    assert total(metrics(instance)["vllm:num_requests_running"]) == 0
    instance.set(load="trailing")
    assert get(instance, "/metrics").body.endswith(b" trailing }garbage{")


def test_the_kind_is_changed_at_run_time(lab):
    instance = start(lab, "whisperx")
    assert instance.state()["metrics_url"] is None
    instance.set(kind="triton")
    second = int(instance.state()["metrics_url"].rpartition(":")[2])
    assert metrics(instance, second)
    instance.set(kind="whispercpp")
    assert instance.state()["threads"] == 1
    instance.set(kind="whispercpp", threads=8)
    assert instance.state()["threads"] == 8
    instance.set(kind="none")
    assert instance.state()["threads"] == 0
    assert get(instance, "/metrics", second).status == 404


def test_openai_servers_have_its_paths(lab):
    for kind in ("vllm", "sglang", "llamacpp", "none"):
        instance = start(lab, kind)
        answer = request(instance.port, "POST", "/v1/chat/completions", body=b"{}")
        assert "instance 1" in answer.json()["choices"][0]["message"]["content"]
        assert get(instance, "/v1/models").json()["data"][0]["id"] == "simulated"
        assert instance.state()["finished"] == 1
        assert run_job(instance.port).json()["text"]
    instance = start(lab, "whisperx")
    assert request(instance.port, "POST", "/v1/chat/completions", body=b"{}").status == 404
