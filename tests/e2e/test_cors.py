"""What pages of other origins may do: CORS (the Fetch standard, section 3.3), for raw requests."""

import pytest

from client import JOB_PATH, Job, multipart, request
from test_access_control import KEY, keys_file
from websocket import WebSocket

PAGE = "https://page.example"
OTHER = "https://other.example"
LIST = f"{PAGE},http://localhost:3000"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
ORIGIN = "Access-Control-Allow-Origin"


def preflight(farm, target=JOB_PATH, origin=PAGE, asks="authorization, x-a"):
    fields = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
    if asks is not None:
        fields.append(("Access-Control-Request-Headers", asks))
    return farm.request("OPTIONS", target, headers=fields)


def ask(farm, method, target, origin=PAGE, headers=(), body=None):
    fields = [("Origin", origin), *headers] if origin else list(headers)
    return farm.request(method, target, headers=fields, body=body)


def job(farm, origin=PAGE, headers=(), target=JOB_PATH):
    body, content_type = multipart()
    fields = [("Content-Type", content_type), ("X-Sim-Job-Time", "0"), *headers]
    return ask(farm, "POST", target, origin, fields, body)


def words(response, name):
    return {word.strip() for value in response.all(name) for word in value.split(",")}


def start(lab, origins, instances=1, sim=("--cors",), **variables):
    """A farm whose instances let pages in by themselves, unless `sim` says otherwise."""
    if origins is not None:
        variables["CORS_ORIGINS"] = origins
    made = lab.sim(instances, ["--slots", 1000, *sim]).instances
    return lab.farm(dict(enumerate(made, 1)), **variables).start()


# --- Preflights


@pytest.mark.parametrize("origins", [None, "*", LIST])
@pytest.mark.parametrize("keys", [False, True])
def test_a_preflight_is_answered_here_with_keys_and_without(lab, origins, keys):
    variables = {"API_KEYS_FILE": keys_file(lab, KEY), "STATUS_NEEDS_KEY": "yes"} if keys else {}
    farm = start(lab, origins, **variables)
    for target in (JOB_PATH, "/transcribe", "/v1/uploads", "/", "/health", "/nowhere"):
        answer = preflight(farm, target)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.header("Content-Length") is None
        assert answer.header(ORIGIN) == (PAGE if origins == LIST else "*")
        assert words(answer, "Access-Control-Allow-Methods") == METHODS
        assert answer.header("Access-Control-Allow-Headers") == "authorization, x-a"
        assert answer.header("Access-Control-Max-Age") == "600"
        credentials = "true" if origins == LIST else None
        assert answer.header("Access-Control-Allow-Credentials") == credentials
        assert ("Origin" in words(answer, "Vary")) == (origins == LIST)
    assert farm.instances[1].requests() == []


def test_a_preflight_that_asks_for_no_fields_gets_none(lab):
    answer = preflight(start(lab, "*"), asks=None)
    assert answer.status == 204
    assert answer.header("Access-Control-Allow-Headers") is None


@pytest.mark.parametrize(
    "asks", ["a" * 2001, "a b:c", 'x"y', "x;y", "x\x7fy", "x\u00e9y", "<script>", "x\\y"]
)
def test_what_cannot_be_names_of_fields_is_not_said_again(lab, asks):
    farm = start(lab, "*")
    answer = preflight(farm, asks=asks)
    assert answer.status in (204, 400)
    assert answer.header("Access-Control-Allow-Headers") is None
    assert preflight(farm, asks="a" * 2000).header("Access-Control-Allow-Headers") == "a" * 2000


def test_options_that_are_no_preflight_are_a_method_like_others(lab):
    farm = start(lab, "*")
    for fields in ([], [("Origin", PAGE)], [("Access-Control-Request-Method", "POST")]):
        answer = farm.request("OPTIONS", JOB_PATH, headers=fields)
        assert (answer.status, answer.header("Allow")) == (405, "POST")
    assert farm.instances[1].requests() == []


def test_preflights_make_no_log_lines_but_at_debug(lab):
    farm = start(lab, LIST, LOG_LEVEL="INFO")
    assert preflight(farm).status == 204
    assert job(farm).status == 200
    assert preflight(farm, origin=OTHER).status == 403
    farm.haproxy.wait_for_out(r"status=200")
    farm.haproxy.wait_for_out(r"status=403")
    lines = [line for line in farm.haproxy.out().splitlines() if "status=" in line]
    assert ["status=204" in line for line in lines] == [False, False]
    assert "status=403" in lines[1]


