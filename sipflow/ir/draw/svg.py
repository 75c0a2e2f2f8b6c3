"""SVG: one file that needs nothing else, light or dark as its viewer is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sipflow.ir import ops
from sipflow.ir.draw.layout import (
    FOOT,
    HEAD_HEIGHT,
    LINE_HEIGHT,
    MARGIN,
    NUMBER_WIDTH,
    TITLE_HEIGHT,
    Arrow,
    Bar,
    Box,
    Line,
    Picture,
    Point,
    Swimlane,
    lay_out,
)
from sipflow.ir.graph import Graph, Node

_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"

_LIGHT = {
    "page": "#ffffff", "lane": "#f6f7f9", "rule": "#dfe3e8", "ink": "#1c2733", "soft": "#67758a", "line": "#5b6b80",
    "call": "#2f6fde", "call-fill": "#eef4ff", "media": "#8250df", "media-fill": "#f6f0ff", "event": "#0f8a6d",
    "event-fill": "#eafaf4", "check": "#b26a00", "check-fill": "#fff6e5", "flow": "#5b6b80", "flow-fill": "#ffffff",
    "fail": "#d1293d", "fail-fill": "#fff0f1", "sip": "#2f6fde", "rtp": "#8250df", "signal": "#0f8a6d",
}  # fmt: skip
_DARK = {
    "page": "#0f141a", "lane": "#161d26", "rule": "#2a3441", "ink": "#e6ebf1", "soft": "#8fa0b5", "line": "#8293a8",
    "call": "#6ea8ff", "call-fill": "#16263f", "media": "#b794ff", "media-fill": "#261d3d", "event": "#4cc9a5",
    "event-fill": "#12302a", "check": "#f0b04f", "check-fill": "#35280f", "flow": "#93a3b8", "flow-fill": "#1c2530",
    "fail": "#ff7b88", "fail-fill": "#3b1a20", "sip": "#6ea8ff", "rtp": "#b794ff", "signal": "#4cc9a5",
}  # fmt: skip
_TONES = ("call", "media", "event", "check", "flow", "fail")
_MESSAGES = ("sip", "rtp", "signal")

_MEDIA = (
    ops.Play, ops.StopPlay, ops.Record, ops.StopRecord, ops.PauseRecord, ops.ResumeRecord, ops.SendDtmf, ops.Mute,
    ops.Unmute, ops.Impair, ops.ClearImpairment,
)  # fmt: skip


def graph_to_svg(graph: Graph) -> str:
    """The picture of a graph: a swim lane a lane, time going down, messages going across."""
    picture = lay_out(graph)
    return "\n".join(_svg(graph, picture)) + "\n"


def _svg(graph: Graph, picture: Picture) -> Iterator[str]:
    width, height = _n(picture.width), _n(picture.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="title desc">'
    )
    yield f'<title id="title">{escape(picture.title)}</title>'
    yield f'<desc id="desc">{escape(_description(graph))}</desc>'
    yield f"<style>{_style()}</style>"
    yield f"<defs>{''.join(_marker(name) for name in ('line', 'fail', *_MESSAGES))}</defs>"
    yield f'<rect class="page" width="{width}" height="{height}"/>'
    yield from _title(graph, picture)
    for swimlane in picture.lanes:
        yield from _lane(swimlane, picture.height)
    yield from (_arrow(arrow) for arrow in picture.arrows)
    yield from (_line(line) for line in picture.lines)
    yield from (_bar(bar) for bar in picture.bars)
    yield from (f'<circle class="join" cx="{_n(x)}" cy="{_n(y)}" r="2.5"/>' for x, y in picture.joins)
    for box in picture.boxes:
        yield from _box(box)
    yield from (_label("label", line.label, line.label_at, line.way.failure) for line in picture.lines if line.label)
    yield from (_arrow_label(arrow) for arrow in picture.arrows)
    yield "</svg>"


def escape(text: str) -> str:
    """`text` as XML; characters that XML 1.0 does not have become the replacement character."""
    allowed = "".join(char if _is_xml(ord(char)) else "\ufffd" for char in text)
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        allowed = allowed.replace(char, entity)
    return allowed


def _is_xml(code: int) -> bool:
    """Char of XML 1.0, section 2.2, without line ends."""
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# --- style ---------------------------------------------------------------------------------------------------------


def _style() -> str:
    dark = f"@media (prefers-color-scheme:dark){{{_colours(_DARK)}}}"
    return f"{_SHAPES}{_colours(_LIGHT)}{dark}"


_SHAPES = (
    f"text{{font-family:{_SANS};font-size:11px}}"
    f".statement{{font-family:{_MONO};font-size:12px}}"
    ".word{font-weight:600}.heading{font-size:18px;font-weight:600}.agent{font-size:14px;font-weight:600}"
    ".number{font-size:9px}.node{stroke-width:1.3}.way,.fail-way{fill:none;stroke-width:1.4}"
    ".fail-way{stroke-dasharray:5 4}.axis{stroke-width:1;stroke-dasharray:2 5}"
    ".sip,.rtp,.signal{fill:none;stroke-width:1.2}.rtp{stroke-dasharray:8 3}.signal{stroke-dasharray:1.5 4;"
    "stroke-linecap:round;stroke-width:1.8}"
)


def _colours(palette: dict[str, str]) -> str:
    rules = [
        f".page{{fill:{palette['page']}}}",
        f".lane{{fill:{palette['lane']};stroke:{palette['rule']}}}",
        f".head{{fill:{palette['page']};stroke:{palette['rule']}}}",
        f"text,.word{{fill:{palette['ink']}}}",
        f".soft,.number,.label{{fill:{palette['soft']}}}",
        f".axis{{stroke:{palette['rule']}}}",
        f".way{{stroke:{palette['line']}}}.fail-way{{stroke:{palette['fail']}}}.fail-label{{fill:{palette['fail']}}}",
        f".join,.tip-line{{fill:{palette['line']}}}.tip-fail{{fill:{palette['fail']}}}",
        f".halo{{stroke:{palette['page']};stroke-width:3;paint-order:stroke;stroke-linejoin:round}}",
    ]
    rules += [f".{tone}{{fill:{palette[tone + '-fill']};stroke:{palette[tone]}}}" for tone in _TONES]
    rules += [f".{tone}-word{{fill:{palette[tone]}}}" for tone in _TONES]
    rules += [f".bar{{fill:{palette['call']}}}"]
    for kind in _MESSAGES:
        colour = palette[kind]
        rules.append(f".{kind}{{stroke:{colour}}}.{kind}-text,.tip-{kind}{{fill:{colour}}}")
    return "".join(rules)


def _marker(name: str) -> str:
    return (
        f'<marker id="tip-{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="tip-{name}" d="M0 .8 8 4 0 7.2Z"/></marker>'
    )


def _tone(node: Node) -> str:
    if isinstance(node.op, ops.Fail):
        return "fail"
    if node.op.kind in ("event", "check"):
        return node.op.kind
    if isinstance(node.op, _MEDIA):
        return "media"
    return "flow" if node.op.kind == "control" or not _signals(node) else "call"


def _signals(node: Node) -> bool:
    """Whether a command is about signalling; the rest passes time or speaks to the reader."""
    return not isinstance(node.op, ops.Wait | ops.Log | ops.Let | ops.Signal)


# --- parts ---------------------------------------------------------------------------------------------------------


def _description(graph: Graph) -> str:
    lanes = ", ".join(lane.id for lane in graph.lanes)
    return f"{len(graph.lanes)} lanes ({lanes}) with {len(graph.nodes)} statements; time goes down, messages go across"


def _title(graph: Graph, picture: Picture) -> Iterator[str]:
    yield f'<text class="heading" x="{MARGIN}" y="{MARGIN + 16}">{escape(picture.title)}</text>'
    if graph.scenario.tags:
        tags = " · ".join(graph.scenario.tags)
        yield f'<text class="soft" x="{MARGIN}" y="{MARGIN + 34}">{escape(tags)}</text>'


def _lane(lane: Swimlane, height: float) -> Iterator[str]:
    top = MARGIN + TITLE_HEIGHT
    box = f'x="{_n(lane.x)}" y="{top}" width="{_n(lane.width)}"'
    yield f'<rect class="lane" {box} height="{_n(height - top - FOOT / 2)}" rx="10"/>'
    yield f'<rect class="head" {box} height="{HEAD_HEIGHT - 8}" rx="10"/>'
    middle = _n(lane.axis)
    yield f'<text class="agent" x="{middle}" y="{top + 19}" text-anchor="middle">{escape(lane.title)}</text>'
    yield f'<text class="soft" x="{middle}" y="{top + 35}" text-anchor="middle">{escape(lane.subtitle)}</text>'
    bottom = _n(height - FOOT)
    yield f'<line class="axis" x1="{middle}" y1="{top + HEAD_HEIGHT - 8}" x2="{middle}" y2="{bottom}"/>'


def _box(box: Box) -> Iterator[str]:
    tone = _tone(box.node)
    yield f'<g id="{escape(box.node.id)}"><title>{escape(_tooltip(box.node))}</title>'
    yield _outline(box, f"node {tone}")
    middle, y = box.middle
    middle += NUMBER_WIDTH / 2
    height = len(box.lines) * LINE_HEIGHT + (14 if box.note else 0)
    baseline = y - height / 2 + 12
    for number, text in enumerate(box.lines):
        place = f'x="{_n(middle)}" y="{_n(baseline + number * LINE_HEIGHT)}" text-anchor="middle"'
        yield f'<text class="statement" {place}>{_emphasised(text, tone) if number == 0 else escape(text)}</text>'
    if box.note:
        place = f'x="{_n(middle)}" y="{_n(baseline + len(box.lines) * LINE_HEIGHT)}" text-anchor="middle"'
        yield f'<text class="soft" {place}>sends {escape(box.note)}</text>'
    if box.node.span.line:
        x = box.x + _NUMBER_INSET[box.shape]
        yield f'<text class="number" x="{_n(x)}" y="{_n(y + 3)}">{box.node.span.line}</text>'
    yield "</g>"


_NUMBER_INSET = {"box": 8, "pill": 12, "hexagon": 15, "diamond": 30, "mark": 11}
"""By shape: how far from its left side the line number stands."""


def _emphasised(text: str, tone: str) -> str:
    first, space, rest = text.partition(" ")
    return f'<tspan class="word {tone}-word">{escape(first)}</tspan>{space}{escape(rest)}'


def _tooltip(node: Node) -> str:
    line = f"line {node.span.line}: " if node.span.line else ""
    place = f" (label {node.label})" if node.label else ""
    return f"{line}{node.text or node.op.word} [{node.id}]{place}"


def _outline(box: Box, classes: str) -> str:
    x, y, width, height = box.x, box.y, box.width, box.height
    middle_x, middle_y = box.middle
    if box.shape == "diamond":
        corners = [(middle_x, y), (x + width, middle_y), (middle_x, y + height), (x, middle_y)]
        return f'<polygon class="{classes}" points="{_points(corners)}"/>'
    if box.shape == "hexagon":
        left, right = x + 14, x + width - 14
        corners = [(left, y), (right, y), (x + width, middle_y), (right, y + height), (left, y + height), (x, middle_y)]
        return f'<polygon class="{classes}" points="{_points(corners)}"/>'
    radius = {"pill": min(height / 2, 20), "mark": height / 2}.get(box.shape, 5)
    size = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<rect class="{classes}" {size} rx="{_n(radius)}"/>'


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _line(line: Line) -> str:
    way, tip = ("fail-way", "fail") if line.way.failure else ("way", "line")
    title = escape(f"{line.way.source} to {line.way.target}{': ' + line.label if line.label else ''}")
    edge = f'data-source="{escape(line.way.source)}" data-target="{escape(line.way.target)}"'
    path = f'd="{_path(line.points)}" marker-end="url(#tip-{tip})"'
    return f'<path class="{way}" {edge} {path}><title>{title}</title></path>'


def _path(points: tuple[Point, ...]) -> str:
    """A line with its corners rounded."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(6.0, _length(before, corner) / 2, _length(corner, after) / 2)
        (x1, y1), (x2, y2) = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{_n(x1)} {_n(y1)}Q{_n(corner[0])} {_n(corner[1])} {_n(x2)} {_n(y2)}")
    parts.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(parts)


