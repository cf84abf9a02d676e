"""The simulator's jobs that are asked for by their ids, and its storage: in the real forms."""

import json
import re
import uuid
from urllib.parse import quote

from client import JOB_PATH, Connection, Job, http_request, multipart, request, run_job
from waiting import wait_for

STORED = {"stored_output": "true"}
HELD = -1
VIDEOS = "/v1/videos"


def start(lab, *arguments):
    return lab.sim(1, ["--slots", 1000, *arguments]).instances[0]


def chosen(name):
    return [("X-Sim-Job-Id", name)]


def accept(instance, job_time=HELD, headers=(), fields=STORED):
    answer = run_job(instance.port, job_time=job_time, headers=headers, fields=fields)
    assert answer.status == 200, answer
    return answer.json()["job_id"]


def get(instance, job, more="", **options):
    target = f"/v1/jobs/{quote(job, safe='')}{more}"
    return request(instance.port, "GET", target, **options)


def post(instance, target, fields=None, headers=(), file=b"RIFF"):
    body, content_type = multipart(file, fields)
    fields = [("Content-Type", content_type), *headers]
    return request(instance.port, "POST", target, fields, body)


def test_a_stored_job_is_accepted_in_the_real_servers_form(lab):
    instance = start(lab)
    answer = run_job(instance.port, job_time=HELD, fields=STORED)
    assert answer.status == 200
    told = answer.json()
    assert uuid.UUID(told["job_id"]).version == 4
    assert told["status"] == "in_progress"
    assert set(told) == {"job_id", "status", "message", "processing_info", "retrieval_info"}
    assert told["retrieval_info"]["retention_seconds"] == 24 * 3600
    assert told["job_id"] in told["message"]
    assert instance.state()["running"] == 1


def test_only_a_true_value_stores_the_output(lab):
    instance = start(lab)
    for value, stored in (("True", True), ("1", True), ("false", False), ("", False), ("x", False)):
        answer = run_job(instance.port, fields={"stored_output": value})
        assert ("job_id" in answer.json()) == stored, value


def test_a_job_is_processing_then_completed_with_its_result(lab):
    instance = start(lab)
    job = accept(instance)
    answer = get(instance, job)
    assert answer.status == 200
    told = answer.json()
    assert (told["job_id"], told["status"]) == (job, "processing")
    assert told["elapsed_time"] >= 0
    assert "result" not in told
    instance.release()
    told = get(instance, job).json()
    assert (told["job_id"], told["status"], told["progress"]) == (job, "completed", "Done")
    assert told["end_time"] >= told["start_time"]
    assert told["result"]["text"] == "x" * 1000
    for value in ("false", "False", "0", "no"):
        told = get(instance, job, f"?a=b&include_result={value}").json()
        assert "result" not in told
        assert told["status"] == "completed"
    assert "result" in get(instance, job, "?include_result=true").json()


def test_an_unknown_job_is_not_found_in_the_real_servers_words(lab):
    instance = start(lab)
    answer = get(instance, "17")
    assert answer.status == 404
    assert answer.json() == {
        "detail": "Job not found: 17. Note: Job records are automatically cleaned up after "
        "completion based on retention settings."
    }
    assert request(instance.port, "DELETE", "/v1/jobs/17").status == 404
    assert get(instance, "17", "/content").status == 404
    headers = [("X-Sim-Response", "big:5000")]
    assert get(instance, "17", headers=headers).status == 404


def test_all_jobs_are_listed(lab):
    instance = start(lab)
    assert request(instance.port, "GET", "/v1/jobs").json() == {"total_jobs": 0, "jobs": {}}
    done = accept(instance, job_time=0)
    held = accept(instance)
    for target in ("/v1/jobs", "/v1/jobs/", "/prefix/v1/jobs?x=y"):
        told = request(instance.port, "GET", target).json()
        assert told["total_jobs"] == 2
        states = {job: said["status"] for job, said in told["jobs"].items()}
        assert states == {done: "completed", held: "processing"}


