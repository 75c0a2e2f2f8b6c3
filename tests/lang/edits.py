"""Edits as somebody makes them who is in the middle of writing."""

from __future__ import annotations

import random

INSERTS = [
    "\n",
    " ",
    "x",
    "1",
    '"',
    '"""',
    "{",
    "}",
    "#",
    "on ",
    "\non bob {\n",
    "\nagent carl\n",
    ";",
    "else",
    "/",
    "(",
]


def edited(text: str, rng: random.Random) -> str:
    """The text with something put in or taken out."""
    place = rng.randrange(len(text) + 1)
    if rng.random() < 0.5:
        return text[:place] + rng.choice(INSERTS) + text[place:]
    return text[:place] + text[place + rng.choice([1, 1, 5, 40]) :]
