"""What there is to know of every construct of the language: one entry for each rule of the grammar."""

from __future__ import annotations

from sipflow.lang.codes import CODES
from sipflow.lsp.knowledge.entry import Entry, markdown
from sipflow.lsp.knowledge.events import EVENT_WORDS, EVENTS
from sipflow.lsp.knowledge.expressions import (
    EXPRESSIONS,
    FUNCTIONS,
    KIND_WORDS,
    MEASUREMENTS,
    MESSAGE_WORDS,
    UNIT_WORDS,
    WORDS,
)
from sipflow.lsp.knowledge.parts import LOAD, PARTS, SERVERS, SETTINGS
from sipflow.lsp.knowledge.statements import CALLS, CLAUSES, EDITS, FLOW, MEDIA

RULES: dict[str, Entry] = {
    **PARTS, **SETTINGS, **SERVERS, **LOAD, **CALLS, **MEDIA, **FLOW, **CLAUSES, **EDITS, **EVENTS, **EXPRESSIONS,
}  # fmt: skip
"""Rule of the grammar to what is known of it."""

__all__ = [
    "EVENTS",
    "EVENT_WORDS",
    "FUNCTIONS",
    "KIND_WORDS",
    "MEASUREMENTS",
    "MESSAGE_WORDS",
    "RULES",
    "UNIT_WORDS",
    "WORDS",
    "Entry",
    "explain",
    "explain_code_text",
    "markdown",
]


def explain(key: str) -> str:
    """What is known under a key such as `rule:call`, `event:ringing`, `word:codecs/pcmu`; empty for nothing."""
    kind, _, name = key.partition(":")
    if kind == "measurement":
        return MEASUREMENTS.get(name, "")
    if kind == "message":
        return MESSAGE_WORDS.get(name, "")
    entry = _entry(kind, name)
    return "" if entry is None else markdown(entry)


def explain_code_text(code: str) -> str:
    """What is known of a diagnostic code; empty for one that does not exist."""
    known = CODES.get(code)
    if known is None:
        return ""
    return "\n\n".join(part for part in (f"**{known.code}**: {known.title}", known.explanation, known.why) if part)


def _entry(kind: str, name: str) -> Entry | None:
    if kind == "word":
        rule, _, word = name.partition("/")
        return WORDS.get(rule, {}).get(word)
    tables = {"rule": RULES, "event": EVENT_WORDS, "function": FUNCTIONS, "unit": UNIT_WORDS}
    return tables.get(kind, {}).get(name)
