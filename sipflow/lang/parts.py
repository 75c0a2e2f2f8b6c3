"""Parsing a text part by part, for an editor that compiles it at every key: what did not change is not parsed again.

A part begins with one of a few words in the first column. When every part is without a mistake on its own, the tree of
the whole is theirs side by side: each ends with a line end, where neither scanner nor automaton hold anything back. A
part with a mistake may be one that a string or a block runs out of, so then the whole has to be parsed.
"""

from __future__ import annotations

import re
from itertools import pairwise

from sipflow.lang.diagnostics import Reporter
from sipflow.lang.driver import Driver
from sipflow.lang.scanner import MAX_TOKENS, scan
from sipflow.lang.source import Source
from sipflow.lang.syntax import Node, Token, Tree
from sipflow.lang.tables import load_tables
from sipflow.values import dataclass

_PART = re.compile(r"^(?:agent|data|define|import|let|load|on|scenario|timeout)\b", re.MULTILINE)
_MOST_REMEMBERED = 2000
_MOST_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True)
class _Part:
    """A part without a mistake, as it was when it was last met."""

    start: int
    root: Node
    comments: tuple[Token, ...]
    tokens: int

    def at(self, start: int) -> _Part:
        """The same part elsewhere in a text."""
        if start == self.start:
            return self
        by = start - self.start
        comments = tuple(_moved_token(comment, by) for comment in self.comments)
        return _Part(start, _moved(self.root, by), comments, self.tokens)


def _moved(node: Node, by: int) -> Node:
    children = [_moved(child, by) if isinstance(child, Node) else _moved_token(child, by) for child in node.children]
    return Node(node.rule, tuple(children), node.start + by, node.end + by, node.depth)


def _moved_token(token: Token, by: int) -> Token:
    return Token(token.kind, token.text, token.start + by)


class PartMemory:
    """The parts of the texts that were parsed lately."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}
        self._characters = 0

    def tree(self, source: Source) -> Tree | None:
        """The tree of a text whose parts have no mistakes; None when it has to be parsed as a whole."""
        text = source.text
        starts = [0, *(found.start() for found in _PART.finditer(text) if found.start() > 0), len(text)]
        parts = []
        for start, end in pairwise(starts):
            part = self._part(source, start, end)
            if part is None:
                return None
            parts.append(part)
        if sum(part.tokens for part in parts) > MAX_TOKENS:
            return None
        return _joined(parts)

    def _part(self, source: Source, start: int, end: int) -> _Part | None:
        text = source.text[start:end]
        known = self._parts.get(text)
        part = _parsed(source, start, end) if known is None else known.at(start)
        if part is not None and part is not known:
            self._remember(text, part, known is None)
        return part

    def _remember(self, text: str, part: _Part, new: bool) -> None:
        if new:
            self._characters += len(text)
            if len(self._parts) >= _MOST_REMEMBERED or self._characters > _MOST_CHARACTERS:
                self._parts.clear()
                self._characters = len(text)
        self._parts[text] = part


def _parsed(source: Source, start: int, end: int) -> _Part | None:
    report = Reporter(source)
    scanned = scan(source.text, report, start, end)
    if report.diagnostics or scanned.too_long:
        return None
    root = Driver(load_tables(), scanned, report).tree()
    return None if report.diagnostics else _Part(start, root, scanned.comments, len(scanned.tokens))


def _joined(parts: list[_Part]) -> Tree:
    children = tuple(child for part in parts for child in part.root.children)
    depth = max(part.root.depth for part in parts)
    start, end = (children[0].start, children[-1].end) if children else (0, 0)
    comments = tuple(comment for part in parts for comment in part.comments)
    return Tree(Node("file", children, start, end, depth), comments)
