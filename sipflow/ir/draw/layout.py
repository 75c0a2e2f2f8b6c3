"""The layout of a graph: where everything of its picture is, in pixels from the top left. No drawing, no colours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sipflow.ir import ops
from sipflow.ir.draw.columns import assign_columns
from sipflow.ir.draw.messages import Message, find_messages
from sipflow.ir.draw.routes import Cell, Route, Router, Tracks, assign_tracks
from sipflow.ir.draw.rows import assign_rows
from sipflow.ir.draw.ways import Way, Ways, find_ways
from sipflow.ir.draw.words import elide, wrap
from sipflow.ir.expr import constant_text
from sipflow.ir.graph import Agent, Graph, Lane, Node

CHARACTER, LINE_HEIGHT = 7.25, 16
"""Of the statements' type, which is of one width."""
LABEL_CHARACTER = 6.2
"""Of labels, on the average."""
MARGIN = 24
TITLE_HEIGHT = 46
HEAD_HEIGHT = 52
FOOT = 24
TRACK = 9
MESSAGE_PITCH = 18

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node."""

    node: Node
    shape: str
    """`box` of a command, `pill` of an event, `hexagon` of a check, `diamond` of a branch, `mark` of a plain end."""
    lines: tuple[str, ...]
    note: str
    """What it sends to somebody who has no lane here, empty for nothing."""
    cell: Cell
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Swimlane:
    """A lane with its head."""

    lane: Lane
    title: str
    subtitle: str
    x: float
    width: float
    axis: float
    """Where its main way goes down."""


@dataclass(frozen=True, slots=True)
class Line:
    """An edge."""

    way: Way
    points: tuple[Point, ...]
    label: str
    label_at: Point


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message."""

    message: Message
    points: tuple[Point, ...]
    """Across, and down between the lanes where it is taken later than it is sent."""
    label_at: Point


@dataclass(frozen=True, slots=True)
class Bar:
    """How long a node waits: from its box down to the message that it waited for."""

    node: str
    x: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is to be drawn."""

    width: float
    height: float
    title: str
    lanes: tuple[Swimlane, ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    arrows: tuple[Arrow, ...]
    bars: tuple[Bar, ...]
    joins: tuple[Point, ...]
    """Where several edges lead to one node."""


def lay_out(graph: Graph) -> Picture:
    """The picture of a graph; the same one whenever it is asked for."""
    ways = find_ways(graph)
    messages = find_messages(graph, ways)
    rows = assign_rows(graph, ways, messages)
    columns = assign_columns(graph, ways, rows)
    cells = {node: Cell(columns[node], rows[node]) for node in ways.order}
    return _Layout(graph, ways, messages, cells).picture()


def shape_of(node: Node) -> str:
    """The shape of a node's box."""
    if isinstance(node.op, ops.End | ops.Fail | ops.Recover):
        return "mark"
    if isinstance(node.op, ops.If | ops.Repeat | ops.While):
        return "diamond"
    return {"check": "hexagon", "event": "pill"}.get(node.op.kind, "box")


_WRAPS = {"box": (28, 3), "pill": (28, 3), "hexagon": (27, 3), "diamond": (22, 2), "mark": (24, 2)}
"""By shape: characters in a line, and how many lines."""
_PADDING = {"box": (42, 18), "pill": (52, 18), "hexagon": (62, 18), "diamond": (110, 40), "mark": (44, 12)}
"""By shape: what its text leaves of width and height."""
NUMBER_WIDTH = 14
"""Of the line number at the left of the text."""


