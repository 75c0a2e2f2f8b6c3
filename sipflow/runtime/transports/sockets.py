"""Sockets that are bound, or a reason that names the address."""

from __future__ import annotations

import contextlib
import errno
import socket

from sipflow.errors import MachineError

BUFFER_BYTES = 4 * 1024 * 1024
"""Asked of the kernel for datagrams, in both directions, so that a burst of thousands of messages waits instead of
being lost."""

BACKLOG = 1024
"""Connections that wait to be taken."""

TRIES = 50
"""How many free UDP ports are tried until one is free for TCP, too."""


def udp_socket(host: str, port: int) -> socket.socket:
    """A bound socket for datagrams; port 0: a free one. Raises MachineError."""
    sock = _bound(socket.SOCK_DGRAM, host, port, "UDP")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    return sock


def listen_socket(host: str, port: int) -> socket.socket:
    """A socket that connections can be made to; port 0: a free one. Raises MachineError."""
    sock = _bound(socket.SOCK_STREAM, host, port, "TCP")
    sock.listen(BACKLOG)
    return sock


def bind_udp_and_tcp(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Both at the same port number; port 0: one that is free for both. Raises MachineError."""
    for tries_left in range(TRIES if port == 0 else 1, 0, -1):
        datagrams = udp_socket(host, port)
        try:
            return datagrams, listen_socket(host, datagrams.getsockname()[1])
        except MachineError:
            datagrams.close()
            if tries_left == 1:
                raise
    raise AssertionError("the last try returns or raises")


def _bound(kind: socket.SocketKind, host: str, port: int, transport: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else TIME_WAIT keeps a port for minutes
        if sock.family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has sockets of its own, at the same port
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise MachineError(_why_not_bound(host, port, transport, error)) from error
    return sock


def _why_not_bound(host: str, port: int, transport: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{transport} port {port} of {host} is in use by another program"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no address {host}"
    return f"cannot listen on {host} port {port}: {error.strerror}"
