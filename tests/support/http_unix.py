# SPDX-License-Identifier: Apache-2.0
"""http_unix: HTTP over a local socket."""

import http.client
import socket


class UnixConnection(http.client.HTTPConnection):
    """A connection to whoever listens at `path`."""

    def __init__(self, path, timeout_s=10.0):
        super().__init__("localhost", timeout=timeout_s)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path, target, method="GET", headers=None, body=None):
    """(status, headers, body) of one request on a connection of its own."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target, body, {"Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