# --- Answers


@pytest.mark.parametrize("origins", [None, LIST])
def test_a_page_may_read_an_instances_answer_and_sees_one_leave(lab, origins):
    for sim in (("--cors",), ()):
        farm = start(lab, origins, sim=sim)
        answer = job(farm)
        assert answer.status == 200
        assert answer.header(ORIGIN) == (PAGE if origins == LIST else "*")


@pytest.mark.parametrize("origins", [None, LIST])
@pytest.mark.quick("three failed checks")
def test_a_page_may_read_every_answer_of_our_own(lab, origins):
    farm = start(lab, origins, API_KEYS_FILE=keys_file(lab, KEY))
    key = [("Authorization", f"Bearer {KEY}")]
    farm.instances[1].set(health="500")
    farm.wait_until_unhealthy(1)
    wanted = {
        200: ask(farm, "GET", "/"),
        401: job(farm),
        404: ask(farm, "GET", "/nowhere", headers=key),
        405: ask(farm, "GET", JOB_PATH, headers=key),
        503: job(farm, headers=key),
    }
    health = ask(farm, "GET", "/health")
    farm.instances[1].set(health="ok", response="close")
    farm.wait_until_healthy(1)
    wanted[502] = job(farm, headers=key)
    farm.agent.kill()
    away = ask(farm, "GET", "/health")
    for status, answer in [*wanted.items(), (503, health), (503, away)]:
        assert answer.status == status
        assert answer.header(ORIGIN) == (PAGE if origins == LIST else "*")
        exposed = words(answer, "Access-Control-Expose-Headers")
        assert exposed == ({"Retry-After"} if answer.header("Retry-After") else set())
    assert wanted[503].header("Retry-After") is not None


def test_a_page_may_read_that_an_instance_did_not_answer_in_time(lab):
    farm = start(lab, "*", REQUEST_TIMEOUT="1s")
    answer = job(farm, headers=[("X-Sim-Job-Time", "-1")])
    assert (answer.status, answer.header(ORIGIN)) == (504, "*")


def test_a_page_may_read_the_answer_to_a_job_that_was_picked_anew(lab):
    farm = start(lab, LIST, instances=2)
    farm.instances[1].set(listening=False)
    farm.instances[2].set(external_jobs=9)
    for _ in range(3):
        answer = job(farm)
        assert answer.status == 200
        assert answer.header(ORIGIN) == PAGE
    farm.instances[2].set(listening=False)
    answer = job(farm)
    assert (answer.status, answer.header(ORIGIN)) == (503, PAGE)
    assert answer.header("Access-Control-Expose-Headers") == "Retry-After"


def test_a_page_may_read_that_the_house_is_full(lab):
    farm = start(lab, "*", MAX_CONNECTIONS=10, PROXY_PATHS="whisperx,/v1/realtime")
    jobs = [farm.open_job().send() for _ in range(10)]
    for opened in jobs:
        farm.wait_until_running(opened)
    for answer in (job(farm), ask(farm, "GET", "/v1/realtime")):
        assert answer.status == 503
        assert answer.header(ORIGIN) == "*"
        assert answer.header("Access-Control-Expose-Headers") == "Retry-After"
    # And a browser can still ask.
    assert preflight(farm).status == 204


def test_who_is_no_page_gets_the_instances_very_answer(lab):
    farm = start(lab, None, sim=())
    direct = Job(farm.instances[1].port).send().response()
    through = farm.run_job()
    assert through.end_to_end() == direct.end_to_end()
    assert farm.request("GET", "/health").header(ORIGIN) is None


def test_with_all_origins_what_an_instance_says_stands(lab):
    """The real server answers a request with a cookie with that page's own origin."""
    farm = start(lab, None)
    answer = job(farm, headers=[("Cookie", "a=b")])
    assert answer.header(ORIGIN) == PAGE
    assert answer.header("Access-Control-Allow-Credentials") == "true"
    # Ours never has credentials.
    assert ask(farm, "GET", "/health").header("Access-Control-Allow-Credentials") is None


# --- A list


