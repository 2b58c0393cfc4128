# SPDX-License-Identifier: Apache-2.0
"""The sink `http` as it is configured: formats, compression, who we are, whom we believe."""

import contextlib
import json
import shutil
import socket
import subprocess
from functools import partial

import pytest
from support.ledger_book import assert_conservation, letters
from support.ports import free_ports
from support.stand_in_http import StandInHttp, endless_body, make_certificate, status
from support.tallyman import BINARY, entries, file_route

LINES = 30


@pytest.fixture
def serve():
    """serve(…): stand-ins that are gone when the test ends."""
    made = []

    def make(**keys):
        made.append(StandInHttp(**keys))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Pairs (certificate, key): of the server "localhost", of a client, of a stranger."""
    directory = tmp_path_factory.mktemp("certificates")
    names = ("localhost", "client", "stranger")
    return {name: make_certificate(directory, name) for name in names}


@pytest.fixture
def trusting(tmp_path):
    """trusting(certificate): the program, on a system that believes this one and no other."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount")

    def make(certificate):
        directory = tmp_path / "believed"
        directory.mkdir()
        for name in ("ca-certificates.crt", "only.pem"):
            shutil.copy(certificate, directory / name)
        subprocess.run(["openssl", "rehash", directory], check=True, capture_output=True)
        script = tmp_path / "trusting"
        script.write_text(
            "#!/bin/sh\n"
            f'exec unshare --mount sh -c \'mount --bind "{directory}" /etc/ssl/certs && '
            f'exec "{BINARY}" "$@"\' sh "$@"\n',
            encoding="utf-8",
        )
        script.chmod(0o755)
        return script

    return make


def http_route(url, name="web", **keys):
    sink = {"type": "http", "url": url, "timeout": "2s", **keys}
    return {"name": name, "start": "beginning", "batch": {"age": "50ms"}, "sink": sink}


def messages(requests):
    return [entry["message"] for request in requests for entry in request.entries()]


def route_status(program, name="web"):
    (found,) = [route for route in program.status()["routes"] if route["name"] == name]
    return found


def wait_until_waiting(program, words):
    program.wait_until_ready()
    program.wait_until(
        lambda: words in route_status(program)["reason"],
        lambda: f"waiting: {words} ({route_status(program)['reason']})",
    )


FORMATS = {"ndjson": "application/x-ndjson", "json": "application/json",
           "text": "text/plain; charset=utf-8"}  # fmt: skip


def test_formats(root, container, tallyman, out, serve):
    """R3: each format with each compression: the same lines as in a file."""
    made = container("web")
    made.write_lines("line", LINES)
    made.write('quo"te \\ täb\t', stream="stderr")
    server = serve()
    ways = [(form, way) for form in FORMATS for way in ("none", "gzip", "zstd")]
    routes = [
        http_route(server.url(f"/{form}-{way}"), f"{form}-{way}", format=form, compression=way)
        for form, way in ways
    ]
    program = tallyman(root, [file_route("file", out / "all.ndjson"), *routes])
    program.once()
    expected = entries(out / "all.ndjson")
    assert len(expected) == LINES + 1
    for form, way in ways:
        (request,) = server.requests(f"/{form}-{way}")
        assert request.headers["content-type"] == FORMATS[form]
        assert request.headers.get("content-encoding", "none") == way
        assert (request.size == len(request.body)) == (way == "none")
        if form == "ndjson":
            assert request.entries() == expected
        elif form == "json":
            assert json.loads(request.body) == expected
        else:
            assert request.lines() == [entry["message"] for entry in expected]
        assert_conservation(program.state, f"{form}-{way}")


BODIES = [("http", "ndjson"), ("http", "json"), ("http", "text"),
          ("loki", "protobuf"), ("loki", "json")]  # fmt: skip
SNAPPY_HEAD_BYTES = 10  # of a body that is only stored


