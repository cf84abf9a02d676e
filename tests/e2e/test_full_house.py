"""What still has to work when connections or files have run out."""

import contextlib
import signal
import socket
import time

from client import JOB_PATH, Connection, Job, http_request
from load import start_agent, start_haproxy
from processes import genconf_command, run
from waiting import SLOWNESS, wait_for

FEW_FILES = 64
MANY_FILES = 1024
FULL = 10
PASSES = 20  # the fewest that the loop has
BUSY = 900_000
TOO_MANY = "Too many jobs at a time: try again later"
NO_PASS = "The instance could not be connected to, and too many jobs are being sent elsewhere"
AT_ONCE_S = 1.0 * SLOWNESS


def assert_refused(response, detail=TOO_MANY):
    """HAProxy's answer to a job that finds the house full."""
    assert response.status == 503, response
    assert response.header("Content-Type") == "application/json"
    assert response.header("Retry-After") == "5"
    assert response.json() == {"detail": detail}


def assert_status_is_there(farm):
    for target in ("/", "/health"):
        begin = time.monotonic()
        assert http_request(farm.port, target=target).status == 200
        assert time.monotonic() - begin < AT_ONCE_S


def start(farm, limits=""):
    farm.write_config()
    farm.start_agent()
    start_haproxy(farm, limits=limits)
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    return farm


@contextlib.contextmanager
def all_go_round(farm):
    """Instances 1 and 2 are dead, nobody knows it, and the third looks worst: two passes a job."""
    farm.instances[3].set(external_jobs=BUSY)
    start(farm)
    farm.wait_for_external({3: BUSY})
    farm.agent.send_signal(signal.SIGSTOP)
    try:
        for number in (1, 2):
            farm.instances[number].set(listening=False)
        yield
    finally:
        farm.agent.send_signal(signal.SIGCONT)


def test_jobs_beyond_the_limit_are_refused_at_once_and_status_is_answered(lab):
    farm = lab.start_farm(2, MAX_CONNECTIONS=FULL)
    farm.open_jobs(FULL)
    assert_status_is_there(farm)
    for _ in range(3):
        begin = time.monotonic()
        assert_refused(farm.run_job())
        assert time.monotonic() - begin < AT_ONCE_S
    # Nor does a crowd of them stand in the way.
    crowd = [Job(farm.port).send() for _ in range(100)]
    assert_status_is_there(farm)
    for job in crowd:
        assert_refused(job.response())
    assert sum(farm.counts().values()) == FULL
    assert sum(farm.in_flight().values()) == FULL
    lines = [line for line in farm.wait_for_log(103) if line["status"] == "503"]
    assert {(line["pick"], line["tried"]) for line in lines} == {("-", "-")}


def test_one_place_is_free_again_with_each_job_that_ends(lab):
    farm = lab.start_farm(1, MAX_CONNECTIONS=FULL)
    jobs = farm.open_jobs(FULL)
    jobs[0].close()
    wait_for(lambda: sum(farm.in_flight().values()) == FULL - 1, "the end of a job")
    farm.open_jobs(1)
    assert_refused(farm.run_job())


def test_extra_paths_count_as_jobs(lab):
    farm = lab.start_farm(1, MAX_CONNECTIONS=FULL, EXTRA_PATHS="/v1/models")
    farm.open_jobs(FULL)
    assert_refused(farm.request(target="/v1/models"))
    assert farm.request(target="/nowhere").status == 404
    assert_status_is_there(farm)


def test_passes_through_the_loop_are_not_counted_as_jobs(lab):
    farm = lab.farm(3, MAX_CONNECTIONS=FULL, HEALTH_CHECK_INTERVAL="1h")
    with all_go_round(farm):
        for _ in range(FULL):
            farm.open_jobs(1)
        assert_refused(farm.run_job())
    assert_status_is_there(farm)
    assert farm.counts() == {1: 0, 2: 0, 3: FULL}


def begin_upload(farm):
    """A job whose body goes on and on; returns its connection."""
    connection = Connection(farm.port)
    length = ("Content-Length", "50000000")
    connection.send_head("POST", JOB_PATH, [("Host", "a"), ("Content-Type", "audio/wav"), length])
    connection.send(b"x" * 1000)
    return connection


def test_a_large_upload_is_refused_at_once_too(lab):
    farm = lab.start_farm(1, MAX_CONNECTIONS=FULL)
    farm.open_jobs(FULL)
    with begin_upload(farm) as connection:
        begin = time.monotonic()
        assert_refused(connection.read_response("POST"))
        assert time.monotonic() - begin < AT_ONCE_S


def test_refused_uploads_that_go_on_do_not_shut_out_status(lab):
    farm = lab.start_farm(1, MAX_CONNECTIONS=FULL)
    farm.open_jobs(FULL)
    # HAProxy 3.0 reads what it refused to the end; 2.6 closes at once.
    reads_on = farm.haproxy_version() >= (2, 9)
    uploads = [begin_upload(farm) for _ in range(40)]
    try:
        refused = 0
        for connection in uploads:
            try:
                assert_refused(connection.read_response("POST"))
                refused += 1
            except (ConnectionResetError, EOFError):
                assert reads_on
            assert_status_is_there(farm)
        assert refused >= 6 if reads_on else refused == 40
    finally:
        for connection in uploads:
            connection.close()


