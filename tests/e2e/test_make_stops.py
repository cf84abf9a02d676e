"""Whoever started `make run` may end it by a SIGTERM to make alone, as a script does."""

import re
import signal
from pathlib import Path

from processes import ROOT, Process, build_directory

CONFIGURATION = re.compile(r"\(configuration: (\S+)\)")


def test_nothing_is_left_of_make_run_after_a_sigterm_to_make(lab):
    variables = dict(lab.farm(1).variables)
    del variables["HAPROXY_SOCKET"]
    # MAKE=: builds nothing, so that the programs stay those that are tested.
    command = ["make", "-C", ROOT, "MAKE=:", f"BUILD={build_directory()}", "run"]
    make = lab.start(Process("make", command, lab.directory, variables, (-signal.SIGTERM,)))
    make.wait_for_out("Ctrl-C stops it")
    config = Path(CONFIGURATION.search(make.out()).group(1))
    assert config.exists()
    make.send_signal(signal.SIGTERM)
    make.wait()
    # What still runs fails the fixture; the folder goes when all has ended.
    assert not config.parent.exists()
