# SPDX-License-Identifier: Apache-2.0
"""ports: of loopback, for servers that are to be found again after a restart.

They lie outside of those that the kernel gives to who asks for any: while the server is away, none
of our own connections, nor another process of tests, takes its port.
"""

import random
import socket
from itertools import islice
from pathlib import Path

HOST = "127.0.0.1"
FIRST, END = 10_000, 65_536
_KERNELS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count):
    """Ports that nobody listens at now."""
    first, last = map(int, _KERNELS.read_text().split())
    choice = [port for port in range(FIRST, END) if not first <= port <= last]
    random.SystemRandom().shuffle(choice)
    return list(islice(filter(_is_free, choice), count))


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
