"""Graphs as pictures in text: Mermaid and DOT."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir.graph import Graph, Node

_DOT_SHAPES = {"command": "box", "event": "ellipse", "check": "diamond", "control": "plain"}
_MERMAID_SHAPES = {"command": ("[", "]"), "event": ("([", "])"), "check": ("{{", "}}"), "control": ("[/", "/]")}


def graph_to_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart: a subgraph a lane, solid arrows for success, dotted ones for failure."""
    numbers = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    return "\n".join(["flowchart TD", *_mermaid_lines(graph, numbers)]) + "\n"


def _mermaid_lines(graph: Graph, numbers: dict[str, str]) -> Iterator[str]:
    for index, lane in enumerate(graph.lanes):
        yield f'  subgraph lane{index}["{_mermaid_text(lane.id)}"]'
        for node in _nodes_of(graph, lane.id):
            left, right = _MERMAID_SHAPES[node.op.kind]
            yield f'    {numbers[node.id]}{left}"{_mermaid_text(node.text)}"{right}'
        yield "  end"
    for source, target, handle, _ in graph.edges():
        arrow = "-->" if handle == "success" else "-. else .->"
        yield f"  {numbers[source]} {arrow} {numbers[target]}"


def _mermaid_text(text: str) -> str:
    """Mermaid knows entities, and no other way to have a quote in a quoted text."""
    for char, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(char, entity)
    return text


def graph_to_dot(graph: Graph) -> str:
    """A Graphviz digraph: a cluster a lane, solid arrows for success, dashed ones for failure."""
    return "\n".join(["digraph sipflow {", *_dot_lines(graph), "}"]) + "\n"


def _dot_lines(graph: Graph) -> Iterator[str]:
    for index, lane in enumerate(graph.lanes):
        yield f"  subgraph cluster_{index} {{"
        yield f"    label={_dot_text(lane.id)}"
        for node in _nodes_of(graph, lane.id):
            shape = _DOT_SHAPES[node.op.kind]
            yield f"    {_dot_text(node.id)} [label={_dot_text(node.text)}, shape={shape}]"
        yield "  }"
    for source, target, handle, _ in graph.edges():
        style = "" if handle == "success" else ' [style=dashed, label="else"]'
        yield f"  {_dot_text(source)} -> {_dot_text(target)}{style}"


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _nodes_of(graph: Graph, lane: str) -> Iterator[Node]:
    return (node for node in graph.nodes if node.lane == lane)
