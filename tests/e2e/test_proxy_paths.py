"""PROXY_PATHS: which paths go to instances, by name and by preset."""

import pytest

from client import JOB_PATH, multipart
from test_access_control import KEY, keys_file

DEVIOUS = ["/../admin", "/./admin", "/..;/admin", "/..", "//admin", "/%2e%2e/admin", "/..%2fadmin"]
DEVIOUS += ["/..%5cadmin", "/..\\admin", "/%252e%252e/admin", "/x%00"]
OPENAI = [
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/speech",
    "/v1/models",
    "/v1/models/whisper-1",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/realtime",
    "/v1/rerank",
    "/v1/score",
]


def reaches(farm, method, path):
    """Whether an instance is asked; the balancer's own refusals are JSON of one form."""
    before = farm.counts()[1]
    body = b"x" if method == "POST" else None
    answer = farm.request(method, path, body=body)
    reached = farm.counts()[1] - before
    assert reached in (0, 1)
    if not reached:
        assert answer.json() in ({"detail": "Not Found"}, {"detail": "Method Not Allowed"})
    return reached == 1


def upload(farm, path, **fields):
    body, content_type = multipart(fields=fields)
    return farm.request("POST", path, headers=[("Content-Type", content_type)], body=body)


def test_uploads_and_downloads_are_jobs_for_any_instance(lab):
    farm = lab.start_farm(2, {1: 5})
    answer = upload(farm, "/v1/uploads", key="a.wav")
    assert (answer.status, answer.header("X-Sim-Instance")) == (200, "2")
    answer = upload(farm, "/v1/downloads", key="a.wav")
    assert (answer.status, answer.header("X-Sim-Instance")) == (200, "2")
    for path in ("/v1/uploads", "/v1/downloads"):
        refused = farm.request("GET", path)
        assert (refused.status, refused.header("Allow")) == (405, "POST")
        assert farm.request("POST", path + "/x", body=b"").status == 404
    assert farm.counts() == {1: 0, 2: 2}
    # In the log like any other job.
    assert [line["pick"] for line in farm.wait_for_log(2)[:2]] == ["instance2"] * 2


def test_openai_is_what_its_servers_have_and_no_more(lab):
    farm = lab.start_farm(1, PROXY_PATHS="openai")
    for path in OPENAI:
        for method in ("GET", "POST", "DELETE"):
            assert reaches(farm, method, path), (method, path)
    for path in ("/transcribe", "/v1/uploads", "/v1/files", "/v1/responses/1", "/v1/modelsx"):
        assert not reaches(farm, "POST", path), path
    for path in ("/", "/health"):
        assert not reaches(farm, "POST", path)
        assert farm.request("GET", path).status == 200


def test_both_presets_and_extra_paths_are_one_list(lab):
    farm = lab.start_farm(1, PROXY_PATHS="openai,whisperx,/a,/b/*,/c*", EXTRA_PATHS="/d/")
    for path in ("/a", "/b/", "/b/x/y", "/c", "/cx", "/c/x", "/d/x", "/transcribe", "/v1/uploads"):
        assert reaches(farm, "POST", path), path
    for path in ("/a/", "/ax", "/b", "/d", "/e"):
        assert not reaches(farm, "POST", path), path
    # The preset of other methods makes them good for a path that both have.
    assert reaches(farm, "GET", JOB_PATH)
    assert not reaches(farm, "GET", "/v1/uploads")


def test_without_whisperx_its_paths_are_paths_like_others(lab):
    farm = lab.start_farm(1, PROXY_PATHS="/transcribe")
    assert reaches(farm, "POST", "/transcribe")
    assert not reaches(farm, "POST", JOB_PATH)
    # It isn't another name of the first there.
    assert farm.instances[1].requests()[0].target == "/transcribe"


@pytest.mark.parametrize("paths", ["/docs/*", "/docs*", "/*", "/"])
def test_no_prefix_can_be_left(lab, paths):
    farm = lab.start_farm(1, PROXY_PATHS=paths)
    for path in DEVIOUS:
        assert not reaches(farm, "GET", "/docs" + path), path
    assert reaches(farm, "GET", "/docs/a.b/..c/.d")


def test_everything_but_the_status_may_be_the_instances(lab):
    farm = lab.start_farm(1, PROXY_PATHS="/*", API_KEYS_FILE=keys_file(lab, KEY))
    key = [("Authorization", f"Bearer {KEY}")]
    assert farm.request("GET", "/health").json()["total_instances"] == 1
    assert farm.request("GET", "/anything").status == 401
    farm.request("GET", "/anything", headers=key)
    assert farm.counts() == {1: 1}
