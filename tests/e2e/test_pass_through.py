"""Responses arrive through the balancer as the instance sent them, bytes, header and pace."""

import hashlib
import time

import pytest

from client import JOB_PATH, Connection, Job, request
from waiting import wait_for

MEBIBYTE = 1 << 20
ODD = [
    "204",
    "418",
    "chunked",
    "drip",
    "drip-text",
    "vtt",
    "dup",
    "empty",
    "big:0",
    "big:1",
    "big:65536",
    "status:200",
    "status:201",
    "status:302",
    "status:400",
    "status:401",
    "status:404",
    "status:422",
    "status:429",
    "status:500",
    "status:503",
    "status:599",
]


def ask(port, name, keep=True):
    headers = [("X-Sim-Response", name), ("X-Sim-Job-Time", "0")]
    return request(port, "POST", JOB_PATH, headers, body=b"x", keep=keep)


def without_framing(response):
    """How a body of unknown length ends is a matter of each connection."""
    return [(k, v) for k, v in response.end_to_end() if k != "transfer-encoding"]


def test_odd_responses_arrive_as_they_were_sent(lab):
    farm = lab.start_farm(1)
    wrong = []
    for name in ODD:
        direct = ask(farm.instances[1].port, name)
        through = ask(farm.port, name)
        assert direct.complete, name
        pairs = {
            "status": (direct.status, through.status),
            "header fields": (without_framing(direct), without_framing(through)),
            "body": (direct.body, through.body),
            "completeness": (direct.complete, through.complete),
        }
        wrong += [f"{name}: {what}: {a} != {b}" for what, (a, b) in pairs.items() if a != b]
    assert not wrong, "\n".join(wrong)


def test_what_each_odd_response_is_made_of(lab):
    # The comparison above would be content with two that are equally wrong.
    farm = lab.start_farm(1)
    answer = {name: ask(farm.port, name) for name in ODD}
    assert (answer["204"].status, answer["204"].body) == (204, b"")
    assert answer["204"].header("Content-Length") is None
    assert answer["418"].status == 418
    assert answer["chunked"].body == b"hello chunked world"
    assert answer["drip"].body == b"0123456789"
    assert len(answer["drip-text"].body) == 10
    assert answer["vtt"].header("Content-Type") == "text/vtt; charset=utf-8"
    assert answer["vtt"].body.startswith(b"WEBVTT")
    assert len(answer["dup"].all("Set-Cookie")) == 2
    assert len(answer["dup"].all("X-Dup")) == 2
    assert len(answer["dup"].all("Warning")) == 1
    assert (answer["empty"].status, answer["empty"].header("Content-Length")) == (200, "0")
    for status in (200, 201, 302, 400, 401, 404, 422, 429, 500, 503, 599):
        assert answer[f"status:{status}"].status == status


def test_a_hundred_mebibytes_arrive_byte_for_byte(lab):
    farm = lab.start_farm(1)
    name = f"big:{100 * MEBIBYTE}"
    direct = ask(farm.instances[1].port, name, keep=False)
    through = ask(farm.port, name, keep=False)
    assert direct.length == through.length == 100 * MEBIBYTE
    assert direct.sha256 == through.sha256
    assert direct.end_to_end() == through.end_to_end()


def test_a_response_in_single_bytes_arrives_as_a_stream(lab):
    farm = lab.start_farm(1)
    job = Job(farm.port, headers=[("X-Sim-Response", "drip")]).send()
    head = job.connection.read_head()
    assert head.status == 200
    assert job.connection.read_line() == "1"
    assert job.connection.read_line() == "0"
    first_byte = time.time()
    rest = job.connection.read_rest()
    job.close()
    assert rest == b"".join(b"1\r\n%d\r\n" % i for i in range(1, 10)) + b"0\r\n\r\n"
    (record,) = wait_for(
        lambda: [r for r in farm.instances[1].requests() if r.outcome == "answered"], "its end"
    )
    assert first_byte < record.values["ended"]


def test_a_large_response_starts_before_the_instance_has_finished(lab):
    farm = lab.start_farm(1)
    job = Job(farm.port, headers=[("X-Sim-Response", f"big:{64 * MEBIBYTE}")]).send()
    head = job.connection.read_head()
    assert head.header("Content-Length") == str(64 * MEBIBYTE)
    assert job.connection.read_some()
    # A client that doesn't read on holds the instance back: nothing in between collects it all.
    (record,) = farm.instances[1].requests()
    assert record.outcome == "open"
    assert job.connection.read_rest()
    job.close()
    wait_for(lambda: farm.instances[1].requests()[0].outcome == "answered", "its end")


def test_an_upload_reaches_the_instance_before_it_is_complete(lab):
    farm = lab.start_farm(1)
    with Connection(farm.port) as upload:
        fields = [("Host", "x"), ("Content-Length", "10"), ("X-Sim-Job-Time", "0")]
        upload.send_head("POST", JOB_PATH, fields)
        upload.send(b"12345")
        wait_for(lambda: farm.instances[1].state()["uploading"] == 1, "half of the upload")
        upload.send(b"67890")
        assert upload.read_response("POST").status == 200
    assert farm.instances[1].requests()[0].values["body_bytes"] == 10


def test_a_client_that_expects_100_continue_gets_it_before_the_body(lab):
    farm = lab.start_farm(1)
    with Connection(farm.port) as upload:
        fields = [("Host", "x"), ("Content-Length", "4"), ("Expect", "100-continue")]
        upload.send_head("POST", JOB_PATH, fields + [("X-Sim-Job-Time", "0")])
        assert upload.read_line().startswith("HTTP/1.1 100 ")
        while upload.read_line():
            pass
        upload.send(b"RIFF")
        assert upload.read_response("POST").status == 200
    assert farm.instances[1].requests()[0].values["body_bytes"] == 4


def test_request_header_fields_and_body_arrive_as_sent(lab):
    farm = lab.start_farm(1)
    sent = [
        ("Content-Type", "audio/wav"),
        ("Authorization", "Bearer abc.def=="),
        ("Cookie", "a=b; c=d"),
        ("X-Twice", "one"),
        ("X-Twice", "two"),
        ("Accept", "*/*"),
        ("X-Empty", ""),
        ("User-Agent", "e2e"),
    ]
    body = bytes(range(256)) * 16
    response = farm.request("POST", JOB_PATH, headers=sent + [("X-Sim-Job-Time", "0")], body=body)
    assert response.status == 200
    (record,) = farm.instances[1].requests()
    received = [(k.lower(), v) for k, v in record.values["headers"]]
    for name, value in sent:
        assert (name.lower(), value) in received, name
    assert [v for k, v in received if k == "x-twice"] == ["one", "two"]
    assert [v for k, v in received if k == "content-length"] == [str(len(body))]
    assert record.values["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_old_clients_are_served_too(lab, version):
    farm = lab.start_farm(1)
    with Connection(farm.port) as connection:
        connection.send(
            f"POST {JOB_PATH} {version}\r\nHost: x\r\nContent-Length: 1\r\n"
            "X-Sim-Job-Time: 0\r\n\r\nx".encode()
        )
        response = connection.read_response("POST")
    assert response.status == 200
    assert response.json() == {"text": "simulated transcript from instance 1"}
