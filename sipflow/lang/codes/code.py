"""What is said about a diagnostic code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of mistake, for the person who meets it: `sipflow explain CODE`, docs/diagnostics.md."""

    code: str
    """`SF203`; a number is never given to another kind of mistake later."""
    title: str
    """A few words, lower case, no full stop."""
    explanation: str
    """What it means. Whole sentences; code stands in backquotes."""
    why: str = ""
    """Why it matters: what would happen in a run, what a user would wonder about."""
    example: str = ""
    """A short program that has this diagnostic, and no other."""
    instead: str = ""
    """The same program made right: it checks clean."""
    shown: str = ""
    """What the example's run says, for a code that only a run gives; the other ones are rendered by checking it."""
