"""`if`, `repeat`, `while` and `choose`: nodes with arms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sipflow.ir import ops
from sipflow.ir.expr import Expr, Literal
from sipflow.ir.text import event_text
from sipflow.lang.lower.actions import Action, read_event
from sipflow.lang.lower.expressions import EXPRESSION_RULES
from sipflow.lang.lower.jumps import Around, Loop
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.known import nothing
from sipflow.lang.lower.messages import twice
from sipflow.lang.lower.places import Draft, Place
from sipflow.lang.lower.sites import Site, statements_of
from sipflow.lang.syntax import Node, Token

if TYPE_CHECKING:
    from sipflow.lang.lower.lanes import BodyReader


def _head(body: BodyReader, site: Site, read: Callable[[Site], Draft]) -> Draft:
    return body.quietly(site, read) if body.was_repaired(site.node) else read(site)


def _condition(body: BodyReader, site: Site) -> Expr:
    node = next(node for node in site.node.nodes() if node.rule in EXPRESSION_RULES)
    return require(body.reader, body.reader.read(node), "truth value", "the condition")


# --- if ------------------------------------------------------------------------------------------------------------


def _if(body: BodyReader, site: Site) -> None:
    def read(site: Site) -> Draft:
        return body.graph_node(site, ops.If(_condition(body, site)))

    draft = _head(body, site, read)
    then, *others = site.node.nodes("block", "if_statement")
    arms: dict[str, Place] = {"else": site.following}
    body.lane.known.branches(
        [
            _arm(body, then, site.in_block("then", site.following), arms, "then"),
            *(_arm(body, other, site.in_block("else", site.following), arms, "else") for other in others),
            *([] if others else [nothing]),
        ]
    )
    draft.arms = (arms["then"], arms["else"])


def _arm(body: BodyReader, node: Node, around: Around, arms: dict[str, Place], name: str) -> Callable[[], None]:
    def read() -> None:
        arms[name] = body.chain([node] if node.rule == "if_statement" else statements_of(node), around)

    return read


# --- loops ---------------------------------------------------------------------------------------------------------


def _while(body: BodyReader, site: Site) -> None:
    body.foresee(site.node)

    def read(site: Site) -> Draft:
        return body.graph_node(site, ops.While(_condition(body, site)))

    _round(body, site, _head(body, site, read), site.around.repeats)


def _repeat(body: BodyReader, site: Site) -> None:
    def read(site: Site) -> Draft:
        return body.graph_node(site, ops.Repeat(_times(body, site)))

    draft = _head(body, site, read)
    body.foresee(site.node)
    _round(body, site, draft, (*site.around.repeats, site.node_id))


def _times(body: BodyReader, site: Site) -> Expr:
    node = next(node for node in site.node.nodes() if node.rule in EXPRESSION_RULES)
    times = require(body.reader, body.reader.read(node), "number", "how many times")
    if isinstance(times, Literal) and isinstance(times.value, float) and (times.value < 0 or times.value % 1):
        body.context.report.error("SF208", f"`{times} times` is impossible", times.span, "a whole number, 0 or more")
    return times


def _round(body: BodyReader, site: Site, draft: Draft, repeats: tuple[str, ...]) -> None:
    """The block of a loop leads back to its node."""
    loop = Loop(site.place, site.following)
    around = replace(site.in_block("body", site.place), loop=loop, repeats=repeats)
    arms: dict[str, Place] = {}
    block = site.node.node("block")
    assert block is not None, "the grammar gives loops a block"
    body.lane.known.branches([nothing, _arm(body, block, around, arms, "again")])
    draft.arms = (arms["again"], site.following)


# --- choose --------------------------------------------------------------------------------------------------------


def _choose(body: BodyReader, site: Site) -> None:
    # What is only a place in the order of the nodes here gets its events when the arms were read.
    body.graph_node(site, ops.Choose(()))
    draft = _head(body, site, lambda site: _Choice(body, site).read())
    draft.success = None if draft.arms else site.following


class _Choice:
    """Reads one `choose`."""

    def __init__(self, body: BodyReader, site: Site) -> None:
        self.body = body
        self.site = site
        arms = list(site.node.nodes("arm"))
        self.arms = arms
        self.events = [arm for arm in arms if arm.node("timeout_arm") is None]
        self.timeouts = [arm for arm in arms if arm.node("timeout_arm") is not None]
        self.read_events: list[ops.Arm] = []
        self.texts: set[str] = set()
        """The events as they are written."""
        self.starts: dict[int, Place] = {}
        """Where each arm begins, by its number, from 1."""

    def read(self) -> Draft:
        """The node, with its arms; the arm for `timeout` comes last wherever it was written."""
        body = self.body
        self._check_arms()
        clauses = body.clauses(self.site.node)
        on, within = clauses.call(), clauses.within()
        clauses.refuse_rest("choose")
        if on is not None:
            body.reader.check_call(on.text, body.context.span(on))
        with body.loudly():
            body.lane.known.branches(list(self._ways(on)))
        op = ops.Choose(tuple(self.read_events), bool(self.timeouts))
        draft = body.graph_node(self.site, op, None if on is None else on.text, within)
        draft.arms = tuple(start for _, start in sorted(self.starts.items()))
        return draft

    def _check_arms(self) -> None:
        context = self.body.context
        for again in self.timeouts[1:]:
            twice(context, again.start, again)
        if self.site.node.node("broken") is not None:
            self.body.lane.whole = False
        elif not self.events:
            where = self.body.head_span(self.site.node)
            help_text = (
                "`wait D` lets time pass" if self.timeouts else 'an arm is `hangup => end` or `dtmf "1" => { … }`'
            )
            context.report.error("SF228", "this `choose` has no event", where, "waits for nothing", help=help_text)

    def _ways(self, on: Token | None) -> Iterator[Callable[[], None]]:
        """The arms in the order of the text, each with its number in the order of the graph."""
        numbers = {id(arm): number for number, arm in enumerate((*self.events, *self.timeouts[:1]), 1)}
        return (self._way(arm, numbers[id(arm)], on) for arm in self.arms if id(arm) in numbers)

    def _way(self, arm: Node, number: int, on: Token | None) -> Callable[[], None]:
        def read() -> None:
            if arm.node("timeout_arm") is None:
                self.read_events.append(self._event(arm, on))
            around = self.site.in_block(f"arm{number}", self.site.following)
            self.starts[number] = self.body.chain(statements_of(arm), around)

        return read

    def _event(self, arm: Node, on: Token | None) -> ops.Arm:
        body = self.body
        clauses = body.clauses(arm)
        action = Action(next(arm.nodes()), clauses, body.reader)
        op = read_event(action)
        assert isinstance(op, ops.Expect), "the grammar has an event here"
        own = clauses.call() if op.call_bound else None
        clauses.refuse_rest(op.word, within="the time limit is that of the `choose`")
        body.check_call(op, own or on, arm)
        body.remember(op, arm)
        found = ops.Arm(op, None if own is None else own.text)
        self._check_alike(found, arm)
        return found

    def _check_alike(self, found: ops.Arm, arm: Node) -> None:
        text = event_text(found)
        if text in self.texts:
            where = self.body.head_span(arm)
            message = f"there is an arm for `{text}` already"
            self.body.context.report.error("SF213", message, where, "the first one takes the event")
        self.texts.add(text)


READERS: dict[str, Callable[[BodyReader, Site], None]] = {
    "if_statement": _if,
    "while_statement": _while,
    "repeat": _repeat,
    "choose": _choose,
}
"""Rules of the statements that are read here."""
