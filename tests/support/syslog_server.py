# SPDX-License-Identifier: Apache-2.0
"""A real syslog server, rsyslog, on the loopback of a private Engine's own network: what the log
driver `syslog` needs to start a container by tcp."""

import subprocess
from pathlib import Path

from support.wait import wait_for

PORT = 5514
ADDRESS = f"tcp://127.0.0.1:{PORT}"

_LISTENS = f"0100007F:{PORT:04X} 00000000:0000 0A"  # as /proc/net/tcp says it


class SyslogServer:
    """Runs from its making until `stop`; what it receives is in the file `log_path`."""

    def __init__(self, engine, directory):
        directory = Path(directory)
        self.log_path = directory / "syslog.log"
        configuration = directory / "rsyslog.conf"
        configuration.write_text(
            f'module(load="imtcp")\n'
            f'input(type="imtcp" address="127.0.0.1" port="{PORT}")\n'
            f'action(type="omfile" file="{self.log_path}")\n',
            encoding="utf-8",
        )
        self._process = subprocess.Popen(
            [*engine.inside(), "rsyslogd", "-n", "-f", configuration, "-i", directory / "pid"]
        )
        try:
            wait_for(self._listens, "the syslog server listens")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._process.kill()
        self._process.wait()

    def _listens(self):
        assert self._process.poll() is None, "the syslog server ended"
        return _LISTENS in Path(f"/proc/{self._process.pid}/net/tcp").read_text(encoding="ascii")
