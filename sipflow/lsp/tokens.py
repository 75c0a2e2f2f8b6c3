"""Semantic tokens: what each word of a text is, once the program is understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lsprotocol import types

from sipflow.ir import measurements
from sipflow.lang.diagnostics import Reporter
from sipflow.lang.literals import pieces
from sipflow.lang.lower.words import WORDS
from sipflow.lang.scanner import WORD, scan
from sipflow.lang.symbols import Occurrence, SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.lang.tables import load_tables
from sipflow.lsp.analysis import Document
from sipflow.lsp.positions import units

TYPES = (
    *("keyword", "string", "number", "regexp", "comment", "operator", "class", "variable", "parameter", "function"),
    *("property", "event", "struct", "enumMember", "namespace", "label"),
)
MODIFIERS = ("declaration", "readonly", "defaultLibrary")
LEGEND = types.SemanticTokensLegend(list(TYPES), list(MODIFIERS))
_NUMBERS = {name: number for number, name in enumerate(TYPES)}
_DECLARATION, _READONLY, _LIBRARY = 1, 2, 4

_LITERALS = {"STRING": "string", "RAW": "string", "NUMBER": "number", "QUANTITY": "number", "REGEX": "regexp"}
_OPERATORS = frozenset(
    ("EQ", "NE", "LE", "GE", "LT", "GT", "PLUS", "MINUS", "STAR", "SLASH", "ARROW", "EQUAL", "RANGE")
)
_SYMBOLS = {
    SymbolKind.AGENT: "class",
    SymbolKind.CALL: "variable",
    SymbolKind.VARIABLE: "variable",
    SymbolKind.SIGNAL: "event",
    SymbolKind.DEFINITION: "function",
    SymbolKind.PARAMETER: "parameter",
    SymbolKind.TABLE: "struct",
    SymbolKind.COLUMN: "property",
    SymbolKind.LABEL: "label",
}
_WORD_RULES = frozenset(("codecs", *WORDS))


class Colour(NamedTuple):
    """One token with what it is."""

    start: int
    end: int
    kind: int
    modifiers: int = 0


def semantic_tokens(document: Document, start: int = 0, end: int | None = None) -> list[int]:
    """The tokens that touch a stretch of the text, in the five numbers each that the protocol wants."""
    last = len(document.text) if end is None else end
    colours = (colour for colour in sorted(_colours(document)) if colour.end >= start and colour.start <= last)
    return _encode(document, colours)


def _encode(document: Document, colours: Iterable[Colour]) -> list[int]:
    numbers: list[int] = []
    line, column = 0, 0
    for colour in _in_lines(document, colours):
        position = document.positions.position(colour.start)
        if position.line != line:
            column = 0
        length = units(document.text[colour.start : colour.end], document.encoding)
        numbers += [position.line - line, position.character - column, length, colour.kind, colour.modifiers]
        line, column = position.line, position.character
    return numbers


def _in_lines(document: Document, colours: Iterable[Colour]) -> Iterator[Colour]:
    """Tokens of one line each: few editors show longer ones; none begins before another has ended."""
    reached = 0
    for colour in colours:
        start = max(colour.start, reached)
        for piece in document.text[start : colour.end].splitlines(keepends=True):
            text = piece.rstrip("\r\n")
            if text:
                yield colour._replace(start=start, end=start + len(text))
            start += len(piece)
        reached = max(reached, colour.end)


def _colours(document: Document) -> Iterator[Colour]:
    named = {found.span.start: found for found in document.own_occurrences}
    for comment in document.result.tree.comments:
        yield _colour(comment, "comment")
    for node, token in _tokens(document.root):
        occurrence = named.get(token.start)
        if occurrence is not None and token.kind == "NAME":
            yield _colour(token, _SYMBOLS[occurrence.symbol.kind], _DECLARATION if occurrence.declares else 0)
        elif token.kind == "STRING":
            yield from _string(document, token, named)
        elif token.kind == "ERROR":
            yield from _unread(document, token)
        else:
            yield from _plain(node, token)


def _tokens(node: Node) -> Iterator[tuple[Node, Token]]:
    for child in node.children:
        if isinstance(child, Token):
            yield node, child
        else:
            yield from _tokens(child)


def _colour(token: Token, kind: str, modifiers: int = 0) -> Colour:
    return Colour(token.start, token.end, _NUMBERS[kind], modifiers)


def _plain(node: Node, token: Token) -> Iterator[Colour]:
    if token.kind in _LITERALS:
        yield _colour(token, _LITERALS[token.kind])
    elif token.kind in _OPERATORS:
        yield _colour(token, "operator")
    elif token.kind == "NAME":
        yield from _name(node, token)
    elif token.text.isalpha():
        yield _colour(token, "keyword")


def _name(node: Node, token: Token) -> Iterator[Colour]:
    """A name that stands for nothing of the program: a word of a setting, a measurement, something unknown."""
    if node.rule in _WORD_RULES:
        yield _colour(token, "enumMember")
    elif node.rule == "env":
        yield _colour(token, "variable", _READONLY)
    elif token.text in measurements.GROUPS and len(list(node.tokens("NAME"))) > 1:
        yield _colour(token, "namespace", _LIBRARY)
    elif any(other.text in measurements.GROUPS for other in node.tokens("NAME")):
        yield _colour(token, "property", _LIBRARY)


def _string(document: Document, string: Token, named: Mapping[int, Occurrence]) -> Iterator[Colour]:
    """The text of a string, and between it what stands in `${…}`."""
    if "${" not in string.text:
        yield _colour(string, "string")
        return
    start = string.start
    for piece in pieces(string.text[1:-1], string.start + 1):
        if piece.kind == "expression":
            yield Colour(start, piece.start, _NUMBERS["string"])
            start = piece.end
    yield Colour(start, string.end, _NUMBERS["string"])
    for inner in document.templates(string):
        for node, token in _tokens(inner):
            if token.start in named and token.kind == "NAME":
                yield _colour(token, "variable")
            elif token.kind != "STRING":
                yield from _plain(node, token)


def _unread(document: Document, token: Token) -> Iterator[Colour]:
    """What the parser could not read still has words and strings."""
    words = load_tables().words
    for found in scan(document.text, Reporter(document.source), token.start, token.end).tokens:
        kind = "keyword" if found.kind == WORD and found.text in words else _LITERALS.get(found.kind)
        if kind is not None:
            yield Colour(found.start, found.start + len(found.text), _NUMBERS[kind])
