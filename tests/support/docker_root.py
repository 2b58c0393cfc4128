# SPDX-License-Identifier: Apache-2.0
"""docker_root: a Docker data root made by hand, for tests that need no engine.

Directories, metadata files and json-file logs have the form that a real engine gives them:
records as it escapes them, rotation in its order of renames, gzip members with its extra field.
"""

import calendar
import gzip
import hashlib
import json
import os
import re
import shutil
import time
import zlib
from pathlib import Path

CHUNK_BYTES = 16384
BASE_NS = 1_795_000_000 * 10**9  # 2026-11: the clock of made-up records
STEP_NS = 1_000_003  # records are about a millisecond apart

_ZERO = "0001-01-01T00:00:00Z"


def rfc3339(time_ns):
    """As Docker writes it: UTC, trailing zeros of the fraction trimmed."""
    seconds, nanos = divmod(time_ns, 10**9)
    fraction = f"{nanos:09}".rstrip("0")
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return text + (f".{fraction}Z" if fraction else "Z")


def parse_ns(text):
    """Nanoseconds of an RFC 3339 time in UTC, fraction of any length."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))
    return whole * 10**9 + int(fraction.ljust(9, "0") if fraction else 0)


# Where Python's JSON and Docker's differ.
_DOCKER_ESCAPES = {"\\t": "\\u0009", "\\b": "\\u0008", "\\f": "\\u000c"}


def record(log, stream, time_ns):
    """One json-file line, escaped as Docker's writer does."""
    text = json.dumps(log, ensure_ascii=False)
    text = re.sub(r"\\.", lambda m: _DOCKER_ESCAPES.get(m[0], m[0]), text)
    text = re.sub("[<>&\u2028\u2029]", lambda m: f"\\u{ord(m[0]):04x}", text)
    line = f'{{"log":{text},"stream":"{stream}","time":"{rfc3339(time_ns)}"}}\n'
    return line.encode()


