"""What every graph must keep, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir import ops
from sipflow.ir.graph import Graph


def problems(graph: Graph) -> list[str]:
    """Sentences about everything that is wrong with the shape of a graph; empty when it can be run."""
    parts = (_duplicates, _references, _edges, _arms, _unreachable, _recovers)
    return [sentence for part in parts for sentence in part(graph)]


def _duplicates(graph: Graph) -> Iterator[str]:
    for kind, names in (
        ("node", [node.id for node in graph.nodes]),
        ("lane", [lane.id for lane in graph.lanes]),
        ("agent", [agent.name for agent in graph.agents]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
            yield f"there are two {kind}s `{name}`"


def _references(graph: Graph) -> Iterator[str]:
    agents = {agent.name for agent in graph.agents}
    remote = {agent.name for agent in graph.agents if agent.remote}
    lanes = {lane.id: lane for lane in graph.lanes}
    for lane in graph.lanes:
        if lane.agent not in agents:
            yield f"lane `{lane.id}` has an unknown agent `{lane.agent}`"
        elif lane.agent in remote:
            yield f"lane `{lane.id}` drives the remote agent `{lane.agent}`"
        if lane.entry is not None and lane.entry not in graph.index:
            yield f"lane `{lane.id}` begins at an unknown node `{lane.entry}`"
    for node in graph.nodes:
        if node.lane not in lanes:
            yield f"node `{node.id}` is in an unknown lane `{node.lane}`"
        elif lanes[node.lane].agent != node.agent:
            yield f"node `{node.id}` has another agent than its lane"
        target = getattr(node.op, "target_agent", None)
        if target is not None and target not in agents:
            yield f"node `{node.id}` is directed at an unknown agent `{target}`"


def _edges(graph: Graph) -> Iterator[str]:
    for source, target, handle, _ in graph.edges():
        if target not in graph.index:
            yield f"the {handle} edge of `{source}` leads to an unknown node `{target}`"
        elif graph.node(target).lane != graph.node(source).lane:
            yield f"the {handle} edge of `{source}` leads into another lane"


def _arms(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        wanted = len(node.op.arm_names()) if isinstance(node.op, ops.Branching) else 0
        if len(node.arms) != wanted:
            yield f"node `{node.id}` has {len(node.arms)} arms, not {wanted}"
        if wanted and node.success is not None:
            yield f"node `{node.id}` has a success edge beside its arms"


def _unreachable(graph: Graph) -> Iterator[str]:
    reached: set[str] = set()
    queue = [lane.entry for lane in graph.lanes if lane.entry is not None]
    while queue:
        node_id = queue.pop()
        if node_id not in reached and node_id in graph.index:
            reached.add(node_id)
            node = graph.node(node_id)
            queue += [target for target in (node.success, node.failure, *node.arms) if target is not None]
    for node in graph.nodes:
        if node.id not in reached:
            yield f"nothing leads to node `{node.id}`"


def _recovers(graph: Graph) -> Iterator[str]:
    """A `recover` that a lane can reach without a failure would clear nothing: the file meant something else."""
    carried = _least_carried(graph)
    for node in graph.nodes:
        if isinstance(node.op, ops.Recover) and carried.get(node.id) == 0:
            yield f"node `{node.id}` recovers, and nothing failed before it"


def _least_carried(graph: Graph) -> dict[str, int]:
    """How many failures a walker carries at least when it comes to a node, for all nodes that it can come to."""
    least: dict[str, int] = {}
    queue = [(lane.entry, 0) for lane in graph.lanes if lane.entry is not None]
    while queue:
        node_id, carried = queue.pop()
        if node_id not in graph.index or least.get(node_id, carried + 1) <= carried:
            continue
        least[node_id] = carried
        node = graph.node(node_id)
        behind = max(0, carried - 1) if isinstance(node.op, ops.Recover) else carried
        queue += [(target, behind) for target in (node.success, *node.arms) if target is not None]
        queue += [(node.failure, carried + 1)] if node.failure is not None else []
    return least
