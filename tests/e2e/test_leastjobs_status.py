"""leastjobs status: one line an instance, for people and scripts."""

import json
import os
import re

import pytest

from commands import Terminal, leastjobs
from waiting import wait_for

HEAD = ["N", "STATE", "LOAD", "=FLIGHT", "+EXT", "+ACC", "+PEN", "CAP", "AGE", "/MIN", "INSTANCE"]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
END_OF_SCREEN = b"\x1b[J"


def table(text):
    """The rows of what it prints, without its sums: a list of columns each."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.split()[:2] == HEAD[:2])
    return [line.split(None, len(HEAD) - 1) for line in lines[begin + 1 :]]


def test_it_shows_each_instance_with_its_load_and_parts(lab):
    farm = lab.start_farm(3, {1: 3, 2: 0, 3: 5}, INSTANCE_3_CAPACITY=4)
    number = farm.open_job_and_see()
    farm.wait_for_health(number, in_flight=1)
    done = leastjobs(farm, "status")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"3 of 3 instances healthy; \d+ active jobs; [\d.]+ a minute", lines[0])
    assert lines[1].split() == HEAD
    assert all(len(line) <= 80 for line in lines) and "\x1b" not in done.stdout
    rows = table(done.stdout)
    assert [row[0] for row in rows] == ["1", "2", "3"]
    for row, (n, health) in zip(rows, farm.health_of_all().items(), strict=True):
        load, in_flight, external, accepted, penalty = map(int, row[2:7])
        assert row[1] == "healthy" and row[10] == farm.instances[n].url.removeprefix("http://")
        assert load == in_flight + external + accepted + penalty == health["load"]
        assert in_flight == (n == number) and external == health["external_jobs"]
        assert int(row[7]) == health["capacity"]
        assert re.fullmatch(r"\d+\.\ds|\d+s", row[8])
    done = leastjobs(farm, "status", "--json")
    fleet = json.loads(done.stdout)
    assert done.returncode == 0 and "failures" in fleet
    assert [i["number"] for i in fleet["instances"]] == [1, 2, 3]
    farm.release_all()


@pytest.mark.quick("three failed checks")
def test_it_says_why_an_instance_gets_no_jobs_and_its_status_tells_scripts(lab):
    farm = lab.start_farm(3)
    farm.instances[3].set(health="500")
    farm.wait_until_unhealthy(3)
    farm.set_state(1, "maint")
    farm.set_state(2, "drain")
    farm.wait_for_weights({2: 0})
    done = wait_for(
        lambda: (found := leastjobs(farm, "status")).returncode == 3 and found, "nobody to be left"
    )
    assert done.stdout.startswith("2 of 3 instances healthy, 2 taken out; ")
    assert [row[1] for row in table(done.stdout)] == ["maint", "drained", "unhealthy"]
    wide = leastjobs(farm, "status", "--sort", "state", COLUMNS="200")
    worst = table(wide.stdout)[0]
    assert worst[:2] == ["3", "unhealthy"] and worst[10].endswith("unexpected HTTP status: 500")
    farm.set_state(1, "ready")
    wait_for(lambda: leastjobs(farm, "status").returncode == 0, "one to be left")
    farm.haproxy.stop()
    done = wait_for(
        lambda: (found := leastjobs(farm, "status")).returncode == 1 and found, "HAProxy to be away"
    )
    assert "HAProxy doesn't answer: " in done.stdout.splitlines()[1] and done.stderr == ""
    farm.agent.stop()
    done = leastjobs(farm, "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("leastjobs status: the agent doesn't answer on http://127.0.0.1:")
    assert leastjobs(farm, "status", "--sort", "name").returncode == 2
    assert leastjobs(farm, "status", "--watch").returncode == 2


def test_on_a_terminal_it_is_coloured_and_fits_and_not_with_no_color(lab):
    farm = lab.start_farm(2)
    for columns in (80, 40, 30, 200):
        with Terminal(farm, "status", columns=columns) as terminal:
            text = terminal.read_to_the_end().decode()
        assert "\x1b[32mhealthy\x1b[0m" in text
        lines = COLOURS.sub("", text).splitlines()
        assert len(lines) == 4 and all(len(line) <= columns for line in lines), lines
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with Terminal(farm, "status", **variables) as terminal:
            assert b"\x1b" not in terminal.read_to_the_end()


def test_watch_redraws_until_it_is_left_and_leaves_the_terminal_as_it_was(lab):
    farm = lab.start_farm(4)
    for key in (b"q", b"\x03"):
        with Terminal(farm, "status", "--watch", rows=5, columns=60) as terminal:
            terminal.read_until(lambda text: text.count(END_OF_SCREEN) >= 2, "a second picture")
            assert b"and 2 more, all healthy" in terminal.shown
            terminal.resize(60, 10)
            seen = len(terminal.shown)
            terminal.read_until(lambda text: b"\n4 " in text[seen:], "the fourth")
            terminal.type(key)
            text = terminal.read_to_the_end()
            assert terminal.process.returncode == 0
            assert terminal.settings() == terminal.before
        assert text.startswith(b"\x1b[?1049h") and text.endswith(b"\x1b[?1049l")
        assert text.count(b"\x1b[?25l") == text.count(b"\x1b[?25h") == 1


def test_watch_goes_on_while_the_agent_is_away(lab):
    farm = lab.start_farm(1)
    with Terminal(farm, "status", "--watch") as terminal:
        terminal.read_until(lambda text: b"healthy" in text, "the instance")
        farm.agent.stop()
        terminal.read_until(lambda text: b"the agent doesn't answer" in text, "why not")
        seen = len(terminal.shown)
        farm.start_agent()
        terminal.read_until(lambda text: b"instance healthy" in text[seen:], "the instance again")
        terminal.process.terminate()
        assert terminal.read_to_the_end().endswith(b"\x1b[?1049l")
        assert terminal.process.returncode == 128 + 15


def test_it_finds_the_agent_by_the_files_that_there_are(lab, tmp_path, monkeypatch):
    farm = lab.start_farm(1)
    port = farm.status_port
    folder = tmp_path / "here"
    folder.mkdir()
    # No instance, and a line that is no good: what runs is another configuration.
    (folder / ".env").write_text(f"STATUS_PORT={port}\nthis is no line\nPORT=x\n")
    (folder / "other").write_text("STATUS_PORT=1\n")
    farm.variables = {}
    monkeypatch.chdir(folder)
    assert leastjobs(farm, "status").returncode == 0
    assert leastjobs(farm, "status", "--env-file", "other").returncode == 1
    assert leastjobs(farm, "status", STATUS_PORT="1").returncode == 1
    os.unlink(".env")
    assert leastjobs(farm, "status", STATUS_PORT=str(port)).returncode == 0
    for bad in (["--env-file", "nowhere"], ["--config", "nowhere"]):
        assert leastjobs(farm, "status", *bad).returncode == 2
    assert leastjobs(farm, "status", STATUS_PORT="0").returncode == 2


def test_three_hundred_instances_are_three_hundred_lines(lab):
    farm = lab.farm(300, HEALTH_CHECK_INTERVAL="1h")
    farm.write_config()
    farm.start_agent()
    farm.wait_for_agent()
    done = leastjobs(farm, "status")
    # HAProxy isn't there.
    assert done.returncode == 1
    rows = table(done.stdout)
    assert [int(row[0]) for row in rows] == list(range(1, 301))
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
