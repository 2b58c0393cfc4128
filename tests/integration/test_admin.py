# SPDX-License-Identifier: Apache-2.0
"""The admin server: what it answers, its limits, and that its numbers are true (R9, R10, S103)."""

import http.client
import re
import select
import shutil
import socket
import time
from contextlib import suppress

import pytest

from support import census
from support.docker_root import Container, record
from support.http_unix import UnixConnection
from support.ports import free_ports
from support.tallyman import count_lines, file_route
from support.wait import wait_for

CONNECTIONS_MAX = 16
IDLE_S_MAX = 10
REQUEST_S_MAX = 15
HEADERS_BYTES_MAX = 16 * 1024

PAGES = {
    "/metrics": "text/plain; version=0.0.4; charset=utf-8",
    "/-/healthy": "text/plain; charset=utf-8",
    "/health": "text/plain; charset=utf-8",
    "/healthz": "text/plain; charset=utf-8",
    "/-/ready": "text/plain; charset=utf-8",
    "/readyz": "text/plain; charset=utf-8",
    "/api/v1/status": "application/json",
}


@pytest.fixture
def program(root, tallyman, out):
    """One that is ready, and ends in order."""
    started = tallyman(root, [file_route("all", out / "all.ndjson")]).start()
    started.wait_until_ready()
    yield started
    if started.process:
        started.stop()


def ask_port(port, target):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def wait_until_counted(program, count):
    """For the commit that vouches for so many lines."""
    series = 'tallyman_route_lines_total{route="all",outcome="delivered"}'
    program.wait_until(lambda: program.metrics()[series] == count, f"{count} lines counted")


def delivered(program, path, count):
    wait_until_counted(program, count)
    assert count_lines(path) == count


def moved(before, after):
    """The counters that moved, by how much."""
    return {
        series: after[series] - value
        for series, value in before.items()
        if series.split("{")[0].endswith("_total") and after[series] != value
    }


def test_each_page_is_served(program):
    for path, content_type in PAGES.items():
        code, headers, body = program.ask(path)
        assert (code, headers["Content-Type"]) == (200, content_type), path
        assert body, path
        code, headers, nothing = program.ask(path, "HEAD")
        assert (code, nothing) == (200, b""), path
        assert int(headers["Content-Length"]) > 0, path
        assert program.ask(path + "?x=1")[0] == 200, path

        code, headers, _ = program.ask(path, "POST", body="x" * 100)
        assert (code, headers["Allow"]) == (405, "GET, HEAD"), path
    for path in ("/", "/metrics/", "/api", "/-/reload", "//", "/%2e%2e/metrics"):
        code, _, body = program.ask(path)
        assert code == 404, path
        assert b"/metrics\n" in body, "it says what there is"


def test_the_metrics_are_prometheus_text(program):
    """R10: each family has HELP and TYPE before its samples, and is in the reference."""
    text = program.ask("/metrics")[2].decode()
    assert text.endswith("\n")
    family = None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == family
            assert line.split(" ")[3] in ("counter", "gauge")
        else:
            assert re.fullmatch(rf'{family}(\{{(\w+="[^"]*",?)+\}})? -?[0-9.]+', line), line


def test_a_connection_is_kept(program):
    connection = UnixConnection(program.admin_socket)
    for _ in range(3):
        connection.request("GET", "/-/healthy")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"healthy\n")
        assert connection.sock is not None, "it is not asked to connect again"
    connection.close()


def test_listening_at_a_port_and_nowhere(root, tallyman, out):
    """D77: by the address that the configuration names; `none`: neither thread nor socket."""
    (port,) = free_ports(1)
    at_port = tallyman(
        root, [file_route("all", out / "a")], admin={"listen": f"127.0.0.1:{port}"}
    ).start()
    at_port.wait_for_log("event=admin.listening")
    assert ask_port(port, "/-/healthy") == 200

    routes = [file_route("all", out / "b")]
    nowhere = tallyman(root, routes, "nowhere", admin={"listen": "none"}, pins=out / "pins").start()
    nowhere.wait_for_log("event=agent.started")
    assert "admin" not in census.threads(nowhere.pid)
    assert census.descriptors(nowhere.pid)["eventpoll"] == 0


