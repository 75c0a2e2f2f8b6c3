"""Pictures of graphs: golden files, and what is true of every picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.ir import ops
from sipflow.ir.draw import graph_to_dot, graph_to_mermaid, graph_to_svg
from sipflow.ir.draw.layout import Box, lay_out
from sipflow.ir.draw.messages import Message, find_messages
from sipflow.ir.draw.ways import find_ways
from sipflow.ir.draw.words import wrap
from sipflow.ir.expr import Literal, Quantity, Unit
from sipflow.ir.graph import Agent, Graph, Lane, Node, Scenario
from sipflow.ir.text import statement_text
from tests.conftest import Golden
from tests.ir.test_dump import CASES, compiled, graphs
from tests.lang.samples import ROOT
from tests.pace import at_most

SVG = "{http://www.w3.org/2000/svg}"


# --- golden --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_svg(path: Path, golden: Golden) -> None:
    graph = compiled(path.read_text(encoding="utf-8"), path.name)
    golden.check(path.with_suffix(".svg"), graph_to_svg(graph))


# --- graphs that no text was written for ---------------------------------------------------------------------------

_WAIT = ops.Wait(Literal(Quantity(1.0, Unit.MILLISECOND)))
_OPS: tuple[ops.Op, ...] = (
    _WAIT,
    ops.Call(Literal("b"), "b"),
    ops.Answer(),
    ops.Release(),
    ops.ExpectHangup(),
    ops.SendDtmf(Literal("1")),
    ops.ExpectDtmf(Literal("1")),
    ops.Check(Literal(True)),
    ops.If(Literal(True)),
    ops.Repeat(Literal(2.0)),
    ops.Choose((ops.Arm(ops.ExpectDtmf()), ops.Arm(ops.ExpectHangup())), timeout=True),
    ops.Signal("go"),
    ops.Await("go"),
    ops.Play(Literal('a"<&>\\`#.wav')),
    ops.Fail(Literal("x" * 90)),
    ops.Recover(),
    ops.End(),
)


@st.composite
def any_graph(draw: st.DrawFn) -> Graph:
    """Two or three lanes with edges from anywhere to anywhere: loops, joins, nodes that nothing leads to."""
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    nodes: list[Node] = []
    for lane in names:
        count = draw(st.integers(0, 9))
        target = st.one_of(st.none(), st.integers(1, count).map(lambda n, lane=lane: f"{lane}.{n}"))
        for number in range(1, count + 1):
            op = draw(st.sampled_from(_OPS))
            branching = isinstance(op, ops.Branching)
            arms = tuple(draw(target) for _ in op.arm_names()) if isinstance(op, ops.Branching) else ()
            following = f"{lane}.{number + 1}" if number < count and draw(st.booleans()) else draw(target)
            success = None if branching else following
            text = statement_text(op)
            nodes.append(
                Node(f"{lane}.{number}", lane, lane, op, success=success, failure=draw(target), arms=arms, text=text)
            )
    ids = {node.id for node in nodes}
    lanes = tuple(Lane(name, name, f"{name}.1" if f"{name}.1" in ids else None) for name in names)
    return Graph(Scenario("any & all"), tuple(map(Agent, ["a", "b", "c"])), lanes, tuple(nodes))


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.y + other.height and other.y < one.y + one.height


def check_layout(graph: Graph) -> None:
    picture = lay_out(graph)
    assert {box.node.id for box in picture.boxes} == {node.id for node in graph.nodes}
    assert sorted((line.way.source, line.way.target, line.way.failure) for line in picture.lines) == sorted(
        (edge.source, edge.target, edge.handle == "failure") for edge in graph.edges()
    )
    assert [pair for pair in combinations(picture.boxes, 2) if overlap(*pair)] == []
    places = {lane.lane.id: lane for lane in picture.lanes}
    for box in picture.boxes:
        lane = places[box.node.lane]
        assert lane.x <= box.x and box.x + box.width <= lane.x + lane.width
        assert box.y >= 0 and box.y + box.height <= picture.height
    for line in picture.lines:
        check_line(line.points, [box for box in picture.boxes if box.node.id not in (line.way.source, line.way.target)])


def check_line(points: tuple[tuple[float, float], ...], others: list[Box]) -> None:
    """Lines are level or upright, and pass no box that they do not belong to."""
    for (x1, y1), (x2, y2) in pairwise(points):
        assert x1 == x2 or y1 == y2
        for box in others:
            inside_x = min(x1, x2) < box.x + box.width and box.x < max(x1, x2)
            inside_y = min(y1, y2) < box.y + box.height and box.y < max(y1, y2)
            level = y1 == y2 and box.y < y1 < box.y + box.height and inside_x
            upright = x1 == x2 and box.x < x1 < box.x + box.width and inside_y
            assert not level and not upright


def check_texts(graph: Graph) -> None:
    root = ElementTree.fromstring(graph_to_svg(graph))
    drawn = {group.get("id") for group in root.iter(f"{SVG}g")}
    assert {node.id for node in graph.nodes} <= drawn
    edges = [
        (path.get("data-source"), path.get("data-target"))
        for path in root.iter(f"{SVG}path")
        if path.get("data-source")
    ]
    wanted = sorted((edge.source, edge.target) for edge in graph.edges())
    assert sorted(edges) == wanted
    mermaid, dot = graph_to_mermaid(graph), graph_to_dot(graph)
    numbers = {f"n{index}": node.id for index, node in enumerate(graph.nodes)}
    arrows = re.findall(r'^  (n\d+) (?:-->|-\.->)(?:\|"[^"]*"\|)? (n\d+)$', mermaid, re.MULTILINE)
    assert sorted((numbers[one], numbers[other]) for one, other in arrows) == wanted
    assert len(re.findall(r"^    n\d+[\[({]", mermaid, re.MULTILINE)) == len(graph.nodes)
    found = re.findall(r'^  "([^"]+)" -> "([^"]+)"(?! \[constraint=false)', dot, re.MULTILINE)
    assert sorted(found) == wanted
    assert len(re.findall(r'^    "[^"]+" \[label=', dot, re.MULTILINE)) == len(graph.nodes)


@settings(max_examples=150, deadline=None)
@given(any_graph())
def test_every_node_and_edge_of_any_graph_is_in_each_picture_and_no_boxes_overlap(graph: Graph) -> None:
    check_layout(graph)
    check_texts(graph)


def test_every_node_and_edge_of_every_text_is_in_each_picture() -> None:
    for graph in graphs():
        check_layout(graph)
        check_texts(graph)


# --- what a picture says -------------------------------------------------------------------------------------------


def scenario(name: str) -> Graph:
    return compiled((ROOT / "scenarios" / f"{name}.sflow").read_text(encoding="utf-8"))


def told(graph: Graph) -> set[tuple[str, str, str | None]]:
    found: list[Message] = list(find_messages(graph, find_ways(graph)))
    return {(message.source, message.text, message.target) for message in found}


def test_messages_lead_to_what_waits_for_them() -> None:
    assert told(scenario("ivr")) >= {
        ("alice.1", "INVITE", "menu.1"),
        ("menu.1", "200 OK", "alice.1"),
        ("menu.2", "RTP", None),
        ("menu.3", "DTMF #", "alice.3"),
        ("alice.4", "DTMF 1", "menu.4"),
        ("menu.6", "BYE", "alice.5"),
    }


def test_after_a_transfer_messages_go_to_the_new_peer() -> None:
    attended, blind = told(scenario("attended-transfer")), told(scenario("blind-transfer"))
    assert ("operator.5", "REFER Replaces", "customer.3") in attended
    assert ("customer.4", "DTMF 9", "expert.3") in attended
    assert ("customer.3", "INVITE", "desk.1") in blind
    assert ("desk.3", "BYE", "customer.5") in blind


def test_a_release_before_the_answer_is_a_cancel_and_a_redirected_call_goes_elsewhere() -> None:
    assert ("alice.4", "CANCEL", "bob.2") in told(scenario("cancel"))
    assert {("alice.3", "INVITE", "carol.1"), ("alice.5", "BYE", "carol.2")} <= told(scenario("redirect"))


def test_what_could_be_taken_by_several_lanes_is_not_told() -> None:
    graph = compiled("on alice: call bob\non carol: call bob\non bob { answer; answer }\n")
    assert {target for _, _, target in told(graph)} == {None}


def test_lanes_that_meet_do_so_at_one_height() -> None:
    heights = {box.node.id: box.middle[1] for box in lay_out(scenario("ivr")).boxes}
    for one, other in (("alice.1", "menu.1"), ("alice.3", "menu.3"), ("alice.4", "menu.4"), ("alice.5", "menu.6")):
        assert heights[one] == heights[other]


def test_what_waits_long_has_a_bar_down_to_what_it_waited_for() -> None:
    picture = lay_out(scenario("two-party"))
    boxes = {box.node.id: box for box in picture.boxes}
    bar = next(bar for bar in picture.bars if bar.node == "alice.1")
    assert boxes["bob.2"].y < bar.bottom < boxes["alice.2"].y


def test_a_picture_needs_nothing_else_and_says_what_it_is() -> None:
    text = graph_to_svg(scenario("ivr"))
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert "2 lanes (alice, menu)" in (root.findtext(f"{SVG}desc") or "")
    assert "line 21: expect dtmf" in text
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"<script|<image|<foreignObject|href|@import|url\((?!#)", text)


def test_no_character_of_a_statement_is_taken_for_the_picture_s_own() -> None:
    graph = compiled('on alice: call bob; log "#1; `<b>` & \\\\ end"\non bob: answer; expect hangup\n')
    assert 'n1["log #quot;#35;1; #96;#lt;b#gt;#96; #amp; \\\\ end#quot;"]' in graph_to_mermaid(graph)
    assert r'[label="log \"#1; `<b>` & \\\\ end\"", shape=box]' in graph_to_dot(graph)
    texts = ["".join(text.itertext()) for text in ElementTree.fromstring(graph_to_svg(graph)).iter(f"{SVG}text")]
    assert 'log "#1; `<b>` & \\\\ end"' in texts


def test_the_same_graph_gives_the_same_picture() -> None:
    assert graph_to_svg(scenario("ivr")) == graph_to_svg(scenario("ivr"))


def test_a_big_graph_is_drawn_in_less_than_two_seconds() -> None:
    steps = "".join(f'  send dtmf "{n % 10}" else {{ log "{n}"; recover }}\n  expect dtmf "1"\n' for n in range(75))
    answers = "".join(f'  expect dtmf "{n % 10}"\n  send dtmf "1"\n' for n in range(75))
    graph = compiled(f"on alice {{\n  call bob\n{steps}}}\non bob {{\n  answer\n{answers}}}\n")
    assert len(graph.nodes) > 300
    with at_most(2.0):
        graph_to_svg(graph)


@pytest.mark.parametrize(
    ("text", "columns", "lines", "expected"),
    [
        ("expect dtmf", 20, 2, ("expect dtmf",)),
        ("expect dtmf within 5s", 11, 2, ("expect dtmf", "within 5s")),
        ("abcdefghijkl", 5, 2, ("abcde", "fghi…")),
        ("one two three four", 9, 1, ("one two…",)),
        ("", 9, 1, ("",)),
    ],
)
def test_long_text_is_wrapped_and_then_cut(text: str, columns: int, lines: int, expected: tuple[str, ...]) -> None:
    assert wrap(text, columns, lines) == expected
