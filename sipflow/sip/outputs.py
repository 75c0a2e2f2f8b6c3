"""What a user agent hands to its driver."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.events import Payload


@dataclass(frozen=True, slots=True)
class Transmit:
    """A datagram to send now."""

    data: bytes
    destination: tuple[str, int]
    """Address literal without brackets, and port."""


Output = Transmit | Payload
