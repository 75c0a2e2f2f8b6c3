"""`load { … }`."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.ir.expr import Binary, Expr, Literal, Quantity
from sipflow.ir.expr import Unit as QuantityUnit
from sipflow.ir.load import MAX_RATE_PER_S, Load, Stage
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.messages import twice
from sipflow.lang.lower.units import Unit
from sipflow.lang.lower.words import read_word
from sipflow.lang.syntax import Node

MAX_STAGE_MS = 30 * 24 * 3_600_000.0
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def read_load(unit: Unit) -> Load | None:
    """The load block of the file that is compiled, None when it has none."""
    blocks = list(unit.root.nodes("load"))
    for again in blocks[1:]:
        twice(unit.context, again.start, again)
    return _load(blocks[0], unit.context) if blocks else None


def read_requirements(node: Node, context: Context) -> tuple[Expr, ...]:
    """The conditions of a `require`."""
    reader = ExpressionReader(context, Names(load=True))
    return tuple(_requirement(item, reader) for item in node.nodes())


def _load(node: Node, context: Context) -> Load:
    reader = ExpressionReader(context, Names())
    arrivals: str | None = None
    stages: list[Stage] = []
    concurrency: Expr | None = None
    requirements: list[Expr] = []
    for item in node.nodes():
        if item.rule == "requirement":
            requirements += read_requirements(item, context)
        elif item.rule in _STAGES:
            stages.append(_STAGES[item.rule](item, reader))
        elif item.rule == "arrivals":
            _once(arrivals, item, context)
            arrivals = read_word(item, context)
        elif item.rule == "concurrency":
            _once(concurrency, item, context)
            concurrency = _limit(item, reader)
    return Load(arrivals or "uniform", tuple(stages), concurrency, tuple(requirements), context.span(node))


def _once(before: object, item: Node, context: Context) -> None:
    if before is not None:
        twice(context, item.start, item)


def _ramp(node: Node, reader: ExpressionReader) -> Stage:
    first, last, duration = (reader.read(value) for value in node.nodes())
    return Stage(_rate(first, reader), _rate(last, reader), _duration(duration, reader))


def _hold(node: Node, reader: ExpressionReader) -> Stage:
    rate, duration = (reader.read(value) for value in node.nodes())
    rate = _rate(rate, reader)
    return Stage(rate, rate, _duration(duration, reader))


_STAGES: dict[str, Callable[[Node, ExpressionReader], Stage]] = {"ramp": _ramp, "hold_rate": _hold}


def _rate(value: Expr, reader: ExpressionReader) -> Expr:
    require(reader, value, QuantityUnit.PER_SECOND, "the rate")
    _within(value, reader, 0, MAX_RATE_PER_S, "a rate from 0/s to 1000000/s")
    return value


def _duration(value: Expr, reader: ExpressionReader) -> Expr:
    require(reader, value, QuantityUnit.MILLISECOND, "the duration")
    _within(value, reader, 1, MAX_STAGE_MS, "a duration from 1ms to 720h")
    return value


def _limit(node: Node, reader: ExpressionReader) -> Expr:
    value = require(reader, reader.read(next(node.nodes())), "number", "the limit of calls at the same time")
    _within(value, reader, 1, 10_000_000, "a whole number from 1 on")
    return value


def _within(value: Expr, reader: ExpressionReader, least: float, most: float, wanted: str) -> None:
    """Report a constant that is out of bounds."""
    if not isinstance(value, Literal) or value.span.start in reader.context.unreadable:
        return
    number = value.value.value if isinstance(value.value, Quantity) else value.value
    if isinstance(number, float) and not isinstance(number, bool) and not least <= number <= most:
        reader.context.report.error("SF218", f"{value} is out of bounds", value.span, f"this takes {wanted}")


def _requirement(node: Node, reader: ExpressionReader) -> Expr:
    condition = reader.read(node)
    if isinstance(condition, Binary) and condition.operator in (*_COMPARISONS, "and", "or"):
        return condition
    return require(reader, condition, "truth value", "what is required")
