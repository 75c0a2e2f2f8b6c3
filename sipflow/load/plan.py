"""The plan of a load run: what the file's `load` block says, overridden by the command line, as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sipflow.errors import SipflowError
from sipflow.ir.expr import Expr, Quantity, Unit
from sipflow.ir.load import MAX_RATE_PER_S, Stage
from sipflow.load.arrivals import ENDLESS, Arrivals, Curve, Segment
from sipflow.load.roles import begins_by_itself
from sipflow.plan.evaluate import NoValueError, Scope, evaluate, evaluate_ms, evaluate_quantity, format_value
from sipflow.plan.plan import AgentPlan, Plan

DEFAULT_RATE = 10.0
"""Calls a second where neither file nor command line names a rate."""
DEFAULT_DURATION_S = 60.0


@dataclass(frozen=True, slots=True)
class LoadOverrides:
    """What the command line says; None where it says nothing."""

    rate: float | None = None
    """Calls a second, evenly for the whole duration; takes the place of the file's stages."""
    ramp: tuple[float, float, float] | None = None
    """(from, to, seconds), before the rate."""
    calls: int | None = None
    concurrency: int | None = None
    duration_s: float | None = None
    arrivals: str | None = None
    seed: int = 0
    requirements: tuple[Expr, ...] = ()
    """Besides those of the file."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How many calls begin when."""

    curve: Curve
    arrivals: str = "uniform"
    calls: int | None = None
    """No more than these; None: as many as the curve makes."""
    concurrency: int | None = None
    seed: int = 0
    requirements: tuple[Expr, ...] = ()
    until_calls: bool = False
    """It lasts until its calls have begun, at whatever rate: nobody said how long."""

    def starts(self, stripe: int = 0, stripes: int = 1) -> Arrivals:
        """The planned starts of one worker."""
        return Arrivals(self.curve, self.arrivals, self.seed, calls=self.calls, stripe=stripe, stripes=stripes)

    @property
    def expected_calls(self) -> int:
        """About how many calls begin; exactly so with uniform arrivals."""
        by_rate = int(self.curve.mass + 0.999_999)
        return by_rate if self.calls is None else min(by_rate, self.calls)


class NoCallsError(SipflowError):
    """The plan makes no calls, or none that it could plan."""


def make_load_plan(plan: Plan, overrides: LoadOverrides) -> LoadPlan:
    """Bind the block of the plan's graph; raises `NoValueError` when a rate or a duration has no value, `NoCallsError`
    when no call would ever begin, or when a rate is given for calls that others make."""
    answers = not begins_by_itself(plan.graph)
    if answers and (overrides.rate is not None or overrides.ramp is not None):
        raise NoCallsError("nobody calls in this file: calls begin when others make them, at no rate of ours")
    load, scope = plan.graph.load, plan.scope()
    stages = () if load is None else tuple(_segment(stage, scope) for stage in load.stages)
    limit = overrides.concurrency
    if limit is None and load is not None and load.concurrency is not None:
        limit = _whole(load.concurrency, scope)
    requirements = () if load is None else load.requirements
    curve = _curve(stages, overrides, answers)
    if not answers and curve.mass <= 0:
        raise NoCallsError("the plan makes no call: its rate is 0/s all the time")
    return LoadPlan(
        curve=curve,
        arrivals=overrides.arrivals or ("uniform" if load is None else load.arrivals),
        calls=overrides.calls,
        concurrency=limit,
        seed=overrides.seed,
        requirements=(*requirements, *overrides.requirements),
        until_calls=overrides.calls is not None and overrides.duration_s is None and not answers,
    )


def _curve(stages: tuple[Segment, ...], overrides: LoadOverrides, answers: bool) -> Curve:
    """The stages of the file, unless the command line has a rate or a ramp; at least as long as its calls need."""
    if answers:
        # Calls come when others make them: it lasts as long as somebody said, else until it is stopped.
        length = sum(stage.duration_s for stage in stages) if stages else ENDLESS
        return Curve((Segment(0.0, 0.0, length if overrides.duration_s is None else overrides.duration_s),))
    if overrides.rate is None and overrides.ramp is None:
        stages = stages or (Segment(DEFAULT_RATE, DEFAULT_RATE, DEFAULT_DURATION_S),)
        return _fitted(stages, overrides)
    ramp: tuple[Segment, ...] = () if overrides.ramp is None else (Segment(*overrides.ramp),)
    rate = ramp[-1].last if overrides.rate is None else overrides.rate
    ramped_s = sum(one.duration_s for one in ramp)
    duration_s = DEFAULT_DURATION_S if overrides.duration_s is None else max(overrides.duration_s - ramped_s, 0.0)
    if overrides.rate is None and overrides.duration_s is None and overrides.calls is None:
        return Curve(ramp)
    return _fitted((*ramp, Segment(rate, rate, duration_s)), overrides)


def _fitted(stages: tuple[Segment, ...], overrides: LoadOverrides) -> Curve:
    """Cut to the duration or, with a number of calls and no duration, made long enough for them."""
    curve = Curve(stages)
    if overrides.duration_s is not None:
        last = stages[-1]
        missing = max(overrides.duration_s - curve.duration_s, 0.0)
        longer = Curve((*stages, Segment(last.last, last.last, missing))) if missing else curve
        return longer.ended(overrides.duration_s)
    if overrides.calls is not None:
        # Poisson's calls come late by chance: the end is where the number of calls says, not the curve.
        return curve.reaching(2 * overrides.calls + 100)
    return curve


def _segment(stage: Stage, scope: Scope) -> Segment:
    def rate(expression: Expr) -> float:
        return evaluate_quantity(expression, scope, Unit.PER_SECOND, "a rate such as 10/s")

    return Segment(rate(stage.first), rate(stage.last), evaluate_ms(stage.duration, scope) / 1000)


def _whole(expression: Expr, scope: Scope) -> int:
    value = evaluate(expression, scope)
    if isinstance(value, bool) or not isinstance(value, float) or value < 1:
        raise NoValueError(f"{format_value(value)} is not a number of calls")
    return int(value)


def striped(plan: Plan, stripe: int, stripes: int) -> Plan:
    """The plan for one of several workers on a machine: each has its own part of every agent's range of ports."""
    if stripes == 1:
        return plan
    return replace(plan, agents={name: _striped(agent, stripe, stripes) for name, agent in plan.agents.items()})


def _striped(agent: AgentPlan, stripe: int, stripes: int) -> AgentPlan:
    first = agent.first_port + agent.first_port % 2
    pairs = (agent.last_port - first + 1) // 2
    begin, end = pairs * stripe // stripes, pairs * (stripe + 1) // stripes
    return replace(agent, first_port=first + 2 * begin, last_port=first + 2 * end - 1)


def rate_of(text: str) -> float | None:
    """Calls a second of `50/s`, `300/m` or a bare number; None for anything else, and for more than there can be."""
    number, slash, unit = text.partition("/")
    try:
        value = float(number)
    except ValueError:
        return None
    scale = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}.get(unit if slash else "")
    return value / scale if scale is not None and 0 <= value / scale <= MAX_RATE_PER_S else None


def quantity_text(value: float, unit: Unit | str) -> str:
    """A measured value for a person."""
    if isinstance(unit, Unit):
        return str(Quantity(round(value, 3), unit))
    return f"{value:g}"
