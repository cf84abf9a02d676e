"""Which requests there are, and what the balancer itself answers."""

import re

import pytest

from client import JOB_PATH, http_request

ISO_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def test_get_root_describes_the_service(lab):
    farm = lab.start_farm(3)
    response = farm.request("GET", "/")
    assert response.status == 200
    assert response.header("Content-Type").startswith("application/json")
    body = response.json()
    assert isinstance(body.pop("version"), str)
    assert body == {
        "service": "WhisperX Load Balancer",
        "instances": 3,
        "endpoints": {"health": "/health", "transcription": "/v1/audio/transcriptions"},
    }


@pytest.mark.quick("three failed checks")
def test_get_health_describes_the_instances(lab):
    farm = lab.start_farm(3, {1: 2, 3: 5})
    farm.instances[2].set(health="503")
    farm.wait_until_unhealthy(2)
    response = farm.request("GET", "/health")
    assert response.status == 200
    assert response.header("Content-Type").startswith("application/json")
    body = response.json()
    instances = body.pop("instances")
    assert body == {"total_instances": 3, "healthy_instances": 2, "total_active_jobs": 7}
    assert [i["url"] for i in instances] == [i.url for i in farm.instances.values()]
    assert [i["is_healthy"] for i in instances] == [True, False, True]
    assert [i["active_jobs"] for i in instances] == [2, 0, 5]
    assert instances[0]["consecutive_failures"] == 0
    assert instances[1]["consecutive_failures"] >= 3
    assert [i["error_message"] is None for i in instances] == [True, False, True]
    assert "503" in instances[1]["error_message"]
    for instance in instances:
        assert ISO_TIME.match(instance["last_check"])
        assert {"in_flight", "external_jobs", "load", "weight"} <= set(instance)


@pytest.mark.quick("three failed checks")
def test_health_is_503_when_no_instance_is_healthy(lab):
    farm = lab.start_farm(2)
    for number, instance in farm.instances.items():
        instance.set(health="500")
        farm.wait_until_unhealthy(number)
    response = farm.request("GET", "/health")
    assert response.status == 503
    assert response.json()["healthy_instances"] == 0
    assert len(response.json()["instances"]) == 2
    # What the service is doesn't depend on its instances.
    assert farm.request("GET", "/").status == 200


def test_an_unchecked_instance_counts_as_healthy(lab):
    farm = lab.farm(2)
    for instance in farm.instances.values():
        instance.set(health="hang")
    farm.variables["HEALTH_CHECK_INTERVAL"] = "1h"
    farm.start_agent()
    farm.wait_for_agent()
    response = http_request(farm.status_port, target="/health")
    assert response.status == 200
    for instance in response.json()["instances"]:
        assert instance["is_healthy"] is True
        assert instance["last_check"] is None
        assert instance["consecutive_failures"] == 0


@pytest.mark.parametrize("path", ["/", "/health"])
def test_head_is_answered_like_get_without_a_body(lab, path):
    farm = lab.start_farm(1)
    head = farm.request("HEAD", path)
    get = farm.request("GET", path)
    assert head.status == get.status == 200
    assert head.header("Content-Type") == get.header("Content-Type")
    assert head.body == b""
    # The same by a client that notices bytes behind the header.
    assert http_request(farm.port, "HEAD", path).body == b""


def test_unknown_paths_are_404_in_json_and_reach_no_instance(lab):
    farm = lab.start_farm(1)
    paths = [
        "/v1/audio/transcription",
        "/v1/audio/transcriptions/",
        "/v1/audio/transcriptions/x",
        "/v1/audio/Transcriptions",
        "/v1/models",
        "/health/",
        "/healthz",
        "/metrics",
        "//",
        "/./v1/audio/transcriptions",
        "/x/../v1/audio/transcriptions",
        "/%76%31/audio/transcriptions",
        "/v1/audio/transcriptions%2f",
        "/index.html?a=/health",
    ]
    for method in ("GET", "POST", "DELETE"):
        for path in paths:
            body = b"x" if method == "POST" else None
            response = farm.request(method, path, body=body)
            assert (response.status, path) == (404, path)
            assert response.header("Content-Type") == "application/json"
            assert response.json() == {"detail": "Not Found"}
    assert farm.counts() == {1: 0}


def test_other_methods_are_405_with_allow_and_reach_no_instance(lab):
    farm = lab.start_farm(1)
    for path in (JOB_PATH, "/transcribe"):
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            response = farm.request(method, path)
            assert (response.status, method) == (405, method)
            assert response.header("Allow") == "POST"
            assert response.json() == {"detail": "Method Not Allowed"}
        assert farm.request("HEAD", path).status == 405
    for path in ("/", "/health"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            response = farm.request(method, path, body=b"x")
            assert (response.status, method) == (405, method)
            allowed = {name.strip() for name in response.header("Allow").split(",")}
            assert allowed == {"GET", "HEAD"}
            assert response.json() == {"detail": "Method Not Allowed"}
    assert farm.counts() == {1: 0}


def test_transcribe_is_sent_on_as_v1_audio_transcriptions(lab):
    farm = lab.start_farm(1)
    response = farm.run_job(target="/transcribe?language=de&x=%2F")
    assert response.status == 200
    (record,) = farm.instances[1].requests()
    assert record.target == "/v1/audio/transcriptions?language=de&x=%2F"


def test_a_query_is_sent_on_as_it_came(lab):
    farm = lab.start_farm(1)
    target = JOB_PATH + "?a=1&b=%20%C3%A9&c=x/../y&d"
    assert farm.run_job(target=target).status == 200
    (record,) = farm.instances[1].requests()
    assert record.target == target


def test_extra_paths_go_to_the_instances_and_no_others(lab):
    farm = lab.start_farm(2, {2: 9}, EXTRA_PATHS="/v1/models,/docs/")
    for path in ("/v1/models", "/docs/", "/docs/a?b=c"):
        for method in ("GET", "POST"):
            body = b"x" if method == "POST" else None
            # The simulator knows no such path: the 404 is its own.
            response = farm.request(method, path, body=body)
            assert response.status == 404
    assert farm.counts() == {1: 6, 2: 0}
    for path in ("/v1/models/", "/v1/models/x", "/docs", "/doc", "/x"):
        assert farm.request("GET", path).status == 404
    assert farm.counts() == {1: 6, 2: 0}
    assert [r.target for r in farm.instances[1].requests()][4:] == ["/docs/a?b=c"] * 2


def test_the_instance_learns_the_client_address_and_its_own_host(lab):
    farm = lab.start_farm(1)
    response = farm.run_job(headers=[("X-Forwarded-For", "203.0.113.9"), ("X-Custom", "a b")])
    assert response.status == 200
    (record,) = farm.instances[1].requests()
    assert record.host == f"127.0.0.1:{farm.instances[1].port}"
    forwarded = [v for k, v in record.values["headers"] if k.lower() == "x-forwarded-for"]
    assert ", ".join(forwarded).endswith("127.0.0.1")
    assert record.header("X-Custom") == "a b"


def test_status_survives_an_agent_that_is_away(lab):
    farm = lab.start_farm(1)
    farm.agent.kill()
    response = farm.request("GET", "/health")
    assert response.status == 503
    assert "detail" in response.json()
    assert farm.run_job().status == 200
