"""Waiting for a condition, never for a length of time."""

import os
import time

# Sanitizers and valgrind make everything slower; nothing here measures speed.
SLOWNESS = 6 if os.environ.get("LEASTJOBS_AGENT_WRAPPER") else 1
DEADLINE = float(os.environ.get("LEASTJOBS_DEADLINE", 30))
POLL = 0.015


def wait_for(condition, what, timeout=DEADLINE, poll=POLL):
    """Calls condition until it returns something true, and returns that.

    `poll`: seconds between two calls.

    An AssertionError of the condition counts as "not yet": the last one is shown on failure.
    """
    end = time.monotonic() + timeout * SLOWNESS
    while True:
        # Late is judged before the call, so that the condition always has a last chance.
        late = time.monotonic() > end
        problem = None
        try:
            result = condition()
            if result:
                return result
        except AssertionError as error:
            result, problem = None, error
        if late:
            last = f"{problem}" if problem is not None else f"last value: {result!r}"
            waited = f"waited {timeout * SLOWNESS:.0f} s for {what}"
            raise AssertionError(f"{waited}; {last}") from problem
        time.sleep(poll)
