"""What lanes send each other, as far as the text alone tells.

Only the main way of each lane is followed. A call of one lane meets a lane of the agent that it names when nothing else
could take it: one lane calls that agent, and one lane of it takes calls. What is sent elsewhere is told of at its node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sipflow.ir import ops
from sipflow.ir.draw.ways import Ways
from sipflow.ir.expr import constant_text
from sipflow.ir.graph import Graph, Node
from sipflow.ir.ops import Op


@dataclass(frozen=True, slots=True)
class Message:
    """Something that goes from a node to another lane."""

    source: str
    text: str
    kind: str
    """`sip`, `rtp` or `signal`."""
    lane: str | None = None
    """Where it arrives; None when that is not told."""
    target: str | None = None
    """The node that takes it, None when none waits for it."""


def find_messages(graph: Graph, ways: Ways) -> tuple[Message, ...]:
    """All messages of a graph in the order of its nodes."""
    main = {lane.id: ways.main(graph, lane.id) for lane in graph.lanes}
    legs = [leg for lane, nodes in main.items() for leg in _Tracer(lane).trace(nodes)]
    _pair(legs)
    told = [*_between_legs(legs), *_requests(graph, main), *_signals(graph)]
    sources = {message.source for message in told}
    rest = [
        Message(node.id, sent[0], sent[1]) for node in graph.nodes if node.id not in sources and (sent := _sent(node))
    ]
    return tuple(sorted([*told, *rest], key=lambda message: ways.places[message.source]))


# --- what statements send and take ---------------------------------------------------------------------------------

_Takers = tuple[type[Op], ...]
_TRANSFERS = (ops.ExpectTransfer, ops.ExpectTransferred)
_SENDS: dict[type[Op], tuple[Callable[[Any], str], str, _Takers]] = {
    ops.Call: (lambda op: "INVITE", "sip", ()),
    ops.Dial: (lambda op: "INVITE", "sip", ()),
    ops.Ring: (lambda op: "180 Ringing", "sip", (ops.ExpectRinging,)),
    ops.Progress: (lambda op: "183 early media", "sip", (ops.ExpectProgress,)),
    ops.Answer: (lambda op: "200 OK", "sip", (ops.ExpectAnswered,)),
    ops.Reject: (lambda op: str(op.code), "sip", (ops.ExpectRejected,)),
    ops.Redirect: (lambda op: "302", "sip", (ops.ExpectRejected,)),
    ops.Respond: (lambda op: str(op.code), "sip", ()),
    ops.Release: (lambda op: "BYE", "sip", (ops.ExpectHangup,)),
    ops.Hold: (lambda op: "re-INVITE hold", "sip", (ops.ExpectHeld,)),
    ops.Rekey: (lambda op: "re-INVITE new keys", "sip", ()),
    ops.Resume: (lambda op: "re-INVITE resume", "sip", (ops.ExpectResumed,)),
    ops.Transfer: (lambda op: "REFER" if op.other is None else "REFER Replaces", "sip", _TRANSFERS),
    ops.SendRequest: (lambda op: op.method, "sip", ()),
    ops.SendRaw: (lambda op: "raw", "sip", ()),
    ops.Register: (lambda op: "REGISTER", "sip", ()),
    ops.Unregister: (lambda op: "REGISTER", "sip", ()),
    ops.SendDtmf: (lambda op: f"DTMF {constant_text(op.digits) or ''}".strip(), "rtp", (ops.ExpectDtmf,)),
    ops.Play: (lambda op: "RTP", "rtp", (ops.ExpectHeard, ops.ExpectAudio, ops.ExpectTone)),
    ops.Signal: (lambda op: op.name, "signal", (ops.Await,)),
}
"""By statement: what is sent, its kind, the events that take it."""

_OPENS = (ops.Call, ops.Dial)
_TAKES_CALLS = (ops.ExpectCall, ops.Ring, ops.Progress, ops.Answer, ops.Reject, ops.Redirect)
_REFUSES = (ops.Reject, ops.Redirect)
_AWAITS_ANSWER = (ops.Call, ops.ExpectTransferred)
_ANSWERS_INVITE = (ops.Ring, ops.Progress, ops.Answer, ops.Reject, ops.Redirect)


def _sent(node: Node) -> tuple[str, str] | None:
    """What a node sends, and of what kind it is."""
    row = _SENDS.get(type(node.op))
    return None if row is None else (row[0](node.op), row[1])


def _takes(node: Node, takers: _Takers) -> bool:
    if isinstance(node.op, ops.Choose):
        return any(isinstance(arm.event, takers) for arm in node.op.events)
    return isinstance(node.op, takers)


# --- the calls of a lane -------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class _Leg:
    """One side of a call, from the node that makes or takes it."""

    lane: str
    agent: str
    opener: Node
    called: str | None = None
    """The agent that an outgoing call is for."""
    outgoing: bool = False
    name: str | None = None
    nodes: list[Node] = field(default_factory=list)
    """What is done with it, the opener included."""
    answered: bool = False
    refused: bool = False
    moved: _Leg | None = None
    """The call that a transfer put in its place."""
    transfers: list[tuple[ops.Transfer, _Leg | None]] = field(default_factory=list)
    """Transfers of this leg, each with the leg of the consultation."""
    peer: _Leg | None = None


class _Tracer:
    """Follows the calls of one lane along its main way."""

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self.legs: list[_Leg] = []
        self.current: _Leg | None = None

    def trace(self, nodes: list[Node]) -> list[_Leg]:
        """All legs of the lane."""
        for node in nodes:
            self._node(node)
        return self.legs

    def _node(self, node: Node) -> None:
        if isinstance(node.op, _OPENS):
            self._open(node, node.op.target_agent, outgoing=True).answered = isinstance(node.op, ops.Call)
        elif isinstance(node.op, _TAKES_CALLS):
            self._take(node)
        elif node.op.call_bound or isinstance(node.op, ops.SendRequest | ops.Choose):
            self._act(node)

    def _open(self, node: Node, called: str | None = None, outgoing: bool = False) -> _Leg:
        leg = _Leg(self.lane, node.agent, node, called, outgoing, getattr(node.op, "name", None))
        leg.nodes.append(node)
        self.legs.append(leg)
        self.current = leg
        return leg

    def _take(self, node: Node) -> None:
        """A response to the call that waits for one, or to a new one."""
        pending = [leg for leg in self.legs if not (leg.outgoing or leg.answered or leg.refused)]
        if pending and not isinstance(node.op, ops.ExpectCall):
            leg = self._named(node.call) or pending[0]
            leg.nodes.append(node)
            leg.name = getattr(node.op, "name", None) or leg.name
            self.current = leg
        else:
            leg = self._open(node)
        leg.answered = leg.answered or isinstance(node.op, ops.Answer)
        leg.refused = leg.refused or isinstance(node.op, _REFUSES)

    def _act(self, node: Node) -> None:
        leg = self._named(node.call) if node.call else self.current
        if leg is None:
            return
        leg.nodes.append(node)
        leg.answered = leg.answered or isinstance(node.op, ops.ExpectAnswered)
        if isinstance(node.op, ops.Transfer):
            leg.transfers.append((node.op, self._named(node.op.other)))
        elif isinstance(node.op, ops.ExpectTransferred) and not leg.transfers:
            leg.moved = self._open(node)
            leg.moved.answered, leg.moved.name = True, leg.name

    def _named(self, name: str | None) -> _Leg | None:
        return next((leg for leg in reversed(self.legs) if name is not None and leg.name == name), None)


# --- which legs belong together ------------------------------------------------------------------------------------


def _pair(legs: list[_Leg]) -> None:
    moved = {id(leg.moved) for leg in legs}
    made = [leg for leg in legs if leg.outgoing]
    taken = [leg for leg in legs if not leg.outgoing and id(leg) not in moved]
    for agent in dict.fromkeys(leg.called for leg in made):
        callers = [leg for leg in made if leg.called == agent]
        callees = [leg for leg in taken if leg.agent == agent]
        if len({leg.lane for leg in callers}) == 1 == len({leg.lane for leg in callees}):
            for caller, callee in zip(callers, callees, strict=False):
                _join(caller, callee)
    for leg in list(legs):
        for op, other in leg.transfers:
            _move(leg.peer, op, other, taken)
        if leg.outgoing and leg.peer is not None and isinstance(leg.opener.op, ops.Call):
            _redirect(leg, leg.peer.nodes[-1].op, legs, taken)


def _join(one: _Leg, other: _Leg) -> None:
    one.peer, other.peer = other, one


def _move(peer: _Leg | None, op: ops.Transfer, other: _Leg | None, taken: list[_Leg]) -> None:
    """After a transfer the one who was transferred is connected with somebody else."""
    moved = None if peer is None else peer.moved
    if moved is None:
        return
    moved.outgoing = True
    if op.other is None:
        free = [leg for leg in taken if leg.agent == op.target_agent and leg.peer is None]
    else:
        free = [other.peer.moved] if other and other.peer and other.peer.moved else []
    if free:
        _join(moved, free[0])


def _redirect(leg: _Leg, last: Op, legs: list[_Leg], taken: list[_Leg]) -> None:
    """`call` follows a redirection: what comes after it is said to somebody else."""
    if not isinstance(last, ops.Redirect):
        return
    followed = _Leg(leg.lane, leg.agent, leg.opener, last.target_agent, outgoing=True, answered=True)
    followed.nodes, leg.nodes = leg.nodes, leg.nodes[:1]
    legs.append(followed)
    free = [other for other in taken if other.agent == last.target_agent and other.peer is None]
    if free:
        _join(followed, free[0])


# --- messages ------------------------------------------------------------------------------------------------------


def _between_legs(legs: list[_Leg]) -> Iterator[Message]:
    used: set[str] = set()
    for leg in legs:
        if leg.peer is None:
            continue
        if leg.outgoing and isinstance(leg.opener.op, (*_OPENS, ops.ExpectTransferred)):
            replaces = " Replaces" if isinstance(leg.peer.opener.op, ops.ExpectTransferred) else ""
            yield Message(leg.opener.id, f"INVITE{replaces}", "sip", leg.peer.lane, leg.peer.opener.id)
        for node in leg.nodes:
            if type(node.op) in _SENDS and not isinstance(node.op, _OPENS):
                yield _delivered(node, leg, leg.peer, used)


def _delivered(node: Node, leg: _Leg, peer: _Leg, used: set[str]) -> Message:
    text, kind, takers = _sends(node, leg)
    taker = next((other for other in peer.nodes if other.id not in used and _takes(other, takers)), None)
    if taker is None and isinstance(node.op, _ANSWERS_INVITE) and isinstance(peer.opener.op, _AWAITS_ANSWER):
        taker = peer.opener
    elif taker is not None and not isinstance(taker.op, ops.Choose):
        used.add(taker.id)
    return Message(node.id, text, kind, peer.lane, None if taker is None else taker.id)


def _sends(node: Node, leg: _Leg) -> tuple[str, str, _Takers]:
    write, kind, takers = _SENDS[type(node.op)]
    if isinstance(node.op, ops.Release) and not leg.answered:
        return ("CANCEL" if leg.outgoing else "480", kind, takers)
    return write(node.op), kind, takers


def _requests(graph: Graph, main: dict[str, list[Node]]) -> Iterator[Message]:
    """Requests outside of calls, to an agent with one lane that takes them."""
    used: set[str] = set()
    for node in (node for nodes in main.values() for node in nodes):
        op = node.op
        if isinstance(op, ops.SendRequest) and op.target_agent is not None:
            lanes = [lane for lane in graph.lanes if lane.agent == op.target_agent]
            takers = [n for n in main[lanes[0].id] if _takes_request(n, op.method)] if len(lanes) == 1 else []
            taker = next((taker for taker in takers if taker.id not in used), None)
            if taker is not None:
                used.add(taker.id)
                yield Message(node.id, op.method, "sip", taker.lane, taker.id)


def _takes_request(node: Node, method: str) -> bool:
    return isinstance(node.op, ops.ExpectRequest) and node.op.method == method


def _signals(graph: Graph) -> Iterator[Message]:
    waiting = [node for node in graph.nodes if isinstance(node.op, ops.Await)]
    for node in graph.nodes:
        if isinstance(node.op, ops.Signal):
            for other in waiting:
                if isinstance(other.op, ops.Await) and other.op.name == node.op.name and other.lane != node.lane:
                    yield Message(node.id, node.op.name, "signal", other.lane, other.id)
