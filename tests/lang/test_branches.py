"""`if`, loops, `choose`, labels and jumps: the nodes, arms and edges that they become."""

from __future__ import annotations

import pytest

from sipflow.ir import ops
from sipflow.ir.graph import Graph
from sipflow.ir.validate import problems
from sipflow.lang import compile_text
from tests.lang.probe import FakeLibrary

Ways = tuple[str | None, ...]


def compiled(statements: str, head: str = "let x = 1\n") -> Graph:
    """The graph of a lane of alice, who has a call, that does something."""
    text = f"{head}on alice {{\n  call bob as c1\n{statements}\n}}\non bob: answer; expect hangup\n"
    result = compile_text(text, files=FakeLibrary())
    assert result.graph is not None, [found.message for found in result.diagnostics]
    assert problems(result.graph) == []
    return result.graph


def ways(graph: Graph) -> dict[str, Ways]:
    """Ways out of the nodes of alice's lane by id: success, then the arms; a failure edge last, when there is one."""
    return {
        node.id: (*(node.arms or (node.success,)), *((node.failure,) if node.failure is not None else ()))
        for node in graph.nodes
        if node.lane == "alice" and node.id != "alice.1"
    }


def codes(statements: str, head: str = "let x = 1\n") -> list[str]:
    text = f"{head}on alice {{\n  call bob as c1\n{statements}\n}}\non bob: answer; expect hangup\n"
    return [
        found.code
        for found in compile_text(text, files=FakeLibrary()).diagnostics
        if not "SF304" <= found.code < "SF400"
    ]


# --- if ------------------------------------------------------------------------------------------------------------


def test_the_arms_of_an_if_meet_behind_it() -> None:
    graph = compiled('if x > 1 { log "a"; log "b" } else if x > 2 { log "c" } else { }\nrelease')
    assert ways(graph) == {
        "alice.2": ("alice.2.then.1", "alice.2.else.1"),
        "alice.2.then.1": ("alice.2.then.2",),
        "alice.2.then.2": ("alice.3",),
        "alice.2.else.1": ("alice.2.else.1.then.1", "alice.3"),
        "alice.2.else.1.then.1": ("alice.3",),
        "alice.3": (None,),
    }
    assert [graph.node(node_id).text for node_id in ("alice.2", "alice.2.else.1")] == ["if x > 1", "if x > 2"]


def test_an_if_at_the_end_of_a_lane_ends_it_on_both_ways() -> None:
    assert ways(compiled("if x > 1 { release }"))["alice.2"] == ("alice.2.then.1", None)


def test_a_recover_in_an_if_goes_on_behind_what_failed() -> None:
    graph = compiled("hold else { if x > 1 { recover } else { release } }\nwait 1s")
    assert ways(graph)["alice.2.else.1.then.1"] == ("alice.3",)
    assert ways(graph)["alice.2.else.1.else.1"] == (None,)


def test_the_span_of_a_branch_is_its_head() -> None:
    graph = compiled("if x > 1 { release }")
    span = graph.node("alice.2").span
    assert (span.line, span.column, span.end_column) == (4, 1, 9)


# --- loops ---------------------------------------------------------------------------------------------------------


def test_the_body_of_a_loop_leads_back_to_it() -> None:
    graph = compiled("repeat 3 times { wait 1s; mute }\nwhile x < 3 { let x = x + 1 }\nrelease")
    assert ways(graph) == {
        "alice.2": ("alice.2.body.1", "alice.3"),
        "alice.2.body.1": ("alice.2.body.2",),
        "alice.2.body.2": ("alice.2",),
        "alice.3": ("alice.3.body.1", "alice.4"),
        "alice.3.body.1": ("alice.3",),
        "alice.4": (None,),
    }
    assert isinstance(graph.node("alice.2").op, ops.Repeat) and isinstance(graph.node("alice.3").op, ops.While)


def test_an_empty_body_is_the_loop_itself() -> None:
    assert ways(compiled("repeat 3 times { }"))["alice.2"] == ("alice.2", None)


