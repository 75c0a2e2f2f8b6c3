"""Routes: how edges go around the boxes of a lane.

Boxes stand in cells. Between the columns run channels, between the rows corridors: channel 0 is left of column 0,
corridor 0 above row 0. No box is ever in one of them, so a line that keeps to them crosses none. Lines that would lie
on each other take different tracks, except those that lead to the same node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sipflow.ir.draw.ways import Way


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a box stands in its lane."""

    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Route:
    """A way in terms of the grid."""

    way: Way
    lane: str
    start: Cell
    end: Cell
    sideways: bool
    """Whether it leaves its box at the right, not at the bottom."""
    first: int | None = None
    """The corridor that it turns into when it left at the bottom, None when it goes straight down."""
    channel: int | None = None
    """The channel that it goes along, if any."""
    last: int | None = None
    """The corridor above its target that it comes along, if any."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """Which track each route has, and how many there are."""

    first: dict[Way, int]
    channel: dict[Way, int]
    last: dict[Way, int]
    exits: dict[int, int]
    """Of each corridor: tracks of lines that leave a box."""
    entries: dict[int, int]
    """Of each corridor: tracks of lines that lead to a box; they are below those that leave."""
    channels: dict[tuple[str, int], int]


class Router:
    """Finds routes in one lane."""

    def __init__(self, lane: str, cells: dict[str, Cell]) -> None:
        self.lane = lane
        self.cells = cells
        self.taken = set(cells.values())

    def route(self, way: Way) -> Route:
        """The route of one way."""
        start, end = self.cells[way.source], self.cells[way.target]
        sideways = way.failure or way.side > 0
        if not sideways and start.column == end.column and start.row < end.row and self._free(end.column, start, end):
            return Route(way, self.lane, start, end, sideways=False)
        if sideways or (way.label and not way.back):
            return self._from_the_side(way, start, end)
        return self._from_below(way, start, end)

    def _from_the_side(self, way: Way, start: Cell, end: Cell) -> Route:
        """Over the target and down, or along the channel beside the box."""
        between = (Cell(column, start.row) for column in range(start.column + 1, end.column + 1))
        if start.column < end.column and not self.taken & set(between) and self._free(end.column, start, end):
            return Route(way, self.lane, start, end, sideways=True)
        return Route(way, self.lane, start, end, sideways=True, channel=start.column + 1, last=end.row)

    def _from_below(self, way: Way, start: Cell, end: Cell) -> Route:
        if start.row < end.row and self._free(end.column, start, end):
            return Route(way, self.lane, start, end, sideways=False, last=start.row + 1)
        inward = start.column if way.back or end.column < start.column else start.column + 1
        below = start.row + 1
        return Route(way, self.lane, start, end, sideways=False, first=below, channel=inward, last=end.row)

    def _free(self, column: int, start: Cell, end: Cell) -> bool:
        """Whether one can go down a column from one row to another."""
        return start.row < end.row and not any(Cell(column, row) in self.taken for row in range(start.row + 1, end.row))


def assign_tracks(routes: Iterable[Route]) -> Tracks:
    """Tracks for all routes of all lanes."""
    exits, entries, channels = _Packing(), _Packing(), _Packing()
    first: dict[Way, int] = {}
    channel: dict[Way, int] = {}
    last: dict[Way, int] = {}
    for route in routes:
        way, lane, target = route.way, route.lane, route.way.target
        from_x, to_x = 2 * route.start.column + 1, 2 * route.end.column + 1
        at_x = from_x if route.channel is None else 2 * route.channel
        if route.first is not None:
            first[way] = exits.place((lane, route.first), from_x, at_x, target)
        if route.channel is not None and route.last is not None:
            from_y = 2 * route.start.row + 1 if route.first is None else 2 * route.first
            channel[way] = channels.place((lane, route.channel), from_y, 2 * route.last, target)
        if route.last is not None:
            last[way] = entries.place((lane, route.last), at_x, to_x, target)
    return Tracks(first, channel, last, exits.most(), entries.most(), channels.counts())


class _Packing:
    """Lines in corridors or channels, none on top of another that leads elsewhere."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, int], list[list[tuple[int, int, str]]]] = {}

    def place(self, where: tuple[str, int], one: int, other: int, target: str) -> int:
        """The track of a line from `one` to `other`."""
        line = (min(one, other), max(one, other), target)
        tracks = self.lines.setdefault(where, [])
        for number, track in enumerate(tracks):
            if all(old[2] == target or old[1] < line[0] or line[1] < old[0] for old in track):
                track.append(line)
                return number
        tracks.append([line])
        return len(tracks) - 1

    def counts(self) -> dict[tuple[str, int], int]:
        """How many tracks each has."""
        return {where: len(tracks) for where, tracks in self.lines.items()}

    def most(self) -> dict[int, int]:
        """How many tracks each corridor has in the lane that needs most."""
        found: dict[int, int] = {}
        for (_, corridor), tracks in self.lines.items():
            found[corridor] = max(found.get(corridor, 0), len(tracks))
        return found
