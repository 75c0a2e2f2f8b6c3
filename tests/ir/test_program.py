"""Graphs as programs: what the text of a graph looks like, and that it means the graph."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.assets import Assets, media_folders
from sipflow.ir import ops
from sipflow.ir.expr import Binary, Env, Literal, Name, Quantity, Unit
from sipflow.ir.graph import Agent, Auth, Graph, Lane, Listen, MediaSettings, Node, Scenario, Table
from sipflow.ir.program import NoTextError, canonical, graph_to_text
from sipflow.ir.program.lanes import depths
from sipflow.ir.validate import problems
from sipflow.lang import compile_text
from sipflow.lang.format import format_text
from tests.lang.samples import STATEMENTS, in_a_lane, scenarios


def compiled(text: str, path: Path | None = None) -> Graph:
    files = None if path is None else Assets(media_folders(path.parent, None))
    result = compile_text(text, "<text>" if path is None else str(path), files)
    assert result.graph is not None, (text, [(d.code, d.message, d.span.line) for d in result.diagnostics])
    return result.graph


def text_of(graph: Graph) -> str:
    """The text of a graph, which means the graph and is in the formatter's layout."""
    text = graph_to_text(graph)
    assert canonical(compiled(text)) == canonical(graph), text
    assert format_text(text).text == text
    return text


# --- graphs of texts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_the_text_of_a_scenarios_graph_means_the_same(path: Path) -> None:
    text_of(compiled(path.read_text(encoding="utf-8"), path))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_text_of_a_statements_graph_means_the_same(statement: str) -> None:
    text_of(compiled(in_a_lane(statement)))


STRUCTURED = """scenario "Structure" tagged a, b
timeout 3s

let host = "example.com"

agent alice { number 1001; codecs pcma }
agent bob   { number 007 }
agent pbx = "sip:pbx.example.com"

agent desk {
  uri       "sip:desk@${host}"
  listen    udp "127.0.0.1:5062"
  ptime     30ms
  header    "X-Tenant" = "blue"
  media     { ports 20000-29999; jitter adaptive 20ms..200ms; rtcp mux; latching; rtcp reduced; rtcp xr }
}

on alice {
  call bob as c1 within 5s else release
  let tries = 0
  while tries < 3 {
    let tries = tries + 1
    if tries == 2 { continue } else { wait 1s }
    expect dtmf "1" else break
  }
  repeat 2 times {
    check media.loss < 1% else {
      log "bad"
      hold else { log "worse"; continue }
      recover
    }
    repeat tries times { wait 200ms }
  }
  if tries == 1 {
    log "one"
  } else if tries == 2 {
    log "two"
  } else {
    choose on c1 within 2s {
      dtmf "1"                     => { log "a"; goto bye }
      dtmf matching /[0-9]+/ as pin => log pin
      hangup                       => {}
      timeout => {
        hold
        log "b" else {
          expect held else recover at bye
          recover
        }
        resume
      }
    }
    log "c"
  }
  label bye
  release
}

on bob: answer; expect hangup
on desk: call pbx
"""


def test_structure_is_found_again() -> None:
    text = format_text(STRUCTURED).text
    assert text is not None
    assert text_of(compiled(text)) == text


def test_a_definition_comes_out_expanded() -> None:
    define = "define ask(key) { expect dtmf key else recover }"
    text = f'{define}\non a {{ call b; ask("1"); ask("2"); hold; release }}\non b: answer\n'
    lines = text_of(compiled(text)).splitlines()
    assert lines[2:4] == ['  expect dtmf "1" else recover', '  expect dtmf "2" else recover']


def test_what_is_default_is_not_written() -> None:
    assert text_of(compiled("agent a { codecs pcmu, pcma; ptime 20ms }\non a: call b\non b: answer\n")) == (
        "agent a {}\n\non a: call b\non b: answer\n"
    )


# --- graphs of nobody's text ---------------------------------------------------------------------------------------


def graph_of(*nodes: Node, **more: object) -> Graph:
    """One lane of these nodes, the first of which is its entry."""
    lanes = (Lane("a", "a", nodes[0].id if nodes else None),)
    return Graph(Scenario(), (Agent("a", declared=False),), lanes, nodes, **more)  # type: ignore[arg-type]


