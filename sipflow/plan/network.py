"""The network of a run in virtual time, as the command line writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from sipflow.errors import MisuseError

REORDER_MS = 30.0
"""How much longer a packet is under way that others overtake: more than one packet time of most codecs."""

LONGEST_MS = 60_000.0


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """What happens to packets on their way, those of SIP and those of RTP alike. Shares are 0-1 of the packets.

    A path keeps the order of what it carries, except for those that are held back. What goes by TCP, TLS or WebSocket
    is never lost: a loss costs it the time until it is sent again.
    """

    loss: float = 0.0
    delay_ms: float = 0.0
    """Of every packet."""
    jitter_ms: float = 0.0
    """More delay, evenly from 0 to this."""
    reorder: float = 0.0
    """Packets that are under way `REORDER_MS` longer."""
    duplicate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "reorder", "duplicate"):
            if not 0 <= getattr(self, name) <= 1:
                raise MisuseError(f"{name} is a share from 0 to 100 %, not {getattr(self, name) * 100:g} %")
        for name in ("delay_ms", "jitter_ms"):
            if not 0 <= getattr(self, name) <= LONGEST_MS:
                raise MisuseError(f"{name.removesuffix('_ms')} is 0 to 60 s, not {getattr(self, name):g} ms")

    def __str__(self) -> str:
        """As `parse_network` reads it; empty for a network without faults."""
        parts = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return " ".join(
            f"{name.removesuffix('_ms')} {value:g}ms" if name.endswith("_ms") else f"{name} {value * 100:g}%"
            for name, value in parts
            if value
        )


def parse_network(text: str) -> NetworkConditions:
    """Conditions as text: `loss 3% delay 20ms jitter 30ms reorder 1% duplicate 1%`, in any order, or nothing.

    Raises `MisuseError` that says what was expected.
    """
    found: dict[str, float] = {}
    words = text.split()
    if len(words) % 2:
        raise MisuseError(f"{words[-1]!r} lacks its value; {_EXPECTED}")
    for word, value in zip(words[::2], words[1::2], strict=True):
        if word in _SHARES:
            name, amount = word, _amount(word, value, _SHARE) / 100
        elif word in _TIMES:
            factor = 1000.0 if value.endswith("s") and not value.endswith("ms") else 1.0
            name, amount = f"{word}_ms", _amount(word, value, _TIME) * factor
        else:
            raise MisuseError(f"{word!r} is nothing that a network does; {_EXPECTED}")
        if name in found:
            raise MisuseError(f"{word} is given twice")
        found[name] = amount
    return NetworkConditions(**found)


_SHARES, _TIMES = ("loss", "reorder", "duplicate"), ("delay", "jitter")
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")
_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:ms|s)")
_EXPECTED = "expected for instance `loss 3% delay 20ms jitter 30ms reorder 1% duplicate 1%`"


def _amount(word: str, value: str, pattern: re.Pattern[str]) -> float:
    match = pattern.fullmatch(value)
    if match is None:
        kind = "a share in per cent, such as 3%" if pattern is _SHARE else "a time, such as 20ms"
        raise MisuseError(f"{word} takes {kind}, not {value!r}")
    return float(match[1])
