"""What ICMP says about datagrams that were sent: that nothing listens there, or that no way leads there.

Linux keeps it in a queue of the socket, with where the datagram went and how it began, also for a socket that is not
connected (ip(7), IP_RECVERR). Other systems tell an unconnected socket nothing; there this is silent.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from sipflow.runtime.network import Address, undelivered

_IP_RECVERR, _IPV6_RECVERR = 11, 25
"""Linux, include/uapi/linux/in.h and in6.h."""

_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err (include/uapi/linux/errqueue.h): errno, origin, type, code, pad, info, data. Behind it
stands the address of who sent the ICMP message."""

_WAITING_AT_MOST = 64
"""Errors that are taken at once: who floods us with them must not keep the loop."""

_QUOTED_AT_MOST = 2048
"""Bytes; a router quotes 576 at most, one of IPv6 1280 (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4)."""

_FRAGMENTATION_NEEDED = 4

_UNREACHABLE = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    9: "network prohibited",
    10: "host prohibited",
    13: "filtered",
}
_UNREACHABLE_V6 = {
    0: "no route",
    1: "filtered",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address filtered",
    6: "route rejected",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A datagram that did not arrive."""

    destination: Address
    """Where it was sent."""
    quoted: bytes
    """How it began; nothing where the ICMP message quotes its UDP header only."""
    reason: str
    """For a person."""


def ask_for_refusals(datagrams: socket.socket) -> None:
    """Have the system keep what ICMP says about what this socket sends. From then on a call to send or receive may
    fail with the fate of an earlier datagram."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            datagrams.setsockopt(*_option(datagrams), 1)


def waiting_refusals(datagrams: socket.socket) -> Iterator[Refusal]:
    """Take what was kept. What RFC 3261 section 18.4 does not count among transport errors (source quench, time
    exceeded) and what is no refusal (a datagram that is too large for a link) is left out."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        for _ in range(_WAITING_AT_MOST):
            quoted, ancillary, _, destination = datagrams.recvmsg(_QUOTED_AT_MOST, 512, socket.MSG_ERRQUEUE)
            for level, kind, data in ancillary:
                if (level, kind) == _option(datagrams) and (what := _what_is_said(data)):
                    yield Refusal(destination[:2], quoted, undelivered(destination[:2], what, _sender(data)))


def _option(datagrams: socket.socket) -> tuple[int, int]:
    if datagrams.family == socket.AF_INET6:
        return socket.IPPROTO_IPV6, _IPV6_RECVERR
    return socket.IPPROTO_IP, _IP_RECVERR


def _what_is_said(data: bytes) -> str:
    """The message's name, empty unless it says that the datagram did not arrive and that another one will not."""
    _, origin, kind, code, _, _, _ = _ERROR.unpack_from(data)
    match origin, kind:
        case (2, 3) if code != _FRAGMENTATION_NEEDED:
            return _UNREACHABLE.get(code, "destination unreachable")
        case (3, 1):
            return _UNREACHABLE_V6.get(code, "destination unreachable")
        case (2, 12) | (3, 4):
            return "parameter problem"
        case _:
            return ""


def _sender(data: bytes) -> str:
    """Address of who sent the ICMP message; empty when it is not told."""
    address = data[_ERROR.size :]
    family = int.from_bytes(address[:2], sys.byteorder)
    if family == socket.AF_INET and len(address) >= 8:
        return socket.inet_ntop(socket.AF_INET, address[4:8])
    if family == socket.AF_INET6 and len(address) >= 24:
        return socket.inet_ntop(socket.AF_INET6, address[8:24])
    return ""
