"""What the names of a program are: where each is declared and used. Filled while a text is lowered, read by editors."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator

from sipflow.ir.span import Span
from sipflow.values import dataclass, field


class SymbolKind(enum.Enum):
    """What a name stands for."""

    AGENT = "agent"
    CALL = "call"
    VARIABLE = "variable"
    SIGNAL = "signal"
    DEFINITION = "definition"
    PARAMETER = "parameter"
    TABLE = "table"
    COLUMN = "column"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Symbol:
    """One thing with a name; two symbols are the same thing when they are equal."""

    kind: SymbolKind
    name: str
    scope: str = ""
    """Where the name is known: empty for the whole program, the id of a lane (`alice#2`), `define NAME` for what
    belongs to a definition, the name of the table for a column."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where a symbol is named."""

    symbol: Symbol
    span: Span
    """Of the name alone, in its source."""
    declares: bool = False
    """Whether it comes into being here; an agent without a declaration is declared by its first lane."""


@dataclass(slots=True)
class Symbols:
    """All occurrences of a program, each place once, in no particular order across sources."""

    occurrences: dict[tuple[str, int, int], Occurrence] = field(default_factory=dict)

    def add(self, symbol: Symbol, span: Span, *, declares: bool = False) -> None:
        """Note an occurrence; a place that is known already keeps its first meaning."""
        self.occurrences.setdefault((span.source, span.start, span.end), Occurrence(symbol, span, declares))

    def add_all(self, occurrences: Iterable[Occurrence]) -> None:
        """Note occurrences; those that are known already keep their meaning."""
        for found in occurrences:
            self.occurrences.setdefault((found.span.source, found.span.start, found.span.end), found)

    def at(self, source: str, offset: int) -> Occurrence | None:
        """The occurrence at a place; the end of a name counts as part of it."""
        return next(
            (o for o in self.occurrences.values() if o.span.source == source and o.span.start <= offset <= o.span.end),
            None,
        )

    def declared_at(self, span: Span) -> Symbol | None:
        """What is declared at exactly this place."""
        found = self.occurrences.get((span.source, span.start, span.end))
        return found.symbol if found is not None and found.declares else None

    def of(self, symbol: Symbol) -> Iterator[Occurrence]:
        """All occurrences of a symbol."""
        return (occurrence for occurrence in self.occurrences.values() if occurrence.symbol == symbol)

    def declaration(self, symbol: Symbol) -> Occurrence | None:
        """Where it is declared, None when nothing declares it."""
        return next((occurrence for occurrence in self.of(symbol) if occurrence.declares), None)

    def declared(self, kind: SymbolKind, scope: str | None = None) -> Iterator[Symbol]:
        """Symbols of a kind that are declared (in one scope, when it is given)."""
        for occurrence in self.occurrences.values():
            symbol = occurrence.symbol
            if occurrence.declares and symbol.kind is kind and scope in (None, symbol.scope):
                yield symbol
