"""What the routing benchmarks rely on in the simulator: async jobs, speeds, the oracle, how far off
a choice was, and the log of jobs."""

import csv
import re
import time

from client import Connection, Job, http_request, run_job
from processes import run, sim_command
from waiting import wait_for

ASYNC = [("X-Sim-Async", "1")]
UPLOAD = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: sim\r\nContent-Length: 10\r\n\r\nfive_"
FIELDS = "job,instance,async,arrived,started,ended,excess,imbalance,outcome".split(",")


def start(lab, count=1, slots=1000, arguments=()):
    """A simulator with an oracle and a log of jobs."""
    log = lab.directory / f"{lab.name('jobs')}.csv"
    options = ["--slots", slots, "--oracle", "127.0.0.1:0", "--jobs-log", log, *arguments]
    sim = lab.sim(count, options)
    sim.log = log
    sim.oracle = int(re.search(r"^oracle http://127\.0\.0\.1:(\d+)$", sim.out(), re.M).group(1))
    return sim


def jobs_of(sim):
    """The log's lines by the jobs' marks."""
    assert sim.control("POST", "/flush") == {}
    with open(sim.log, encoding="ascii", newline="") as file:
        rows = csv.DictReader(file)
        assert rows.fieldnames == FIELDS
        return {row["job"]: row for row in rows}


def wait_for_line(sim, mark):
    return wait_for(lambda: jobs_of(sim).get(mark), f"the line of job {mark}")


def hold(port, *, until):
    """A job that is held, once `until()` says that it has arrived."""
    job = Job(port, job_time=-1).send()
    wait_for(until, "the job to arrive")
    return job


def active_of(instance):
    answer = http_request(instance.port, "GET", "/health").json()
    return answer["concurrency"]["active_transcriptions"]


def test_an_async_job_is_answered_at_once_and_runs_on_without_its_connection(lab):
    sim = start(lab)
    instance = sim.instances[0]
    answer = run_job(instance.port, job_time=-1, headers=ASYNC)
    assert answer.status == 200
    assert answer.header("Content-Length") == str(answer.length)
    assert answer.json()["status"] == "queued"
    assert answer.json()["job_id"].isdigit()
    wait_for(lambda: instance.state()["open_connections"] == 0, "the connection to be closed")
    assert active_of(instance) == 1
    assert instance.state()["running"] == 1
    assert instance.state()["finished"] == 0
    instance.release()
    assert active_of(instance) == 0
    assert (instance.state()["finished"], instance.state()["aborted"]) == (1, 0)


def test_async_jobs_wait_for_a_slot_and_end_by_themselves(lab):
    sim = start(lab, slots=1)
    instance = sim.instances[0]
    jobs = [Job(instance.port, job_time=30, headers=ASYNC).send() for _ in range(5)]
    numbers = {job.response().json()["job_id"] for job in jobs}
    assert len(numbers) == 5
    wait_for(lambda: instance.state()["finished"] == 5, "all jobs to end")
    lines = sorted(jobs_of(sim).values(), key=lambda line: line["started"])
    assert {line["job"] for line in lines} == {job.mark for job in jobs}
    assert [line["async"] for line in lines] == ["1"] * 5
    for before, after in zip(lines, lines[1:]):
        assert float(before["ended"]) <= float(after["started"])
    for line in lines:
        assert float(line["ended"]) - float(line["started"]) > 0.029


def test_a_connection_goes_on_after_an_async_job(lab):
    sim = start(lab)
    with Connection(sim.instances[0].port) as connection:
        for expected in (1, 2):
            connection.send_head(
                "POST",
                "/v1/audio/transcriptions",
                [("Host", "sim"), ("Content-Length", "2"), ("X-Sim-Job-Time", "-1"), *ASYNC],
            )
            connection.send(b"ab")
            assert connection.read_response("POST").json()["status"] == "queued"
            assert active_of(sim.instances[0]) == expected


def test_async_jobs_outlive_dropped_connections(lab):
    sim = start(lab)
    instance = sim.instances[0]
    run_job(instance.port, job_time=-1, headers=ASYNC)
    instance.set(listening=False, drop=True)
    assert instance.state()["running"] == 1


def test_an_odd_response_to_an_async_job_comes_at_once(lab):
    sim = start(lab)
    headers = [*ASYNC, ("X-Sim-Response", "status:503")]
    assert run_job(sim.instances[0].port, job_time=-1, headers=headers).status == 503
    assert active_of(sim.instances[0]) == 1


def test_a_bad_value_of_the_async_field_is_refused(lab):
    sim = start(lab)
    answer = run_job(sim.instances[0].port, headers=[("X-Sim-Async", "yes")])
    assert answer.status == 400
    assert jobs_of(sim) == {}


