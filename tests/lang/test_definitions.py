"""Definitions: inserted where they are called, and read once by themselves."""

from __future__ import annotations

import pytest

from sipflow.ir.graph import Graph
from sipflow.ir.validate import problems
from sipflow.lang import CompileResult, compile_text
from tests.lang.probe import FakeLibrary

MENU = """\
define menu(who, prompt, digits) {
  call who as leg
  play prompt else { log "no ${prompt}"; recover }
  repeat 2 times { send dtmf digits; if media.mos < 3 { break } }
  release leg
}
"""


def result_of(definitions: str, lane: str) -> CompileResult:
    text = f"{definitions}on alice {{ {lane} }}\non bob: answer; expect hangup; answer; expect hangup\n"
    return compile_text(text, "main.sflow", files=FakeLibrary())


def compiled(definitions: str, lane: str) -> Graph:
    result = result_of(definitions, lane)
    assert result.graph is not None, [found.message for found in result.diagnostics]
    assert problems(result.graph) == []
    return result.graph


def texts(graph: Graph) -> dict[str, str]:
    return {node.id: node.text for node in graph.nodes if node.lane == "alice"}


def codes(definitions: str, lane: str) -> list[str]:
    return [found.code for found in result_of(definitions, lane).diagnostics if found.severity.value == "error"]


def test_a_call_becomes_the_statements_of_the_definition() -> None:
    assert texts(compiled(MENU, 'log 1; menu(bob, "x.wav", "12"); menu("sip:x@y", env.PROMPT, "3")')) == {
        "alice.1": "log 1",
        "alice.2.menu.1": "call bob as leg",
        "alice.2.menu.2": 'play "x.wav"',
        "alice.2.menu.2.else.1": 'log "no x.wav"',
        "alice.2.menu.2.else.2": "recover",
        "alice.2.menu.3": "repeat 2 times",
        "alice.2.menu.3.body.1": 'send dtmf "12"',
        "alice.2.menu.3.body.2": "if media.mos < 3",
        "alice.2.menu.4": "release leg",
        "alice.3.menu.1": 'call "sip:x@y" as leg',
        "alice.3.menu.2": "play env.PROMPT",
        "alice.3.menu.2.else.1": 'log "no ${env.PROMPT}"',
        "alice.3.menu.2.else.2": "recover",
        "alice.3.menu.3": "repeat 2 times",
        "alice.3.menu.3.body.1": 'send dtmf "3"',
        "alice.3.menu.3.body.2": "if media.mos < 3",
        "alice.3.menu.4": "release leg",
    }


def test_what_follows_the_call_follows_the_body() -> None:
    graph = compiled("define f() { wait 1s }\ndefine nothing() { }\n", "call bob; f(); nothing(); f(); release")
    success = {node.id: node.success for node in graph.nodes if node.lane == "alice"}
    assert success == {
        "alice.1": "alice.2.f.1",
        "alice.2.f.1": "alice.4.f.1",
        "alice.4.f.1": "alice.5",
        "alice.5": None,
    }


def test_a_node_knows_the_calls_through_which_it_came() -> None:
    graph = compiled("define outer(t) { inner(t) }\ndefine inner(t) { wait t }\n", "call bob; outer(1s)")
    node = graph.node("alice.2.outer.1.inner.1")
    assert node.text == "wait 1s"
    assert [span.line for span in node.via] == [3, 1]
    assert node.span.line == 2


def test_labels_and_loops_belong_to_the_definition() -> None:
    body = "define f(x) { label again; wait 1s; if x > 1 { goto again } }\n"
    graph = compiled(body, "call bob; label again; f(2); f(3); goto again")
    assert graph.node("alice.3.f.3").arms == ("alice.3.f.2", "alice.4.f.2")
    assert graph.node("alice.4.f.3").arms == ("alice.4.f.2", "alice.3.f.2")
    assert codes("define f() { break }\n", "call bob; repeat 2 times { f() }") == ["SF227"]
    assert codes("define f() { goto here }\n", "call bob; label here; wait 1s; f()") == ["SF224"]
    assert codes("define f() { recover }\n", "call bob; hold else { f() }") == ["SF303"]


def test_an_end_in_a_definition_ends_the_lane() -> None:
    assert codes("define f() { log 1; end }\n", "call bob; f(); release") == ["SF302"]


def test_a_parameter_stands_for_an_agent_an_address_or_a_value() -> None:
    body = (
        "define f(who) { call who; transfer to who; expect call from who; log who; g(who) }\ndefine g(w) { call w }\n"
    )
    found = texts(compiled(body, 'f(bob); f("sip:x@y")'))
    assert found["alice.1.f.1"] == found["alice.1.f.5.g.1"] == "call bob"
    assert found["alice.1.f.2"] == "transfer to bob"
    assert found["alice.1.f.3"] == "expect call from bob"
    assert found["alice.1.f.4"] == 'log "bob"'
    assert found["alice.2.f.3"] == 'expect call from "sip:x@y"'