class _Layout:
    def __init__(self, graph: Graph, ways: Ways, messages: Iterable[Message], cells: dict[str, Cell]) -> None:
        self.graph = graph
        self.cells = cells
        self.lane_of = {node.id: node.lane for node in graph.nodes}
        self.index = {lane.id: number for number, lane in enumerate(graph.lanes)}
        self.messages = [message for message in messages if message.lane in self.index]
        self.notes = {message.source: message.text for message in messages if message.lane not in self.index}
        self.routes = [route for lane in graph.lanes for route in self._routes(lane.id, ways)]
        self.tracks = assign_tracks(self.routes)
        self.shifts = self._message_shifts()
        self.shifts_at: dict[str, list[float]] = {}
        for message, shift in self.shifts.items():
            for end in (message.source, message.target or ""):
                self.shifts_at.setdefault(end, []).append(abs(shift))
        self.sizes = {node.id: self._size(node) for node in graph.nodes}

    def picture(self) -> Picture:
        """All of it."""
        tops, bottom = self._vertical()
        axes, lanes, width = self._horizontal()
        boxes = {node.id: self._box(node, tops, axes) for node in self.graph.nodes}
        grid = _Grid(self.tracks, boxes, axes, tops)
        lines = tuple(grid.line(route) for route in self.routes)
        arrows = [self._arrow(message, boxes, lanes) for message in self.messages]
        return Picture(
            width=width,
            height=bottom + FOOT,
            title=self.graph.scenario.name or self.graph.source,
            lanes=tuple(lanes.values()),
            boxes=tuple(boxes.values()),
            lines=lines,
            arrows=tuple(arrows),
            bars=tuple(self._bars(arrows, boxes)),
            joins=_joins(lines),
        )

    # --- the grid --------------------------------------------------------------------------------------------------

    def _routes(self, lane: str, ways: Ways) -> list[Route]:
        router = Router(lane, {node: cell for node, cell in self.cells.items() if self.lane_of[node] == lane})
        return [router.route(way) for way in ways.ways if self.lane_of[way.source] == lane == self.lane_of[way.target]]

    def _message_shifts(self) -> dict[Message, float]:
        """How far above or below the middle of its row each message runs."""
        rows: dict[int, list[list[Message]]] = {}
        for message in self.messages:
            tracks = rows.setdefault(self.cells[message.source].row, [])
            free = next((track for track in tracks if not any(self._overlap(message, other) for other in track)), None)
            if free is None:
                tracks.append([message])
            else:
                free.append(message)
        return {
            message: (number - (len(tracks) - 1) / 2) * MESSAGE_PITCH
            for tracks in rows.values()
            for number, track in enumerate(tracks)
            for message in track
        }

    def _overlap(self, one: Message, other: Message) -> bool:
        (a, b), (c, d) = self._lanes_between(one), self._lanes_between(other)
        return a <= d and c <= b

    def _lanes_between(self, message: Message) -> tuple[int, int]:
        assert message.lane is not None, "only messages that arrive somewhere are drawn"
        ends = self.index[self.lane_of[message.source]], self.index[message.lane]
        return min(ends), max(ends)

    # --- sizes -----------------------------------------------------------------------------------------------------

    def _size(self, node: Node) -> tuple[tuple[str, ...], float, float]:
        """Lines of text, width and height of a node's box."""
        shape = shape_of(node)
        lines = wrap(node.text or node.op.word, *_WRAPS[shape])
        across, down = _PADDING[shape]
        note = self.notes.get(node.id, "")
        width = max(max(map(len, lines)) * CHARACTER, len(note) * LABEL_CHARACTER) + across
        height = len(lines) * LINE_HEIGHT + down + (14 if note else 0)
        return lines, width, max([height, *(2 * shift + 24 for shift in self.shifts_at.get(node.id, ()))])

    def _vertical(self) -> tuple[dict[tuple[str, int], float], float]:
        """Where rows have their middle and corridors their top; and the lower end of everything."""
        heights: dict[int, float] = {}
        for node, cell in self.cells.items():
            heights[cell.row] = max(heights.get(cell.row, 0), self.sizes[node][2])
        for message, shift in self.shifts.items():
            row = self.cells[message.source].row
            heights[row] = max(heights[row], 2 * abs(shift) + 24)
        y: float = MARGIN + TITLE_HEIGHT + HEAD_HEIGHT
        tops: dict[tuple[str, int], float] = {}
        for row in range(max(heights, default=-1) + 2):
            tops["corridor", row] = y
            y += 16 + TRACK * (self.tracks.exits.get(row, 0) + self.tracks.entries.get(row, 0)) + 8
            tops["row", row] = y + heights.get(row, 0) / 2
            y += heights.get(row, 0)
        return tops, y

    def _horizontal(self) -> tuple[dict[tuple[str, str, int], float], dict[str, Swimlane], float]:
        """Where columns have their middle and channels their left side; the lanes; the width of everything."""
        axes: dict[tuple[str, str, int], float] = {}
        lanes: dict[str, Swimlane] = {}
        x: float = MARGIN
        for number, lane in enumerate(self.graph.lanes):
            start = x
            for column, width in enumerate(self._widths(lane)):
                axes[lane.id, "channel", column] = x
                x += self._channel_width(lane.id, column)
                axes[lane.id, "column", column] = x + width / 2
                x += width
                axes[lane.id, "channel", column + 1] = x
            x += self._channel_width(lane.id, len(self._widths(lane)))
            title, subtitle = _head(self.graph, lane)
            lanes[lane.id] = Swimlane(lane, title, subtitle, start, x - start, axes[lane.id, "column", 0])
            x += self._gutter(number)
        return axes, lanes, max(x + MARGIN, 2 * MARGIN + 10 * len(self.graph.scenario.name))

    def _widths(self, lane: Lane) -> list[float]:
        """Widths of the columns of a lane."""
        title, subtitle = _head(self.graph, lane)
        widths = {0: max(120.0, 9 * len(title) + 16, LABEL_CHARACTER * len(subtitle) + 16)}
        for node, cell in self.cells.items():
            if self.lane_of[node] == lane.id:
                widths[cell.column] = max(widths.get(cell.column, 0), self.sizes[node][1])
        return [widths.get(column, 20) for column in range(max(widths) + 1)]

    def _channel_width(self, lane: str, channel: int) -> float:
        return 18 + TRACK * self.tracks.channels.get((lane, channel), 0)

    def _gutter(self, number: int) -> float:
        """Room between a lane and the next: the labels of messages stand there."""
        if number + 1 >= len(self.graph.lanes):
            return 0
        texts = [message.text for message in self.messages if self._lanes_between(message)[1] == number + 1]
        return max([28.0, *(len(text) * LABEL_CHARACTER + 26 for text in texts)])

    # --- things ----------------------------------------------------------------------------------------------------

    def _box(self, node: Node, tops: dict[tuple[str, int], float], axes: dict[tuple[str, str, int], float]) -> Box:
        lines, width, height = self.sizes[node.id]
        cell = self.cells[node.id]
        x, y = axes[node.lane, "column", cell.column], tops["row", cell.row]
        note = self.notes.get(node.id, "")
        return Box(node, shape_of(node), lines, note, cell, x - width / 2, y - height / 2, width, height)

    def _arrow(self, message: Message, boxes: dict[str, Box], lanes: dict[str, Swimlane]) -> Arrow:
        source, target = boxes[message.source], boxes.get(message.target or "")
        first, last = self._lanes_between(message)
        sign = 1 if self.index[self.lane_of[message.source]] == first else -1
        y = source.middle[1] + self.shifts[message]
        start = (source.middle[0] + sign * _reach(source, y), y)
        assert message.lane is not None, "only messages that arrive somewhere are drawn"
        axis = lanes[message.lane].axis
        gutter = list(lanes.values())[last].x - self._gutter(last - 1) / 2
        if target is not None and target.cell.row > source.cell.row:
            below = target.middle[1] + self.shifts[message]
            half = self._gutter(last - 1) / 2
            points = (start, (gutter - sign * half, y), (gutter + sign * half, below))
            return Arrow(message, (*points, (target.middle[0] - sign * _reach(target, below), below)), (gutter, y - 5))
        met = next((box for box in self._column(message.lane, boxes) if box.y <= y <= box.y + box.height), None)
        end = axis if met is None else axis - sign * _reach(met, y)
        return Arrow(message, (start, (end, y)), (gutter, y - 5))

    def _column(self, lane: str, boxes: dict[str, Box]) -> list[Box]:
        return [box for box in boxes.values() if box.node.lane == lane and box.cell.column == 0]

    def _bars(self, arrows: list[Arrow], boxes: dict[str, Box]) -> Iterable[Bar]:
        lowest: dict[str, Bar] = {}
        for arrow in arrows:
            box = boxes.get(arrow.message.target or "")
            end = arrow.points[-1]
            if box is not None and end[0] == box.middle[0]:
                bar = Bar(box.node.id, end[0], box.y + box.height, end[1])
                known = lowest.get(box.node.id)
                if bar.top < bar.bottom and (known is None or known.bottom < bar.bottom):
                    lowest[box.node.id] = bar
        return lowest.values()


