"""DOT: a digraph for Graphviz and what reads its language."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir.draw.layout import shape_of
from sipflow.ir.draw.messages import Message, find_messages
from sipflow.ir.draw.ways import Way, find_ways
from sipflow.ir.graph import Graph

_SHAPES = {"box": "box", "pill": "ellipse", "hexagon": "hexagon", "diamond": "diamond", "mark": "plain"}
_MESSAGES = {"sip": "#2f6fde", "rtp": "#8250df", "signal": "#0f8a6d"}


def graph_to_dot(graph: Graph) -> str:
    """A Graphviz digraph: a cluster a lane, dashed arrows for failure, coloured ones for messages between lanes."""
    return "\n".join(["digraph sipflow {", *_lanes(graph), *_arrows(graph), "}"]) + "\n"


def _lanes(graph: Graph) -> Iterator[str]:
    for index, lane in enumerate(graph.lanes):
        yield f"  subgraph cluster_{index} {{"
        yield f"    label={_text(lane.id)}"
        for node in graph.nodes:
            if node.lane == lane.id:
                shape = _SHAPES[shape_of(node)]
                yield f"    {_text(node.id)} [label={_text(node.text or node.op.word)}, shape={shape}]"
        yield "  }"


def _arrows(graph: Graph) -> Iterator[str]:
    ways = find_ways(graph)
    yield from (f"  {_text(way.source)} -> {_text(way.target)}{_style(way)}" for way in ways.ways)
    for message in find_messages(graph, ways):
        if message.target is not None:
            yield f"  {_text(message.source)} -> {_text(message.target)}{_message_style(message)}"


def _style(way: Way) -> str:
    options = ["style=dashed", 'color="#d1293d"'] if way.failure else []
    options += [f"label={_text(way.label)}"] if way.label else []
    return f" [{', '.join(options)}]" if options else ""


def _message_style(message: Message) -> str:
    colour = f'"{_MESSAGES[message.kind]}"'
    text = _text(message.text)
    return f" [constraint=false, arrowhead=vee, color={colour}, fontcolor={colour}, label={text}]"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else " " for char in escaped) + '"'
