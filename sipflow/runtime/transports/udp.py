"""One UDP socket of one agent, on an asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Iterator

from sipflow.runtime.network import Address, Refused, ignore_refusal
from sipflow.runtime.transports.flood import SWEEP, Datagram, is_flood, worth_reading
from sipflow.runtime.transports.icmp import ask_for_refusals, waiting_refusals
from sipflow.runtime.transports.sockets import udp_socket
from sipflow.sip.hop import Hop, Transport

DATAGRAMS_PER_WAKE_UP = 32
"""How many datagrams are taken before other sockets and timers get their turn; measured: 150k datagrams/s."""

MAX_DATAGRAM = 65_535

_SO_MEMINFO, _SK_MEMINFO_DROPS = 55, 8
"""Linux, include/uapi/asm-generic/socket.h and linux/sock_diag.h: counters of a socket, its drops the ninth of them."""


class UdpEndpoint:
    """A bound socket. `receive` is called for every datagram, `refused` for every one of ours that ICMP says did not
    arrive, `drained` once after each batch."""

    def __init__(
        self,
        host: str = "",
        port: int = 0,
        *,
        receive: Callable[[bytes, Hop], None],
        drained: Callable[[], None],
        refused: Refused = ignore_refusal,
        bound: socket.socket | None = None,
        number: int = 0,
    ) -> None:
        """At `host` and `port`, or with the socket `bound`; what is received carries `number` as its connection."""
        self._receive = receive
        self._refused = refused
        self._drained = drained
        self._socket = bound or udp_socket(host, port)
        ask_for_refusals(self._socket)
        self.address: Address = self._socket.getsockname()[:2]
        self._number = number
        self.send_errors = 0
        self._dropped = 0
        self._dropped_before = 0
        self._flooded = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to receive."""
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._read)

    def send(self, data: bytes, destination: Hop) -> str:
        """Send one datagram; gives what the kernel said against it, empty when it took it."""
        try:
            self._send(data, destination[:2])
        except BlockingIOError:
            self.send_errors += 1  # the datagram is lost as on any network; retransmission is SIP's affair
        except OSError as error:
            self.send_errors += 1
            return error.strerror or str(error)
        return ""

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel dropped because the socket's buffer was full: the number that SO_RXQ_OVFL gives
        with every datagram, here without a system call for each. 0 where the system does not tell."""
        if self._socket.fileno() < 0:
            return self._dropped
        with contextlib.suppress(OSError):
            counters = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_SK_MEMINFO_DROPS + 1))
            if len(counters) == 4 * (_SK_MEMINFO_DROPS + 1):
                self._dropped = int.from_bytes(counters[-4:], sys.byteorder)
        return self._dropped

    def close(self) -> None:
        """Give the port back; harmless when it is closed."""
        if self._socket.fileno() < 0:
            return
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _send(self, data: bytes, place: Address) -> None:
        """Linux may answer with the fate of an earlier datagram and not send this one: that is told, and this one is
        sent all the same."""
        try:
            self._socket.sendto(data, place)
        except BlockingIOError:
            raise
        except OSError:
            self._tell_refusals()
            with contextlib.suppress(ConnectionRefusedError):
                self._socket.sendto(data, place)

    def _tell_refusals(self) -> None:
        for one in waiting_refusals(self._socket):
            self._refused(Hop(*one.destination, Transport.UDP), one.quoted, one.reason)

    def _read(self) -> None:
        if self._flooded:
            for data, source in worth_reading(self._waiting(SWEEP)):
                self._take(data, source)
        else:
            for data, source in self._waiting(DATAGRAMS_PER_WAKE_UP):
                self._take(data, source)
        self._drained()

    def _waiting(self, most: int) -> Iterator[Datagram]:
        """Up to so many datagrams; when more are left, whether this is a flood is found out."""
        recvfrom = self._socket.recvfrom
        for taken in range(most):
            try:
                data, source = recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                self._flooded = False
                if taken == 0:  # woken by something else: ICMP errors, told to a `send` already
                    self._tell_refusals()
                return
            except OSError:
                self._tell_refusals()
            else:
                yield data, source[:2]
        self._count_drops(most)

    def _count_drops(self, taken: int) -> None:
        before, self._dropped_before = self._dropped_before, self.dropped
        self._flooded = self._flooded or is_flood(self._dropped_before - before, taken)

    def _take(self, data: bytes, source: Address) -> None:
        if data.strip(b"\r\n\0"):  # else a keep-alive (RFC 5626 section 3.5.1, older phones send NUL)
            self._receive(data, Hop(source[0], source[1], Transport.UDP, "", self._number))
