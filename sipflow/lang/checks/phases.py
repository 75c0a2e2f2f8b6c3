"""How far the calls of a lane may be at each of its statements: a walk over all ways at once.

What is kept is what *may* be, so that whatever is ruled out is ruled out on every way: a check that finds nothing but
`RELEASED` knows that the call is over however the lane came there. Calls may end at any time by themselves; a phase
says what the lane has seen of its call, and a call that the peer may have ended counts as alive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from sipflow.ir import ops
from sipflow.ir.graph import Lane, Node
from sipflow.ir.ops import Op
from sipflow.lang.checks.program import Program, Way
from sipflow.values import dataclass, field, replace

# Phases are bits of a number; an enum.Flag would make the walk over a long lane ten times as slow.
NO_CALL: Final = 1
"""There is no call."""
INCOMING: Final = 2
"""It rings, or is known; nothing was said to it that would carry media."""
EARLY: Final = 4
"""`progress` was sent: it may have early media."""
PLACED: Final = 8
"""Dialled; it may be answered by now."""
MADE: Final = 16
"""Dialled and answered."""
TAKEN: Final = 32
"""Answered by us."""
RELEASED: Final = 64
ENDED: Final = 128
"""The peer ended or rejected it, or we rejected it."""
HELD: Final = 256
"""Among the possibilities is that we hold it …"""
FREE: Final = 512
"""… and that we do not."""

OVER: Final = RELEASED | ENDED
ALIVE: Final = INCOMING | EARLY | PLACED | MADE | TAKEN
PHASES: Final = NO_CALL | ALIVE | OVER
ANY: Final = PHASES | HELD | FREE
MANY: Final = 5
"""So many calls are as good as any number."""

RECORDED: Final = 1
PLAYED: Final = 2
SENT: Final = 4

INCOMING_OPS = (ops.Answer, ops.Ring, ops.Progress, ops.Reject, ops.Redirect)
"""They act on the call that rings, or wait for one."""
MAKERS = (ops.Call, ops.Dial, ops.ExpectCall, *INCOMING_OPS)
"""What a lane gets calls by."""
_TIMELESS = (
    ops.Log, ops.Let, ops.Signal, ops.Mute, ops.Unmute, ops.PauseRecord, ops.ResumeRecord, ops.Impair,
    ops.ClearImpairment, ops.If, ops.While, ops.Repeat,
)  # fmt: skip
"""Statements on which nothing can come in between."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What may be at one place of a lane."""

    current: int = NO_CALL
    """Phases of the call that statements without a name act on."""
    others: int = 0
    """Phases of calls that may become the current one when that ends; 0 when there is none."""
    names: Mapping[str, int] = field(default_factory=dict)
    """Phases of the calls with names; one that is missing was never made."""
    blur: int = 0
    """Phases that any of them may have besides, by statements without a name."""
    live: int = 0
    """The most calls that may be alive."""
    just_dialled: str | None = None
    """Name of the call (empty: without one) since whose `dial` no time has passed, on every way."""
    done: int = 0
    """RECORDED, PLAYED, SENT: what may have been begun."""

    def of(self, name: str | None) -> int:
        """Phases of the call that a statement acts on."""
        if name is None:
            return self.current
        return self.names[name] | self.blur if name in self.names else NO_CALL

    def join(self, other: Calls) -> Calls:
        """What may be where two ways meet."""
        if other == self:
            return self
        names = dict(self.names)
        for name in self.names.keys() | other.names.keys():
            names[name] = self.names.get(name, NO_CALL) | other.names.get(name, NO_CALL)
        return Calls(
            self.current | other.current,
            self.others | other.others,
            names,
            self.blur | other.blur,
            max(self.live, other.live),
            self.just_dialled if self.just_dialled == other.just_dialled else None,
            self.done | other.done,
        )


def phases(mask: int) -> int:
    """Only what says how far the call is."""
    return mask & PHASES


def only(mask: int, of: int) -> bool:
    """Whether nothing but these phases is possible."""
    return bool(phases(mask)) and not phases(mask) & ~of


