"""Fixtures. What a test starts is in lab.py, what it may ask is in farm.py and sim.py."""

import ctypes
import signal
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
for module in ("client", "farm", "lab", "load", "processes", "real_servers", "sim", "waiting"):
    pytest.register_assert_rewrite(module)

from farm import QUICK  # noqa: E402
from lab import Lab  # noqa: E402
from processes import ROOT, build_directory, end_own_children  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36


def pytest_configure(config):
    # Orphans of our processes become ours: a test that leaves one is seen.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    config.addinivalue_line("markers", "quick(why): checks come every 300 ms, not every 30 s")
    # A runner that is terminated ends its processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_header(config):
    return f"leastjobs: binaries of {build_directory()}"


def pytest_sessionstart(session):
    missing = [
        name
        for name in ("leastjobs-agent", "leastjobs-genconf", "leastjobs-sim")
        if not Path(build_directory(), name).exists()
    ]
    if missing:
        pytest.exit(f"{build_directory()} has no {', '.join(missing)}: run make in {ROOT}", 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab is not None:
        report.sections += list(lab.tails())


@pytest.fixture
def lab(tmp_path, request):
    """Starts what a test needs; after the test all of it is ended, and was well behaved."""
    lab = Lab(tmp_path, QUICK if request.node.get_closest_marker("quick") else None)
    try:
        yield lab
    finally:
        problems = lab.close()
        assert not problems, "\n".join(problems)


@pytest.fixture(autouse=True)
def no_child_is_left():
    yield
    assert end_own_children() == [], "the test left processes behind"

