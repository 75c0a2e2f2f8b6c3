"""Ways that no run takes: constant conditions, loops without an end, arms of a `choose` behind others (SF313-SF315)."""

from __future__ import annotations

from sipflow.ir import ops
from sipflow.ir.expr import Literal
from sipflow.ir.graph import Node
from sipflow.ir.span import Span
from sipflow.ir.text import event_text
from sipflow.lang.checks.program import Program, constant_truth
from sipflow.lang.diagnostics import Label


def check_order(program: Program) -> None:
    """Look at every branching node that a run may come to; in definitions, what is constant may be an argument."""
    for node in program.live_nodes():
        if node.via:
            continue
        if isinstance(node.op, ops.Choose):
            _check_arms(program, node, node.op)
        elif isinstance(node.op, ops.Branching):
            _check_condition(program, node)


# --- conditions ----------------------------------------------------------------------------------------------------


def _check_condition(program: Program, node: Node) -> None:
    match node.op:
        case ops.While(condition=condition) if constant_truth(condition):
            _check_exit(program, node)
        case ops.If(condition=condition) | ops.While(condition=condition):
            truth = constant_truth(condition)
            if truth is not None:
                _constant(program, node, condition.span, truth)
        case ops.Repeat(times=Literal(value=float(times), span=span)) if times < 1:
            program.context.report.warning("SF314", "this is never done", span, "not even once")
        case _:
            pass


def _constant(program: Program, node: Node, where: Span, truth: bool) -> None:
    """SF314."""
    message = f"this condition is always {'true' if truth else 'false'}"
    if isinstance(node.op, ops.While):
        label = "the block is never done"
    else:
        label = "`else` is never taken" if truth else "the block is never done"
    program.context.report.warning("SF314", message, where, label)


def _check_exit(program: Program, loop: Node) -> None:
    """SF313: behind a loop that nothing ends. A `break` is an edge from inside to what follows."""
    after = loop.arms[1]
    if after is None or after in program.reached:
        return
    following = program.graph.node(after)
    message = "this is never reached: the loop before it has no end"
    notes = (Label(loop.span, "goes round for ever, and there is no `break`"),)
    help_text = "`break` leaves a loop"
    program.context.report.error("SF313", message, following.span, "", secondary=notes, help=help_text)


# --- arms ----------------------------------------------------------------------------------------------------------


def _check_arms(program: Program, node: Node, choose: ops.Choose) -> None:
    """SF315: an earlier arm takes every event that this one waits for."""
    general: dict[tuple[str | None, str], int] = {}
    """First arm that takes all events of a kind on a call."""
    for number, arm in enumerate(choose.events):
        kind = (arm.call, getattr(arm.event, "method", arm.event.word))
        if kind in general:
            if event_text(choose.events[general[kind]]) != event_text(arm):  # that is said already
                _shadowed(program, node, choose, general[kind], number)
        elif _takes_all(arm.event):
            general[kind] = number


def _takes_all(event: ops.Expect) -> bool:
    """Whether an event asks for nothing but its kind."""
    match event:
        case ops.ExpectDtmf(digits=None, pattern=None) | ops.ExpectRejected(code=None) | ops.ExpectCall(caller=None):
            return True
        case ops.ExpectHangup(where=None):
            return True
        case ops.ExpectResponse(code=None, where=None) | ops.ExpectNotify(where=None) | ops.ExpectRequest(where=None):
            return True
        case _:
            return False


def _shadowed(program: Program, node: Node, choose: ops.Choose, earlier: int, later: int) -> None:
    first, second = choose.events[earlier], choose.events[later]
    message = f"the arm `{event_text(second)}` is never taken"
    label = f"`{event_text(first)}` comes before it and takes every such event"
    where = _place_of(program, node, second, later)
    note = Label(_place_of(program, node, first, earlier), "this arm is asked first")
    notes = (note,) if note.span != where else ()
    help_text = "the arms are asked in the order of the text: what is more special comes first"
    program.context.report.warning("SF315", message, where, label, secondary=notes, help=help_text)


def _place_of(program: Program, node: Node, arm: ops.Arm, number: int) -> Span:
    """Where an arm stands: at its own expression, else at the first statement behind its `=>`."""
    expression = getattr(arm.event, "digits", None) or getattr(arm.event, "where", None)
    if expression is not None:
        span: Span = expression.span
        return span
    target = node.arms[number]
    inside = target is not None and target.startswith(f"{node.id}.arm{number + 1}.")
    return program.graph.node(target).span if inside and target is not None else node.span
