"""The expression language as values: what may stand where the language says E, D, CONDITION or a string.

Expressions know no environment; `sipflow.flow.evaluate` gives them one. `str(expr)` is source text again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sipflow.ir.span import NOWHERE, Span


class Unit(enum.Enum):
    """Units of quantities; every quantity is kept in the one unit of its dimension."""

    MILLISECOND = "ms"
    PER_SECOND = "/s"
    PERCENT = "%"
    HERTZ = "Hz"
    DECIBEL = "dB"
    BYTE = "B"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its dimension: `1.5s` is `Quantity(1500.0, Unit.MILLISECOND)`."""

    value: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression literal, Python's syntax, known to compile."""

    pattern: str


type_names = {str: "string", float: "number", bool: "truth value", Quantity: "quantity", Regex: "regular expression"}

Value = str | float | bool | Quantity | Regex
"""What an expression evaluates to. Integers are floats with no fraction. None (no measurement) never is a Value:
an evaluation that has nothing to judge fails."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Value
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Template:
    """A string with `${…}` parts: constant text and expressions in turn, concatenated."""

    parts: tuple[Expr, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name: a variable (`pin`), a measurement (`media.loss`), one of a named call (`c1.media.loss`)."""

    parts: tuple[str, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Env:
    """`env.NAME`: an environment variable."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Secret:
    """`secret E`: the value of E, redacted in every output."""

    operand: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of the language applied to arguments: `sip.header("X-Id")`."""

    function: Name
    arguments: tuple[Expr, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Unary:
    """`not E`, `-E`."""

    operator: str
    operand: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Binary:
    """`E op E`, op one of `and or == != < <= > >= matches contains + - * /`."""

    operator: str
    left: Expr
    right: Expr
    span: Span = NOWHERE


Expr = Literal | Template | Name | Env | Secret | Apply | Unary | Binary
