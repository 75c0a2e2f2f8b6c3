"""What is known of one construct of the language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule of the grammar, for the person who reads or writes one."""

    syntax: str
    """How it is written: optional parts in brackets, what stands for something else in capitals."""
    text: str
    """What it does; whole sentences."""
    messages: str = ""
    """What it sends or waits for on the wire."""
    source: str = ""
    """Where that is defined."""
    snippet: str = ""
    """How an editor puts it in, with places to fill in (LSP 3.17, "Snippet Syntax"); empty for the word alone."""


def markdown(entry: Entry) -> str:
    """An entry as an editor shows it."""
    wire = f"On the wire: {entry.messages}" if entry.messages else ""
    source = f" ({entry.source})" if entry.source and wire else entry.source
    parts = [f"```sflow\n{entry.syntax}\n```", entry.text, f"{wire}{source}"]
    return "\n\n".join(part for part in parts if part)
