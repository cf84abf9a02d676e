"""Uploads that are larger than anything that may be kept in memory."""

import hashlib

import pytest

from client import JOB_PATH, Connection
from processes import memory_kib, reset_peak_memory

MEBIBYTE = 1 << 20
GROWTH_MAX_KIB = 16 * 1024
# A period that is no power of two: a block lost or doubled changes the hash.
BLOCK = bytes((i * 31 + i // 251) % 256 for i in range(MEBIBYTE - 17))


def pieces(total):
    """`total` bytes, in pieces."""
    sent = 0
    while sent < total:
        piece = BLOCK[: total - sent]
        yield piece
        sent += len(piece)


def sha256(total):
    digest = hashlib.sha256()
    for piece in pieces(total):
        digest.update(piece)
    return digest.hexdigest()


class Memory:
    """How much processes grow at their peak."""

    def __init__(self, farm):
        self.pids = {"agent": farm.agent.pid, "HAProxy's master": farm.haproxy.pid}
        for child in farm.haproxy.children():
            self.pids[f"HAProxy's worker {child}"] = child
        assert len(self.pids) == 3, self.pids
        for pid in self.pids.values():
            reset_peak_memory(pid)
        self.before = {name: memory_kib(pid, "VmRSS") for name, pid in self.pids.items()}

    def assert_small_growth(self):
        for name, pid in self.pids.items():
            growth = memory_kib(pid, "VmHWM") - self.before[name]
            assert growth < GROWTH_MAX_KIB, f"{name} grew by {growth} KiB"


def assert_received(farm, total):
    (record,) = farm.instances[1].requests()
    assert record.values["complete"]
    assert record.values["body_bytes"] == total
    assert record.values["body_sha256"] == sha256(total)
    assert record.outcome == "answered"


def test_a_gibibyte_arrives_byte_for_byte_and_nobody_grows(lab):
    total = 1024 * MEBIBYTE
    farm = lab.start_farm(1)
    assert farm.run_job().status == 200
    farm.instances[1].sim.control("DELETE", "/requests")
    memory = Memory(farm)
    with Connection(farm.port) as upload:
        fields = [("Host", "x"), ("Content-Length", str(total)), ("X-Sim-Job-Time", "0")]
        upload.send_head("POST", JOB_PATH, fields)
        for piece in pieces(total):
            upload.send(piece)
        assert upload.read_response("POST").status == 200
    memory.assert_small_growth()
    assert_received(farm, total)


@pytest.mark.parametrize("chunk", [MEBIBYTE, 8191])
def test_a_chunked_upload_arrives_byte_for_byte_and_nobody_grows(lab, chunk):
    total = 64 * MEBIBYTE
    farm = lab.start_farm(1)
    assert farm.run_job().status == 200
    farm.instances[1].sim.control("DELETE", "/requests")
    memory = Memory(farm)
    with Connection(farm.port) as upload:
        fields = [("Host", "x"), ("Transfer-Encoding", "chunked"), ("X-Sim-Job-Time", "0")]
        upload.send_head("POST", JOB_PATH, fields)
        for piece in pieces(total):
            frames = []
            for begin in range(0, len(piece), chunk):
                data = piece[begin : begin + chunk]
                frames.append(b"%x\r\n%b\r\n" % (len(data), data))
            upload.send(b"".join(frames))
        upload.send(b"0\r\n\r\n")
        assert upload.read_response("POST").status == 200
    memory.assert_small_growth()
    assert_received(farm, total)


def test_a_hundred_mebibytes_of_response_make_nobody_grow(lab):
    farm = lab.start_farm(1)
    assert farm.run_job().status == 200
    memory = Memory(farm)
    headers = [("X-Sim-Response", f"big:{100 * MEBIBYTE}"), ("X-Sim-Job-Time", "0")]
    response = farm.request("POST", JOB_PATH, headers=headers, body=b"x", keep=False)
    assert response.length == 100 * MEBIBYTE
    memory.assert_small_growth()
