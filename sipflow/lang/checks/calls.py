"""Statements that act on a call which is not there, is over, or is not that far (SF301, SF308, SF309, SF316-SF320)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from sipflow.ir import ops
from sipflow.ir.expr import Apply, Binary, Expr, Name, Secret, Template, Unary
from sipflow.ir.graph import Lane, Node
from sipflow.ir.ops import Op
from sipflow.lang.checks import phases
from sipflow.lang.checks.phases import Calls, only
from sipflow.lang.checks.program import Program
from sipflow.lang.diagnostics import Label

_NEEDS_A_LIVE_CALL = (
    ops.Play, ops.StopPlay, ops.Record, ops.PauseRecord, ops.ResumeRecord, ops.SendDtmf, ops.Mute, ops.Unmute,
    ops.Impair, ops.ClearImpairment, ops.Hold, ops.Resume, ops.Rekey, ops.Transfer, ops.SendRequest,
)  # fmt: skip
_NEEDS_MEDIA = (ops.Play, ops.SendDtmf)
_NEEDS_AN_ANSWER = (ops.Hold, ops.Resume, ops.Rekey, ops.Transfer)
_OF_A_DIALLED_CALL = (ops.ExpectRinging, ops.ExpectProgress, ops.ExpectAnswered, ops.ExpectRejected)


class CallChecks:
    """The checks of one lane, at each node with what is known of its calls there."""

    def __init__(self, program: Program, lane: Lane, before: Mapping[str, Calls]) -> None:
        self.program = program
        self.report = program.context.report
        self.lane = lane
        self.before = before
        self.made = {name: node for node in reversed(program.nodes_of.get(lane.id, [])) for name in _names_made(node)}
        """The first statement that gives each name to a call."""
        self.missing_said = any(
            found.code == "SF301" and lane.span.start <= found.span.start < lane.span.end
            for found in self.report.diagnostics
        )

    def check(self) -> bool:
        """Look at each statement that a run may come to; of what is wrong with one, the first thing is said.

        True when everything was looked at, and nothing is wrong.
        """
        right = True
        for node in self.program.nodes_of.get(self.lane.id, []):
            if self.report.full:
                return False
            calls = self.before.get(node.id)
            if calls is not None and (node.call is None or node.call in self.made):
                right &= not any(check(self, node, calls) for check in _CHECKS)
        return right

    def complain(self, node: Node, code: str, message: str, label: str, *notes: Label, help: str = "") -> bool:
        """An error, since a run could never do it; a warning when the failure has an `else`."""
        say = self.report.error if node.failure is None else self.report.warning
        say(code, message, node.span, label, secondary=(*notes, *self.program.through(node)), help=help)
        return True

    def warn(self, node: Node, code: str, message: str, label: str, *notes: Label, help: str = "") -> bool:
        """A warning: a run could do it, and it would be of no use."""
        secondary = (*notes, *self.program.through(node))
        self.report.warning(code, message, node.span, label, secondary=secondary, help=help)
        return True

    def note_before(self, node: Node, kinds: tuple[type[Op], ...], text: str) -> tuple[Label, ...]:
        """A note at the nearest statement of some kinds on a way to `node`."""
        found = next((other for other in self._backwards(node) if isinstance(other.op, kinds)), None)
        return () if found is None else (Label(found.span, text),)

    @cached_property
    def _leads_to(self) -> dict[str, list[str]]:
        """From which nodes ways lead to each node."""
        leads_to: dict[str, list[str]] = {}
        for other in self.program.nodes_of[self.lane.id]:
            for way in self.program.ways[other.id]:
                if way.target is not None:
                    leads_to.setdefault(way.target, []).append(other.id)
        return leads_to

    def _backwards(self, node: Node) -> Iterator[Node]:
        queue, seen = [node.id], {node.id}
        for node_id in queue:
            for before in self._leads_to.get(node_id, ()):
                if before not in seen and before in self.before:
                    seen.add(before)
                    queue.append(before)
                    yield self.program.graph.node(before)

    # --- the checks ------------------------------------------------------------------------------------------------

    def missing(self, node: Node, calls: Calls) -> bool:
        """SF301: on no way is there a call."""
        if phases.phases(calls.of(node.call)) != phases.NO_CALL or not (
            phases.needs_call(node.op) or _waits_for_calls_only(node.op) or _measures(node)
        ):
            return False
        if not self.missing_said:
            self._missing(node)
        self.missing_said = self.missing_said or node.call is None
        return True

    def _missing(self, node: Node) -> None:
        maker = self.made.get(node.call) if node.call is not None else self._any_maker()
        notes = () if maker is None else (Label(maker.span, "it comes here, and no way leads from here to there"),)
        which = "a call" if node.call is None else f"the call `{node.call}`"
        self.complain(
            node,
            "SF301",
            f"`{_word(node.op)}` needs {which}, and there is none yet",
            "on no way to this does the lane make or take one",
            *notes,
            help="a lane gets a call by `call`, `dial`, `answer` or `expect call`",
        )

    def _any_maker(self) -> Node | None:
        nodes = self.program.nodes_of[self.lane.id]
        return next((node for node in nodes if isinstance(node.op, phases.MAKERS)), None)

    def over(self, node: Node, calls: Calls) -> bool:
        """SF308: the call is over on every way."""
        if not isinstance(node.op, _NEEDS_A_LIVE_CALL) or not only(calls.of(node.call), phases.OVER):
            return False
        if not phases.needs_call(node.op):
            return False
        ends = (ops.Release, ops.ExpectHangup, ops.ExpectRejected, ops.Transfer, ops.Reject, ops.Redirect, ops.Choose)
        notes = self.note_before(node, ends, "the call is over here")
        message = f"`{_word(node.op)}` comes after the end of the call"
        return self.complain(node, "SF308", message, "there is no call any more", *notes)

    def too_early(self, node: Node, calls: Calls) -> bool:
        """SF309: nobody has answered yet, and there is no media."""
        before_answer = phases.INCOMING | (0 if isinstance(node.op, _NEEDS_MEDIA) else phases.EARLY)
        needs = isinstance(node.op, _NEEDS_MEDIA + _NEEDS_AN_ANSWER)
        rings = needs and only(calls.of(node.call), before_answer)
        dialled = (needs or _measures(node)) and self._is_just_dialled(node, calls)
        if rings:
            notes = self.note_before(node, phases.MAKERS, "it only rings here")
            help_text = "`answer` first, or `progress` for early media"
        elif dialled:
            notes = self.note_before(node, (ops.Dial,), "`dial` does not wait for the answer")
            help_text = "`expect answered` waits for it; `call` dials and waits"
        else:
            return False
        message = f"`{_word(node.op)}` comes before the call is answered"
        return self.complain(node, "SF309", message, "this fails at once", *notes, help=help_text)

    def _is_just_dialled(self, node: Node, calls: Calls) -> bool:
        if calls.just_dialled is None:
            return False
        return node.call is None or node.call == calls.just_dialled

    def wrong_direction(self, node: Node, calls: Calls) -> bool:
        """SF316: an event that cannot come on this call."""
        if not isinstance(node.op, _OF_A_DIALLED_CALL) or node.id in self.program.provided:
            return False
        mask = calls.of(node.call)
        if only(mask, phases.INCOMING | phases.EARLY | phases.TAKEN):
            label, text = "only a call that this lane dials can be", "this call comes from the other side"
            notes = self.note_before(node, phases.MAKERS, text)
        elif only(mask, phases.MADE) and isinstance(node.op, ops.ExpectAnswered | ops.ExpectRejected):
            label = "that was waited for before"
            notes = self.note_before(node, (ops.Call, ops.ExpectAnswered), "this is done when the call is answered")
        else:
            return False
        help_text = "`dial` goes on at once, and leaves these events to `expect`"
        message = f"`{_word(node.op)}` waits in vain"
        return self.warn(node, "SF316", message, label, *notes, help=help_text)

    def nothing_begun(self, node: Node, calls: Calls) -> bool:
        """SF317: the end of something that the lane did not begin."""
        for kinds, bit, what, how in _BEGINNINGS:
            if isinstance(node.op, kinds) and not calls.done & bit and node.id not in self.program.provided:
                message = f"`{_word(node.op)}` waits in vain: {what}"
                return self.warn(node, "SF317", message, "nothing before this begins one", help=how)
        return False

    def hold_twice(self, node: Node, calls: Calls) -> bool:
        """SF318: `resume` of a call that nobody holds, `hold` of one that is held."""
        mask = calls.of(node.call)
        if (
            isinstance(node.op, ops.Resume)
            and not node.op.extra.codecs
            and mask & phases.ALIVE
            and not mask & phases.HELD
        ):
            notes = self.note_before(node, phases.MAKERS, "the call begins here")
            message, label = "`resume` resumes nothing", "this lane has not put the call on hold"
            help_text = "only who held a call can take it back"
        elif isinstance(node.op, ops.Hold) and mask & phases.HELD and not mask & phases.FREE:
            message, label, help_text = "the call is on hold already", "holds it again", ""
            notes = self.note_before(node, (ops.Hold,), "it is put on hold here")
        else:
            return False
        return self.warn(node, "SF318", message, label, *notes, help=help_text)

    def transfer_to_itself(self, node: Node, calls: Calls) -> bool:
        """SF319: an attended transfer joins two calls."""
        if not isinstance(node.op, ops.Transfer) or node.op.other is None:
            return False
        if node.call == node.op.other:
            return self.complain(
                node, "SF319", f"`{node.call}` is transferred to itself", "an attended transfer joins two calls"
            )
        if calls.live != 1:
            return False
        help_text = "`call … as NAME` makes the second one; `transfer to AGENT` needs none"
        message = "there is only one call to transfer"
        return self.complain(node, "SF319", message, "an attended transfer joins two calls", help=help_text)

    def answer_of_own_call(self, node: Node, calls: Calls) -> bool:
        """SF320: only a call that comes in can be answered."""
        if not isinstance(node.op, phases.INCOMING_OPS) or node.call is None:
            return False
        maker = self.made[node.call]
        if not only(calls.of(node.call), phases.PLACED | phases.MADE | phases.OVER):
            return False
        if not isinstance(maker.op, ops.Call | ops.Dial):
            return False
        note = Label(maker.span, f"`{node.call}` is a call that this lane makes")
        message = f"`{_word(node.op)}` needs a call that comes in"
        return self.warn(node, "SF320", message, "the other side answers this call", note)


_CHECKS: tuple[Callable[[CallChecks, Node, Calls], bool], ...] = (
    CallChecks.missing,
    CallChecks.answer_of_own_call,
    CallChecks.transfer_to_itself,
    CallChecks.over,
    CallChecks.too_early,
    CallChecks.wrong_direction,
    CallChecks.nothing_begun,
    CallChecks.hold_twice,
)
_BEGINNINGS: tuple[tuple[tuple[type[Op], ...], int, str, str], ...] = (
    (
        (ops.ExpectRecorded, ops.StopRecord, ops.PauseRecord, ops.ResumeRecord),
        phases.RECORDED,
        "nothing is recorded",
        "`record` starts a recording",
    ),
    (
        (ops.ExpectPlayed,),
        phases.PLAYED,
        "nothing plays in the background",
        "`play … in background` goes on at once; without it `play` waits for its end itself",
    ),
    ((ops.ExpectResponse,), phases.SENT, "nothing was sent", "`send` sends a request, and its response comes then"),
)


def _names_made(node: Node) -> Iterator[str]:
    name: str | None = getattr(node.op, "name", None) if isinstance(node.op, phases.MAKERS) else None
    if name is not None:
        yield name
    if isinstance(node.op, ops.Choose):
        yield from (
            arm.event.name for arm in node.op.events if isinstance(arm.event, ops.ExpectCall) and arm.event.name
        )


def _waits_for_calls_only(op: Op) -> bool:
    """Whether it is a `choose` none of whose events can come without a call."""
    return isinstance(op, ops.Choose) and bool(op.events) and all(phases.needs_call(arm.event) for arm in op.events)


def _measures(node: Node) -> bool:
    """Whether it judges the media of the call that the statement means."""
    return isinstance(node.op, ops.Check) and any(name.parts[0] == "media" for name in names_in(node.op.condition))


def names_in(expression: Expr) -> Iterator[Name]:
    """All names in an expression."""
    match expression:
        case Name():
            yield expression
        case Template(parts=parts) | Apply(arguments=parts):
            for part in parts:
                yield from names_in(part)
        case Binary(left=left, right=right):
            yield from names_in(left)
            yield from names_in(right)
        case Unary(operand=operand) | Secret(operand=operand):
            yield from names_in(operand)
        case _:
            pass


def _word(op: Op) -> str:
    return f"expect {op.word}" if isinstance(op, ops.Expect) else op.word
