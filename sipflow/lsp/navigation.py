"""From a name to where it is declared and used; from a file's name to the file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lsprotocol import types

from sipflow.ir.span import Span
from sipflow.lang.symbols import Occurrence, Symbol
from sipflow.lang.syntax import Node, Token
from sipflow.lsp.analysis import Document

UriOf = Callable[[str], str]
"""The editor's name of a text, from the name that spans have for it."""
START = types.Range(types.Position(0, 0), types.Position(0, 0))
_FILE_RULES = frozenset(("play", "expect_heard", "check_heard", "import_file", "data"))


def definition(document: Document, offset: int, uri_of: UriOf) -> list[types.Location]:
    """Where what is named here comes into being: a signal at its senders, a file at its beginning."""
    occurrence = document.occurrence(offset)
    if occurrence is None:
        path = _file_at(document, offset)
        return [] if path is None else [types.Location(uri_of(str(path)), START)]
    return list(_locations(document, _declarations(document, occurrence.symbol), uri_of))


def _declarations(document: Document, symbol: Symbol) -> Iterator[Occurrence]:
    return (found for found in document.symbols.of(symbol) if found.declares)


def references(document: Document, symbol: Symbol, uri_of: UriOf, *, declarations: bool) -> list[types.Location]:
    """All places that name it."""
    found = (one for one in document.symbols.of(symbol) if declarations or not one.declares)
    return list(_locations(document, found, uri_of))


def references_in(
    programs: Sequence[Document], symbol: Symbol, uri_of: UriOf, *, declarations: bool
) -> list[types.Location]:
    """All places that name it in several programs that share the text in which it is declared, each once."""
    found: dict[str, types.Location] = {}
    for program in programs:
        own = same_symbol(programs[0], symbol, program)
        if own is not None:
            for location in references(program, own, uri_of, declarations=declarations):
                found.setdefault(repr(location), location)
    return list(found.values())


def same_symbol(home: Document, symbol: Symbol, program: Document) -> Symbol | None:
    """The symbol of another program that is declared at the same place of a text that both have."""
    if program is home:
        return symbol
    declared = {found.span for found in home.symbols.of(symbol) if found.declares}
    return next((found.symbol for found in program.symbols.occurrences.values() if found.span in declared), None)


def _locations(document: Document, found: Iterator[Occurrence], uri_of: UriOf) -> Iterator[types.Location]:
    for occurrence in sorted(found, key=lambda one: one.span):
        where = range_of(document, occurrence.span)
        if where is not None:
            yield types.Location(uri_of(occurrence.span.source), where)


def range_of(document: Document, span: Span) -> types.Range | None:
    """The range of a span in whichever of the document's texts; None for a text that was not read."""
    positions = document.positions_of(span.source)
    return None if positions is None else positions.range(span.start, span.end)


def highlights(document: Document, offset: int) -> list[types.DocumentHighlight]:
    """The other places of this text that name the same."""
    occurrence = document.occurrence(offset)
    if occurrence is None:
        return []
    kind = types.DocumentHighlightKind
    return [
        types.DocumentHighlight(
            document.positions.range(found.span.start, found.span.end), kind.Write if found.declares else kind.Read
        )
        for found in document.own_occurrences
        if found.symbol == occurrence.symbol
    ]


# --- files ---------------------------------------------------------------------------------------------------------


def _file_at(document: Document, offset: int) -> Path | None:
    path, token = document.path_to(offset)
    if token is None or token.kind not in ("STRING", "RAW"):
        return None
    return next((file for string, file in files_of(document, path[-3:]) if string.start == token.start), None)


def files_of(document: Document, nodes: Iterator[Node] | list[Node]) -> Iterator[tuple[Token, Path]]:
    """The strings below these nodes that name files which are there, and the files."""
    for node in nodes:
        if node.rule in _FILE_RULES:
            for string in _strings(node):
                file = _find(document, node, string.text.strip('"'))
                if file is not None:
                    yield string, file


def _strings(node: Node) -> Iterator[Token]:
    yield from node.tokens("STRING", "RAW")
    for literal in node.nodes("literal"):
        yield from literal.tokens("STRING", "RAW")


def _find(document: Document, node: Node, name: str) -> Path | None:
    if node.rule != "import_file":
        found = document.files.find(name)
        return None if found is None else Path(os.path.abspath(found))  # noqa: PTH100  # a link stays a link
    folder = document.files.assets.folders[0] if document.name.startswith("<") else Path(document.name).parent
    path = os.path.normpath(folder / name)
    return Path(path) if path in document.result.sources or Path(path).is_file() else None


def links(document: Document, uri_of: UriOf) -> list[types.DocumentLink]:
    """The files that the text names, to be opened by a click."""
    return [
        types.DocumentLink(
            document.positions.range(string.start + 1, max(string.end - 1, string.start + 1)), uri_of(str(file))
        )
        for string, file in files_of(document, document.root.walk())
    ]
