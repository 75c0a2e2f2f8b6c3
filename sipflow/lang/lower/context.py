"""What all parts of the lowering share."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from sipflow.ir.expr import Expr, Unit
from sipflow.ir.graph import Table
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Reporter
from sipflow.lang.files import Files
from sipflow.lang.source import Source
from sipflow.lang.symbols import Symbol, SymbolKind, Symbols
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass, field, replace

if TYPE_CHECKING:
    from sipflow.lang.lower.definitions import Definition

Kind = Unit | str | None
"""What a value is: a quantity in a unit, `string`, `number`, `truth value`, `regular expression`; None: not known."""

MAX_INSERTED_NODES = 20_000
MAX_INSERTED_CHARACTERS = 1 << 20


@dataclass(slots=True)
class Uses:
    """What the lanes of a program do to others."""

    signals_sent: dict[str, Span] = field(default_factory=dict)
    signals_awaited: dict[str, Span] = field(default_factory=dict)
    called: dict[str, Span] = field(default_factory=dict)
    """Agents that something calls, transfers or redirects to, and where first."""
    callers: set[str] = field(default_factory=set)
    """Agents from which a lane expects a call."""
    calls_unknown: bool = False
    """Whether somebody is called whose address is not known before the run."""

    def add(self, other: Uses) -> None:
        """Add what lanes further down do."""
        self.signals_sent = other.signals_sent | self.signals_sent
        self.signals_awaited = other.signals_awaited | self.signals_awaited
        self.called = other.called | self.called
        self.callers |= other.callers
        self.calls_unknown |= other.calls_unknown


@dataclass(slots=True)
class Insertions:
    """How much the definitions of a program may still become by being inserted where they are called."""

    nodes: int = MAX_INSERTED_NODES
    characters: int = MAX_INSERTED_CHARACTERS
    said: bool = False
    """Whether it was said that it is too much."""

    @property
    def exhausted(self) -> bool:
        """Whether it is too much."""
        return self.nodes <= 0 or self.characters <= 0


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table of the program."""

    table: Table
    columns: tuple[str, ...] | None
    """None when the file could not be read, so that any column may be meant."""


@dataclass(slots=True)
class Context:
    """One source on its way to a graph, and what it shares with the other sources of the program."""

    report: Reporter
    files: Files | None = None
    repaired: list[int] = field(default_factory=list)
    """Offsets of syntax errors, in order: a statement that has one is not judged any further."""
    unreadable: set[int] = field(default_factory=set)
    """Offsets of literals that are wrong already; nothing is to be said of their values."""

    # What follows belongs to the whole program: contexts of its sources share it.

    sources: dict[str, Source] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    """Words that stood in what could not be read: they may have named something, so none of them is unknown."""
    all_doubtful: bool = False
    """Whether names come from elsewhere, so that none is unknown."""
    agents: dict[str, Span] = field(default_factory=dict)
    """Names of all agents: where each is declared, or its first lane."""
    remote: set[str] = field(default_factory=set)
    variables: dict[str, Kind] = field(default_factory=dict)
    """Variables of the file's top."""
    definitions: dict[str, Definition] = field(default_factory=dict)
    tables: dict[str, KnownTable] = field(default_factory=dict)
    made_somewhere: set[str] = field(default_factory=set)
    """Names of all calls and variables that any lane or definition makes."""
    symbols: Symbols = field(default_factory=Symbols)
    uses: Uses = field(default_factory=Uses)
    insertions: Insertions = field(default_factory=Insertions)

    def beside(self, report: Reporter) -> Context:
        """The context of another source of the same program."""
        return replace(self, report=report, repaired=[], unreadable=set())

    def read_again(self, report: Reporter, uses: Uses | None = None) -> Context:
        """The context of the same source, when a part of it is read with other notes or to no effect."""
        return replace(self, report=report, uses=uses or self.uses)

    def of_body(self, home: Context, report: Reporter) -> Context:
        """The context of a definition that stands in `home`'s source, while it is read for a lane of this one."""
        return replace(home, report=report, uses=self.uses)

    @property
    def signals_sent(self) -> dict[str, Span]:
        """Signals that a lane sends, and where first."""
        return self.uses.signals_sent

    @property
    def signals_awaited(self) -> dict[str, Span]:
        """Signals that a lane awaits, and where first."""
        return self.uses.signals_awaited

    @property
    def called(self) -> dict[str, Span]:
        """Agents that something calls, transfers or redirects to, and where first."""
        return self.uses.called

    @property
    def calls_unknown(self) -> bool:
        """Whether somebody is called whose address is not known before the run."""
        return self.uses.calls_unknown

    def note(
        self, kind: SymbolKind, name: str, where: Span | Token, scope: str = "", *, declares: bool = False
    ) -> None:
        """Note that something is named here."""
        span = self.span(where) if isinstance(where, Token) else where
        self.symbols.add(Symbol(kind, name, scope), span, declares=declares)

    def has_repair(self, start: int, end: int) -> bool:
        """Whether a syntax error lies at or between two offsets."""
        index = bisect_left(self.repaired, start)
        return index < len(self.repaired) and self.repaired[index] <= end

    def span(self, thing: Node | Token) -> Span:
        """Where a node or token stands."""
        return self.report.source.span(thing.start, thing.end)

    def written(self, span: Span) -> str:
        """The text of a span of any source."""
        source = self.sources.get(span.source, self.report.source)
        return source.text[span.start : span.end]

    def is_doubtful(self, name: str) -> bool:
        """Whether it cannot be said that nothing has this name."""
        return self.all_doubtful or name in self.doubtful

    def is_readable(self, expression: Expr) -> bool:
        """Whether the text of an expression is what was meant."""
        return expression.span.source != self.report.source.name or expression.span.start not in self.unreadable

    def line_of(self, span: Span) -> str:
        """`declared at line 5`, for help texts."""
        return f"declared at line {span.line}"
