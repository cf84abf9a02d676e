"""leastjobs explain: what it says the next job does, the next job does."""

import json
import random
import subprocess

import pytest

from farm import LOAD_UNIT
from processes import build_directory, environment, run
from waiting import wait_for

STATES = 1000
NUMBERS = range(1, 9)
SOME_CAPACITIES = {n: c for n, c in zip(NUMBERS, (1, 2, 2, 3, 4, 8, 31, 500))}


def command(farm, *arguments):
    return run([build_directory() / "leastjobs", "explain", *arguments], farm.variables)


class Explainer:
    """leastjobs explain --json, again and again (tests/explainer)."""

    def __init__(self, farm):
        self.process = subprocess.Popen(
            [str(build_directory() / "leastjobs-explainer")],
            env=environment(farm.variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait() == 0
        self.process.stdout.close()

    def explain(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class States:
    """HAProxy without an agent, whose state is the test's to make."""

    def __init__(self, farm, seed):
        self.farm = farm
        self.dice = random.Random(seed)
        self.penalties = dict.fromkeys(NUMBERS, 0)

    def word(self):
        """What the agent may have told: near each other, far apart, or drained."""
        dice = self.dice
        external = LOAD_UNIT * dice.choice([0, 0, 1, 2, 3, dice.randint(0, 40), 1 << 25])
        return external + dice.choice([0, 0, 0, 1, 8, 15])

    def commands(self, number):
        dice = self.dice
        accepted = dice.choice([0, 0, 1, 2, 4000])
        word = (LOAD_UNIT * (accepted - dice.choice([0, 0, 1])) - self.word()) % (1 << 32)
        yield f"set table jobs key {number} data.gpt0 {word} data.gpc0 {accepted}"
        self.penalties[number] = dice.choice([0, 0, 0, 1, 3, 63])
        if self.farm.variables.get("CAPACITY_FIELD"):
            yield f"set table capacities key {number} data.gpt0 {dice.choice([0, 1, 3, 9])}"
        server = f"farm/instance{number}"
        yield f"set server {server} state {dice.choice(['ready'] * 6 + ['maint', 'drain'])}"
        yield f"set server {server} health {dice.choice(['up'] * 8 + ['down', 'stopping'])}"
        yield f"set server {server} weight {dice.choice([100] * 6 + [1, 0])}"

    def change(self, numbers):
        # These entries expire ten seconds after they were set, so all are set again.
        commands = [command for number in numbers for command in self.commands(number)]
        commands += (f"set table failed key {n} data.gpt0 {p}" for n, p in self.penalties.items())
        answer = self.farm.runtime("; ".join(commands))
        assert "not" not in answer.lower() and "unknown" not in answer.lower(), answer

    def hold_one_more(self):
        """A job that stays open, wherever it goes; nowhere, if nobody takes it."""
        before = sum(self.farm.in_flight().values())
        self.farm.open_job().send()
        wait_for(lambda: sum(self.farm.in_flight().values()) > before, "the job to be in flight")

    def next_job(self):
        """Where it goes; None if it is refused."""
        response = self.farm.run_job(job_time=0)
        return None if response.status == 503 else self.farm.number_of_answer(response)


KINDS = {
    "loads": {},
    "capacities": {f"INSTANCE_{n}_CAPACITY": c for n, c in SOME_CAPACITIES.items()},
    "read capacities": {"CAPACITY_FIELD": "auto", "INSTANCE_3_CAPACITY": 7},
}
STATES_EACH = STATES // len(KINDS) + 1


def explained_alike(farm, explainer):
    """By the command, too, once HAProxy has closed the last job's connection."""

    def alike():
        answer = command(farm, "--json")
        explained = explainer.explain()
        assert json.loads(answer.stdout) == explained
        assert answer.returncode == (0 if explained["picked"] else 3)
        return explained

    return wait_for(alike, "both to say the same")


@pytest.mark.parametrize("seed, kind", enumerate(KINDS))
def test_it_agrees_with_the_next_pick_in_random_states(lab, seed, kind):
    farm = lab.farm(len(NUMBERS), HEALTH_CHECK_INTERVAL="1h", **KINDS[kind])
    farm.write_config()
    farm.start_haproxy()
    farm.wait_for_haproxy()
    states = States(farm, seed)
    outcomes = set()
    picks = 0
    with Explainer(farm) as explainer:
        for count in range(STATES_EACH):
            states.change(NUMBERS if count % 4 == 0 else states.dice.sample(NUMBERS, 3))
            explained = explainer.explain()
            if count % 50 == 0:
                explained = explained_alike(farm, explainer)
            number = states.next_job()
            if number is None:
                assert explained["picked"] == [], explained
            else:
                assert number in explained["picked"], (number, explained)
                picks += len(explained["picked"]) == 1
            outcomes |= {i["outcome"] for i in explained["instances"]}
            if count % 50 == 49 and explained["picked"]:
                states.hold_one_more()
    # The states were those that matter: mostly one pick only, and every reason not to be picked.
    assert picks > STATES_EACH / 2
    assert outcomes >= {"picked", "more", "down", "maintenance", "no_weight"}
    farm.release_all()


def block(text, number):
    """The lines about one instance."""
    (found,) = (part for part in text.split("\n\n") if part.startswith(f"instance{number}: "))
    return found


@pytest.mark.quick("three failed checks")
def test_it_says_why_and_why_not(lab):
    farm = lab.start_farm(4, {1: 2, 2: 3})
    farm.instances[3].set(health="500")
    farm.wait_until_unhealthy(3)
    farm.set_state(4, "drain")
    farm.wait_for_weights({4: 0})
    done = command(farm)
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert text.startswith("The next job goes to instance1: its load, 2, is the least.\n")
    assert "instance2: not picked: its load is 3, the least is 2\n" in text
    assert block(text, 3).startswith("instance3: not picked: it is down: unexpected HTTP status: 500")
    assert " of which 16383 are a penalty for failures, says the agent\n" in block(text, 3)
    assert "of which" not in block(text, 1)
    assert block(text, 4).startswith("instance4: not picked: it is drained\n")
    first = block(text, 1)
    assert "2 active jobs, " in first and f"{farm.instances[1].url}/health\n" in first
    assert "load 2 = 0 in flight + 2 more + 0 penalty" in first
    one = command(farm, "instance2").stdout.decode()
    assert block(one, 2) and "\ninstance1: " not in one
    for wrong in (["7"], ["1", "2"], ["x"]):
        assert command(farm, *wrong).returncode == 2
    farm.agent.stop()
    done = command(farm)
    assert done.returncode == 0 and b"the agent doesn't answer" in done.stderr
    assert "its last word stands" in block(done.stdout.decode(), 1)
    farm.haproxy.stop()
    done = command(farm)
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"HAProxy can't be asked on {farm.socket}: ".encode() in done.stderr
