"""FlowData to a graph: what every field means, and that nothing whatever is too much for it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.flowdata import Imported, read_flow
from sipflow.ir import ops
from sipflow.ir.expr import constant_ms, constant_text
from sipflow.ir.graph import Graph
from sipflow.ir.program import NoTextError, graph_to_text
from sipflow.ir.validate import problems
from sipflow.lang import compile_text
from tests.flowdata.flows import SAMPLES, chain, command, compiled, edge, event, flows, instance, sample

A = instance("a", "Alice", "100")
B = instance("b", "Bob", "200")
CALL = command("c", "MakeCall", targetUri="sip:200@127.0.0.1")
ANSWER = command("d", "Answer")


def graph_of(data: object) -> Graph:
    graph = read_flow(data).graph
    assert graph is not None
    assert problems(graph) == []
    return graph


def text_of(data: object) -> str:
    return graph_to_text(graph_of(data))


def statements(data: object) -> list[str]:
    return [node.text for node in graph_of(data).nodes]


def notes(imported: Imported) -> set[tuple[str, str, str]]:
    return {(note.severity, note.node, note.path) for note in imported.notes}


# --- fields --------------------------------------------------------------------------------------------------------


def test_every_command_and_event_has_its_statement() -> None:
    graph = graph_of(sample("every-field"))
    assert [node.text for node in graph.nodes if node.agent == "Muller_Co"] == [
        "call to_ as first within 15s",
        'play "one.wav" on first',
        'play "two.wav" on first',
        'send dtmf "5*#" on first',
        'send dtmf "77" gap 250ms on first',
        'record "call.wav" on first',
        "expect recorded on first",
        "stop record first",
        "hold first",
        "resume first",
        'call "sip:desk@example.com:5080" as call_2',
        "transfer first to call_2 within 5s",
        "expect transferred on first",
        "expect notify on first",
        "release call_2",
    ]
    assert [node.text for node in graph.nodes if node.agent == "to_"] == [
        "expect call within 30s",
        "answer",
        'expect dtmf "5"',
        "expect dtmf",
        "expect held",
        "expect resumed",
        "transfer to Muller_Co within 12s",
        "wait 700ms",
        "expect hangup",
    ]


def test_an_instance_becomes_an_agent() -> None:
    first, second = graph_of(sample("every-field")).agents
    assert (first.name, constant_text(first.number), first.codecs) == ("Muller_Co", "0049", ("PCMA", "PCMU"))
    assert constant_text(first.proxy) == "sip:127.0.0.9:5070"
    assert (second.name, second.proxy, second.codecs) == ("to_", None, ("PCMU",))


@pytest.mark.parametrize(
    ("data", "interval_ms"),
    [
        ({"pbxHost": "pbx"}, 300_000),
        ({"pbxHost": "pbx", "register": True, "registerIntervalSeconds": 60}, 60_000),
        ({"pbxHost": "pbx", "register": False}, None),
        ({"pbxHost": "pbx", "mode": "Endpoint"}, None),
        ({}, None),
    ],
)
def test_an_instance_with_a_pbx_registers_unless_it_says_otherwise(
    data: dict[str, Any], interval_ms: float | None
) -> None:
    node = {"id": "a", "type": "sipInstance", "data": {"label": "A", "dn": "1", **data}}
    agent = graph_of(chain(node, CALL)).agents[0]
    assert constant_ms(agent.register_every) == interval_ms


def test_registering_and_opus_come_in_and_the_check_says_whether_they_run() -> None:
    node = {
        "id": "a",
        "type": "sipInstance",
        "data": {"label": "A", "dn": "1", "pbxHost": "p", "codecs": ["Opus", "PCMU"]},
    }
    text = text_of(chain(node, CALL))
    assert "register every 5m" in text
    assert "codecs opus, pcmu" in text


def test_a_target_with_the_number_of_another_instance_is_that_agent() -> None:
    assert statements(chain(A, CALL, B, ANSWER))[0] == "call Bob"


def test_a_target_at_the_pbx_stays_an_address() -> None:
    caller = instance("a", "Alice", "100", pbxHost="127.0.0.1")
    assert statements(chain(caller, CALL, B, ANSWER))[0] == 'call "sip:200@127.0.0.1"'
    bare = command("c", "MakeCall", targetUri="200")
    assert statements(chain(caller, bare, B, ANSWER))[0] == 'call "sip:200@127.0.0.1"'


def test_labels_become_names_that_are_valid_and_different() -> None:
    labels = ["IVR", "IVR", "", "1st line", "on", "Zoë"]
    nodes = [
        x for n, label in enumerate(labels) for x in (instance(f"i{n}", label, f"{n}"), event(f"e{n}", "INCOMING"))
    ]
    names = [agent.name for agent in graph_of(chain(*nodes)).agents]
    assert names == ["IVR", "IVR_2", "agent_2", "agent_1st_line", "on_", "Zoe"]
    assert compiled(graph_of(chain(*nodes))).graph is not None


def test_the_default_time_limit_is_not_written_and_others_are() -> None:
    same, other = event("v", "DISCONNECTED", timeout=10000), event("w", "HELD", timeout=2500)
    assert statements(chain(A, CALL, same, other))[1:] == ["expect hangup", "expect held within 2.5s"]


def test_a_timeout_that_means_nothing_is_noted() -> None:
    imported = read_flow(chain(A, CALL, command("p", "SendDTMF", digits="1", timeout=500)))
    assert ("note", "p", "nodes[2].data.timeout") in notes(imported)


# --- ways ----------------------------------------------------------------------------------------------------------


def test_a_failure_way_that_meets_the_others_again_was_provided_for() -> None:
    data = chain(A, CALL, event("v", "HELD"), command("r", "Release"))
    data["nodes"].append(event("t", "TIMEOUT", timeout=100))
    data["edges"] += [edge("v", "t", "failure"), edge("t", "r")]
    assert "expect held else { wait 100ms; recover }\n" in text_of(data)


def test_a_failure_way_that_ends_by_itself_fails() -> None:
    data = chain(A, CALL, event("v", "HELD"), command("r", "Release"))
    data["nodes"].append(command("s", "Release"))
    data["edges"].append(edge("v", "s", "failure"))
    assert "expect held else release" in text_of(data)


def test_a_failure_way_back_is_a_loop() -> None:
    data = chain(A, CALL, event("v", "DTMF_RECEIVED", dtmfDigit="1"), command("r", "Release"))
    data["edges"].append(edge("v", "v", "failure"))
    graph = graph_of(data)
    recover = next(node for node in graph.nodes if isinstance(node.op, ops.Recover))
    assert recover.success == "Alice.2"
    assert 'label step_1\n  expect dtmf "1" else recover at step_1' in text_of(data)


def test_a_failure_within_a_failure_is_dropped_alone_where_it_meets_the_outer_one() -> None:
    data = chain(A, CALL, event("v", "HELD"))
    data["nodes"] += [event("w", "HELD"), event("t", "TIMEOUT"), command("s", "Release")]
    data["edges"] += [edge("v", "w", "failure"), edge("w", "t", "failure"), edge("w", "s"), edge("t", "s")]
    graph = graph_of(data)
    assert sum(isinstance(node.op, ops.Recover) for node in graph.nodes) == 1
    assert graph.node("Alice.2").failure == "Alice.3"


def test_several_start_nodes_are_several_lanes() -> None:
    graph = graph_of(sample("ways"))
    assert [lane.id for lane in graph.lanes] == ["caller", "menu", "caller#2"]


def test_a_step_without_an_instance_belongs_to_the_one_whose_edge_leads_there() -> None:
    assert {node.agent for node in graph_of(chain(A, CALL, event("v", "HELD"))).nodes} == {"Alice"}


def test_an_edge_without_a_handle_means_success_and_branch_type_says_it_as_well() -> None:
    data = chain(A, CALL, event("v", "HELD"), command("r", "Release"))
    for item in data["edges"]:
        item.pop("sourceHandle")
    data["nodes"].append(command("s", "Release"))
    data["edges"].append({"id": "x", "source": "v", "target": "s", "data": {"branchType": "failure"}})
    graph = graph_of(data)
    assert (graph.node("Alice.2").success, graph.node("Alice.2").failure) == ("Alice.3", "Alice.4")


# --- what is wrong -------------------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_told_with_its_place() -> None:
    imported = read_flow(sample("wrong"))
    assert notes(imported) >= {
        ("error", "p1", "nodes[4].id"),  # twice
        ("error", "p2", "nodes[5].data.command"),  # unsupported
        ("error", "p3", "nodes[6].data"),  # without its file
        ("error", "p4", "nodes[7].data.sipInstanceId"),  # unknown instance
        ("warning", "p4", "nodes[7].data.callId"),  # unknown call
        ("warning", "n", "nodes[10].type"),
        ("error", "", "nodes[11]"),
        ("error", "", "nodes[12].id"),
        ("warning", "q2", "nodes[13].data.timeout"),
        ("warning", "p3>p4", "edges[3].sourceHandle"),
        ("error", "p1>q2", "edges[4]"),  # a second success edge
        ("error", "q2>p", "edges[8].target"),  # into an instance
        ("error", "q2>nowhere", "edges[9].target"),
        ("error", "none>q2", "edges[10].source"),
        ("error", "", "edges[11]"),
        ("error", "q2", "nodes[13].data"),  # from another instance
        ("warning", "q1", "nodes[8].data"),
        ("warning", "r", ""),  # no start node
        ("warning", "z", "nodes[9].data"),  # unreachable
        ("warning", "q", "nodes[1].data.codecs"),
        ("warning", "q", "nodes[1].data.pbxPort"),
        ("warning", "q", "nodes[1].data.pbxTransport"),
        ("warning", "q", "nodes[1].data.register"),
    }


def test_what_is_not_supported_is_passed_over_and_the_flow_goes_on() -> None:
    assert statements(chain(A, CALL, command("t", "Teleport"), command("r", "Release")))[1:] == ["release"]


def test_what_a_text_has_no_place_for_is_one_note() -> None:
    found = [note.message for note in read_flow(sample("every-field")).notes if "no place" in note.message]
    assert found == ["a text has no place for 26 positions and 1 colour"]


@pytest.mark.parametrize("data", [None, 7, [], {}, {"nodes": {}}, {"nodes": []}, {"nodes": [A], "edges": []}])
def test_what_has_nothing_to_run_gives_no_graph_and_says_why(data: object) -> None:
    imported = read_flow(data)
    assert imported.graph is None
    assert "error" in {note.severity for note in imported.notes}


_VALUES: list[Any] = [
    None,
    True,
    -1,
    1e308,
    float("inf"),
    "",
    "a1",
    "b",
    'x\ud800\n"}',
    [],
    {},
    [[]],
    {"id": "a1"},
    10**30,
]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with every key in it."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        keys = list(item) if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else []
        found += [(item, key) for key in keys]
        stack += [item[key] for key in keys]
    return found


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(path.stem for path in SAMPLES.glob("*.json"))), st.data())
def test_no_document_whatever_raises(name: str, data: st.DataObject) -> None:
    document = copy.deepcopy(sample(name))
    for _ in range(data.draw(st.integers(1, 4))):
        places = _places(document)
        if not places:
            break
        container, key = places[data.draw(st.integers(0, len(places) - 1))]
        if isinstance(container, dict) and data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = copy.deepcopy(data.draw(st.sampled_from(_VALUES)))
    _check_import(document)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["nodes", "edges", "id", "data", "type"]) | st.text(), inner)
        ),
    )
)
def test_no_json_value_whatever_raises(value: object) -> None:
    _check_import(value)


def _check_import(document: object) -> None:
    imported = read_flow(document)
    for note in imported.notes:
        assert note.render("flow.json").endswith("\n")
    if imported.graph is not None:
        assert problems(imported.graph) == []
        try:
            text = graph_to_text(imported.graph)
        except NoTextError:
            return
        compile_text(text)
        text.encode("utf-8")


@settings(max_examples=60, deadline=None)
@given(flows())
def test_the_same_document_gives_the_same_graph(document: dict[str, Any]) -> None:
    assert read_flow(document) == read_flow(json.loads(json.dumps(document)))