def test_a_job_is_deleted_and_one_that_runs_is_given_up(lab):
    instance = start(lab)
    jobs = [accept(instance, job_time=0), accept(instance)]
    for job in jobs:
        answer = request(instance.port, "DELETE", f"/v1/jobs/{job}")
        assert answer.status == 200
        assert answer.json() == {"job_id": job, "deleted": True}
        assert get(instance, job).status == 404
    assert instance.state()["running"] == 0
    assert request(instance.port, "GET", "/v1/jobs").json()["total_jobs"] == 0


def test_it_refuses_to_delete_as_the_real_server_does_if_told_so(lab):
    instance = start(lab)
    job = accept(instance)
    instance.set(deletes=False)
    answer = request(instance.port, "DELETE", f"/v1/jobs/{job}")
    assert (answer.status, answer.header("Allow")) == (405, "GET")
    assert answer.json() == {"detail": "Method Not Allowed"}
    assert get(instance, job).status == 200


def test_other_methods_are_not_allowed_on_a_job(lab):
    instance = start(lab)
    job = accept(instance)
    for method in ("POST", "PUT", "HEAD"):
        assert request(instance.port, method, f"/v1/jobs/{job}").status == 405
    assert request(instance.port, "POST", "/v1/jobs", body=b"").status == 405


def test_paths_below_a_job_say_what_came(lab):
    instance = start(lab)
    job = accept(instance, headers=[("X-Sim-Result-Bytes", "300000")])
    answer = request(instance.port, "POST", f"/v1/jobs/{job}/cancel/now?x=1", body=b"{}")
    assert answer.json() == {"job_id": job, "method": "POST", "path": "cancel/now"}
    content = get(instance, job, "/content")
    assert content.header("Content-Type") == "application/octet-stream"
    assert content.body == bytes((i * 31 + 7) % 251 for i in range(300000))


def test_a_path_below_the_jobs_is_a_jobs_whatever_its_end(lab):
    instance = start(lab)
    assert accept(instance, headers=chosen("health")) == "health"
    assert get(instance, "health").json()["job_id"] == "health"
    assert get(instance, "health", "/health").json()["path"] == "health"
    assert instance.state()["health_requests"] == 0


def test_a_client_chooses_an_id_of_any_characters(lab):
    instance = start(lab)
    ids = ["17", "a/b", "%41", "a b", "..", "?x=1#y", 'q"\\', "\x00\x1f\x7f", "ümläut", "x" * 256]
    for job in ids:
        assert accept(instance, headers=chosen(quote(job, safe=""))) == job
        assert get(instance, job).json()["job_id"] == job
    listed = request(instance.port, "GET", "/v1/jobs").json()["jobs"]
    assert list(listed) == ids
    for job in ids:
        assert request(instance.port, "DELETE", f"/v1/jobs/{quote(job, safe='')}").status == 200
    assert request(instance.port, "GET", "/v1/jobs").json()["total_jobs"] == 0


def test_an_id_that_is_taken_empty_or_too_long_is_refused(lab):
    instance = start(lab)
    accept(instance, headers=chosen("a"))
    for name, status in (("a", 409), ("", 400), ("x" * 257, 400)):
        answer = run_job(instance.port, headers=chosen(name), fields=STORED)
        assert answer.status == status, name
    assert instance.state()["known_jobs"] == 1


def test_the_short_form_has_a_number_that_can_be_asked_for(lab):
    instance = start(lab)
    answer = run_job(instance.port, job_time=HELD, headers=[("X-Sim-Async", "1")])
    job = answer.json()["job_id"]
    assert answer.json() == {"job_id": job, "status": "queued"}
    assert job.isdigit()
    assert get(instance, job).json()["status"] == "processing"


def test_the_id_may_come_in_a_header_field_only(lab):
    instance = start(lab)
    for way, name, pattern in (
        ("location", "Location", r"^/v1/jobs/(.+)$"),
        ("operation-location", "Operation-Location", r"^http://host:1/v1/jobs/(.+)\?.*#"),
    ):
        headers = [("X-Sim-Accepted", way), *chosen(f"a%20{way}%3F")]
        answer = post(instance, JOB_PATH, headers=[("Host", "host:1"), *headers])
        assert answer.status == 202
        assert "job_id" not in answer.json()
        found = re.match(pattern, answer.header(name)).group(1)
        assert found == quote(f"a {way}?", safe="")
        assert request(instance.port, "GET", f"/v1/jobs/{found}").status == 200
    assert post(instance, JOB_PATH, headers=[("X-Sim-Accepted", "x")]).status == 400