def test_speeds_divide_every_jobs_time(lab):
    sim = start(lab, 3, arguments=["--speed", "1,1000,0.5"])
    assert [state["speed"] for state in sim.states()] == [1, 1000, 0.5]
    # A minute by the request's field, by the setting, and by the audio's length.
    fast = sim.instances[1]
    job = Job(fast.port, job_time=60000).send()
    assert job.response().status == 200
    line = wait_for_line(sim, job.mark)
    assert 0.059 < float(line["ended"]) - float(line["started"])
    fast.set(job_time_ms=60000)
    assert http_request(fast.port, "POST", "/v1/audio/transcriptions", body=b"x").status == 200
    fast.set(job_time_ms=None, factor=60)
    assert http_request(
        fast.port, "POST", "/v1/audio/transcriptions", body=b"x" * 32000
    ).status == 200
    slow = Job(sim.instances[2].port, job_time=50).send()
    assert slow.response().status == 200
    line = wait_for_line(sim, slow.mark)
    assert float(line["ended"]) - float(line["started"]) > 0.099


def test_a_speed_is_a_setting(lab):
    sim = start(lab, arguments=["--speed", "2"])
    instance = sim.instances[0]
    assert instance.state()["speed"] == 2
    assert instance.set(speed=1000)["speed"] == 1000
    begin = time.monotonic()
    assert run_job(instance.port, job_time=60000).status == 200
    assert time.monotonic() - begin < 60
    for bad in ("0", "-1", "null", '"2"'):
        body = f'{{"speed":{bad}}}'.encode()
        answer = http_request(sim.control_port, "POST", "/instances/1", body=body)
        assert answer.status == 400, bad
    assert instance.state()["speed"] == 1000


def test_speeds_must_be_one_or_as_many_as_the_instances():
    for speeds in ("1,2", "1,2,3,4", "1,,2", "1,2,", ",1", "0", "-1", "nan", "inf", "", "1,x,3"):
        ended = run([*sim_command(), "--count", "3", f"--speed={speeds}"])
        assert ended.returncode == 2, speeds
        assert b"--speed takes" in ended.stderr


def test_the_oracle_gives_every_job_to_an_instance_with_the_fewest(lab):
    sim = start(lab, 4)
    for instance, jobs in zip(sim.instances, (3, 0, 2, 1)):
        instance.set(external_jobs=jobs)
    jobs = []
    for _ in range(10):
        before = sum(state["running"] for state in sim.states())
        arrived = lambda: sum(state["running"] for state in sim.states()) > before  # noqa: E731
        jobs.append(hold(sim.oracle, until=arrived))
    # 3 + 2 + 1 of other people's and ours make 4 on each.
    assert [state["active_jobs"] for state in sim.states()] == [4, 4, 4, 4]
    sim.all(release=-1)
    for job in jobs:
        answer = job.response()
        assert answer.status == 200
        assert answer.header("X-Sim-Excess") == "0"
    instances = {job.mark: int(jobs_of(sim)[job.mark]["instance"]) for job in jobs}
    assert sorted(instances.values()) == [1, 2, 2, 2, 2, 3, 3, 4, 4, 4]
    assert {r.mark: r.instance for r in sim.requests()} == instances


def test_the_oracle_breaks_ties_at_random(lab):
    sim = start(lab, 3)
    chosen = [int(run_job(sim.oracle).header("X-Sim-Instance")) for _ in range(90)]
    # With a chance of 1 in 10^14 one of them would be missed.
    assert set(chosen) == {1, 2, 3}
    assert chosen != sorted(chosen)


def test_the_oracle_decides_anew_for_each_request_of_a_connection(lab):
    sim = start(lab, 2)
    head = [("Host", "sim"), ("Content-Length", "1"), ("X-Sim-Job-Time", "0")]
    with Connection(sim.oracle) as connection:
        for fewest in (1, 2, 2, 1):
            sim.instances[fewest - 1].set(external_jobs=0)
            sim.instances[2 - fewest].set(external_jobs=1)
            connection.send_head("POST", "/v1/audio/transcriptions", head)
            connection.send(b"x")
            answer = connection.read_response("POST")
            assert answer.header("X-Sim-Instance") == str(fewest)
    wait_for(lambda: [s["open_connections"] for s in sim.states()] == [0, 0], "the end")


def test_the_oracle_passes_over_instances_that_do_not_listen(lab):
    sim = start(lab, 3)
    sim.instances[1].set(external_jobs=7)
    for index in (0, 2):
        sim.instances[index].set(listening=False)
    answer = run_job(sim.oracle)
    assert (answer.header("X-Sim-Instance"), answer.header("X-Sim-Excess")) == ("2", "0")
    sim.instances[1].set(listening=False)
    with Connection(sim.oracle) as connection:
        connection.send_head("GET", "/health", [("Host", "sim")])
        try:
            assert connection.read_some() == b""
        except ConnectionResetError:
            pass


