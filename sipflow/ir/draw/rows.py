"""Rows: when things happen, from top to bottom. Lanes that meet do so in one row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from sipflow.ir.draw.messages import Message
from sipflow.ir.draw.ways import Ways
from sipflow.ir.graph import Graph


def assign_rows(graph: Graph, ways: Ways, messages: Iterable[Message]) -> dict[str, int]:
    """The row of every node, from 0: below all that come before it in its lane, beside those it exchanges with."""
    constraints = _Constraints([node.id for node in graph.nodes])
    for way in ways.ways:
        if not way.back:
            constraints.after(way.source, way.target)
    following: dict[str, str] = {}
    for lane in graph.lanes:
        nodes = ways.main(graph, lane.id)
        for one, other in pairwise(nodes):
            constraints.after(one.id, other.id)
            following[one.id] = other.id
    messages = list(messages)
    for message in messages:
        if message.target is not None and not constraints.beside(message.source, message.target):
            constraints.before_the_next(message, following)
    return _out_of_the_way(graph, ways, messages, constraints)


MAX_ROUNDS = 24
"""How often nodes are moved down; a picture that is not tidy after that stays as it is."""


@dataclass(frozen=True, slots=True)
class _Passage:
    """A message on its way past lanes."""

    source: str
    first: int
    last: int
    """Numbers of the lanes at its left and right end."""

    def passes_beside(self, lane: int) -> bool:
        """Whether it passes what stands beside the main way of a lane, which is to the right of that."""
        return self.first <= lane < self.last


def _out_of_the_way(graph: Graph, ways: Ways, messages: list[Message], constraints: _Constraints) -> dict[str, int]:
    """Rows in which no message has to pass behind a node beside the main way."""
    index = {lane.id: number for number, lane in enumerate(graph.lanes)}
    aside = {node.id: index[node.lane] for node in graph.nodes if ways.depth[node.id] > 0}
    passages = [_passage(graph, message, index) for message in messages if message.lane in index]
    for _ in range(MAX_ROUNDS):
        rows = constraints.rows()
        if not _moved_down(aside, passages, rows, constraints):
            break
    return constraints.rows()


def _passage(graph: Graph, message: Message, index: dict[str, int]) -> _Passage:
    assert message.lane is not None, "only messages that arrive somewhere pass lanes"
    first, last = sorted((index[graph.node(message.source).lane], index[message.lane]))
    return _Passage(message.source, first, last)


def _moved_down(
    aside: dict[str, int], passages: list[_Passage], rows: dict[str, int], constraints: _Constraints
) -> bool:
    """Put what is in the way of a message below it; whether there was anything."""
    by_row: dict[int, list[_Passage]] = {}
    for passage in passages:
        by_row.setdefault(rows[passage.source], []).append(passage)
    moves = [
        constraints.after(passage.source, node)
        for node, lane in aside.items()
        for passage in by_row.get(rows[node], ())
        if passage.passes_beside(lane)
    ]
    return any(moves)


class _Constraints:
    """A graph of classes of nodes: one class a row, an arrow from each to those that must be below it."""

    def __init__(self, nodes: list[str]) -> None:
        self.classes = {node: node for node in nodes}
        self.below: dict[str, set[str]] = {node: set() for node in nodes}

    def after(self, one: str, other: str) -> bool:
        """Put `other` below `one`; false when it is above already."""
        first, second = self.classes[one], self.classes[other]
        if first == second or self._reaches(second, first):
            return False
        self.below[first].add(second)
        return True

    def beside(self, one: str, other: str) -> bool:
        """Put both into one row; false when one has to be below the other."""
        first, second = self.classes[one], self.classes[other]
        if first == second:
            return True
        if self._reaches(first, second) or self._reaches(second, first):
            return False
        self._merge(first, second)
        return True

    def before_the_next(self, message: Message, following: dict[str, str]) -> None:
        """What waits for a message that comes later goes on below it; so does its sender where it comes too early."""
        assert message.target is not None, "only messages that somebody takes are put into order"
        after = following.get(message.target)
        if after is not None:
            self.after(message.source, after)
        onward = following.get(message.source)
        if onward is not None:
            self.after(message.target, onward)

    def rows(self) -> dict[str, int]:
        """The longest way to each class."""
        above = dict.fromkeys(self.below, 0)
        for others in self.below.values():
            for other in others:
                above[other] += 1
        rows = dict.fromkeys(self.below, 0)
        ready = [name for name, count in above.items() if count == 0]
        for name in ready:  # grows while it is walked
            for other in sorted(self.below[name]):
                rows[other] = max(rows[other], rows[name] + 1)
                above[other] -= 1
                if above[other] == 0:
                    ready.append(other)
        return {node: rows[name] for node, name in self.classes.items()}

    def _merge(self, first: str, second: str) -> None:
        self.below[first] |= self.below.pop(second)
        for others in self.below.values():
            if second in others:
                others.remove(second)
                others.add(first)
        for node, name in self.classes.items():
            if name == second:
                self.classes[node] = first

    def _reaches(self, start: str, goal: str) -> bool:
        seen, queue = {start}, [start]
        while queue:
            name = queue.pop()
            if name == goal:
                return True
            new = self.below[name] - seen
            seen |= new
            queue += new
        return False