@dataclass(frozen=True, slots=True)
class _Grid:
    """Routes to pixels."""

    tracks: Tracks
    boxes: dict[str, Box]
    axes: dict[tuple[str, str, int], float]
    tops: dict[tuple[str, int], float]

    def line(self, route: Route) -> Line:
        """The line of a route."""
        source, target = self.boxes[route.way.source], self.boxes[route.way.target]
        start = _side_exit(source, route.way) if route.sideways else (source.middle[0], source.y + source.height)
        end = (target.middle[0], target.y)
        points = [start, *self._turns(route, start, end), end]
        return Line(route.way, tuple(_straightened(points)), route.way.label, _label_place(route, points))

    def _turns(self, route: Route, start: Point, end: Point) -> Iterable[Point]:
        x, y = start
        if route.sideways and route.last is None:
            yield end[0], y
        if route.first is not None:
            y = self._exit_track(route)
            yield x, y
        if route.channel is not None:
            left = self.axes[route.lane, "channel", route.channel]
            x = left + 9 + TRACK * (self.tracks.channel[route.way] + 0.5)
            yield x, y
        if route.last is not None:
            y = self._entry_track(route)
            yield x, y
            yield end[0], y

    def _exit_track(self, route: Route) -> float:
        assert route.first is not None, "asked for routes that leave at the bottom"
        return self.tops["corridor", route.first] + 8 + TRACK * (self.tracks.first[route.way] + 0.5)

    def _entry_track(self, route: Route) -> float:
        assert route.last is not None, "asked for routes that come along a corridor"
        number = self.tracks.exits.get(route.last, 0) + self.tracks.last[route.way]
        return self.tops["corridor", route.last] + 8 + TRACK * (number + 0.5)


