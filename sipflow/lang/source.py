"""A source text, and where things stand in it."""

from __future__ import annotations

from bisect import bisect_right

from sipflow.ir.span import Span
from sipflow.values import dataclass, field

MAX_SOURCE_CHARACTERS = 1 << 20
"""Longer texts are refused unread: a scenario that a person wrote has some kilobytes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A named text."""

    name: str
    text: str
    line_starts: list[int] = field(init=False, repr=False, compare=False, default_factory=lambda: [0])

    def __post_init__(self) -> None:
        find = self.text.find
        newline = find("\n")
        while newline >= 0:
            self.line_starts.append(newline + 1)
            newline = find("\n", newline + 1)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The span of the characters from `start` to before `end`."""
        line, column = self.position(start)
        same_line = start <= end and (line == len(self.line_starts) or end < self.line_starts[line])
        end_line, end_column = (line, column + end - start) if same_line else self.position(end)
        return Span(self.name, line, column, end_line, end_column, start, end)

    def line(self, number: int) -> str:
        """Text of a line (from 1) without its line end; empty past the last line."""
        if not 1 <= number <= len(self.line_starts):
            return ""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")
