"""Who begins: what the lanes of a graph do at first sight, call or wait to be called."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir import ops
from sipflow.ir.graph import Graph

_NEEDS_A_CALL = (ops.Answer, ops.Ring, ops.Progress, ops.Reject, ops.Redirect, ops.ExpectCall)
_PLACES_CALLS = (ops.Call, ops.Dial)


def callees(graph: Graph) -> dict[str, int]:
    """How many lanes of each agent wait for a call."""
    found: dict[str, int] = {}
    for lane in graph.lanes:
        if _has(graph, lane.id, _NEEDS_A_CALL):
            found[lane.agent] = found.get(lane.agent, 0) + 1
    return found


def begins_by_itself(graph: Graph) -> bool:
    """Whether any lane calls somebody, or waits for no call; else scenarios begin with the calls that come."""
    return any(_has(graph, lane.id, _PLACES_CALLS) or not _has(graph, lane.id, _NEEDS_A_CALL) for lane in graph.lanes)


def _has(graph: Graph, lane: str, wanted: tuple[type[ops.Op], ...]) -> bool:
    return any(isinstance(op, wanted) for op in _ops_of(graph, lane))


def _ops_of(graph: Graph, lane: str) -> Iterator[ops.Op]:
    for node in graph.nodes:
        if node.lane == lane:
            yield node.op
            if isinstance(node.op, ops.Choose):
                yield from (arm.event for arm in node.op.events)
