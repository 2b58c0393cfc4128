# SPDX-License-Identifier: Apache-2.0
"""A VictoriaLogs of our own, and what it has by LogsQL.

    with PrivateVictoriaLogs() as victoria:
        …{"type": "loki", "url": victoria.url + "/insert/loki/api/v1/push"}…
        victoria.lines("*")

Arguments are more words of its command line.
"""

import json

from support.private_server import HOST, PrivateServer


class PrivateVictoriaLogs(PrivateServer):
    backend = "victoria-logs"

    def __init__(self, *words):
        super().__init__()
        self._words = words

    def command(self, program):
        return [program, f"-storageDataPath={self.root / 'data'}",
                f"-httpListenAddr={HOST}:{self.ports[0]}", "-retentionPeriod=100y",
                "-loggerLevel=WARN", *self._words]  # fmt: skip

    def is_ready(self):
        return self.ask("/health")[0] == 200

    def lines(self, query="*"):
        """All that a query finds, as it tells them: a dictionary of fields each, all of them text;
        `_time`, `_stream` and `_msg` among them. In no order."""
        status, body = self.ask("/internal/force_flush")  # else some are not found for a second
        assert status == 200, body
        status, body = self.ask("/select/logsql/query", {"query": query})
        assert status == 200, body
        return [json.loads(line) for line in body.splitlines()]
