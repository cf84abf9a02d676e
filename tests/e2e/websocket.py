"""A WebSocket client by hand (RFC 6455): what it sends and gets is frames."""

import base64
import hashlib
import os

from client import Connection

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class WebSocket:
    """Its handshake is done when it is made; what was answered is in `answer`."""

    def __init__(self, port, target="/v1/realtime", headers=()):
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection = Connection(port)
        fields = {
            "Host": "sim",
            "Upgrade": "websocket",
            "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **dict(headers),
        }
        self.connection.send_head("GET", target, [(k, v) for k, v in fields.items() if v])
        self.answer = self._read_answer()
        magic = (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
        self.expected = base64.b64encode(hashlib.sha1(magic).digest()).decode()

    def _read_answer(self):
        status = int(self.connection.read_line().split()[1])
        headers = {}
        while line := self.connection.read_line():
            name, _, value = line.partition(": ")
            headers[name] = value
        return status, headers

    def send(self, opcode, payload=b"", fin=True, masked=True, first=0):
        length = len(payload)
        head = bytes([(0x80 if fin else 0) | first | opcode])
        mark = 0x80 if masked else 0
        if length < 126:
            head += bytes([mark | length])
        elif length < 65536:
            head += bytes([mark | 126]) + length.to_bytes(2, "big")
        else:
            head += bytes([mark | 127]) + length.to_bytes(8, "big")
        mask = os.urandom(4) if masked else b""
        sent = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if masked else payload
        self.connection.send(head + mask + sent)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.read_some()
            if not more:
                raise EOFError(f"closed after {data!r}")
            data += more
        self.connection._buffer = data[count:]
        return data[:count]

    def receive(self):
        """(opcode, payload, last of its message)"""
        first, length = self.read(2)
        assert length < 128, "a server masks nothing"
        if length >= 126:
            length = int.from_bytes(self.read(2 if length == 126 else 8), "big")
        return first & 15, self.read(length), first & 0x80 != 0

    def is_closed(self):
        return self.connection.read_some() == b""