def test_a_local_socket_comes_and_goes(program):
    """Mode 0660; one that a kill left behind is replaced; an orderly end removes it."""
    assert program.admin_socket.stat().st_mode & 0o7777 == 0o660
    program.kill()
    assert program.admin_socket.exists()
    program.start()
    program.wait_until_ready()
    program.stop()
    assert not program.admin_socket.exists()


def test_a_port_in_use_costs_the_server_only(root, container, tallyman, out):
    """Logs matter more: they go on, the trouble is told, and it listens once it can."""
    made = container("web")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        program = tallyman(
            root, [file_route("all", out / "all")], admin={"listen": f"127.0.0.1:{port}"}
        ).start()
        program.wait_for_log("event=admin.listen ")
        made.write_lines("web", 10)
        program.wait_until(lambda: count_lines(out / "all") == 10, "10 lines")
        assert program.log().count("event=admin.listen ") == 1
        assert "Address already in use" in program.log()
    program.wait_for_log("event=health.healed")
    assert ask_port(port, "/-/ready") == 200
    program.stop()


def test_limits(program):
    """Of connections: the next one waits. Of headers: refused. Of time: an idle one is closed, and
    one that drips, too."""
    code = program.ask("/metrics", headers={"X": "x" * HEADERS_BYTES_MAX})[0]
    assert code == 431

    idle = [connect(program) for _ in range(CONNECTIONS_MAX)]
    program_has = 'tallyman_descriptors{kind="admin"}'
    last = connect(program)
    last.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert not select.select([last], [], [], 0.3)[0], "it has to wait"
    idle.pop().close()
    answer = b""
    while part := last.recv(65536):
        answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert f"{program_has} {CONNECTIONS_MAX + 1}\n" in answer.decode(), "with the listening one"

    dripping = connect(program)
    dripping.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
    lived_s = until_closed([*idle, dripping], dripping)
    assert min(lived_s) > IDLE_S_MAX / 2
    assert REQUEST_S_MAX - 1 < lived_s[-1] < REQUEST_S_MAX + 5
    program.wait_until(lambda: program.metrics()[program_has] == 2, "all are closed")


def until_closed(connections, dripping):
    """How long each lives, without an answer, while a byte of one is sent every second."""
    began = time.monotonic()
    lived_s = {}
    while open_ones := [one for one in connections if one not in lived_s]:
        assert time.monotonic() - began < 2 * REQUEST_S_MAX, "they are closed"
        for one in select.select(open_ones, [], [], 1)[0]:
            assert b"200" not in one.recv(1000), "it may say that it waited too long"
            lived_s[one] = time.monotonic() - began
            one.close()
        if dripping not in lived_s:
            with suppress(BrokenPipeError):
                dripping.send(b"x")
    return [lived_s[one] for one in connections]


def connect(program):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(20)
    one.connect(str(program.admin_socket))
    return one


def test_ready_once_containers_have_been_looked_for(root, tallyman, out):
    """R9: alive from the beginning, ready later."""
    (root / "containers").rmdir()
    program = tallyman(root, [file_route("all", out / "all.ndjson")]).start()
    program.wait_for_log("event=agent.started")
    code, _, body = program.ask("/-/ready")
    assert (code, body[:9]) == (503, b"not ready")
    assert program.ask("/readyz")[0] == 503
    assert program.ask("/-/healthy")[0] == 200
    assert program.status()["ready"] is False
    assert program.metrics()["tallyman_ready"] == 0

    (root / "containers").mkdir()
    program.wait_until_ready()
    assert program.status()["ready"] is True
    assert program.metrics()["tallyman_ready"] == 1
    program.stop()


