"""The clauses behind a statement: `as`, `with`, `on`, `within`, `where`.

Whoever can use one takes it; what is left over does not belong to the statement.
"""

from __future__ import annotations

import re

from sipflow.ir.expr import Expr, Unit
from sipflow.ir.ops import HeaderField, With
from sipflow.lang.lower.codecs import read_codecs
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader
from sipflow.lang.lower.kinds import require
from sipflow.lang.syntax import Node, Token

_WORDS = {"on_call": "on", "within": "within", "named": "as", "with_block": "with", "where": "where"}
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"""RFC 3261 section 25.1: token."""


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

    def extra(self) -> With:
        """What a `with` block says."""
        node = self._left.pop("with_block", None)
        return With() if node is None else read_with(node, self._reader)

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


def read_with(node: Node, reader: ExpressionReader) -> With:
    """What the items of a `with` block, or of a `send` block, say."""
    headers = tuple(read_header(header, reader) for header in node.nodes("header"))
    codecs_node = _single(node, "codecs", reader.context)
    return With(
        headers=headers,
        body=_value(node, "body", reader),
        content_type=_value(node, "content_type", reader),
        codecs=() if codecs_node is None else read_codecs(codecs_node, reader.context),
    )


def read_header(node: Node, reader: ExpressionReader) -> HeaderField:
    """A `header "NAME" = E`."""
    token = node.token("STRING", "RAW")
    assert token is not None, "the grammar has a string here"
    name = reader.string(token)
    text = str(getattr(name, "value", ""))
    if token.start not in reader.context.unreadable and not _TOKEN.fullmatch(text):
        where = reader.context.span(token)
        reader.context.report.error("SF216", "this is no name of a header", where, "letters, digits and `-`")
    return text, reader.read(next(node.nodes()))


def _value(node: Node, rule: str, reader: ExpressionReader) -> Expr | None:
    item = _single(node, rule, reader.context)
    return None if item is None else reader.read(next(item.nodes()))


def _single(node: Node, rule: str, context: Context) -> Node | None:
    found = list(node.nodes(rule))
    for again in found[1:]:
        twice(context, again.start, again)
    return found[0] if found else None


def twice(context: Context, start: int, node: Node) -> None:
    """Report a setting that is given again."""
    word = node.children[0]
    text = word.text if isinstance(word, Token) else node.rule
    where = context.report.source.span(start, start + len(text))
    context.report.error("SF213", f"`{text}` is given twice", where, "one of them is too many")
