"""Lanes: chains of nodes, with the chains of `else` behind their failure edges and those of blocks behind arms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

from sipflow.ir import ops
from sipflow.ir.expr import Expr
from sipflow.ir.graph import Lane
from sipflow.ir.graph import Node as GraphNode
from sipflow.ir.ops import Op
from sipflow.ir.span import Span
from sipflow.ir.text import statement_text
from sipflow.lang.lower import branches
from sipflow.lang.lower.actions import Action, parameter_taken, read_action
from sipflow.lang.lower.clauses import Clauses
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.definitions import Definition, insert
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.lower.foresight import Foresight, foresee
from sipflow.lang.lower.jumps import Around, Jump, Labels, Loop
from sipflow.lang.lower.known import Known, nothing
from sipflow.lang.lower.places import Draft, Place, Reached, node_id_of, resolve
from sipflow.lang.lower.sites import CLAUSES, Site, end_of_head, statements_of
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass, field

_MAKES_A_CALL = (ops.Call, ops.Dial, ops.Answer, ops.Ring, ops.Progress, ops.ExpectCall)
_ENDS = {
    "end": "end",
    "fail": "fail",
    "recover": "recover",
    "goto": "goto",
    "break_loop": "break",
    "continue_loop": "continue",
}
"""Rules of statements that lead to no statement behind them, and their words."""


@dataclass(slots=True)
class LaneReader:
    """Reads one lane; its nodes come in the order of the text."""

    context: Context
    lane_id: str
    agent: str
    whole: bool = True
    """Whether every statement was understood: only then can one say that something is missing before another."""
    nodes: list[GraphNode] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    drafts: dict[int, Draft] = field(default_factory=dict)
    """Nodes without their edges, by the `id` of their places."""
    bodies: list[BodyReader] = field(default_factory=list)
    """Of the lane, and of the definitions that were put into it."""

    def read(self, node: Node) -> Lane:
        """The lane of a `lane` node; its nodes are in `nodes` then."""
        names = Names(known=self.known, in_lane=True, scope=self.lane_id)
        body = BodyReader(self, ExpressionReader(self.context, names), Foresight.of(node))
        entry = body.read(node, Around(self.lane_id, Place()))
        return Lane(self.lane_id, self.agent, self._connect(entry), self.context.span(node))

    def check_definition(self, definition: Definition) -> None:
        """Read a definition as if it were a lane, for what is wrong in it."""
        names = Names(
            known=self.known,
            in_lane=True,
            scope=definition.scope,
            arguments={token.text: None for token in definition.parameters},
            elsewhere=self.context.made_somewhere,
        )
        self.known.now_has_call()
        body = BodyReader(self, ExpressionReader(self.context, names), definition.foresight, by_itself=True)
        self._connect(body.read(definition.node, Around(definition.scope, Place())))

    def add(self, place: Place, node: GraphNode) -> Draft:
        """Let a node begin at `place`; its edges are set later."""
        place.node = node
        draft = self.drafts[id(place)] = Draft(place)
        return draft

    def _connect(self, entry: Place) -> str | None:
        """Make edges of places; returns the id of the first node."""
        for body in self.bodies:
            body.labels.connect()
        reached = Reached(self.drafts)
        reached.follow(entry)
        if not any(body.labels.lost for body in self.bodies):
            for body in self.bodies:
                body.check_reached(reached)
        for body in self.bodies:
            body.labels.check_circles()
        names = self._label_names()
        self.nodes += [draft.finished(names) for draft in self.drafts.values()]
        self.bodies.clear()  # each knows its lane: in a circle they would keep the whole program until a collection
        return node_id_of(entry)

    def _label_names(self) -> dict[int, str]:
        names: dict[int, str] = {}
        for body in self.bodies:
            for name, site in body.labels.sites.items():
                place = resolve(site.place)
                if place is not None:
                    names.setdefault(id(place), name)
        return names


class BodyReader:
    """Reads the statements of one body into a lane: the lane's own, or those of a definition that it calls."""

    def __init__(
        self,
        lane: LaneReader,
        reader: ExpressionReader,
        foresight: Foresight,
        via: tuple[Span, ...] = (),
        *,
        by_itself: bool = False,
    ) -> None:
        self.lane = lane
        self.context = reader.context
        self.reader = reader
        self.foresight = foresight
        self.via = via
        """Calls of definitions through which it is read, the outermost first."""
        self.by_itself = by_itself
        """Whether it is a definition that no lane calls just now; then what it calls is not inserted."""
        self.labels = Labels(self.context, reader.names.scope)
        self._chains: list[list[tuple[Place, Node]]] = []
        lane.bodies.append(self)

    def beside(self, reader: ExpressionReader, foresight: Foresight, via: tuple[Span, ...]) -> BodyReader:
        """A reader of another body for the same lane."""
        return BodyReader(self.lane, reader, foresight, via)

    def read(self, node: Node, around: Around) -> Place:
        """The place where the body of `node` begins."""
        if self.foresight.has_labels:
            self.foresee(node)
        return self.chain(statements_of(node), around)

    def chain(self, statements: list[Node], around: Around) -> Place:
        """The place where a sequence of statements begins."""
        self._check_recovers(statements, around)
        places = [Place() for _ in statements]
        self._chains.append(list(zip(places, statements, strict=True)))
        for number, (place, statement) in enumerate(zip(places, statements, strict=True), 1):
            following = places[number] if number < len(places) else around.exit
            if self.context.report.full:
                place.onward = following
            else:
                self._read(Site(statement, place, following, around, f"{around.prefix}.{number}"))
        return places[0] if places else around.exit

    def foresee(self, stretch: Node) -> None:
        """Take for known what `stretch` makes, since one may come to its beginning from its end."""
        foresee(self.foresight.within(stretch), self.lane.known, self.context, calls=not self.by_itself)

    def graph_node(self, site: Site, op: Op, call: str | None = None, within: Expr | None = None) -> Draft:
        """The node of a statement, which begins at its place."""
        self.context.insertions.nodes -= bool(self.via)
        span = self.head_span(site.node)
        node = GraphNode(
            id=site.node_id,
            lane=self.lane.lane_id,
            agent=self.lane.agent,
            op=op,
            call=call,
            within=within,
            span=span,
            text=statement_text(op, call, within),
            via=self.via,
        )
        return self.lane.add(site.place, node)

    def _read(self, site: Site) -> None:
        if self.via:
            self.context.report.at = self.head_span(site.node)
        if site.node.rule == "statement":
            self._statement(site)
        elif site.node.rule in branches.READERS:
            branches.READERS[site.node.rule](self, site)
        elif site.node.rule == "invoke":
            insert(self, site)
        else:
            self.lane.whole = False
            site.place.onward = site.following

    # --- statements ------------------------------------------------------------------------------------------------

    def _statement(self, site: Site) -> None:
        action = next(site.node.nodes())
        if action.rule in _JUMPS:
            self.clauses(site.node).refuse_rest(_JUMP_WORDS[action.rule])
            self._refuse_else(site.node, _JUMP_WORDS[action.rule])
            _JUMPS[action.rule](self, site, action)
            return
        draft = self.quietly(site, self._simple) if self.was_repaired(site.node) else self._simple(site)
        self._lead_on(draft, site, action)

    def _lead_on(self, draft: Draft, site: Site, action: Node) -> None:
        op = draft.op
        draft.success = None if isinstance(op, ops.End | ops.Fail) else site.following
        if isinstance(op, ops.Recover):
            self._recover(draft, site, action)
        otherwise = site.node.node("otherwise")
        if otherwise is not None:
            statements, around = statements_of(otherwise), site.in_else()

            def read_else() -> None:
                draft.failure = self.chain(statements, around)

            self.lane.known.branches([nothing, read_else])

    def was_repaired(self, node: Node) -> bool:
        """Whether a syntax error is in the head of a statement or beside it, where something was put in."""
        span = self.head_span(node)
        return self.context.has_repair(span.start - 1, span.end + 1)

    def quietly(self, site: Site, read: Callable[[Site], Draft]) -> Draft:
        """The node of a statement that was not read as it stands: nobody knows what its words were to mean."""
        span = self.head_span(site.node)
        self.context.doubtful.update(re.findall(r"\w+", self.context.report.source.text[span.start : span.end]))
        before, self.context.report.muted = self.context.report.muted, True
        try:
            return read(site)
        finally:
            self.context.report.muted = before

    @contextmanager
    def loudly(self) -> Iterator[None]:
        """For the arms of a statement whose head is read quietly."""
        before, self.context.report.muted = self.context.report.muted, False
        try:
            yield
        finally:
            self.context.report.muted = before

    def clauses(self, node: Node) -> Clauses:
        """What stands behind a statement or an event."""
        return Clauses(list(node.nodes(*CLAUSES)), self.reader)

    def _simple(self, site: Site) -> Draft:
        action_node = next(site.node.nodes())
        clauses = self.clauses(site.node)
        action = Action(action_node, clauses, self.reader)
        op = read_action(action)
        call = None if action.call is None else action.call.text
        within = clauses.within() if op.waits else None
        clauses.refuse_rest(word_of(op))
        self.check_call(op, action.call, site.node)
        self.remember(op, site.node)
        return self.graph_node(site, op, call, within)

    def head_span(self, node: Node) -> Span:
        """Span of a statement without its `else`, its blocks and its arms."""
        return self.context.report.source.span(node.start, end_of_head(node))

    # --- jumps -----------------------------------------------------------------------------------------------------

    def _refuse_else(self, node: Node, word: str) -> None:
        otherwise = node.node("otherwise")
        if otherwise is not None:
            where = self.context.report.source.span(otherwise.start, otherwise.start + len("else"))
            self.context.report.error("SF215", f"`{word}` takes no `else`", where, "it cannot fail")

    def _label(self, site: Site, action: Node) -> None:
        site.place.onward = site.following
        self.labels.add(_name_in(action), site.place, site.around)

    def _goto(self, site: Site, action: Node) -> None:
        self.labels.jumps.append(Jump(_name_in(action), site.around, site.place))

    def _recover(self, draft: Draft, site: Site, action: Node) -> None:
        token = action.token("NAME")
        draft.success = site.around.recover
        if token is not None and site.around.recover is not None:
            self.labels.jumps.append(Jump(token, site.around, site.place, draft))

    def _break(self, site: Site, _action: Node) -> None:
        site.place.onward = site.following if self._outside_loop(site, "break") else _loop_of(site).exit

    def _continue(self, site: Site, _action: Node) -> None:
        site.place.onward = site.following if self._outside_loop(site, "continue") else _loop_of(site).head

    def _outside_loop(self, site: Site, word: str) -> bool:
        if site.around.loop is None:
            where = self.head_span(site.node)
            help_text = "it belongs into the block of a `repeat` or a `while`"
            message = f"`{word}` stands outside of a loop"
            self.context.report.error("SF227", message, where, "there is no loop around it", help=help_text)
        return site.around.loop is None

    # --- calls -----------------------------------------------------------------------------------------------------

    def check_call(self, op: Op, named: Token | None, node: Node) -> None:
        """Report the name of a call that the lane cannot have, and a statement that comes before any call."""
        if named is not None:
            self.reader.check_call(named.text, self.context.span(named))
        elif not self.lane.known.has_call and self.lane.whole and _needs_call(op):
            self._no_call(op, node)

    def _no_call(self, op: Op, node: Node) -> None:
        where = self.head_span(node)
        help_text = "a lane gets a call by `call`, `dial`, `answer` or `expect call`"
        message = f"`{word_of(op)}` needs a call, and there is none yet"
        self.context.report.error("SF301", message, where, "nothing before this makes or takes a call", help=help_text)
        self.lane.known.now_has_call()  # said once a lane

    def remember(self, op: Op, node: Node) -> None:
        """Note what a statement does to the calls of the lane."""
        known = self.lane.known
        if isinstance(op, _MAKES_A_CALL):
            known.now_has_call()
            if getattr(op, "name", None) is not None:
                self._name_call(node, op)

    def _name_call(self, node: Node, op: Op) -> None:
        token = next(token for clause in node.nodes("named") for token in clause.tokens("NAME"))
        where, known, names = self.context.span(token), self.lane.known, self.reader.names
        if token.text in names.arguments:
            parameter_taken(token, self.context)
        origin = self.context.symbols.declared_at(known.calls.get(token.text, where))
        scope = names.scope if origin is None else origin.scope
        self.context.note(
            SymbolKind.CALL, token.text, where, scope, declares=known.calls.get(token.text, where) == where
        )
        # `expect call as a` and then `answer as a` speak of the same call: only new calls need new names.
        if known.surely_has(token.text) and isinstance(op, ops.Call | ops.Dial | ops.ExpectCall):
            self.context.report.error("SF201", f"the call `{token.text}` exists already", where, "take another name")
        known.add_call(token.text, where, certain=not self.foresight.has_labels and not self.via)

    # --- order -----------------------------------------------------------------------------------------------------

    def _check_recovers(self, statements: list[Node], around: Around) -> None:
        for index, statement in enumerate(statements):
            if _ending_word(statement) != "recover":
                continue
            if around.recover is None:
                self._misplaced(statement)
            elif index + 1 < len(statements) and not _is_label(statements[index + 1]):
                self._not_last(statement)
                return

    def _misplaced(self, statement: Node) -> None:
        where = self.head_span(statement)
        help_text = "`expect … else { …; recover }` lets the lane go on after a failure"
        self.context.report.error(
            "SF303", "`recover` stands outside of an `else`", where, "recovers nothing", help=help_text
        )

    def _not_last(self, statement: Node) -> None:
        message = "`recover` must be the last statement of its `else`"
        self.context.report.error("SF303", message, self.head_span(statement), "")

    def check_reached(self, reached: Reached) -> None:
        """Report statements to which no way leads; of a sequence that is not reached at all, what is around it."""
        for chain in self._chains:
            for (before, previous), (place, statement) in pairwise(chain):
                if before in reached and place not in reached and statement.rule != "broken":
                    self._unreachable(statement, _ending_word(previous))

    def _unreachable(self, statement: Node, word: str | None) -> None:
        if word == "recover":  # said already: it is not the last one
            return
        why = f"`{word}` comes before it" if word is not None else "every way before it leads elsewhere"
        message = f"this is never reached: {why}"
        self.context.report.error("SF302", message, self.head_span(statement), "")


