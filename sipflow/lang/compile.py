"""Text to graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sipflow.ir import ops
from sipflow.ir.expr import Unit, constant_ms, constant_text
from sipflow.ir.graph import Agent, Graph, Lane, Scenario
from sipflow.ir.graph import Node as GraphNode
from sipflow.lang.checks import check_whole
from sipflow.lang.diagnostics import Diagnostic, Reporter, has_errors
from sipflow.lang.files import Files
from sipflow.lang.lower.agents import read_agent, read_remote
from sipflow.lang.lower.clauses import twice
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.lanes import LaneReader
from sipflow.lang.not_yet import report_not_yet
from sipflow.lang.parse import ParseResult, parse
from sipflow.lang.rendering import render_one
from sipflow.lang.source import Source
from sipflow.lang.symbols import Symbols
from sipflow.lang.syntax import Node, Token, Tree

MAX_TIMEOUT_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class CompileResult:
    """What became of a text."""

    graph: Graph | None
    """None when the text has an error."""
    diagnostics: tuple[Diagnostic, ...]
    """Errors and warnings in the order of the text."""
    source: Source
    tree: Tree
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Every text that was read, imported ones included, by name."""
    symbols: Symbols = field(default_factory=Symbols)
    """What the names are, also of a text with errors."""

    def render(self, diagnostic: Diagnostic) -> str:
        """A diagnostic as people read it, with the lines of the sources that it speaks of; ends with a line end."""
        return render_one(diagnostic, self.source)


def compile_text(
    text: str, source: str = "<text>", files: Files | None = None, variables: Iterable[str] | None = None
) -> CompileResult:
    """The graph that `text` means, and everything that is wrong with it. Never raises, whatever `text` is.

    `files` is asked about the files that the text names (None: they are not looked at), `variables` are names that get
    their values from elsewhere, as `--var` gives them.
    """
    parsed = parse(text, source)
    lowering = _Lowering(parsed, files, variables or ())
    graph = lowering.graph()
    found = [*parsed.diagnostics, *lowering.report.diagnostics]
    diagnostics = tuple(sorted(found, key=lambda diagnostic: diagnostic.span.start))
    return CompileResult(
        None if has_errors(diagnostics) else graph,
        diagnostics,
        parsed.source,
        parsed.tree,
        {parsed.source.name: parsed.source},
    )


def _name(node: Node) -> Token:
    token = node.token("NAME")
    assert token is not None, f"the grammar gives {node.rule} a name"
    return token


