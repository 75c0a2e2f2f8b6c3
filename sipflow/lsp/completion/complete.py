"""The answer to `textDocument/completion`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from sipflow.lang.literals import UNITS
from sipflow.lsp.analysis import Document
from sipflow.lsp.completion.names import environment, names
from sipflow.lsp.completion.paths import quoted
from sipflow.lsp.completion.suggestion import Kind, Suggestion, item
from sipflow.lsp.completion.words import keywords
from sipflow.lsp.knowledge import UNIT_WORDS, explain
from sipflow.lsp.place import Place, place_at


def complete(
    document: Document, offset: int, *, snippets: bool = True, known_environment: Iterable[str] = ()
) -> list[types.CompletionItem]:
    """What may be written at a place; empty where nobody can know, as in comments."""
    place = place_at(document.text, offset)
    where = document.positions.range(place.start, offset)
    found = {suggestion.label: suggestion for suggestion in _suggestions(document, offset, place, known_environment)}
    return [item(suggestion, where, snippets=snippets) for suggestion in found.values()]


def _suggestions(
    document: Document, offset: int, place: Place, known_environment: Iterable[str]
) -> Iterator[Suggestion]:
    match place.kind:
        case "code":
            yield from keywords(place)
            yield from names(document, offset, place)
            yield from environment(place, known_environment)
        case "string":
            yield from quoted(document, place)
        case "unit":
            yield from _units()


def _units() -> Iterator[Suggestion]:
    for unit in UNITS:
        yield Suggestion(unit, Kind.Unit, UNIT_WORDS[unit].text.rstrip("."), f"unit:{unit}")


def resolve(chosen: types.CompletionItem) -> types.CompletionItem:
    """An item with what there is to read about it."""
    text = explain(chosen.data) if isinstance(chosen.data, str) else ""
    if text and chosen.documentation is None:
        chosen.documentation = types.MarkupContent(types.MarkupKind.Markdown, text)
    return chosen