def test_jobs_that_are_picked_anew_find_room_when_all_connections_are_taken(lab):
    farm = lab.farm(4, MAX_CONNECTIONS=FULL, HEALTH_CHECK_INTERVAL="1h")
    for number in (1, 2, 3):
        farm.instances[number].set(listening=False)
    start(farm)
    # More clients than places. Those that are refused send again, and nothing is lost or doubled.
    refused = 0
    done = 0
    while done < 30:
        jobs = [Job(farm.port, job_time=50).send() for _ in range(30 - done)]
        for job in jobs:
            response = job.response()
            done += response.status == 200
            refused += response.status == 503
            if response.status != 200:
                assert response.json()["detail"] in (TOO_MANY, NO_PASS)
                assert_refused(response, response.json()["detail"])
    assert refused > 0
    assert farm.counts()[4] == 30


def test_a_loop_that_is_full_refuses_at_once_and_lets_others_through(lab):
    jobs_in_the_loop = PASSES // 2
    farm = lab.farm(3, MAX_CONNECTIONS=50, HEALTH_CHECK_INTERVAL="1h")
    with all_go_round(farm):
        farm.open_jobs(jobs_in_the_loop)
        begin = time.monotonic()
        crowd = [Job(farm.port).send() for _ in range(30)]
        for job in crowd:
            assert_refused(job.response(), NO_PASS)
        assert time.monotonic() - begin < AT_ONCE_S
        assert farm.counts()[3] == jobs_in_the_loop
        farm.instances[1].set(listening=True)
        farm.instances[2].set(listening=True)
        assert farm.run_job().status == 200
    assert_status_is_there(farm)


def test_when_nobody_can_be_connected_all_clients_hear_so_at_once(lab):
    farm = lab.farm(2, MAX_CONNECTIONS=FULL, HEALTH_CHECK_INTERVAL="1h")
    for instance in farm.instances.values():
        instance.set(listening=False)
    start(farm)
    jobs = [farm.open_job().send() for _ in range(30)]
    assert [job.response().status for job in jobs] == [503] * 30


def test_a_thousand_files_do_for_fifty_instances_and_386_jobs(lab):
    farm = lab.farm(50, HEALTH_CHECK_INTERVAL="2s")
    command = ["/bin/sh", "-c", f'ulimit -n {MANY_FILES} && exec "$@"', "sh", *genconf_command()]
    result = run(command + ["-o", farm.config_path], {"LOG_LEVEL": "DEBUG"} | farm.variables)
    assert (result.returncode, result.stderr) == (0, b"")
    farm.start_agent()
    start_haproxy(farm, limits=f"ulimit -n {MANY_FILES}")
    farm.wait_for_agent()
    farm.wait_for_haproxy()
    jobs = [farm.open_job().send() for _ in range(386)]
    wait_for(lambda: sum(farm.counts().values()) == 386, "386 open jobs")
    assert sum(farm.in_flight().values()) == 386
    assert_status_is_there(farm)
    farm.release_all()
    assert [job.response().status for job in jobs] == [200] * 386
    assert "limit" not in farm.haproxy.err()


def test_too_few_files_for_a_hundred_clients_are_said_with_the_number_to_raise(tmp_path):
    variables = {f"INSTANCE_{n}_URL": f"http://10.0.0.{n}" for n in range(1, 51)}
    output = tmp_path / "haproxy.cfg"

    def generate(files, **more):
        command = ["/bin/sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *genconf_command()]
        result = run(command + ["-o", output], variables | more)
        return result.returncode, result.stderr.decode()

    code, message = generate(300)
    assert code == 0
    assert "limit of 300 open files allows 24 clients" in message
    raised = int(message.rpartition("ulimit -n ")[2].strip().rstrip(")"))
    assert generate(raised) == (0, "")
    assert "a spare part" in output.read_text() and "# 100 jobs" in output.read_text()
    assert "allows 99 clients" in generate(raised - 1)[1]
    # Whoever says so wants no more.
    assert generate(raised, MAX_CONNECTIONS="50") == (0, "")
    assert "MAX_CONNECTIONS=\"101\": needs" in generate(raised - 1, MAX_CONNECTIONS="101")[1]


def test_idle_visitors_of_the_status_do_not_take_the_files_of_health_checks(lab):
    farm = lab.farm(1, HEALTH_CHECK_INTERVAL="1s")
    start_agent(farm, limits=f"ulimit -n {FEW_FILES}")
    farm.wait_for_agent()
    wait_for(lambda: farm.health_of(1)["last_check"], "the first health check")
    idle = []
    for port in (farm.status_port, farm.agent_port) * 60:
        stranger = socket.create_connection(("127.0.0.1", port), 30)
        idle.append(stranger)
    before = farm.instances[1].state()["health_requests"]
    wait_for(lambda: farm.instances[1].state()["health_requests"] > before + 2, "more checks")
    assert farm.health_of(1)["consecutive_failures"] == 0
    assert farm.agent_check("instance1 external\n") == b"up 100%\n"
    assert "accept" not in farm.agent.err()
    for stranger in idle:
        stranger.close()


def test_a_socket_that_may_not_be_asked_is_said_once(lab):
    folder = lab.short_directory / "not-a-folder"
    folder.write_text("")
    farm = lab.farm(1, HAPROXY_SOCKET=folder / "haproxy.sock", HEALTH_CHECK_INTERVAL="200ms")
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_polls(10)
    lines = [line for line in farm.agent.err().splitlines() if "can't be asked" in line]
    assert len(lines) == 1, lines


def test_a_dash_is_standard_output_and_only_files_are_replaced(tmp_path):
    variables = {"INSTANCE_1_URL": "http://127.0.0.1:1"}
    result = run(genconf_command() + ["-o", "-"], variables)
    assert result.returncode == 0
    assert result.stdout.startswith(b"# haproxy.cfg for 1 instance")
    for path in (tmp_path, "/dev/null"):
        result = run(genconf_command() + ["-o", path], variables)
        assert result.returncode == 1
        assert b"isn't a regular file" in result.stderr
