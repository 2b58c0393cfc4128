# SPDX-License-Identifier: Apache-2.0
"""What is secret shows nowhere (R13, design §8): not in the log of a route whose server refuses it,
not in its status and metrics, not in `check --print`."""

import base64
from contextlib import closing

import pytest
from support.stand_in_http import StandInHttp, status

PASSWORD, HEADER = "Zq7-correct-horse", "Wx9-battery-staple"
BASIC = base64.b64encode(f"somebody:{PASSWORD}".encode()).decode()


@pytest.fixture
def server():
    with closing(StandInHttp()) as server:
        yield server


def assert_nothing_secret_in(*texts):
    for text in texts:
        for secret in (PASSWORD, HEADER, BASIC):
            assert secret not in text, text


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_refused_password_shows_nowhere(root, container, tallyman, server, where):
    """The server gets what the user wrote, and says 401; whoever reads about it learns nothing."""
    container("web-1").write_lines("line", 10)
    server.refuse("/push", lambda request: True, status(401))
    environment = {"T_PASSWORD": PASSWORD, "T_HEADER": HEADER} if where == "environment" else {}
    sink = {
        "type": "http",
        "url": server.url("/push"),
        "username": "somebody",
        "password": "${T_PASSWORD}" if environment else PASSWORD,
        "headers": {"X-Api-Key": "${T_HEADER}" if environment else HEADER, "X-Tenant": "seen"},
    }
    route = {"name": "wire", "batch": {"age": "0"}, "sink": sink}
    program = tallyman(root, [route], log={"level": "debug"})

    printed = program.run("check", "--print", environment=environment).stdout.decode()
    assert '"X-Tenant": "seen"' in printed
    assert ('"${T_PASSWORD}"' if environment else '"(hidden)"') in printed
    assert_nothing_secret_in(printed)

    program.start(environment=environment)
    program.wait_for_log("401")
    (request, *_) = server.requests("/push")
    assert request.headers["authorization"] == f"Basic {BASIC}"
    assert request.headers["x-api-key"] == HEADER
    code, _, metrics = program.ask("/metrics")
    assert code == 200
    assert_nothing_secret_in(str(program.status()), metrics.decode())
    program.stop(expected=1)
    assert_nothing_secret_in(program.log())


def test_a_printed_configuration_reads_back(root, tallyman):
    """With a reference as it is; with a hidden value only once that is filled in."""
    sink = {"type": "http", "url": "http://127.0.0.1:9", "username": "u"}
    for password, code in (("${T_PASSWORD}", 0), (PASSWORD, 2)):
        program = tallyman(root, [{"name": "wire", "sink": {**sink, "password": password}}])
        environment = {"T_PASSWORD": PASSWORD}
        printed = program.run("check", "--print", environment=environment).stdout
        program.config_path.write_bytes(printed)
        again = program.run("check", "--print", environment=environment, check=code)
        assert_nothing_secret_in(again.stdout.decode(), again.stderr)
        if code == 0:
            assert again.stdout == printed
        else:
            assert '"sink.password" was hidden when this file was printed' in again.stderr