def test_degraded_while_a_sink_fails(root, container, tallyman, out):
    """R9, R10: named with its reason and since when; alive and ready all the while; then healed."""
    made = container("web")
    (out / "logs").write_text("in the way", encoding="utf-8")
    program = tallyman(root, [file_route("all", out / "logs" / "all.ndjson")]).start()
    program.wait_until_ready()
    assert program.status()["degraded"] == []
    made.write_lines("web", 10)
    program.wait_until(lambda: program.status()["degraded"], "degraded")

    status = program.status()
    (trouble,) = status["degraded"]
    assert (trouble["code"], trouble["subject"]) == ("route.waiting", "all")
    assert str(out / "logs") in trouble["reason"]
    (route,) = status["routes"]
    assert (route["state"], route["since"]) == ("waiting", trouble["since"])
    assert (status["ready"], status["healthy"]) == (True, True)
    metrics = program.metrics()
    assert metrics['tallyman_degraded{code="route.waiting"}'] == 1
    assert metrics['tallyman_route_up{route="all"}'] == 0
    failures = metrics['tallyman_route_failures_total{route="all"}']
    assert failures >= 1
    assert metrics['tallyman_route_read_lines_total{route="all"}'] == 0, "nothing is vouched for"
    program.wait_until(
        lambda: program.metrics()['tallyman_route_failures_total{route="all"}'] > failures, "again"
    )
    assert program.status()["degraded"] == [trouble], "it lasts since the first failure"

    (out / "logs").unlink()
    program.wait_until(lambda: not program.status()["degraded"], "healed")
    delivered(program, out / "logs" / "all.ndjson", 10)
    assert program.metrics()['tallyman_route_up{route="all"}'] == 1
    assert not any(series.startswith("tallyman_degraded") for series in program.metrics())
    program.stop()


def test_counters_of_a_route_move_by_exact_amounts(root, container, program, out):
    """R10."""
    made = container("web")
    made.write_lines("first", 5)
    delivered(program, out / "all.ndjson", 5)
    before = program.metrics()
    size = made.log.stat().st_size
    made.write_lines("lines", 7)
    made.write("x" * 40000)  # three records of one line
    made.append(b"no record\n" + b"\0" * 100 + b"\n" + record("after\n", "stdout", made.tick_ns()))
    delivered(program, out / "all.ndjson", 5 + 7 + 1 + 1)
    change = moved(before, program.metrics())

    def of(name, labels=""):
        return change.pop(f'tallyman_route_{name}{{route="all"{labels}}}')

    assert of("read_lines_total") == of("lines_total", ',outcome="delivered"') == 9
    assert of("read_records_total") == 7 + 3 + 1
    assert of("read_bytes_total") == made.log.stat().st_size - size
    assert of("gaps_total", ',reason="malformed"') == 1
    assert of("gap_bytes_total", ',reason="malformed"') == len(b"no record\n")
    assert of("gaps_total", ',reason="nul"') == 1
    assert of("gap_bytes_total", ',reason="nul"') in (100, 101)
    assert of("commits_total") >= 1
    assert not [series for series in change if "_route_" in series], "nothing else of it"
    (route,) = program.status()["routes"]
    assert route["gaps"]["reasons"] == {"malformed": 1, "nul": 1}


def test_counters_of_answers_move_by_exact_amounts(program):
    """R10: an answer is counted before it is written, so the second one shows itself."""
    before = program.metrics()
    for _ in range(3):
        program.ask("/nowhere")
    program.ask("/metrics", "DELETE")
    program.ask("/-/healthy")
    change = moved(before, program.metrics())
    answers = 'tallyman_admin_answers_total{status="'
    assert change[f'{answers}200"}}'] == 2
    assert change[f'{answers}404"}}'] == 3
    assert change[f'{answers}405"}}'] == 1
    assert f'{answers}503"}}' not in change
    assert change['tallyman_descriptors_opened_total{kind="admin"}'] == 6
    assert change['tallyman_descriptors_closed_total{kind="admin"}'] == 6


def resources(program):
    return program.status()["resources"]


