"""The syntax tree: what was written, token for token, with offsets; spaces, line ends and comments lie between.

One class of node for all rules of the grammar: whoever needs more asks for children by rule or by kind. `depth` is
bounded by the parser, so that recursion over a tree is safe.
"""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.values import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, string or sign of the text."""

    kind: str
    """Name of its terminal in the grammar: `NAME`, `STRING`, `CALL` for the keyword call, `ERROR` for unread text."""
    text: str
    start: int
    """Offset in characters from the start of the source."""

    @property
    def end(self) -> int:
        """Offset behind its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Node:
    """A rule of the grammar applied to a stretch of the text."""

    rule: str
    children: tuple[Node | Token, ...]
    start: int
    end: int
    depth: int
    """1 for a node of tokens only, else one more than its deepest child."""

    def nodes(self, *rules: str) -> Iterator[Node]:
        """Children that are nodes of one of these rules (of any rule when none is given), in order."""
        return (child for child in self.children if isinstance(child, Node) and (not rules or child.rule in rules))

    def node(self, *rules: str) -> Node | None:
        """First child that is a node of one of these rules."""
        for child in self.children:
            if isinstance(child, Node) and (not rules or child.rule in rules):
                return child
        return None

    def tokens(self, *kinds: str) -> Iterator[Token]:
        """Children that are tokens of one of these kinds, in order."""
        return (child for child in self.children if isinstance(child, Token) and child.kind in kinds)

    def token(self, *kinds: str) -> Token | None:
        """First child that is a token of one of these kinds."""
        for child in self.children:
            if isinstance(child, Token) and child.kind in kinds:
                return child
        return None

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += [child for child in reversed(node.children) if isinstance(child, Node)]


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole file."""

    root: Node
    comments: tuple[Token, ...] = ()
    """In order; the offsets say where each belongs."""
    broken: tuple[tuple[int, int], ...] = ()
    """Offsets (start, end) of the stretches that could not be read."""
