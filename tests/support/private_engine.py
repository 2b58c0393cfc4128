# SPDX-License-Identifier: Apache-2.0
"""A Docker Engine of our own, for a test or a demo: quick to start and gone at once.

dockerd, its containerd and all containers live in namespaces of their own (network, mounts,
processes) below one temporary directory. Process 1 of that namespace is a `cat` that reads a pipe
from us: when we end, in whatever way, it ends, and the kernel ends everything else in there. So
nothing is ever looked up or killed by name, and the machine's own Engine, network, firewall and
mounts are left alone.

    with PrivateEngine() as engine:
        image = engine.import_busybox()
        engine.docker("run", "--rm", "--network", "none", image, "echo", "hello")

Containers have no network: always pass `--network none`. Log files are where a reader outside the
namespaces expects them: `engine.data_root/containers/<id>/<id>-json.log`.

Needs root, and Debian's docker.io, busybox-static (or busybox), util-linux and iproute2. Which
dockerd: `engine="20.10"` is Debian's, `engine="29"` the one that `make backends` builds; the latter
runs on Debian's containerd, but wants a newer runc than Debian's.
"""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from functools import partial
from pathlib import Path

from support import backends
from support.processes import only_child

ENGINES = ("20.10", "29")

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
CALL_SECONDS_MAX = 120

# Runs as process 1 of the new namespaces, in a mount namespace of its own. It
# - lets the kernel reap orphans (a dead containerd, the shims) by ignoring SIGCHLD,
# - hides the places that dockerd would use outside of our directory (what stays of them on the
#   machine is an empty directory where there was none),
# - mounts the control groups where nobody has (a bare root): those hierarchies that the kernel
#   already has, or else version 2,
# - finds out whether overlay mounts work here (they do not on top of some file systems).
NAMESPACE_SETUP = r"""
set -eu
ip link set lo up
mountpoint -q /sys || mount -t sysfs sysfs /sys
for hidden in /etc/docker /run/docker /run/containerd /opt/containerd; do
    mkdir -p "$hidden"
    mount -t tmpfs tmpfs "$hidden"
done

if ! grep -q ' /sys/fs/cgroup' /proc/mounts; then
    hierarchies=$(cut -d: -f2 /proc/self/cgroup | grep . || true)
    if [ -z "$hierarchies" ]; then
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
    else
        mount -t tmpfs tmpfs /sys/fs/cgroup
        for hierarchy in $hierarchies; do
            mkdir "/sys/fs/cgroup/${hierarchy#name=}"
            case $hierarchy in name=*) options="none,$hierarchy" ;; *) options=$hierarchy ;; esac
            mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/${hierarchy#name=}"
        done
    fi
fi

cd "$1"
mkdir probe probe/lower probe/upper probe/work probe/merged
driver=vfs
if mount -t overlay overlay -o lowerdir=probe/lower,upperdir=probe/upper,workdir=probe/work \
    probe/merged 2>/dev/null; then
    umount probe/merged
    driver=overlay2
fi
rm -r probe
cd /
echo "$driver"
exec env --ignore-signal=CHLD cat
"""


class EngineError(Exception):
    """The private Engine could not be started or did not do what was asked."""


