"""Values of expressions, and what has none."""

from __future__ import annotations

import pytest

from sipflow.ir.expr import Apply, Binary, Env, Expr, Literal, Name, Quantity, Regex, Template, Unary, Unit, Value
from sipflow.plan.evaluate import NoValueError, evaluate, format_value
from sipflow.plan.plan import PlanScope, parse_override

SCOPE = PlanScope({"pin": "1234", "gap": Quantity(1500, Unit.MILLISECOND), "n": 3.0}, {"USER": "root"})


def lit(value: Value) -> Literal:
    return Literal(value)


def ms(value: float) -> Literal:
    return Literal(Quantity(value, Unit.MILLISECOND))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (Template((lit("pin "), Name(("pin",)), lit("/"), Name(("gap",)))), "pin 1234/1.5s"),
        (Env("USER"), "root"),
        (Binary("<", Name(("gap",)), ms(2000)), True),
        (Binary("==", Name(("n",)), lit(3.0)), True),
        (Binary("!=", Name(("pin",)), lit("1")), True),
        (Binary("matches", Name(("pin",)), lit(Regex("^[0-9]+$"))), True),
        (Binary("contains", lit("hello"), lit("ell")), True),
        (Binary("+", ms(500), Name(("gap",))), Quantity(2000, Unit.MILLISECOND)),
        (Binary("*", ms(500), lit(3.0)), Quantity(1500, Unit.MILLISECOND)),
        (Binary("/", lit(7.0), lit(2.0)), 3.5),
        (Binary("+", lit("a"), lit(1.0)), "a1"),
        (Binary("and", lit(False), Name(("missing",))), False),
        (Binary("or", lit(True), Name(("missing",))), True),
        (Unary("not", lit(False)), True),
        (Unary("-", lit(2.0)), -2.0),
    ],
)
def test_an_expression_has_its_value(expression: Expr, value: Value) -> None:
    assert evaluate(expression, SCOPE) == value


@pytest.mark.parametrize(
    "expression",
    [
        Name(("missing",)),
        Name(("media", "loss")),
        Env("NO_SUCH_VARIABLE"),
        Apply(Name(("sip", "header")), (lit("X"),)),
        Binary("<", ms(1), lit(3.0)),
        Binary("==", lit("1"), lit(1.0)),
        Binary("==", ms(1), Literal(Quantity(1, Unit.HERTZ))),
        Binary("/", lit(1.0), lit(0.0)),
        Binary("matches", lit("x"), lit("x")),
        Unary("not", lit(1.0)),
        Binary("*", lit("a"), lit(2.0)),
        Binary("/", lit("a"), ms(3)),
        Binary("/", ms(3), lit("a")),
        Binary("-", lit("a"), lit("b")),
    ],
)
def test_what_can_not_be_judged_has_no_value(expression: Expr) -> None:
    with pytest.raises(NoValueError):
        evaluate(expression, SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200ms", Quantity(200, Unit.MILLISECOND)),
        ("1.5s", Quantity(1500, Unit.MILLISECOND)),
        ("2m", Quantity(120_000, Unit.MILLISECOND)),
        ("3%", Quantity(3, Unit.PERCENT)),
        ("-6dB", Quantity(-6, Unit.DECIBEL)),
        ("42", 42.0),
        ("true", True),
        ("0049301234", "0049301234"),
        ("+49301234", "+49301234"),
        ("inf", "inf"),
        ("alice", "alice"),
        ("", ""),
    ],
)
def test_a_variable_of_the_command_line_keeps_its_kind(text: str, value: Value) -> None:
    assert parse_override(text) == value


def test_large_numbers_are_written_without_an_exponent() -> None:
    assert format_value(4_930_123_456.0) == "4930123456"
