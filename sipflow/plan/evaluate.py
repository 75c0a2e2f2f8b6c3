"""The value of an expression in a scope.

An expression that has nothing to judge (a variable that is not set, a measurement that was never taken) has no value:
`evaluate` raises `NoValueError` and the statement fails. Nothing is ever taken for zero or for true by default.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from typing import Protocol

from sipflow.errors import SipflowError
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
    Value,
)


class NoValueError(SipflowError):
    """An expression has no value here; the text says which part of it and why, for a person."""


class Scope(Protocol):
    """Where names get their values."""

    def lookup(self, parts: tuple[str, ...]) -> Value:
        """The value of a dotted name; raises `NoValueError` when there is none."""

    def apply(self, function: tuple[str, ...], arguments: tuple[Value, ...]) -> Value:
        """The value of a function of the language; raises `NoValueError`."""

    def environment(self, name: str) -> str:
        """The value of `env.NAME`; raises `NoValueError` when it is not set."""

    def draw(self, first: int, last: int) -> int:
        """A random whole number from `first` to `last`."""

    def keep_secret(self, text: str) -> None:
        """`text` is a value of `secret E`."""


def evaluate(expression: Expr, scope: Scope) -> Value:
    """The value of `expression`; raises `NoValueError` when any part that matters has none."""
    match expression:
        case Literal(value=value):
            return value
        case Template(parts=parts):
            return "".join(format_value(evaluate(part, scope)) for part in parts)
        case Name(parts=parts):
            return scope.lookup(parts)
        case Env(name=name):
            return scope.environment(name)
        case Secret(operand=operand):
            value = evaluate(operand, scope)
            scope.keep_secret(format_value(value))
            return value
        case Apply(function=function, arguments=arguments):
            return _apply_function(function.parts, tuple(evaluate(argument, scope) for argument in arguments), scope)
        case Unary(operator=sign, operand=operand):
            return _unary(sign, evaluate(operand, scope))
        case Binary():
            return _binary(expression, scope)


def evaluate_text(expression: Expr, scope: Scope) -> str:
    """The value of `expression` as text, as it stands in a string."""
    return format_value(evaluate(expression, scope))


def evaluate_ms(expression: Expr, scope: Scope) -> float:
    """The value of `expression` as a duration in milliseconds; raises `NoValueError` when it is none."""
    return evaluate_quantity(expression, scope, Unit.MILLISECOND, "a duration such as 5s")


def evaluate_number(expression: Expr, scope: Scope, wanted: str) -> float:
    """The value of `expression` as a number; raises `NoValueError` that names what is `wanted`."""
    value = evaluate(expression, scope)
    if isinstance(value, float) and not isinstance(value, bool):
        return value
    raise NoValueError(f"{format_value(value)} is not {wanted}")


def evaluate_quantity(expression: Expr, scope: Scope, unit: Unit, wanted: str) -> float:
    """The value of `expression` in `unit`; raises `NoValueError` that names what is `wanted`."""
    value = evaluate(expression, scope)
    if isinstance(value, Quantity) and value.unit is unit:
        return value.value
    raise NoValueError(f"{format_value(value)} is not {wanted}")


def format_value(value: Value) -> str:
    """A value as a person writes it: `1.5s`, `3%`, `true`, `42`."""
    match value:
        case bool():
            return "true" if value else "false"
        case Quantity(value=number, unit=Unit.MILLISECOND):
            return f"{number / 1000:g}s" if abs(number) >= 1000 else f"{number:g}ms"
        case Quantity(value=number, unit=unit):
            return f"{number:g}{unit.value}"
        case Regex(pattern=pattern):
            return f"/{pattern}/"
        case str():
            return value
        case _:
            return f"{value:g}" if abs(value) < 1e6 else str(int(value) if float(value).is_integer() else value)


def names_in(expression: Expr) -> Iterator[Name]:
    """All names that occur in `expression`, functions included."""
    match expression:
        case Name():
            yield expression
        case Template(parts=parts):
            for part in parts:
                yield from names_in(part)
        case Secret(operand=operand) | Unary(operand=operand):
            yield from names_in(operand)
        case Apply(function=function, arguments=arguments):
            yield function
            for argument in arguments:
                yield from names_in(argument)
        case Binary(left=left, right=right):
            yield from names_in(left)
            yield from names_in(right)


def _apply_function(function: tuple[str, ...], arguments: tuple[Value, ...], scope: Scope) -> Value:
    match function, arguments:
        case ("number",), (value,):
            return _number_in(value)
        case ("text",), (value,):
            return format_value(value)
        case ("length",), (value,):
            return float(len(format_value(value)))
        case ("lower",), (value,):
            return format_value(value).lower()
        case ("upper",), (value,):
            return format_value(value).upper()
        case ("random",), (first, last):
            return _random(first, last, scope)
        case _:
            return scope.apply(function, arguments)


_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def _number_in(value: Value) -> float:
    text = format_value(value).strip()
    if _NUMBER.fullmatch(text) is None:
        raise NoValueError(f"{format_value(value)} is not a number")
    return float(text)


def _random(first: Value, last: Value, scope: Scope) -> Value:
    """Whole numbers, and quantities that are whole in the unit of their dimension: durations in milliseconds."""
    bounds = _pair(first, last, "random")
    low, high = math.ceil(bounds[0]), math.floor(bounds[1])
    if low > high:
        raise NoValueError(f"there is nothing whole from {format_value(first)} to {format_value(last)}")
    drawn = float(scope.draw(low, high))
    return Quantity(drawn, first.unit) if isinstance(first, Quantity) else drawn


def _unary(sign: str, value: Value) -> Value:
    if sign == "not":
        return not _truth(value)
    if isinstance(value, Quantity):
        return Quantity(-value.value, value.unit)
    return -_number(value, "-")


def _binary(expression: Binary, scope: Scope) -> Value:
    left = evaluate(expression.left, scope)
    if expression.operator == "and":
        return _truth(left) and _truth(evaluate(expression.right, scope))
    if expression.operator == "or":
        return _truth(left) or _truth(evaluate(expression.right, scope))
    return _apply_operator(expression.operator, left, evaluate(expression.right, scope))


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _apply_operator(sign: str, left: Value, right: Value) -> Value:
    if sign in ("==", "!="):
        return (_same(left, right)) == (sign == "==")
    if sign == "matches":
        return _matches(left, right)
    if sign == "contains":
        return format_value(right) in format_value(left)
    if sign in _COMPARISONS:
        return _COMPARISONS[sign](*_pair(left, right, sign))
    return _arithmetic(sign, left, right)


def _same(left: Value, right: Value) -> bool:
    if isinstance(left, Quantity) != isinstance(right, Quantity) or isinstance(left, str) != isinstance(right, str):
        raise NoValueError(f"cannot compare {format_value(left)} with {format_value(right)}")
    if isinstance(left, Quantity) and isinstance(right, Quantity) and left.unit is not right.unit:
        raise NoValueError(f"cannot compare {format_value(left)} with {format_value(right)}")
    return left == right


def _matches(left: Value, right: Value) -> bool:
    if not isinstance(right, Regex):
        raise NoValueError(f"`matches` needs a regular expression on its right, not {format_value(right)}")
    return re.search(right.pattern, format_value(left)) is not None


def _pair(left: Value, right: Value, sign: str) -> tuple[float, float]:
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        if left.unit is right.unit:
            return left.value, right.value
        raise NoValueError(f"`{sign}` cannot put {format_value(left)} beside {format_value(right)}")
    return _number(left, sign), _number(right, sign)


def _arithmetic(sign: str, left: Value, right: Value) -> Value:
    if sign == "+" and isinstance(left, str):
        return left + format_value(right)
    if sign == "/" and (right.value if isinstance(right, Quantity) else right) == 0:
        raise NoValueError("division by zero")
    function = _ARITHMETIC[sign]
    if isinstance(right, Quantity) and not isinstance(left, Quantity) and sign == "*":
        return Quantity(function(_number(left, sign), right.value), right.unit)
    if isinstance(left, Quantity) and not isinstance(right, Quantity) and sign in ("*", "/"):
        return Quantity(function(left.value, _number(right, sign)), left.unit)
    if isinstance(left, Quantity) and isinstance(right, Quantity) and sign in ("+", "-"):
        return Quantity(function(*_pair(left, right, sign)), left.unit)
    return function(*_pair(left, right, sign))


def _truth(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    raise NoValueError(f"{format_value(value)} is neither true nor false")


def _number(value: Value, sign: str) -> float:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    raise NoValueError(f"`{sign}` needs a number, not {format_value(value)}")
