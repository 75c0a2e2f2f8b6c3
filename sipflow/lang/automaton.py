"""The LALR automaton: lark's tables at work on a stack. It knows the grammar, and nothing of mistakes."""

from __future__ import annotations

from sipflow.lang.syntax import Node, Token
from sipflow.lang.tables import END, Rule, Tables

Value = Node | Token | list[Node | Token]
"""What stands for a symbol on the stack; a list for rules whose children belong to their parent."""

_LAYOUT = frozenset(("NL", "SEMI", END))
"""Terminals that say nothing in the tree."""


class TooDeepError(Exception):
    """The text is nested more deeply than the limits allow."""


class Automaton:
    """Takes tokens one by one and builds nodes."""

    MAX_STATES = 800
    MAX_DEPTH = 120
    """So that whoever recurses over a tree stays far away from Python's limit."""

    def __init__(self, tables: Tables, start: str) -> None:
        self._rows = tables.rows
        self._rules = tables.rules
        self._end = tables.ends[start]
        self.states = [tables.starts[start]]
        self.values: list[Value] = []
        self.before: list[int] = self.states[:]
        """The states before the last token was offered: a refused token may have caused reductions first."""

    @property
    def row(self) -> dict[str, int]:
        """What the top state does with each symbol."""
        return self._rows[self.states[-1]]

    def offer(self, kind: str, value: Value) -> bool:
        """Feed a token; False when it does not fit here (then nothing was shifted)."""
        states, rows, rules = self.states, self._rows, self._rules
        self.before = states
        while True:
            action = rows[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                self._shift(action, kind, value)
                return True
            if self.before is states:
                self.before = states[:]
            rule = rules[-action - 1]
            if rule.inline and rule.size == 1:
                # `_sum: _product` and the like, three reductions of four: what the symbol stands for stays the same.
                states[-1] = rows[states[-2]][rule.origin]
            else:
                self._reduce(rule)
            if kind == END and states[-1] == self._end:
                return True

    def _shift(self, state: int, kind: str, value: Value) -> None:
        if len(self.states) > self.MAX_STATES:
            raise TooDeepError
        self.states.append(state)
        self.values.append([] if kind in _LAYOUT else value)

    def _reduce(self, rule: Rule) -> None:
        cut = len(self.values) - rule.size
        taken = self.values[cut:]
        del self.values[cut:], self.states[cut + 1 :]
        self.states.append(self.row[rule.origin])
        self.values.append(_inline(taken) if rule.inline else self._node(rule.origin, taken))

    def _node(self, name: str, taken: list[Value]) -> Node:
        children = _inline(taken)
        depth = 1
        for child in children:
            if isinstance(child, Node) and child.depth >= depth:
                depth = child.depth + 1
        if depth > self.MAX_DEPTH:
            raise TooDeepError
        start = children[0].start if children else 0
        return Node(name, tuple(children), start, children[-1].end if children else start, depth)

    def accepts(self, kinds: tuple[str, ...], states: list[int] | None = None) -> bool:
        """Whether these tokens would fit one after the other."""
        trial = (self.states if states is None else states)[:]
        return all(self._try(kind, trial) for kind in kinds)

    def _try(self, kind: str, trial: list[int]) -> bool:
        while True:
            action = self._rows[trial[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                trial.append(action)
                return True
            rule = self._rules[-action - 1]
            del trial[len(trial) - rule.size :]
            trial.append(self._rows[trial[-1]][rule.origin])
            if kind == END and trial[-1] == self._end:
                return True

    def expected(self) -> set[str]:
        """Terminals that would have fitted in place of the token that was refused last."""
        candidates = [symbol for symbol in self._rows[self.before[-1]] if symbol.isupper() or symbol == END]
        return {symbol for symbol in candidates if self.accepts((symbol,), self.before)}

    def pop_until(self, kind: str) -> int | None:
        """Forget states until one shifts `kind`; returns where the forgotten text began, None when nothing was."""
        start: int | None = None
        while len(self.states) > 1 and self.row.get(kind, -1) < 0:
            self.states.pop()
            start = _start_of(self.values.pop(), start)
        return start

    @property
    def result(self) -> Node:
        """The root, after `$END` was taken."""
        root = self.values[-1]
        assert isinstance(root, Node), "start symbols are rules that make a node"
        return root


def _inline(taken: list[Value]) -> list[Node | Token]:
    """Children of a rule: lists of inlined rules dissolve; the first one grows in place, since nobody else holds it."""
    children: list[Node | Token] = taken[0] if taken and isinstance(taken[0], list) else []
    for value in taken[1:] if taken and taken[0] is children else taken:
        if isinstance(value, list):
            children += value
        else:
            children.append(value)
    return children


def _start_of(value: Value, otherwise: int | None) -> int | None:
    if isinstance(value, list):
        return value[0].start if value else otherwise
    return value.start
