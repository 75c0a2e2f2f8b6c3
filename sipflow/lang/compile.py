"""Text to graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from sipflow.ir.graph import Agent, Graph, Table
from sipflow.ir.ops import Let
from sipflow.lang.checks import check_whole
from sipflow.lang.checks.agents import check_agents
from sipflow.lang.diagnostics import Diagnostic, has_errors
from sipflow.lang.files import Files
from sipflow.lang.lower import definitions, top
from sipflow.lang.lower.context import Uses
from sipflow.lang.lower.foresight import Foresight
from sipflow.lang.lower.lane_memory import LaneMemory, LaneReading, ReadLane
from sipflow.lang.lower.lanes import LaneReader
from sipflow.lang.lower.likeness import show_likenesses
from sipflow.lang.lower.load import read_load
from sipflow.lang.lower.units import Unit, is_sound, read_units
from sipflow.lang.parse import parse
from sipflow.lang.parts import PartMemory
from sipflow.lang.source import Source
from sipflow.lang.symbols import Symbols
from sipflow.lang.syntax import Node, Tree
from sipflow.values import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class CompileResult:
    """What became of a text."""

    graph: Graph | None
    """None when the text has an error."""
    diagnostics: tuple[Diagnostic, ...]
    """Errors and warnings in the order of the text; those of imported texts behind."""
    source: Source
    tree: Tree
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Every text that was read, imported ones included, by name."""
    symbols: Symbols = field(default_factory=Symbols)
    """What the names are, also of a text with errors."""

    def render(self, diagnostic: Diagnostic) -> str:
        """A diagnostic as people read it, with the lines of the sources that it speaks of; ends with a line end."""
        from sipflow.lang.rendering import render_one  # most texts have nothing to render

        return render_one(diagnostic, self.source, self.sources)


class Memory:
    """What the texts that were compiled lately have in common with those that will be."""

    def __init__(self) -> None:
        self.parts = PartMemory()
        self.lanes = LaneMemory()


def compile_text(
    text: str,
    source: str = "<text>",
    files: Files | None = None,
    variables: Iterable[str] | None = None,
    memory: Memory | None = None,
) -> CompileResult:
    """The graph that `text` means, and everything that is wrong with it. Never raises, whatever `text` is.

    `files` is asked about the files that the text names (None: they are not looked at, and what they would bring is not
    known), `variables` are names that get their values from elsewhere, as `--var` gives them, `memory` keeps what was
    parsed for the next compilation of nearly the same text.
    """
    parsed = parse(text, source, None if memory is None else memory.parts)
    units = read_units(parsed, files)
    lowering = _Lowering(units, frozenset(variables or ()), None if memory is None else memory.lanes)
    graph = lowering.graph()
    context = units[-1].context
    diagnostics = show_likenesses(_in_order(units), context.symbols, graph)
    return CompileResult(
        None if has_errors(diagnostics) else graph,
        diagnostics,
        parsed.source,
        parsed.tree,
        {unit.parsed.source.name: unit.parsed.source for unit in reversed(units)},
        context.symbols,
    )


def _in_order(units: tuple[Unit, ...]) -> tuple[Diagnostic, ...]:
    found = [diagnostic for unit in units for diagnostic in unit.parsed.diagnostics]
    found += units[-1].context.report.diagnostics
    order = {unit.parsed.source.name: number for number, unit in enumerate(reversed(units))}
    return tuple(sorted(found, key=lambda diagnostic: (order.get(diagnostic.span.source, 0), diagnostic.span.start)))


def _mistaken_agents(unit: Unit) -> Iterator[Node]:
    """Declarations of agents with a syntax error in them."""
    agents = unit.root.nodes("agent", "remote_agent")
    return (node for node in agents if unit.context.has_repair(node.start, node.end))


class _Lowering:
    """One program on its way to a graph."""

    def __init__(self, units: tuple[Unit, ...], overridden: frozenset[str], memory: LaneMemory | None) -> None:
        self.units = units
        self.memory = memory
        self.main = units[-1]
        self.context = self.main.context
        self.overridden = overridden
        """Variables that get their values from elsewhere: nothing is known of their kinds."""
        self.context.variables |= dict.fromkeys(overridden)
        self.sound = is_sound(units)
        """Whether the whole program was read: only then can one say that something is missing in it."""
        self.lanes: list[ReadLane] = []

    def graph(self) -> Graph:
        """The graph, with more or less in it when there are mistakes."""
        tables = self._declare()
        variables = top.read_variables(self.units, self.overridden)
        agents = top.read_agents(self.units)
        self._check_definitions()
        self._read_lanes()
        graph = self._graph(tables, variables, agents)
        if self.sound:
            check_whole(graph, self.context, self.lanes)
        else:
            check_agents(self._beyond_doubt(graph), self.context)
        return graph

    def _beyond_doubt(self, graph: Graph) -> Graph:
        """The graph without the agents that have a mistake, or may be named in what could not be read."""
        mistaken = {top.name_of(node).text for unit in self.units for node in _mistaken_agents(unit)}
        agents = (a for a in graph.agents if a.name not in mistaken and not self.context.is_doubtful(a.name))
        return replace(graph, agents=tuple(agents))

    def _declare(self) -> tuple[Table, ...]:
        """Let all names of the program's top be known, wherever in it they are declared."""
        top.declare_agents(self.units)
        for unit in self.units:
            for node in unit.root.nodes("define"):
                definitions.declare(node, unit.context)
        definitions.find_endless(self.context)
        return top.read_tables(self.units)

    def _check_definitions(self) -> None:
        known = self.context.definitions.values()
        bodies = [definition.foresight for definition in known]
        if known:
            bodies += [Foresight.of(lane) for lane in self.main.root.nodes("lane")]
        self.context.made_somewhere |= {
            made.token.text for body in bodies for made in body.made if made.token is not None
        }
        for definition in known:
            home = definition.context
            scratch = home.read_again(home.report, Uses())
            LaneReader(scratch, definition.scope, "").check_definition(definition)

    def _read_lanes(self) -> None:
        reading = LaneReading(self.context, self.memory, alone=len(self.units) == 1)
        counts: dict[str, int] = {}
        for node in self.main.root.nodes("lane"):
            agent = top.name_of(node).text
            counts[agent] = counts.get(agent, 0) + 1
            lane_id = agent if counts[agent] == 1 else f"{agent}#{counts[agent]}"
            self.lanes.append(reading.read(node, lane_id, agent))
        reading.done()

    def _graph(
        self,
        tables: tuple[Table, ...],
        variables: tuple[Let, ...],
        agents: dict[str, tuple[Agent, bool]],
    ) -> Graph:
        driven = {read.lane.agent for read in self.lanes}
        return Graph(
            scenario=top.read_scenario(self.main),
            agents=tuple(top.used_agents(agents, driven, self.context)),
            lanes=tuple(read.lane for read in self.lanes),
            nodes=tuple(chain.from_iterable(read.nodes for read in self.lanes)),
            variables=variables,
            source=self.context.report.source.name,
            tables=tables,
            load=read_load(self.main),
        )
