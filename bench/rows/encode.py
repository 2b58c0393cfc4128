# SPDX-License-Identifier: Apache-2.0
"""encode: entries into a request and from there into the body of a push to Loki, in nanoseconds of
CPU a line. Beside it: a copy of the same messages, which any encoder does at least."""

import subprocess

from measuring import MeasuringError
from report import Aim, Row

BARE_NS_MAX = 40
WORDS = {
    "request": "copy into a request",
    "encode_loki_bare": "loki, protobuf, lines alone",
    "encode_loki_none": "loki, protobuf, with metadata",
    "encode_loki_snappy": "the same, snappy",
}


def rows(setting):
    return [row for corpus in setting.corpora for row in rows_of(setting, corpus)]


def rows_of(setting, corpus):
    passes = [measure_once(setting, corpus) for _ in range(setting.passes)]
    least = {name: min(figures[name] for figures in passes) for name in passes[0]}
    for name, words in WORDS.items():
        own = least[f"{name}_ns"]
        aim = Aim(own, "ns/line", at_most=BARE_NS_MAX) if name == "encode_loki_bare" else None
        yield Row(corpus.name, words, ns_per_line=own, beside="copy",
                  beside_value=least["copy_ns"], ratio=own / least["copy_ns"], aim=aim)


def measure_once(setting, corpus):
    command = [setting.tool("encode"), corpus.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MeasuringError(done.stderr)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}