def test_the_equation_holds_through_a_churn(root, program, out):
    """S103: 50 short containers, rotations, an output that goes: the census is the equation at
    every look, and the end is as the beginning."""
    first = Container(root, "stays")
    first.write_lines("stays", 5)
    delivered(program, out / "all.ndjson", 5)
    began = resources(program)
    before = program.metrics()
    assert began["difference"] == 0, began

    count = 5
    for number in range(50):
        one = Container(root, f"short-{number}")
        count += len(one.write_lines("short", 3))
        if number % 10 == 0:
            one.rotate()
            count += len(one.write_lines("rotated", 3))
            wait_until_counted(program, count)
            (out / "all.ndjson").rename(out / f"all.{number}")
        assert resources(program)["difference"] == 0, resources(program)
    wait_until_counted(program, count)
    full = resources(program)
    assert full["difference"] == 0, full
    assert full["descriptors"]["counted"]["segment"] == 51, full
    for directory in (root / "containers").iterdir():
        if directory.name != first.id:
            shutil.rmtree(directory)

    def is_at_rest():
        """A file that is gone may be opened once more: both have to say that all is over."""
        change = moved(before, program.metrics())
        now = resources(program)
        at_rest = now["difference"] == 0 and now["descriptors"] == began["descriptors"]
        opened = change.get('tallyman_descriptors_opened_total{kind="segment"}')
        closed = change.get('tallyman_descriptors_closed_total{kind="segment"}')
        return at_rest and opened == closed

    program.wait_until(is_at_rest, lambda: f"{resources(program)}\nlike\n{began}")
    assert resources(program)["threads"] == began["threads"]
    change = moved(before, program.metrics())
    assert change['tallyman_descriptors_opened_total{kind="segment"}'] >= 50
    assert change['tallyman_descriptors_opened_total{kind="output"}'] == 5
    assert change['tallyman_descriptors_closed_total{kind="output"}'] == 5


def test_the_census_is_what_is_seen_from_outside(program):
    """Its classes are those of support/census.py, and their counts too. The two cannot look at one
    instant, between them something may be opened or ended."""

    def told():
        status = resources(program)
        counts = {name: count for name, count in status["descriptors"]["census"].items() if count}
        counts["socket"] -= 1  # the connection that asked
        return counts, sum(status["threads"]["census"].values())

    def seen():
        return dict(census.descriptors(program.pid)), len(census.threads(program.pid))

    wait_for(lambda: told() == seen(), lambda: f"agreement: {told()} told, {seen()} seen")


def test_memory_is_the_kernel_s(program):
    told = resources(program)["memory_bytes"]["anonymous"]
    with open(f"/proc/{program.pid}/status", encoding="ascii") as status:
        (seen,) = [int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")]
    assert abs(told - seen) < 1024 * 1024
    metrics = program.metrics()
    assert metrics['tallyman_memory_bytes{kind="anonymous"}'] > 0
    assert metrics["process_resident_memory_bytes"] < metrics["process_virtual_memory_bytes"]
    assert time.time() - metrics["process_start_time_seconds"] < 3600


def test_the_engine_is_counted(engine, docker, tallyman, out):
    """R10, S103: up or not, its connections, and a container of each kind."""
    program = tallyman(engine.data_root, [file_route("all", out / "all.ndjson")], host=engine.host)
    program.start()
    program.wait_until(
        lambda: program.is_ready() and program.status()["engine"]["up"], "the Engine answers"
    )
    docker("run", "-d", "--name", "one", "busybox", "echo", "hello")
    docker("run", "-d", "--name", "none", "--log-driver", "none", "busybox", "true")
    delivered(program, out / "all.ndjson", 1)
    status = program.status()
    assert status["engine"]["api_version"]
    kinds = status["containers"]["kinds"]
    assert (kinds["json-file"], kinds["none"]) == (1, 1), status["containers"]
    assert status["resources"]["descriptors"]["counted"]["engine"] >= 1
    assert status["resources"]["difference"] == 0, status["resources"]
    assert program.metrics()["tallyman_engine_up"] == 1
    program.stop()
