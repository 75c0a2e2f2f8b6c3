"""The parts of a file that are no lanes: the header, agents, variables, tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sipflow.ir import ops
from sipflow.ir.expr import Unit as QuantityUnit
from sipflow.ir.expr import constant_ms, constant_text
from sipflow.ir.graph import Agent, Scenario, Table
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Label, closest, replace
from sipflow.lang.files import FileProblem
from sipflow.lang.lower.agents import read_agent, read_remote
from sipflow.lang.lower.context import Context, KnownTable
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.messages import twice
from sipflow.lang.lower.units import Unit
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token

MAX_TIMEOUT_MS = 24 * 3_600_000
_GROUPS = ("media", "sip")
"""Names behind which measurements stand."""


def name_of(node: Node) -> Token:
    """The name that a part of a file declares or drives."""
    token = node.token("NAME")
    assert token is not None, f"the grammar gives {node.rule} a name"
    return token


def taken(what: str, token: Token, first: Span, context: Context, help: str = "") -> None:
    """Report a second declaration of the same name, with both places."""
    where = context.span(token)
    note = (Label(first, "the first is here"),)
    message = f"there is {what} `{token.text}` already"
    context.report.error("SF201", message, where, "take another name", secondary=note, help=help)


# --- agents --------------------------------------------------------------------------------------------------------


def declare_agents(units: Iterable[Unit]) -> None:
    """Collect the names of all agents, since lanes may name agents that come later."""
    for unit in units:
        for node in unit.root.nodes("agent", "remote_agent"):
            _declare_agent(node, unit.context)
        if not unit.imported:
            for lane in unit.root.nodes("lane"):
                _drive(name_of(lane), unit.context)


def _declare_agent(node: Node, context: Context) -> None:
    token = name_of(node)
    where = context.span(token)
    first = context.agents.setdefault(token.text, where)
    context.note(SymbolKind.AGENT, token.text, where, declares=first == where)
    if first != where:
        taken("an agent", token, first, context, "several lanes may drive one agent; it is declared once")
    if node.rule == "remote_agent":
        context.remote.add(token.text)


def _drive(token: Token, context: Context) -> None:
    where = context.span(token)
    first = context.agents.setdefault(token.text, where)
    context.note(SymbolKind.AGENT, token.text, where, declares=first == where)
    if token.text in context.remote:
        help_text = f'declare it with `agent {token.text} {{ uri "…" }}` to drive it'
        message = f"`{token.text}` is remote, so it has no lane"
        context.report.error("SF214", message, where, "sipflow does not play this agent", help=help_text)


def read_agents(units: tuple[Unit, ...]) -> dict[str, tuple[Agent, bool]]:
    """All agents in the order of the text, each with whether it comes from an imported file."""
    main = units[-1]
    driven = {name_of(lane).text for lane in main.root.nodes("lane")}
    agents: dict[str, tuple[Agent, bool]] = {}
    for unit in units:
        for node in unit.root.nodes("agent", "remote_agent"):
            name = name_of(node).text
            remote = node.rule == "remote_agent"
            agent = read_remote(node, unit.context) if remote else read_agent(node, unit.context, name in driven)
            agents.setdefault(name, (agent, unit.imported))
    for name in (name_of(lane).text for lane in main.root.nodes("lane")):
        agents.setdefault(name, (Agent(name, main.context.agents[name], declared=False), False))
    return agents


def used_agents(agents: dict[str, tuple[Agent, bool]], driven: set[str], context: Context) -> Iterator[Agent]:
    """Those that are part of the program: of the imported ones, those that anything in it names."""
    for agent, imported in agents.values():
        used = agent.name in driven or agent.name in context.called or agent.name in context.uses.callers
        if used or not imported:
            yield agent


# --- variables -----------------------------------------------------------------------------------------------------


def read_variables(units: Iterable[Unit], overridden: frozenset[str]) -> tuple[ops.Let, ...]:
    """`let` at the top of all files; `overridden` are variables that get their values from elsewhere."""
    places: dict[str, Span] = {}
    lets = ((node, unit.context) for unit in units for node in unit.root.nodes("let_top"))
    return tuple(_variable(node, context, overridden, places) for node, context in lets)


def _variable(node: Node, context: Context, overridden: frozenset[str], places: dict[str, Span]) -> ops.Let:
    token = name_of(node)
    where = context.span(token)
    reader = ExpressionReader(context, Names())
    value = reader.read(next(node.nodes()))
    first = places.setdefault(token.text, where)
    context.note(SymbolKind.VARIABLE, token.text, where, declares=first == where)
    if first != where:
        taken("a variable", token, first, context)
    if token.text not in overridden:
        context.variables[token.text] = reader.kind(value)
    return ops.Let(token.text, value)


# --- tables --------------------------------------------------------------------------------------------------------


def read_tables(units: tuple[Unit, ...]) -> tuple[Table, ...]:
    """`data` of all files."""
    for unit in units:
        for node in unit.root.nodes("data"):
            _table(node, unit.context)
    return tuple(known.table for known in units[-1].context.tables.values())


def _table(node: Node, context: Context) -> None:
    token, path = name_of(node), node.token("STRING", "RAW")
    assert path is not None, "the grammar has a string here"
    where = context.span(token)
    reader = ExpressionReader(context, Names())
    text = constant_text(reader.string(path))
    if text is None:
        context.report.error("SF218", "the name of the file must be constant", context.span(path), "no `${…}` here")
    order = node.token("ORDER", "RANDOM", "ONCE")
    table = Table(token.text, text or "", "order" if order is None else order.kind.lower(), where)
    readable = text is not None and path.start not in context.unreadable
    columns = _columns(text or "", path, context) if readable else None
    known = context.tables.setdefault(token.text, KnownTable(table, columns))
    context.note(SymbolKind.TABLE, token.text, where, declares=known.table is table)
    if known.table is not table:
        taken("a table", token, known.table.span, context)
    elif token.text in _GROUPS:
        label = f"`{token.text}.…` are measurements of a call"
        context.report.error("SF201", f"no table can be named `{token.text}`", where, label)


def _columns(text: str, path: Token, context: Context) -> tuple[str, ...] | None:
    if context.files is None:
        return None
    found = context.files.table(text)
    where = context.span(path)
    if isinstance(found, FileProblem):
        _no_table(found, text, where, context)
        return None
    if found.rows == 0:
        label = "it has a line with names and no other"
        context.report.error("SF232", f"{found.path} has no rows", where, label)
    return found.columns


def _no_table(problem: FileProblem, text: str, where: Span, context: Context) -> None:
    if problem.kind != "missing":
        context.report.error("SF231", problem.message, where, "no table can be read from this")
        return
    near = closest(text, problem.similar)
    searched = f"looked in {', '.join(problem.searched)}" if problem.searched else ""
    fix = replace(where, f'"{near}"') if near else None
    help_text = f"did you mean `{near}`?" if near else searched
    context.report.error("SF231", problem.message, where, "no such file", help=help_text, fix=fix)


# --- the header ----------------------------------------------------------------------------------------------------


def read_scenario(unit: Unit) -> Scenario:
    """`scenario` and `timeout` of the file that is compiled."""
    root, context = unit.root, unit.context
    for rule in ("scenario", "timeout"):
        for again in list(root.nodes(rule))[1:]:
            twice(context, again.start, again)
    header, limit = root.node("scenario"), root.node("timeout")
    values: dict[str, object] = {} if header is None else _header(header, context)
    if limit is not None and (timeout := _timeout(limit, context)) is not None:
        values["timeout_ms"] = timeout
    return Scenario(**values)  # type: ignore[arg-type]


def _header(node: Node, context: Context) -> dict[str, object]:
    token, *_ = node.tokens("STRING", "RAW")
    name = constant_text(ExpressionReader(context, Names()).string(token))
    if name is None:
        where = context.span(token)
        context.report.error("SF218", "the scenario's name must be constant", where, "no `${…}` here")
    tags = tuple(tag.text for tag in node.tokens("NAME"))
    return {"name": name or "", "tags": tags, "span": context.span(node)}


def _timeout(node: Node, context: Context) -> int | None:
    reader = ExpressionReader(context, Names())
    value = reader.read(next(node.nodes()))
    before = len(context.report.diagnostics)
    require(reader, value, QuantityUnit.MILLISECOND, "the time limit")
    milliseconds = constant_ms(value)
    if len(context.report.diagnostics) > before:
        return None
    if milliseconds is None or not 1 <= milliseconds <= MAX_TIMEOUT_MS:
        context.report.error("SF218", "no time limit", value.span, "a constant from 1ms to 24h, such as `10s`")
        return None
    return int(milliseconds)