class PrivateEngine:
    """One dockerd with its own root. `start` and `stop` may be called again and in any state;
    `live_restore` may be changed before a start of the daemon."""

    def __init__(self, engine="20.10", *, live_restore=False, daemon_args=(), parent_dir=None):
        assert engine in ENGINES, engine
        self.engine = engine
        self._backend = backends.find("engine-29") if engine == "29" else None
        self.live_restore = live_restore
        self._daemon_args = list(daemon_args)
        self._parent_dir = parent_dir
        self._namespace = None  # Popen of unshare, whose child is process 1
        self._init_pid = None  # process 1, as seen from outside
        self._daemon = None  # Popen of nsenter, whose child is dockerd
        self._storage_driver = None
        self.root = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # Where things are

    @property
    def socket_path(self):
        return self.root / "docker.sock"

    @property
    def host(self):
        """What belongs into DOCKER_HOST."""
        return f"unix://{self.socket_path}"

    @property
    def environment(self):
        """Ours, but for Docker's programs to talk to this Engine and to no other."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        return {**kept, "DOCKER_HOST": self.host}

    @property
    def data_root(self):
        """Docker's root: `containers/` with all log files is below it."""
        return self.root / "data"

    @property
    def log_path(self):
        """What dockerd itself says."""
        return self.root / "dockerd.log"

    @property
    def pid(self):
        """dockerd's process id as seen from outside, None while it is down."""
        return only_child(self._daemon.pid) if self._daemon else None

    # Life

    def start(self):
        """Makes the namespaces and starts dockerd; returns when it answers."""
        try:
            if not self._namespace:
                self._enter_namespace()
            self.start_daemon()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Ends dockerd and every container at once, and removes all that they left."""
        cgroups = self._open_cgroups()
        if self._namespace:
            if self._init_pid:
                _kill(self._init_pid, signal.SIGKILL)
            for directory in cgroups:
                _thaw(directory, self._cgroup_name)
            self._namespace.stdin.close()
            self._namespace.stdout.close()
            self._namespace.wait(STOP_SECONDS_MAX)
        if self._daemon:
            self._daemon.wait(STOP_SECONDS_MAX)
        for directory in cgroups:
            _remove_cgroup(directory, self._cgroup_name)
        self._namespace = self._init_pid = self._daemon = None
        if self.root:
            _remove_tree(self.root)
            self.root = None

    def start_daemon(self):
        """Starts dockerd on what is there; containers that `live_restore` kept are found again."""
        if self._daemon:
            return
        program = self._backend / "dockerd" if self._backend else "dockerd"
        with open(self.log_path, "ab") as log:
            self._daemon = subprocess.Popen(
                [*self.inside("--pid"), program, *self._daemon_flags()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise EngineError("dockerd does not start:\n" + self.log_tail())
            time.sleep(0.05)

    def stop_daemon(self, signal_number=signal.SIGTERM):
        """Sends dockerd a signal and waits for its end. With SIGKILL containers go on running."""
        if not self._daemon:
            return
        pid = self.pid
        if pid:
            _kill(pid, signal_number)
        self._daemon.wait(STOP_SECONDS_MAX)
        self._daemon = None

    # Work

    def inside(self, *namespaces):
        """The words before a command that is to run among the Engine's mounts and networks, and
        with "--pid" as one of its processes, which end with it."""
        return ["nsenter", f"--target={self._init_pid}", "--mount", "--net", *namespaces]

    def docker(self, *args, check=True, timeout=CALL_SECONDS_MAX, **options):
        """Runs the docker command line; its output is in .stdout and .stderr, as text."""
        try:
            return subprocess.run(
                ["docker", *map(str, args)],
                env=self.environment,
                capture_output=True,
                text=True,
                check=check,
                timeout=timeout,
                **options,
            )
        except subprocess.CalledProcessError as error:
            raise EngineError(f"docker {' '.join(map(str, args))}: {error.stderr}") from error

    def logs(self, name, *options):
        """(stdout, stderr, both as they come) of `docker logs`, as bytes."""
        command = ["docker", "logs", *options, name]
        run = partial(subprocess.run, command, env=self.environment, check=True)
        apart = run(capture_output=True)
        both = run(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return apart.stdout, apart.stderr, both.stdout

    def import_busybox(self, name="busybox"):
        """Makes an image of this machine's busybox, without any registry. Returns its name."""
        import_busybox(self.docker, name)
        return name

    def answers(self):
        """Whether dockerd answers a ping now."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket_path))
                connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                return b" 200 " in connection.recv(64)
        except OSError:
            return False

    def log_tail(self, lines=20):
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    # Inner workings

    @property
    def _cgroup_name(self):
        return self.root.name

    def _enter_namespace(self):
        if os.geteuid() != 0:
            raise EngineError("a private Engine needs root")
        self.root = Path(tempfile.mkdtemp(prefix="tallyman-engine-", dir=self._parent_dir))
        # A configuration of its own, so that the machine's daemon.json is not read.
        (self.root / "daemon.json").write_text(json.dumps(self._configuration()) + "\n")
        with open(self.log_path, "ab") as log:
            self._namespace = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
                + ["sh", "-c", NAMESPACE_SETUP, "sh", str(self.root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._storage_driver = self._namespace.stdout.readline().strip()
        self._init_pid = only_child(self._namespace.pid)
        if not self._storage_driver or not self._init_pid:
            raise EngineError("no namespaces for a private Engine:\n" + self.log_tail())

    def _configuration(self):
        if not self._backend:
            return {}
        return {
            "features": {"containerd-snapshotter": False},  # which Debian's containerd has not
            "runtimes": {"newer-runc": {"path": str(self._backend / "runc")}},
            "default-runtime": "newer-runc",
        }

    def _daemon_flags(self):
        flags = [
            f"--host={self.host}",
            f"--config-file={self.root / 'daemon.json'}",
            f"--data-root={self.data_root}",
            f"--exec-root={self.root / 'exec'}",
            f"--pidfile={self.root / 'dockerd.pid'}",
            f"--storage-driver={self._storage_driver}",
            f"--cgroup-parent=/{self._cgroup_name}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]
        if self.live_restore:
            flags.append("--live-restore")
        return flags + self._daemon_args

    def _open_cgroups(self):
        """The mounts of the control groups, which may exist in the namespace only: opened before
        it ends, since our groups can be removed only when all their processes are gone."""
        if not self._init_pid:
            return []
        opened = []
        try:
            for mount in Path(f"/proc/{self._init_pid}/mounts").read_text().splitlines():
                _, where, kind = mount.split()[:3]
                if re.fullmatch("cgroup2?", kind):
                    path = f"/proc/{self._init_pid}/root{where}"
                    opened.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        except OSError:
            pass  # the namespace has ended by itself
        return opened


def import_busybox(docker, name="busybox"):
    """Makes the image `name` with `docker`, a function like PrivateEngine.docker."""
    program = shutil.which("busybox")
    if not program:
        raise EngineError("busybox is not installed")
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        _write_image(archive, program)
        archive.flush()
        docker("import", archive.name, name)


def _write_image(archive, program):
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    with tarfile.open(fileobj=archive, mode="w") as image:
        for directory in ("bin", "etc", "proc", "sys", "dev", "tmp", "root"):
            entry = tarfile.TarInfo(directory)
            entry.type = tarfile.DIRTYPE
            entry.mode = 0o1777 if directory == "tmp" else 0o755
            image.addfile(entry)
        for library in _shared_libraries(program):
            image.add(os.path.realpath(library), arcname=library.lstrip("/"))
        image.add(os.path.realpath(program), arcname="bin/busybox")
        for applet in applets.stdout.split():
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type = tarfile.SYMTYPE
                entry.linkname = "busybox"
                image.addfile(entry)
        accounts = b"root:x:0:0:root:/root:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(accounts)
        image.addfile(entry, io.BytesIO(accounts))


def _shared_libraries(program):
    """None where busybox is static; ldd says so by failing."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        return []
    return re.findall(r"(?:^\s+|=> )(/\S+)", said.stdout, re.MULTILINE)


def _kill(pid, signal_number):
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        pass


def _thaw(mount, name):
    """Lets the processes of paused containers die: what is frozen hears no signal."""
    thawed = {"freezer.state": b"THAWED", "cgroup.freeze": b"0"}
    with contextlib.suppress(OSError):  # a group may end while we walk, and not each mount has ours
        for _, _, files, directory in os.fwalk(name, dir_fd=mount):
            for file in thawed.keys() & set(files):
                with open(file, "wb", opener=partial(os.open, dir_fd=directory)) as control:
                    control.write(thawed[file])


def _remove_cgroup(mount, name):
    """Removes the group `name` and all below it, and closes `mount`. A group is busy for a moment
    after its last process has ended."""
    try:
        for _ in range(50):
            try:
                for path, _, _, _ in os.fwalk(name, topdown=False, dir_fd=mount):
                    os.rmdir(path, dir_fd=mount)
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.02)
    finally:
        os.close(mount)


def _remove_tree(root):
    """The mounts below it vanish with the namespace, a moment after its last process."""
    for _ in range(100):
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists():
            return
        time.sleep(0.02)
    raise EngineError(f"{root} cannot be removed")
