"""The functions of the expression language: their values, and what has none."""

from __future__ import annotations

import pytest

from sipflow.ir.expr import Apply, Binary, Expr, Literal, Name, Quantity, Unit, Value
from sipflow.ir.functions import FUNCTIONS
from sipflow.plan.evaluate import NoValueError, evaluate
from sipflow.plan.plan import PlanScope, stream


def ms(value: float) -> Quantity:
    return Quantity(value, Unit.MILLISECOND)


def apply(function: str, *arguments: Value, seed: int = 7) -> Value:
    expression = Apply(Name((function,)), tuple(Literal(argument) for argument in arguments))
    return evaluate(expression, PlanScope({}, {}, randomness=lambda: stream(seed)))


@pytest.mark.parametrize(
    ("function", "argument", "value"),
    [
        ("number", "42", 42.0),
        ("number", " -3.5 ", -3.5),
        ("number", "007", 7.0),
        ("text", 42.0, "42"),
        ("text", ms(1500), "1.5s"),
        ("text", True, "true"),
        ("length", "", 0.0),
        ("length", "Zoë", 3.0),
        ("lower", "ABC ß", "abc ß"),
        ("upper", "abc", "ABC"),
    ],
)
def test_a_function_has_its_value(function: str, argument: Value, value: Value) -> None:
    assert apply(function, argument) == value


@pytest.mark.parametrize("text", ["", "twelve", "1e5", "inf", "nan", "0x10", "12%", "1 2", "٣"])
def test_what_writes_no_number_has_no_value(text: str) -> None:
    with pytest.raises(NoValueError, match="is not a number"):
        apply("number", text)


def test_random_numbers_are_whole_and_both_ends_belong_to_them() -> None:
    scope = PlanScope({}, {}, randomness=lambda: stream(7))
    die = Apply(Name(("random",)), (Literal(1.0), Literal(6.0)))
    assert {evaluate(die, scope) for _ in range(300)} == {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}
    assert apply("random", 3.0, 3.0) == 3.0
    assert apply("random", 2.5, 3.5) == 3.0


def test_a_random_duration_is_a_duration() -> None:
    drawn = apply("random", ms(100), ms(900))
    assert isinstance(drawn, Quantity) and drawn.unit is Unit.MILLISECOND
    assert 100 <= drawn.value <= 900 and drawn.value == int(drawn.value)


@pytest.mark.parametrize("bounds", [(2.0, 1.0), (1.2, 1.8), ("1", 2.0), (ms(1), 2.0), (1.0, Quantity(2, Unit.HERTZ))])
def test_random_between_what_is_no_range_has_no_value(bounds: tuple[Value, Value]) -> None:
    with pytest.raises(NoValueError):
        apply("random", *bounds)


def test_the_seed_decides_and_zero_is_fresh() -> None:
    drawn = [apply("random", 1.0, 1e9, seed=seed) for seed in (7, 7, 8, 0, 0)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


def test_a_number_times_a_duration_is_a_duration() -> None:
    assert evaluate(Binary("*", Literal(2.0), Literal(ms(250))), PlanScope({}, {})) == ms(500)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=str)
def test_every_function_of_the_language_has_a_value_for_what_it_takes(function: object) -> None:
    examples: dict[str, Expr] = {"string": Literal("12"), "number": Literal(2.0), "amount": Literal(2.0)}
    arguments = tuple(examples.get(kind, Literal(True)) for _, kind in function.parameters)  # type: ignore[attr-defined]
    evaluate(Apply(Name((function.name,)), arguments), PlanScope({}, {}))  # type: ignore[attr-defined]


def test_a_function_that_nobody_knows_has_no_value() -> None:
    with pytest.raises(NoValueError):
        apply("sqrt", 2.0)
