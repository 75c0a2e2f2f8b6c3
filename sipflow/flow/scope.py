"""Where names in a lane get their values: its variables, the file's, and what was measured on its calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from sipflow.events import CallMeasured, RequestReceived, ResponseReceived
from sipflow.ir.expr import Expr, Quantity, Unit, Value
from sipflow.ir.graph import Node
from sipflow.ir.measurements import GROUPS
from sipflow.ir.ops import Arm, Op, With
from sipflow.multipart import find_part
from sipflow.plan.evaluate import NoValueError, format_value, names_in
from sipflow.plan.plan import Plan


def calls_measured(node: Node, plan: Plan) -> frozenset[str | None]:
    """Names of the calls whose measurements the expressions of `node` need; None stands for the current call.

    In a load run a node is entered thousands of times, and looking through its expressions is a tenth of what a call
    costs: the plan, which has the node, remembers what was found.
    """
    found = plan.calls_measured.get(node.id)
    if found is None:
        found = plan.calls_measured[node.id] = frozenset(_calls_in(node.op))
    return found


def _calls_in(op: Op) -> Iterator[str | None]:
    for expression in _expressions(op):
        for name in names_in(expression):
            if name.parts[0] in GROUPS:
                yield None
            elif len(name.parts) > 1 and name.parts[1] in GROUPS:
                yield name.parts[0]


def _expressions(value: Any) -> Iterator[Expr]:
    if isinstance(value, Expr):
        yield value
    elif isinstance(value, Op | With | Arm):
        for field in dataclasses.fields(value):
            yield from _expressions(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _expressions(item)


class LaneScope:
    """Scope of the statements of one lane."""

    def __init__(self, plan: Plan, lane: str) -> None:
        self._top = plan.scope(lane)
        self.variables: dict[str, Value] = {}
        self.measured: Mapping[str | None, CallMeasured] = {}
        """What was taken for the statement that is about to begin."""

    def lookup(self, parts: tuple[str, ...]) -> Value:
        """A variable, or a measurement."""
        if len(parts) == 1 and parts[0] in self.variables:
            return self.variables[parts[0]]
        call, rest = _split(parts)
        if len(rest) == 2 and rest[0] in GROUPS:
            return _measurement(self._measurements(call), rest[0], rest[1])
        return self._top.lookup(parts)

    def apply(self, function: tuple[str, ...], arguments: tuple[Value, ...]) -> Value:
        """`sip.header("NAME")`: the value of a header of the call's latest message."""
        call, rest = _split(function)
        if rest != ("sip", "header") or len(arguments) != 1:
            raise NoValueError(f"there is no function `{'.'.join(function)}` of {len(arguments)} arguments")
        return _header(self._measurements(call).headers, format_value(arguments[0]))

    def environment(self, name: str) -> str:
        """An environment variable."""
        return self._top.environment(name)

    def draw(self, first: int, last: int) -> int:
        """A random number of the lane's own stream."""
        return self._top.draw(first, last)

    def keep_secret(self, text: str) -> None:
        """To be taken out of all outputs."""
        self._top.keep_secret(text)

    def file_name(self, text: str) -> str:
        """`text` as the name of a file that everybody may see."""
        return self._top.redactor.text(text, mark="secret")

    def _measurements(self, call: str | None) -> CallMeasured:
        try:
            return self.measured[call]
        except KeyError:
            which = "the lane has no call" if call is None else f"the lane has no call named {call}"
            raise NoValueError(f"nothing was measured: {which}") from None


class MessageScope:
    """Scope of a `where` condition: `method`, `code`, `body`, `header("…")` and `part("…")` of the message, then the
    lane's."""

    def __init__(self, lane: LaneScope, message: RequestReceived | ResponseReceived) -> None:
        self._lane = lane
        self._message = message

    def lookup(self, parts: tuple[str, ...]) -> Value:
        """A part of the message, or a name of the lane."""
        match parts:
            case ("body",):
                return self._message.body
            case ("method",):
                return self._message.method
            case ("code",):
                return float(self._message.code)
            case _:
                return self._lane.lookup(parts)

    def apply(self, function: tuple[str, ...], arguments: tuple[Value, ...]) -> Value:
        """`header("NAME")` and `sip.header("NAME")`: a header of the message; `part("TYPE")`: a part of its body."""
        if function == ("part",) and len(arguments) == 1:
            return self._part(format_value(arguments[0]))
        if function in (("header",), ("sip", "header")) and len(arguments) == 1:
            return _header(self._message.headers, format_value(arguments[0]))
        return self._lane.apply(function, arguments)

    def environment(self, name: str) -> str:
        """An environment variable."""
        return self._lane.environment(name)

    def draw(self, first: int, last: int) -> int:
        """A random number of the lane's own stream."""
        return self._lane.draw(first, last)

    def keep_secret(self, text: str) -> None:
        """To be taken out of all outputs."""
        self._lane.keep_secret(text)

    def _part(self, wanted: str) -> str:
        headers = self._message.headers
        kind = next((value for name, value in headers if name.lower() in ("content-type", "c")), "")
        found = find_part(kind, self._message.body.encode("utf-8", "surrogateescape"), wanted)
        if found is None:
            raise NoValueError(f"the message has no part of the type {wanted}")
        return found.decode("utf-8", "surrogateescape")


def _split(parts: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    return (None, parts) if parts[0] in GROUPS else (parts[0], parts[1:])


def _measurement(measured: CallMeasured, group: str, name: str) -> Value:
    value = (measured.media if group == "media" else measured.sip).get(name)
    if value is None:
        raise NoValueError(f"no {group}.{name} was measured on this call")
    unit = GROUPS[group].get(name)
    if isinstance(unit, Unit):
        return Quantity(float(value), unit)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    for field, value in headers:
        if field.lower() == name.lower():
            return value
    raise NoValueError(f"the message has no header {name}")
