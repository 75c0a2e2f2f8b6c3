"""Literals: what numbers, quantities and strings of the text mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sipflow.ir.expr import Quantity, Unit
from sipflow.values import dataclass

UNITS: dict[str, tuple[Unit, float]] = {
    "ms": (Unit.MILLISECOND, 1.0),
    "s": (Unit.MILLISECOND, 1000.0),
    "m": (Unit.MILLISECOND, 60_000.0),
    "h": (Unit.MILLISECOND, 3_600_000.0),
    "/s": (Unit.PER_SECOND, 1.0),
    "/m": (Unit.PER_SECOND, 1 / 60),
    "/h": (Unit.PER_SECOND, 1 / 3600),
    "%": (Unit.PERCENT, 1.0),
    "ppm": (Unit.PARTS_PER_MILLION, 1.0),
    "Hz": (Unit.HERTZ, 1.0),
    "kHz": (Unit.HERTZ, 1000.0),
    "dB": (Unit.DECIBEL, 1.0),
    "B": (Unit.BYTE, 1.0),
    "kB": (Unit.BYTE, 1000.0),
    "MB": (Unit.BYTE, 1_000_000.0),
}
"""Unit as written to the unit in which quantities are kept, and the factor."""

UNIT_ALIASES = {"sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minutes": "m"} | {
    "msec": "ms", "millis": "ms", "hz": "Hz", "khz": "kHz", "db": "dB", "kb": "kB", "mb": "MB", "hours": "h", "S": "s",
}  # fmt: skip
"""What people write instead."""

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PIECE = re.compile(r"\\u\{([0-9a-fA-F]{1,6})\}|\\([\s\S])|\$\{((?:[^\"{}\\\n]|\"[^\"\\\n]*\")*)\}|([^\\$]+|\$(?!\{))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def split_quantity(text: str) -> tuple[float, str]:
    """Number and unit of a quantity as written."""
    found = _NUMBER.match(text)
    assert found is not None, "the scanner saw digits first"
    return float(found.group()), text[found.end() :]


def quantity(number: float, unit: str) -> Quantity | None:
    """The quantity, None for a unit that does not exist."""
    if unit not in UNITS:
        return None
    kept, factor = UNITS[unit]
    return Quantity(round(number * factor, 9), kept)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a string."""

    kind: str
    """`text`, `expression` (its source lies from `start` to `end`) or `bad` (a wrong escape)."""
    text: str
    start: int
    end: int
    """Offsets in the source."""


def pieces(content: str, offset: int) -> Iterator[Piece]:
    """The parts of what stands between the quotes of a string; `offset` is where that begins in the source."""
    position = 0
    while position < len(content):
        found = _PIECE.match(content, position)
        if found is None:
            yield Piece("bad", content[position:], offset + position, offset + len(content))
            return
        yield _piece(found, offset)
        position = found.end()


def _piece(found: re.Match[str], offset: int) -> Piece:
    code, escape, expression, text = found.groups()
    start, end = offset + found.start(), offset + found.end()
    if expression is not None:
        return Piece("expression", expression, start + 2, end - 1)
    if text is not None:
        return Piece("text", text, start, end)
    char = _character(code) if code is not None else _ESCAPES.get(escape)
    return Piece("bad", found.group(), start, end) if char is None else Piece("text", char, start, end)


def _character(code: str) -> str | None:
    number = int(code, 16)
    return chr(number) if number < 0xD800 or 0xE000 <= number <= 0x10FFFF else None