def _length(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(point: Point, other: Point, distance: float) -> Point:
    length = _length(point, other) or 1
    return point[0] + (other[0] - point[0]) * distance / length, point[1] + (other[1] - point[1]) * distance / length


def _bar(bar: Bar) -> str:
    height = bar.bottom - bar.top + 4
    return f'<rect class="bar" x="{_n(bar.x - 2)}" y="{_n(bar.top)}" width="4" height="{_n(height)}" rx="2"/>'


def _arrow(arrow: Arrow) -> str:
    kind = arrow.message.kind
    ends = f'data-source="{escape(arrow.message.source)}" data-target="{escape(arrow.message.target or "")}"'
    return f'<polyline class="{kind}" {ends} points="{_points(arrow.points)}" marker-end="url(#tip-{kind})"/>'


def _arrow_label(arrow: Arrow) -> str:
    x, y = arrow.label_at
    classes = f"{arrow.message.kind}-text halo"
    return f'<text class="{classes}" x="{_n(x)}" y="{_n(y)}" text-anchor="middle">{escape(arrow.message.text)}</text>'


def _label(kind: str, text: str, at: Point, failure: bool) -> str:
    classes = "fail-label" if failure else kind
    return f'<text class="{classes}" x="{_n(at[0])}" y="{_n(at[1])}">{escape(text)}</text>'
