"""The five response formats of the transcription API."""

import pytest

from client import JOB_PATH, multipart, request

TYPES = {
    "json": "application/json",
    "verbose_json": "application/json",
    "text": "text/plain",
    "srt": None,
    "vtt": "text/vtt",
}


@pytest.mark.parametrize("path", [JOB_PATH, "/transcribe"])
def test_each_format_arrives_as_the_instance_sent_it(lab, path):
    farm = lab.start_farm(1)
    for name, content_type in TYPES.items():
        through = farm.run_job(target=path, fields={"response_format": name})
        body, multipart_type = multipart(fields={"response_format": name})
        headers = [("Content-Type", multipart_type), ("X-Sim-Job-Time", "0")]
        direct = request(farm.instances[1].port, "POST", JOB_PATH, headers, body)
        assert through.status == direct.status == 200
        assert through.body == direct.body
        assert through.end_to_end() == direct.end_to_end()
        if content_type:
            assert through.header("Content-Type").startswith(content_type)
        assert "simulated transcript from instance 1" in through.body.decode()


def test_an_unknown_format_is_refused_by_the_instance_in_its_own_words(lab):
    farm = lab.start_farm(1)
    response = farm.run_job(fields={"response_format": "morse"})
    assert response.status == 422
    assert "detail" in response.json()
    assert farm.counts() == {1: 1}


def test_fields_and_file_arrive_in_any_order(lab):
    farm = lab.start_farm(1)
    boundary = "x"
    file_part = (
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nAAAA\r\n'
    )
    format_part = '--x\r\nContent-Disposition: form-data; name="response_format"\r\n\r\ntext\r\n'
    for parts in (file_part + format_part, format_part + file_part):
        response = farm.request(
            "POST",
            JOB_PATH,
            headers=[
                ("Content-Type", f"multipart/form-data; boundary={boundary}"),
                ("X-Sim-Job-Time", "0"),
            ],
            body=(parts + "--x--\r\n").encode(),
        )
        assert response.status == 200
        assert response.header("Content-Type").startswith("text/plain")
