# SPDX-License-Identifier: Apache-2.0
"""A proxy of our own: tinyproxy (HTTP, with CONNECT) or microsocks (SOCKS5), on loopback.

    with PrivateProxy(directory, "http", names=["behind.test"]) as proxy:
        …{"proxy": proxy.url}…
        assert "behind.test" in proxy.log()

`names` lead to loopback for the proxy alone: it has an /etc/hosts of its own, so whoever finds a
server by such a name has let the proxy look it up. `password`, of the user "tests", is what the
proxy asks for. Its port stays its own through `stop` and `start`.
"""

import socket
from pathlib import Path

from support.ports import HOST, free_ports
from support.processes import start_logged
from support.wait import wait_for

PROGRAMS = {"http": "tinyproxy", "socks5": "microsocks"}
USER = "tests"
_HOSTS_OF_ITS_OWN = 'mount --bind "$0" /etc/hosts && exec "$@"'


class PrivateProxy:
    def __init__(self, directory, scheme, names=(), password=None):
        self.directory = Path(directory)
        self.directory.mkdir()
        self.scheme, self.names, self.password = scheme, names, password
        (self.port,) = free_ports(1)
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"{self.scheme}://{HOST}:{self.port}"

    def start(self):
        """Returns when it takes connections."""
        hosts = self.directory / "hosts"
        hosts.write_text(f"{HOST} localhost {' '.join(self.names)}\n", encoding="utf-8")
        apart = ["unshare", "--mount", "sh", "-c", _HOSTS_OF_ITS_OWN, hosts]
        self._process = start_logged([*apart, *self._command()], self.directory / "log")
        wait_for(self._answers, lambda: f"{PROGRAMS[self.scheme]} answers\n{self.log()}")

    def stop(self):
        """Also the connections through it are gone."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None

    def log(self):
        """Whom it was asked for, among others."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def _command(self):
        if self.scheme == "socks5":
            secret = ["-u", USER, "-P", self.password] if self.password else []
            return ["microsocks", "-i", HOST, "-p", str(self.port), *secret]
        lines = [f"Listen {HOST}", f"Port {self.port}", "Timeout 60", "LogLevel Connect"]
        lines += [f"BasicAuth {USER} {self.password}"] if self.password else []
        path = self.directory / "tinyproxy.conf"
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return ["tinyproxy", "-d", "-c", path]

    def _answers(self):
        assert self._process.poll() is None, f"{PROGRAMS[self.scheme]} ended\n{self.log()}"
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True