def calls_of(program: Program, lane: Lane) -> dict[str, Calls]:
    """What may be at the beginning of each node of a lane; empty when it is too entangled to be followed."""
    if lane.entry is None:
        return {}
    before: dict[str, Calls] = {lane.entry: Calls()}
    queue = deque((lane.entry,))
    budget = 20 * len(program.nodes_of.get(lane.id, ())) + 1000
    while queue:
        budget -= 1
        if budget < 0:
            return {}
        node = program.graph.node(queue.popleft())
        for target, after in _after(program, node, before[node.id]):
            known = before.get(target)
            joined = after if known is None else known.join(after)
            if joined != known:
                before[target] = joined
                queue.append(target)
    return before


def _after(program: Program, node: Node, calls: Calls) -> Iterator[tuple[str, Calls]]:
    for way in program.ways[node.id]:
        if way.target is not None:
            yield way.target, _on_way(node, way, calls)


def _on_way(node: Node, way: Way, calls: Calls) -> Calls:
    if phases(calls.of(node.call)) == NO_CALL and needs_call(node.op):  # that is reported, and need not be again
        calls = replace(calls, current=ANY, others=ANY, live=MANY)
    if way.failed:
        return _when_failed(node, calls)
    if isinstance(node.op, ops.Choose):
        calls = _later(calls)
        events = node.op.events
        if way.arm is None or way.arm >= len(events):
            return calls
        arm = events[way.arm]
        return _when_done(arm.event, arm.call or node.call, calls)
    return _when_done(node.op, node.call, calls)


def needs_call(op: Op) -> bool:
    """Whether it acts on a call that must be there; a check may judge variables, a response belongs to a request."""
    if isinstance(op, (ops.SendRequest, ops.SendRaw)):
        return op.target is None
    return op.call_bound and not isinstance(op, (ops.Check, ops.ExpectResponse))


# --- success -------------------------------------------------------------------------------------------------------


def _when_done(op: Op, call: str | None, calls: Calls) -> Calls:
    if not isinstance(op, _TIMELESS):
        calls = _later(calls)
    match op:
        case ops.Call(name=name):
            return _new(calls, MADE, name)
        case ops.Dial(name=name):
            return replace(_new(calls, PLACED, name), just_dialled=name or "")
        case ops.ExpectCall(name=name):
            return _new(calls, INCOMING, name)
        case ops.Answer(name=name):
            return _incoming(calls, call, TAKEN, name)
        case ops.Ring(name=name):
            return _incoming(calls, call, INCOMING, name)
        case ops.Progress(name=name):
            return _incoming(calls, call, EARLY, name)
        case ops.Reject() | ops.Redirect():
            return _refused(calls, call)
        case ops.Release():
            return _over(calls, call, RELEASED)
        case ops.ExpectHangup() | ops.ExpectRejected():
            return _over(calls, call, ENDED)
        case ops.Transfer(other=other):
            after = _over(calls, call, RELEASED)
            return after if other is None else _over(after, other, RELEASED)
        case ops.ExpectAnswered():
            return _changed(calls, call, MADE, keep=HELD | FREE)
        case ops.Respond():  # what a response to an INVITE is not, is not known either
            return _perhaps(calls, call, EARLY | TAKEN | ENDED)
        case ops.Hold():
            return _changed(calls, call, HELD, keep=PHASES)
        case ops.Resume():
            return _changed(calls, call, FREE, keep=PHASES)
        case ops.ExpectTransferred():  # the call goes on in another dialog, which nobody has held
            return _changed(calls, call, FREE, keep=ANY)
        case _:
            return replace(calls, done=calls.done | _begun(op)) if _begun(op) else calls


def _later(calls: Calls) -> Calls:
    """The same calls when time has passed."""
    return calls if calls.just_dialled is None else replace(calls, just_dialled=None)


def _begun(op: Op) -> int:
    if isinstance(op, ops.Record):
        return RECORDED
    if isinstance(op, (ops.SendRequest, ops.SendRaw)):
        return SENT
    return PLAYED if isinstance(op, ops.Play) and op.background else 0


