# SPDX-License-Identifier: Apache-2.0
"""Sinks behind a proxy, with real ones: tinyproxy for HTTP and CONNECT, microsocks for SOCKS5.

R1: what the proxy does costs no line. R13: what is wrong is said with the proxy's name.
"""

import base64
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.ledger_book import assert_conservation, letters
from support.private_proxy import PROGRAMS, USER, PrivateProxy
from support.stand_in_http import StandInHttp, make_certificate
from test_http import http_route, messages, route_status, wait_until_waiting

LINES = 30
PASSWORD = "s3cret-of-the-proxy"
ADVICE = "check proxy_username and proxy_password"
NAME = "behind.test"  # nobody but the proxy knows where that is


@pytest.fixture
def start_proxy(tmp_path):
    """start_proxy(scheme, …): proxies that are gone when the test ends."""
    for program in PROGRAMS.values():
        if not shutil.which(program):
            pytest.skip(f"no {program} (tools/install-packages check)")
    with ExitStack() as stack:
        yield lambda scheme, **keys: stack.enter_context(
            PrivateProxy(tmp_path / f"proxy-{scheme}", scheme, [NAME], **keys)
        )


@pytest.fixture
def servers(tmp_path):
    """(plain, with TLS), and what signs the latter."""
    certificate = make_certificate(tmp_path, NAME)
    plain, tls = StandInHttp(), StandInHttp(certificate=certificate)
    yield plain, tls, str(certificate[0])
    plain.close()
    tls.close()


def delivered(program):
    return route_status(program)["lines"]["delivered"]


def test_through_proxies(root, container, tallyman, servers, start_proxy):
    """R1, S1: plain and with TLS, through either kind; the proxy looks the name up, whatever the
    environment says of proxies."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    plain, tls, ca = servers
    proxies = {scheme: start_proxy(scheme) for scheme in PROGRAMS}
    ways = {f"{scheme}-{kind}": (proxies[scheme], server)
            for scheme in proxies for kind, server in (("plain", plain), ("tls", tls))}  # fmt: skip
    routes = [
        http_route(server.url(f"/{name}", NAME), name, proxy=proxy.url, tls_ca=ca)
        for name, (proxy, server) in ways.items()
    ]
    environment = {"NO_PROXY": "*", "no_proxy": "*", "http_proxy": "http://127.0.0.1:1"}
    program = tallyman(root, routes).start(environment=environment)
    program.wait_until(
        lambda: all(server.accepted(f"/{name}") for name, (_, server) in ways.items()),
        "all arrived",
    )
    resources = program.status()["resources"]
    assert resources["difference"] == 0, resources
    assert resources["threads"]["census"]["library"] == 0
    program.stop()
    for name, (proxy, server) in ways.items():
        assert messages(server.accepted(f"/{name}")) == expected
        assert f"{NAME}:{server.port}" in proxy.log(), proxy.log()
        assert_conservation(program.state, name)


def test_a_proxy_of_the_environment_is_none(root, container, tallyman, servers):
    """What is not configured is not used."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    nowhere = "http://127.0.0.1:1"
    environment = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), nowhere)
    program = tallyman(root, [http_route(servers[0].url())])
    program.once(environment=environment)
    assert messages(servers[0].accepted("/")) == expected


@pytest.mark.parametrize("scheme", PROGRAMS)
def test_a_proxy_that_goes_away(root, container, tallyman, servers, start_proxy, scheme):
    """R1, R13: without it all waits, and what is wrong is said of the proxy, not of the server."""
    made = container("web")
    lines = made.write_lines("before", LINES)
    tls = servers[1]
    proxy = start_proxy(scheme)
    route = http_route(tls.url(host=NAME), proxy=proxy.url, tls_ca=servers[2])
    program = tallyman(root, [route]).start()
    program.wait_until_ready()
    program.wait_until(lambda: delivered(program) == LINES, "the first lines are delivered")
    proxy.stop()
    lines += made.write_lines("after", LINES)
    wait_until_waiting(program, f"cannot connect to the proxy {proxy.url}/: Connection refused")
    assert tls.url(host=NAME) in route_status(program)["reason"]
    proxy.start()
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    program.stop()
    assert messages(tls.accepted("/")) == [message for _, message in lines]


