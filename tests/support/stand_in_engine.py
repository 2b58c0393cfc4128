# SPDX-License-Identifier: Apache-2.0
"""A stand-in for dockerd on a unix socket: says what a test wants, and badly if it wants that."""

import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlparse

# How the answers come.
GOOD, SLOW, HALF, ERROR, NONSENSE, NEVER = "good", "slow", "half", "error", "nonsense", "never"
FAULTS = [SLOW, HALF, ERROR, NONSENSE, NEVER]


class StandInContainer:
    """One container: what inspect says, and its log."""

    def __init__(self, container_id, name, lines=(), driver="json-file", running=True):
        self.id, self.name, self.driver, self.running = container_id, name, driver, running
        self.lines = list(lines)
        self.log_manner = GOOD  # or HALF: cut off; or the status of an answer that is no log

    def inspect(self):
        state = "running" if self.running else "exited"
        started = "2026-11-24T10:00:00.000000001Z"
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Created": "2026-11-24T09:00:00Z",
            "Path": "sh",
            "State": {"Status": state, "Running": self.running, "StartedAt": started},
            "Config": {"Image": "busybox", "Hostname": "h", "Labels": {}, "Cmd": ["sh"]},
            "HostConfig": {"LogConfig": {"Type": self.driver, "Config": {}}},
            "NetworkSettings": {"Networks": {}},
        }

    def listed(self):
        state = self.inspect()["State"]["Status"]
        return {"Id": self.id, "Names": [f"/{self.name}"], "State": state}

    def frames(self):
        """Its log as `logs?timestamps=1` gives it, a second between the lines."""
        body = b""
        for number, line in enumerate(self.lines):
            text = f"2026-11-24T10:00:{number:02}.000000000Z {line}\n".encode()
            body += b"\x01\0\0\0" + len(text).to_bytes(4, "big") + text
        return body


class StandInEngine:
    """Serves until it is closed. `manner` may be changed at any time."""

    def __init__(self, socket_path):
        self.host = f"unix://{socket_path}"
        self.manner = GOOD
        self.never = set()  # which are not answered, however good the manner
        self.containers = {}
        self.lists = self.inspects = 0  # answered so far
        self.pinged_at_s = []  # by the monotonic clock
        self.root = "/nowhere"
        self._subscribers = []
        self._closing = threading.Event()
        engine = self

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        class Handler(_Handler):
            def __init__(self, *arguments):
                self.engine = engine
                super().__init__(*arguments)

        self._server = Server(str(socket_path), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def add(self, *containers):
        self.containers.update({container.id: container for container in containers})

    def remove(self, container):
        del self.containers[container.id]

    def emit(self, action, actor_id, kind="container", attributes=None):
        """An event to every subscriber; how many there are."""
        event = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": actor_id, "Attributes": attributes or {}},
            "time": int(time.time()),
            "timeNano": time.time_ns(),
        }
        for subscriber in list(self._subscribers):
            subscriber(json.dumps(event).encode() + b"\n")
        return len(self._subscribers)

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path = urlparse(self.path).path
        word = path.rpartition("/")[2]
        if word == "_ping":
            self.engine.pinged_at_s.append(time.monotonic())
        try:
            self._misbehave(path, NEVER if word in self.engine.never else self.engine.manner)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _misbehave(self, path, manner):
        if manner == NEVER:
            self.engine._closing.wait(60)
            self.close_connection = True
        elif manner == ERROR:
            self._send(500, {"message": "out of order"})
        elif manner == NONSENSE:
            self._send(200, b'{"Id": [], ]]', api="of course")
        elif manner == HALF:
            self._send(200, {"half": "a body"}, missing=5)
            self.close_connection = True
        else:
            if manner == SLOW:
                time.sleep(0.5)
            self._answer(path)

    def _answer(self, path):
        parts = path.split("/")
        if parts[-1] == "_ping":
            self._send(200, b"OK")
        elif parts[-1] == "info":
            self._send(200, {"DockerRootDir": self.engine.root})
        elif parts[-1] == "events":
            self._stream_events()
        elif parts[-2:] == ["containers", "json"]:
            self.engine.lists += 1
            self._send(200, [one.listed() for one in list(self.engine.containers.values())])
        else:
            self._answer_container(self.engine.containers.get(parts[-2]), parts[-1])

    def _answer_container(self, container, what):
        if not container:
            self._send(404, {"message": "No such container"})
        elif what == "json":
            self.engine.inspects += 1
            self._send(200, container.inspect())
        elif container.log_manner == HALF:
            self._begin_stream()
            self._chunk(container.frames())
        elif container.log_manner != GOOD:
            self._send(container.log_manner, {"message": "so it is"})
        else:
            self._stream_log(container)

    def _send(self, status, body, missing=0, api="1.41"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Api-Version", api)
        self.send_header("Content-Length", str(len(data) + missing))
        self.end_headers()
        self.wfile.write(data)

    def _begin_stream(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data):
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        except OSError:
            pass

    def _stream_events(self):
        self._begin_stream()
        subscriber = self._chunk
        self.engine._subscribers.append(subscriber)
        self._until_they_leave(lambda: False)
        self.engine._subscribers.remove(subscriber)

    def _stream_log(self, container):
        self._begin_stream()
        since = parse_qs(urlparse(self.path).query).get("since", ["0"])[0]
        if float(since) == 0:
            self._chunk(container.frames())
        there = self.engine.containers
        if self._until_they_leave(lambda: not container.running or container.id not in there):
            self.wfile.write(b"0\r\n\r\n")

    def _until_they_leave(self, over):
        """Waits; true where `over` came true first."""
        self.connection.settimeout(0.02)
        while not self.engine._closing.is_set():
            if over():
                return True
            try:
                if self.connection.recv(1) == b"":
                    return False
            except TimeoutError:
                pass
            except OSError:
                return False
        return False
