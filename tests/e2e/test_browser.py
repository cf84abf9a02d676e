"""Pages of other origins in a real browser (headless Chromium): what test_cors.py says, believed."""

import pytest

from browser import run_page
from test_access_control import KEY, keys_file

# The instance's own leave for pages, as the real server gives it, or none.
SIMS = {"an instance that lets pages in": ("--cors",), "an instance that says nothing": ()}
UPLOAD_AND_POLL = """
    const found = { job: await upload(%s), polls: [] };
    for (let i = 0; i < 3; i++) {
        found.polls.push((await ask("GET", "/health", %s)).status);
    }
    found.lost = await ask("GET", "/nowhere", %s);
    return found;
"""


def start(lab, sim=("--cors",), **variables):
    (instance,) = lab.sim(1, ["--slots", 1000, *sim]).instances
    return lab.farm({1: instance}, **variables).start()


def upload_and_poll(headers="{}"):
    """A field of its own makes it no simple request: the browser asks first."""
    return UPLOAD_AND_POLL % (headers, headers, headers)


def assert_done(found):
    assert found["job"]["status"] == 200, found
    assert "simulated transcript" in found["job"]["text"]
    assert found["polls"] == [200, 200, 200]
    assert (found["lost"]["status"], found["lost"]["text"]) == (404, '{"detail":"Not Found"}')


@pytest.mark.parametrize("sim", SIMS)
def test_a_page_uploads_a_file_reads_the_answer_and_polls(lab, sim):
    farm = start(lab, SIMS[sim])
    assert_done(run_page(lab, farm, upload_and_poll('{ "X-Sim-Job-Time": "0" }')))
    (record,) = farm.instances[1].requests()
    assert record.method == "POST"
    assert record.header("Origin").startswith("http://page.example:")
    assert record.values["body_bytes"] > 100_000


SUBMIT_AND_FETCH = """
    const key = { Authorization: "Bearer %s" };
    const found = { polls: [] };
    found.job = await upload({ ...key, "X-Sim-Async": "1", "X-Sim-Job-Id": "a%%2Fb" });
    for (let i = 0; i < 3; i++) {
        found.polls.push((await ask("GET", "/v1/jobs/a%%2Fb", key)).status);
    }
    found.without = await ask("GET", "/v1/jobs/a%%2Fb");
    found.list = await ask("GET", "/v1/jobs", key);
    found.gone = await ask("DELETE", "/v1/jobs/a%%2Fb", key);
    found.lost = await ask("GET", "/v1/jobs/a%%2Fb", key);
    return found;
"""


@pytest.mark.parametrize("sim", SIMS)
def test_a_page_submits_a_job_fetches_its_result_and_deletes_it(lab, sim):
    farm = start(lab, SIMS[sim], API_KEYS_FILE=keys_file(lab, KEY))
    found = run_page(lab, farm, SUBMIT_AND_FETCH % KEY)
    assert found["job"]["status"] == 200, found
    assert found["polls"] == [200] * 3
    assert found["without"]["status"] == 401
    assert (found["list"]["status"], "a/b" in found["list"]["text"]) == (200, True)
    assert found["gone"]["status"] == 200
    # Nobody knows it: the agent's own words.
    assert found["lost"]["status"] == 404
    assert "detail" in found["lost"]["text"]


@pytest.mark.quick("three failed checks")
def test_a_page_reads_why_it_was_refused(lab):
    farm = start(lab, API_KEYS_FILE=keys_file(lab, KEY))
    farm.instances[1].set(health="500")
    farm.wait_until_unhealthy(1)
    found = run_page(
        lab,
        farm,
        f"""
        return {{
            without: await upload(),
            wrong: await upload({{ Authorization: "Bearer wrong-key-0123456789" }}),
            none: await upload({{ Authorization: "Bearer {KEY}" }}),
        }};
        """,
    )
    for name in ("without", "wrong"):
        assert (found[name]["status"], found[name]["text"]) == (401, '{"detail":"Unauthorized"}')
    assert found["none"]["status"] == 503
    assert "No healthy backend instances" in found["none"]["text"]
    assert int(found["none"]["retryAfter"]) >= 1


