"""Targets: whom a statement calls, transfers or redirects to."""

from __future__ import annotations

import re

from sipflow.ir.expr import Expr, Literal, Name, constant_text
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import closest, replace
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader
from sipflow.lang.lower.kinds import require
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token

_ADDRESS = r"(?:sips?:)?[^\s@<>\"]+(?:@[^\s@<>\"]+)?"


def bare_name(node: Node) -> Token | None:
    """The name when the expression is nothing but one name."""
    names = list(node.tokens("NAME")) if node.rule == "name" else []
    return names[0] if len(names) == 1 else None


def read_target(node: Node, reader: ExpressionReader) -> tuple[Expr, str | None]:
    """The target, and the agent's name when it is one of the file's agents."""
    context = reader.context
    token = bare_name(node)
    if token is None:
        return _address(reader.read(node), reader), None
    span = context.span(token)
    if token.text in reader.names.arguments:
        return _parameter(token, reader)
    if token.text in context.agents:
        context.note(SymbolKind.AGENT, token.text, token)
        return _agent(token.text, span, context)
    if reader.names.has_variable(token.text) or token.text in context.variables:
        reader.note_variable(token.text, span)
        context.uses.calls_unknown = True
        return Name((token.text,), span), None
    if reader.is_new_mistake(token.text):
        unknown_agent(token, reader)
    return Literal(token.text, span), token.text


def _agent(name: str, span: Span, context: Context) -> tuple[Expr, str | None]:
    context.called.setdefault(name, span)
    return Literal(name, span), name


def _parameter(token: Token, reader: ExpressionReader) -> tuple[Expr, str | None]:
    """What stands for a parameter: an agent, an address, or nobody knows yet."""
    context, span = reader.context, reader.context.span(token)
    context.note(SymbolKind.PARAMETER, token.text, token, reader.names.scope)
    argument = reader.names.arguments[token.text]
    if argument is None:
        context.uses.calls_unknown = True
        return Name((token.text,), span), None
    if argument.agent is not None:
        return _agent(argument.agent, argument.value.span, context)
    return _address(reader.insert(argument), reader), None


def read_caller(node: Node, reader: ExpressionReader) -> tuple[Expr, str | None]:
    """Who a call is expected from: an agent, a user part or number, or an address."""
    context = reader.context
    literal = node.children[0] if node.rule == "literal" else None
    if isinstance(literal, Token) and literal.kind == "NUMBER":
        return Literal(literal.text, context.span(literal)), None
    if bare_name(node) is None:
        return reader.read(node), None
    token = bare_name(node)
    argument = None if token is None else reader.names.arguments.get(token.text)
    if argument is not None and isinstance(argument.value, Literal) and isinstance(argument.value.value, float):
        return Literal(context.written(argument.value.span), argument.value.span), None
    caller, agent = read_target(node, reader.without_effect())
    if agent is not None:
        context.uses.callers.add(agent)
    return caller, agent


def unknown_agent(token: Token, reader: ExpressionReader) -> None:
    """Report SF203, as the page about diagnostics shows it."""
    context = reader.context
    span = context.span(token)
    context.uses.calls_unknown = True  # whoever was meant is called
    near = closest(token.text, [*reader.names.arguments, *context.agents, *reader.names.known.variables])
    help_text = f'an address stands in quotes: `"sip:{token.text}@…"`'
    if near is not None:
        place = f" ({context.line_of(context.agents[near])})" if near in context.agents else ""
        help_text = f"did you mean `{near}`?{place}"
    context.report.error(
        "SF203",
        f"unknown agent `{token.text}`",
        span,
        "not declared, and no lane has this name",
        help=help_text,
        fix=replace(span, near) if near else None,
    )


def _address(target: Expr, reader: ExpressionReader) -> Expr:
    context = reader.context
    text = constant_text(target)
    if text is None:
        context.uses.calls_unknown = True
        return require(reader, target, "string", "the target")
    check_address(target, context)
    context.uses.calls_unknown = True
    return target


def check_address(address: Expr, context: Context) -> None:
    """Report SF219 when a constant is no address."""
    text = constant_text(address)
    if text is not None and context.is_readable(address):
        _check_address(text, address.span, context)


def _check_address(text: str, span: Span, context: Context) -> None:
    if re.fullmatch(_ADDRESS, text, re.IGNORECASE) and not re.match(
        r"(?!sips?:)[a-z]+:/?/?[^0-9]", text, re.IGNORECASE
    ):
        return
    help_text = "an address is `sip:user@host`, `sip:host:port` or `user@host`"
    context.report.error("SF219", "this is no SIP address", span, "not an address", help=help_text)
