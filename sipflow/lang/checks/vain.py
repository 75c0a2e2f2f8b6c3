"""Says why waits are in vain: nobody gives what they wait for, or lanes wait for each other (SF304-SF312)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sipflow.ir import ops
from sipflow.ir.expr import constant_text
from sipflow.ir.graph import Lane, Node
from sipflow.ir.ops import Op
from sipflow.ir.span import Span
from sipflow.lang.checks.phases import INCOMING_OPS
from sipflow.lang.checks.program import Program
from sipflow.lang.checks.waits import Course, Needs, Vain, course_of, vain_waits
from sipflow.lang.diagnostics import Label, closest, has_errors
from sipflow.lang.diagnostics import replace as write

_TAKES_A_CALL = (*INCOMING_OPS, ops.ExpectCall)
_MOST_NOTES = 4


def check_waits(needs: Needs) -> None:
    """Report every wait that cannot end, at its cause.

    In a file with errors only what is plainly missing is reported: the rest may follow from a mistake elsewhere.
    """
    report = needs.program.context.report
    sound = not has_errors(report.diagnostics)
    course = course_of(needs)
    waits = vain_waits(needs, course)
    _Signals(needs).check()
    said = {found.span for found in report.diagnostics}
    for vain in waits:
        provided = vain.node.id in needs.program.provided
        if not vain.givers and not provided and vain.node.span not in said and not report.full:
            _report_missing(needs, vain, sound)
    if sound:
        _Circles(needs, waits).check()
        _check_digits(needs, course)


# --- signals -------------------------------------------------------------------------------------------------------


class _Signals:
    """SF304 and SF305."""

    def __init__(self, needs: Needs) -> None:
        self.program = needs.program
        self.context = needs.program.context
        nodes = list(needs.program.graph.nodes)
        self.sent = {node.op.name: node for node in reversed(nodes) if isinstance(node.op, ops.Signal)}
        self.awaited = {node.op.name: node for node in reversed(nodes) if isinstance(node.op, ops.Await)}
        self.counted_on = {
            node.op.name for node in nodes if isinstance(node.op, ops.Await) and node.id not in self.program.provided
        }
        """Signals without which a lane fails."""

    def check(self) -> None:
        """Every signal needs somebody who sends it and somebody who awaits it."""
        for name, node in self.awaited.items():
            if name not in self.sent and not self.context.is_doubtful(name):
                self._nobody_sends(name, node)
        for name, node in self.sent.items():
            if name not in self.awaited and not self.context.is_doubtful(name):
                where = self._name_in(node, name)
                self.context.report.warning("SF305", f"nobody awaits the signal `{name}`", where, "has no effect")

    def _nobody_sends(self, name: str, node: Node) -> None:
        where, near = self._name_in(node, name), closest(name, self.sent)
        help_text = f"did you mean `{near}`?" if near else f"some lane has to `signal {name}`"
        fix = write(where, near) if near else None
        say = self.context.report.error if name in self.counted_on else self.context.report.warning
        say("SF304", f"nobody sends the signal `{name}`", where, "this would wait in vain", help=help_text, fix=fix)

    def _name_in(self, node: Node, name: str) -> Span:
        """Where the name of a signal stands in its statement."""
        text = self.context.written(node.span)
        found = re.match(r"\w+\s+", text)
        if found is None or not text.startswith(name, found.end()) or "\n" in text:
            return node.span
        offset = found.end()
        column, start = node.span.column + offset, node.span.start + offset
        end_column, end = column + len(name), start + len(name)
        return replace(node.span, column=column, start=start, end_line=node.span.line, end_column=end_column, end=end)


# --- nobody gives it -----------------------------------------------------------------------------------------------


def _report_missing(needs: Needs, vain: Vain, sound: bool) -> None:
    if isinstance(vain.node.op, _TAKES_A_CALL) or _chooses_among_calls(vain.node.op):
        _nobody_calls(needs, vain.node)
    elif sound and not isinstance(vain.node.op, ops.Await):
        _peer_never_does(needs, vain)


def _chooses_among_calls(op: Op) -> bool:
    return isinstance(op, ops.Choose) and all(isinstance(arm.event, ops.ExpectCall) for arm in op.events)


def _nobody_calls(needs: Needs, node: Node) -> None:
    """SF306."""
    op = node.op
    notes: tuple[Label, ...] = ()
    message = f"nobody calls `{node.agent}`"
    help_text = f'`call {node.agent}` in another lane, or a fixed port: `listen udp "127.0.0.1:5060"`'
    if isinstance(op, ops.ExpectCall) and op.caller_agent is not None:
        message = f"`{op.caller_agent}` never calls `{node.agent}`"
        notes = _heads(needs.program, needs.program.lanes_of(op.caller_agent), "no `call` to it here")
        help_text = f"`call {node.agent}` in a lane of `{op.caller_agent}`"
    label = "waits for a call that never comes"
    notes = (*notes, *needs.program.through(node))
    needs.program.context.report.warning("SF306", message, node.span, label, secondary=notes, help=help_text)


def _peer_never_does(needs: Needs, vain: Vain) -> None:
    """SF311."""
    program, node = needs.program, vain.node
    notes: tuple[Label, ...] = ()
    if isinstance(node.op, ops.Choose):
        message = "none of the events of this `choose` can come"
    else:
        agents = _asked(needs, vain)
        few = 0 < len(agents) <= _MOST_NOTES
        who = _listed(sorted(agents)) if few else "the other side"
        never = f"none of {who} ever" if few and len(agents) > 1 else f"{who} never"
        message = f"`{node.text}` waits in vain: {never} {_VERBS.get(type(node.op), 'does that')}"
        notes = _heads(program, _lanes_of(program, agents), f"no {_act(node.op)} in this lane") if few else ()
    notes = (*notes, *program.through(node))
    label, help_text = "waits for what never comes", _help_for(node.op)
    program.context.report.warning("SF311", message, node.span, label, secondary=notes, help=help_text)


def _asked(needs: Needs, vain: Vain) -> frozenset[str]:
    """The agents from which a wait expects something."""
    if isinstance(vain.node.op, ops.ExpectRequest | ops.ExpectNotify):
        return needs.parties.peers_of(vain.node.lane, vain.node.call) or frozenset()
    named = frozenset(key[-1] for key in vain.keys if key[-1] in needs.program.agents)
    return named or needs.parties.peers_of(vain.node.lane, vain.node.call) or frozenset()


def _act(op: Op) -> str:
    return f"`send {op.method.lower()}`" if isinstance(op, ops.ExpectRequest) else _ACTS.get(type(op), "such thing")


def _lanes_of(program: Program, agents: frozenset[str]) -> list[Lane]:
    return [lane for agent in sorted(agents) for lane in program.lanes_of(agent)]


def _help_for(op: Op) -> str:
    if isinstance(op, ops.ExpectRinging):
        return "`ring` sends 180; `answer` alone sends none"
    if isinstance(op, ops.ExpectProgress):
        return "`progress` sends 183 with a session description"
    return "a failure that is meant to come has an `else` with `recover`"


def _heads(program: Program, lanes: list[Lane], text: str) -> tuple[Label, ...]:
    return tuple(Label(program.head_of(lane), text) for lane in lanes[:_MOST_NOTES])


_ACTS: dict[type[Op], str] = {
    ops.Call: "`answer`",
    ops.Transfer: "`answer`",
    ops.ExpectRinging: "`ring`",
    ops.ExpectProgress: "`progress`",
    ops.ExpectAnswered: "`answer`",
    ops.ExpectRejected: "`reject` with this code",
    ops.ExpectHangup: "end of the call",
    ops.ExpectDtmf: "`send dtmf`",
    ops.ExpectHeld: "`hold`",
    ops.ExpectResumed: "`resume`",
    ops.ExpectTransfer: "`transfer`",
    ops.ExpectTransferred: "`transfer`",
    ops.ExpectNotify: "`send notify` and no `transfer`",
    ops.ExpectAudio: "`play`",
    ops.ExpectTone: "`play`",
    ops.ExpectHeard: "`play`",
}
_VERBS: dict[type[Op], str] = {
    ops.Call: "answers",
    ops.Transfer: "answers",
    ops.ExpectRinging: "rings",
    ops.ExpectProgress: "sends early media",
    ops.ExpectAnswered: "answers",
    ops.ExpectRejected: "rejects with this code",
    ops.ExpectHangup: "hangs up",
    ops.ExpectDtmf: "sends digits",
    ops.ExpectHeld: "holds the call",
    ops.ExpectResumed: "resumes the call",
    ops.ExpectTransfer: "transfers",
    ops.ExpectTransferred: "transfers",
    ops.ExpectNotify: "sends a NOTIFY",
    ops.ExpectRequest: "sends that request",
    ops.ExpectAudio: "plays anything",
    ops.ExpectTone: "plays anything",
    ops.ExpectHeard: "plays anything",
}


# --- lanes that wait for each other --------------------------------------------------------------------------------


class _Circles:
    """SF310: who waits for whom, followed until it comes round."""

    def __init__(self, needs: Needs, waits: list[Vain]) -> None:
        self.program = needs.program
        self.waits = {vain.node.id: vain for vain in waits if vain.node.id not in needs.program.provided}
        self.stuck: dict[str, list[Vain]] = {}
        for vain in self.waits.values():
            self.stuck.setdefault(vain.node.lane, []).append(vain)
        self.blamed = {node_id: list(self._behind(vain)) for node_id, vain in self.waits.items()}
        """Waits behind which somebody would give what a wait waits for."""

    def _behind(self, vain: Vain) -> Iterator[str]:
        for lane in dict.fromkeys(giver.lane for giver in vain.givers):
            yield from (other.node.id for other in self.stuck.get(lane, [])[:_MOST_NOTES])

    def check(self) -> None:
        """Report each circle once; what only waits for those in it, or for somebody who waits for nobody, is silent."""
        if not self.waits:
            return
        done = self._all_that_blame(node_id for node_id, blamed in self.blamed.items() if not blamed)
        for node_id in self.waits:
            if node_id not in done and not self.program.context.report.full:
                circle = self._circle(node_id, done)
                if circle:
                    self._report([self.waits[each] for each in sorted(circle, key=self._place)])
                done |= self._all_that_blame(circle or (node_id,))

    def _place(self, node_id: str) -> Span:
        return self.waits[node_id].node.span

    def _all_that_blame(self, causes: Iterable[str]) -> set[str]:
        blamers: dict[str, list[str]] = {}
        for node_id, blamed in self.blamed.items():
            for cause in blamed:
                blamers.setdefault(cause, []).append(node_id)
        found = set(causes)
        queue = list(found)
        while queue:
            for node_id in blamers.get(queue.pop(), ()):
                if node_id not in found:
                    found.add(node_id)
                    queue.append(node_id)
        return found

    def _circle(self, start: str, done: set[str]) -> list[str]:
        """The waits that one comes round to from `start`."""
        path: dict[str, int] = {}
        node_id = start
        while node_id not in path:
            path[node_id] = len(path)
            onward = [cause for cause in self.blamed[node_id] if cause not in done]
            if not onward:
                return []
            node_id = onward[0]
        return list(path)[path[node_id] :]

    def _report(self, circle: list[Vain]) -> None:
        first, *others = circle
        names = list(dict.fromkeys(f"`{vain.node.lane}`" for vain in circle))
        label = f"`{first.node.lane}` waits here {_for_what(first.node)}"
        notes = [Label(vain.node.span, f"`{vain.node.lane}` waits here {_for_what(vain.node)}") for vain in others]
        if len(names) == 1:
            message = f"the lane {names[0]} waits for itself"
            notes += [Label(giver.span, "this comes only afterwards") for giver in first.givers[:1]]
        else:
            message = f"{_listed(names)} wait for each other"
        help_text = "none of them can go on: one has to do first what another waits for"
        self.program.context.report.warning(
            "SF310", message, first.node.span, label, secondary=tuple(notes[:_MOST_NOTES]),
            help=help_text if len(names) > 1 else "",
        )  # fmt: skip


def _for_what(node: Node) -> str:
    match node.op:
        case ops.Call(target_agent=str(target)) | ops.Transfer(target_agent=str(target)):
            return f"for `{target}` to answer"
        case ops.Await(name=name):
            return f"for the signal `{name}`"
        case ops.ExpectHangup():
            return "for the other side to hang up"
        case op if isinstance(op, _TAKES_A_CALL):
            return "for a call"
        case ops.Expect(word=word):
            return f"for `{word}`"
        case _:
            return "for the other side"


def _listed(names: list[str]) -> str:
    quoted = [name if name.startswith("`") else f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


# --- digits --------------------------------------------------------------------------------------------------------


def _check_digits(needs: Needs, course: Course) -> None:
    """SF312: digits are expected that the other side never sends, or not so often."""
    senders: dict[str, list[Node]] = {}
    for node in needs.program.live_nodes():
        if isinstance(node.op, ops.SendDtmf):
            senders.setdefault(node.agent, []).append(node)
    most = {agent: _most_digits(needs.program, nodes) for agent, nodes in senders.items()}
    for node in needs.program.graph.nodes:
        if isinstance(node.op, ops.ExpectDtmf) and node.id in course.ended and node.id not in needs.program.provided:
            _check_expected_digits(needs, node, senders, most)


def _check_expected_digits(
    needs: Needs, node: Node, senders: dict[str, list[Node]], most: dict[str, Counter[str] | None]
) -> None:
    assert isinstance(node.op, ops.ExpectDtmf), "nothing else is looked at"
    expected, keys = constant_text(node.op.digits), needs.of(node)
    if expected is None or keys is None:
        return
    agents = [key[-1] for key in sorted(keys) if key[-1] in senders]
    sent: Counter[str] = Counter()
    for agent in agents:
        known = most[agent]
        if known is None:
            return
        sent += known
    missing = next((digit for digit, number in Counter(expected.upper()).items() if number > sent[digit]), None)
    if agents and missing is not None:
        _report_digits(needs, node, missing, sent[missing], [each for agent in agents for each in senders[agent]])


def _report_digits(needs: Needs, node: Node, missing: str, number: int, senders: list[Node]) -> None:
    assert isinstance(node.op, ops.ExpectDtmf) and node.op.digits is not None, "digits were found missing in it"
    agents = _listed(sorted({sender.agent for sender in senders}))
    notes = tuple(Label(sender.span, "sends only these") for sender in senders[:_MOST_NOTES])
    never = "never sends" if number == 0 else "does not send so often"
    where, notes = node.op.digits.span, (*notes, *needs.program.through(node))
    message = f"{agents} {never} the digit `{missing}`"
    needs.program.context.report.warning("SF312", message, where, "this waits in vain", secondary=notes)


def _most_digits(program: Program, nodes: list[Node]) -> Counter[str] | None:
    """The most of each digit that an agent sends, None when that shows in the run only."""
    sent: Counter[str] = Counter()
    for node in nodes:
        text = constant_text(node.op.digits) if isinstance(node.op, ops.SendDtmf) else None
        if text is None:
            return None
        for digit in text.upper():
            sent[digit] += _ANY_NUMBER if node.lane in program.lanes_with_loops else 1
    return sent


_ANY_NUMBER = 1_000_000
"""As many digits as a loop may send: more than any text has."""
