# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests: a private Engine, made-up data roots, the program.

Environment:
    TALLYMAN   the binary under test (default build/tallyman)
    LONG=1     run the long variants too; counts then default to their long values
    KILLS, SHORT_LIVED, CRASHES, …   a count by its name, see `scaled`
    PATIENCE   factor on all deadlines
    SEED       of what is random; a failing run prints it
    REQUIRE_ENGINE=1   no Engine is a failure, not a skip
    REQUIRE_BACKENDS=1   nor is a real server that `make backends` has not built
"""

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.backends import BackendMissing
from support.docker_root import Container
from support.numbered import import_numbered
from support.private_engine import EngineError, PrivateEngine
from support.tallyman import BINARY, HOUSE, Tallyman, is_sanitized

LONG = os.environ.get("LONG") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: minutes, run with LONG=1 only")
    if not BINARY.exists():
        pytest.exit(f"no program at {BINARY}: build it, or set TALLYMAN", returncode=2)


def pytest_collection_modifyitems(items):
    if LONG:
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; LONG=1 runs it"))


def pytest_report_header():
    return f"tallyman: {BINARY}"


@pytest.fixture(scope="session")
def scaled():
    """scaled("KILLS", quick, long): a count, by the environment or by the length of the run."""
    return lambda name, quick, long: int(os.environ.get(name, long if LONG else quick))


@pytest.fixture
def dice():
    """Random numbers that a failing run can be given again by SEED."""
    seed = int(os.environ.get("SEED", time.time_ns() & 0xFFFFFF))
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """One Engine for the session, with the images `busybox` and `numbered`."""
    with started_engine() as private:
        private.import_busybox("busybox")
        import_numbered(private, tmp_path_factory.mktemp("image"))
        yield private


@pytest.fixture(scope="session")
def start_engine():
    """`with start_engine(…) as private`: a PrivateEngine of the test's own, or its skip."""
    return started_engine


@contextmanager
def started_engine(*args, **keys):
    """A PrivateEngine that runs, or the skip of the test that wants it."""
    try:
        private = PrivateEngine(*args, **keys)
        private.start()
    except BackendMissing as error:
        skip_unless_required(f"{error}", "REQUIRE_BACKENDS")
    except (EngineError, OSError) as error:
        skip_unless_required(f"no private Engine: {error}", "REQUIRE_ENGINE")
    try:
        yield private
    finally:
        private.stop()


@contextmanager
def started_server(kind, **keys):
    """A server of `make backends` that runs, or the skip of the test that wants it."""
    try:
        server = kind(**keys)
    except BackendMissing as error:
        skip_unless_required(f"{error}", "REQUIRE_BACKENDS")
    with server:
        yield server


def skip_unless_required(why, variable):
    if os.environ.get(variable) == "1":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def docker(engine):
    """The Engine's command line; what containers it has are removed after the test, and what is
    pinned of them, which the next test would read."""
    yield engine.docker
    remove_all(engine)
    shutil.rmtree(Path(engine.data_root) / "tallyman-pins", ignore_errors=True)


def remove_all(engine):
    if not engine.answers():
        engine.start_daemon()
    ids = engine.docker("ps", "-aq", "--no-trunc").stdout.split()
    if ids:
        engine.docker("rm", "-f", *ids)


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    """The library that ends the program at a chosen call to the kernel (crash_shim.c)."""
    if is_sanitized():
        pytest.skip("a sanitizer's library cannot be preloaded over")
    source = HOUSE / "tests" / "support" / "crash_shim.c"
    library = tmp_path_factory.mktemp("shim") / "crash_shim.so"
    compiler = os.environ.get("CC", "gcc").split()
    subprocess.run(
        [*compiler, "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"],
        check=True,
    )
    return library


@pytest.fixture
def tallyman(tmp_path):
    """tallyman(root, routes, …): instances that are gone when the test ends."""
    made = []

    def make(root, routes, name="tallyman", **keys):
        instance = Tallyman(tmp_path / name, root, routes, **keys)
        made.append(instance)
        return instance

    yield make
    for instance in made:
        instance.close()
        if instance.log_path.exists():
            print(f"--- log of {instance.directory.name}\n{instance.log_tail()}")


@pytest.fixture
def root(tmp_path):
    """An empty data root of no engine."""
    directory = tmp_path / "docker"
    (directory / "containers").mkdir(parents=True)
    return directory


@pytest.fixture
def container(root):
    """container("name", …): a container in the made-up root."""
    return lambda name, **keys: Container(root, name, **keys)


@pytest.fixture
def out(tmp_path):
    directory = tmp_path / "out"
    directory.mkdir()
    return directory
