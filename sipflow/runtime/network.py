"""What the driver needs of a network: ports that carry SIP for one agent, and a name service.

There are two: the machine's own (`transports`), and one inside the process, with seeded faults, for runs in virtual
time (`sim`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sipflow.plan.plan import AgentPlan
from sipflow.sip.config import Listener
from sipflow.sip.hop import Hop, NameQuery

Address = tuple[str, int]


def place_of(address: Address) -> str:
    """As in a URI: an IPv6 address in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def undelivered(destination: Address, what: str, teller: str = "") -> str:
    """What it means that ICMP says `what` (`port unreachable`) of a datagram, for a person; `teller`: address of who
    said so, empty when it is not known."""
    told_by = f", told by {teller}" if teller not in ("", destination[0]) else ""
    if what == "port unreachable":
        return f"nothing listens at {place_of(destination)} (ICMP {what}{told_by})"
    return f"{place_of(destination)} cannot be reached (ICMP {what}{told_by})"


Refused = Callable[[Hop, bytes, str], None]
"""Takes where a datagram was sent, how it began as far as that is known, and why it did not arrive, for a person."""


def _ignore(_text: str) -> None:
    pass


def ignore_refusal(_hop: Hop, _quoted: bytes, _reason: str) -> None:
    """For whom the fate of datagrams does not matter."""


@dataclass(frozen=True, slots=True)
class Upcalls:
    """What a port tells its agent. All are called on the loop's thread."""

    receive: Callable[[bytes, Hop], None]
    """A whole message, or a datagram, came from there. Keep-alives (RFC 5626 section 3.5.1) stay below."""
    failed: Callable[[Hop, str], None]
    """What was sent to this hop will not arrive: no connection, a connection lost, a certificate not accepted.
    The text is for a person and says why."""
    drained: Callable[[], None]
    """No more for now: called once after each batch of the others."""
    noticed: Callable[[str], None] = _ignore
    """Something that fails nothing, but that a person who looks for a fault wants to know: a client whose handshake
    failed, a connection that was dropped for being slow."""
    refused: Refused = ignore_refusal
    """ICMP says that a datagram did not arrive (RFC 3261 section 18.4). Anybody can write such a message: what it
    quotes tells whether it is about something that was sent."""


class Port(Protocol):
    """All sockets of one agent: what it listens at, and its connections."""

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where it listens, known from the start (free ports are bound by then); the first is the preferred one."""

    def open(self) -> None:
        """Begin to receive."""

    def send(self, data: bytes, destination: Hop) -> str:
        """Send a message; a connection is made when there is none. Gives what is known against it at once, empty when
        nothing is; what goes wrong later is told by `Upcalls.failed`."""

    def faults(self) -> tuple[int, int]:
        """Datagrams that were dropped because nobody read them in time, and those that could not be sent."""

    def close(self) -> None:
        """Give all sockets back; harmless when they are closed."""


class Network(Protocol):
    """Makes ports, and looks names up."""

    def port(self, agent: AgentPlan, upcalls: Upcalls) -> Port:
        """The port of an agent, bound; raises `MachineError` when an address cannot be had or a certificate cannot be
        read."""

    def resolve(self, target: NameQuery, done: Callable[[tuple[Hop, ...], str], None]) -> None:
        """Look a name up (RFC 3263). `done` is called later on the loop's thread, with the hops in the order in which
        they are to be tried, or with none and the reason."""

    def close(self) -> None:
        """Stop all look-ups."""
