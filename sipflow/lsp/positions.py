"""Places in a text as editors say them: lines and columns, in the units that were agreed on.

The protocol ends lines at `\\n`, `\\r\\n` and `\\r`, and nowhere else; columns count UTF-8 bytes, UTF-16 units or
characters (LSP 3.17, "Position"). sipflow counts characters from the start of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from lsprotocol import types

_LINE_END = re.compile(r"\r\n|\n|\r")
UTF8, UTF16, UTF32 = "utf-8", "utf-16", "utf-32"


def units(text: str, encoding: str) -> int:
    """How many units of `encoding` a text takes; lone surrogates are counted as any character of their size."""
    if encoding == UTF32 or text.isascii():
        return len(text)
    if encoding == UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(char > "\uffff" for char in text)


class Positions:
    """Offsets of one text to positions of the protocol and back; any position has an offset, the nearest there is."""

    def __init__(self, text: str, encoding: str = UTF16) -> None:
        self.text = text
        self.encoding = encoding
        self._starts = [0]
        self._ends: list[int] = []
        for found in _LINE_END.finditer(text):
            self._ends.append(found.start())
            self._starts.append(found.end())
        self._ends.append(len(text))

    def position(self, offset: int) -> types.Position:
        """The position of an offset; of the line's end for one inside of a line end."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        column = self.text[self._starts[line] : min(offset, self._ends[line])]
        return types.Position(line, units(column, self.encoding))

    def offset(self, position: types.Position) -> int:
        """The offset of a position; a place inside of a character is where the character begins."""
        if position.line >= len(self._starts):
            return len(self.text)
        line = max(position.line, 0)
        start, end = self._starts[line], self._ends[line]
        return start + _characters(self.text[start:end], position.character, self.encoding)

    def range(self, start: int, end: int) -> types.Range:
        """The range of the characters from `start` to before `end`."""
        return types.Range(self.position(start), self.position(end))

    def offsets(self, where: types.Range) -> tuple[int, int]:
        """Start and end of a range, in order."""
        start, end = self.offset(where.start), self.offset(where.end)
        return min(start, end), max(start, end)

    def line(self, offset: int) -> int:
        """Number of the line (from 0) that an offset lies on."""
        return bisect_right(self._starts, offset) - 1

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return self._starts[self.line(offset)]

    @property
    def end(self) -> types.Position:
        """The end of the text."""
        return self.position(len(self.text))


def _characters(line: str, column: int, encoding: str) -> int:
    """How many characters of `line` lie before a column."""
    if encoding == UTF32 or line.isascii():
        return min(max(column, 0), len(line))
    taken = 0
    for index, char in enumerate(line):
        taken += units(char, encoding)
        if taken > column:
            return index
    return len(line)


def apply_changes(text: str, changes: Iterable[types.TextDocumentContentChangeEvent], encoding: str) -> str:
    """`text` after the changes that an editor tells of, one after the other."""
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            start, end = Positions(text, encoding).offsets(change.range)
            text = text[:start] + change.text + text[end:]
        else:
            text = change.text
    return text
