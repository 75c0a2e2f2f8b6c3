"""Names of the language for labels and ids of the builder, and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

RESERVED = frozenset((
    "on", "as", "with", "within", "else", "where", "to", "for", "from", "at", "in", "and", "or", "not", "matches",
    "matching", "contains", "expect", "if", "true", "false", "secret", "env",
))  # fmt: skip
"""Words that the language never takes for a name."""
MAX_LENGTH = 40


def identifier(text: str, otherwise: str) -> str:
    """`text` as a name: ASCII letters, digits and `_`; `otherwise` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_")[:MAX_LENGTH]
    if not name:
        return otherwise
    if name[0].isdigit():
        name = f"{otherwise}_{name}"
    return f"{name}_" if name in RESERVED else name


def agent_name(label: str, dn: str) -> str:
    """The name of an agent: of its label, of its number where the label gives none."""
    return identifier(label if identifier(label, "") else dn, "agent")


def unique(name: str, taken: Container[str]) -> str:
    """`name`, with a number behind it when it is taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def call_name(call_id: str) -> str:
    """The name of a call whose `callId` this is: `call_1` for `call-1`."""
    return identifier(call_id, "call")


def call_id(name: str) -> str:
    """The `callId` of a call with this name: `call-1` for `call_1`."""
    return re.sub(r"^call_(\d+)$", r"call-\1", name)
