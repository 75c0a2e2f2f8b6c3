"""`require …`: whether what was measured is what has to hold."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.ir.expr import Binary, Expr, Literal, Quantity, Unit, Value
from sipflow.ir.load import Measured, measured_by
from sipflow.load.metrics import Metrics
from sipflow.load.totals import TOTALS
from sipflow.plan.evaluate import NoValueError, evaluate, format_value
from sipflow.plan.plan import Plan, PlanScope


@dataclass(frozen=True, slots=True)
class Judged:
    """A requirement, and what became of it."""

    text: str
    holds: bool
    found: str
    """What was measured, or why there is nothing to judge: a requirement without a measurement is broken."""
    line: int


class LoadScope(PlanScope):
    """The names of a requirement: what was measured on all calls, then the variables of the file."""

    def __init__(self, plan: Plan, metrics: Metrics, seconds: float) -> None:
        super().__init__(plan.variables, plan.environment, plan.rows, plan.redactor)
        self._metrics = metrics
        self._seconds = seconds

    def lookup(self, parts: tuple[str, ...]) -> Value:
        """A measurement of the run; raises `NoValueError` when it was never taken."""
        measured = None if len(parts) == 1 and parts[0] in self.variables else measured_by(parts)
        if measured is None:
            return super().lookup(parts)
        value = measure(measured, self._metrics, self._seconds)
        if value is None:
            raise NoValueError(f"no {'.'.join(parts)} was measured")
        return Quantity(value, measured.unit) if isinstance(measured.unit, Unit) else value


def measure(measured: Measured, metrics: Metrics, seconds: float) -> float | None:
    """The value of a name, None when nothing was measured."""
    if measured.name == "calls.rate":
        return metrics.get("started") / seconds if seconds > 0 else None
    if not measured.statistic:
        return TOTALS[measured.name](metrics)
    histogram = metrics.histograms.get(measured.name)
    return None if histogram is None else histogram.statistic(measured.statistic)


def judge_all(requirements: tuple[Expr, ...], plan: Plan, metrics: Metrics, seconds: float) -> tuple[Judged, ...]:
    """All requirements of a run."""
    scope = LoadScope(plan, metrics, seconds)
    return tuple(_judge(requirement, scope) for requirement in requirements)


def _judge(requirement: Expr, scope: LoadScope) -> Judged:
    line = getattr(requirement, "span", None)
    at = 0 if line is None else line.line
    try:
        holds = evaluate(requirement, scope)
        found = scope.redactor.text(_found(requirement, scope))
    except NoValueError as error:
        return Judged(str(requirement), False, str(error), at)
    return Judged(str(requirement), holds is True, found, at)


def _found(requirement: Expr, scope: LoadScope) -> str:
    """`sip.setup_time.p99 is 212ms`, of every side that is not constant."""
    if not isinstance(requirement, Binary):
        return ""
    if requirement.operator in ("and", "or"):
        return ", ".join(filter(None, (_found(requirement.left, scope), _found(requirement.right, scope))))
    sides = (side for side in (requirement.left, requirement.right) if not isinstance(side, Literal))
    return ", ".join(f"{side} is {format_value(_rounded(evaluate(side, scope)))}" for side in sides)


def _rounded(value: Value) -> Value:
    return Quantity(round(value.value, 3), value.unit) if isinstance(value, Quantity) else value
