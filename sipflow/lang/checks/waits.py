"""What can happen in a program, all lanes together: which waits can end, and which are in vain.

The walk is optimistic. Every `else` may be taken, every condition may hold, every time limit is long enough. A wait can
end once anything that can happen gives what it waits for: a `call bob` that can be reached gives what an `answer` of
bob waits for, and once that can end, it gives what the `call` waits for. What still waits when nothing new can happen
waits in vain however the run goes: nobody gives it, or only somebody behind a wait that cannot end either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sipflow.ir import ops
from sipflow.ir.graph import Node
from sipflow.ir.ops import Op
from sipflow.lang.checks.parties import Parties
from sipflow.lang.checks.phases import EARLY, INCOMING, INCOMING_OPS, Calls, only
from sipflow.lang.checks.program import Program, Way
from sipflow.values import dataclass, field

Key = tuple[str, ...]
"""Something that one lane gives and another waits for: `("call", "bob")`, `("signal", "ready")`."""
Keys = frozenset[Key] | None
"""Any one of them ends the wait; None when it can end by itself or by strangers."""

_KNOWN_METHODS = frozenset(("INFO", "MESSAGE", "OPTIONS", "NOTIFY", "SUBSCRIBE", "PUBLISH"))
"""Requests that come only because a lane says `send`."""
_CODES_OF_LANES = frozenset(
    (*range(300, 400), 401, 402, 403, 404, 406, 407, 410, 413, 414, 484, 485, 486, 600, 604, 606)
)
"""Rejections that come only because a lane says `reject` or `redirect`; a user agent sends some others by itself."""


@dataclass(slots=True)
class Needs:
    """What statements wait for, and what they give."""

    program: Program
    parties: Parties
    before: Mapping[str, Mapping[str, Calls]]
    """What is known of the calls, by lane and node."""

    def of(self, node: Node) -> Keys:
        """What a node that is no `choose` waits for."""
        return self._of(node.op, node, node.call)

    def of_way(self, node: Node, way: Way) -> Keys:
        """What must happen for a way out of a node."""
        if way.failed:
            return None
        if not isinstance(node.op, ops.Choose):
            return self.of(node)
        events = node.op.events
        if way.arm is None or way.arm >= len(events):
            return None
        return self._of(events[way.arm].event, node, events[way.arm].call or node.call)

    def _of(self, op: Op, node: Node, call: str | None) -> Keys:
        need = _NEEDS.get(type(op))
        return None if need is None else need(self, op, node, call)

    def _a_call(self, op: Op, node: Node, call: str | None) -> Keys:
        calls = self.before.get(node.lane, {}).get(node.id)
        rings = calls is not None and only(calls.of(call), INCOMING | EARLY)
        if (rings and not isinstance(op, ops.ExpectCall)) or not self.parties.hears_only_the_program(node.agent):
            return None
        caller = op.caller_agent if isinstance(op, ops.ExpectCall) else None
        if caller is None or self.parties.transfers or self.parties.redirects:
            return frozenset({("call", node.agent)})
        return frozenset({("call", node.agent, caller)}) if caller in self.parties.driven else None

    def _an_answer(self, op: Op, node: Node, call: str | None) -> Keys:
        called = self.parties.called_by(node)
        return None if called is None else frozenset(("answer", name) for name in called)

    def _a_transfer_target(self, op: Op, node: Node, call: str | None) -> Keys:
        target = op.target_agent if isinstance(op, ops.Transfer) else None
        private = target is not None and self.parties.is_private(target) and target not in self.parties.redirects
        return frozenset({("answer", target)}) if private and target is not None else None

    def from_peers(self, what: str, node: Node, call: str | None) -> Keys:
        """Something that the other side of a call does."""
        peers = self.parties.peers_of(node.lane, call)
        return None if peers is None else frozenset((what, name) for name in peers)

    def _end(self, op: Op, node: Node, call: str | None) -> Keys:
        peers = self.parties.peers_of(node.lane, call)
        timed = (node.agent, *(peers or ()))
        if any(self.program.agents[name].session_timer is not None for name in timed):
            return None  # who gets no refresh ends the call
        return self.from_peers("end", node, call)

    def _digits(self, op: Op, node: Node, call: str | None) -> Keys:
        inband = self.program.agents[node.agent].dtmf == "inband"
        return None if inband else self.from_peers("dtmf", node, call)

    def _held(self, op: Op, node: Node, call: str | None) -> Keys:
        if self.parties.transfers:
            return None
        return self.from_peers("hold" if isinstance(op, ops.ExpectHeld) else "resume", node, call)

    def _rejected(self, op: Op, node: Node, call: str | None) -> Keys:
        code = op.code if isinstance(op, ops.ExpectRejected) else None
        peers = self.parties.peers_of(node.lane, call)
        if code not in _CODES_OF_LANES or peers is None or self.parties.transfers:
            return None
        return frozenset(("reject", name, str(code)) for name in peers)

    def _transferred(self, op: Op, node: Node, call: str | None) -> Keys:
        peers = self.parties.peers_of(node.lane, call)
        return None if peers is None else frozenset({("transfer",)})

    def _notify(self, op: Op, node: Node, call: str | None) -> Keys:
        requests = self._requests("NOTIFY", node.agent)
        return None if requests is None else requests | {("transfer",)}

    def _request(self, op: Op, node: Node, call: str | None) -> Keys:
        assert isinstance(op, ops.ExpectRequest), "the table says so"
        return self._requests(op.method, node.agent) if op.method in _KNOWN_METHODS else None

    def _requests(self, method: str, agent: str) -> Keys:
        if not self.parties.hears_only_the_program(agent):
            return None
        return frozenset({("request", method, agent), ("request", method)})

    def _signal(self, op: Op, node: Node, call: str | None) -> Keys:
        assert isinstance(op, ops.Await), "the table says so"
        return None if self.program.context.is_doubtful(op.name) else frozenset({("signal", op.name)})

    # --- what a statement gives ------------------------------------------------------------------------------------

    def given(self, node: Node) -> Iterator[Key]:
        """What happens as soon as a lane is at a node."""
        op = node.op
        if isinstance(op, ops.Call | ops.Dial | ops.Transfer) and op.target_agent is not None:
            yield ("call", op.target_agent)
            yield ("call", op.target_agent, node.agent)
        if isinstance(op, ops.Signal):
            yield ("signal", op.name)
        if isinstance(op, ops.Transfer):
            yield ("transfer",)
        if isinstance(op, ops.SendRequest):
            yield ("request", op.method) if op.target_agent is None else ("request", op.method, op.target_agent)
            if op.method == "INFO" and op.target_agent is None:
                yield ("dtmf", node.agent)  # a body of application/dtmf-relay is a digit
        yield from ((what, node.agent) for what in _GIVEN.get(type(op), ()))

    def given_when_done(self, node: Node) -> Iterator[Key]:
        """What happens when a node has succeeded."""
        if isinstance(node.op, ops.Redirect) and node.op.target_agent is not None:
            yield ("call", node.op.target_agent)
        if isinstance(node.op, ops.Reject | ops.Redirect):
            yield ("reject", node.agent, str(node.op.code if isinstance(node.op, ops.Reject) else 302))
        yield from ((what, node.agent) for what in _GIVEN_WHEN_DONE.get(type(node.op), ()))


def _peers(what: str) -> Callable[[Needs, Op, Node, str | None], Keys]:
    def need(needs: Needs, op: Op, node: Node, call: str | None) -> Keys:
        return needs.from_peers(what, node, call)

    return need


_NEEDS: dict[type[Op], Callable[[Needs, Op, Node, str | None], Keys]] = {
    **dict.fromkeys((*INCOMING_OPS, ops.ExpectCall), Needs._a_call),
    ops.Call: Needs._an_answer,
    ops.Transfer: Needs._a_transfer_target,
    ops.Await: Needs._signal,
    ops.ExpectRinging: _peers("ring"),
    ops.ExpectProgress: _peers("progress"),
    ops.ExpectAnswered: _peers("answer"),
    ops.ExpectRejected: Needs._rejected,
    ops.ExpectHangup: Needs._end,
    ops.ExpectDtmf: Needs._digits,
    ops.ExpectHeld: Needs._held,
    ops.ExpectResumed: Needs._held,
    ops.ExpectTransfer: _peers("transfer"),
    ops.ExpectTransferred: Needs._transferred,
    ops.ExpectNotify: Needs._notify,
    ops.ExpectRequest: Needs._request,
    ops.ExpectAudio: _peers("audio"),
    ops.ExpectTone: _peers("audio"),
    ops.ExpectHeard: _peers("audio"),
}
_GIVEN: dict[type[Op], tuple[str, ...]] = {
    ops.Release: ("end",),
    ops.Hold: ("hold",),
    ops.Resume: ("resume",),
    ops.Rekey: ("rekey",),
    ops.Transfer: ("transfer", "end"),
    ops.SendDtmf: ("dtmf", "audio"),
    ops.Play: ("audio",),
}
_GIVEN_WHEN_DONE: dict[type[Op], tuple[str, ...]] = {
    ops.Answer: ("answer",),
    ops.Ring: ("ring",),
    ops.Progress: ("progress",),
}


@dataclass(slots=True)
class Course:
    """What can happen: the end of the walk."""

    reached: dict[str, None] = field(default_factory=dict)
    """Nodes that lanes can come to, in the order in which they do."""
    ended: dict[str, None] = field(default_factory=dict)
    """Nodes out of which a way other than failure leads."""
    had: set[Key] = field(default_factory=set)
    """Everything that was given."""


class _Walk:
    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.program = needs.program
        self.course = Course()
        self.entering: list[str] = []
        self.waiting: dict[Key, list[tuple[Node, Way]]] = {}

    def run(self) -> Course:
        for lane in self.program.graph.lanes:
            self._enter(lane.entry, lane.agent)
        while self.entering:
            node = self.program.graph.node(self.entering.pop())
            for key in self.needs.given(node):
                self._give(key)
            for way in self.program.ways[node.id]:
                self._try(node, way)
            if isinstance(node.op, ops.End):
                self._give(("end", node.agent))
        return self.course

    def _enter(self, node_id: str | None, agent: str) -> None:
        if node_id is None:
            self._give(("end", agent))
        elif node_id not in self.course.reached:
            self.course.reached[node_id] = None
            self.entering.append(node_id)

    def _try(self, node: Node, way: Way) -> None:
        keys = self.needs.of_way(node, way)
        if keys is None or not keys.isdisjoint(self.course.had):
            self._pass(node, way)
            return
        for key in keys:
            self.waiting.setdefault(key, []).append((node, way))

    def _pass(self, node: Node, way: Way) -> None:
        if not way.failed:
            self.course.ended[node.id] = None
            for key in self.needs.given_when_done(node):
                self._give(key)
        self._enter(way.target, node.agent)

    def _give(self, key: Key) -> None:
        if key in self.course.had:
            return
        self.course.had.add(key)
        for node, way in self.waiting.pop(key, ()):
            self._pass(node, way)


def course_of(needs: Needs) -> Course:
    """Everything that can happen."""
    return _Walk(needs).run()


@dataclass(slots=True)
class Vain:
    """A wait that cannot end."""

    node: Node
    keys: frozenset[Key]
    """What would end it."""
    givers: list[Node] = field(default_factory=list)
    """Statements that would give it, if their lanes came there."""


def vain_waits(needs: Needs, course: Course) -> list[Vain]:
    """All waits that lanes come to and that cannot end, in the order of the text."""
    stuck = [node for node in needs.program.graph.nodes if node.id in course.reached and node.id not in course.ended]
    found: list[Vain] = []
    for node in stuck:
        keys: set[Key] = set()
        for way in needs.program.ways[node.id]:
            keys |= needs.of_way(node, way) or frozenset()
        if not isinstance(node.op, ops.Fail | ops.End):
            found.append(Vain(node, frozenset(keys)))
    _find_givers(needs, found)
    return found


def _find_givers(needs: Needs, waits: list[Vain]) -> None:
    wanted: dict[Key, list[Vain]] = {}
    for vain in waits:
        for key in vain.keys:
            wanted.setdefault(key, []).append(vain)
    for node in needs.program.live_nodes() if wanted else ():
        for key in (*needs.given(node), *needs.given_when_done(node), *_end_of(needs.program, node)):
            for vain in wanted.get(key, ()):
                if len(vain.givers) < _ENOUGH:
                    vain.givers.append(node)


_ENOUGH = 20
"""So many statements that would end a wait are all that anybody looks at."""


def _end_of(program: Program, node: Node) -> Iterator[Key]:
    if isinstance(node.op, ops.End) or any(way.target is None and not way.failed for way in program.ways[node.id]):
        yield ("end", node.agent)
