"""What the image's health check says: whether HAProxy and the agent both answer."""

import subprocess
from pathlib import Path

from waiting import wait_for

HEALTHCHECK = Path(__file__).resolve().parents[2] / "haproxy/healthcheck"


def is_healthy(farm):
    done = subprocess.run(
        [HEALTHCHECK],
        env={"PATH": "/usr/bin:/bin", "ADMIN_PORT": str(farm.admin_port)},
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    return done.returncode == 0


def test_healthy_is_what_has_haproxy_and_an_agent_also_behind_a_password(lab, tmp_path):
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("only-for-this-test\n")
    farm = lab.farm(1, ADMIN_PASSWORD_FILE=password)
    assert not is_healthy(farm)
    farm.start()
    assert is_healthy(farm)
    farm.agent.kill()
    assert not is_healthy(farm)
    farm.start_agent()
    wait_for(lambda: is_healthy(farm), "health with a new agent")
    assert farm.haproxy.stop() == []
    assert not is_healthy(farm)
