"""HAProxy's runtime socket has other users, too."""

import contextlib
import socket

from waiting import wait_for

# What a few forgotten dashboards and terminals hold. HAProxy never times out who is at its prompt.
FORGOTTEN = 24


def forgotten_session(path):
    session = socket.socket(socket.AF_UNIX)
    session.settimeout(5)
    session.connect(str(path))
    session.sendall(b"prompt\n")
    return session


def test_forgotten_sessions_at_the_prompt_do_not_keep_the_agent_out(lab):
    farm = lab.start_farm(2, {1: 0, 2: 3})
    assert farm.run_jobs(3) == [1] * 3
    with contextlib.ExitStack() as stack:
        for _ in range(FORGOTTEN):
            stack.enter_context(forgotten_session(farm.socket))
        farm.instances[1].set(external_jobs=9)

        def second_gets_all():
            return farm.run_jobs(3) == [2] * 3

        wait_for(second_gets_all, "jobs by the new counts", timeout=10)
