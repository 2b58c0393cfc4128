# SPDX-License-Identifier: Apache-2.0
"""decode: lines of json-file to entries, alone and with the read, for each instruction set and
form of message. Beside the decoder: `wc -l`, which only looks for newlines. Beside reading and
decoding: a loop of pread over the same file. Then the same lines in the frames of the local driver,
beside their json-file."""

import subprocess

from measuring import MeasuringError, run
from report import Aim, Row

AIMS_NS = {("A", "decode"): 45, ("B", "decode"): 120, ("A", "read_decode"): 75}
PORTABLE_TIMES_MAX = 2
BEST = "avx2"
STEPS = {"decode": "decode", "read_decode": "read, decode"}


def rows(setting):
    return [row for corpus in setting.corpora for row in rows_of(setting, corpus)]


def rows_of(setting, corpus):
    least = measure(setting, corpus)
    yield cost_row(corpus, "find newlines in memory", least["newlines"], "wc -l", least["wc"])
    yield cost_row(corpus, "pread loop", least["read"], "wc -l", least["wc"])
    for step, words in STEPS.items():
        for form in ("bytes", "json"):
            for isa in ("avx2", "sse2", "portable"):
                own = least.get(f"{step}_{form}_{isa}")
                name = f"{words}: {form}, {isa}"
                if own is None:
                    yield Row(corpus.name, name, note="this processor has it not")
                    continue
                beside = ("wc -l", least["wc"]) if step == "decode" else (
                    "pread loop", least["read"])
                yield cost_row(corpus, name, own, *beside,
                               aim_of(least, corpus.name, step, form, isa))
    yield from local_rows(corpus, least)


def local_rows(corpus, least):
    for form in ("bytes", "json"):
        json_file = least.get(f"decode_{form}_{BEST}", least[f"decode_{form}_portable"])
        yield cost_row(corpus, f"decode local: {form}", least[f"decode_local_{form}"],
                       "its json-file", json_file)


def measure(setting, corpus):
    """{what: least ns per line}"""
    least = {}
    for _ in range(setting.passes):
        figures = decode_once(setting, corpus)
        figures["wc"] = corpus.ns_per_line(run(["wc", "-l", corpus.path]).cpu_s)
        for what, ns in figures.items():
            least[what] = min(ns, least.get(what, ns))
    return least


def decode_once(setting, corpus):
    command = [setting.tool("decode"), corpus.path, "--passes", "1", "--plain"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MeasuringError(done.stderr)
    pairs = (line.split() for line in done.stdout.splitlines())
    ending = "_ns_per_line"
    return {name.removesuffix(ending): float(value) for name, value in pairs
            if name.endswith(ending)}


def cost_row(corpus, name, own, beside, its, aim=None):
    return Row(corpus.name, name, ns_per_line=own, gb_per_s=corpus.gb_per_s(own), beside=beside,
               beside_value=its, ratio=own / its, aim=aim)


def aim_of(least, corpus_name, step, form, isa):
    best = least.get(f"{step}_{form}_{BEST}")
    if isa == "portable" and step == "decode" and best:
        return Aim(least[f"{step}_{form}_{isa}"] / best, f"x {BEST}", at_most=PORTABLE_TIMES_MAX)
    limit = AIMS_NS.get((corpus_name, step))
    if isa != BEST or limit is None:
        return None
    return Aim(best, "ns/line", at_most=limit)
