"""What a user agent hands to its driver."""

from __future__ import annotations

from sipflow.events import Payload
from sipflow.sip.hop import Hop, NameQuery
from sipflow.values import dataclass


@dataclass(frozen=True, slots=True)
class Transmit:
    """A message to send now."""

    data: bytes
    destination: Hop


@dataclass(frozen=True, slots=True)
class Lookup:
    """A name to look up; the answer is given to `UserAgent.resolved` with this number."""

    number: int
    query: NameQuery


Output = Transmit | Lookup | Payload