def test_an_abort_and_a_malformed_request_at_the_oracle_count_where_they_went(lab):
    sim = start(lab, 2)
    sim.instances[0].set(external_jobs=5)
    job = hold(sim.oracle, until=lambda: sim.instances[1].state()["running"] == 1)
    job.close()
    wait_for(lambda: sim.instances[1].state()["aborted"] == 1, "the abort")
    with Connection(sim.oracle) as connection:
        connection.send(b"no request\n\n")
        assert connection.read_response().status == 400
    assert [r.method for r in sim.instances[1].requests()] == ["POST", "BAD"]
    assert sim.instances[0].requests() == []


def test_the_excess_counts_running_queued_uploading_and_external_jobs(lab):
    sim = start(lab, 3, slots=1)
    first, second, third = sim.instances
    held = [hold(first.port, until=lambda: first.state()["running"] == 1)]
    held.append(hold(first.port, until=lambda: first.state()["queued"] == 1))
    second.set(external_jobs=1)
    with Connection(first.port) as uploading:
        uploading.send(UPLOAD.encode())
        wait_for(lambda: first.state()["uploading"] == 1, "the upload to begin")
        # Now there are 3, 1 and none.
        jobs = {i.index: Job(i.port, job_time=0, headers=ASYNC).send() for i in (first, second)}
        excess = {index: job.response().header("X-Sim-Excess") for index, job in jobs.items()}
        assert excess == {1: "3", 2: "1"}
        jobs[3] = Job(third.port).send()
        assert jobs[3].response().header("X-Sim-Excess") == "0"
    wait_for(lambda: first.state()["aborted"] == 1, "the upload to be given up")
    third.set(listening=False)
    jobs[4] = Job(second.port).send()
    assert jobs[4].response().header("X-Sim-Excess") == "0"
    # Of the first instance's four jobs one is an async one, which waits.
    sim.all(release=-1)
    assert [job.response().status for job in held] == [200, 200]
    wait_for(lambda: first.state()["active_jobs"] == 0, "all jobs to end")
    lines = jobs_of(sim)
    assert {i: lines[job.mark]["excess"] for i, job in jobs.items()} == {
        1: "3",
        2: "1",
        3: "0",
        4: "0",
    }
    # The first one's async job has joined its others by the time the last two arrive.
    assert lines[jobs[1].mark]["imbalance"] == "3"
    assert lines[jobs[3].mark]["imbalance"] == "4"
    assert lines[jobs[4].mark]["imbalance"] == "2"


def test_other_answers_say_nothing_of_an_excess(lab):
    sim = start(lab)
    assert http_request(sim.instances[0].port, "GET", "/health").all("X-Sim-Excess") == []
    assert http_request(sim.instances[0].port, "GET", "/other").all("X-Sim-Excess") == []


def test_the_log_has_a_line_for_each_job_with_its_times(lab):
    sim = start(lab, 2, slots=1)
    port = sim.instances[1].port
    job = Job(port, job_time=40).send()
    assert job.response().status == 200
    record = sim.requests()[0].values
    line = jobs_of(sim)[job.mark]
    assert (line["instance"], line["async"], line["outcome"]) == ("2", "0", "done")
    assert all(re.fullmatch(r"\d+\.\d{6}", line[name]) for name in ("arrived", "started", "ended"))
    arrived, started, ended = (float(line[name]) for name in ("arrived", "started", "ended"))
    assert arrived == record["started"] <= started
    assert started + 0.039 < ended <= record["ended"]


def test_aborted_jobs_are_logged_with_how_far_they_came(lab):
    sim = start(lab, slots=1)
    instance = sim.instances[0]
    running = hold(instance.port, until=lambda: instance.state()["running"] == 1)
    waiting = hold(instance.port, until=lambda: instance.state()["queued"] == 1)
    uploading = Connection(instance.port)
    uploading.send(UPLOAD.replace("Host:", "X-Job: half\r\nHost:").encode())
    wait_for(lambda: instance.state()["uploading"] == 1, "the upload to begin")
    for aborted in (uploading, waiting, running):
        aborted.close()
    wait_for(lambda: instance.state()["aborted"] == 3, "the aborts")
    lines = jobs_of(sim)
    assert {line["outcome"] for line in lines.values()} == {"aborted"}
    assert [lines[mark]["started"] for mark in (waiting.mark, "half")] == ["", ""]
    assert float(lines[running.mark]["started"]) > 0


def test_what_was_no_job_is_not_logged(lab):
    sim = start(lab)
    port = sim.instances[0].port
    assert http_request(port, "GET", "/v1/audio/transcriptions").status == 405
    assert run_job(port, fields={"response_format": "nonsense"}).status == 422
    assert run_job(port, headers=[("X-Sim-Response", "early:503")]).status == 503
    assert http_request(port, "POST", "/health", body=b"x").status == 405
    assert jobs_of(sim) == {}


