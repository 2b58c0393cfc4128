# SPDX-License-Identifier: Apache-2.0
"""private_server: a real server of `make backends`, on loopback, with a directory of its own.

Its ports and its data stay its own through `stop`, `kill` and `start`: whoever sends to its URL
finds it again. It is killed when we end, in whatever way.
"""

import http.client
import json
import shutil
import tempfile
import urllib.parse
from pathlib import Path

from support import backends
from support.ports import HOST, free_ports
from support.processes import start_logged
from support.wait import PATIENCE, wait_for

START_SECONDS_MAX, STOP_SECONDS_MAX, ANSWER_SECONDS_MAX = 60, 30, 60


class PrivateServer:
    """What is left to a kind of server: `command` and `is_ready`."""

    backend = None  # its name in backends.toml, and its program's

    def __init__(self, port_count=1):
        self._program = backends.find(self.backend) / self.backend
        self.root = Path(tempfile.mkdtemp(prefix=f"tallyman-{self.backend}-"))
        self.ports = free_ports(port_count)
        self._process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def url(self):
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def log_path(self):
        return self.root / "log"

    def command(self, program):
        """The words that start it in the foreground."""
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    # Life

    def start(self):
        """Returns when it is ready."""
        assert self._process is None, "it runs already"
        self._process = start_logged(self.command(self._program), self.log_path)
        wait_for(self._has_started, lambda: f"{self.backend} is ready\n{self.log_tail()}",
                 START_SECONDS_MAX)  # fmt: skip

    def stop(self):
        """An orderly end; the data stay."""
        self._process.terminate()
        self._process.wait(STOP_SECONDS_MAX * PATIENCE)
        self._process = None

    def kill(self):
        """kill -9; what it had written down stays."""
        self._process.kill()
        self._process.wait()
        self._process = None

    def close(self):
        """For the end of a test, however it ends."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    # Work

    def ask(self, path, parameters=None, headers=None, method="GET"):
        """(status, body) of one request."""
        connection = http.client.HTTPConnection(HOST, self.ports[0], timeout=ANSWER_SECONDS_MAX)
        try:
            query = urllib.parse.urlencode(parameters or {})
            connection.request(method, f"{path}?{query}", headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask_json(self, path, parameters=None, headers=None):
        status, body = self.ask(path, parameters, headers)
        assert status == 200, f"{path}: {status} {body[:1000]}"
        return json.loads(body)

    def log_tail(self, lines=20):
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    # Inner workings

    def _has_started(self):
        assert self._process.poll() is None, f"{self.backend} ended\n{self.log_tail()}"
        try:
            return self.is_ready()
        except OSError:
            return False