def test_a_page_with_a_key_is_served(lab):
    farm = start(lab, API_KEYS_FILE=keys_file(lab, KEY), STATUS_NEEDS_KEY="yes")
    key = f'{{ "X-Sim-Job-Time": "0", Authorization: "Bearer {KEY}" }}'
    assert_done(run_page(lab, farm, upload_and_poll(key)))
    (record,) = farm.instances[1].requests()
    assert record.header("Authorization") is None


def test_a_list_lets_its_pages_in_and_no_others(lab):
    port = lab.ports.take()
    farm = start(
        lab,
        API_KEYS_FILE=keys_file(lab, KEY),
        CORS_ORIGINS=f"http://page.example:{port},https://elsewhere.example",
    )
    key = f'{{ "X-Sim-Job-Time": "0", Authorization: "Bearer {KEY}" }}'
    assert_done(run_page(lab, farm, upload_and_poll(key), port=port))
    found = run_page(lab, farm, upload_and_poll(key), host="other.example", port=port)
    assert "Failed to fetch" in found["job"]["error"]
    assert "Failed to fetch" in found["lost"]["error"]
    # Nothing of the stranger's came through: the browser asked first.
    assert len(farm.instances[1].requests()) == 1


def test_cookies_are_for_pages_of_the_list(lab):
    port = lab.ports.take()
    script = """
    const more = { credentials: "include" };
    return { status: await ask("GET", "/health", {}, undefined, more), job: await upload({}, more) };
    """
    farm = start(lab, CORS_ORIGINS=f"http://page.example:{port}")
    found = run_page(lab, farm, script, port=port)
    assert (found["status"]["status"], found["job"]["status"]) == (200, 200)
    farm = start(lab)
    found = run_page(lab, farm, script, port=port)
    assert "error" in found["status"] and "error" in found["job"]


def test_none_leaves_it_to_the_instance(lab):
    farm = start(lab, CORS_ORIGINS="none", API_KEYS_FILE=keys_file(lab, KEY))
    key = f'{{ "X-Sim-Job-Time": "0", Authorization: "Bearer {KEY}" }}'
    found = run_page(lab, farm, upload_and_poll(key))
    assert found["job"]["status"] == 200
    assert "error" in found["lost"]
    farm = start(lab, (), CORS_ORIGINS="none")
    assert "error" in run_page(lab, farm, upload_and_poll())["job"]


SOCKET_AND_EVENTS = """
    const socket = new WebSocket(BALANCER.replace("http", "ws") + "/v1/realtime");
    const echoed = await new Promise((done) => {
        const got = [];
        socket.onopen = () => { socket.send("hello"); socket.send(new Uint8Array([1, 2, 3])); };
        socket.onmessage = (event) => {
            got.push(typeof event.data === "string" ? event.data : event.data.size);
            if (got.length === 2) socket.close(1000);
        };
        socket.onclose = (event) => done({ got, code: event.code });
    });
    const events = await new Promise((done) => {
        const got = [];
        const source = new EventSource(BALANCER + "/v1/events");
        source.onmessage = (event) => {
            got.push(JSON.parse(event.data).event);
            if (got.length === 3) { source.close(); done(got); }
        };
        source.onerror = () => { source.close(); done({ failed: got }); };
    });
    return { echoed, events };
"""


def test_a_page_opens_a_websocket_and_reads_events(lab):
    port = lab.ports.take()
    origins = f"http://page.example:{port}"
    paths = "/v1/realtime,/v1/events"
    farm = start(lab, PROXY_PATHS=paths, CORS_ORIGINS=origins)
    found = run_page(lab, farm, SOCKET_AND_EVENTS, port=port)
    assert found == {"echoed": {"got": ["hello", 3], "code": 1000}, "events": [1, 2, 3]}
    found = run_page(lab, farm, SOCKET_AND_EVENTS, host="other.example", port=port)
    assert found == {"echoed": {"got": [], "code": 1006}, "events": {"failed": []}}
    farm = start(lab, (), PROXY_PATHS=paths)
    found = run_page(lab, farm, SOCKET_AND_EVENTS, port=port)
    assert found == {"echoed": {"got": ["hello", 3], "code": 1000}, "events": [1, 2, 3]}
