"""A new name for something, in every text that names it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsprotocol import types

from sipflow.lang.driver import is_name
from sipflow.lang.symbols import Occurrence, Symbol, SymbolKind
from sipflow.lang.tables import load_tables
from sipflow.lsp.analysis import Document
from sipflow.lsp.navigation import UriOf, range_of, same_symbol

_SHARING = {
    SymbolKind.AGENT: (SymbolKind.AGENT, SymbolKind.VARIABLE),
    SymbolKind.VARIABLE: (SymbolKind.VARIABLE, SymbolKind.AGENT, SymbolKind.PARAMETER, SymbolKind.TABLE),
    SymbolKind.PARAMETER: (SymbolKind.PARAMETER, SymbolKind.VARIABLE),
    SymbolKind.TABLE: (SymbolKind.TABLE, SymbolKind.VARIABLE),
}
"""Kinds whose names stand at the same places, so that two of one name would be mixed up; a kind shares with itself."""


class RenameRefusedError(ValueError):
    """The new name cannot be had; the text says why."""


def renamable(document: Document, offset: int) -> Occurrence | None:
    """What is named here when a text can give it another name: a column has its name from its file."""
    occurrence = document.occurrence(offset)
    if occurrence is None or occurrence.symbol.kind is SymbolKind.COLUMN:
        return None
    return occurrence


def prepare(document: Document, offset: int) -> types.PrepareRenamePlaceholder | None:
    """The range that would be renamed, with its name."""
    occurrence = renamable(document, offset)
    if occurrence is None:
        return None
    where = document.positions.range(occurrence.span.start, occurrence.span.end)
    return types.PrepareRenamePlaceholder(range=where, placeholder=occurrence.symbol.name)


def rename(
    document: Document, offset: int, new_name: str, uri_of: UriOf, others: Iterable[Document] = ()
) -> types.WorkspaceEdit | None:
    """The edits that rename what is named here, in this document and in `others` that know it.

    Raises `RenameRefusedError` when the name is none, or is taken.
    """
    occurrence = renamable(document, offset)
    if occurrence is None:
        return None
    _check_name(new_name)
    changes: dict[str, dict[tuple[int, int, int, int], types.TextEdit]] = {}
    for program in [document, *others]:
        symbol = same_symbol(document, occurrence.symbol, program)
        if symbol is not None:
            _check_free(program, symbol, new_name)
            _collect(program, symbol, new_name, uri_of, changes)
    return types.WorkspaceEdit(changes={uri: list(edits.values()) for uri, edits in changes.items()})


def _check_name(name: str) -> None:
    if re.fullmatch(r"\w+", name) and name in load_tables().words and not is_name(name, load_tables()):
        raise RenameRefusedError(f"`{name}` is a keyword")
    if not is_name(name, load_tables()):
        raise RenameRefusedError(f"`{name}` is no name: names are made of the letters a-z and A-Z, digits and `_`")


def _check_free(program: Document, symbol: Symbol, new_name: str) -> None:
    kinds = _SHARING.get(symbol.kind, (symbol.kind,))
    for occurrence in program.symbols.occurrences.values():
        other = occurrence.symbol
        if other.name == new_name and other.kind in kinds and _may_meet(symbol, other) and other != symbol:
            message = f"there is a {other.kind.value} `{new_name}` already, in line {occurrence.span.line}"
            raise RenameRefusedError(message)


def _may_meet(symbol: Symbol, other: Symbol) -> bool:
    return "" in (symbol.scope, other.scope) or symbol.scope == other.scope


def _collect(
    program: Document,
    symbol: Symbol,
    new_name: str,
    uri_of: UriOf,
    changes: dict[str, dict[tuple[int, int, int, int], types.TextEdit]],
) -> None:
    for occurrence in sorted(program.symbols.of(symbol), key=lambda found: found.span):
        where = range_of(program, occurrence.span)
        if where is not None:
            key = (where.start.line, where.start.character, where.end.line, where.end.character)
            changes.setdefault(uri_of(occurrence.span.source), {})[key] = types.TextEdit(where, new_name)
