"""llama.cpp's own server as an instance: what it says of its load, and jobs that heed it."""

import pytest

from real_servers import COMPLETIONS, Completion, Llama


@pytest.fixture
def start_llama(lab):
    def start():
        llama = Llama(lab.name("llama"), lab.directory, lab.ports.take())
        return lab.start(llama).wait_until_ready()

    return start


@pytest.fixture
def ask():
    """Asks for a completion; those that are still open at the end are given up."""
    asked = []

    def ask(port, **options):
        asked.append(Completion(port, **options))
        return asked[-1]

    yield ask
    for completion in asked:
        completion.close()


def start_farm(lab, reported):
    """A running balancer that knows how many requests each of these servers reports."""
    farm = lab.farm(list(reported), JOBS_SOURCE="llamacpp", EXTRA_PATHS=COMPLETIONS)
    farm.start()
    farm.wait_for_external(dict(enumerate(reported.values(), 1)))
    return farm


def test_it_counts_the_requests_that_run_and_those_that_wait(start_llama, ask):
    llama = start_llama()
    assert llama.requests() == (0, 0)
    running = [ask(llama.port) for _ in range(Llama.slots)]
    for completion in running:
        completion.wait_for_a_word()
    llama.wait_for_requests(Llama.slots, 0)
    ask(llama.port)
    llama.wait_for_requests(Llama.slots, 1)
    # Who waited runs when another's client leaves. (One that leaves while it waits goes on being
    # counted until there is a slot for it.)
    running[0].close()
    llama.wait_for_requests(Llama.slots, 0)


def test_its_health_is_good_while_all_its_slots_are_taken(start_llama, ask):
    llama = start_llama()
    for _ in range(Llama.slots + 1):
        ask(llama.port)
    llama.wait_for_requests(Llama.slots, 1)
    health = llama.get("/health")
    assert (health.status, health.json()) == (200, {"status": "ok"})
    assert [slot["is_processing"] for slot in llama.get("/slots").json()] == [True] * Llama.slots


@pytest.mark.quick("other people's jobs come while ours stay")
def test_its_load_is_what_runs_and_what_waits(lab, start_llama, ask):
    llama = start_llama()
    farm = start_farm(lab, {llama: 0})
    farm.wait_for_health(1, is_healthy=True, active_jobs=0)
    ours = [ask(farm.port) for _ in range(Llama.slots)]
    for completion in ours:
        completion.wait_for_a_word()
    ask(llama.port)
    llama.wait_for_requests(Llama.slots, 1)
    farm.wait_for_health(1, is_healthy=True, active_jobs=3, in_flight=2, external_jobs=1, load=3)
    ours[0].close()
    farm.wait_for_health(1, is_healthy=True, active_jobs=2, in_flight=1, external_jobs=1, load=2)


def test_jobs_go_where_nobody_elses_run(lab, start_llama, ask):
    busy, idle = start_llama(), start_llama()
    for _ in range(Llama.slots + 1):
        ask(busy.port)
    busy.wait_for_requests(Llama.slots, 1)
    farm = start_farm(lab, {busy: 3, idle: 0})
    # Two at a time still find less on the second than the three on the first.
    ask(farm.port).wait_for_a_word()
    answers = [ask(farm.port, words=5).read_response("POST") for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    assert [answer.json()["usage"]["completion_tokens"] for answer in answers] == [5] * 5
    assert [line["pick"] for line in farm.wait_for_log(5)] == ["instance2"] * 5
