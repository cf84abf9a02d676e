"""Whom a client says that it speaks for: believed of trusted proxies only."""

import socket

import pytest

from client import JOB_PATH, Connection

PROXY = "127.0.0.2"
STRANGER = "127.0.0.1"
CLAIMS = [
    ("X-Forwarded-For", "203.0.113.9"),
    ("x-forwarded-for", "203.0.113.10"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "444"),
    ("Forwarded", "for=203.0.113.9;proto=https"),
    ("X-Real-IP", "203.0.113.9"),
]
NAMES = {name.lower() for name, _ in CLAIMS}


def fields_that_arrive(farm, source, claims=()):
    """The fields that the instance gets of a job from this address."""
    before = len(farm.instances[1].requests())
    with Connection(farm.port) as connection:
        connection.close()
        connection.socket = socket.create_connection(
            ("127.0.0.1", farm.port), 30, source_address=(source, 0)
        )
        fields = [("Host", "a"), ("Content-Length", "1"), ("X-Sim-Job-Time", "0"), *claims]
        connection.send_head("POST", JOB_PATH, fields)
        connection.send(b"x")
        assert connection.read_response("POST").status == 200
    record = farm.instances[1].requests()[before]
    found = [(k.lower(), v) for k, v in record.values["headers"] if k.lower() in NAMES]
    forwarded = ", ".join(v for k, v in found if k == "x-forwarded-for")
    return {k: v for k, v in found} | {"x-forwarded-for": forwarded}


def test_a_stranger_is_believed_nothing_and_a_proxy_everything(lab):
    farm = lab.start_farm(1, TRUSTED_PROXIES=f"192.0.2.0/24,{PROXY}")
    own = {"x-forwarded-for": STRANGER, "x-forwarded-proto": "http"}
    assert fields_that_arrive(farm, STRANGER, CLAIMS) == own
    claimed = {name.lower(): value for name, value in CLAIMS}
    claimed["x-forwarded-for"] = f"203.0.113.9, 203.0.113.10, {PROXY}"
    assert fields_that_arrive(farm, PROXY, CLAIMS) == claimed
    # A proxy that says less gets the rest from us.
    assert fields_that_arrive(farm, PROXY, CLAIMS[:1]) == {
        "x-forwarded-for": f"203.0.113.9, {PROXY}",
        "x-forwarded-proto": "http",
    }


def test_the_same_in_the_second_pass(lab):
    farm = lab.farm(2, TRUSTED_PROXIES="none", HEALTH_CHECK_INTERVAL="1h")
    farm.instances[1].set(external_jobs=5)
    farm.start()
    farm.wait_for_external({1: 5, 2: 0})
    farm.instances[2].set(listening=False)
    own = {"x-forwarded-for": STRANGER, "x-forwarded-proto": "http"}
    assert fields_that_arrive(farm, STRANGER, CLAIMS) == own


@pytest.mark.parametrize("trusted, is_trusted", [("none", False), ("", True), ("::1", False)])
def test_the_loopback_is_trusted_by_default(lab, trusted, is_trusted):
    farm = lab.start_farm(1, TRUSTED_PROXIES=trusted)
    fields = fields_that_arrive(farm, STRANGER, CLAIMS)
    assert (fields["x-forwarded-proto"] == "https") is is_trusted
    assert ("forwarded" in fields) is is_trusted


def test_an_ipv4_client_of_an_ipv6_port_is_known_by_its_ipv4_address(lab):
    farm = lab.start_farm(1, BIND_ADDRESS="::", TRUSTED_PROXIES=f"{PROXY}/32")
    assert fields_that_arrive(farm, PROXY, CLAIMS)["x-forwarded-proto"] == "https"
    assert fields_that_arrive(farm, STRANGER, CLAIMS)["x-forwarded-proto"] == "http"
