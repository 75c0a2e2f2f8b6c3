"""Signature help: the parameters of the definition or the function whose arguments are being written."""

from __future__ import annotations

from lsprotocol import types

from sipflow.lang.symbols import Symbol, SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.lsp.analysis import Document
from sipflow.lsp.completion.names import parameters_of
from sipflow.lsp.knowledge import FUNCTIONS
from sipflow.lsp.place import place_at


def signature(document: Document, offset: int) -> types.SignatureHelp | None:
    """The signature of what the place is an argument of; None where it is none."""
    found = _open_call(place_at(document.text, offset).open)
    if found is None:
        return None
    name, argument = found
    described = _definition(document, name) or _function(name)
    return None if described is None else types.SignatureHelp([described], 0, argument)


def _open_call(things: tuple[Node | Token, ...]) -> tuple[str, int] | None:
    """Name of what the innermost open parenthesis belongs to, and how many commas stand behind that."""
    commas = 0
    for index in range(len(things) - 1, 0, -1):
        thing = things[index]
        if isinstance(thing, Token) and thing.kind == "COMMA":
            commas += 1
        elif isinstance(thing, Token) and thing.kind == "LPAR":
            name = _name(things[index - 1])
            return (name, commas) if name else None
        elif isinstance(thing, Token) and thing.kind in ("LBRACE", "COLON", "NL", "SEMI"):
            return None
    return None


def _name(thing: Node | Token) -> str:
    if isinstance(thing, Token):
        return thing.text if thing.kind == "NAME" else ""
    return ".".join(token.text for token in thing.tokens("NAME")) if thing.rule == "name" else ""


def _definition(document: Document, name: str) -> types.SignatureInformation | None:
    symbol = Symbol(SymbolKind.DEFINITION, name)
    if document.symbols.declaration(symbol) is None:
        return None
    parameters = parameters_of(document, symbol)
    label = f"{name}({', '.join(parameters)})"
    return types.SignatureInformation(label, parameters=[types.ParameterInformation(one) for one in parameters])


def _function(name: str) -> types.SignatureInformation | None:
    entry = FUNCTIONS.get(name) or FUNCTIONS.get(name.partition(".")[2])
    if entry is None:
        return None
    inside = entry.syntax[entry.syntax.index("(") + 1 : -1]
    parameters = [types.ParameterInformation(part.strip()) for part in inside.split(",")]
    return types.SignatureInformation(entry.syntax, entry.text, parameters)
