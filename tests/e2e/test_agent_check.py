"""The agent's side of HAProxy's agent-check, byte by byte."""

import socket
import time

import pytest

from waiting import wait_for


def start_agent(lab, reported, **variables):
    farm = lab.farm(len(reported), **variables)
    for number, jobs in enumerate(reported, 1):
        farm.instances[number].set(external_jobs=jobs)
    farm.start_agent()
    farm.wait_for_agent()
    for number, jobs in enumerate(reported, 1):
        farm.wait_for_health(number, active_jobs=jobs, consecutive_failures=0)
        wait_for(lambda n=number: farm.health_of(n)["last_check"], "the first health check")
    return farm


def test_inverse_weighting_is_a_hundred_over_one_plus_the_jobs(lab):
    percent = {0: 100, 1: 50, 2: 33, 3: 25, 4: 20, 5: 17, 9: 10, 99: 1, 250: 1, 100000: 1}
    farm = start_agent(lab, list(percent))
    for number, (jobs, expected) in enumerate(percent.items(), 1):
        for line in (f"instance{number}\n", f"instance{number} inverse\n"):
            assert (jobs, farm.agent_check(line)) == (jobs, b"up %d%%\n" % expected)


def test_external_weighting_is_a_hundred_less_the_jobs(lab):
    percent = {0: 100, 1: 99, 3: 97, 50: 50, 98: 2, 99: 1, 100: 1, 5000: 1}
    farm = start_agent(lab, list(percent))
    for number, (jobs, expected) in enumerate(percent.items(), 1):
        assert (jobs, farm.agent_check(f"instance{number} external\n")) == (
            jobs,
            b"up %d%%\n" % expected,
        )


def test_a_carriage_return_before_the_newline_is_no_matter(lab):
    farm = start_agent(lab, [3])
    assert farm.agent_check("instance1 external\r\n") == b"up 97%\n"
    assert farm.agent_check("instance1\r\n") == b"up 25%\n"


@pytest.mark.quick("three failed checks")
def test_an_unhealthy_instance_is_down_with_the_reason_after_a_space(lab):
    farm = start_agent(lab, [3, 1])
    farm.instances[1].set(health="503")
    farm.wait_for_health(1, is_healthy=False)
    reason = farm.health_of(1)["error_message"]
    for line in ("instance1\n", "instance1 inverse\n", "instance1 external\n"):
        answer = farm.agent_check(line)
        assert answer == f"down #{reason}\n".encode()
        assert "503" in reason
    assert farm.agent_check("instance2 external\n") == b"up 99%\n"


@pytest.mark.quick("three failed checks")
def test_a_long_reason_is_one_line_of_printable_text(lab):
    farm = lab.farm(1, JOBS_FIELD="/" + "a" * 300 + ",/" + "b" * 300)
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_health(1, is_healthy=False)
    answer = farm.agent_check("instance1\n").decode()
    assert answer.startswith("down #") and answer.endswith("\n")
    assert answer.count("\n") == 1 and answer[:-1].isprintable()
    # HAProxy keeps 127 characters.
    assert len(answer) <= len("down #") + 127 + 1


def test_of_an_instance_that_was_never_checked_nothing_is_said_that_haproxy_heeds(lab):
    farm = lab.farm(1, HEALTH_CHECK_INTERVAL="1h")
    farm.instances[1].set(health="hang")
    farm.start_agent()
    farm.wait_for_agent()
    assert farm.agent_check("instance1\n") == b"unknown\n"
    assert farm.agent_check("instance1 external\n") == b"unknown\n"
    # A server that HAProxy has just started is up, with its full weight, and stays so.
    farm.write_config()
    farm.start_haproxy()
    farm.wait_for_haproxy()
    asked = wait_for(lambda: int(farm.servers()[1]["agent_duration"] or -1) >= 0, "an agent-check")
    assert asked
    assert farm.weights() == {1: 100}
    assert farm.servers()[1]["status"] == "UP"
    assert farm.run_job().status == 200


@pytest.mark.parametrize(
    "line",
    [
        "instance2\n",
        "instance0\n",
        "instance01\n",
        "instance-1\n",
        "instance\n",
        "instance1x\n",
        "instance99999999999999999999\n",
        "Instance1\n",
        "1\n",
        "\n",
        " \n",
        "\r\n",
        " instance1\n",
        "instance1 sideways\n",
        "instance1 room\n",
        "instance1 external x\n",
        "instance1external\n",
        "instance1\texternal\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00\x01\xff\n",
        b"instance1\x00\n",
        "x" * 10000 + "\n",
        "instance1 " + " " * 10000 + "\n",
    ],
)
def test_what_is_not_understood_is_closed_without_a_word_and_logged(lab, line):
    farm = start_agent(lab, [0])
    try:
        answer = farm.agent_check(line)
    except (ConnectionResetError, BrokenPipeError):
        answer = b""
    assert answer == b""
    farm.agent.wait_for_err("WARNING .*agent-check")
    assert farm.agent_check("instance1\n") == b"up 100%\n"
    assert farm.agent.err().isascii() or "\x00" not in farm.agent.err()


def test_half_a_line_and_the_end_of_input_is_closed_without_a_word(lab):
    farm = start_agent(lab, [0])
    for half in (b"", b"instance1", b"instance1 external"):
        with socket.create_connection(("127.0.0.1", farm.agent_port), 30) as connection:
            connection.sendall(half)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""


def test_no_newline_within_the_time_limit_is_closed_without_a_word(lab):
    farm = start_agent(lab, [0])
    with socket.create_connection(("127.0.0.1", farm.agent_port), 60) as silent:
        with socket.create_connection(("127.0.0.1", farm.agent_port), 60) as slow:
            slow.sendall(b"instance1")
            # Others are served meanwhile.
            assert farm.agent_check("instance1\n") == b"up 100%\n"
            assert slow.recv(100) == b""
            assert silent.recv(100) == b""


def test_a_line_in_pieces_is_a_line(lab):
    farm = start_agent(lab, [2])
    with socket.create_connection(("127.0.0.1", farm.agent_port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for character in "instance1 external\n":
            connection.sendall(character.encode())
            time.sleep(0.001)
        assert connection.recv(100) == b"up 98%\n"
        assert connection.recv(100) == b""


def test_many_clients_at_once_are_all_answered(lab):
    farm = start_agent(lab, [1, 2])
    connections = [socket.create_connection(("127.0.0.1", farm.agent_port), 30) for _ in range(200)]
    for number, connection in enumerate(connections):
        connection.sendall(b"instance%d external\n" % (number % 2 + 1))
    for number, connection in enumerate(connections):
        assert connection.recv(100) == b"up %d%%\n" % (98 if number % 2 else 99)
        assert connection.recv(100) == b""
        connection.close()


@pytest.mark.quick("changes of an idle farm")
def test_the_answer_follows_the_reported_jobs(lab):
    farm = start_agent(lab, [2])
    farm.instances[1].set(external_jobs=11)
    wait_for(lambda: farm.agent_check("instance1 external\n") == b"up 89%\n", "11 jobs")
    farm.instances[1].set(external_jobs=0)
    wait_for(lambda: farm.agent_check("instance1\n") == b"up 100%\n", "no jobs")
