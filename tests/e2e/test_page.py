"""The fleet page at ADMIN_PORT: what a person reads there, does there, and may not do."""

import base64
import signal

import pytest

from client import http_request
from fleet_page import NUMBERS, PHONE, WIDE, open_page, wait_for_page
from test_access_control import PASSWORD, keys_file

PAGE_PATHS = ("/", "/page/page.css", "/page/page.js", "/page/icon.svg", "/fleet", "/haproxy")
OPEN_PATHS = ("/metrics", "/metrics/agent", "/alive")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def password_file(lab):
    return keys_file(lab, PASSWORD, name="password")


def basic(password=PASSWORD, user="somebody"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def admin(farm, method="GET", path="/", headers=None, body=None):
    return http_request(farm.admin_port, method, path, headers or {}, body)


def is_as_health_says(page, farm):
    """Whether the page's table has every number, verdict and reason of GET /health."""
    instances = {instance["name"]: instance for instance in farm.health()["instances"]}
    rows = {row["name"]: row for row in page.rows()}
    assert set(rows) == set(instances)
    for name, instance in instances.items():
        row = rows[name]
        assert row["url"] == instance["url"]
        assert {key: row[key] for key in NUMBERS} == {key: str(instance[key]) for key in NUMBERS}
        assert ("unhealthy" in row["state"]) == (not instance["is_healthy"])
        assert ("drained" in row["state"]) == instance["is_drained"]
        has_failed = instance["error_message"] is not None
        assert ("failing" in row["state"]) == (instance["is_healthy"] and has_failed)
        assert row["reason"] == (instance["error_message"] or "")
        # A penalty of thousands of jobs is a word, and isn't among the jobs.
        assert row["penalty"] == ("last" if has_failed else str(instance["penalty"]))
        assert row["load"] == str(instance["load"] - (instance["penalty"] if has_failed else 0))
    health = farm.health()
    assert page.text("#healthy") == f"{health['healthy_instances']} of {health['total_instances']}"
    assert page.text("#active") == str(health["total_active_jobs"])
    return True


@pytest.mark.quick("three failed checks")
def test_a_person_reads_what_health_says_through_a_failure_a_drain_and_the_agents_end(lab):
    sims = [lab.sim(1) for _ in range(3)]
    farm = lab.start_farm([sim.instances[0] for sim in sims], {2: 5}, INSTANCE_2_CAPACITY=4)
    with open_page(lab, farm) as page:

        def wait_until_the_same(when):
            wait_for_page(lambda: is_as_health_says(page, farm), f"the page to be as /health {when}")

        assert page.names() == ["instance1", "instance2", "instance3"]
        # Without a password there are none.
        assert not page.button(1).is_displayed()
        farm.open_jobs(3)
        wait_for_page(lambda: sum(int(row["in_flight"]) for row in page.rows()) == 3, "three jobs on the page")
        wait_until_the_same("with three jobs")
        assert (page.row(2)["external_jobs"], page.row(2)["capacity"]) == ("5", "4")

        sims[2].kill()
        page.wait_for_row(3, state="unhealthy")
        wait_until_the_same("with an instance killed")
        assert "connection failed" in page.row(3)["reason"]
        assert "2 of 3 healthy" in page.driver.title
        # Said to those who can't see it.
        assert "instance3 unhealthy: connection failed" in page.find("#news").get_property("textContent")
        page.wait_for_text("#failures", "instance3 health check: connection failed")

        farm.set_state(2, "drain")
        page.wait_for_row(2, state="drained")
        wait_until_the_same("with an instance drained")
        farm.set_state(2, "maint")
        page.wait_for_row(2, state="maintenance")
        farm.set_state(2, "ready")
        page.wait_for_row(2, state="healthy")
        wait_until_the_same("at the end")
        assert page.text("#problem") == "" and page.complaints() == []

        farm.agent.kill()
        page.wait_for_text("#problem", "The agent does not answer (503)")
        assert page.names() == ["instance1", "instance2", "instance3"]
        assert_what_there_is_without_the_agent(farm)
        farm.start_agent()
        wait_for_page(lambda: page.text("#problem") == "", "the page with the new agent")


def assert_what_there_is_without_the_agent(farm):
    statuses = {"/": 503, "/fleet": 503, "/haproxy": 200, "/metrics": 200, "/alive": 200}
    assert {path: admin(farm, path=path).status for path in statuses} == statuses
    answer = admin(farm)
    assert answer.header("Content-Type").startswith("text/html")
    assert 'href="haproxy"' in answer.body.decode()


def test_an_operator_drains_an_instance_and_puts_it_back(lab):
    farm = lab.start_farm(2, ADMIN_PASSWORD_FILE=password_file(lab))
    with open_page(lab, farm, password=PASSWORD) as page:
        button = page.button(1)
        assert button.text == "Drain"
        button.click()
        page.wait_for_row(1, state="drained")
        assert farm.health_of(1)["is_drained"] is True
        assert farm.run_jobs(3) == [2] * 3
        wait_for_page(lambda: button.text == "Ready", "the other word")
        # The same button, and the keyboard is still there.
        assert page.run("return document.activeElement") == button == page.button(1)

        # Nobody else takes jobs: that is asked first.
        page.button(2).click()
        page.driver.switch_to.alert.dismiss()

        assert_an_order_is_doubted_until_the_agent_has_seen_it(page)
        farm.wait_for_server(1, "UP")
        assert farm.health_of(2)["is_drained"] is False
        assert page.text("#refusal") == "" and page.complaints() == []

        # The agent shows one that this HAProxy doesn't have any more.
        del farm.variables["INSTANCE_2_URL"]
        farm.write_config()
        farm.haproxy.wait_for_err("Loading success")
        farm.haproxy.send_signal(signal.SIGUSR2)
        farm.haproxy.wait_for_err("Loading success", count=2)
        farm.wait_for_haproxy()
        wait_for_page(lambda: list(farm.servers()) == [1], "HAProxy without instance 2")
        page.button(2).click()
        page.wait_for_text("#refusal", "instance2 can't be set to drain: HAProxy has no such server")
        assert page.button(2).text == "Drain"

        assert_forms_of_other_origins_are_refused(farm, page)


# What the page has from now on is this answer of the agent's, and soon.
FREEZE = """
window.ours = { fetch: fetch.bind(window), setTimeout: setTimeout.bind(window) };
window.setTimeout = (poll, ms) => window.ours.setTimeout(poll, ms / 10);
const { pathname, origin } = location;
return fetch(new URL("fleet", origin + pathname)).then((answer) => answer.text()).then((old) => {
    window.fetch = (url, ...more) => (String(url).endsWith("/fleet")
        ? Promise.resolve(new Response(old, { headers: { "X-Leastjobs-Buttons": "1" } }))
        : window.ours.fetch(url, ...more));
});
"""
THAW = "Object.assign(window, window.ours);"
PRESS = """
const button = arguments[0];
/* As where the other columns need all the room. */
button.parentElement.style.width = "1px";
const before = button.offsetHeight;
button.click();
return [button.textContent, button.offsetHeight - before];
"""


def assert_an_order_is_doubted_until_the_agent_has_seen_it(page):
    """Instance 1 is drained."""
    page.run(FREEZE)
    assert page.run(PRESS, page.button(1)) == ["Ready …", 0]
    page.wait_for_text("#refusal", "instance1: HAProxy has taken the order, but the agent doesn't see it")
    assert page.button(1).text == "Ready"
    page.run(THAW)
    page.wait_for_row(1, state="healthy")
    assert page.text("#refusal") == ""


SUBMIT = """
const form = document.createElement("form");
form.method = "POST";
form.action = arguments[0];
for (const [name, value] of Object.entries({ s: "instance1", action: "drain", b: "farm" })) {
    const input = document.createElement("input");
    [input.name, input.value] = [name, value];
    form.append(input);
}
document.body.append(form);
form.submit();
"""


def assert_forms_of_other_origins_are_refused(farm, page):
    """In a browser that has been told the password."""
    target = f"http://127.0.0.1:{farm.admin_port}/haproxy"
    for elsewhere in (f"http://page.example:{farm.port}/", "data:text/html,<p>elsewhere"):
        page.driver.get(elsewhere)
        page.run(SUBMIT, target)
        page.wait_for_text("body", "must have this page as its Origin")
    assert farm.servers()[1]["status"] == "UP"
    # HAProxy's own page has the same form, and may.
    page.driver.get(target)
    page.run(SUBMIT, target)
    wait_for_page(lambda: "st=DONE" in page.driver.current_url, "HAProxy to take its own form")
    assert farm.servers()[1]["status"].startswith("DRAIN")


def test_without_a_password_everybody_reads_and_nobody_changes_anything(lab):
    farm = lab.start_farm(1)
    for path in (*PAGE_PATHS, *OPEN_PATHS):
        assert admin(farm, path=path).status == 200, path
    own = {"Origin": f"http://127.0.0.1:{farm.admin_port}"} | FORM
    answer = admin(farm, "POST", "/haproxy", own, b"s=instance1&action=drain&b=farm")
    assert (answer.status, answer.header("Location")) == (303, "/haproxy;st=DENY")
    assert farm.servers()[1]["status"] == "UP"


def test_the_password_is_needed_for_all_but_what_prometheus_reads(lab):
    farm = lab.start_farm(1, ADMIN_PASSWORD_FILE=password_file(lab))
    wrong = [{}, basic("wrong-password"), basic(""), basic(PASSWORD[:-1]), basic(PASSWORD.upper())]
    wrong += [{"Authorization": f"Bearer {PASSWORD}"}, basic("# keys of the tests")]
    for path in (*PAGE_PATHS, "/nowhere", "/haproxy;csv"):
        for headers in wrong:
            answer = admin(farm, path=path, headers=headers)
            assert answer.status == 401, (path, headers)
            assert answer.header("WWW-Authenticate") == 'Basic realm="leastjobs"'
    for user in ("somebody", "admin", ""):
        assert [admin(farm, path=path, headers=basic(user=user)).status for path in PAGE_PATHS] == [200] * 6
    assert [admin(farm, path=path).status for path in OPEN_PATHS] == [200] * 3
    # The front has nothing to do with it, and nobody else sees it.
    assert farm.request("GET", "/health").status == 200
    assert PASSWORD not in farm.config_path.read_text()
    for process in (farm.agent, farm.haproxy):
        assert PASSWORD not in process.out() + process.err()


def drains(farm, origin, method="POST"):
    """Whether a request of a page of this origin, with the password, drains instance 1."""
    headers = basic() | FORM | ({} if origin is None else {"Origin": origin})
    answer = admin(farm, method, "/haproxy", headers, b"s=instance1&action=drain&b=farm")
    assert answer.status in (303, 403), answer
    is_drained = farm.servers()[1]["status"].startswith("DRAIN")
    assert is_drained == (answer.status == 303)
    return is_drained


def test_pages_of_other_origins_change_nothing(lab):
    farm = lab.start_farm(1, ADMIN_PASSWORD_FILE=password_file(lab))
    here = f"http://127.0.0.1:{farm.admin_port}"
    others = [None, "null", "", "http://evil.example", f"http://evil.example:{farm.admin_port}"]
    others += ["http://127.0.0.1", f"{here}.evil.example", f"http://x@127.0.0.1:{farm.admin_port}", "http:"]
    assert [drains(farm, origin) for origin in others] == [False] * len(others)
    assert not drains(farm, "http://evil.example", "PUT")
    assert drains(farm, here)


def accessible(page):
    """The accessibility tree as (role, name) of what isn't ignored."""
    nodes = page.cdp("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and "role" in node
    ]


def luminance(colour):
    """WCAG 2.1's relative luminance of "rgb(r, g, b)"."""
    values = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


COLOURS = """
const probe = document.body.appendChild(document.createElement("span"));
const found = {};
for (const name of ["paper", "card", "warning", "ink", "faint", "good", "bad", "out", "in-flight",
    "external", "accepted", "penalty"]) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
}
probe.remove();
return { ...found, body: getComputedStyle(document.body).backgroundColor };
"""


@pytest.mark.quick("three failed checks")
def test_it_is_for_everybody_on_every_screen_and_asks_no_other_host(lab):
    farm = lab.start_farm(3, {1: 3}, ADMIN_PASSWORD_FILE=password_file(lab))
    farm.instances[3].set(health="redirect")
    farm.wait_for_health(3, is_healthy=False)
    with open_page(lab, farm, password=PASSWORD) as page:
        page.wait_for_row(3, state="unhealthy")
        for size in (WIDE, (1024, 700), PHONE):
            page.resize(size)
            width = page.run("return [document.documentElement.scrollWidth, innerWidth]")
            assert width[0] <= width[1], f"scrolls sideways at {size}"
            tree = accessible(page)
            assert ("table", "Instances") in tree
            for number in (1, 2, 3):
                url = farm.instances[number].url
                assert ("rowheader", f"instance{number} {url}") in tree, size
                assert ("button", f"Drain instance{number}") in tree
            assert {name for role, name in tree if role == "columnheader"} >= {"Instance", "State", "Load"}
            cells = [name for role, name in tree if role in ("cell", "gridcell")]
            assert any(name.startswith("unhealthy redirect") for name in cells), cells
            assert any(name.endswith("3 of 1") for name in cells), cells
        seen = {}
        for scheme in ("light", "dark"):
            page.prefer(scheme)
            seen[scheme] = colours = page.run(COLOURS)
            assert colours["body"] == colours["paper"]
            for ground in ("paper", "card", "warning"):
                for ink in ("ink", "bad"):
                    assert contrast(colours[ground], colours[ink]) >= 4.5, (scheme, ground, ink)
            for ground in ("paper", "card"):
                for ink in ("faint", "good", "out", "in-flight"):
                    assert contrast(colours[ground], colours[ink]) >= 4.5, (scheme, ground, ink)
                for part in ("external", "accepted", "penalty"):
                    assert contrast(colours[ground], colours[part]) >= 3, (scheme, ground, part)
        assert luminance(seen["light"]["body"]) > 0.8 and luminance(seen["dark"]["body"]) < 0.05
        asked = page.requested()
        assert {url.split("/")[2].split("@")[-1] for url in asked} == {page.address}
        assert {"page.css", "page.js", "table.js", "fleet"} <= {url.split("/")[-1] for url in asked}
        assert page.complaints() == []
        # Not even a script can bring one in.
        page.run("document.head.append(Object.assign(document.createElement('script'), {src: 'http://a.example/'}))")
        wait_for_page(lambda: any("Content Security Policy" in c for c in page.complaints()), "a refusal")


SAY = """
return import(new URL("page/words.js", location.origin + location.pathname))
    .then(({ stateOf, signOf, penaltyOf }) => arguments[0].map((instance) => {
        const all = { is_healthy: true, error_message: null, last_check: "now", report_age_seconds: 1, ...instance };
        return [stateOf(all), signOf(all), penaltyOf(all)];
    }));
"""
SAID = (
    ({"penalty": 63}, ["healthy", "healthy", "63"]),
    ({"last_check": None, "report_age_seconds": None, "penalty": 0}, ["not asked yet", "unknown", "0"]),
    ({"error_message": "it fails", "report_age_seconds": None, "penalty": 16383}, ["failing", "warning", "last"]),
    ({"error_message": "busy", "is_busy": True, "penalty": 16384}, ["busy", "warning", "last"]),
    ({"is_drained": True, "is_leaving": True, "penalty": 0}, ["leaving", "drained", "0"]),
    ({"is_drained": True, "is_healthy": False, "penalty": 0}, ["drained, unhealthy", "unhealthy", "0"]),
)

WATCH = """
window.moved = [];
new MutationObserver((records) => records.forEach((record) => window.moved.push(
    record.type === "childList" ? "rows" : record.target.parentElement.dataset.cell ?? "other",
))).observe(document.querySelector("#fleet"), { childList: true, characterData: true, subtree: true });
getSelection().selectAllChildren(document.querySelector("#fleet .url"));
"""


HIDE = """
Object.defineProperty(document, "hidden", { configurable: true, value: arguments[0] });
document.dispatchEvent(new Event("visibilitychange"));
"""


def test_a_refresh_changes_only_what_has_changed_and_comes_only_if_somebody_looks(lab):
    farm = lab.start_farm(3, {1: 2, 2: 7, 3: 4})
    with open_page(lab, farm) as page:

        def wait_for_refreshes(count):
            page.requested()
            seen = []
            wait_for_page(
                lambda: seen.extend(page.requested()) or len(seen) >= count, f"{count} refreshes"
            )

        page.run(WATCH)
        wait_for_refreshes(2)
        assert set(page.run("return window.moved")) <= {"age"}
        farm.open_jobs(1)
        page.wait_for_row(1, in_flight="1")
        assert set(page.run("return window.moved")) <= {"age", "in_flight", "load", "jobs_per_minute"}
        assert page.run("return String(getSelection())") == farm.instances[1].url

        # Sorted, and not while somebody reads in it.
        page.run("getSelection().removeAllRanges()")
        page.find('[data-key="load"] button').click()
        assert page.names() == ["instance2", "instance3", "instance1"]
        assert page.find('[data-key="load"]').get_attribute("aria-sort") == "descending"
        page.find('[data-key="load"] button').click()
        assert page.names() == ["instance1", "instance3", "instance2"]
        page.run("getSelection().selectAllChildren(document.querySelector('#fleet .url'))")
        farm.instances[1].set(external_jobs=20)
        page.wait_for_row(1, external_jobs="20")
        wait_for_refreshes(1)
        assert page.names() == ["instance1", "instance3", "instance2"]
        page.run("getSelection().removeAllRanges()")
        wait_for_page(lambda: page.names() == ["instance3", "instance2", "instance1"], "the new order")

        page.find("#words").send_keys("INSTANCE2 heal")
        assert page.names() == ["instance2"]
        assert page.text("#shown") == "1 of 3 instances"
        page.find("#words").clear()
        page.find("#words").send_keys("x")
        assert page.names() == [] and page.find("#nobody").is_displayed()
        page.find("#words").clear()
        page.find("#problems").click()
        farm.set_state(3, "drain")
        wait_for_page(lambda: page.names() == ["instance3"], "the one that takes no jobs")

        assert page.run(SAY, [instance for instance, _ in SAID]) == [said for _, said in SAID]

        assert page.text("#freshness") == "up to date"
        page.run(HIDE, True)
        page.wait_for_text("#freshness", "last answer")
        assert page.run("return getComputedStyle(document.querySelector('#fleet')).opacity") == "1"
        assert page.text("#problem") == ""
        page.run(HIDE, False)
        page.wait_for_text("#freshness", "up to date")


def test_nothing_of_it_is_at_the_front_or_in_a_frame(lab):
    farm = lab.start_farm(1)
    for path in ("/page/", "/page/page.js", "/fleet", "/haproxy", "/metrics/agent"):
        assert farm.request("GET", path).status == 404, path
    for path in ("/", "/haproxy", "/fleet"):
        assert admin(farm, path=path).header("X-Frame-Options") == "DENY"
    page = admin(farm)
    policy = page.header("Content-Security-Policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert page.header("X-Content-Type-Options") == "nosniff"
    # Who has no JavaScript is led on.
    assert 'href="fleet"' in page.body.decode().split("<noscript>")[1].split("</noscript>")[0]
    assert admin(farm, "POST", "/").status == 405
    assert admin(farm, "HEAD", "/page/page.js").status == 200
    assert admin(farm, path="/page/nothing.js").status == 404
