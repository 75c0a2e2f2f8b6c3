"""The step that a statement is in FlowData, and what of it has no counterpart there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipflow.flowdata.model import DEFAULT_INTERVAL_MS, Step
from sipflow.flowdata.names import call_id
from sipflow.ir import ops
from sipflow.ir.expr import Expr, Literal, Name, constant_ms, constant_text
from sipflow.ir.graph import Agent, Graph, Node
from sipflow.ir.ops import With
from sipflow.ir.text import statement_text

Converted = tuple[Step | None, tuple[str, ...]]


class Constants:
    """Knows the values that a graph has without being run, and where its agents are."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.variables = {variable.name: variable.value for variable in graph.variables}

    def value(self, expression: Expr | None) -> Expr | None:
        """The expression, or the constant of the variable that it names."""
        if isinstance(expression, Name) and len(expression.parts) == 1:
            found = self.variables.get(expression.parts[0])
            return found if isinstance(found, Literal) else None
        return expression

    def text(self, expression: Expr | None) -> str | None:
        """The text of a constant, None for what is none."""
        return constant_text(self.value(expression))

    def number(self, agent: Agent) -> str:
        """The `dn` of an agent: its number, or its name."""
        return self.text(agent.number) or agent.name

    def address(self, target: Expr | None, agent_name: str | None) -> str | None:
        """The address of a target, None when it is not constant."""
        if agent_name is None:
            return self.text(target)
        agent = self.graph.agent(agent_name)
        uri = self.text(agent.uri)
        if agent.remote and uri is not None:
            return uri if uri.startswith("sip") else f"sip:{uri}"
        port = f":{agent.listen.port}" if agent.listen.port else ""
        return f"sip:{self.number(agent)}@{agent.listen.host}{port}"


def step_of(node: Node, constants: Constants) -> Converted:
    """The step of a node without its edges, None when it has no counterpart; and what is lost."""
    convert = _CONVERTERS.get(type(node.op))
    if convert is None:
        return None, (_said(node),)
    step, lost = convert(node.id, node.op, constants)
    return (None, (_said(node),)) if step is None else (step, lost)


def _said(node: Node) -> str:
    ways = ": the flow takes its first way" if isinstance(node.op, ops.If | ops.Choose) else ""
    ways = ": the flow goes through it once" if isinstance(node.op, ops.Repeat | ops.While) else ways
    return f"`{node.text or statement_text(node.op, node.call, node.within)}`{ways}"


def _lost(*parts: tuple[bool, str]) -> tuple[str, ...]:
    return tuple(what for there, what in parts if there)


def _call(node_id: str, op: Any, constants: Constants) -> Converted:
    target = constants.address(op.target, op.target_agent)
    if target is None:
        return None, ()
    dials = (isinstance(op, ops.Dial), "`dial`: MakeCall waits for the answer")
    return Step(node_id, "MakeCall", target=target), _lost(dials, _carries(op.extra))


def _carries(extra: With) -> tuple[bool, str]:
    return extra != With(), "`with { … }`"


def _answer(node_id: str, op: Any, constants: Constants) -> Converted:
    return Step(node_id, "Answer"), _lost(_carries(op.extra))


def _transfer(node_id: str, op: Any, constants: Constants) -> Converted:
    if op.other is not None:
        return Step(node_id, "MuteTransfer", consult=call_id(op.other)), _lost(_carries(op.extra))
    address = constants.address(op.target, op.target_agent)
    if address is None:
        return None, ()
    user, _, host = address.removeprefix("sip:").partition("@")
    return Step(node_id, "BlindTransfer", user=user, host=host), _lost(_carries(op.extra))


def _play(node_id: str, op: Any, constants: Constants) -> Converted:
    path = constants.text(op.path)
    if path is None:
        return None, ()
    lost = _lost(
        (op.times != 1, "`loop` or `times`"),
        (op.duration is not None, "`for`"),
        (op.start is not None, "`from`"),
        (op.gain is not None, "`at`"),
        (op.background, "`in background`: PlayMedia waits to the end"),
    )
    return Step(node_id, "PlayMedia", path=path), lost


def _record(node_id: str, op: Any, constants: Constants) -> Converted:
    path = constants.text(op.path)
    lost = _lost(
        (op.path is not None and path is None, "a file name that is not constant"),
        (op.channels != "stereo", f"`{op.channels}`"),
        (op.duration is not None, "`for`"),
    )
    return Step(node_id, "Record", path=path or ""), lost


def _send_dtmf(node_id: str, op: Any, constants: Constants) -> Converted:
    digits, gap = constants.text(op.digits), constant_ms(constants.value(op.gap))
    if not digits:
        return None, ()
    lost = _lost(
        (op.gap is not None and gap is None, "a `gap` that is not constant"),
        (op.tone is not None, "`tone`"),
        (op.via is not None, "`via`"),
    )
    interval = DEFAULT_INTERVAL_MS if gap is None else max(1, round(gap))
    return Step(node_id, "SendDTMF", digits=digits, interval_ms=interval), lost


def _wait(node_id: str, op: Any, constants: Constants) -> Converted:
    duration = constant_ms(constants.value(op.duration))
    return (None if duration is None else Step(node_id, "TIMEOUT", timeout_ms=max(1, round(duration)))), ()


def _expect_call(node_id: str, op: Any, constants: Constants) -> Converted:
    anybody = "INCOMING takes a call from anybody"
    lost = _lost((op.caller is not None, f"`from`: {anybody}"), (op.where is not None, f"`where`: {anybody}"))
    return Step(node_id, "INCOMING"), lost


def _expect_dtmf(node_id: str, op: Any, constants: Constants) -> Converted:
    if op.pattern is not None:
        return None, ()
    digits = constants.text(op.digits)
    if op.digits is not None and digits is None:
        return None, ()
    return Step(node_id, "DTMF_RECEIVED", digits=digits or ""), ()


def _expect_notify(node_id: str, op: Any, constants: Constants) -> Converted:
    return Step(node_id, "NOTIFY"), _lost((op.where is not None, "`where`"))


def _expect_hangup(node_id: str, op: Any, constants: Constants) -> Converted:
    return Step(node_id, "DISCONNECTED"), _lost((op.where is not None, "`where`"))


def _plain(name: str) -> Callable[[str, Any, Constants], Converted]:
    def convert(node_id: str, op: Any, constants: Constants) -> Converted:
        return Step(node_id, name), _lost(_carries(getattr(op, "extra", With())))

    return convert


_CONVERTERS: dict[type[ops.Op], Callable[[str, Any, Constants], Converted]] = {
    ops.Call: _call,
    ops.Dial: _call,
    ops.Answer: _answer,
    ops.Release: _plain("Release"),
    ops.Hold: _plain("Hold"),
    ops.Resume: _plain("Retrieve"),
    ops.Transfer: _transfer,
    ops.Play: _play,
    ops.Record: _record,
    ops.StopRecord: _plain("StopRecord"),
    ops.SendDtmf: _send_dtmf,
    ops.Wait: _wait,
    ops.ExpectCall: _expect_call,
    ops.ExpectRinging: _plain("RINGING"),
    ops.ExpectHangup: _expect_hangup,
    ops.ExpectDtmf: _expect_dtmf,
    ops.ExpectHeld: _plain("HELD"),
    ops.ExpectResumed: _plain("RETRIEVED"),
    ops.ExpectTransferred: _plain("TRANSFERRED"),
    ops.ExpectNotify: _expect_notify,
    ops.ExpectRecorded: _plain("RECORD_COMPLETED"),
}
