# SPDX-License-Identifier: Apache-2.0
"""A journal of our own: systemd-journald in the namespaces of a private Engine, or its own.

Its files lie below one directory, where a reader outside the namespaces opens them; the machine's
own journal is left alone. What it needs below /run is hidden behind empty file systems of that
namespace.

    with PrivateEngine() as engine, PrivateJournal(engine) as journal:
        engine.docker("run", "--log-driver", "journald", …)
        reader.open(journal.directory)

Needs root and systemd's journald.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from support.processes import only_child
from support.wait import wait_for

PROGRAM = "/lib/systemd/systemd-journald"
SOCKET = "/run/systemd/journal/socket"
STOP_SECONDS_MAX = 20

# Everything is written at once into one directory, as fast as it comes, and read by anybody.
CONFIGURATION = """[Journal]
Storage=volatile
RateLimitIntervalSec=0
ReadKMsg=no
Audit=no
ForwardToWall=no
"""

SETUP = r"""
set -eu
for hidden in /run/systemd /run/log; do
    mkdir -p "$hidden"
    mount -t tmpfs tmpfs "$hidden"
done
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal
cp "$1/journald.conf" /run/systemd/journald.conf.d/
mount --bind "$1/journal" /run/log/journal
"""


class PrivateJournal:
    """`start` and `stop` may be called again: the files stay until the end."""

    def __init__(self, engine=None):
        self._engine = engine
        self._namespace = None  # without an Engine: Popen of unshare
        self._process = None
        self.root = None
        self.socket = None  # as seen from outside

    def __enter__(self):
        own = self._engine is None
        self.root = Path(tempfile.mkdtemp(prefix="tallyman-")) if own else self._engine.root
        self.directory.mkdir()
        (self.root / "journald.conf").write_text(CONFIGURATION)
        try:
            if not self._engine:
                self._enter_namespace()
            subprocess.run(
                self._inside() + ["sh", "-c", SETUP, "sh", str(self.root)], check=True
            )
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        if self._namespace:
            self._namespace.stdin.close()
            self._namespace.wait(STOP_SECONDS_MAX)
        if not self._engine:
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def directory(self):
        return self.root / "journal"

    def start(self):
        self._process = subprocess.Popen(
            self._inside() + [PROGRAM], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.socket = Path(f"/proc/{self._journald()}/root{SOCKET}")
        wait_for(self._answers, "the private journal does not start")

    def stop(self, signal_number=signal.SIGTERM):
        if self._process and self._process.poll() is None:
            os.kill(self._journald(), signal_number)
            self._process.wait(STOP_SECONDS_MAX)
        self._process = None

    def send(self, fields):
        """One entry by the native protocol: (name, value) pairs, a value is text or bytes."""
        data = b""
        for name, value in fields:
            value = value if isinstance(value, bytes) else str(value).encode()
            data += name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(self.socket))
            sender.sendall(data)

    def rotate(self):
        """Begins a new file; the old one may be vacuumed then."""
        subprocess.run(self._inside() + ["journalctl", "--rotate"], check=True)

    def vacuum(self):
        """Removes all files but the one that is written. One that was just rotated is passed over
        as long as the journal has not closed it."""
        wait_for(self._vacuum_once, "the rotated files are removed")

    def _vacuum_once(self):
        self.journalctl("--vacuum-size=1", "--quiet")
        return not any(self.directory.glob("*/*@*.journal"))

    def forget(self):
        """Removes all files, while it does not run."""
        for path in self.directory.iterdir():
            shutil.rmtree(path)

    def journalctl(self, *arguments):
        done = subprocess.run(
            ["journalctl", f"--directory={self.directory}", *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    # Inner workings

    def _inside(self):
        if self._engine:
            return self._engine.inside("--pid")
        return ["nsenter", f"--target={self._init_pid()}", "--mount", "--pid"]

    def _init_pid(self):
        return only_child(self._namespace.pid)

    def _journald(self):
        return wait_for(lambda: only_child(self._process.pid), "nsenter does not start journald")

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError("journald has ended")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
                probe.connect(str(self.socket))
            return True
        except OSError:
            return False

    def _enter_namespace(self):
        self._namespace = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(self._init_pid, "no namespaces for a private journal")
