"""Both ways every byte goes on as it comes, and no answer waits for its end."""

import threading

from client import JOB_PATH, Connection, Job, run_job
from waiting import wait_for

PIECES = 30
# A job that the instance is given directly is the clock: thirty pieces that wait 200 ms each
# need three times as long, thirty that don't a small part of it.
CLOCK_MS = 2000


def in_order(first, second):
    """Runs both at a time; the names in the order in which they ended."""
    order = []

    def run(name, work):
        work()
        order.append(name)

    threads = [threading.Thread(target=run, args=entry) for entry in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return order


def test_a_streamed_answer_comes_piece_by_piece(lab):
    farm = lab.start_farm(1)
    instance = farm.instances[1]
    received = []

    def stream():
        job = Job(farm.port, headers=[("X-Sim-Response", f"pieces:{PIECES}")]).send()
        pieces = job.connection._chunks(job.connection.read_head())
        for piece in pieces:
            received.append(piece)
            # Only now there is a next one.
            instance.set(pieces=1)
        job.close()

    clock = ("clock", lambda: run_job(instance.port, job_time=CLOCK_MS))
    order = in_order(("stream", stream), clock)
    assert b"".join(received) == b"".join(b"piece %d\n" % (i + 1) for i in range(PIECES))
    assert len(received) == PIECES
    assert order == ["stream", "clock"]


def test_an_upload_arrives_piece_by_piece(lab):
    farm = lab.start_farm(1)
    instance = farm.instances[1]
    piece = b"x" * 10

    def arrived():
        return [r.values["body_bytes"] for r in instance.requests() if r.has_header("X-Pieces")]

    def upload():
        with Connection(farm.port) as connection:
            fields = [("Host", "x"), ("X-Pieces", "1"), ("X-Sim-Job-Time", "0")]
            fields.append(("Content-Length", str(PIECES * len(piece))))
            connection.send_head("POST", JOB_PATH, fields)
            for number in range(1, PIECES + 1):
                connection.send(piece)
                wait_for(lambda n=number: arrived() == [n * len(piece)], f"piece {number}")
            assert connection.read_response("POST").status == 200

    clock = ("clock", lambda: run_job(instance.port, job_time=CLOCK_MS))
    assert in_order(("upload", upload), clock) == ["upload", "clock"]


def begin(farm, response):
    """A job whose answer's first part is out and whose second waits; its head has come."""
    job = Job(farm.port, headers=[("X-Sim-Response", response)]).send()
    return job, job.connection.read_head()


def test_the_first_piece_of_a_streamed_answer_comes_while_the_second_waits(lab):
    farm = lab.start_farm(1)
    job, head = begin(farm, "pieces:2")
    pieces = job.connection._chunks(head)
    assert next(pieces) == b"piece 1\n"
    farm.instances[1].set(pieces=1)
    assert list(pieces) == [b"piece 2\n"]
    job.close()


def test_the_first_half_of_a_large_answer_comes_while_the_second_waits(lab):
    farm = lab.start_farm(1)
    # JSON, and its length is known: but for its size it might be a job's acceptance.
    job, head = begin(farm, "halves:20000")
    rest = job.connection._counted(20000, head)
    got = b""
    while len(got) < 10000:
        got += next(rest)
    farm.instances[1].set(pieces=1)
    got += b"".join(rest)
    assert got == b'"' + b"." * 19998 + b'"'
    job.close()


def test_a_small_answer_whose_end_is_late_is_not_given_up(lab):
    farm = lab.start_farm(1)
    instance = farm.instances[1]
    job = Job(farm.port, headers=[("X-Sim-Response", "halves:4000")]).send()
    wait_for(lambda: any(r.values["status"] == 200 for r in instance.requests()), "its head")
    # Later than any moment for which one might wait whether it is a job's acceptance.
    assert run_job(instance.port, job_time=3000).status == 200
    instance.set(pieces=1)
    response = job.response()
    assert (response.status, response.complete, response.length) == (200, True, 4000)
    assert instance.state()["aborted"] == 0
