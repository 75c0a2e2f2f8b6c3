"""Statements where they stand."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.lang.lower.jumps import Around
from sipflow.lang.lower.places import Place
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass, replace

CLAUSES = ("on_call", "within", "named", "with_block", "where")
_STATEMENTS = ("statement", "if_statement", "repeat", "while_statement", "choose", "invoke", "broken")


@dataclass(frozen=True, slots=True)
class Site:
    """A statement, and where it stands."""

    node: Node
    place: Place
    following: Place
    """Where it goes on behind it."""
    around: Around
    node_id: str

    def in_else(self) -> Around:
        """What is around the statements of its `else`, and what follows in the sequence is where `recover` leads."""
        around = self.around
        return replace(
            around,
            prefix=f"{self.node_id}.else",
            exit=Place(),
            recover=self.following,
            else_depth=around.else_depth + 1,
            level=around.level + 1,
        )

    def in_block(self, name: str, exit: Place) -> Around:
        """What is around the statements of one of its blocks."""
        return replace(self.around, prefix=f"{self.node_id}.{name}", exit=exit, level=self.around.level + 1)


def statements_of(node: Node) -> list[Node]:
    """The statements of a lane, an `else`, an arm or a block."""
    block = node.node("block")
    return list((block or node).nodes(*_STATEMENTS))


def end_of_head(node: Node) -> int:
    """Where a statement ends without its `else`, its blocks and its arms."""
    return max((child.end for child in _head_of(node)), default=node.end)


def _head_of(node: Node) -> Iterator[Node | Token]:
    for child in node.children:
        if isinstance(child, Node) and child.rule in ("otherwise", "block"):
            return
        if isinstance(child, Token) and child.kind == "LBRACE":
            return
        yield child
