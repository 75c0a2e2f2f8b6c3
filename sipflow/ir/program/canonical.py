"""The form in which two graphs are compared that came from different texts, or from none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sipflow.ir import ops
from sipflow.ir.graph import Graph, Lane, Node
from sipflow.ir.ops import Op
from sipflow.ir.span import NOWHERE, Span
from sipflow.ir.text import statement_text


def canonical(graph: Graph) -> Graph:
    """The same program without what depends on how it was written: ids by traversal, no spans, labels or source.

    Equal canonical graphs are run in the same way. Nodes that nothing leads to are left out.
    """
    bare: Graph = _bare(replace(graph, nodes=(), lanes=()))
    names = dict(_names(graph))
    return replace(
        bare,
        source="",
        lanes=tuple(_bare(replace(lane, entry=_renamed(names, lane.entry))) for lane in graph.lanes),
        nodes=tuple(_node(graph.node(node_id), names) for node_id in names),
    )


def _names(graph: Graph) -> Iterator[tuple[str, str]]:
    """Old id and new id of every node in the order in which it is reached."""
    for lane in graph.lanes:
        names: dict[str, str] = {}
        for number, node_id in enumerate(_reached(graph, lane), 1):
            home = _repeat_around(graph, node_id)
            names[node_id] = f"{names.get(home, lane.id)}.{number}"
            yield node_id, names[node_id]


def _reached(graph: Graph, lane: Lane) -> dict[str, None]:
    """All nodes of a lane: success and arms before failure, each as deep as it goes."""
    found: dict[str, None] = {}
    stack = [lane.entry]
    while stack:
        node_id = stack.pop()
        if node_id is not None and node_id not in found:
            found[node_id] = None
            node = graph.node(node_id)
            stack += [node.failure, *reversed(node.arms), node.success]
    return found


def _repeat_around(graph: Graph, node_id: str) -> str:
    """The innermost `repeat` in whose body a node is: its new id has to tell that, too."""
    while "." in node_id:
        node_id = node_id.rpartition(".")[0]
        node = graph.index.get(node_id)
        if node is not None and isinstance(node.op, ops.Repeat):
            return node_id
    return ""


def _renamed(names: dict[str, str], node_id: str | None) -> str | None:
    return None if node_id is None else names[node_id]


def _node(node: Node, names: dict[str, str]) -> Node:
    return Node(
        id=names[node.id],
        lane=node.lane,
        agent=node.agent,
        op=_bare(node.op),
        call=node.call,
        within=_bare(node.within),
        success=_renamed(names, node.success),
        failure=_renamed(names, node.failure),
        text=statement_text(node.op, node.call, node.within),
        arms=tuple(_renamed(names, arm) for arm in node.arms),
    )


def _bare(value: Any) -> Any:
    """A value without its spans."""
    if isinstance(value, Span):
        return NOWHERE
    if isinstance(value, tuple):
        return tuple(_bare(item) for item in value)
    if isinstance(value, Op) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        fields = {field.name: _bare(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
        return type(value)(**fields)
    return value
