"""Where something stands in a source text."""

from __future__ import annotations

from sipflow.values import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of a source. Lines and columns count from 1, in characters; offsets from 0."""

    source: str
    """Name of the source as the user gave it: a path, or `<text>`."""
    line: int
    column: int
    end_line: int
    end_column: int
    start: int = 0
    end: int = 0

    def covers(self, other: Span) -> bool:
        """Whether `other` lies in this stretch of the same source."""
        return self.source == other.source and self.start <= other.start and other.end <= self.end


NOWHERE = Span("", 0, 0, 0, 0)
"""Span of things that no text stands for."""
