"""Expressions: syntax to values of `sipflow.ir.expr`, names resolved and kinds checked on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sipflow.ir import measurements
from sipflow.ir.expr import (
    Apply,
    Binary,
    Env,
    Expr,
    Literal,
    Name,
    Quantity,
    Regex,
    Secret,
    Template,
    Unary,
    Unit,
)
from sipflow.ir.span import Span
from sipflow.lang import diagnostics
from sipflow.lang.diagnostics import closest
from sipflow.lang.literals import UNIT_ALIASES, UNITS, Piece, pieces, quantity, split_quantity
from sipflow.lang.lower.context import Context, Kind
from sipflow.lang.lower.kinds import check_operator, kind_of_value
from sipflow.lang.lower.known import Known
from sipflow.lang.not_yet import report_not_yet
from sipflow.lang.parse import parse_expression
from sipflow.lang.syntax import Node, Token

_FUNCTIONS = frozenset((("sip", "header"),))


@dataclass(slots=True)
class Names:
    """What names mean at one place of a lane."""

    known: Known = field(default_factory=Known)
    """Variables and calls of the lane."""
    in_lane: bool = False
    """Whether measurements of a current call exist here."""
    message: bool = False
    """Whether this is a `where` condition, which sees a message."""
    reported: set[str] = field(default_factory=set)
    """Names that nothing has here, and that was said: once a lane is enough."""

    def has_variable(self, word: str) -> bool:
        """Whether the lane has a variable of this name, or the message a part."""
        return word in self.known.variables or (self.message and word in measurements.MESSAGE)


class ExpressionReader:
    """Reads expressions of one source."""

    def __init__(self, context: Context, names: Names) -> None:
        self.context = context
        self.names = names

    def read(self, thing: Node | Token) -> Expr:
        """The value of an expression's syntax; mistakes are reported, and something harmless stands for them."""
        if isinstance(thing, Token):
            return self._literal(thing)
        return _READERS[thing.rule](self, thing)

    def kind(self, expression: Expr) -> Kind:
        """What kind of value an expression has, None when that shows at run time only."""
        match expression:
            case Literal(value=value):
                return kind_of_value(value)
            case Template() | Env():
                return "string"
            case Name(parts=parts):
                return self._kind_of_name(parts)
            case Secret(operand=operand):
                return self.kind(operand)
            case Apply():
                return "string"
            case Unary(operator=operator, operand=operand):
                return "truth value" if operator == "not" else self.kind(operand)
            case Binary(operator=operator, left=left):
                return self.kind(left) if operator in ("+", "-", "*", "/") else "truth value"

    def for_message(self) -> ExpressionReader:
        """A reader for `where` conditions at the same place."""
        return ExpressionReader(self.context, replace(self.names, message=True))

    # --- literals --------------------------------------------------------------------------------------------------

    def _literal(self, token: Token) -> Expr:
        span = self.context.span(token)
        match token.kind:
            case "NUMBER":
                return Literal(float(token.text[:400]), span)
            case "QUANTITY":
                return self._quantity(token, span)
            case "REGEX":
                return Literal(self.regex(token), span)
            case "STRING" | "RAW":
                return self.string(token)
            case _:
                return Literal(token.kind == "TRUE", span)

    def _quantity(self, token: Token, span: Span) -> Expr:
        number, unit = split_quantity(token.text)
        value = quantity(number, unit)
        if value is not None:
            return Literal(value, span)
        near = UNIT_ALIASES.get(unit) or closest(unit, UNITS, 0.5)
        written = token.text[: len(token.text) - len(unit)]
        fix = diagnostics.replace(span, f"{written}{near}") if near else None
        help_text = f"did you mean `{written}{near}`?" if near else "units are ms, s, m, h, /s, %, Hz, dB, kB"
        self._error("SF209", f"unknown unit `{unit[:20]}`", span, "no unit has this name", help=help_text, fix=fix)
        self.context.unreadable.add(span.start)
        return Literal(Quantity(0.0, Unit.MILLISECOND), span)

    def regex(self, token: Token) -> Regex:
        """The regular expression of a token between slashes."""
        pattern = token.text[1:-1].replace("\\/", "/")
        if token.start in self.context.unreadable:
            return Regex("")
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            where = self.context.span(token)
            self._error("SF109", f"this regular expression is wrong: {error}", where, "Python's syntax")
        return Regex(pattern)

    def string(self, token: Token) -> Expr:
        """A string token: a constant, or a template when it has `${…}`."""
        span = self.context.span(token)
        if token.start in self.context.unreadable:
            return Literal("", span)
        if token.kind == "RAW":
            return Literal(token.text[3:-3], span)
        parts = [self._part(piece) for piece in pieces(token.text[1:-1], token.start + 1)]
        merged = _merge([part for part in parts if part is not None], span)
        if all(isinstance(part, Literal) and isinstance(part.value, str) for part in merged):
            return Literal("".join(str(part.value) for part in merged if isinstance(part, Literal)), span)
        return Template(tuple(merged), span)

    def _part(self, piece: Piece) -> Expr | None:
        span = self.context.report.source.span(piece.start, piece.end)
        if piece.kind == "text":
            return Literal(piece.text, span)
        if piece.kind == "expression":
            node = parse_expression(piece.start, piece.end, self.context.report)
            if node is not None:
                report_not_yet(node, self.context.report)
            return None if node is None else self.read(node)
        if piece.text.startswith("${"):
            self._error(
                "SF117", "`${` has no `}`", replace(span, end_column=span.column + 2), "write `\\${` for the text"
            )
        else:
            self._error(
                "SF108", f"`{piece.text[:12]}` is no escape", span, 'escapes are \\n \\t \\r \\" \\\\ \\$ \\u{…}'
            )
        return None

    # --- names -----------------------------------------------------------------------------------------------------

    def _name(self, node: Node) -> Expr:
        name = self._dotted(node)
        self._check_name(name)
        return name

    def _dotted(self, node: Node) -> Name:
        return Name(tuple(token.text for token in node.tokens("NAME")), self.context.span(node))

    def _check_name(self, name: Name) -> None:
        head, *rest = name.parts
        if not rest:
            self._check_variable(name)
        elif head in measurements.GROUPS and len(rest) == 1 and self.names.in_lane:
            self._check_measurement(name, head, rest[0])
        elif len(rest) == 2 and rest[0] in measurements.GROUPS and self.names.in_lane:
            if self.check_call(head, self._head(name)):
                self._check_measurement(name, *rest)
        elif not self.context.is_doubtful(head):
            self._error("SF206", f"nothing is known as `{name}`", name.span, "not a measurement of a call")

    def _check_variable(self, name: Name) -> None:
        word = name.parts[0]
        if self.names.has_variable(word) or word in self.context.variables or not self.is_new_mistake(word):
            return
        near = closest(word, [*self.names.known.variables, *self.context.variables])
        help_text = f"did you mean `{near}`?" if near else f"`let {word} = …` before this makes one"
        fix = diagnostics.replace(name.span, near) if near else None
        self._error(
            "SF205", f"unknown variable `{word}`", name.span, "nothing gave it a value", help=help_text, fix=fix
        )

    def _check_measurement(self, name: Name, group: str, measured: str) -> None:
        known = measurements.GROUPS[group]
        if measured in known:
            return
        near = closest(measured, known)
        help_text = f"did you mean `{group}.{near}`?" if near else f"`{group}.` has {', '.join(known)}"
        self.context.report.warning(
            "SF206", f"unknown measurement `{name}`", name.span, "a check of it fails", help=help_text
        )

    def is_new_mistake(self, word: str) -> bool:
        """Whether a name that nothing has is to be reported; says yes once."""
        if self.context.is_doubtful(word) or word in self.names.reported:
            return False
        self.names.reported.add(word)
        return True

    def _head(self, name: Name) -> Span:
        return self.context.report.source.span(name.span.start, name.span.start + len(name.parts[0]))

    def check_call(self, word: str, span: Span) -> bool:
        """Whether the lane has a call of this name; reports SF204 when not."""
        if word in self.names.known.calls or not self.is_new_mistake(word):
            return True
        near = closest(word, self.names.known.calls)
        help_text = f"did you mean `{near}`?" if near else f"calls get names where they begin: `call … as {word}`"
        fix = diagnostics.replace(span, near) if near else None
        self._error(
            "SF204", f"unknown call `{word}`", span, "no call of this lane has this name", help=help_text, fix=fix
        )
        return False

    def _kind_of_name(self, parts: tuple[str, ...]) -> Kind:
        if len(parts) == 1:
            if self.names.message and parts[0] in measurements.MESSAGE:
                return measurements.MESSAGE[parts[0]]
            return self.names.known.variables.get(parts[0], self.context.variables.get(parts[0]))
        return measurements.GROUPS.get(parts[-2], {}).get(parts[-1])

    # --- operators -------------------------------------------------------------------------------------------------

    def _apply(self, node: Node) -> Expr:
        name_node, *arguments = node.nodes()
        name = self._dotted(name_node)
        parts = name.parts
        known = parts in _FUNCTIONS or (self.names.message and parts == ("header",))
        if not known and len(parts) == 3 and parts[1:] in _FUNCTIONS:
            known = self.check_call(parts[0], self._head(name))
        elif not known and not self.context.is_doubtful(parts[0]):
            self._error("SF206", f"unknown function `{name}`", name.span, 'there is `sip.header("NAME")`')
        values = tuple(self.read(argument) for argument in arguments)
        if known and len(values) != 1:
            self._error("SF208", f"`{name}` takes one value: the name of a header", self.context.span(node))
        return Apply(name, values, self.context.span(node))

    def _env(self, node: Node) -> Expr:
        token = node.token("NAME")
        assert token is not None, "the grammar has a name behind `env.`"
        return Env(token.text, self.context.span(node))

    def _secret(self, node: Node) -> Expr:
        return Secret(self.read(_only(node)), self.context.span(node))

    def _group(self, node: Node) -> Expr:
        return self.read(_only(node))

    def _literal_node(self, node: Node) -> Expr:
        token = node.children[0]
        assert isinstance(token, Token), "a literal is one token"
        return self._literal(token)

    def _not(self, node: Node) -> Expr:
        operand = self.read(_only(node))
        check_operator(self, "not", (operand,), self.context.span(node))
        return Unary("not", operand, self.context.span(node))

    def _negative(self, node: Node) -> Expr:
        operand = self.read(_only(node))
        span = self.context.span(node)
        if isinstance(operand, Literal):
            if isinstance(operand.value, Quantity):
                return Literal(Quantity(-operand.value.value, operand.value.unit), span)
            if isinstance(operand.value, float):
                return Literal(-operand.value, span)
        check_operator(self, "-", (operand,), span)
        return Unary("-", operand, span)

    def _binary(self, node: Node) -> Expr:
        left_node, operator, right_node = node.children
        assert isinstance(left_node, Node) and isinstance(operator, Token) and isinstance(right_node, Node)
        left, right = self.read(left_node), self.read(right_node)
        check_operator(self, operator.text, (left, right), self.context.span(node))
        return Binary(operator.text, left, right, self.context.span(node))

    def _error(self, code: str, message: str, where: Span, label: str = "", **more: object) -> None:
        self.context.report.error(code, message, where, label, **more)