@pytest.mark.parametrize(("kind", "form"), BODIES)
def test_batch_bytes_bounds_the_body(root, container, tallyman, serve, kind, form):
    """R6: short lines of many labels: what is counted is what is sent. A line that is larger goes
    alone."""
    for n in range(3):
        labels = {f"label{i}": f'{n} "{"v" * 30}"' for i in range(20)}
        web = container(f"web-{n}", labels=labels)
        web.write_lines("line", 500)
        web.write("x" * 100_000)
        web.write_lines("more", 500)
    server = serve()
    route = http_route(server.url("/x"), type=kind, format=form, compression="none")
    route["batch"]["bytes"] = "64KiB"
    program = tallyman(root, [route])
    program.once()
    bodies = [request.body for request in server.requests("/x")]
    large = [body for body in bodies if len(body) > 65536 + SNAPPY_HEAD_BYTES]
    assert len(large) == 3 and all(body.count(b"x" * 100_000) == 1 for body in large)
    assert all(body.count(b"line ") + body.count(b"more ") == 0 for body in large)
    assert sum(map(len, bodies)) / len(bodies) > 32768
    assert_conservation(program.state, "web")


def test_what_a_request_says(root, container, tallyman, serve):
    """R3: method, type, headers, fields, and the query of the URL, which may hold a key."""
    container("web").write_lines("line", LINES)
    server = serve()
    program = tallyman(
        root,
        [
            http_route(
                server.url("/x?key=s3cret&_msg_field=message"),
                method="PUT",
                content_type="application/stream+json",
                headers={"X-Where": "${WHERE}"},
                fields=["message", "container_name"],
            )
        ],
    )
    done = program.once(environment={"WHERE": "here"})
    (request,) = server.requests("/x")
    assert request.method == "PUT"
    assert request.target == "/x?key=s3cret&_msg_field=message"
    assert request.headers["content-type"] == "application/stream+json"
    assert request.headers["x-where"] == "here"
    assert request.headers["user-agent"].startswith("tallyman/")
    assert "expect" not in request.headers
    assert request.entries()[0] == {"message": "line 000000", "container_name": "web"}
    assert "s3cret" not in done.stderr


def test_secrets_stay_secret(root, container, tallyman, serve, tmp_path):
    """R13: neither the log, nor the command line, nor what `check --print` shows has them."""
    container("web").write_lines("line", LINES)
    (tmp_path / "password").write_text("pass-of-file\n", encoding="utf-8")
    server = serve()
    for name in ("basic", "file", "bearer", "header"):
        server.tell(f"/{name}", status(401, body=b"who are you?"))
    secrets = ("pass-of-key", "pass-of-file", "token-of-key", "key-of-header")
    environment = {"TOKEN": "token-of-key"}
    routes = [
        http_route(server.url("/basic"), "basic", username="me", password="pass-of-key"),
        http_route(
            server.url("/file"), "file", username="me", password_file=str(tmp_path / "password")
        ),
        http_route(server.url("/bearer"), "bearer", token="${TOKEN}"),
        http_route(server.url("/header"), "header", headers={"X-Api-Key": "key-of-header"}),
    ]
    program = tallyman(root, routes, log={"level": "debug"}).start(environment=environment)
    paths = [f"/{route['name']}" for route in routes]
    program.wait_until(lambda: all(server.accepted(path) for path in paths), "all arrived")
    command = open(f"/proc/{program.pid}/cmdline", encoding="utf-8").read()
    told = json.dumps(program.status())
    program.stop()
    printed = program.run("check", "--print", environment=environment)
    authorization = {path: server.accepted(path)[0].headers for path in paths}
    assert authorization["/basic"]["authorization"] == "Basic bWU6cGFzcy1vZi1rZXk="
    assert authorization["/file"]["authorization"] == "Basic bWU6cGFzcy1vZi1maWxl"
    assert authorization["/bearer"]["authorization"] == "Bearer token-of-key"
    assert authorization["/header"]["x-api-key"] == "key-of-header"
    assert "HTTP 401" in program.log()
    for text in (program.log(), command, told, printed.stdout.decode(), printed.stderr):
        assert not [secret for secret in (*secrets, "bWU6") if secret in text]


