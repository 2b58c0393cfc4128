# SPDX-License-Identifier: Apache-2.0
"""backends: where the real servers are that `make backends` has built, and whether they are there.

Their names and versions stand in backends.toml. What is built lies below one cache folder outside
of the tree, in a directory per backend; its file `built` holds what it was built from, so that
another version in the table is another backend.
"""

import json
import os
import tomllib
from pathlib import Path

TABLE = Path(__file__).with_name("backends.toml")


class BackendMissing(Exception):
    """The backend is not built; says how to have it."""


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tallyman-tests"


def table():
    """Name → programs, and what is said of Go under `go`."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def names():
    return [name for name in table() if name != "go"]


def recipe(name):
    """What a backend is built from, as text: equal text means equal backend."""
    return json.dumps(table()[name], sort_keys=True)


def is_built(name):
    try:
        return (cache_directory() / name / "built").read_text(encoding="utf-8") == recipe(name)
    except FileNotFoundError:
        return False


def find(name):
    """The directory with the backend's programs."""
    if not is_built(name):
        raise BackendMissing(f"{name} is not built; `make backends` builds it")
    return cache_directory() / name
