"""Mermaid: a flowchart for the pages that draw it."""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir.draw.layout import shape_of
from sipflow.ir.draw.messages import find_messages
from sipflow.ir.draw.ways import Way, find_ways
from sipflow.ir.graph import Graph

_SHAPES = {
    "box": ("[", "]"),
    "pill": ("([", "])"),
    "hexagon": ("{{", "}}"),
    "diamond": ("{", "}"),
    "mark": ("(", ")"),
}
_ENTITIES = (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;"), ("&", "#amp;"))
"""Mermaid knows entities without `&`, and no other way to have a quote in a quoted text."""


def graph_to_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart: a subgraph a lane, dotted arrows for failure, thick ones for messages between lanes."""
    numbers = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    return "\n".join(["flowchart TD", *_lanes(graph, numbers), *_arrows(graph, numbers)]) + "\n"


def _lanes(graph: Graph, numbers: dict[str, str]) -> Iterator[str]:
    for index, lane in enumerate(graph.lanes):
        yield f'  subgraph lane{index}["{_text(lane.id)}"]'
        for node in graph.nodes:
            if node.lane == lane.id:
                left, right = _SHAPES[shape_of(node)]
                yield f'    {numbers[node.id]}{left}"{_text(node.text or node.op.word)}"{right}'
        yield "  end"


def _arrows(graph: Graph, numbers: dict[str, str]) -> Iterator[str]:
    ways = find_ways(graph)
    for way in ways.ways:
        yield f"  {numbers[way.source]} {_arrow(way)} {numbers[way.target]}"
    messages = [message for message in find_messages(graph, ways) if message.target is not None]
    for message in messages:
        assert message.target is not None, "only messages that somebody takes are arrows here"
        yield f'  {numbers[message.source]} ==>|"{_text(message.text)}"| {numbers[message.target]}'
    yield from _colours(ways.ways, len(messages))


def _arrow(way: Way) -> str:
    arrow = "-.->" if way.failure else "-->"
    return f'{arrow}|"{_text(way.label)}"|' if way.label else arrow


def _colours(ways: tuple[Way, ...], messages: int) -> Iterator[str]:
    """Styles of links go by their number in the text."""
    failures = [str(number) for number, way in enumerate(ways) if way.failure]
    if failures:
        yield f"  linkStyle {','.join(failures)} stroke:#d1293d"
    if messages:
        yield f"  linkStyle {','.join(str(len(ways) + number) for number in range(messages))} stroke:#2f6fde"


def _text(text: str) -> str:
    """One pass, since the entities have characters in them that would be replaced again."""
    entities = dict(_ENTITIES)
    return "".join(entities.get(char, char if char.isprintable() else " ") for char in text)
