"""What docs/architecture.md says of rooms: which of them includes which."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("common", "genconf", "agent", "leastjobs")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)

# A room, and all that it may know besides itself.
KNOWS = {
    "common": set(),
    "genconf": {"common"},
    "leastjobs": {"common"},
    "agent/instances": {"common", "agent"},
    "agent/haproxy": {"common", "agent", "agent/instances"},
    "agent/agent_checks": {"common", "agent", "agent/instances"},
    "agent/checks": {"common", "agent", "agent/instances", "agent/haproxy"},
    "agent/jobs": {"common", "agent", "agent/instances", "agent/checks"},
}


def room_of(path):
    """agent/ has rooms; the others are one each, whatever folders they have."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] == "agent" and len(parts) > 2 else parts[0]


def included(path):
    for name in INCLUDE.findall(path.read_text()):
        found = [folder / name for folder in (path.parent, *(ROOT / p for p in PROGRAMS))]
        yield next((candidate for candidate in found if candidate.exists()), ROOT / "missing" / name)


@pytest.mark.parametrize("room", KNOWS)
def test_a_room_includes_only_what_it_may_know(room):
    paths = [path for path in (ROOT / room).rglob("*.[ch]") if room_of(path) == room]
    assert len(paths) > 1
    pairs = [(path, target) for path in paths for target in included(path)]
    wrong = [
        f"{path.relative_to(ROOT)} includes {target.relative_to(ROOT)}"
        for path, target in pairs
        if room_of(target) != room and room_of(target) not in KNOWS[room]
    ]
    assert wrong == []