def test_a_renewed_token(root, container, tallyman, serve, tmp_path):
    """R1: a token that the server has come to refuse is read again from its file."""
    expected = container("web").write_lines("line", LINES)
    token = tmp_path / "token"
    token.write_text("old", encoding="utf-8")
    server = serve()
    server.refuse("/", lambda r: r.headers["authorization"] != "Bearer new", status(403))
    program = tallyman(root, [http_route(server.url(), token_file=str(token))]).start()
    wait_until_waiting(program, "HTTP 403")
    token.write_text("new\n", encoding="utf-8")
    program.wait_until(lambda: server.accepted("/"), "the new token was taken")
    assert messages(server.accepted("/")) == [message for _, message in expected]
    program.stop()


def test_a_wrong_configuration_is_mended(root, container, tallyman, serve):
    """R1, R13: a wrong path, a wrong password: health says so, and no line is refused for it."""
    expected = [message for _, message in container("web").write_lines("line", LINES)]
    server = serve()
    right = "Basic bWU6cmlnaHQ="  # me:right
    server.refuse("/wrong", lambda r: True, status(404))
    server.refuse("/right", lambda r: r.headers["authorization"] != right, status(401))
    path = http_route(server.url("/wrong"), "path", username="me", password="right")
    password = http_route(server.url("/right?of=password"), "password", username="me",
                          password="wrong")  # fmt: skip
    program = tallyman(root, [path, password]).start()
    program.wait_until_ready()
    wanted = {"path": "HTTP 404 (check the path of url)",
              "password": "HTTP 401 (check username and password"}  # fmt: skip
    for name, words in wanted.items():
        program.wait_until(partial(is_degraded, program, name, words), f"{name}: {words}")
    program.stop(expected=1)
    path["sink"]["url"] = server.url("/right?of=path")
    password["sink"]["password"] = "right"
    program.configure()
    program.once()
    for name in wanted:
        accepted = [r for r in server.accepted("/right") if r.target.endswith(name)]
        assert messages(accepted) == expected
        assert letters(program.state, name) == []
        assert_conservation(program.state, name)


def is_degraded(program, name, words):
    troubles = [f"{trouble['subject']} {trouble['reason']}" for trouble in
                program.status()["degraded"]]  # fmt: skip
    return any(name in text and words in text for text in troubles)


def test_tls(root, container, tallyman, serve, certificates):
    """A server that a CA of ours has signed is believed; it may ask who we are."""
    expected = container("web").write_lines("line", LINES)
    certificate, key = certificates["client"]
    server = serve(certificate=certificates["localhost"], client_ca=certificate)
    route = http_route(
        server.url(host="localhost"),
        tls_ca=str(certificates["localhost"][0]),
        tls_cert=str(certificate),
        tls_key=str(key),
    )
    program = tallyman(root, [route])
    program.once()
    assert messages(server.accepted("/")) == [message for _, message in expected]


def test_a_stranger_gets_nothing(root, container, tallyman, serve, certificates):
    """R1, R13: a wrong certificate is waited for, with its reason, until somebody puts it right."""
    expected = container("web").write_lines("line", LINES)
    server = serve(certificate=certificates["stranger"])
    route = http_route(server.url(host="localhost"), tls_ca=str(certificates["localhost"][0]))
    program = tallyman(root, [route]).start()
    wait_until_waiting(program, "TLS: ")
    assert "certificate" in route_status(program)["reason"]
    assert program.status()["resources"]["difference"] == 0
    program.stop(expected=1)
    assert not server.requests("/")

    route["sink"]["tls_ca"] = str(certificates["stranger"][0])
    program.configure()
    program.start()
    wait_until_waiting(program, "TLS: ")  # it is signed, but not of that name
    program.stop(expected=1)

    del route["sink"]["tls_ca"]
    route["sink"]["tls_verify"] = False
    program.configure()
    program.start()
    program.wait_until(lambda: server.accepted("/"), "it is believed")
    troubles = program.status()["degraded"]
    assert [t["code"] for t in troubles if "tls_verify" in t["reason"]] == ["sink.tls_unverified"]
    assert program.log().count("event=sink.tls_unverified") == 1
    program.stop()
    assert messages(server.accepted("/")) == [message for _, message in expected]


