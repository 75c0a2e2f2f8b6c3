"""Definitions: sequences with a name, inserted where they are called.

The body of a definition is read once by itself, its parameters being of unknown kind, so that what is wrong in it is
said whether it is called or not; and once for every call, with the arguments in the places of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sipflow.ir.expr import Expr, Literal, Name, depth_of
from sipflow.lang.diagnostics import Label, closest, replace
from sipflow.lang.lower.context import MAX_INSERTED_NODES, Context
from sipflow.lang.lower.expressions import EXPRESSION_RULES, Argument, ExpressionReader, Names
from sipflow.lang.lower.foresight import Foresight
from sipflow.lang.lower.jumps import Around
from sipflow.lang.lower.places import Place
from sipflow.lang.lower.sites import Site
from sipflow.lang.lower.targets import bare_name, unknown_agent
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass, field

if TYPE_CHECKING:
    from sipflow.lang.lower.lanes import BodyReader

MAX_LEVELS = 110
"""How deep blocks and definitions may lie in each other once they are inserted."""
MAX_ARGUMENT_DEPTH = 40
_MOST_NOTES = 3
_TARGETS = frozenset(("call", "dial", "redirect", "transfer", "send_request", "expect_call"))


@dataclass(slots=True, eq=False)
class Definition:
    """`define NAME(a, b) { … }`."""

    name: Token
    parameters: tuple[Token, ...]
    node: Node
    context: Context
    """Of the source in which it stands."""
    foresight: Foresight
    targets: frozenset[str] = frozenset()
    """Parameters that stand where a target does."""
    endless: bool = False
    """Whether it calls itself: then it is not inserted."""
    calls: tuple[Token, ...] = field(default=())
    """Calls of definitions in it."""

    @staticmethod
    def of(node: Node, context: Context) -> Definition:
        """The definition of a `define` node."""
        name, *parameters = node.tokens("NAME")
        foresight = Foresight.of(node)
        calls = tuple(made.token for made in foresight.made if made.what == "definition" and made.token is not None)
        names = frozenset(token.text for token in parameters)
        targets = frozenset(_targets_in(node)) & names
        return Definition(name, tuple(parameters), node, context, foresight, targets, calls=calls)

    @property
    def scope(self) -> str:
        """Scope of what belongs to it."""
        return f"define {self.name.text}"


def _targets_in(node: Node) -> Iterator[str]:
    for statement in node.walk():
        if statement.rule in _TARGETS:
            names = (bare_name(child) for child in statement.nodes() if child.rule in EXPRESSION_RULES)
            yield from (name.text for name in names if name is not None)


# --- the definitions of a program ----------------------------------------------------------------------------------


def declare(node: Node, context: Context) -> None:
    """Let a definition be known, and note its names."""
    definition = Definition.of(node, context)
    where = context.span(definition.name)
    first = context.definitions.setdefault(definition.name.text, definition)
    context.note(SymbolKind.DEFINITION, definition.name.text, where, declares=first is definition)
    if first is not definition:
        note = (Label(first.context.span(first.name), "the first is here"),)
        message = f"there is a definition `{definition.name.text}` already"
        context.report.error("SF201", message, where, "take another name", secondary=note)
    seen: set[str] = set()
    for token in definition.parameters:
        if token.text in seen:
            message = f"there is a parameter `{token.text}` already"
            context.report.error("SF201", message, context.span(token), "take another name")
        seen.add(token.text)
        context.note(SymbolKind.PARAMETER, token.text, token, definition.scope, declares=True)


def find_endless(context: Context) -> None:
    """Report definitions that call themselves, by others too."""
    done: set[str] = set()
    for name in context.definitions:
        if name not in done:
            _walk_calls(name, context, done)


def _walk_calls(start: str, context: Context, done: set[str]) -> None:
    """Depth first, without recursion: definitions may call each other in long chains."""
    path: list[str] = [start]
    ways = [iter(context.definitions[start].calls)]
    while path:
        token = next(ways[-1], None)
        if token is None:
            done.add(path.pop())
            ways.pop()
        elif token.text in path:
            _endless(token, path[path.index(token.text) :], context)
        elif token.text in context.definitions and token.text not in done:
            path.append(token.text)
            ways.append(iter(context.definitions[token.text].calls))


def _endless(token: Token, circle: list[str], context: Context) -> None:
    for name in circle:
        context.definitions[name].endless = True
    home = context.definitions[circle[-1]].context
    through = f" (by {', '.join(f'`{name}`' for name in circle[1:4])})" if len(circle) > 1 else ""
    message = f"`{token.text}` calls itself{through}"
    help_text = "`repeat` and `while` do something again"
    home.report.error("SF222", message, home.span(token), "this would never end", help=help_text)


# --- one call ------------------------------------------------------------------------------------------------------


def insert(body: BodyReader, site: Site) -> None:
    """Put the body of a definition in the place of its call."""
    token = site.node.token("NAME")
    assert token is not None, "the grammar gives a call a name"
    body.context.note(SymbolKind.DEFINITION, token.text, token)
    definition = body.context.definitions.get(token.text)
    if definition is None:
        _unknown(token, body.context)
    arguments = _arguments(site.node, definition, body.reader)
    site.place.onward = site.following
    if definition is None or arguments is None or definition.endless:
        body.lane.whole = False
    elif body.by_itself:
        body.lane.known.now_has_call()
    elif not _too_much(body, site, definition, token):
        site.place.onward = _inserted(body, site, definition, arguments)


def _inserted(body: BodyReader, site: Site, definition: Definition, arguments: dict[str, Argument | None]) -> Place:
    where = body.context.span(site.node)
    via = (*body.via, where)
    notes = tuple(Label(span, _note(index, definition)) for index, span in enumerate(reversed(via[-_MOST_NOTES:])))
    home = definition.context
    context = body.context.of_body(home, home.report.beside(home.report.source, notes))
    names = Names(known=body.lane.known, in_lane=True, scope=definition.scope, arguments=arguments)
    reader = ExpressionReader(context, names)
    around = Around(f"{site.node_id}.{definition.name.text}", site.following, level=site.around.level + 1)
    return body.beside(reader, definition.foresight, via).read(definition.node, around)


def _note(index: int, definition: Definition) -> str:
    return f"in this call of `{definition.name.text}`" if index == 0 else "which is called from here"


def _too_much(body: BodyReader, site: Site, definition: Definition, token: Token) -> bool:
    insertions = body.context.insertions
    insertions.nodes -= 1
    where = body.via[0] if body.via else body.context.span(token)
    report = body.lane.context.report
    if insertions.exhausted and insertions.said:
        return True
    if insertions.exhausted:
        insertions.said = True
        message = f"definitions make more than {MAX_INSERTED_NODES} statements of this file"
        report.error("SF223", message, where, "inserted here, they are too many")
    elif site.around.level + definition.node.depth > MAX_LEVELS:
        message = "blocks and definitions lie in each other too deeply"
        report.error("SF223", message, where, f"inserted here, they are more than {MAX_LEVELS} deep")
    else:
        return False
    return True


def _unknown(token: Token, context: Context) -> None:
    if context.is_doubtful(token.text):
        return
    near = closest(token.text, context.definitions)
    where = context.span(token)
    help_text = f"did you mean `{near}`?" if near else f"`define {token.text}(…) {{ … }}` makes one"
    fix = replace(where, near) if near else None
    message = f"unknown definition `{token.text}`"
    context.report.error("SF220", message, where, "nothing has this name", help=help_text, fix=fix)


def _arguments(
    node: Node, definition: Definition | None, reader: ExpressionReader
) -> dict[str, Argument | None] | None:
    """What stands for the parameters; None when it cannot be said."""
    nodes = list(node.nodes())
    parameters = [token.text for token in definition.parameters] if definition is not None else []
    targets = definition.targets if definition is not None else frozenset(parameters)
    wanted = [*parameters, *[""] * len(nodes)]
    values = [_argument(given, reader, name in targets) for given, name in zip(nodes, wanted, strict=False)]
    if definition is None:
        return None
    if len(nodes) != len(parameters):
        _wrong_count(node, definition, reader.context, len(nodes))
        return None
    return dict(zip(parameters, values, strict=True))


def _wrong_count(node: Node, definition: Definition, context: Context, given: int) -> None:
    count = len(definition.parameters)
    takes = f"{count} argument{'s' if count != 1 else ''}" if count else "no arguments"
    message = f"`{definition.name.text}` takes {takes}"
    note = (Label(definition.context.span(definition.name), "defined here"),)
    context.report.error("SF221", message, context.span(node), f"it is given {given}", secondary=note)


def _argument(node: Node, reader: ExpressionReader, as_target: bool) -> Argument | None:
    context, token = reader.context, bare_name(node)
    if token is None:
        return _value(reader.read(node), reader)
    if token.text in reader.names.arguments:
        context.note(SymbolKind.PARAMETER, token.text, token, reader.names.scope)
        return reader.names.arguments[token.text]
    is_variable = reader.names.has_variable(token.text) or token.text in context.variables
    span = context.span(token)
    if token.text in context.agents:
        context.note(SymbolKind.AGENT, token.text, token)
        value: Expr = Name((token.text,), span) if is_variable else Literal(token.text, span)
        return Argument(value, token.text, len(token.text))
    if as_target and not is_variable:
        if reader.is_new_mistake(token.text):
            unknown_agent(token, reader)
        return Argument(Literal(token.text, span), token.text, len(token.text))
    return _value(reader.read(node), reader)


def _value(value: Expr, reader: ExpressionReader) -> Argument:
    if depth_of(value) <= MAX_ARGUMENT_DEPTH:
        return Argument(value, None, len(str(value)))
    message = "this argument has too many operators within each other"
    reader.context.report.error("SF223", message, value.span, f"more than {MAX_ARGUMENT_DEPTH} deep")
    return Argument(Literal("", value.span))
