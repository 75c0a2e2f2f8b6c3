"""A name that nothing has and one that is nearly the same: either may be the misspelt one, so both places are shown."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir.graph import Graph
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Diagnostic, Label, closest
from sipflow.lang.symbols import SymbolKind, Symbols
from sipflow.values import dataclass, replace

_UNKNOWN_NAMES = frozenset(("SF204", "SF205", "SF206", "SF220", "SF224"))
_UNDRIVEN = "SF202"
_UNKNOWN_TARGET = "SF203"
"""Its help names the line of an agent that is alike; a parameter may have been meant, too."""


def show_likenesses(diagnostics: tuple[Diagnostic, ...], symbols: Symbols, graph: Graph) -> tuple[Diagnostic, ...]:
    """The diagnostics, with a label at the declaration of the name that was probably meant."""
    declared = {o.symbol.name: o.span for o in reversed(list(symbols.occurrences.values())) if o.declares}
    parameters = {symbol.name: declared[symbol.name] for symbol in symbols.declared(SymbolKind.PARAMETER)}
    lanes = {agent.name: agent.span for agent in graph.agents if not agent.declared}
    names = _Names(declared, parameters, lanes)
    return tuple(_with_labels(diagnostic, names) for diagnostic in diagnostics)


@dataclass(frozen=True, slots=True)
class _Names:
    """Where names are declared: all, those of parameters, and agents that only a lane declares."""

    declared: dict[str, Span]
    parameters: dict[str, Span]
    lanes: dict[str, Span]


def _with_labels(diagnostic: Diagnostic, names: _Names) -> Diagnostic:
    if diagnostic.secondary:
        return diagnostic
    labels = tuple(_labels(diagnostic, names))
    return replace(diagnostic, secondary=labels) if labels else diagnostic


def _labels(diagnostic: Diagnostic, names: _Names) -> Iterator[Label]:
    if diagnostic.code in _UNKNOWN_NAMES and diagnostic.fix is not None:
        name = diagnostic.fix.edits[0].text
        if name in names.declared:
            yield Label(names.declared[name], f"`{name}` comes from here")
    elif diagnostic.code == _UNDRIVEN:
        name = _named(diagnostic)
        near = closest(name, names.lanes, 0.7)
        if near is not None:
            yield Label(names.lanes[near], f"this lane drives `{near}`: was `{name}` meant?")
    elif diagnostic.code == _UNKNOWN_TARGET:
        fix = diagnostic.fix
        near = closest(_named(diagnostic), names.parameters) if fix is None else fix.edits[0].text
        if near in names.parameters:
            yield Label(names.parameters[near], f"a parameter is named `{near}`")


def _named(diagnostic: Diagnostic) -> str:
    """The name that stands in backquotes in the message."""
    return diagnostic.message.partition("`")[2].partition("`")[0]
