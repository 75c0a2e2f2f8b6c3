"""The laws: FlowData that comes in and goes out is the same flow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from sipflow.flowdata import read_flow, same_flow, write_flow
from sipflow.ir.program import canonical
from tests.flowdata.flows import SHARED_NAMES, chain, command, compiled, edge, event, flows, instance, sample


@pytest.mark.parametrize("name", [*SHARED_NAMES, "every-field", "ways"])
def test_a_flow_comes_back_from_text_as_it_was(name: str) -> None:
    data = sample(name)
    imported = read_flow(data).graph
    assert imported is not None
    result = compiled(imported)
    assert result.graph is not None, [result.render(diagnostic) for diagnostic in result.diagnostics]
    assert same_flow(data, write_flow(result.graph).data)


@settings(max_examples=200, deadline=None)
@given(flows())
def test_any_flow_comes_back_as_it_was(data: dict[str, Any]) -> None:
    imported = read_flow(data).graph
    assert imported is not None
    assert same_flow(data, write_flow(imported).data)
    result = compiled(imported)
    if result.graph is not None:  # else a check found that it cannot run
        assert canonical(result.graph).nodes == canonical(imported).nodes
        assert same_flow(data, write_flow(result.graph).data)


def two_party(**more: object) -> dict[str, Any]:
    a, b = instance("a", "Alice", "100"), instance("b", "Bob", "200")
    call = command("c", "MakeCall", targetUri="sip:200@127.0.0.1", **more)
    return chain(
        a, call, event("v", "DISCONNECTED"), b, event("w", "INCOMING"), command("d", "Answer"), command("r", "Release")
    )


def test_ids_labels_places_and_spellings_make_no_difference() -> None:
    other = two_party(callId="call-1", timeout=10000)
    for number, node in enumerate(other["nodes"]):
        for item in other["edges"]:
            item |= {end: f"n{number}" for end in ("source", "target") if item[end] == node["id"]}
        node["id"], node["position"] = f"n{number}", {"x": 1, "y": 2}
        node["data"]["label"] = "another"
    other["nodes"].reverse()
    assert same_flow(two_party(), other)


@pytest.mark.parametrize(
    "change",
    [
        {"timeout": 4000},
        {"targetUri": "sip:300@127.0.0.1"},
        {"callId": "other"},
        {"command": "Hold"},
    ],
)
def test_what_is_done_makes_a_difference(change: dict[str, Any]) -> None:
    other = two_party()
    other["nodes"][1]["data"] |= change
    assert not same_flow(two_party(), other)


def test_where_edges_lead_makes_a_difference() -> None:
    other = two_party()
    other["edges"].append(edge("c", "v", "failure"))
    assert not same_flow(two_party(), other)
    assert not same_flow(two_party(), {**two_party(), "edges": two_party()["edges"][1:]})


def test_an_answer_alone_is_one_with_an_incoming_before_it() -> None:
    a, b, call = (
        instance("a", "Alice", "100"),
        instance("b", "Bob", "200"),
        command("c", "MakeCall", targetUri="sip:200@127.0.0.1"),
    )
    alone = chain(a, call, b, command("d", "Answer"))
    assert same_flow(alone, chain(a, call, b, event("w", "INCOMING"), command("d", "Answer")))
    graph = read_flow(alone).graph
    assert graph is not None
    assert same_flow(alone, write_flow(graph).data)