def test_whom_the_system_believes(root, container, tallyman, serve, certificates, trusting):
    """Without `tls_ca` those that the system believes; with it nobody else, whatever the system
    believes."""
    expected = container("web").write_lines("line", LINES)
    server = serve(certificate=certificates["localhost"])
    route = http_route(server.url(host="localhost"), tls_ca=str(certificates["stranger"][0]))
    program = tallyman(root, [route], binary=trusting(certificates["localhost"][0])).start()
    wait_until_waiting(program, "TLS: ")
    program.stop(expected=1)
    assert not server.requests("/")
    del route["sink"]["tls_ca"]
    program.configure()
    program.once()
    assert messages(server.accepted("/")) == [message for _, message in expected]


def test_renewed_certificates(root, container, tallyman, serve, tmp_path):
    """R1: who signs the server's certificate, and our own, are renewed in their files; the program
    goes on without a restart, and nobody else is believed meanwhile."""
    made = container("web")
    lines = made.write_lines("first", LINES)
    (port,) = free_ports(1)
    ours = [tmp_path / name for name in ("ca.pem", "ours.pem", "ours.key")]

    def renew(server, client):
        for path, new in zip(ours, (server[0], *client), strict=True):
            path.with_suffix(".new").write_bytes(new.read_bytes())
            path.with_suffix(".new").replace(path)

    pairs = []
    for generation in ("old", "new"):
        directory = tmp_path / generation
        directory.mkdir()
        pairs.append((make_certificate(directory), make_certificate(directory, "client")))
    (old_server, old_client), (new_server, new_client) = pairs
    renew(old_server, old_client)
    first = serve(certificate=old_server, client_ca=old_client[0], port=port)
    paths = dict(zip(("tls_ca", "tls_cert", "tls_key"), map(str, ours), strict=True))
    program = tallyman(root, [http_route(first.url(host="localhost"), **paths)]).start()
    program.wait_until_ready()
    program.wait_until(lambda: route_status(program)["lines"]["delivered"] == LINES, "delivered")

    first.close()
    second = serve(certificate=new_server, client_ca=new_client[0], port=port)
    lines += made.write_lines("second", LINES)
    wait_until_waiting(program, "TLS: ")
    renew(new_server, old_client)
    wait_until_waiting(program, "closed before the answer")  # it knows us no longer
    assert not second.requests("/")
    renew(new_server, new_client)
    program.wait_until(lambda: not route_status(program)["reason"], "it goes on")
    program.stop()
    told = messages(first.accepted("/")) + messages(second.accepted("/"))
    assert told == [message for _, message in lines]
    assert_conservation(program.state, "web")


@pytest.mark.parametrize(
    "url, words",
    [
        ("http://no_such_host.invalid/", "could not resolve no_such_host.invalid: "),
        ("http://127.0.0.1:1/", "cannot connect: Connection refused"),
    ],
)
def test_nobody_there(root, container, tallyman, serve, url, words):
    """R1, S1: what cannot be reached is waited for, without a thread or a socket too many."""
    expected = container("web").write_lines("line", LINES)
    server = serve()
    route = http_route(url, connect_timeout="1s")
    program = tallyman(root, [route]).start()
    wait_until_waiting(program, f"{url}: {words}")
    resources = program.status()["resources"]
    assert resources["difference"] == 0, resources
    assert resources["threads"]["census"]["library"] == 0
    program.stop(expected=1)
    route["sink"]["url"] = server.url(host="localhost")
    program.configure()
    program.once()
    assert messages(server.accepted("/")) == [message for _, message in expected]
    assert_conservation(program.state, "web")


def test_nobody_accepts(root, container, tallyman):
    """R1, R13: a host that swallows what is sent to it costs a connect_timeout, not a timeout."""
    container("web").write_lines("line", LINES)
    with socket.socket() as full, contextlib.ExitStack() as fillers:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # more than are queued; the kernel answers no further one
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        route = http_route(url, timeout="1h", connect_timeout="300ms")
        program = tallyman(root, [route]).start()
        wait_until_waiting(program, f"{url}: timed out: no connection within 300ms")
        assert program.status()["resources"]["difference"] == 0
        program.stop(expected=1)


