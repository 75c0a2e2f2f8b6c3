"""The clauses behind a statement: `as`, `with`, `on`, `within`, `where`.

Whoever can use one takes it; what is left over does not belong to the statement.
"""

from __future__ import annotations

from collections.abc import Mapping

from sipflow.ir.expr import Expr, Unit
from sipflow.ir.ops import With
from sipflow.lang.lower.expressions import ExpressionReader
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.messages import OF_OTHERS, read_with
from sipflow.lang.syntax import Node, Token

_WORDS = {"on_call": "on", "within": "within", "named": "as", "with_block": "with", "where": "where"}


class Clauses:
    """Clauses of one statement, each to be taken once."""

    def __init__(self, nodes: list[Node], reader: ExpressionReader) -> None:
        self._reader = reader
        self._left: dict[str, Node] = {}
        for node in nodes:
            self._keep(node)

    def _keep(self, node: Node) -> None:
        if node.rule in self._left:
            context = self._reader.context
            word = _WORDS[node.rule]
            context.report.error("SF213", f"`{word}` is given twice", context.span(node), "one of them is too many")
        self._left[node.rule] = node

    def name(self) -> Token | None:
        """The name of `as NAME`."""
        node = self._left.pop("named", None)
        return None if node is None else node.token("NAME")

    def call(self) -> Token | None:
        """The call of `on NAME`."""
        node = self._left.pop("on_call", None)
        return None if node is None else node.token("NAME")

    def within(self) -> Expr | None:
        """The duration of `within D`."""
        node = self._left.pop("within", None)
        if node is None:
            return None
        return require(self._reader, self._reader.read(next(node.nodes())), Unit.MILLISECOND, "the time limit")

    def where(self) -> Expr | None:
        """The condition of `where C`."""
        node = self._left.pop("where", None)
        if node is None:
            return None
        reader = self._reader.for_message()
        return require(reader, reader.read(next(node.nodes())), "truth value", "the condition")

    def extra(self, unfit: Mapping[str, str] = OF_OTHERS) -> With:
        """What a `with` block says; `unfit` are edits that mean nothing there, and why."""
        node = self._left.pop("with_block", None)
        return With() if node is None else read_with(node, self._reader, unfit)

    def refuse_rest(self, statement: str, **why: str) -> None:
        """Report the clauses that nobody took; `statement` is how the message names what they were given to, `why` has
        reasons other than the usual ones by rule."""
        context = self._reader.context
        for rule, node in self._left.items():
            message = f"`{statement}` takes no `{_WORDS[rule]}`"
            if rule == "named":
                context.doubtful.update(token.text for token in node.tokens("NAME"))
            context.report.error("SF215", message, context.span(node), why.get(rule) or _WHY_NOT[rule])


_WHY_NOT = {
    "on_call": "it does not act on a call",
    "within": "it does not wait for the other side",
    "named": "it begins no call",
    "with_block": "it sends no message of its own",
    "where": "it has no message to judge",
}