def test_a_name_that_does_not_fit_a_csv_file_is_left_out(lab):
    sim = start(lab)
    for name in ("a" * 65, "a,b", 'a"b', "a b", "=1+1", ""):
        headers = {"X-Job": name}
        path = "/v1/audio/transcriptions"
        http_request(sim.instances[0].port, "POST", path, headers, body=b"x")
    good = "A-z_0.9" + "x" * 57
    http_request(sim.instances[0].port, "POST", path, {"X-Job": good}, body=b"x")
    sim.control("POST", "/flush")
    names = [line.partition(",")[0] for line in sim.log.read_text().splitlines()]
    assert names == ["job", "", "", "", "", "", "", good]


def test_the_end_of_the_program_aborts_and_logs_what_is_left(lab):
    sim = start(lab, slots=1)
    instance = sim.instances[0]
    left = Job(instance.port, job_time=-1, headers=ASYNC).send()
    left.response()
    waiting = Job(instance.port, job_time=0, headers=ASYNC).send()
    waiting.response()
    synchronous = hold(instance.port, until=lambda: instance.state()["queued"] == 2)
    sim.control("POST", "/quit")
    sim.wait()
    with open(sim.log, encoding="ascii", newline="") as file:
        outcomes = {line["job"]: line["outcome"] for line in csv.DictReader(file)}
    assert outcomes == {job.mark: "aborted" for job in (left, waiting, synchronous)}
    synchronous.close()


def test_a_log_that_cannot_be_written_is_an_error(lab):
    ended = run([*sim_command(), "--jobs-log", "/nonexistent/jobs.csv"])
    assert ended.returncode == 1
    assert b"/nonexistent/jobs.csv" in ended.stderr
    sim = lab.sim(1, ["--jobs-log", "/dev/full"])
    run_job(sim.instances[0].port)
    assert http_request(sim.control_port, "POST", "/flush").status == 500
    sim.expected = (1,)


# --- what tests steer answers by


def test_pieces_of_an_answer_come_when_they_are_let_go(lab):
    (instance,) = start(lab).instances
    job = Job(instance.port, headers=[("X-Sim-Response", "pieces:4")]).send()
    pieces = job.connection._chunks(job.connection.read_head())
    assert next(pieces) == b"piece 1\n"
    instance.set(pieces=1)
    assert next(pieces) == b"piece 2\n"
    assert instance.requests()[0].outcome == "open"
    instance.set(pieces=-1)
    assert list(pieces) == [b"piece 3\n", b"piece 4\n"]
    wait_for(lambda: instance.requests()[0].outcome == "answered", "the record of its end")


def test_halves_of_an_answer_are_a_json_string_of_that_length(lab):
    (instance,) = start(lab).instances
    for length in (2, 3, 9001):
        job = Job(instance.port, headers=[("X-Sim-Response", f"halves:{length}")]).send()
        wait_for(lambda: instance.requests()[-1].values["status"] == 200, "its head")
        instance.set(pieces=1)
        response = job.response()
        assert response.complete and response.length == length
        assert response.json() == "." * (length - 2)


def test_an_instance_can_answer_everything_alike(lab):
    (instance,) = start(lab).instances
    instance.set(response="status:500")
    assert instance.state()["response"] == "status:500"
    assert run_job(instance.port).status == 500
    # Who asks for something else gets that.
    assert run_job(instance.port, headers=[("X-Sim-Response", "vtt")]).status == 200
    instance.set(response=None)
    assert instance.state()["response"] is None
    assert run_job(instance.port).status == 200


def test_a_deaf_instance_goes_on_with_the_jobs_of_clients_that_left(lab):
    sim = start(lab, slots=1)
    (instance,) = sim.instances
    instance.set(deaf=True)
    jobs = [Job(instance.port, job_time=-1).send() for _ in range(2)]
    wait_for(lambda: instance.state()["queued"] == 1, "both to be there")
    for job in jobs:
        job.close()
    wait_for(lambda: instance.state()["aborted"] == 2, "both to have left")
    state = instance.state()
    assert (state["running"], state["queued"], state["active_jobs"]) == (1, 1, 2)
    instance.release()
    assert instance.state()["active_jobs"] == 0
    assert [jobs_of(sim)[job.mark]["outcome"] for job in jobs] == ["done", "done"]
    instance.set(deaf=False)
    job = Job(instance.port, job_time=-1).send()
    wait_for(lambda: instance.state()["running"] == 1, "a third to be there")
    job.close()
    wait_for(lambda: instance.state()["running"] == 0, "it to be given up")
