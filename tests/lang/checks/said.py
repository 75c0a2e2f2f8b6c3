"""What is said about a text."""

from __future__ import annotations

from sipflow.lang import CompileResult, Severity, compile_text
from sipflow.lang.diagnostics import Diagnostic
from tests.lang.probe import FakeLibrary

BOB = "\non bob: answer; expect hangup\n"
"""Somebody who can be called."""


def compiled(text: str, **texts: str) -> CompileResult:
    """The result for a text; `texts` are files that it may import, by name without `.sflow`."""
    return compile_text(text, "test.sflow", files=FakeLibrary(**texts))


def codes(text: str, **texts: str) -> list[str]:
    """The codes of all diagnostics, in the order of the text."""
    return [found.code for found in compiled(text, **texts).diagnostics]


def only(text: str, code: str, **texts: str) -> Diagnostic:
    """The one diagnostic of a text, which has this code."""
    (found,) = compiled(text, **texts).diagnostics
    assert found.code == code
    return found


def words(text: str, found: Diagnostic) -> str:
    """The part of the text that a diagnostic stands at."""
    return text[found.span.start : found.span.end]


def notes(text: str, found: Diagnostic) -> list[str]:
    """The other parts of the text that it speaks of."""
    return [text[label.span.start : label.span.end] for label in found.secondary]


__all__ = ["BOB", "Severity", "codes", "compiled", "notes", "only", "words"]