def node(node_id: str, op: ops.Op | None = None, **edges: object) -> Node:
    return Node(node_id, "a", "a", op or ops.Log(Literal(node_id)), **edges)  # type: ignore[arg-type]


def lines_of(graph: Graph) -> list[str]:
    return [line.strip() for line in text_of(graph).splitlines()[1:-1]]


SOMETIMES = Binary("==", Env("X"), Literal("1"))
WHETHER = ops.If(SOMETIMES)


def test_an_edge_back_is_a_goto() -> None:
    nodes = (node("x", success="y"), node("y", success="z"), node("z", success="y"))
    assert lines_of(graph_of(*nodes)) == ['log "x"', "label step_1", 'log "y"', 'log "z"', "goto step_1"]


def test_a_failure_edge_into_the_main_chain_is_an_else_with_goto() -> None:
    nodes = (node("x", success="y", failure="z"), node("y", success="z"), node("z"))
    assert lines_of(graph_of(*nodes)) == ['log "x" else goto step_1', 'log "y"', "label step_1", 'log "z"']


def test_a_recover_that_leads_on_is_plain_and_one_that_leads_elsewhere_says_where() -> None:
    nodes = (
        node("x", success="y", failure="r"),
        node("r", ops.Recover(), success="y"),
        node("y", success="z", failure="s"),
        node("s", ops.Recover(), success="x"),
        node("z"),
    )
    assert lines_of(graph_of(*nodes)) == [
        "label step_1",
        'log "x" else recover',
        'log "y" else recover at step_1',
        'log "z"',
    ]


def test_a_recover_that_two_failures_share_stays_one() -> None:
    nodes = (
        node("x", success="y", failure="r"),
        node("y", success="z", failure="r"),
        node("z"),
        node("r", ops.Recover(), success="z"),
    )
    graph = graph_of(*nodes)
    assert text_of(graph).count("recover") == 1


def test_what_only_a_recover_leads_to_stands_behind_the_rest() -> None:
    nodes = (
        node("x", success="y", failure="r"),
        node("y"),
        node("r", ops.Recover(), success="z"),
        node("z"),
    )
    assert lines_of(graph_of(*nodes)) == [
        'log "x" else recover at step_1',
        'log "y"',
        "goto done",
        "label step_1",
        'log "z"',
        "label done",
    ]


def test_arms_that_meet_are_an_if_whatever_their_ids_are() -> None:
    nodes = (node("q", WHETHER, arms=("x", "y")), node("x", success="z"), node("y", success="z"), node("z"))
    assert lines_of(graph_of(*nodes)) == ['if env.X == "1" { log "x" } else { log "y" }', 'log "z"']


def test_the_next_round_of_an_outer_repeat_begins_at_the_end_of_its_body() -> None:
    twice = ops.Repeat(Literal(2.0))
    nodes = (
        node("r", twice, arms=("r.1", None)),
        node("r.1", ops.While(SOMETIMES), arms=("r.1.1", "r.2")),
        node("r.1.1", success="r.1", failure="r"),
        node("r.2", success="r"),
    )
    assert "else goto next_round" in text_of(graph_of(*nodes))


def test_failures_without_end_do_not_nest_without_end() -> None:
    nodes = [node(f"n{i}", failure=f"n{i + 1}") for i in range(200)]
    text_of(graph_of(*nodes, node("n200")))


def test_a_long_chain_is_no_trouble() -> None:
    nodes = [node(f"n{i}", success=f"n{i + 1}") for i in range(3_000)]
    text_of(graph_of(*nodes, node("n3000")))


@pytest.mark.parametrize(
    "nodes",
    [
        (node("x", WHETHER, arms=(None, None), failure="y"), node("y")),
        (node("x", success="r"), node("r", ops.Recover())),
        (node("x", success="r.1", failure="r"), node("r", ops.Repeat(Literal(2.0)), arms=("r.1", None)), node("r.1")),
    ],
    ids=["an if that fails", "a recover without a failure", "a way into a repeat"],
)
def test_a_graph_that_no_text_means_is_refused(nodes: tuple[Node, ...]) -> None:
    with pytest.raises(NoTextError):
        graph_to_text(graph_of(*nodes))


