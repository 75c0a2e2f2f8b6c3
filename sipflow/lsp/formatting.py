"""Formatting: the one way to lay a text out, as the fewest edits that lead to it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from lsprotocol import types

from sipflow.lang.format import format_text
from sipflow.lsp.analysis import Document

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def format_document(document: Document) -> list[types.TextEdit]:
    """The edits that lay the whole text out; none for a text with syntax errors, which nobody could lay out safely."""
    return list(_edits(document, 0, document.text.count("\n") + 1))


def format_range(document: Document, start: int, end: int) -> list[types.TextEdit]:
    """Those edits of the whole that touch the lines of a range."""
    return list(_edits(document, document.positions.line(start), document.positions.line(end)))


def format_block(document: Document, offset: int) -> list[types.TextEdit]:
    """What a `}` that was typed just now closes, laid out."""
    path, _ = document.path_to(max(offset - 1, 0))
    closed = [node for node in path if node.end == offset and node.rule not in ("file", "statement")]
    if not closed or document.text[offset - 1 : offset] != "}":
        return []
    return format_range(document, closed[0].start, closed[0].end)


def _edits(document: Document, first: int, last: int) -> Iterator[types.TextEdit]:
    """Edits of whole lines, for the lines from `first` to `last` only."""
    formatted = _formatted(document)
    if formatted is None or formatted == document.text:
        return
    old, new = _LINE.findall(document.text), _LINE.findall(formatted)
    starts = _starts(old)
    for tag, old_start, old_end, new_start, new_end in _changes(old, new):
        if tag != "equal" and old_start <= last and (first < old_end or first <= old_start):
            where = document.positions.range(starts[old_start], starts[old_end])
            yield types.TextEdit(where, "".join(new[new_start:new_end]))


def _changes(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _starts(lines: list[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _formatted(document: Document) -> str | None:
    """The text laid out, None when it cannot be."""
    return format_text(document.text).text
