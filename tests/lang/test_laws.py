"""Laws that hold for every program: of its layout, of its graph, and of the text of its graph."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from sipflow.ir.dump import graph_to_json, load_graph
from sipflow.ir.graph import Graph
from sipflow.ir.program import canonical, graph_to_text
from sipflow.ir.validate import problems
from sipflow.lang import compile_text, parse
from sipflow.lang.format import format_text
from sipflow.lang.syntax import Node, Token, Tree
from tests.lang.probe import FakeLibrary
from tests.lang.programs import laid_out, programs, spaced_out
from tests.lang.samples import STATEMENTS, in_a_lane, scenarios

EVERYWHERE = settings(
    max_examples=100,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # programs take minutes to shrink, and are short anyway
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SCENARIOS = st.sampled_from([path.read_text(encoding="utf-8") for path in scenarios()])
Shape = tuple[str, tuple[Any, ...]]


def shape(tree: Tree) -> Shape:
    """What a tree says, without its layout: places, and whether a lane has braces."""
    return _shape(tree.root)


def _shape(node: Node) -> Shape:
    children = _without_braces(node) if node.rule == "lane" else node.children
    return node.rule, tuple(_shape(child) if isinstance(child, Node) else child.text for child in children)


def _without_braces(lane: Node) -> list[Node | Token]:
    children: list[Node | Token] = []
    for child in lane.children:
        children += child.children if isinstance(child, Node) and child.rule == "block" else (child,)
    return [child for child in children if isinstance(child, Node) or child.kind not in ("COLON", "LBRACE", "RBRACE")]


def comments(text: str) -> list[str]:
    return [comment.text.rstrip() for comment in parse(text).tree.comments]


def formatted(text: str) -> str:
    result = format_text(text)
    assert result.text is not None, [(found.message, found.span.line) for found in result.diagnostics]
    return result.text


def graph_of(text: str) -> Graph | None:
    return compile_text(text, files=FakeLibrary()).graph


# --- layout --------------------------------------------------------------------------------------------------------


@given(laid_out(programs()))
@EVERYWHERE
def test_formatting_changes_nothing_but_layout_and_does_so_once(text: str) -> None:
    after = formatted(text)
    assert shape(parse(after).tree) == shape(parse(text).tree)
    assert comments(after) == comments(text)
    assert formatted(after) == after


@given(laid_out(SCENARIOS))
@EVERYWHERE
def test_the_layout_has_no_loose_ends(text: str) -> None:
    *lines, end = formatted(text.replace("\r\n", "\n")).split("\n")
    assert end == "" and lines[0] and lines[-1]
    assert all(line == line.rstrip() and "\t" not in line.partition("#")[0] for line in lines)
    assert all(line or following for line, following in pairwise(lines)), "one blank line at most"


@given(spaced_out(programs()))
@EVERYWHERE
def test_spaces_make_no_difference(texts: tuple[str, str]) -> None:
    one, other = texts
    assert formatted(one) == formatted(other)


@pytest.mark.parametrize("text", [in_a_lane(statement) for statement in STATEMENTS])
def test_every_statement_keeps_its_words(text: str) -> None:
    assert shape(parse(formatted(text)).tree) == shape(parse(text).tree)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_formatted_or_left_alone(text: str) -> None:
    after = format_text(text)
    assert (after.text is None) == bool(after.diagnostics)


@given(
    st.sampled_from([path.read_text(encoding="utf-8") for path in scenarios()]), st.floats(0, 1), st.text(max_size=3)
)
@settings(max_examples=200, deadline=None)
def test_a_file_in_the_middle_of_a_change_is_formatted_or_left_alone(text: str, where: float, typed: str) -> None:
    place = int(where * len(text))
    changed = text[:place] + typed + text[place:]
    after = format_text(changed)
    if after.text is not None:
        assert shape(parse(after.text).tree) == shape(parse(changed).tree)
        assert comments(after.text) == comments(changed)
        assert formatted(after.text) == after.text


# --- graphs --------------------------------------------------------------------------------------------------------


@given(laid_out(programs(runs=True)))
@EVERYWHERE
def test_a_program_and_its_layout_and_the_text_of_its_graph_mean_the_same(text: str) -> None:
    graph = graph_of(text)
    assume(graph is not None)
    assert graph is not None and problems(graph) == []
    meaning = canonical(graph)
    laid = graph_of(formatted(text))
    assert laid is not None and canonical(laid) == meaning
    written = graph_to_text(graph)
    again = graph_of(written)
    assert again is not None, (
        written,
        [found.message for found in compile_text(written, files=FakeLibrary()).diagnostics],
    )
    assert canonical(again) == meaning, written
    assert formatted(written) == written


@given(programs(runs=True))
@EVERYWHERE
def test_graphs_come_back_from_json_as_they_were(text: str) -> None:
    graph = graph_of(text)
    assume(graph is not None)
    assert graph is not None
    assert load_graph(json.loads(json.dumps(graph_to_json(graph)))) == graph


@given(laid_out(programs()))
@EVERYWHERE
def test_whatever_a_program_uses_it_has_no_syntax_error_and_compiles_without_an_exception(text: str) -> None:
    assert parse(text).diagnostics == ()
    compile_text(text, files=FakeLibrary())


def test_most_of_these_programs_are_right() -> None:
    """Or the laws of graphs would be about nothing."""
    right: list[bool] = []

    @given(programs(runs=True))
    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def count(text: str) -> None:
        right.append(graph_of(text) is not None)

    count()
    assert sum(right) > len(right) / 2