def test_a_number_keeps_its_zeros_where_it_is_a_number_to_call_from() -> None:
    assert texts(compiled("define f(n) { expect call from n }\n", "f(007)"))["alice.1.f.1"] == 'expect call from "007"'


def test_operators_of_an_argument_stay_together() -> None:
    assert texts(compiled("define f(n) { log 2 * n }\n", "call bob; f(1 + 2)"))["alice.2.f.1"] == "log 2 * (1 + 2)"


def test_calls_and_variables_of_a_body_are_those_of_the_lane() -> None:
    body = "define f() { call bob as leg; let x = 1s }\ndefine g() { release leg; wait x }\n"
    assert codes(body, "f(); wait x; check leg.media.mos > 1; g()") == []
    assert codes(body, "call bob; g()") == ["SF204", "SF205"]


def test_a_definition_may_be_used_again_though_it_names_a_call() -> None:
    assert codes("define f() { call bob as leg; release leg }\n", "f(); f(); call bob as leg; release leg") == []


# --- what is wrong -------------------------------------------------------------------------------------------------


def test_what_is_wrong_in_a_definition_is_said_once_whether_it_is_called_or_not() -> None:
    body = "define f(x) { wait 5; call nobody; log missing; log x }\n"
    wrong = ["SF207", "SF203", "SF205"]
    assert codes(body, "call bob") == codes(body, "call bob; f(1); f(2)") == wrong


def test_what_is_wrong_with_an_argument_is_said_where_it_stands_with_the_place_where_it_is_used() -> None:
    (found,) = result_of("define f(t) { wait t }\n", 'call bob; f(1s); f("x")').diagnostics
    assert (found.code, found.span.line, found.span.column) == ("SF208", 2, 31)
    assert [(label.span.line, label.text) for label in found.secondary] == [(1, "it is used here")]


def test_what_is_wrong_in_one_call_only_names_that_call() -> None:
    (found,) = result_of("define f() { mute; release }\n", "f(); call bob; f()").diagnostics
    assert (found.code, found.span.line) == ("SF301", 1)
    assert [(label.span.line, label.span.column, label.text) for label in found.secondary] == [
        (2, 12, "in this call of `f`")
    ]


@pytest.mark.parametrize(
    ("definitions", "lane", "code"),
    [
        ("", "call bob; f()", "SF220"),
        ("define f(a) { log a }\n", "call bob; f()", "SF221"),
        ("define f() { wait 1s; f() }\n", "call bob; f()", "SF222"),
        ("define f() { g() }\ndefine g() { f() }\n", "call bob", "SF222"),
        ("define f() { }\ndefine f() { }\n", "call bob", "SF201"),
        ("define f(a, a) { log a }\n", "call bob", "SF201"),
        ("define f(a) { let a = 1 }\n", "call bob", "SF201"),
        ("define f(a) { call bob as a }\n", "call bob", "SF201"),
        ("define f(a) { release a }\n", "call bob", "SF204"),
        ("define f(a) { call a }\n", "f(bbo)", "SF203"),
        ("define f(a) { log a }\n", "call bob; f(bbo)", "SF205"),
        ("define f(a) { g(a) }\ndefine g(a) { send dtmf a }\n", 'call bob; f("x")', "SF403"),
        ("define f() { expect tone 8000Hz }\n", "call bob; f(); f()", "SF423"),
        ("define f() { if media.mos < 3 { choose { tone busy country \"xx\" => end } } }\n", "call bob; f()", "SF421"),
    ],
)  # fmt: skip
def test_mistakes_with_definitions(definitions: str, lane: str, code: str) -> None:
    assert codes(definitions, lane) == [code]


def test_a_name_that_no_parentheses_follow_is_a_misspelt_statement() -> None:
    (found,) = result_of("define release_all() { wait 1s }\n", "call bob; realease").diagnostics
    assert (found.code, found.help) == ("SF111", "did you mean `release`?")


def test_an_unknown_definition_that_is_nearly_one_has_a_fix() -> None:
    (found,) = (f for f in result_of(MENU, 'mneu(bob, "x.wav", "1")').diagnostics if f.code == "SF220")
    assert found.fix is not None and found.fix.edits[0].text == "menu"


def test_agents_that_an_unused_definition_calls_are_not_called() -> None:
    text = "agent carol { number 3 }\ndefine f() { call carol }\non alice: call bob\non bob: answer\non carol: answer\n"
    assert "SF306" in [found.code for found in compile_text(text).diagnostics]
