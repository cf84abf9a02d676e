"""whisper.cpp's own server: when it answers a health check, and when it doesn't."""

import pytest

from real_servers import Whisper, transcription

# Seconds. It answers within milliseconds, or not before a job ends.
SILENT = 2


@pytest.fixture
def whisper(lab):
    return lab.start(Whisper(lab.name("whisper"), lab.directory)).wait_until_ready()


@pytest.fixture
def open_jobs(whisper):
    """Opens jobs that last longer than the test; returns those, once the first one runs."""
    opened = []

    def open_jobs(count):
        opened.extend(transcription(whisper.port).send() for _ in range(count))
        whisper.wait_until_running()
        return opened

    yield open_jobs
    for job in opened:
        job.close()


def test_it_does_a_job(whisper):
    # It looks at a little of the half minute that it otherwise fills up with silence.
    answer = transcription(whisper.port, seconds=1, audio_ctx=64).send().response()
    assert answer.status == 200
    assert isinstance(answer.json()["text"], str)


def test_its_health_is_good_and_has_no_load_while_it_works_and_others_wait(whisper, open_jobs):
    open_jobs(whisper.threads - 1)
    answer = whisper.get("/health", timeout=SILENT)
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


def test_it_answers_no_health_check_while_each_of_its_threads_has_a_job(whisper, open_jobs):
    jobs = open_jobs(whisper.threads)
    with pytest.raises(TimeoutError):
        whisper.get("/health", timeout=SILENT)
    # It isn't dead: its port takes connections, and one thread is enough for an answer. Which of
    # the jobs it runs isn't known.
    for job in jobs:
        job.close()
    assert whisper.get("/health").status == 200


@pytest.mark.quick("checks that time out")
def test_with_a_job_for_each_of_its_threads_it_is_busy_and_not_ill(lab, whisper):
    farm = lab.farm([whisper], JOBS_SOURCE="whispercpp")
    farm.start()
    jobs = [transcription(farm.port).send() for _ in range(whisper.threads)]
    farm.wait_for_health(1, is_busy=True, is_healthy=True, consecutive_failures=0)
    farm.wait_for_health(1, in_flight=whisper.threads, external_jobs=0)
    for job in jobs:
        job.close()
    farm.wait_for_health(1, is_busy=False, is_healthy=True, in_flight=0, load=0)
