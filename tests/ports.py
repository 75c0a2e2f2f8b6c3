"""Ports for peers that are told theirs before they take it.

Between the look at a port and its use it may become somebody else's. So these lie between those of media (20000-29999)
and those that a system hands out (from 32768 on Linux), and each worker of pytest-xdist goes round in some of its own.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

FIRST, OF_EACH, WORKERS = 30_000, 340, 8


class _Round:
    """The ports of this process, each after all others have been used."""

    def __init__(self) -> None:
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        self.first = FIRST + worker % WORKERS * OF_EACH
        self.next = os.getpid() * 10 % OF_EACH
        """Two checkouts that are tested on one machine seldom meet."""

    def take(self, count: int) -> int:
        """The first of so many ports that follow each other; it is even where they are several."""
        begin = self.next + (self.next % 2 if count > 1 else 0)
        if begin + count > OF_EACH:
            begin = 0
        self.next = (begin + count) % OF_EACH
        return self.first + begin


_round = _Round()


KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)


def free_port(host: str = "127.0.0.1", *, count: int = 1) -> int:
    """A port that is free for UDP and TCP; with `count` the first of so many."""
    while True:
        port = _round.take(count)
        if all(_can_be_bound(host, port + n, kind) for n in range(count) for kind in KINDS):
            return port


def is_taken(host: str, port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> bool:
    """Whether somebody listens there.

    Linux is asked: who tries to bind the port instead has it for a moment, in which the peer that is waited for may
    want it and fail.
    """
    tables = [SOCKETS / f"{'udp' if kind == socket.SOCK_DGRAM else 'tcp'}{version}" for version in ("", "6")]
    if not tables[0].exists():
        return not _can_be_bound(host, port, kind)
    return any(_listens(line.split(), port) for table in tables if table.exists() for line in _rows(table))


SOCKETS = Path("/proc/net")
LISTENING = {"07", "0A"}
"""States of a socket: of UDP without a peer, of TCP that listens."""


def _rows(table: Path) -> list[str]:
    return table.read_text().splitlines()[1:]


def _listens(row: list[str], port: int) -> bool:
    return row[1].endswith(f":{port:04X}") and row[3] in LISTENING


def _can_be_bound(host: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