def test_break_and_continue_mean_the_innermost_loop() -> None:
    graph = compiled(
        "repeat 3 times {\n"
        "  while x < 3 { let x = x + 1; if x == 2 { break }; if x == 1 { continue }; wait 1s }\n"
        "  if x > 5 { break }\n"
        "  expect dtmf else continue\n"
        "  wait 2s\n"
        "}\nrelease"
    )
    found = ways(graph)
    inner = "alice.2.body.1"
    assert found[f"{inner}.body.2"] == ("alice.2.body.2", f"{inner}.body.3")
    assert found[f"{inner}.body.3"] == (inner, f"{inner}.body.4")
    assert found["alice.2.body.2"] == ("alice.3", "alice.2.body.3")
    assert found["alice.2.body.3"] == ("alice.2.body.4", "alice.2")


def test_what_a_loop_makes_may_be_there_at_its_beginning() -> None:
    made = "call bob as leg; expect dtmf matching /1/ as pin; let x = x + 1"
    assert codes(f"while x < 3 {{ if x > 1 {{ release leg; log pin }}\n{made} }}") == []


@pytest.mark.parametrize(
    ("times", "code"), [("2.5", "SF208"), ('"3"', "SF208"), ("3s", "SF208"), ("-1", "SF208"), ("x", None)]
)
def test_a_repeat_needs_a_whole_number(times: str, code: str | None) -> None:
    assert codes(f"repeat {times} times {{ wait 1s }}") == ([code] if code else [])


# --- choose --------------------------------------------------------------------------------------------------------

MENU = """
choose on c1 within 10s {
  timeout => fail "no choice made"
  dtmf "1" => { play "sales.wav"; mute }
  dtmf "2" on c1 => transfer to bob
  dtmf matching /[3-9]/ as digit => if digit == "3" { log digit } else { end }
  info where body contains "x" => log "info"
  hangup => end
}
log "behind"
"""


def test_a_choose_has_an_arm_for_each_event_and_the_timeout_last() -> None:
    graph = compiled(MENU)
    node = graph.node("alice.2")
    assert node.op.arm_names() == (  # type: ignore[attr-defined]
        'dtmf "1"',
        'dtmf "2" on c1',
        "dtmf matching /[3-9]/ as digit",
        'info where body contains "x"',
        "hangup",
        "timeout",
    )
    assert (node.call, str(node.within), node.text) == ("c1", "10s", "choose on c1 within 10s")
    assert node.arms == tuple(f"alice.2.arm{number}.1" for number in range(1, 7))
    assert [graph.node(f"alice.2.arm{number}.1").success for number in (2, 4, 5, 6)] == [
        "alice.3",
        "alice.3",
        None,
        None,
    ]
    assert graph.node("alice.2.arm3.1").arms == ("alice.2.arm3.1.then.1", "alice.2.arm3.1.else.1")


def test_without_a_timeout_arm_a_choose_may_fail() -> None:
    graph = compiled("choose { hangup => end }")
    assert not graph.node("alice.2").op.timeout  # type: ignore[attr-defined]


def test_the_nodes_come_in_the_order_of_the_text() -> None:
    lines = [node.span.start for node in compiled(MENU).nodes if node.lane == "alice"]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("arms", "code"),
    [
        ("timeout => end; hangup => end; timeout => release", "SF213"),
        ("hangup => end; hangup => release", "SF213"),
        ("hangup within 5s => end", "SF215"),
        ("held where true => end", "SF215"),
        ("hangup on c2 => end", "SF204"),
        ('dtmf "x" => end', "SF403"),
        ("", "SF228"),
    ],
)
def test_arms_that_are_wrong(arms: str, code: str) -> None:
    assert codes(f"choose {{ {arms} }}") == [code]


def test_a_call_that_an_arm_takes_is_there_in_it_only() -> None:
    text = 'on bob { choose { call from alice => { answer; mute } message => play "x.wav" } }\non alice: call bob\n'
    assert [found.code for found in compile_text(text).diagnostics if found.severity.value == "error"][:1] == ["SF113"]
    text = text.replace("} message", "}; message")
    assert [found.code for found in compile_text(text).diagnostics if found.severity.value == "error"] == ["SF301"]


# --- what may be known ---------------------------------------------------------------------------------------------


def test_what_one_arm_makes_may_be_there_behind_it() -> None:
    assert codes('if x > 1 { call bob as c2; let name = "n" }\nlog name; release c2') == []


def test_what_one_arm_makes_is_not_there_in_the_other() -> None:
    assert codes('if x > 1 { let name = "n" } else { log name }') == ["SF205"]


