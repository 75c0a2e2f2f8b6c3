"""Text to syntax tree."""

from __future__ import annotations

from sipflow.lang.automaton import Automaton, TooDeepError
from sipflow.lang.diagnostics import Diagnostic, Reporter
from sipflow.lang.driver import Driver, kind_of
from sipflow.lang.parts import PartMemory
from sipflow.lang.scanner import scan
from sipflow.lang.source import MAX_SOURCE_CHARACTERS, Source
from sipflow.lang.syntax import Node, Token, Tree
from sipflow.lang.tables import load_tables
from sipflow.values import dataclass

_AFTER_UNCLOSED_RAW = 2
"""How many other syntax errors are believed when a raw string never ends: the text changed its meaning before it."""


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What became of a text."""

    tree: Tree
    diagnostics: tuple[Diagnostic, ...]
    source: Source


def parse(text: str, source: str = "<text>", memory: PartMemory | None = None) -> ParseResult:
    """The syntax tree of `text`, with a diagnostic for each mistake in it. Never raises, whatever `text` is.

    `memory` is for whoever parses nearly the same text again and again.
    """
    origin = Source(source, text)
    report = Reporter(origin)
    if len(text) > MAX_SOURCE_CHARACTERS:
        return _refused(origin, report)
    _check_encoding(text, report)
    remembered = memory.tree(origin) if memory and not report.diagnostics else None
    if remembered:
        return ParseResult(remembered, (), origin)
    scanned = scan(text, report)
    if scanned.too_long:
        return ParseResult(_empty_tree(), tuple(report.diagnostics[-1:]), origin)
    driver = Driver(load_tables(), scanned, report)
    root = driver.tree()
    diagnostics = _believable(report.diagnostics) if scanned.unclosed_raw else report.diagnostics
    ordered = sorted(diagnostics, key=lambda diagnostic: diagnostic.span.start)
    return ParseResult(Tree(root, scanned.comments, tuple(driver.broken)), tuple(ordered), origin)


def _refused(origin: Source, report: Reporter) -> ParseResult:
    characters = f"{len(origin.text)} characters, {MAX_SOURCE_CHARACTERS} are allowed"
    report.error("SF101", "this text is too long for a scenario", origin.span(0, 0), characters)
    return ParseResult(_empty_tree(), tuple(report.diagnostics), Source(origin.name, ""))


def _empty_tree() -> Tree:
    return Tree(Node("file", (), 0, 0, 1))


def _check_encoding(text: str, report: Reporter) -> None:
    """Bytes that are not UTF-8 come as lone surrogates (PEP 383) from whoever read the file."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        where = report.source.span(error.start, error.start + 1)
        byte = ord(text[error.start]) & 0xFF
        report.error("SF105", "this file is not UTF-8 text", where, f"the byte 0x{byte:02X} is not valid here")


def _believable(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    culprits = [diagnostic for diagnostic in diagnostics if diagnostic.code == "SF104"]
    others = [diagnostic for diagnostic in diagnostics if diagnostic.code not in ("SF104", "SF112")]
    return others[:_AFTER_UNCLOSED_RAW] + culprits


def parse_expression(start: int, end: int, report: Reporter) -> Node | None:
    """The expression between two offsets of the source; None, and one error, when there is none."""
    tables = load_tables()
    before = len(report.diagnostics)
    tokens = scan(report.source.text, report, start, end).tokens
    automaton = Automaton(tables, "expression")
    try:
        for token in tokens:
            kind = kind_of(token, automaton, tables)
            if kind is None or not automaton.offer(kind, Token(kind, token.text, token.start)):
                break
        else:
            return automaton.result
    except TooDeepError:
        token = tokens[0]
    if len(report.diagnostics) == before:
        where = report.source.span(token.start, max(token.start + len(token.text), token.start + 1))
        report.error("SF117", "this is no expression", where, "a value is expected between `${` and `}`")
    return None
