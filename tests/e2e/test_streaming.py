"""Small pieces of a streamed answer or upload go at once, not 200 ms later."""

import statistics
import time

from client import JOB_PATH, Connection
from hand import HandInstance
from waiting import SLOWNESS

PIECES = 7
# The kernel's delay without http-no-delay is 200 ms.
AT_ONCE_S = 0.1 * SLOWNESS


def start_job(farm, connection):
    fields = [("Host", "a"), ("Transfer-Encoding", "chunked"), ("Content-Type", "audio/wav")]
    connection.send_head("POST", JOB_PATH, fields)


def test_pieces_of_an_answer_and_of_an_upload_are_not_delayed(lab):
    with HandInstance(lab.ports.take()) as instance:
        farm = lab.start_farm({1: instance})
        with Connection(farm.port) as client:
            start_job(farm, client)
            server, head = instance.job()
            seen = bytearray(head.partition(b"\r\n\r\n")[2])
            up = []
            for n in range(PIECES):
                piece = b"piece %d" % n
                begin = time.monotonic()
                client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                while piece not in seen:
                    seen += server.recv(65536)
                up.append(time.monotonic() - begin)
            client.send(b"0\r\n\r\n")
            while not seen.endswith(b"0\r\n\r\n"):
                seen += server.recv(65536)
            server.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert client.read_head().status == 200
            seen = bytearray()
            down = []
            for n in range(PIECES):
                piece = b"piece %d" % n
                begin = time.monotonic()
                server.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                while piece not in seen:
                    seen += client.read_some()
                down.append(time.monotonic() - begin)
            server.sendall(b"0\r\n\r\n")
            assert client.read_rest().endswith(b"0\r\n\r\n")
    print(f"up {up}, down {down}")
    assert statistics.median(up) < AT_ONCE_S, up
    assert statistics.median(down) < AT_ONCE_S, down
