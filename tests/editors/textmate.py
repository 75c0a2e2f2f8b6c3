"""A TextMate grammar at work, as far as ours needs one: match, begin/end, captures with patterns, includes.

`test_textmate.py` holds it against vscode-textmate, where that is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

Rule = dict[str, Any]
Scopes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a line with the scopes that it has."""

    start: int
    end: int
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Frame:
    """A rule that has begun and not ended."""

    rule: Rule
    scopes: Scopes
    """Of what stands in it."""


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Tokenizer:
    """Tokenizes text line by line with one grammar."""

    def __init__(self, grammar: Rule) -> None:
        self.grammar = grammar

    def tokenize(self, text: str) -> list[list[Span]]:
        """Spans of each line; offsets are within the line."""
        stack = [Frame(self.grammar, (self.grammar["scopeName"],))]
        return [list(self._spans(line + "\n", 0, len(line) + 1, stack)) for line in text.split("\n")]

    def _spans(self, line: str, start: int, end: int, stack: list[Frame]) -> Iterator[Span]:
        """Spans of a stretch; the stack is left as it is at its end."""
        position = start
        while position <= end:
            found = self._next(line[:end], position, stack[-1])
            if found is None:
                break
            rule, match = found
            yield from _span(position, match.start(), stack[-1].scopes)
            yield from self._apply(rule, match, stack)
            position = match.end()
            if position == end and match.start() == match.end():
                break
        yield from _span(position, end, stack[-1].scopes)

    def _next(self, line: str, position: int, frame: Frame) -> tuple[Rule | None, re.Match[str]] | None:
        """The leftmost match; among equals the end of the open rule, then the first in order. No rule: the end."""
        best: tuple[Rule | None, re.Match[str]] | None = None
        candidates: list[tuple[Rule | None, str]] = [(None, frame.rule["end"])] if "end" in frame.rule else []
        candidates += [(rule, rule.get("match") or rule["begin"]) for rule in self._flat(frame.rule["patterns"])]
        for rule, pattern in candidates:
            match = compiled(pattern).search(line, position)
            if match is not None and (best is None or match.start() < best[1].start()):
                best = rule, match
        return best

    def _flat(self, patterns: list[Rule]) -> Iterator[Rule]:
        for rule in patterns:
            if "include" in rule:
                yield from self._flat([self.grammar["repository"][rule["include"].removeprefix("#")]])
            elif "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self._flat(rule["patterns"])

    def _apply(self, rule: Rule | None, match: re.Match[str], stack: list[Frame]) -> Iterator[Span]:
        if rule is None:
            frame = stack[-1]
            yield from self._captured(match, frame.rule.get("endCaptures", {}), frame.scopes)
            stack.pop()
            return
        scopes = (*stack[-1].scopes, *rule.get("name", "").split())
        yield from self._captured(match, rule.get("captures") or rule.get("beginCaptures", {}), scopes)
        if "begin" in rule:
            stack.append(Frame({"patterns": [], **rule}, scopes))

    def _captured(self, match: re.Match[str], captures: Rule, scopes: Scopes) -> Iterator[Span]:
        """Spans of a match: its captures in order, none of which lies in another one here, and what is between."""
        position = match.start()
        for number, capture in sorted((int(number), capture) for number, capture in captures.items()):
            start, end = match.span(number)
            if start < 0 or start == end:
                continue
            yield from _span(position, start, scopes)
            inner = (*scopes, *capture.get("name", "").split())
            yield from self._spans(match.string, start, end, [Frame({"patterns": capture.get("patterns", [])}, inner)])
            position = end
        yield from _span(position, match.end(), scopes)


def _span(start: int, end: int, scopes: Scopes) -> Iterator[Span]:
    if end > start:
        yield Span(start, end, scopes)