class _Lowering:
    def __init__(self, parsed: ParseResult, files: Files | None, variables: Iterable[str]) -> None:
        self.tree = parsed.tree
        self.report = Reporter(parsed.source)
        self.sound = not has_errors(parsed.diagnostics)
        """Whether the whole file was read: only then can one say that something is missing in it."""
        self.context = Context(self.report, files)
        self.overridden = frozenset(variables)
        """Variables that get their values from elsewhere: nothing is known of their kinds."""
        self.own_variables: set[str] = set()
        self.context.variables |= dict.fromkeys(self.overridden)
        self.context.repaired = [diagnostic.span.start for diagnostic in parsed.diagnostics]
        self.context.unreadable |= {d.span.start for d in parsed.diagnostics if d.code in ("SF103", "SF104", "SF106")}
        self.lane_readers: list[LaneReader] = []
        self._doubt()

    def _doubt(self) -> None:
        text = self.report.source.text
        for start, end in self.tree.broken:
            self.context.doubtful.update(re.findall(r"\w+", text[start:end]))
        for data in self.tree.root.nodes("data"):
            self.context.doubtful.update(token.text for token in data.tokens("NAME"))
        self.context.all_doubtful = self.tree.root.node("import_file") is not None

    def graph(self) -> Graph:
        root = self.tree.root
        report_not_yet(root, self.report)
        self._declare(root)
        variables = tuple(self._variable(let) for let in root.nodes("let_top"))
        agents = self._agents(root)
        lanes, nodes = self._lanes(root)
        graph = Graph(
            scenario=self._scenario(root),
            agents=tuple(agents.values()),
            lanes=lanes,
            nodes=nodes,
            variables=variables,
            source=self.report.source.name,
        )
        if self.sound:
            check_whole(graph, self.context, self.lane_readers)
        return graph

    # --- names -----------------------------------------------------------------------------------------------------

    def _declare(self, root: Node) -> None:
        """Collect the names of all agents, since lanes may name agents that come later."""
        agents = self.context.agents
        for node in root.nodes("agent", "remote_agent"):
            token = _name(node)
            if token.text in agents:
                self._taken(token)
            agents.setdefault(token.text, self.context.span(token))
            if node.rule == "remote_agent":
                self.context.remote.add(token.text)
        for lane in root.nodes("lane"):
            token = _name(lane)
            agents.setdefault(token.text, self.context.span(token))
            if token.text in self.context.remote:
                self._remote_lane(token)

    def _taken(self, token: Token) -> None:
        first = self.context.agents[token.text]
        self.report.error(
            "SF201",
            f"there is an agent `{token.text}` already",
            self.context.span(token),
            f"the first is at line {first.line}",
            help="several lanes may drive one agent; it is declared once",
        )

    def _remote_lane(self, token: Token) -> None:
        help_text = f'declare it with `agent {token.text} {{ uri "…" }}` to drive it'
        message = f"`{token.text}` is remote, so it has no lane"
        where = self.context.span(token)
        self.report.error("SF214", message, where, "sipflow does not play this agent", help=help_text)

    # --- parts of the file -----------------------------------------------------------------------------------------

    def _variable(self, node: Node) -> ops.Let:
        token = _name(node)
        reader = ExpressionReader(self.context, Names())
        value = reader.read(next(node.nodes()))
        if token.text in self.own_variables:
            message = f"there is a variable `{token.text}` already"
            self.report.error("SF201", message, self.context.span(token), "take another name")
        self.own_variables.add(token.text)
        if token.text not in self.overridden:
            self.context.variables[token.text] = reader.kind(value)
        return ops.Let(token.text, value)

    def _agents(self, root: Node) -> dict[str, Agent]:
        driven = {_name(lane).text for lane in root.nodes("lane")}
        agents: dict[str, Agent] = {}
        for node in root.nodes("agent", "remote_agent"):
            name = _name(node).text
            remote = node.rule == "remote_agent"
            agent = read_remote(node, self.context) if remote else read_agent(node, self.context, name in driven)
            agents.setdefault(name, agent)
        for name in (_name(lane).text for lane in root.nodes("lane")):
            agents.setdefault(name, Agent(name, self.context.agents[name], declared=False))
        return agents

    def _lanes(self, root: Node) -> tuple[tuple[Lane, ...], tuple[GraphNode, ...]]:
        lanes: list[Lane] = []
        nodes: list[GraphNode] = []
        counts: dict[str, int] = {}
        for node in root.nodes("lane"):
            agent = _name(node).text
            counts[agent] = counts.get(agent, 0) + 1
            lane_id = agent if counts[agent] == 1 else f"{agent}#{counts[agent]}"
            reader = LaneReader(self.context, lane_id, agent, whole=self.sound)
            lanes.append(reader.read(node))
            nodes += reader.nodes
            self.lane_readers.append(reader)
        return tuple(lanes), tuple(nodes)

    def _scenario(self, root: Node) -> Scenario:
        for rule in ("scenario", "timeout"):
            for again in list(root.nodes(rule))[1:]:
                twice(self.context, again.start, again)
        header, limit = root.node("scenario"), root.node("timeout")
        values: dict[str, object] = {} if header is None else self._header(header)
        if limit is not None and (timeout := self._timeout(limit)) is not None:
            values["timeout_ms"] = timeout
        return Scenario(**values)  # type: ignore[arg-type]

    def _header(self, node: Node) -> dict[str, object]:
        token, *_ = node.tokens("STRING", "RAW")
        name = constant_text(ExpressionReader(self.context, Names()).string(token))
        if name is None:
            where = self.context.span(token)
            self.report.error("SF218", "the scenario's name must be constant", where, "no `${…}` here")
        tags = tuple(tag.text for tag in node.tokens("NAME"))
        return {"name": name or "", "tags": tags, "span": self.context.span(node)}

    def _timeout(self, node: Node) -> int | None:
        reader = ExpressionReader(self.context, Names())
        value = reader.read(next(node.nodes()))
        before = len(self.report.diagnostics)
        require(reader, value, Unit.MILLISECOND, "the time limit")
        milliseconds = constant_ms(value)
        if len(self.report.diagnostics) > before:
            return None
        if milliseconds is None or not 1 <= milliseconds <= MAX_TIMEOUT_MS:
            self.report.error("SF218", "no time limit", value.span, "a constant from 1ms to 24h, such as `10s`")
            return None
        return int(milliseconds)
