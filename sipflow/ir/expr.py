"""The expression language as values: what may stand where the language says E, D, CONDITION or a string.

Expressions know no environment; `sipflow.plan.evaluate` gives them one. `str(expr)` is source text again.
"""

from __future__ import annotations

import enum
from typing import Final

from sipflow.ir.span import NOWHERE, Span
from sipflow.values import dataclass


class Unit(enum.Enum):
    """Units of quantities; every quantity is kept in the one unit of its dimension."""

    MILLISECOND = "ms"
    PER_SECOND = "/s"
    PERCENT = "%"
    PARTS_PER_MILLION = "ppm"
    HERTZ = "Hz"
    DECIBEL = "dB"
    BYTE = "B"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its dimension: `1.5s` is `Quantity(1500.0, Unit.MILLISECOND)`."""

    value: float
    unit: Unit

    def __str__(self) -> str:
        if self.unit is Unit.MILLISECOND:
            return format_duration(self.value)
        return f"{format_number(self.value)}{self.unit.value}"


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression literal, Python's syntax, known to compile."""

    pattern: str

    def __str__(self) -> str:
        escaped = self.pattern.replace("/", "\\/")
        return f"/{escaped}/"


def format_number(value: float) -> str:
    """`value` as the language writes numbers: no exponent, no needless zeros, nothing lost."""
    text = repr(float(value))
    if "e" in text:
        text = f"{value:.15f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text


def format_duration(milliseconds: float) -> str:
    """A duration in the largest unit in which it is short: `200ms`, `1.5s`, `5m`, `1h`."""
    for unit, length_ms in (("h", 3_600_000), ("m", 60_000)):
        if milliseconds >= length_ms and milliseconds % length_ms == 0:
            return f"{format_number(milliseconds / length_ms)}{unit}"
    if abs(milliseconds) >= 1000 and milliseconds % 1 == 0:
        return f"{format_number(milliseconds / 1000)}s"
    return f"{format_number(milliseconds)}ms"


_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quote(text: str) -> str:
    """`text` as a string of the language, quotes included."""
    return f'"{escape(text)}"'


def escape(text: str) -> str:
    """`text` as it stands between the quotes of a string."""
    escaped = "".join(_ESCAPES.get(char) or (char if char.isprintable() else f"\\u{{{ord(char):x}}}") for char in text)
    return escaped.replace("${", "\\${")


Value = str | float | bool | Quantity | Regex
"""What an expression evaluates to. Integers are floats with no fraction. None (no measurement) never is a Value:
an evaluation that has nothing to judge fails."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Value
    span: Span = NOWHERE

    def __str__(self) -> str:
        return format_literal(self.value)


@dataclass(frozen=True, slots=True)
class Template:
    """A string with `${…}` parts: constant text and expressions in turn, concatenated."""

    parts: tuple[Expr, ...]
    span: Span = NOWHERE

    def __str__(self) -> str:
        return '"' + "".join(_template_part(part) for part in self.parts) + '"'


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name: a variable (`pin`), a measurement (`media.loss`), one of a named call (`c1.media.loss`)."""

    parts: tuple[str, ...]
    span: Span = NOWHERE

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Env:
    """`env.NAME`: an environment variable."""

    name: str
    span: Span = NOWHERE

    def __str__(self) -> str:
        return f"env.{self.name}"


@dataclass(frozen=True, slots=True)
class Secret:
    """`secret E`: the value of E, redacted in every output."""

    operand: Expr
    span: Span = NOWHERE

    def __str__(self) -> str:
        return f"secret {_operand(self.operand, _UNARY)}"


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of the language applied to arguments: `sip.header("X-Id")`."""

    function: Name
    arguments: tuple[Expr, ...]
    span: Span = NOWHERE

    def __str__(self) -> str:
        return f"{self.function}({', '.join(str(argument) for argument in self.arguments)})"


@dataclass(frozen=True, slots=True)
class Unary:
    """`not E`, `-E`."""

    operator: str
    operand: Expr
    span: Span = NOWHERE

    def __str__(self) -> str:
        if self.operator == "not":
            return f"not {_operand(self.operand, _NOT)}"
        return f"-{_operand(self.operand, _UNARY)}"


@dataclass(frozen=True, slots=True)
class Binary:
    """`E op E`, op one of `and or == != < <= > >= matches contains + - * /`."""

    operator: str
    left: Expr
    right: Expr
    span: Span = NOWHERE

    def __str__(self) -> str:
        strength = _strength(self)
        left = _operand(self.left, strength + (strength == _COMPARISON))
        return f"{left} {self.operator} {_operand(self.right, strength + 1)}"


Expr = Literal | Template | Name | Env | Secret | Apply | Unary | Binary


_NOT, _COMPARISON, _UNARY, _PRIMARY = 2, 3, 6, 7
_STRENGTHS: Final = {"or": 0, "and": 1, "+": 4, "-": 4, "*": 5, "/": 5}
"""How tightly an operator binds; `_COMPARISON` for those that are not here."""


def _strength(expression: Expr) -> int:
    match expression:
        case Binary(operator=operator):
            return _STRENGTHS.get(operator, _COMPARISON)
        case Unary(operator="not"):
            return _NOT
        case Unary() | Secret():
            return _UNARY
        case Literal(value=Quantity(value=number)) | Literal(value=float(number)) if number < 0:
            return _UNARY
        case _:
            return _PRIMARY


def _operand(expression: Expr, at_least: int) -> str:
    return str(expression) if _strength(expression) >= at_least else f"({expression})"


def _template_part(part: Expr) -> str:
    if isinstance(part, Literal) and isinstance(part.value, str):
        return escape(part.value)
    return f"${{{part}}}"


def format_literal(value: Value) -> str:
    """A value as the source text that makes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case float() | int():
            return format_number(value)
        case _:
            return str(value)


def parts_of(expression: Expr) -> tuple[Expr, ...]:
    """The expressions of which an expression is made."""
    match expression:
        case Template(parts=parts):
            return parts
        case Secret(operand=operand) | Unary(operand=operand):
            return (operand,)
        case Apply(arguments=arguments):
            return arguments
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            return ()


def depth_of(expression: Expr) -> int:
    """How many expressions lie within each other, 1 for a constant or a name."""
    deepest = 0
    queue = [(expression, 1)]
    while queue:
        found, depth = queue.pop()
        deepest = max(deepest, depth)
        queue += [(part, depth + 1) for part in parts_of(found)]
    return deepest


def constant_text(expression: Expr | None) -> str | None:
    """The text of an expression that is a constant string, else None."""
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        return expression.value
    return None


def constant_ms(expression: Expr | None) -> float | None:
    """The milliseconds of an expression that is a constant duration, else None."""
    if isinstance(expression, Literal) and isinstance(expression.value, Quantity):
        return expression.value.value if expression.value.unit is Unit.MILLISECOND else None
    return None
