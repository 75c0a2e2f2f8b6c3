"""Identifiers that must be unique or hard to guess: branches, tags, Call-IDs (RFC 3261 sections 8.1.1 and 19.3)."""

from __future__ import annotations

import random

MAGIC_COOKIE = "z9hG4bK"
"""Starts every branch made by RFC 3261's rules (section 8.1.1.7)."""


class Ids:
    """Draws identifiers from the random source of a run, so that a seed repeats them."""

    __slots__ = ("_bits", "_host")

    def __init__(self, source: random.Random, host: str) -> None:
        self._bits = source.getrandbits
        self._host = host

    def branch(self) -> str:
        """A new transaction's branch: 64 random bits after the magic cookie."""
        return f"{MAGIC_COOKIE}{self._bits(64):016x}"

    def tag(self) -> str:
        """A dialog's local tag: 48 random bits, more than the 32 that section 19.3 asks for."""
        return f"{self._bits(48):012x}"

    def call_id(self) -> str:
        """A Call-ID: 96 random bits and our host."""
        return f"{self._bits(96):024x}@{self._host}"

    def session_id(self) -> int:
        """The numeric session id of an SDP origin line (RFC 4566 section 5.2), small enough for any parser."""
        return self._bits(31) + 1
