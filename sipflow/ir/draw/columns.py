"""Columns: the main way of a lane goes straight down, every other way beside it."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.ir.draw.ways import Way, Ways
from sipflow.ir.graph import Graph


@dataclass(slots=True)
class _Chain:
    """Nodes that stand under each other."""

    lane: str
    nodes: list[str]
    parent: str | None
    """The node that it leaves; None when nothing leads to it."""


def assign_columns(graph: Graph, ways: Ways, rows: dict[str, int]) -> dict[str, int]:
    """The column of every node in its lane, from 0; no two nodes of a lane have both row and column in common."""
    columns = {node: 0 for node in ways.order if ways.depth[node] == 0}
    taken = {(graph.node(node).lane, 0, rows[node]) for node in columns}
    for chain in _chains(graph, ways):
        wanted = range(rows[chain.nodes[0]], rows[chain.nodes[-1]] + 1)
        column = 1 if chain.parent is None else columns[chain.parent] + 1
        while any((chain.lane, column, row) in taken for row in wanted):
            column += 1
        taken |= {(chain.lane, column, row) for row in wanted}
        columns |= dict.fromkeys(chain.nodes, column)
    return columns


def _chains(graph: Graph, ways: Ways) -> list[_Chain]:
    """The side chains, each after the one that it leaves."""
    into = _first_ways_into(ways)
    chain_of: dict[str, _Chain] = {}
    chains: list[_Chain] = []
    for node in ways.order:
        if ways.depth[node] == 0:
            continue
        way = into.get(node)
        before = None if way is None or way.side else chain_of.get(way.source)
        if before is not None and before.nodes[-1] == (way.source if way else None):
            before.nodes.append(node)
            chain_of[node] = before
        else:
            chain_of[node] = _Chain(graph.node(node).lane, [node], None if way is None else way.source)
            chains.append(chain_of[node])
    return chains


def _first_ways_into(ways: Ways) -> dict[str, Way]:
    """For each node the way that comes from the nearest of those before it."""
    into: dict[str, Way] = {}
    for way in ways.ways:
        known = into.get(way.target)
        if not way.back and (known is None or _rank(way, ways) < _rank(known, ways)):
            into[way.target] = way
    return into


def _rank(way: Way, ways: Ways) -> tuple[int, int]:
    return ways.depth[way.source] + way.side, -ways.places[way.source]
