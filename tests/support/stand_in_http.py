# SPDX-License-Identifier: Apache-2.0
"""stand_in_http: an HTTP server that answers what a test tells it, rightly or not, and keeps what
it was sent.

    server = StandInHttp()
    server.tell("/push", status(503), hang())     # the next two requests there; then 204
    server.refuse("/push", lambda request: b"poison" in request.body, status(400))
    server.requests("/push")                      # what came, in its order, bodies decompressed

Each path has its orders of its own, so that many routes may share one server.
"""

import collections
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass

_READ_BYTES = 65536
_WORDS = {200: "OK", 204: "No Content", 400: "Bad Request", 429: "Too Many Requests"}


@dataclass(frozen=True)
class Answer:
    """Raw bytes, and what follows them: "keep" the connection, "close" it, "hang", or
    "flood" it for as long as somebody reads."""

    raw: bytes
    then: str = "keep"
    accepts: bool = False  # it is an acknowledgement


@dataclass
class Request:
    method: str
    target: str
    headers: dict  # names in lower case
    body: bytes  # decompressed
    size: int  # of the body as it came
    accepted: bool
    at_s: float  # of time.monotonic()

    def lines(self):
        return self.body.decode().splitlines()

    def entries(self):
        """Of NDJSON."""
        return [json.loads(line) for line in self.lines()]


def status(code, headers=None, body=b""):
    lines = [f"HTTP/1.1 {code} {_WORDS.get(code, 'Whatever')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if code != 204:
        lines.append(f"Content-Length: {len(body)}")
    raw = "\r\n".join([*lines, "", ""]).encode() + body
    return Answer(raw, accepts=200 <= code < 300)


def hang(raw=b""):
    return Answer(raw, "hang")


def close(raw=b""):
    """Closes in mid-answer."""
    return Answer(raw, "close")


def cut_body(code=200):
    """Promises more than it gives; its status is an answer all the same."""
    raw = f"HTTP/1.1 {code} OK\r\nContent-Length: 1000\r\n\r\nsome".encode()
    return Answer(raw, "close", accepts=200 <= code < 300)


def endless_body(code=200):
    raw = f"HTTP/1.1 {code} OK\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return Answer(raw, "flood", accepts=200 <= code < 300)


def garbage():
    return Answer(b"\x00\x01SSH-2.0-OpenSSH_9.2\r\n\xff\xfe", "close")


_DELIVERED = status(204)


def make_certificate(directory, name="localhost", issuer=None):
    """(certificate, key) as PEM files, signed by itself or by `issuer`, such a pair."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", f"/CN={name}",
               "-addext", f"subjectAltName=DNS:{name}"]  # fmt: skip
    if issuer:
        command += ["-CA", issuer[0], "-CAkey", issuer[1]]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class StandInHttp:
    """Serves from its making until `close`. `certificate` (certificate, key): with TLS;
    `client_ca`: and asks for a certificate that this has signed. `port` is one of support.ports,
    where it is to be found again when another takes its place."""

    def __init__(self, certificate=None, client_ca=None, port=0):
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*certificate)
        if client_ca:
            self._tls.verify_mode = ssl.CERT_REQUIRED
            self._tls.load_verify_locations(client_ca)
        self._lock = threading.Lock()
        self._orders = collections.defaultdict(collections.deque)
        self._rules = collections.defaultdict(list)
        self._drops = collections.Counter()
        self._received = []
        self._connections = set()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, path="/", host="127.0.0.1"):
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def tell(self, path, *answers):
        """The answers of the next requests at `path`."""
        with self._lock:
            self._orders[path].extend(answers)

    def refuse(self, path, when, answer):
        """The answer of all requests at `path` for which `when` is true, and that have no order."""
        with self._lock:
            self._rules[path].append((when, answer))

    def drop(self, path):
        """Closes at the head of the next request at `path`, whose body it does not read: so does a
        server that gives up a kept connection."""
        with self._lock:
            self._drops[path] += 1

    def requests(self, path):
        with self._lock:
            return [r for r in self._received if r.target.split("?")[0] == path]

    def accepted(self, path):
        return [r for r in self.requests(path) if r.accepted]

    def connections(self):
        with self._lock:
            return len(self._connections)

    def close(self):
        if self._closing.is_set():
            return
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # else it listens for as long as a thread accepts
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for thread in self._threads[1:]:
            thread.join(10)

    def _accept(self):
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        if self._tls:  # in place of the plain one, which is empty then; `close` ends it
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            self._connections.add(connection)
        try:
            if self._tls:
                connection.do_handshake()
            self._answer_all(connection)
        except (OSError, ssl.SSLError):
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer_all(self, connection):
        pending = b""
        while True:
            head, pending = _read_until(connection, pending, b"\r\n\r\n")
            if head is None:
                return
            request, size = _parse(head)
            if self._is_dropped(request):
                return
            while len(pending) < size:
                data = connection.recv(_READ_BYTES)
                if not data:
                    return
                pending += data
            raw, pending = pending[:size], pending[size:]
            request.size = size
            request.body = _decompress(raw, request.headers.get("content-encoding"))
            answer = self._answer(request)
            connection.sendall(answer.raw)
            if answer.then == "close":
                return
            while answer.then == "flood":
                connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
            if answer.then == "hang":
                while connection.recv(_READ_BYTES):
                    pass
                return

    def _is_dropped(self, request):
        path = request.target.split("?")[0]
        with self._lock:
            is_dropped = self._drops[path] > 0
            self._drops[path] -= is_dropped
        return is_dropped

    def _answer(self, request):
        path = request.target.split("?")[0]
        with self._lock:
            rules = [answer for when, answer in self._rules[path] if when(request)]
            orders = self._orders[path]
            answer = orders.popleft() if orders else (rules or [_DELIVERED])[0]
            request.accepted = answer.accepts
            request.at_s = time.monotonic()
            self._received.append(request)
        return answer


def _read_until(connection, pending, mark):
    while mark not in pending:
        data = connection.recv(_READ_BYTES)
        if not data:
            return None, b""
        pending += data
    head, _, rest = pending.partition(mark)
    return head, rest


def _parse(head):
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    size = int(headers.get("content-length", 0))
    return Request(method, target, headers, b"", size, False, 0.0), size


def _decompress(raw, encoding):
    if encoding == "gzip":
        return gzip.decompress(raw)
    if encoding == "zstd":
        return subprocess.run(["zstd", "-dc"], input=raw, capture_output=True, check=True).stdout
    return raw
