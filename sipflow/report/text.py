"""Text that strangers sent, as files can hold it: it may have bytes that are no UTF-8, and control characters."""

from __future__ import annotations

import re

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
"""How Python carries bytes that are no UTF-8; no encoding has a place for them, and other languages' JSON has none."""


def encodable(text: str) -> str:
    """The text with U+FFFD for every byte that is no UTF-8."""
    return text if text.isascii() else _LONE_SURROGATES.sub("\ufffd", text)


def printable(text: str) -> str:
    """The text without characters that XML has no place for; lines and tabs stay."""
    return "".join([char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text])