def test_both_arms_may_give_a_call_the_same_name_and_behind_them_it_is_taken() -> None:
    both = "if x > 1 { call bob as c2 } else { call bob as c2 }"
    assert codes(both) == []
    assert codes(f"{both}\ncall bob as c2") == ["SF201"]
    assert codes("if x > 1 { call bob as c2 }\ncall bob as c2") == []


def test_a_variable_of_two_kinds_is_of_none() -> None:
    assert codes("let y = 1\nif x > 1 { let y = 5s }\nwait y") == []
    assert codes("let y = 1\nif x > 1 { let y = 2 }\nwait y") == ["SF207"]


def test_an_else_is_a_way_of_its_own() -> None:
    assert codes('let y = 5s\nhold else { let y = "a"; recover }\nwait y') == []


# --- jumps ---------------------------------------------------------------------------------------------------------


def test_a_label_is_a_place_and_no_node() -> None:
    graph = compiled(
        "label again\nlabel also\nwait 1s\nif x > 1 { goto again }\nhold else { log 1; recover at again }\nlabel last"
    )
    assert ways(graph) == {
        "alice.4": ("alice.5",),
        "alice.5": ("alice.4", "alice.6"),
        "alice.6": (None, "alice.6.else.1"),
        "alice.6.else.1": ("alice.6.else.2",),
        "alice.6.else.2": ("alice.4",),
    }
    assert [node.id for node in graph.nodes if node.label] == ["alice.4"]
    assert graph.node("alice.4").label == "again"


def test_a_lane_may_begin_with_a_label_and_end_with_a_goto() -> None:
    graph = compile_text(
        "on a { label top; call b; expect hangup; goto top }\non b { label x; answer; release; goto x }"
    ).graph
    assert graph is not None
    assert [lane.entry for lane in graph.lanes] == ["a.2", "b.2"]
    assert graph.node("a.3").success == "a.2"


def test_a_goto_leads_out_of_blocks_and_into_them() -> None:
    graph = compiled(
        "if x > 1 { label inside; wait 1s } else { mute }\nwhile x < 3 { let x = x + 1; goto inside }\nrelease"
    )
    assert ways(graph)["alice.3.body.1"] == ("alice.2.then.2",)


def test_a_goto_at_the_end_of_an_else_keeps_the_failure() -> None:
    graph = compiled("hold else goto last\nwait 1s\nlabel last\nrelease")
    assert ways(graph)["alice.2"] == ("alice.3", "alice.5")


@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ("goto nowhere", "SF224"),
        ("label a; wait 1s\nlabel a; wait 1s", "SF201"),
        ("if x > 1 { goto a }\nrepeat 2 times { label a; wait 1s }", "SF225"),
        ("repeat 2 times { wait 1s; if x > 1 { goto a }; if x > 2 { label a; mute } }", None),
        ("if x > 1 { goto a }\nhold else { label a; recover }", "SF225"),
        ("hold else { if x > 1 { goto b }; release }\nresume else { label b; log 1; recover }", None),
        ("label a\nrepeat 2 times { wait 1s; goto a }", "SF225"),
        ("label a; wait 1s\nrepeat 2 times { wait 1s; goto a }", None),
        ("label a; goto a", "SF226"),
        ("if x > 1 { label a; goto b }\nlabel b; goto a", "SF226"),
        ("break", "SF227"),
        ("continue", "SF227"),
        ("goto a else release; label a", "SF215"),
        ("label a within 5s", "SF215"),
        ("end; release", "SF302"),
        ("label a; wait 1s; goto a; release", "SF302"),
        ("if x > 1 { end } else { fail }\nrelease", "SF302"),
        ("repeat 2 times { break; wait 1s }", "SF302"),
        ("repeat 2 times { continue; label a; wait 1s; if x > 1 { goto a } }", "SF302"),
        ("recover", "SF303"),
        ("repeat 2 times { recover }", "SF303"),
        ("hold else { recover; release }", "SF303"),
        ("hold else { if x > 1 { goto a }; recover; label a; release }", None),
    ],
)
def test_where_a_jump_may_lead(statements: str, code: str | None) -> None:
    found = [found for found in codes(statements) if found.startswith(("SF2", "SF30"))]
    assert found == ([code] if code else [])


def test_a_wrong_jump_makes_nothing_behind_it_unreachable() -> None:
    assert codes("goto nowher\nrelease\nlabel nowhere\nwait 1s") == ["SF224"]
