"""Expressions: syntax to values of `sipflow.ir.expr`, names resolved and kinds checked on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from sipflow.ir import load, measurements
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
from sipflow.ir.functions import AMOUNT, FUNCTIONS, Function
from sipflow.ir.span import Span
from sipflow.lang import diagnostics
from sipflow.lang.diagnostics import closest
from sipflow.lang.habits import FILE_ENDINGS, MEASUREMENTS
from sipflow.lang.literals import UNIT_ALIASES, UNITS, Piece, pieces, quantity, split_quantity
from sipflow.lang.lower.context import Context, Kind, Uses
from sipflow.lang.lower.kinds import check_operator, check_values, kind_of_value
from sipflow.lang.lower.known import Known
from sipflow.lang.parse import parse_expression
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass, field, replace

_FUNCTIONS = frozenset((("sip", "header"),))
_OF_MESSAGES: dict[tuple[str, ...], str] = {("header",): "the name of a header", ("part",): "a media type"}
"""What a `where` condition may ask of its message, and by what."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What stands for a parameter of a definition in one of its calls."""

    value: Expr
    agent: str | None = None
    """Set when it is the name of an agent; its value is that name then, unless a variable has it, too."""
    size: int = 0
    """How many characters it has."""


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
    scope: str = ""
    """Where the names of calls and variables belong: see `Symbol.scope`."""
    arguments: Mapping[str, Argument | None] = field(default_factory=dict)
    """What stands for the parameters of the definition that is read; None while it is read by itself."""
    elsewhere: Collection[str] = ()
    """Names that a definition read by itself may find where it is called."""
    load: bool = False
    """Whether this is a requirement of a load run, which sees what was measured on all calls."""

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
            case Apply(function=function, arguments=arguments):
                return self._kind_of_result(function, arguments)
            case Unary(operator=operator, operand=operand):
                return "truth value" if operator == "not" else self.kind(operand)
            case Binary(operator=operator, left=left, right=right):
                return self._kind_of_binary(operator, left, right)

    def _kind_of_binary(self, operator: str, left: Expr, right: Expr) -> Kind:
        if operator not in ("+", "-", "*", "/"):
            return "truth value"
        kind = self.kind(left)
        return self.kind(right) if operator == "*" and kind == "number" else kind

    def _kind_of_result(self, name: Name, arguments: tuple[Expr, ...]) -> Kind:
        function = FUNCTIONS.get(name.parts[0]) if len(name.parts) == 1 else None
        if function is None:
            return "string"
        if function.result != AMOUNT:
            return function.result
        return next((kind for argument in arguments if (kind := self.kind(argument)) is not None), None)

    def for_message(self) -> ExpressionReader:
        """A reader for `where` conditions at the same place."""
        return ExpressionReader(self.context, replace(self.names, message=True))

    def without_effect(self) -> ExpressionReader:
        """A reader at the same place for what only names others, and does nothing to them."""
        return ExpressionReader(self.context.read_again(self.context.report, Uses()), self.names)

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
        if len(name.parts) == 1 and name.parts[0] in self.names.arguments:
            return self._parameter(name)
        if len(name.parts) == 2 and name.parts[0] in self.context.tables:
            self._check_column(name, *node.tokens("NAME"))
        else:
            self._check_name(name)
        return name

    def _parameter(self, name: Name) -> Expr:
        word = name.parts[0]
        self.context.note(SymbolKind.PARAMETER, word, name.span, self.names.scope)
        argument = self.names.arguments[word]
        return name if argument is None else self.insert(argument)

    def insert(self, argument: Argument) -> Expr:
        """The value that stands for a parameter."""
        self.context.insertions.characters -= argument.size
        return Literal("", argument.value.span) if self.context.insertions.exhausted else argument.value

    def _dotted(self, node: Node) -> Name:
        return Name(tuple(token.text for token in node.tokens("NAME")), self.context.span(node))

    def _check_name(self, name: Name) -> None:
        head, *rest = name.parts
        if self.names.load and (rest or head not in self.context.variables):
            self._check_load_measurement(name)
        elif not rest:
            self.check_variable(name)
        elif head in measurements.GROUPS and len(rest) == 1 and self.names.in_lane:
            self._check_measurement(name, head, rest[0])
        elif len(rest) == 2 and rest[0] in measurements.GROUPS and self.names.in_lane:
            if self.check_call(head, self._head(name)):
                self._check_measurement(name, *rest)
        elif self.is_new_mistake(head):
            self._nothing_known(name)

    def _nothing_known(self, name: Name) -> None:
        near = closest(name.parts[0], self.context.tables) if len(name.parts) == 2 else None
        more: dict[str, object] = {}
        if near is not None:
            more = {"help": f"did you mean the table `{near}`?", "fix": diagnostics.replace(self._head(name), near)}
        elif name.parts[-1].lower() in FILE_ENDINGS:
            quoted = f'"{name}"'
            more = {
                "help": f"names of files stand in quotes: `{quoted}`",
                "fix": diagnostics.replace(name.span, quoted),
            }
        self._error("SF206", f"nothing is known as `{name}`", name.span, "not a measurement of a call", **more)

    def _check_column(self, name: Name, table: Token, column: Token) -> None:
        known = self.context.tables[table.text].columns
        self.context.note(SymbolKind.TABLE, table.text, table)
        self.context.note(SymbolKind.COLUMN, column.text, column, table.text)
        if known is None or column.text in known or self.context.is_doubtful(column.text):
            return
        near, where = closest(column.text, known), self.context.span(column)
        help_text = f"did you mean `{near}`?" if near else f"its columns are {', '.join(known)}"
        fix = diagnostics.replace(where, near) if near else None
        message = f"the table `{table.text}` has no column `{column.text}`"
        self._error("SF230", message, where, "not among the names in its first line", help=help_text, fix=fix)

    def check_variable(self, name: Name) -> None:
        """Report a name that is no variable here."""
        word = name.parts[0]
        if word in self.context.tables and not self.names.has_variable(word):
            self.context.note(SymbolKind.TABLE, word, name.span)
            columns = self.context.tables[word].columns or ("COLUMN",)
            label = f"a column of it is a value, such as `{word}.{columns[0]}`"
            self._error("SF208", f"`{word}` is a table", name.span, label)
            return
        self.note_variable(word, name.span)
        if self.names.has_variable(word) or word in self.context.variables or not self.is_new_mistake(word):
            return
        near = closest(word, [*self.names.known.variables, *(self.names.arguments or ()), *self.context.variables])
        near = near or self._measured_as(word)
        help_text = f"did you mean `{near}`?" if near else self._no_variable(word)
        fix = diagnostics.replace(name.span, near) if near else None
        self._error(
            "SF205", f"unknown variable `{word}`", name.span, "nothing gave it a value", help=help_text, fix=fix
        )

    def _measured_as(self, word: str) -> str | None:
        """A measurement whose group was left out."""
        groups = measurements.GROUPS.items() if self.names.in_lane else ()
        return next((f"{group}.{word}" for group, known in groups if word in known), None)

    def _no_variable(self, word: str) -> str:
        """What to do about a word that is near no variable: it may be an agent's, as in `proxy pbx`."""
        agent = closest(word, self.context.agents)
        if agent is None:
            return f"`let {word} = …` before this makes one; text stands in quotes"
        return f"did you mean the agent `{agent}`? ({self.context.line_of(self.context.agents[agent])})"

    def note_variable(self, word: str, where: Span) -> None:
        """Note that a variable is used here."""
        if self.names.message and word in measurements.MESSAGE:
            return
        scope = self.names.scope
        if word not in self.names.known.variables and word in self.context.variables:
            scope = ""
        origin = self.names.known.origins.get(word)
        symbol = None if origin is None or not scope else self.context.symbols.declared_at(origin)
        self.context.note(SymbolKind.VARIABLE, word, where, scope if symbol is None else symbol.scope)

    def _check_measurement(self, name: Name, group: str, measured: str) -> None:
        known = measurements.GROUPS[group]
        if measured in known:
            return
        meant = MEASUREMENTS.get(measured)
        near = meant if meant in known else closest(measured, known)
        help_text = f"did you mean `{group}.{near}`?" if near else f"`{group}.` has {', '.join(known)}"
        fix = diagnostics.replace(name.span, ".".join((*name.parts[:-1], near))) if near else None
        self.context.report.warning(
            "SF206", f"unknown measurement `{name}`", name.span, "a check of it fails", help=help_text, fix=fix
        )

    def _check_load_measurement(self, name: Name) -> None:
        if load.measured_by(name.parts) is not None or self.context.is_doubtful(name.parts[0]):
            return
        written = str(name)
        known = load.names_of_requirements()
        near = closest(written, (*known, *(word.removeprefix("sip.") for word in known)))
        statistics = f"a statistic of it is meant: `{written}.p99`" if load.measured_by((*name.parts, "p99")) else ""
        help_text = statistics or (f"did you mean `{near}`?" if near else "docs/load.md has all names")
        fix = None if statistics or near is None else diagnostics.replace(name.span, near)
        label = "not among what a load run measures"
        self._error("SF206", f"nothing is known as `{written}`", name.span, label, help=help_text, fix=fix)

    def is_new_mistake(self, word: str) -> bool:
        """Whether a name that nothing has is to be reported; says yes once."""
        if self.context.is_doubtful(word) or word in self.names.reported or word in self.names.elsewhere:
            return False
        self.names.reported.add(word)
        return True

    def _head(self, name: Name) -> Span:
        return self.context.report.source.span(name.span.start, name.span.start + len(name.parts[0]))

    def check_call(self, word: str, span: Span) -> bool:
        """Whether the lane has a call of this name; reports SF204 when not."""
        if word in self.names.arguments:
            label = "a parameter stands for a value or an agent, not for a call"
            self._error("SF204", f"`{word}` is a parameter", span, label)
            return False
        self._note_call(word, span)
        if word in self.names.known.calls or not self.is_new_mistake(word):
            return True
        near = closest(word, self.names.known.calls)
        help_text = f"did you mean `{near}`?" if near else f"calls get names where they begin: `call … as {word}`"
        fix = diagnostics.replace(span, near) if near else None
        self._error(
            "SF204", f"unknown call `{word}`", span, "no call of this lane has this name", help=help_text, fix=fix
        )
        return False

    def _note_call(self, word: str, span: Span) -> None:
        origin = self.names.known.calls.get(word)
        symbol = None if origin is None else self.context.symbols.declared_at(origin)
        self.context.note(SymbolKind.CALL, word, span, self.names.scope if symbol is None else symbol.scope)

    def _kind_of_name(self, parts: tuple[str, ...]) -> Kind:
        if self.names.load and parts[0] not in self.context.variables:
            measured = load.measured_by(parts)
            return None if measured is None else measured.unit
        if len(parts) == 1:
            if self.names.arguments.get(parts[0], _NO_ARGUMENT) is None:
                return None
            if self.names.message and parts[0] in measurements.MESSAGE:
                return measurements.MESSAGE[parts[0]]
            return self.names.known.variables.get(parts[0], self.context.variables.get(parts[0]))
        if len(parts) == 2 and parts[0] in self.context.tables:
            return "string"
        return measurements.GROUPS.get(parts[-2], {}).get(parts[-1])

    # --- operators -------------------------------------------------------------------------------------------------

    def _apply(self, node: Node) -> Expr:
        name_node, *arguments = node.nodes()
        name = self._dotted(name_node)
        parts = name.parts
        if len(parts) == 1 and parts[0] in FUNCTIONS:
            return self._function(FUNCTIONS[parts[0]], name, arguments, self.context.span(node))
        known = parts in _FUNCTIONS or (self.names.message and parts in _OF_MESSAGES)
        if not known and len(parts) == 3 and parts[1:] in _FUNCTIONS:
            known = self.check_call(parts[0], self._head(name))
        elif not known and not self.context.is_doubtful(parts[0]):
            self._unknown_function(name)
        values = tuple(self.read(argument) for argument in arguments)
        if known and len(values) != 1:
            wanted = _OF_MESSAGES[parts[-1:]]
            self._error("SF208", f"`{name}` takes one value: {wanted}", self.context.span(node))
        return Apply(name, values, self.context.span(node))

    def _unknown_function(self, name: Name) -> None:
        known = ", ".join(f"`{function}`" for function in FUNCTIONS.values())
        near = closest(str(name), FUNCTIONS)
        fix = diagnostics.replace(name.span, near) if near else None
        help_text = f"did you mean `{near}`?" if near else f'there are `sip.header("NAME")`, {known}'
        self._error("SF206", f"unknown function `{name}`", name.span, "not known", help=help_text, fix=fix)

    def _function(self, function: Function, name: Name, nodes: list[Node], span: Span) -> Expr:
        values = tuple(self.read(node) for node in nodes)
        if len(values) != len(function.parameters):
            count = len(function.parameters)
            message = f"`{function}` takes {count} value{'s' if count != 1 else ''}"
            self._error("SF221", message, span, f"it is given {len(values)}")
        else:
            check_values(self, function, values, span)
        return Apply(name, values, span)

    def _env(self, node: Node) -> Expr:
        token = node.token("NAME")
        assert token is not None, "the grammar has a name behind `env.`"
        return Env(token.text, self.context.span(node))

    def _secret(self, node: Node) -> Expr:
        operand = self.read(_only(node))
        if isinstance(operand, Literal):
            help_text = "keep it outside of the file: `secret env.NAME`, or a column of a table of `data`"
            label = "whoever can read the file can read it"
            self.context.report.warning("SF233", "a secret stands in the file", operand.span, label, help=help_text)
        return Secret(operand, self.context.span(node))

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


_NO_ARGUMENT = Argument(Literal(""))
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
