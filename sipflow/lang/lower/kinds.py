"""Kinds of values: what operators and statements take, and what is said when they get something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipflow.ir.expr import Expr, Literal, Quantity, Regex, Unit, Value, format_number
from sipflow.ir.functions import AMOUNT, ANYTHING, Function
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Fix, replace
from sipflow.lang.lower.context import Kind

if TYPE_CHECKING:
    from sipflow.lang.lower.expressions import ExpressionReader

_EXAMPLES: dict[Kind, tuple[str, str]] = {
    Unit.MILLISECOND: ("a duration", "5s"),
    Unit.PER_SECOND: ("a rate", "10/s"),
    Unit.PERCENT: ("a share", "3%"),
    Unit.PARTS_PER_MILLION: ("a deviation of a clock", "50ppm"),
    Unit.HERTZ: ("a frequency", "440Hz"),
    Unit.DECIBEL: ("a level", "-6dB"),
    Unit.BYTE: ("a size", "64kB"),
    "string": ("text", '"abc"'),
    "number": ("a number", "3"),
    "truth value": ("a condition", "media.loss < 1%"),
    "regular expression": ("a regular expression", "/[0-9]+/"),
}
_DEFAULT_UNITS = {
    Unit.MILLISECOND: "s",
    Unit.PERCENT: "%",
    Unit.PARTS_PER_MILLION: "ppm",
    Unit.HERTZ: "Hz",
    Unit.DECIBEL: "dB",
    Unit.PER_SECOND: "/s",
}


def kind_of_value(value: Value) -> Kind:
    """The kind of a constant."""
    match value:
        case bool():
            return "truth value"
        case Quantity(unit=unit):
            return unit
        case str():
            return "string"
        case Regex():
            return "regular expression"
        case _:
            return "number"


def describe(kind: Kind) -> str:
    """A kind in words."""
    return _EXAMPLES[kind][0] if kind in _EXAMPLES else "a value"


def require(reader: ExpressionReader, expression: Expr, wanted: Kind, what: str, unit: str = "") -> Expr:
    """Report an expression that cannot be of the `wanted` kind.

    `what` begins the message (`the time limit`), `unit` is what the fix puts behind a bare number.
    """
    kind = reader.kind(expression)
    if kind is None or kind == wanted or not reader.context.is_readable(expression):
        return expression
    if kind == "number" and isinstance(wanted, Unit):
        _missing_unit(reader, expression, wanted, f"{what} has no unit", unit)
        return expression
    name, example = _EXAMPLES[wanted]
    label = f"expected {name} such as `{example}`, found {describe(kind)}"
    fix = None
    if kind == "number" and wanted == "string" and isinstance(expression, Literal):
        fix = replace(expression.span, f'"{reader.context.written(expression.span)}"')
    reader.context.report.error("SF208", f"{what} must be {name}", expression.span, label, fix=fix)
    return expression


def _missing_unit(reader: ExpressionReader, expression: Expr, unit: Unit, message: str, written: str = "") -> None:
    name, example = _EXAMPLES[unit]
    fix: Fix | None = None
    if isinstance(expression, Literal) and isinstance(expression.value, float) and unit in _DEFAULT_UNITS:
        number = format_number(expression.value)
        fix = replace(expression.span, f"{number}{written or _DEFAULT_UNITS[unit]}")
    label = f"{name} such as `{example}` is needed"
    reader.context.report.error("SF207", message, expression.span, label, fix=fix)


def check_operator(reader: ExpressionReader, operator: str, operands: tuple[Expr, ...], span: Span) -> None:
    """Report operands that an operator can do nothing with."""
    if not all(reader.context.is_readable(operand) for operand in operands):
        return
    if operator in ("and", "or", "not"):
        for operand in operands:
            require(reader, operand, "truth value", f"what `{operator}` is said of")
    elif len(operands) == 1:
        _check_number(reader, operator, operands[0])
    elif operator == "matches":
        require(reader, operands[1], "regular expression", "the right side of `matches`")
    elif operator in ("==", "!=", "<", "<=", ">", ">="):
        _check_comparison(reader, operator, operands[0], operands[1], span)
    elif operator != "contains":
        _check_arithmetic(reader, operator, operands[0], operands[1], span)


def check_values(reader: ExpressionReader, function: Function, values: tuple[Expr, ...], span: Span) -> None:
    """Report values that a function can do nothing with."""
    if not all(reader.context.is_readable(value) for value in values):
        return
    amounts = [value for value, (_, wanted) in zip(values, function.parameters, strict=True) if wanted == AMOUNT]
    for value, (name, wanted) in zip(values, function.parameters, strict=True):
        if wanted not in (ANYTHING, AMOUNT):
            require(reader, value, wanted, f"`{name}` of `{function}`")
    for value in amounts:
        _check_number(reader, function.name, value)
    kinds = {kind for value in amounts if (kind := reader.kind(value)) == "number" or isinstance(kind, Unit)}
    if len(kinds) > 1:
        described = " and ".join(sorted(describe(kind) for kind in kinds))
        _mismatch(reader, f"the values of `{function}` must be of one kind", span, f"these are {described}")


def _check_number(reader: ExpressionReader, operator: str, operand: Expr) -> None:
    if reader.kind(operand) in ("string", "truth value", "regular expression"):
        _mismatch(reader, f"`{operator}` needs a number", operand.span, f"this is {describe(reader.kind(operand))}")


def _check_comparison(reader: ExpressionReader, operator: str, left: Expr, right: Expr, span: Span) -> None:
    kinds = reader.kind(left), reader.kind(right)
    if None in kinds:
        return
    for kind, other, expression in ((kinds[0], kinds[1], right), (kinds[1], kinds[0], left)):
        if isinstance(kind, Unit) and other == "number":
            unit = "ms" if kind is Unit.MILLISECOND else ""
            _missing_unit(reader, expression, kind, "this number has no unit", unit)
            return
    if kinds[0] != kinds[1]:
        _mismatch(
            reader, f"{describe(kinds[0])} is never {describe(kinds[1])}", span, f"`{operator}` cannot compare them"
        )
    elif operator not in ("==", "!=") and kinds[0] in ("string", "truth value", "regular expression"):
        _mismatch(reader, f"`{operator}` compares numbers", span, f"this is {describe(kinds[0])}")


def _check_arithmetic(reader: ExpressionReader, operator: str, left: Expr, right: Expr, span: Span) -> None:
    kinds = reader.kind(left), reader.kind(right)
    if None in kinds or (operator == "+" and kinds[0] == "string") or kinds == ("number", "number"):
        return
    units: list[Any] = [kind for kind in kinds if isinstance(kind, Unit)]
    if operator in ("+", "-") and len(units) == 2 and units[0] is units[1]:
        return
    if operator in ("*", "/") and isinstance(kinds[0], Unit) and kinds[1] == "number":
        return
    if operator == "*" and kinds[0] == "number" and isinstance(kinds[1], Unit):
        return
    _mismatch(reader, f"`{operator}` has no meaning here", span, f"{describe(kinds[0])} and {describe(kinds[1])}")


def _mismatch(reader: ExpressionReader, message: str, span: Span, label: str) -> None:
    reader.context.report.error("SF208", message, span, label)