AGENT = Agent(
    "a",
    number=Literal("n 1"),
    uri=Literal("sip:a@b"),
    listens=(Listen("udp", "::1", 5070),),
    proxy=Literal("sip:p"),
    codecs=("PCMA",),
    ptime_ms=30,
    headers=(("X-A", Literal("1")), ("X-B", Name(("v",)))),
    media=MediaSettings(20000, 20010, False, 60, 60),
)


def test_all_settings_of_an_agent() -> None:
    graph = replace(graph_of(node("x")), agents=(AGENT,), variables=(ops.Let("v", Literal("w")),))
    assert text_of(graph).startswith('let v = "w"\n\nagent a {\n  number    "n 1"\n')


def test_settings_that_do_not_run_yet_are_written_all_the_same() -> None:
    agent = replace(
        AGENT,
        listens=(Listen("tls"),),
        register_every=Literal(Quantity(300_000.0, Unit.MILLISECOND)),
        auth=Auth(Literal("u"), Name(("v",))),
        codecs=("opus", "G722"),
        dtmf="info",
        srtp="required",
    )
    lines = graph_to_text(replace(graph_of(node("x")), agents=(agent,))).splitlines()
    assert lines[3:6] == ["  listen    tls", '  proxy     "sip:p"', "  register  every 5m"]
    assert [line for line in lines if "auth" in line or "codecs" in line] == [
        '  auth      "u" password v',
        "  codecs    opus, g722",
    ]


def test_tables_and_a_lane_without_statements() -> None:
    graph = replace(graph_of(), tables=(Table("users", "u.csv"), Table("more", "m.csv", "once")))
    assert graph_to_text(graph) == 'data users from "u.csv"\ndata more from "m.csv" once\n\non a {}\n'


# --- any graph -----------------------------------------------------------------------------------------------------

PLAIN = (ops.Log(Literal("x")), ops.Wait(Literal(Quantity(5.0, Unit.MILLISECOND))), ops.Check(Literal(True)))
OTHERS = (
    WHETHER,
    ops.While(SOMETIMES),
    ops.Repeat(Literal(2.0)),
    ops.Choose((ops.Arm(ops.ExpectCall()), ops.Arm(ops.ExpectRequest("INFO"))), timeout=True),
    ops.End(),
    ops.Recover(),
)


@st.composite
def any_graphs(draw: st.DrawFn) -> Graph:
    """A sound graph with edges from anywhere to anywhere, of which ids tell nothing."""
    count = draw(st.integers(1, 9))
    ids = [f"n{i}" for i in range(count)]
    targets = st.sampled_from([*ids, None])
    nodes = {}
    for node_id in ids:
        op = draw(st.sampled_from((*PLAIN, *PLAIN, *OTHERS)))
        if isinstance(op, ops.Branching):
            arms = tuple(draw(targets) for _ in op.arm_names())
            nodes[node_id] = node(node_id, op, arms=arms)
        else:
            success = None if isinstance(op, ops.End) else draw(targets)
            failure = draw(targets) if isinstance(op, (*map(type, PLAIN),)) else None
            nodes[node_id] = node(node_id, op, success=success, failure=failure)
    return _sound(nodes)


def _sound(nodes: dict[str, Node]) -> Graph:
    """Without what nothing leads to, and without a `recover` where nothing failed."""
    graph = graph_of(*nodes.values())
    found = depths(graph, "n0", {})
    wrong = [n for n, depth in found.items() if depth == 0 and isinstance(nodes[n].op, ops.Recover)]
    if wrong:
        return _sound({n: replace(nodes[n], op=PLAIN[0]) if n in wrong else nodes[n] for n in nodes})
    return graph_of(*(nodes[node_id] for node_id in nodes if node_id in found))


@given(any_graphs())
@settings(max_examples=400, deadline=None)
def test_any_graph_has_a_text_that_means_it(graph: Graph) -> None:
    assert problems(graph) == []
    text = text_of(graph)
    assert len(re.findall(r"\blog|wait|check|if|while|repeat|choose|end|recover\b", text)) >= len(graph.nodes)
    assert text_of(compiled(text))