def _side_exit(box: Box, way: Way) -> Point:
    """Failures leave below the middle, so that messages have the middle for themselves."""
    y = box.middle[1] + (box.height / 2 - 9 if way.failure and box.shape not in ("diamond", "hexagon") else 0)
    return box.middle[0] + _reach(box, y), y


def _reach(box: Box, y: float) -> float:
    """How far the shape of a box reaches from its middle to the sides at a height."""
    off, half_height, half_width = abs(y - box.middle[1]), box.height / 2, box.width / 2
    if box.shape == "diamond":
        return half_width * (1 - off / half_height)
    if box.shape == "hexagon":
        return half_width - 14 * off / half_height
    if box.shape == "pill":
        radius = min(half_height, 20.0)
        beyond = max(0.0, off - (half_height - radius))
        return half_width - radius + math.sqrt(max(0.0, radius**2 - beyond**2))
    return half_width


def _label_place(route: Route, points: list[Point]) -> Point:
    """Beside the beginning of a line; beside its end where several arms leave together."""
    (x, y), (_, after) = points[0], points[1]
    if route.sideways and route.way.failure:
        return x + 5, y + (12 if route.channel is None else -4)
    if route.sideways and route.last is None:
        return points[-1][0] + 6, points[-1][1] - 12
    return (x + 5, y - 4) if after == y else (x + 6, y + 15)


def _straightened(points: list[Point]) -> list[Point]:
    """Without points at which nothing turns."""
    kept = points[:1]
    for here, following in zip(points[1:], [*points[2:], None], strict=False):
        if here == kept[-1]:
            continue
        turns = following is None or not (
            kept[-1][0] == here[0] == following[0] or kept[-1][1] == here[1] == following[1]
        )
        if turns:
            kept.append(here)
    return kept


def _joins(lines: tuple[Line, ...]) -> tuple[Point, ...]:
    """Where a line comes upon another on its way into the same node."""
    into: dict[str, list[Line]] = {}
    for line in lines:
        into.setdefault(line.way.target, []).append(line)
    found: dict[Point, None] = {}
    for several in into.values():
        if len(several) > 1:
            found |= {line.points[-2]: None for line in several if len(line.points) > 2}
    return tuple(found)


def _head(graph: Graph, lane: Lane) -> tuple[str, str]:
    """The name of a lane, and what is known of its agent."""
    agent = graph.agent(lane.agent)
    return elide(lane.id, 30), elide(" · ".join(filter(None, (_number(agent), ", ".join(agent.codecs)))), 48)


def _number(agent: Agent) -> str:
    if agent.uri is not None:
        return constant_text(agent.uri) or str(agent.uri)
    return "" if agent.number is None else constant_text(agent.number) or str(agent.number)
