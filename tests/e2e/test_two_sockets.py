"""An agent and a HAProxy that don't mean the same runtime socket."""

import re

from client import http_request
from waiting import wait_for

WARNING = r"WARNING HAProxy sends agent-checks, but nobody has answered on HAPROXY_SOCKET"


def test_an_agent_that_looks_at_another_socket_warns_once(lab):
    farm = lab.farm(1)
    other = lab.short_directory / "other.sock"
    farm.write_config()
    farm.variables["HAPROXY_SOCKET"] = other
    farm.start_agent()
    farm.wait_for_agent()
    farm.start_haproxy()
    (line,) = farm.agent.wait_for_err(WARNING)
    assert f'"{other}"' in line
    asked = agent_checks(farm)
    wait_for(lambda: agent_checks(farm) >= asked + 5, "five more agent-checks")
    assert len(farm.agent.wait_for_err(WARNING)) == 1


def test_an_agent_that_finds_haproxy_does_not_warn(lab):
    farm = lab.start_farm(1)
    asked = agent_checks(farm)
    # Longer than the ten seconds after which it would.
    wait_for(lambda: agent_checks(farm) >= asked + 13, "13 agent-checks, at most one a second")
    assert "WARNING HAProxy sends" not in farm.agent.err()


def agent_checks(farm):
    """How many were answered."""
    text = http_request(farm.status_port, target="/metrics").body.decode()
    (value,) = re.findall(r"^leastjobs_agent_checks_answered_total (\d+)$", text, re.MULTILINE)
    return int(value)
