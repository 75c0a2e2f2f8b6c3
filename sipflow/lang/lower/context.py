"""What all parts of the lowering share."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from sipflow.ir.expr import Expr, Unit
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Reporter
from sipflow.lang.files import Files
from sipflow.lang.syntax import Node, Token

Kind = Unit | str | None
"""What a value is: a quantity in a unit, `string`, `number`, `truth value`, `regular expression`; None: not known."""


@dataclass(slots=True)
class Context:
    """One source on its way to a graph."""

    report: Reporter
    files: Files | None = None
    doubtful: set[str] = field(default_factory=set)
    """Words that stood in what could not be read: they may have named something, so none of them is unknown."""
    all_doubtful: bool = False
    """Whether names come from elsewhere, so that none is unknown."""
    repaired: list[int] = field(default_factory=list)
    """Offsets of syntax errors, in order: a statement that has one is not judged any further."""
    unreadable: set[int] = field(default_factory=set)
    """Offsets of literals that are wrong already; nothing is to be said of their values."""
    agents: dict[str, Span] = field(default_factory=dict)
    """Names of all agents: where each is declared, or its first lane."""
    remote: set[str] = field(default_factory=set)
    variables: dict[str, Kind] = field(default_factory=dict)
    """Variables of the file's top."""
    signals_sent: dict[str, Span] = field(default_factory=dict)
    signals_awaited: dict[str, Span] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    """Agents that something in the file calls, transfers or redirects to."""
    calls_unknown: bool = False
    """Whether somebody is called whose address is not known before the run."""

    def has_repair(self, start: int, end: int) -> bool:
        """Whether a syntax error lies at or between two offsets."""
        index = bisect_left(self.repaired, start)
        return index < len(self.repaired) and self.repaired[index] <= end

    def span(self, thing: Node | Token) -> Span:
        """Where a node or token stands."""
        return self.report.source.span(thing.start, thing.end)

    def is_doubtful(self, name: str) -> bool:
        """Whether it cannot be said that nothing has this name."""
        return self.all_doubtful or name in self.doubtful

    def is_readable(self, expression: Expr) -> bool:
        """Whether the text of an expression is what was meant."""
        return expression.span.start not in self.unreadable

    def line_of(self, span: Span) -> str:
        """`declared at line 5`, for help texts."""
        return f"declared at line {span.line}"