@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "https://page.example.evil", "http://page.example", "https://page.example:444"]
    + ["https://PAGE.example", "https://page.example/", "", "*", PAGE + ", " + OTHER],
)
def test_a_page_that_is_not_in_the_list_reads_nothing(lab, origin):
    farm = start(lab, LIST, API_KEYS_FILE=keys_file(lab, KEY))
    key = [("Authorization", f"Bearer {KEY}")]
    answers = [
        preflight(farm, origin=origin),
        ask(farm, "GET", "/health", origin=None, headers=[("Origin", origin)]),
        job(farm, origin=None, headers=[("Origin", origin), *key]),
        job(farm, origin=None, headers=[("Origin", origin)]),
    ]
    for answer in answers:
        assert answer.header(ORIGIN) is None
        assert answer.header("Access-Control-Allow-Credentials") is None
    if origin:
        assert answers[0].status == 403
        assert "CORS_ORIGINS" in answers[0].json()["detail"]


def test_a_list_is_the_rule_whatever_an_instance_says(lab):
    farm = start(lab, LIST)
    for headers in ([], [("Cookie", "a=b")]):
        assert job(farm, OTHER, headers).header(ORIGIN) is None
        answer = job(farm, "http://localhost:3000", headers)
        assert answer.header(ORIGIN) == "http://localhost:3000"
        assert answer.header("Access-Control-Allow-Credentials") == "true"


def test_with_a_list_caches_know_that_answers_differ(lab):
    farm = start(lab, LIST, sim=())
    for origin in (PAGE, OTHER, None):
        assert "Origin" in words(ask(farm, "GET", "/health", origin), "Vary")
        assert "Origin" in words(job(farm, origin), "Vary")


def test_a_websocket_of_a_page_that_is_not_in_the_list_is_refused(lab):
    """Browsers let every page open one, and read it."""
    farm = start(lab, LIST, PROXY_PATHS="/v1/realtime")

    def opened(*headers):
        return WebSocket(farm.port, headers=headers).answer[0]

    assert opened(("Origin", OTHER)) == 403
    assert opened(("Origin", "null")) == 403
    assert farm.instances[1].requests() == []
    assert opened(("Origin", PAGE)) == 101
    assert opened() == 101
    # A page that came through the balancer itself.
    assert opened(("Origin", "https://balancer.example"), ("Host", "balancer.example")) == 101
    assert opened(("Origin", "https://balancer.example"), ("Host", "balancer.example:8")) == 403


def test_with_all_origins_every_page_may_open_a_websocket(lab):
    farm = start(lab, "*", PROXY_PATHS="/v1/realtime")
    assert WebSocket(farm.port, headers=[("Origin", OTHER)]).answer[0] == 101


# --- None: the instances say


@pytest.mark.parametrize("keys", [False, True])
def test_with_none_preflights_go_to_an_instance(lab, keys):
    variables = {"API_KEYS_FILE": keys_file(lab, KEY)} if keys else {}
    farm = start(lab, "none", PROXY_PATHS="whisperx,/v1/models", **variables)
    for target in (JOB_PATH, "/transcribe", "/v1/models"):
        answer = preflight(farm, target)
        assert (answer.status, answer.body) == (200, b"OK")
        assert answer.header(ORIGIN) == PAGE
    assert [r.method for r in farm.instances[1].requests()] == ["OPTIONS"] * 3
    # And no more than preflights: nothing else without a key, nothing to other paths.
    assert preflight(farm, "/nowhere").status == 404
    if keys:
        assert ask(farm, "OPTIONS", JOB_PATH).status == 401
        assert job(farm).status == 401
    assert len(farm.instances[1].requests()) == 3


def test_with_none_preflights_about_jobs_go_to_any_instance_and_are_no_search(lab):
    farm = start(lab, "none", instances=2, API_KEYS_FILE=keys_file(lab, KEY))
    for target in ("/v1/jobs", "/v1/jobs/", "/v1/jobs/17", "/v1/jobs/17/content"):
        answer = preflight(farm, target)
        assert (answer.status, answer.body) == (200, b"OK")
        assert answer.header(ORIGIN) == PAGE
    assert sum(farm.counts().values()) == 4
    assert ask(farm, "OPTIONS", "/v1/jobs/17").status == 401


def test_with_none_nothing_is_said_here(lab):
    farm = start(lab, "none", sim=())
    for answer in (job(farm), ask(farm, "GET", "/health"), ask(farm, "GET", "/nowhere")):
        assert answer.header(ORIGIN) is None
    assert preflight(farm, "/health").status == 405
    assert request(farm.port, "OPTIONS", JOB_PATH).status == 405


def test_with_none_preflights_are_refused_in_a_full_house(lab):
    farm = start(lab, "none", MAX_CONNECTIONS=10)
    jobs = [farm.open_job().send() for _ in range(10)]
    for opened in jobs:
        farm.wait_until_running(opened)
    assert preflight(farm).status == 503