def word_of(op: Op) -> str:
    """A statement as messages name it."""
    return f"expect {op.word}" if isinstance(op, ops.Expect) else op.word


_JUMPS: dict[str, Callable[[BodyReader, Site, Node], None]] = {
    "label": BodyReader._label,
    "goto": BodyReader._goto,
    "break_loop": BodyReader._break,
    "continue_loop": BodyReader._continue,
}
_JUMP_WORDS = {"label": "label", "goto": "goto", "break_loop": "break", "continue_loop": "continue"}


def _loop_of(site: Site) -> Loop:
    assert site.around.loop is not None, "it was looked for just now"
    return site.around.loop


def _name_in(node: Node) -> Token:
    token = node.token("NAME")
    assert token is not None, f"the grammar gives {node.rule} a name"
    return token


def _ending_word(statement: Node) -> str | None:
    if statement.rule != "statement":
        return None
    rule = next(statement.nodes()).rule
    return _ENDS.get(rule) if statement.node("otherwise") is None else None


def _is_label(statement: Node) -> bool:
    return statement.rule == "statement" and next(statement.nodes()).rule == "label"


def _needs_call(op: Op) -> bool:
    """Whether it acts on the current call; a check may judge variables alone, a response belongs to a request."""
    if isinstance(op, ops.SendRequest | ops.SendRaw):
        return op.target is None
    return op.call_bound and not isinstance(op, ops.Check | ops.ExpectResponse)