def test_a_result_has_any_size(lab):
    instance = start(lab)
    size = 30_000_000
    job = accept(instance, job_time=0, headers=[("X-Sim-Result-Bytes", str(size))])
    answer = get(instance, job)
    assert int(answer.header("Content-Length")) == answer.length > size
    assert len(answer.json()["result"]["text"]) == size
    answer = get(instance, job, headers=[("X-Sim-Response", "big:1000000")])
    assert answer.length == 1_000_000
    answer = post(instance, JOB_PATH, STORED, [("X-Sim-Result-Bytes", "2000000001")])
    assert answer.status == 400


def test_jobs_are_forgotten_at_a_restart(lab):
    instance = start(lab)
    job = accept(instance, job_time=0)
    accept(instance)
    with Connection(instance.port) as connection:
        wait_for(lambda: instance.state()["open_connections"] == 1, "the connection")
        instance.set(restart=True)
        try:
            assert connection.read_some() == b""
        except ConnectionResetError:
            pass
    assert get(instance, job).status == 404
    state = instance.state()
    assert (state["running"], state["known_jobs"], state["listening"]) == (0, 0, True)
    # It goes on as a new one.
    job = accept(instance, job_time=0)
    assert get(instance, job).json()["status"] == "completed"


def test_dropped_connections_alone_forget_nothing(lab):
    instance = start(lab)
    job = accept(instance)
    instance.set(listening=False, drop=True)
    instance.set(listening=True)
    assert get(instance, job).json()["status"] == "processing"


def test_jobs_come_by_another_road(lab):
    instance = start(lab)
    made = instance.sim.control("POST", "/instances/1/jobs", {"count": 3, "prefix": "bulk-"})
    assert made == {"ids": ["bulk-1", "bulk-2", "bulk-3"]}
    assert get(instance, "bulk-2").json()["status"] == "completed"
    asked = {"ids": ["a", "b/c"], "job_time_ms": HELD, "result_bytes": 5}
    assert instance.sim.control("POST", "/instances/1/jobs", asked) == {"ids": ["a", "b/c"]}
    assert instance.state()["running"] == 2
    assert get(instance, "b/c").json()["status"] == "processing"
    instance.release()
    assert get(instance, "b/c").json()["result"]["text"] == "xxxxx"
    (one,) = instance.sim.control("POST", "/instances/1/jobs", {})["ids"]
    assert uuid.UUID(one).version == 4
    listed = instance.sim.control("GET", "/instances/1/jobs")
    assert list(listed["jobs"]) == ["bulk-1", "bulk-2", "bulk-3", "a", "b/c", one]
    assert instance.sim.control("DELETE", "/instances/1/jobs")["total_jobs"] == 0


def test_bad_bulk_is_refused(lab):
    instance = start(lab)
    instance.sim.control("POST", "/instances/1/jobs", {"ids": ["a"]})
    bad = [{"count": 0}, {"count": 1.5}, {"ids": "a"}, {"ids": ["a"]}, {"ids": [""]}, {"x": 1}, []]
    for asked in bad:
        body = json.dumps(asked).encode()
        answer = http_request(instance.sim.control_port, "POST", "/instances/1/jobs", body=body)
        assert answer.status == 400, asked
        assert answer.json()["error"]


def test_a_hundred_thousand_jobs(lab):
    instance = start(lab)
    asked = {"count": 100_000, "prefix": "n"}
    assert len(instance.sim.control("POST", "/instances/1/jobs", asked)["ids"]) == 100_000
    assert get(instance, "n77777").json()["job_id"] == "n77777"
    assert len(request(instance.port, "GET", "/v1/jobs").json()["jobs"]) == 100_000
    for _ in range(2):
        instance.sim.control("POST", "/instances/1/jobs", {"count": 60_000})
    # The oldest go.
    assert instance.state()["known_jobs"] == 200_000
    assert get(instance, "n20000").status == 404
    assert get(instance, "n20001").status == 200


