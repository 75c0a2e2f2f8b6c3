"""Diagnostics as people read them: the source line, carets, labels, help.

error[SF203]: unknown agent `bbo`
  --> ivr.sflow:7:16
   |
 7 | on alice: call bbo; play "greet.wav"
   |                ^^^ not declared, and no lane has this name
   |
help: did you mean `bob`? (declared at line 5)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Diagnostic
from sipflow.lang.source import Source
from sipflow.values import dataclass

TAB_COLUMNS = 4
MAX_LINE_COLUMNS = 160
"""Longer source lines are shown as a window around what is marked."""


@dataclass(frozen=True, slots=True)
class _Mark:
    span: Span
    text: str
    sign: str


def render_one(diagnostic: Diagnostic, source: Source, others: Mapping[str, Source] | None = None) -> str:
    """One diagnostic with the lines of `source`, and of `others` by name, that it speaks of; ends with a line end."""
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    marks = _marks(diagnostic)
    if not marks:
        place = [f"  --> {_clean(diagnostic.span.source)}"] if diagnostic.span.source else []
        return "\n".join([head, *place, *_help(diagnostic)]) + "\n"
    sources = {source.name: source, **(others or {})}
    gutter = " " * len(str(max(mark.span.line for mark in marks)))
    lines = [line for part in _by_source(marks, sources) for line in _part(part, sources, gutter, diagnostic.span)]
    return "\n".join([head, *lines, *_help(diagnostic)]) + "\n"


def _marks(diagnostic: Diagnostic) -> list[_Mark]:
    if diagnostic.span.line == 0:
        return []
    secondary = [_Mark(label.span, label.text, "-") for label in diagnostic.secondary]
    return [_Mark(diagnostic.span, diagnostic.label, "^"), *secondary]


def _by_source(marks: list[_Mark], sources: Mapping[str, Source]) -> list[list[_Mark]]:
    """Marks in the order of the text, those of the diagnostic's own source first; unknown sources are left out."""
    parts: dict[str, list[_Mark]] = {}
    for mark in marks:
        if mark.span.source in sources or mark.sign == "^":
            parts.setdefault(mark.span.source, []).append(mark)
    return [sorted(part, key=lambda mark: mark.span) for part in parts.values()]


def _part(marks: list[_Mark], sources: Mapping[str, Source], gutter: str, main: Span) -> list[str]:
    """The lines of one source."""
    own = marks[0].span.source == main.source
    arrow, first = ("-->", main) if own else (":::", marks[0].span)
    source = sources.get(first.source) or Source(first.source, "")
    where = f"{gutter} {arrow} {_clean(first.source)}:{first.line}:{first.column}"
    return [where, *_excerpt(marks, source, gutter)]


def _help(diagnostic: Diagnostic) -> list[str]:
    if diagnostic.help:
        return [f"help: {diagnostic.help}"]
    return [f"help: {diagnostic.fix.title}"] if diagnostic.fix is not None else []


def _excerpt(marks: list[_Mark], source: Source, gutter: str) -> list[str]:
    bar = f"{gutter}  |"
    lines = [bar]
    shown = 0
    for mark in marks:
        number = mark.span.line
        window = _Window(source.line(number), mark.span)
        if number != shown:
            lines += [f"{gutter} ..."] if shown and number > shown + 1 else []
            lines.append(f" {number:>{len(gutter)}} | {window.text}".rstrip())
        shown = number
        lines.append(f"{bar} {' ' * window.indent}{mark.sign * window.width} {mark.text}".rstrip())
    return [*lines, bar]


class _Window:
    """The part of a source line that is shown, and where the mark stands in it, in columns of the terminal."""

    def __init__(self, line: str, span: Span) -> None:
        first = min(span.column - 1, len(line))
        last = len(line) if span.end_line > span.line else min(span.end_column - 1, len(line))
        start = max(0, first - MAX_LINE_COLUMNS // 2) if len(line) > MAX_LINE_COLUMNS else 0
        shown = line[start : start + MAX_LINE_COLUMNS]
        before, after = "…" if start else "", "…" if start + MAX_LINE_COLUMNS < len(line) else ""
        self.text = before + _clean(shown) + after
        self.indent = _columns(before + _clean(line[start:first]))
        self.width = max(1, min(_columns(_clean(line[first:last])), MAX_LINE_COLUMNS))


def _clean(text: str) -> str:
    """`text` with tabs as spaces and no character that a terminal would obey."""
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char == "\t":
        return " " * TAB_COLUMNS
    if char.isprintable():
        return char
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "�"


def _columns(text: str) -> int:
    """Width of `text` in a terminal: wide characters take two columns, combining ones none."""
    return sum(_char_columns(char) for char in text)


def _char_columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