def test_a_kept_connection_that_was_given_up(root, container, tallyman, serve):
    """R7: a large body meets it, and goes over a fresh one: that is no failure of the route."""
    made = container("web")
    lines = made.write_lines("first", 1)
    server = serve()
    route = http_route(server.url(), fields=["message"])
    route["batch"]["bytes"] = "16MiB"
    program = tallyman(root, [route]).start()
    program.wait_until_ready()
    program.wait_until(lambda: route_status(program)["lines"]["delivered"] == 1, "one came")
    server.drop("/")
    lines += made.write_lines("second", 6000, size=1000)
    program.wait_until(lambda: route_status(program)["lines"]["delivered"] == len(lines), "all")
    metrics = program.metrics()
    assert metrics['tallyman_route_failures_total{route="web"}'] == 0
    assert metrics['tallyman_route_requests_resent_total{route="web"}'] == 0
    program.stop()
    assert messages(server.accepted("/")) == [message for _, message in lines]
    assert max(request.size for request in server.requests("/")) > 1 << 20


def test_an_answer_without_end(root, container, tallyman, serve):
    """R7: its status has decided; nobody waits for the rest, and nothing is sent again."""
    lines = container("web").write_lines("line", LINES)
    server = serve()
    server.tell("/", endless_body())
    program = tallyman(root, [http_route(server.url(), timeout="1h")])
    program.once()
    (request,) = server.requests("/")
    assert messages([request]) == [message for _, message in lines]


def test_wrong_options(root, tallyman, certificates, tmp_path):
    """R13: what cannot work is said by `check`, with the name of the key."""
    nothing, empty = tmp_path / "nothing", tmp_path / "empty"
    empty.write_text("\n", encoding="utf-8")
    certificate, key = map(str, certificates["client"])
    other = str(certificates["stranger"][1])
    rows = [
        ({"username": "me"}, "username: needs password or password_file"),
        ({"password": "x"}, "password: needs username"),
        ({"token": "a", "token_file": str(empty)}, "token_file: there is a token as well"),
        ({"token_file": str(nothing)}, f"token_file: {nothing}: No such file"),
        ({"token_file": str(empty)}, f"token_file: {empty} is empty"),
        ({"headers": {"Content-Length": "1"}}, "headers: Content-Length follows from the body"),
        ({"headers": {"X-A": "${TWO_LINES}"}}, "TWO_LINES holds more than one line"),
        ({"tls_ca": str(nothing)}, f"tls_ca: {nothing}: No such file"),
        ({"tls_ca": str(empty)}, f"tls_ca: {empty}: no certificate in PEM form"),
        ({"tls_cert": certificate}, "tls_cert: a certificate needs its key"),
        ({"tls_cert": certificate, "tls_key": certificate}, "no private key"),
        ({"tls_cert": certificate, "tls_key": other}, f"tls_key: {other} is not the key of"),
        ({"fields": ["message"], "format": "text"}, "fields: "),
        ({"fields": ["massage"]}, 'did you mean "message"?'),
    ]
    program = tallyman(root, [http_route("http://localhost/")])
    program.run("check")
    for keys, words in rows:
        program.configuration["routes"] = [http_route("http://localhost/", **keys)]
        program.configure()
        environment = {"TWO_LINES": "a\nb"}
        assert words in program.run("check", check=2, environment=environment).stderr
    program.configuration["routes"] = [
        http_route("https://localhost/", tls_cert=certificate, tls_key=key)
    ]
    program.configure()
    program.run("check")


def test_a_long_wait_is_told(root, container, tallyman, serve):
    """R9: where the server asks for an hour, status and log say when the next try is due."""
    made = container("web")
    server = serve()
    server.tell("/", status(429, {"Retry-After": "3600"}))
    program = tallyman(root, [http_route(server.url())]).start()
    program.wait_until_ready()
    assert route_status(program)["next_try_seconds"] is None
    made.write_lines("line", 1)
    wait_until_waiting(program, "HTTP 429")
    assert 3500 < route_status(program)["next_try_seconds"] <= 3600
    program.stop(expected=1)
    assert "next_try_ms=3600000 " in program.log()
