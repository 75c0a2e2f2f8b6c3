"""What all pictures of a graph share: its edges with their labels, and how far each node is from the main way."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipflow.ir import ops
from sipflow.ir.graph import Edge, Graph, Node


@dataclass(frozen=True, slots=True)
class Way:
    """An edge as a picture shows it."""

    source: str
    target: str
    failure: bool
    label: str
    """`else` of a failure, the name of an arm, empty for plain success."""
    side: int
    """How many steps it leads away from the main way: a failure one, an arm its number, success none."""
    back: bool
    """Whether it leads back to where the lane was already."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The edges of a graph, and the order of its nodes in a picture."""

    ways: tuple[Way, ...]
    order: tuple[str, ...]
    """All nodes; every way that does not lead back goes from an earlier one to a later one."""
    depth: dict[str, int]
    """Of each node: the least number of side steps on a way to it; 0 on the main way."""
    places: dict[str, int] = field(init=False, repr=False)
    """Of each node: its place in `order`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {node: place for place, node in enumerate(self.order)})

    def main(self, graph: Graph, lane: str) -> list[Node]:
        """The nodes on the main way of a lane, in order."""
        return [node for node in map(graph.node, self.order) if node.lane == lane and self.depth[node.id] == 0]


def find_ways(graph: Graph) -> Ways:
    """The edges of a graph with their labels; those that lead to no node are left out."""
    edges = [edge for edge in graph.edges() if edge.target in graph.index]
    leaving: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
    for edge in edges:
        leaving[edge.source].append(edge)
    order, back = _order(graph, leaving)
    ways = tuple(_way(graph, edge, edge in back) for edge in edges)
    return Ways(ways, tuple(order), _depths(graph, ways, order))


def label_of(graph: Graph, edge: Edge) -> str:
    """What stands at an edge."""
    if edge.handle == "failure":
        return "else"
    op = graph.node(edge.source).op
    if edge.arm is None or not isinstance(op, ops.Branching):
        return ""
    return op.arm_names()[edge.arm]


def _way(graph: Graph, edge: Edge, back: bool) -> Way:
    failure = edge.handle == "failure"
    loops = isinstance(graph.node(edge.source).op, ops.Repeat | ops.While)
    side = 1 if failure else 0 if edge.arm is None or loops else edge.arm
    return Way(edge.source, edge.target, failure, label_of(graph, edge), side, back)


def _order(graph: Graph, leaving: dict[str, list[Edge]]) -> tuple[list[str], set[Edge]]:
    """Reverse postorder of a depth-first walk, and the edges that lead back in it.

    It takes the last edge of a node first, so that in the reverse the body of a loop comes before what follows it.
    """
    finished: list[str] = []
    back: set[Edge] = set()
    state: dict[str, str] = {}
    entries = [lane.entry for lane in graph.lanes if lane.entry is not None and lane.entry in graph.index]
    for root in [*reversed(entries), *(node.id for node in graph.nodes)]:
        _walk(root, leaving, state, finished, back)
    return finished[::-1], back


def _walk(
    root: str, leaving: dict[str, list[Edge]], state: dict[str, str], finished: list[str], back: set[Edge]
) -> None:
    stack = [] if root in state else [(root, list(leaving[root]))]
    state.setdefault(root, "open")
    while stack:
        node, edges = stack[-1]
        if not edges:
            state[node] = "done"
            finished.append(node)
            stack.pop()
            continue
        edge = edges.pop()
        found = state.get(edge.target)
        if found is None:
            state[edge.target] = "open"
            stack.append((edge.target, list(leaving[edge.target])))
        elif found == "open":
            back.add(edge)


def _depths(graph: Graph, ways: tuple[Way, ...], order: list[str]) -> dict[str, int]:
    """Depths by one pass, since every way but those back leads onward in the order."""
    depth = {lane.entry: 0 for lane in graph.lanes if lane.entry is not None}
    onward: dict[str, list[Way]] = {}
    for way in ways:
        if not way.back:
            onward.setdefault(way.source, []).append(way)
    for node in order:
        depth.setdefault(node, 1)  # nothing leads to it
        for way in onward.get(node, ()):
            depth[way.target] = min(depth.get(way.target, 1 << 30), depth[node] + way.side)
    return {node: depth[node] for node in order}