class Container:
    """One container directory with a json-file log, written as Docker writes it."""

    driver = "json-file"
    log_options = {}  # as of `--log-opt`; the Engine keeps them with the container

    def __init__(self, root, name, labels=None, tty=False, created_ns=BASE_NS):
        self.id = hashlib.sha256(f"{root}/{name}/{created_ns}".encode()).hexdigest()
        self.name = name
        self.directory = Path(root) / "containers" / self.id
        self.log = self.log_path()
        self.labels = labels or {}
        self.tty = tty
        self.created_ns = created_ns
        self.running = True
        self.last_ns = created_ns
        self.log.parent.mkdir(parents=True)
        self.write_metadata()
        self.log.touch(0o640)

    def log_path(self):
        return self.directory / f"{self.id}-json.log"

    def write_metadata(self):
        """config.v2.json and hostconfig.json, each replaced by a rename."""
        state = {
            "Running": self.running,
            "Paused": False,
            "Restarting": False,
            "Dead": False,
            "Pid": 4711 if self.running else 0,
            "ExitCode": 0,
            "StartedAt": rfc3339(self.created_ns + 10**8),
            "FinishedAt": _ZERO if self.running else rfc3339(self.last_ns + 10**8),
            "Health": None,
        }
        config = {
            "State": state,
            "ID": self.id,
            "Created": rfc3339(self.created_ns),
            "Path": "writer",
            "Args": ["-v"],
            "Config": {
                "Hostname": self.id[:12],
                "Tty": self.tty,
                "Env": None,
                "Cmd": ["writer", "-v"],
                "Image": "bb",
                "Entrypoint": None,
                "Labels": self.labels,
            },
            "Image": "sha256:" + "0" * 64,
            "NetworkSettings": {"Networks": {"none": {"IPAddress": ""}}},
            "LogPath": str(self.log) if self.driver == "json-file" else "",
            "Name": f"/{self.name}",
            "Driver": "overlay2",
            "OS": "linux",
            "LocalLogCacheMeta": {"HaveNotifyEnabled": False},
        }
        host = {
            "LogConfig": {"Type": self.driver, "Config": self.log_options},
            "NetworkMode": "none",
            "AutoRemove": False,
            "RestartPolicy": {"Name": "no"},
        }
        self._replace("hostconfig.json", host)
        self._replace("config.v2.json", config)

    def _replace(self, name, document):
        temporary = self.directory / f".tmp-{name}123"
        temporary.write_text(json.dumps(document) + "\n", encoding="utf-8")
        temporary.rename(self.directory / name)

    def rename(self, name):
        """`docker rename`, as the disk shows it."""
        self.name = name
        self.write_metadata()

    def tick_ns(self):
        self.last_ns += STEP_NS
        return self.last_ns

    def write(self, message, stream="stdout", newline=True):
        """One line of the program, in one record or in chunks; returns what is expected of it."""
        time_ns = self.tick_ns()
        rest = message
        data = b""
        while len(rest) >= CHUNK_BYTES:
            data += record(rest[:CHUNK_BYTES], stream, time_ns)
            rest = rest[CHUNK_BYTES:]
        if newline or rest:
            data += record(rest + "\n" if newline else rest, stream, time_ns)
        self.append(data)
        return (stream, message)

    def write_lines(self, prefix, count, size=0):
        """`count` numbered lines, each fourth on stderr; returns (stream, message) pairs."""
        lines, records = [], []
        for number in range(count):
            stream = "stderr" if number % 4 == 3 else "stdout"
            message = f"{prefix} {number:06}".ljust(size, ".")
            records.append(record(message + "\n", stream, self.tick_ns()))
            lines.append((stream, message))
        self.append(b"".join(records))
        return lines

    def append(self, data):
        with open(self.log, "ab") as file:
            file.write(data)

    def rotate(self, max_file=5, compress=False):
        """Docker's own order of renames; the compression is done at once."""
        base = str(self.log)
        extension = ".gz" if compress else ""
        for number in range(max_file - 1, 0, -1):
            for ending in ("", ".gz"):
                member = f"{base}.{number}{ending}"
                if not os.path.exists(member):
                    continue
                if number == max_file - 1:
                    os.unlink(member)
                else:
                    os.rename(member, f"{base}.{number + 1}{ending}")
        os.rename(base, base + ".1")
        self.log.touch(0o640)
        if compress:
            compress_member(base + ".1", base + ".1" + extension, self.last_ns)

    def remove(self):
        shutil.rmtree(self.directory)


class LocalContainer(Container):
    """The same with the driver `local`, whose records keep the bytes of a line as they are."""

    driver = "local"

    def log_path(self):
        return self.directory / "local-logs" / "container.log"

    def write(self, message, stream="stdout"):
        """One line of at most CHUNK_BYTES, text or bytes."""
        line = message if isinstance(message, bytes) else message.encode()
        self.append(frame(line, stream, self.tick_ns()))


def frame(line, stream, time_ns):
    """One `local` record: its length, protobuf (stream, time, line), its length again."""
    payload = b"\x0a" + _varint(len(stream)) + stream.encode()
    payload += b"\x10" + _varint(time_ns)
    payload += b"\x1a" + _varint(len(line)) + line
    mark = len(payload).to_bytes(4, "big")
    return mark + payload + mark


def _varint(number):
    data = b""
    while number >= 0x80:
        data += bytes([number & 0x7F | 0x80])
        number >>= 7
    return data + bytes([number])


def compress_member(plain, target, last_ns):
    """A .gz as Docker makes it: its extra field holds bare JSON; the plain file goes last."""
    data = Path(plain).read_bytes()
    Path(target).write_bytes(gzip_member(data, last_ns))
    os.unlink(plain)


def gzip_member(data, last_ns):
    extra = json.dumps({"lastTime": rfc3339(last_ns)}, separators=(",", ":")).encode()
    header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(extra).to_bytes(2, "little") + extra
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    trailer = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(
        4, "little"
    )
    member = header + body + trailer
    assert gzip.decompress(member) == data
    return member
