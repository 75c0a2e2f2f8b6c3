"""What a stretch of a lane will make: needed where one may come back to its beginning, in loops and by `goto`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from sipflow.lang.lower.context import Context
from sipflow.lang.lower.known import Known
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass

_MAKES_A_CALL = frozenset(("call", "dial", "answer", "ring", "progress", "expect_call"))


@dataclass(frozen=True, slots=True)
class Made:
    """One name, or a call without a name."""

    start: int
    what: str
    """`variable`, `call` or `definition` (a use of one, which may make more)."""
    token: Token | None


@dataclass(frozen=True, slots=True)
class Foresight:
    """Everything that one body makes, in the order of the text."""

    made: tuple[Made, ...]
    has_labels: bool

    @staticmethod
    def of(body: Node) -> Foresight:
        """Walk over a body once; loops in it take their parts of what was found."""
        made = sorted(_made_in(body), key=lambda found: found.start)
        return Foresight(tuple(made), any(node.rule == "label" for node in body.walk()))

    def within(self, stretch: Node) -> tuple[Made, ...]:
        """What a part of the body makes."""
        first = bisect_left(self.made, stretch.start, key=lambda found: found.start)
        return self.made[first : bisect_left(self.made, stretch.end, key=lambda found: found.start)]


def foresee(made: tuple[Made, ...], known: Known, context: Context, *, calls: bool) -> None:
    """Take for known what will be made; of its kinds nothing is known.

    With `calls` what definitions make is among it, wherever they are called.
    """
    queue = [(found, context) for found in made]
    entered: set[str] = set()
    for found, home in queue:
        if found.what == "call":
            known.now_has_call()
        if found.token is None:
            continue
        name = found.token.text
        if found.what == "variable":
            known.set_variable(name, None, home.span(found.token))
        elif found.what == "call":
            known.add_call(name, home.span(found.token), certain=False)
        elif calls and name in context.definitions and name not in entered:
            entered.add(name)
            definition = context.definitions[name]
            queue += [(more, definition.context) for more in definition.foresight.made]


def _made_in(body: Node) -> Iterator[Made]:
    for node in body.walk():
        if node.rule == "let":
            yield Made(node.start, "variable", node.token("NAME"))
        elif node.rule == "invoke":
            yield Made(node.start, "definition", node.token("NAME"))
        elif node.rule in ("statement", "arm"):
            yield from _made_by(node)


def _made_by(statement: Node) -> Iterator[Made]:
    action = statement.node()
    if action is not None and action.rule == "expect":
        action = action.node()
    named = statement.node("named")
    name = None if named is None else named.token("NAME")
    if action is not None and action.rule == "expect_dtmf" and name is not None:
        yield Made(statement.start, "variable", name)
    elif action is not None and action.rule in _MAKES_A_CALL:
        yield Made(statement.start, "call", name)