@pytest.mark.parametrize("scheme, kind, words", [
    ("http", "plain", f"HTTP 407 (the proxy wants credentials: {ADVICE})"),
    ("http", "tls",
     f"the proxy {{}}/ did not connect us: CONNECT tunnel failed, response 407 ({ADVICE})"),
    ("socks5", "tls", "the proxy {}/ did not connect us: "),
])  # fmt: skip
def test_a_proxy_that_refuses(
    root, container, tallyman, servers, start_proxy, scheme, kind, words
):
    """R1, R13: it is waited for until somebody has put it right; no line is refused for it."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    server = servers[kind == "tls"]
    proxy = start_proxy(scheme, password="s3cret")
    route = http_route(server.url(host=NAME), proxy=proxy.url, tls_ca=servers[2])
    program = tallyman(root, [route]).start()
    wait_until_waiting(program, words.format(proxy.url))
    assert ADVICE in route_status(program)["reason"]
    proxy.stop()
    proxy.password = None
    proxy.start()
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    program.stop()
    assert messages(server.accepted("/")) == expected


def assert_no_secret_in(*texts):
    for text in texts:
        for secret in (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()):
            assert secret not in text, text


@pytest.mark.parametrize("scheme", PROGRAMS)
def test_credentials_for_the_proxy(root, container, tallyman, servers, start_proxy, scheme):
    """R13: what the proxy asks for is given to it alone, and shown nowhere."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    proxy = start_proxy(scheme, password=PASSWORD)
    keys = {
        "proxy": proxy.url,
        "proxy_username": USER,
        "proxy_password": "${T_PASSWORD}",
        "tls_ca": servers[2],
    }
    routes = [
        http_route(server.url(host=NAME), name, **keys)
        for name, server in zip(("plain", "tls"), servers, strict=False)
    ]
    environment = {"T_PASSWORD": PASSWORD}
    program = tallyman(root, routes, log={"level": "debug"})
    assert_no_secret_in(
        program.run("check", "--print", environment=environment).stdout.decode()
    )
    program.start(environment=environment)
    program.wait_until(lambda: all(server.accepted("/") for server in servers[:2]), "all arrived")
    command_line = Path(f"/proc/{program.pid}/cmdline").read_text(encoding="utf-8")
    assert_no_secret_in(str(program.status()), str(program.metrics()), command_line)
    program.stop()
    assert_no_secret_in(program.log())
    for server in servers[:2]:
        assert messages(server.accepted("/")) == expected
        for request in server.requests("/"):
            assert_no_secret_in(str(request.headers))


@pytest.mark.parametrize("scheme, kind, words", [
    ("http", "plain", "HTTP 401 "),  # so says tinyproxy in the server's place
    ("http", "tls", ADVICE),
    ("socks5", "tls", ADVICE),
])  # fmt: skip
def test_a_wrong_password_for_the_proxy(
    root, container, tallyman, servers, start_proxy, tmp_path, scheme, kind, words
):
    """R1, R13: it is waited for; a password that is put right in its file needs no restart."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    server = servers[kind == "tls"]
    proxy = start_proxy(scheme, password=PASSWORD)
    password = tmp_path / "password"
    password.write_text("wrong\n", encoding="utf-8")
    keys = {"proxy_username": USER, "proxy_password_file": str(password), "tls_ca": servers[2]}
    route = http_route(server.url(host=NAME), proxy=proxy.url, **keys)
    program = tallyman(root, [route]).start()
    wait_until_waiting(program, words)
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    program.stop()
    assert messages(server.accepted("/")) == expected
    assert letters(program.state, "web") == []
    assert_no_secret_in(program.log())


def test_a_server_behind_the_proxy_is_away(root, container, tallyman, servers, start_proxy):
    """R1: whatever the proxy answers in its place is no answer to the lines."""
    container("web").write_lines("line", LINES)
    proxies = {scheme: start_proxy(scheme) for scheme in PROGRAMS}
    routes = [
        http_route(f"{protocol}://{NAME}:1/", f"{scheme}-{protocol}", proxy=proxy.url)
        for scheme, proxy in proxies.items()
        for protocol in ("http", "https")
    ]
    program = tallyman(root, routes).start()
    program.wait_until_ready()
    program.wait_until(
        lambda: all(route["reason"] for route in program.status()["routes"]), "all routes wait"
    )
    for route in routes:
        reason = route_status(program, route["name"])["reason"]
        assert reason.startswith(route["sink"]["url"]), reason
        print(reason)
    assert program.status()["resources"]["difference"] == 0
    program.stop(expected=1)
    for route in routes:
        assert_conservation(program.state, route["name"])


def test_a_password_in_the_url(root, tallyman):
    """R13: there is no place for one, and it is not shown."""
    program = tallyman(root, [http_route("http://a/", proxy="http://me:s3cret@127.0.0.1:3128")])
    for words in (["check"], ["check", "--print"]):
        done = program.run(*words, check=2)
        assert "sink.proxy" in done.stderr
        assert "s3cret" not in done.stderr + done.stdout.decode()