_READERS: dict[str, Callable[[ExpressionReader, Node], Expr]] = {
    "expression": ExpressionReader._group,
    "literal": ExpressionReader._literal_node,
    "name": ExpressionReader._name,
    "apply": ExpressionReader._apply,
    "env": ExpressionReader._env,
    "group": ExpressionReader._group,
    "secret": ExpressionReader._secret,
    "not_expr": ExpressionReader._not,
    "negative": ExpressionReader._negative,
    **dict.fromkeys(("or_expr", "and_expr", "comparison", "sum", "product"), ExpressionReader._binary),
}
EXPRESSION_RULES = frozenset(_READERS)
"""Rules whose nodes are expressions."""


def _only(node: Node) -> Node:
    return next(node.nodes())


def _merge(parts: list[Expr], span: Span) -> list[Expr]:
    """Neighbouring constant texts become one."""
    merged: list[Expr] = []
    for part in parts:
        last = merged[-1] if merged else None
        if _is_text(part) and last is not None and _is_text(last):
            merged[-1] = Literal(_text(last) + _text(part), last.span)
        else:
            merged.append(part)
    return merged


def _is_text(part: Expr) -> bool:
    return isinstance(part, Literal) and isinstance(part.value, str)


def _text(part: Expr) -> str:
    assert isinstance(part, Literal) and isinstance(part.value, str)
    return part.value
