"""Graphs that are wrong, whoever made them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow.ir import ops
from sipflow.ir.graph import Agent, Graph, Lane, Node, Scenario
from sipflow.ir.validate import problems


def graph() -> Graph:
    nodes = (
        Node("a.1", "a", "a", ops.Answer(), success="a.2", failure="a.1.else.1"),
        Node("a.1.else.1", "a", "a", ops.Recover(), success="a.2"),
        Node("a.2", "a", "a", ops.Release()),
        Node("b.1", "b", "b", ops.Hold()),
    )
    lanes = (Lane("a", "a", "a.1"), Lane("b", "b", "b.1"))
    return Graph(Scenario(), (Agent("a"), Agent("b")), lanes, nodes)


def test_a_sound_graph_has_no_problems() -> None:
    assert problems(graph()) == []


def with_node(index: int, **changes: object) -> Graph:
    nodes = list(graph().nodes)
    nodes[index] = replace(nodes[index], **changes)  # type: ignore[arg-type]
    return replace(graph(), nodes=tuple(nodes))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (with_node(0, success="a.9"), "the success edge of `a.1` leads to an unknown node `a.9`"),
        (with_node(0, failure="b.1"), "the failure edge of `a.1` leads into another lane"),
        (with_node(0, failure=None), "nothing leads to node `a.1.else.1`"),
        (with_node(2, op=ops.Recover()), "node `a.2` recovers, and nothing failed before it"),
        (with_node(3, lane="c"), "node `b.1` is in an unknown lane `c`"),
        (with_node(3, agent="a"), "node `b.1` has another agent than its lane"),
        (with_node(3, id="a.2"), "there are two nodes `a.2`"),
        (with_node(3, op=ops.Redirect("x", "x")), "node `b.1` is directed at an unknown agent `x`"),  # type: ignore[arg-type]
        (replace(graph(), agents=(Agent("a"),)), "lane `b` has an unknown agent `b`"),
        (replace(graph(), agents=(Agent("a"), Agent("b", remote=True))), "lane `b` drives the remote agent `b`"),
        (replace(graph(), lanes=(Lane("a", "a", "x"), graph().lanes[1])), "lane `a` begins at an unknown node `x`"),
    ],
)
def test_what_is_wrong_is_said(wrong: Graph, said: str) -> None:
    assert said in problems(wrong)


def test_loops_and_joins_are_sound() -> None:
    assert problems(with_node(2, success="a.1")) == []


def test_a_recover_is_counted_on_every_way_that_leads_to_it() -> None:
    """Two failures and two recovers: fine; a way round that carries none is not."""
    lane = Lane("a", "a", "a.1")

    def chain(last: str | None) -> Graph:
        nodes = (
            Node("a.1", "a", "a", ops.Mute(), success=last, failure="a.2"),
            Node("a.2", "a", "a", ops.Mute(), success="a.4", failure="a.3"),
            Node("a.3", "a", "a", ops.Recover(), success="a.4"),
            Node("a.4", "a", "a", ops.Recover(), success="a.1"),
        )
        return Graph(Scenario(), (Agent("a"),), (lane,), nodes)

    assert problems(chain(None)) == []
    assert problems(chain("a.4")) == ["node `a.4` recovers, and nothing failed before it"]
