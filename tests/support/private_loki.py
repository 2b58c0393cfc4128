# SPDX-License-Identifier: Apache-2.0
"""A Loki of our own: one process that keeps all in files, and what it has by LogQL.

    with PrivateLoki(max_line_size=1000) as loki:
        …{"type": "loki", "url": loki.url, "tenant": "tests"}…
        loki.lines('{container_name="web-1"}')

Keyword arguments are keys of Loki's `limits_config`. Those that say how much it takes are raised,
so that only what a test asks for is refused; and Loki adds nothing by itself to what it was sent.
Each tenant sees only what is its own, and may have limits of its own (`limit`), so that one Loki
serves many tests.
"""

import json
import time
from dataclasses import dataclass

from support.private_server import HOST, PrivateServer
from support.wait import wait_for

TENANT = "tests"
MESSAGE_BYTES_MAX = 256 << 20
PAGE_LINES = 50_000
QUERIED_NS = 30 * 86400 * 10**9  # before now: Loki asks an index of each day

LIMITS = {
    "allow_structured_metadata": True,
    "discover_service_name": [],
    "discover_log_levels": False,
    "ingestion_rate_strategy": "local",
    "ingestion_rate_mb": 1000,
    "ingestion_burst_size_mb": 1000,
    "per_stream_rate_limit": "1GB",
    "per_stream_rate_limit_burst": "1GB",
    "max_entries_limit_per_query": PAGE_LINES,
    "max_query_length": "0s",  # as long as one likes
    "split_queries_by_interval": "0s",  # not at all
    "split_instant_metric_queries_by_interval": "0s",
}


@dataclass(frozen=True)
class Line:
    """One line as LogQL gives it."""

    time_ns: int
    text: str
    labels: dict  # of its stream
    metadata: dict  # structured metadata


class PrivateLoki(PrivateServer):
    """`limits` may be changed between `stop` and `start`, those of a tenant at any time."""

    backend = "loki"

    def __init__(self, **limits):
        super().__init__(port_count=2)
        self.limits = limits
        self._tenants = {}
        self._write_overrides()

    def command(self, program):
        path = self.root / "loki.yaml"
        path.write_text(json.dumps(self._configuration(), indent=1))  # which is YAML
        return [program, f"-config.file={path}"]

    def is_ready(self):
        return self.ask("/ready")[0] == 200

    def limit(self, tenant, **limits):
        """What the tenant has in place of `limits`, from now on."""
        before = self._limits_in_force()
        if self._tenants.get(tenant) == limits:
            return
        self._tenants[tenant] = limits
        self._write_overrides()
        wait_for(lambda: self._limits_in_force() != before, "Loki has read the tenants' limits")

    def lines(self, selector, tenant=TENANT):
        """All lines of a selector, stream by stream, each in the order of time. Equal lines of one
        stream and nanosecond are one here."""
        streams = {}
        for line in self._pages(selector, tenant):
            streams.setdefault(tuple(sorted(line.labels.items())), []).append(line)
        return [line for _, lines in sorted(streams.items()) for line in lines]

    def count_over_time(self, selector, tenant=TENANT):
        """How many lines a metric query counts: equal ones of one nanosecond each for itself."""
        query = f"sum(count_over_time({selector}[{QUERIED_NS // 10**9}s]))"
        told = self._query("/loki/api/v1/query", tenant, query=query, time=time.time_ns())
        return sum(int(sample["value"][1]) for sample in told["result"])

    # Inner workings

    @property
    def _overrides(self):
        return self.root / "overrides.yaml"

    def _limits_in_force(self):
        """Their hash, as Loki tells it."""
        metrics = self.ask("/metrics")[1].decode().splitlines()
        return [line for line in metrics if line.startswith("loki_runtime_config_hash{")]

    def _write_overrides(self):
        new = self._overrides.with_suffix(".new")
        new.write_text(json.dumps({"overrides": self._tenants}))
        new.replace(self._overrides)

    def _pages(self, selector, tenant):
        """A page that is full may end amid the lines of one nanosecond: those come again."""
        since_ns = time.time_ns() - QUERIED_NS
        while True:
            page = self._page(selector, tenant, since_ns)
            if len(page) < PAGE_LINES:
                yield from page
                return
            last_ns = max(line.time_ns for line in page)
            assert last_ns > since_ns, f"more than {PAGE_LINES} lines of one nanosecond"
            yield from (line for line in page if line.time_ns < last_ns)
            since_ns = last_ns

    def _page(self, selector, tenant, since_ns):
        told = self._query("/loki/api/v1/query_range", tenant, query=selector, limit=PAGE_LINES,
                           direction="forward", start=since_ns,
                           end=time.time_ns() + 3600 * 10**9)  # fmt: skip
        return [
            Line(int(time_ns), text, stream["stream"], rest[0].get("structuredMetadata", {}))
            for stream in told["result"]
            for time_ns, text, *rest in stream["values"]
        ]

    def _query(self, path, tenant, **parameters):
        headers = {
            "X-Scope-OrgID": tenant,
            "X-Loki-Response-Encoding-Flags": "categorize-labels",
        }
        return self.ask_json(path, parameters, headers)["data"]

    def _configuration(self):
        http_port, grpc_port = self.ports
        return {
            "auth_enabled": True,  # there are tenants
            "server": {
                "http_listen_address": HOST,
                "http_listen_port": http_port,
                "grpc_listen_address": HOST,
                "grpc_listen_port": grpc_port,
                "grpc_server_max_recv_msg_size": MESSAGE_BYTES_MAX,
                "grpc_server_max_send_msg_size": MESSAGE_BYTES_MAX,
                "log_level": "warn",
            },
            "common": {
                "instance_addr": HOST,
                "path_prefix": str(self.root / "data"),
                "replication_factor": 1,
                "ring": {"kvstore": {"store": "inmemory"}},
                "storage": {
                    "filesystem": {
                        "chunks_directory": str(self.root / "data/chunks"),
                        "rules_directory": str(self.root / "data/rules"),
                    }
                },
            },
            "schema_config": {
                "configs": [
                    {
                        "from": "2020-01-01",
                        "store": "tsdb",
                        "object_store": "filesystem",
                        "schema": "v13",
                        "index": {"prefix": "index_", "period": "24h"},
                    }
                ]
            },
            "ingester": {
                "lifecycler": {"min_ready_duration": "0s"},  # it is alone: whom to wait for?
                "query_store_max_look_back_period": -1,  # old lines are in its memory, too
            },
            # Else its parts look for each other every 10 s.
            "frontend": {"scheduler_address": f"{HOST}:{grpc_port}"},
            "frontend_worker": {"scheduler_address": f"{HOST}:{grpc_port}"},
            "analytics": {"reporting_enabled": False},
            "limits_config": {**LIMITS, **self.limits},
            "runtime_config": {"file": str(self._overrides), "period": "100ms"},
        }
