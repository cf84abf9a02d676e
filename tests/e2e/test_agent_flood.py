"""Ten thousand strangers on the agent's ports don't keep HAProxy or anybody else from it."""

import resource
import socket
import time
from pathlib import Path

import pytest

from client import http_request
from processes import is_instrumented, memory_kib, reset_peak_memory
from waiting import wait_for

CONNECTIONS = 10_000
GROWTH_KIB_MAX = 8 * 1024
LARGE_FARM = 3_000
SLOW_READERS = 128
GROWTH_OF_SLOW_READERS_KIB_MAX = 40 * 1024
STRANGERS = (b"", b"instance1 ext", b"x" * (1 << 20), bytes(range(256)) * 4, b"GET /health HT")


@pytest.fixture(autouse=True)
def enough_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def flood(port, asked):
    """Opens all connections: nothing, half a line, 1 MiB, binary; reads nothing; asks at times."""
    strangers = []
    for number in range(CONNECTIONS):
        stranger = socket.socket()
        stranger.settimeout(30)
        stranger.connect(("127.0.0.1", port))
        stranger.setblocking(False)
        try:
            stranger.send(STRANGERS[number % len(STRANGERS)])
        except OSError:
            pass
        strangers.append(stranger)
        if number % 500 == 499:
            asked()
    return strangers


@pytest.mark.parametrize("which", ["agent-checks", "status"])
def test_a_flood_leaves_the_agent_answering_with_bounded_memory(lab, which):
    farm = lab.start_farm(1, {1: 3}, HEALTH_CHECK_INTERVAL="2s")
    before = memory_kib(farm.agent.pid, "VmHWM")
    worst = 0

    def ask():
        nonlocal worst
        begin = time.monotonic()
        assert farm.agent_check("instance1 external\n") == b"up 97%\n"
        worst = max(worst, time.monotonic() - begin)
        assert http_request(farm.status_port, target="/health").status == 200

    port = farm.agent_port if which == "agent-checks" else farm.status_port
    strangers = flood(port, ask)
    ask()
    # HAProxy's own checks go on: a change of jobs becomes a weight.
    farm.instances[1].set(external_jobs=4)
    farm.wait_for_external({1: 4})
    farm.instances[1].set(external_jobs=3)
    farm.wait_for_external({1: 3})
    ask()
    for stranger in strangers:
        stranger.close()
    growth = memory_kib(farm.agent.pid, "VmHWM") - before
    print(f"{which}: worst reply {worst * 1000:.1f} ms, memory +{growth} KiB")
    if not is_instrumented():
        assert growth < GROWTH_KIB_MAX
    assert farm.run_job().status == 200


def test_slow_readers_of_the_status_do_not_hold_others_up(lab):
    farm = lab.start_farm(1)
    readers = []
    for _ in range(300):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect(("127.0.0.1", farm.status_port))
        reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        readers.append(reader)
    for _ in range(20):
        assert http_request(farm.status_port, target="/health").status == 200
        assert farm.agent_check("instance1\n") == b"up 100%\n"
    for reader in readers:
        reader.close()


@pytest.mark.parametrize("come", ["together", "one by one"])
@pytest.mark.parametrize("target", ["/metrics", "/health"])
def test_slow_readers_of_a_large_farms_status_leave_memory_bounded(lab, target, come):
    farm = lab.farm({}, HEALTH_CHECK_INTERVAL="1h")
    # Nobody is there: the answers are none the shorter for it.
    urls = (f"INSTANCE_{n}_URL=http://127.0.0.1:1/{n}" for n in range(1, LARGE_FARM + 1))
    file = lab.directory / "agent.env"
    file.write_text("\n".join(urls) + "\n")
    farm.start_agent(["--env-file", file])
    farm.wait_for_agent()
    wait_for(
        lambda: all(i["last_check"] for i in farm.health()["instances"]), "every first health check"
    )
    length = len(http_request(farm.status_port, target=target).body)
    assert length * SLOW_READERS > 2 * GROWTH_OF_SLOW_READERS_KIB_MAX * 1024
    reset_peak_memory(farm.agent.pid)
    before = memory_kib(farm.agent.pid, "VmRSS")
    readers = []
    for _ in range(SLOW_READERS):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect(("127.0.0.1", farm.status_port))
        reader.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        readers.append(reader)
        if come == "one by one":
            # What they get was made for each, then.
            assert farm.agent_check("instance1\n") != b""
    # Who comes last and reads gets everything; some counters have a digit more by now.
    assert len(http_request(farm.status_port, target=target).body) >= length
    growth = memory_kib(farm.agent.pid, "VmHWM") - before
    print(f"{target}, {come}: {length} bytes for {SLOW_READERS} readers, memory +{growth} KiB")
    if not is_instrumented():
        assert growth < GROWTH_OF_SLOW_READERS_KIB_MAX
    for reader in readers:
        reader.close()


@pytest.mark.quick("several checks of an idle farm")
def test_who_reads_nothing_is_closed(lab):
    farm = lab.farm(1)
    farm.start_agent()
    farm.wait_for_agent()
    farm.wait_for_polls(2)

    def open_files():
        return len(list(Path("/proc", str(farm.agent.pid), "fd").iterdir()))

    before = open_files()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect(("127.0.0.1", farm.status_port))
        reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        wait_for(lambda: open_files() > before, "the agent to accept it")
        wait_for(lambda: open_files() == before, "the agent to close it")


def test_a_port_scan_changes_nothing(lab):
    farm = lab.start_farm(1)
    for _ in range(200):
        for port in (farm.agent_port, farm.status_port, farm.port, farm.admin_port):
            socket.create_connection(("127.0.0.1", port), 30).close()
    assert farm.agent_check("instance1\n") == b"up 100%\n"
    wait_for(lambda: farm.health()["healthy_instances"] == 1, "the instance to be healthy")
    assert farm.run_job().status == 200