def _new(calls: Calls, phase: int, name: str | None) -> Calls:
    names = calls.names
    if name is not None:
        older = names.get(name, 0) & (ALIVE | HELD)  # a call of the same name may be alive behind the new one
        names = {**names, name: phase | FREE | older}
    others = calls.others | (calls.current & (ALIVE | HELD | FREE) if calls.current & ALIVE else 0)
    return replace(calls, current=phase | FREE, others=others, names=names, live=min(MANY, calls.live + 1))


def _incoming(calls: Calls, call: str | None, phase: int, name: str | None) -> Calls:
    """`answer` and the like: they act on the call that rings, or take another."""
    if not only(calls.of(call), INCOMING | EARLY):
        after = _new(calls, phase, name)
        return after if call is None else _perhaps(after, call, phase | calls.current)
    changed = _changed(calls, call, phase, keep=HELD | FREE)
    return changed if name is None else replace(changed, names={**changed.names, name: phase | FREE})


def _refused(calls: Calls, call: str | None) -> Calls:
    if only(calls.of(call), INCOMING | EARLY):
        return _over(calls, call, ENDED)
    return replace(calls, current=(calls.current & ~NO_CALL) | ENDED | calls.others)


def _over(calls: Calls, call: str | None, phase: int) -> Calls:
    """The call ended. A second one may have become the current one by that, or have been it."""
    was_surely_alive = only(calls.of(call), ALIVE)
    if calls.live <= 1 and (call is None or was_surely_alive):
        over = {name: phase | mask & NO_CALL for name, mask in calls.names.items()}
        return replace(calls, current=phase, others=0, names=over, blur=0, live=0)
    left = calls.live if calls.live >= MANY else calls.live - 1
    if call is None:
        blur = calls.blur | phase if calls.names else 0
        return replace(calls, current=calls.others | phase, blur=blur, live=left)
    names = {**calls.names, call: phase}
    current = calls.current | calls.others | phase
    return replace(calls, current=current, names=names, live=left if was_surely_alive else calls.live)


def _changed(calls: Calls, call: str | None, phase: int, *, keep: int) -> Calls:
    """The call is in another phase now, what is in `keep` being as it was."""
    if call is None:
        blur = calls.blur | phase if calls.names else 0
        return replace(calls, current=(calls.current & keep) | phase, blur=blur)
    names = {**calls.names, call: (calls.names.get(call, 0) & keep) | phase}
    return replace(calls, current=calls.current | phase, names=names)


# --- failure -------------------------------------------------------------------------------------------------------


def _when_failed(node: Node, calls: Calls) -> Calls:
    """What may be at the beginning of an `else`: more than behind the statement."""
    calls = replace(calls, just_dialled=None, done=calls.done | _begun(node.op))
    match node.op:
        case ops.Call(name=name):
            return _perhaps(_new(calls, PLACED, name), name, PLACED | ENDED)
        case ops.Dial(name=name) | ops.ExpectCall(name=name):
            return _perhaps(calls, name, ALIVE | ENDED, more=1)
        case ops.Answer() | ops.Ring() | ops.Progress() | ops.Reject() | ops.Redirect():
            return _perhaps(calls, getattr(node.op, "name", None), INCOMING | EARLY | ENDED, more=1)
        case ops.Choose():
            return calls
        case _:
            return _perhaps(calls, node.call, calls.of(node.call) | RELEASED | HELD | FREE if _is_change(node) else 0)


def _is_change(node: Node) -> bool:
    return isinstance(node.op, ops.Release | ops.Hold | ops.Resume | ops.Transfer)


def _perhaps(calls: Calls, name: str | None, mask: int, *, more: int = 0) -> Calls:
    names = calls.names
    if name is not None and mask:
        names = {**names, name: names.get(name, NO_CALL) | mask}
    blur = calls.blur | mask if names and name is None else calls.blur
    return replace(
        calls,
        current=calls.current | mask | (calls.others if mask else 0),
        names=names,
        blur=blur,
        live=min(MANY, calls.live + more),
    )
