"""Diagnostics as values: what is wrong, where, what would be right. `sipflow.lang.rendering` shows them to people."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable
from dataclasses import replace as replace_fields
from typing import Any

from sipflow.ir.span import Span
from sipflow.lang.source import Source
from sipflow.values import dataclass

MAX_DIAGNOSTICS = 100
"""A file with more mistakes than that is no scenario; the rest is not shown."""


class Severity(enum.Enum):
    """How bad it is: only errors keep a scenario from running."""

    ERROR = "error"
    WARNING = "warning"


_MAX_LIKENED = 40
"""Longer words are no misspellings."""
_MAX_CANDIDATES = 200
"""Looking for likenesses costs time; nobody knows more names than that by heart."""


@dataclass(frozen=True, slots=True)
class Label:
    """A note at a place of the source."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of what `span` covers."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that makes the mistake go away, fit to be applied by a machine."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake."""

    code: str
    """`SF203`; `sipflow.lang.codes` explains each."""
    severity: Severity
    message: str
    """One line, without a full stop."""
    span: Span
    label: str = ""
    """What stands beside the carets."""
    secondary: tuple[Label, ...] = ()
    help: str = ""
    fix: Fix | None = None


class Reporter:
    """Collects the diagnostics of one source, beside those of the other sources of a program."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        """Of all sources that are read together."""
        self.muted = False
        """Whether what is reported follows from a mistake that was reported already."""
        self.notes: tuple[Label, ...] = ()
        """Calls of definitions through which one came here; for diagnostics that do not stand there themselves."""
        self.at: Span | None = None
        """With notes: the statement that is read. What is wrong may stand elsewhere, in an argument."""
        self._said: set[tuple[str, Span]] = set()

    def beside(self, source: Source, notes: tuple[Label, ...] = ()) -> Reporter:
        """A reporter for another source, or for the same one read again, into the same list."""
        other = Reporter(source)
        other.diagnostics, other._said, other.notes = self.diagnostics, self._said, notes
        return other

    @property
    def full(self) -> bool:
        """Whether so much is wrong that nobody needs to hear of more."""
        return len(self.diagnostics) >= MAX_DIAGNOSTICS

    def error(self, code: str, message: str, where: Span, label: str = "", **more: Any) -> None:
        """Add an error; `more` are fields of `Diagnostic`."""
        self._add(Diagnostic(code, Severity.ERROR, message, where, label, **more))

    def warning(self, code: str, message: str, where: Span, label: str = "", **more: Any) -> None:
        """Add a warning."""
        self._add(Diagnostic(code, Severity.WARNING, message, where, label, **more))

    def _add(self, diagnostic: Diagnostic) -> None:
        """The body of a definition is read for every call of it: what is wrong there is said once."""
        key = (diagnostic.code, diagnostic.span)
        if self.full or self.muted or (key in self._said and diagnostic.span.end > 0):
            return
        self._said.add(key)
        self.diagnostics.append(diagnostic if not self.notes else self._with_notes(diagnostic))

    def _with_notes(self, diagnostic: Diagnostic) -> Diagnostic:
        notes = [note for note in self.notes if not note.span.covers(diagnostic.span)]
        if self.at is not None and not self.at.covers(diagnostic.span):
            notes.insert(0, Label(self.at, "it is used here"))
        return replace_fields(diagnostic, secondary=(*diagnostic.secondary, *notes))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def replace(span: Span, text: str, title: str | None = None) -> Fix:
    """The fix that writes `text` in place of `span`."""
    return Fix(title or f"write `{text}`", (Edit(span, text),))


def apply_fix(text: str, fix: Fix) -> str:
    """`text` with the edits of `fix` carried out."""
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was most probably meant, if any is near."""
    import difflib  # most texts have no mistake of this kind, and need not wait for it

    if len(word) > _MAX_LIKENED:
        return None
    alike = (name for name in known if abs(len(name) - len(word)) <= _MAX_LIKENED // 8)
    folded = {name.lower(): name for name in itertools.islice(alike, _MAX_CANDIDATES)}
    found = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=cutoff)
    return folded[found[0]] if found else None


def render(diagnostic: Diagnostic, text: str) -> str:
    """A diagnostic as people read it, with the lines of `text`, the source that it is about; ends with a line end."""
    from sipflow.lang.rendering import render_one

    return render_one(diagnostic, Source(diagnostic.span.source, text))


def diagnostic_to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The JSON form of a diagnostic, as `sipflow check --format json` prints it."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "span": span_to_json(diagnostic.span),
        "label": diagnostic.label,
        "secondary": [{"span": span_to_json(label.span), "text": label.text} for label in diagnostic.secondary],
        "help": diagnostic.help,
        "fix": None if diagnostic.fix is None else _fix_to_json(diagnostic.fix),
    }


def span_to_json(span: Span) -> dict[str, Any]:
    """The JSON form of a span."""
    return {
        "source": span.source,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "start": span.start,
        "end": span.end,
    }


def _fix_to_json(fix: Fix) -> dict[str, Any]:
    edits = [{"span": span_to_json(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "edits": edits}