def test_another_path_of_jobs_is_as_openai_has_it(lab):
    instance = start(lab, "--jobs-path", VIDEOS)
    held = [("X-Sim-Job-Time", "-1")]
    told = request(instance.port, "POST", VIDEOS, held, b'{"prompt":"x"}').json()
    job = told["id"]
    assert job.startswith("video_")
    assert (told["object"], told["status"]) == ("video", "in_progress")
    assert instance.state()["running"] == 1
    assert request(instance.port, "GET", f"{VIDEOS}/{job}").json()["status"] == "in_progress"
    instance.release()
    told = request(instance.port, "GET", f"{VIDEOS}/{job}").json()
    assert (told["id"], told["status"], told["progress"]) == (job, "completed", 100)
    listed = request(instance.port, "GET", VIDEOS).json()
    assert [said["id"] for said in listed["data"]] == [job]
    assert (listed["object"], listed["first_id"], listed["last_id"]) == ("list", job, job)
    assert request(instance.port, "GET", f"{VIDEOS}/{job}/content").length == 1000
    # The same jobs, in the other form.
    assert get(instance, job).json()["status"] == "completed"
    told = request(instance.port, "DELETE", f"{VIDEOS}/{job}").json()
    assert told == {"id": job, "object": "video.deleted", "deleted": True}
    assert request(instance.port, "GET", f"{VIDEOS}/{job}").json()["error"]["message"]


def test_a_job_of_the_other_path_has_its_location_there(lab):
    instance = start(lab, "--jobs-path", VIDEOS)
    headers = [("X-Sim-Accepted", "location"), *chosen("v")]
    answer = request(instance.port, "POST", VIDEOS, headers, b"{}")
    assert (answer.status, answer.header("Location")) == (202, f"{VIDEOS}/v")


def test_a_job_that_waits_for_its_slot_is_queued(lab):
    instance = lab.sim(1, ["--jobs-path", VIDEOS]).instances[0]
    headers = [("X-Sim-Job-Time", "-1")]
    states = [request(instance.port, "POST", VIDEOS, headers, b"{}").json()["status"] for _ in "12"]
    assert states == ["in_progress", "queued"]
    assert (instance.state()["running"], instance.state()["queued"]) == (1, 1)


def test_a_file_is_uploaded_in_the_real_servers_form(lab):
    instance = start(lab)
    told = post(instance, "/v1/uploads", {"key": 'uploads/a "b".wav'}, file=b"x" * 70000).json()
    assert told["key"] == 'uploads/a "b".wav'
    assert told["storage_url"].endswith(told["key"])
    assert (told["status"], told["file_size"]) == ("success", 70000)
    assert (told["original_filename"], told["content_type"]) == ("a.wav", "audio/wav")
    assert post(instance, "/v1/uploads").json()["key"].startswith("uploads/")
    assert request(instance.port, "GET", "/v1/uploads").status == 405
    assert request(instance.port, "POST", "/v1/uploads", body=b"x").status == 422
    assert instance.state()["finished"] == 0


def test_a_file_is_downloaded_by_its_key(lab):
    instance = start(lab)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    for answer in (
        request(instance.port, "POST", "/v1/downloads", form, b"a=b&key=dir%2Fc+d.json&z="),
        post(instance, "/v1/downloads", {"key": "dir/c d.json"}),
    ):
        assert answer.status == 200
        assert answer.header("Content-Disposition") == "attachment; filename=cd.json"
        assert answer.length == 1000
    assert post(instance, "/v1/downloads", {"key": "missing/x"}).status == 404
    assert request(instance.port, "POST", "/v1/downloads", form, b"x=y").status == 422


def test_without_a_storage_uploads_and_downloads_fail_as_the_real_ones(lab):
    instance = start(lab)
    instance.set(storage=False)
    for target in ("/v1/uploads", "/v1/downloads"):
        answer = post(instance, target, {"key": "a"})
        assert answer.status == 500
        assert "storage" in answer.json()["detail"]


def test_thousands_of_deleted_jobs_leave_the_queue_alone(lab):
    instance = lab.sim(1, ["--slots", 1]).instances[0]
    instance.sim.control("POST", "/instances/1/jobs", {"count": 5000, "job_time_ms": HELD})
    job = Job(instance.port, 0).send()
    wait_for(lambda: instance.state()["queued"] == 5000, "the job to wait")
    instance.sim.control("DELETE", "/instances/1/jobs")
    assert job.response().status == 200
    assert instance.state()["active_jobs"] == 0
