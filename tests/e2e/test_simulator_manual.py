"""tests/sim/README.md names all that the simulator can be told and asked, and nothing else."""

import re

from processes import ROOT, run, sim_command

SIM = ROOT / "tests" / "sim"
MANUAL = (SIM / "README.md").read_text(encoding="utf-8")


def table_behind(text):
    """The names in the first column of the first table behind a text of the manual."""
    assert MANUAL.count(text) == 1, text
    table = MANUAL.partition(text)[2].partition("\n|---|")[2].partition("\n\n")[0]
    rows = table.splitlines()[1:]
    return sorted(name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0]))


def names_in(file, pattern):
    names = re.findall(pattern, (SIM / file).read_text(encoding="utf-8"), re.M)
    assert names, pattern
    return names


def test_the_manual_has_each_option():
    told = run([*sim_command(), "--help"])
    assert told.returncode == 0
    known = re.findall(r"^ +(--[a-z-]+)", told.stdout.decode(), re.M)
    assert [option.split()[0] for option in table_behind("## Command line\n")] == sorted(known)


def test_the_manual_has_each_odd_response():
    known = names_in("odd.c", r'^ +\[ODD_\w+\] = \{"([^"]+)"') + ["204", "418"]
    named = table_behind("`X-Sim-Response: NAME`")
    assert sorted(re.sub(":N+$", ":", name) for name in named) == sorted(known)


def test_the_manual_has_each_mode_of_the_health_answer():
    known = names_in("health.c", r'^ +\[HEALTH_\w+\] = \{"([^"]+)"')
    named = table_behind("unknown member or a bad value")
    assert sorted(name.removesuffix(":MS") for name in named) == sorted(known)


def test_the_manual_has_each_kind_of_server():
    known = names_in("report.c", r'\[KIND_\w+\] = "([^"]+)"')
    named = table_behind("### Other kinds of servers")
    assert sorted([*named, "whisperx"]) == sorted(known)


def test_the_manual_has_each_setting():
    known = names_in("change.c", r'\{"(\w+)", take_')
    assert table_behind("**`POST /instances/N`**") == sorted(known)


def test_the_manual_has_each_member_of_an_instance(lab):
    state = lab.sim().instances[0].state()
    assert table_behind("**`GET /instances/N`**") == sorted(state)


def test_the_manual_has_each_command():
    known = names_in("control.c", r'^ +\{"(/\S+)", EVHTTP_REQ_(\w+),')
    named = {(path, method) for method, path in re.findall(r"`([A-Z]+) (/[\w/-]+)`", MANUAL)}
    # "(or `/instances/all`)" is said of POST, and what GET says to it needs no words.
    assert set(known) - named == {("/instances/all", "GET"), ("/instances/all", "POST")}
    assert named - set(known) == set()
