# SPDX-License-Identifier: Apache-2.0
"""tallyman: the program under test, as a user runs it: a configuration, verbs, signals.

Nothing here knows more of it than its command line, its configuration, its log and its outputs.
"""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from support.http_unix import ask
from support.wait import PATIENCE, wait_for

HOUSE = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("TALLYMAN", HOUSE / "build" / "tallyman")).resolve()

# Bytes of the path of a local socket, without its NUL.
_SOCKET_PATH_MAX = 107

# What a sanitizer says on stderr when it has found something.
_FINDINGS = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:")


def is_sanitized(binary=BINARY):
    return b"__asan_init" in binary.read_bytes() or b"__tsan_init" in binary.read_bytes()


def file_route(name, path, **keys):
    """A route into files, everything from the beginning unless `keys` say otherwise. `fields` and
    `format` belong to the sink."""
    sink = {"type": "file", "path": str(path), "format": keys.pop("format", "ndjson")}
    if "fields" in keys:
        sink["fields"] = keys.pop("fields")
    return {"name": name, "start": "beginning", "batch": {"age": "100ms"}, **keys, "sink": sink}


def sink_events(program, route="all"):
    """What the route's sink counts of its own, by the word of each event."""
    name = f'tallyman_route_sink_events_total{{route="{route}",event="'
    return {
        key.removeprefix(name).removesuffix('"}'): count
        for key, count in program.metrics().items()
        if key.startswith(name)
    }


def loki_route(name, url, tenant, **keys):
    """A route to a Loki, as file_route; `keys` of the sink are given in `sink`."""
    sink = {"type": "loki", "url": url, "tenant": tenant, **keys.pop("sink", {})}
    return {"name": name, "start": "beginning", "batch": {"age": "100ms"}, **keys, "sink": sink}


class Tallyman:
    """One state directory and one configuration; at most one running daemon, which answers at a
    local socket of its own: many run at once, and there is one port.

    `identity` holds whose it is to be, in the words of subprocess (user, group, extra_groups); such
    a user may need a copy of the program where it can be reached: `binary`."""

    def __init__(self, directory, root, routes, host="none", pins=None, *, identity=None,
                 binary=BINARY, **keys):  # fmt: skip
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.state = self.directory / "state"
        self.root = Path(root)
        self.pins = Path(pins or self.root / "tallyman-pins")
        self.admin_socket = self.directory / "admin"
        fits = len(str(self.admin_socket)) <= _SOCKET_PATH_MAX
        self.configuration = {
            "docker": {"root": str(root), "host": host},
            "state": str(self.state),
            "pins": str(self.pins),
            "admin": {"listen": f"unix:{self.admin_socket}" if fits else "none"},
            **keys,
            "routes": routes,
        }
        self.process = None
        self.identity = identity or {}
        self.binary = binary
        self.log_path = self.directory / "log"
        self.configure()

    @property
    def config_path(self):
        return self.directory / "tallyman.yaml"

    def configure(self):
        """Writes the configuration. JSON in flow style is YAML."""
        text = json.dumps(self.configuration, indent=1)
        self.config_path.write_text(text + "\n", encoding="utf-8")

    def environment(self, extra=None):
        environment = dict(os.environ)
        environment.pop("DOCKER_HOST", None)
        environment.setdefault("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        environment.update(extra or {})
        return environment

    def start(self, *arguments, environment=None):
        """`tallyman run` in the background; its log is appended to `log_path`."""
        assert self.process is None, "it runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "run", "-c", self.config_path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(environment),
                **self.identity,
            )
        return self

    @property
    def pid(self):
        return self.process.pid

    def wait(self, timeout_s=30.0):
        """Waits for its end; returns the exit status."""
        process, self.process = self.process, None
        try:
            status = process.wait(timeout_s * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"did not end in {timeout_s} s\n{self.log_tail()}") from None
        self.assert_no_findings()
        return status

    def stop(self, timeout_s=30.0, expected=0):
        """SIGTERM; ends with 0, or 1 where something stays undelivered."""
        self.process.send_signal(signal.SIGTERM)
        status = self.wait(timeout_s)
        assert status == expected, f"exit {status}\n{self.log_tail()}"

    def kill(self):
        """kill -9; tells whether it had lived until then."""
        lived = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        self.process = None
        return lived

    def close(self):
        """For the end of a test, however it ends."""
        if self.process is not None:
            self.kill()

    def run(self, verb, *arguments, timeout_s=60.0, environment=None, check=0):
        """One verb with this configuration, to its end."""
        done = subprocess.run(
            [self.binary, verb, "-c", self.config_path, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s * PATIENCE,
            env=self.environment(environment),
            check=False,
            **self.identity,
        )
        told = done.stderr.decode(errors="replace")
        assert not _FINDINGS.search(told), told
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}: {told[-3000:]}"
        done.stderr = told
        return done

    def once(self, *arguments, check=0, environment=None):
        """`run --once`: reads all there is, delivers it and ends."""
        return self.run("run", "--once", *arguments, check=check, environment=environment)

    def cat(self, *arguments):
        return self.run("cat", *arguments).stdout

    def ls(self):
        return json.loads(self.run("ls", "--json").stdout)

    def ask(self, target, method="GET", **keys):
        """(status, headers, body) of what the running daemon answers."""
        return ask(self.admin_socket, target, method, **keys)

    def status(self):
        code, _, body = self.ask("/api/v1/status")
        assert code == 200, body
        return json.loads(body)

    def metrics(self):
        """By series, as they are written: `{'tallyman_route_up{route="a"}': 1.0}`."""
        code, _, body = self.ask("/metrics")
        assert code == 200, body
        lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
        return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}

    def is_ready(self):
        """False while there is nobody to ask, too."""
        try:
            return self.ask("/-/ready")[0] == 200
        except OSError:
            return False

    def wait_until_ready(self, timeout_s=20.0):
        self.wait_until(self.is_ready, "it is ready", timeout_s)

    def log(self):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def log_tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def assert_no_findings(self):
        assert not _FINDINGS.search(self.log()), self.log_tail(80)

    def wait_for_log(self, text, timeout_s=20.0):
        wait_for(
            lambda: text in self.log(),
            lambda: f"log says {text!r}\n{self.log_tail()}",
            timeout_s,
        )

    def wait_until(self, condition, what, timeout_s=20.0):
        """As wait_for, and fails at once if the daemon ends."""

        def told():
            return f"{what() if callable(what) else what}\n{self.log_tail()}"

        def holds():
            answer = condition()
            if not answer and self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"it ended, waiting for: {told()}")
            return answer

        wait_for(holds, told, timeout_s)


def entries(path):
    """The entries of an NDJSON output; none if it is not there. A torn last line is left out."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]


def pairs(path):
    """(stream, message) of each entry."""
    return [(entry["stream"], entry["message"]) for entry in entries(path)]


def count_lines(path):
    try:
        return Path(path).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0
