"""A program as its checks see it: the graph, the ways through it, and what may be said about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sipflow.ir import ops
from sipflow.ir.expr import Binary, Expr, Literal, Quantity, Regex, Unary
from sipflow.ir.graph import Agent, Graph, Lane, Node
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Label
from sipflow.lang.lower.context import Context
from sipflow.values import dataclass, field, replace

_MOST_CALLS = 3


class Way(NamedTuple):
    """One way out of a node."""

    target: str | None
    """None: the end of the lane."""
    arm: int | None = None
    """Which arm of a branching node."""
    failed: bool = False


@dataclass(slots=True)
class Program:
    """What all checks share. Everything that costs time is computed once, and only when a check asks for it."""

    graph: Graph
    context: Context
    lanes: tuple[Lane, ...] = ()
    """Those of which every statement was understood."""
    nodes_of: dict[str, list[Node]] = field(default_factory=dict)
    """Nodes by lane, in the order of the text."""
    agents: dict[str, Agent] = field(default_factory=dict)
    ways: dict[str, tuple[Way, ...]] = field(default_factory=dict)
    """Ways out of each node that a run may take: not those that a constant condition rules out."""
    reached: dict[str, None] = field(default_factory=dict)
    """Nodes to which any of these ways leads, in the order in which they are met."""
    provided: frozenset[str] = frozenset()
    """Nodes whose failure is provided for: there is a `recover` in their `else`."""
    _codecs_named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _lanes_by_agent: dict[str, list[Lane]] = field(default_factory=dict)
    _live: tuple[Node, ...] = ()
    _loops: frozenset[str] | None = None

    @staticmethod
    def of(graph: Graph, context: Context, whole: Iterable[str]) -> Program:
        """`whole`: ids of the lanes that were understood."""
        sound = frozenset(whole)
        program = Program(graph, context, tuple(lane for lane in graph.lanes if lane.id in sound))
        for node in graph.nodes:
            program.nodes_of.setdefault(node.lane, []).append(node)
            program.ways[node.id] = tuple(_ways_of(node))
        for lane in graph.lanes:
            program._lanes_by_agent.setdefault(lane.agent, []).append(lane)
        program.agents = {agent.name: agent for agent in graph.agents}
        program.reached = dict.fromkeys(program.reachable(lane.entry for lane in graph.lanes))
        program._live = tuple(node for node in graph.nodes if node.id in program.reached)
        program.provided = frozenset(_provided(graph.nodes))
        return program

    def reachable(self, entries: Iterable[str | None]) -> Iterator[str]:
        """Ids of all nodes that ways lead to from `entries`, those included."""
        seen: set[str] = set()
        queue = [entry for entry in entries if entry is not None]
        while queue:
            node_id = queue.pop()
            if node_id in seen or node_id not in self.graph.index:
                continue
            seen.add(node_id)
            yield node_id
            queue += [way.target for way in self.ways[node_id] if way.target is not None]

    @property
    def lanes_with_loops(self) -> frozenset[str]:
        """Lanes in which a way leads back to an earlier statement."""
        if self._loops is None:
            self._loops = frozenset(_lanes_with_loops(self))
        return self._loops

    def live_nodes(self) -> tuple[Node, ...]:
        """Nodes that a run may come to, in the order of the graph."""
        return self._live

    def lanes_of(self, agent: str) -> list[Lane]:
        """The lanes that drive an agent."""
        return self._lanes_by_agent.get(agent, [])

    def codecs_named(self, agent: str) -> tuple[str, ...]:
        """Canonical names of all codecs that any offer or answer of an agent names, its own first."""
        if agent not in self._codecs_named:
            names = list(self.agents[agent].codecs)
            for lane in self.lanes_of(agent):
                for node in self.nodes_of.get(lane.id, ()):
                    extra = getattr(node.op, "extra", None)
                    names += extra.codecs if isinstance(extra, ops.With) else ()
            self._codecs_named[agent] = tuple(dict.fromkeys(names))
        return self._codecs_named[agent]

    def head_of(self, lane: Lane) -> Span:
        """`on NAME`, where the lane begins."""
        return shortened(lane.span, len(f"on {lane.agent}"))

    @staticmethod
    def through(node: Node) -> tuple[Label, ...]:
        """Notes at the calls of definitions by which a statement came to its lane."""
        return tuple(Label(span, "by this call of a definition") for span in node.via[:_MOST_CALLS])


def shortened(span: Span, length: int) -> Span:
    """The first `length` characters of a span, which stand on one line."""
    length = max(1, min(length, span.end - span.start))
    return replace(span, end_line=span.line, end_column=span.column + length, end=span.start + length)


def _ways_of(node: Node) -> Iterator[Way]:
    if isinstance(node.op, ops.Branching):
        possible = _possible_arms(node.op)
        yield from (Way(target, arm) for arm, target in enumerate(node.arms) if arm in possible)
    elif not isinstance(node.op, ops.Fail | ops.End):
        yield Way(node.success)
    if node.failure is not None:
        yield Way(node.failure, failed=True)


def _possible_arms(op: ops.Branching) -> Iterable[int]:
    """Arms of an `if` or a loop that its condition does not rule out."""
    first, second = (0,), (1,)
    match op:
        case ops.If(condition=condition) | ops.While(condition=condition):
            truth = constant_truth(condition)
            return (0, 1) if truth is None else first if truth else second
        case ops.Repeat(times=Literal(value=float(times))) if times < 1:
            return second
        case _:
            return range(len(op.arm_names()))


def constant_truth(condition: Expr) -> bool | None:
    """What a condition always is, None when that shows in the run."""
    match condition:
        case Literal(value=bool(truth)):
            return truth
        case Unary(operator="not", operand=operand):
            truth_of_operand = constant_truth(operand)
            return None if truth_of_operand is None else not truth_of_operand
        case Binary(operator="and", left=left, right=right):
            return _both(constant_truth(left), constant_truth(right))
        case Binary(operator="or", left=left, right=right):
            neither = _both(_negated(constant_truth(left)), _negated(constant_truth(right)))
            return _negated(neither)
        case Binary(operator=operator, left=Literal(value=left_value), right=Literal(value=right_value)):
            return _compared(operator, left_value, right_value)
        case _:
            return None


def _negated(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _lanes_with_loops(program: Program) -> Iterator[str]:
    """Nodes are taken away to which no way is left (Kahn): what cannot be taken away lies on a loop, or behind one."""
    ways_to = Counter(
        way.target for node in program.live_nodes() for way in program.ways[node.id] if way.target is not None
    )
    queue = [node_id for node_id in program.reached if not ways_to[node_id]]
    taken = set(queue)
    while queue:
        for way in program.ways[queue.pop()]:
            if way.target is not None:
                ways_to[way.target] -= 1
                if not ways_to[way.target] and way.target not in taken:
                    taken.add(way.target)
                    queue.append(way.target)
    yield from {program.graph.node(node_id).lane for node_id in program.reached if node_id not in taken}


def _both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _compared(operator: str, left: object, right: object) -> bool | None:
    if isinstance(left, Quantity) and isinstance(right, Quantity) and left.unit is right.unit:
        return _compared(operator, left.value, right.value)
    if type(left) is not type(right) or isinstance(left, Quantity | Regex):
        return None
    if operator in ("==", "!="):
        return (left == right) is (operator == "==")
    if not isinstance(left, float) or not isinstance(right, float):
        return None
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(operator)


def _provided(nodes: Iterable[Node]) -> Iterator[str]:
    """An id says in which `else` a node stands: `alice.1.else.2` in that of `alice.1`."""
    for node in nodes:
        if isinstance(node.op, ops.Recover):
            parts = node.id.split(".else.")
            yield from (".else.".join(parts[:length]) for length in range(1, len(parts)))
