"""What texts mean: the graphs that they are lowered to."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.ir import ops
from sipflow.ir.dump import OPS
from sipflow.ir.expr import (
    Apply,
    Binary,
    Env,
    Expr,
    Literal,
    Name,
    Quantity,
    Regex,
    Secret,
    Template,
    Unary,
    Unit,
)
from sipflow.ir.graph import Auth, Challenge, Graph, Listen, MediaSettings, Registrar, SessionTimer, Tls
from sipflow.ir.graph import Node as GraphNode
from sipflow.ir.span import NOWHERE
from sipflow.lang import compile_text
from sipflow.lang.diagnostics import Reporter
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.parse import parse_expression
from sipflow.lang.source import Source
from tests.lang.samples import STATEMENTS, in_a_lane


def compiled(text: str) -> Graph:
    result = compile_text(text)
    assert result.graph is not None, [found.message for found in result.diagnostics]
    return result.graph


def node(text: str) -> GraphNode:
    """The node of one statement."""
    graph = compiled(in_a_lane(text))
    return graph.node("alice.3.else.1" if text == "recover" else "alice.3")


def bare(value: Any) -> Any:
    """A value of the graph without its spans."""
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if not dataclasses.is_dataclass(value):
        return value
    fields = {field.name: bare(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
    return type(value)(**fields | ({"span": NOWHERE} if "span" in fields else {}))


def literal(value: Any) -> Literal:
    return Literal(value)


def ms(value: float) -> Literal:
    return Literal(Quantity(value, Unit.MILLISECOND))


def percent(value: float) -> Literal:
    return Literal(Quantity(value, Unit.PERCENT))


BOB = (literal("bob"), "bob")

MEANINGS: list[tuple[str, ops.Op]] = [
    ("call bob", ops.Call(*BOB)),
    ('dial "sip:x@y" as c2', ops.Dial(literal("sip:x@y"), None, "c2")),
    (
        'call bob with { header "X-A" = "1"; body "b"; type "t/p"; codecs pcma }',
        ops.Call(*BOB, None, ops.With((("X-A", literal("1")),), literal("b"), literal("t/p"), ("PCMA",))),
    ),
    ("answer as c2", ops.Answer("c2")),
    ("ring", ops.Ring()),
    ("progress", ops.Progress()),
    ('reject 486 "Busy"', ops.Reject(486, literal("Busy"))),
    ("redirect bob", ops.Redirect(*BOB)),
    ("release", ops.Release()),
    ("hold", ops.Hold()),
    ("resume", ops.Resume()),
    ("rekey", ops.Rekey()),
    ("transfer to bob", ops.Transfer(*BOB)),
    ("transfer c0 to c1", ops.Transfer(other="c1")),
    ("transfer to c1", ops.Transfer(other="c1")),
    ("send info", ops.SendRequest("INFO")),
    ('send message to bob { body "x" }', ops.SendRequest("MESSAGE", *BOB, ops.With(body=literal("x")))),
    ('play "x.wav"', ops.Play(literal("x.wav"))),
    ('play "x.wav" loop in background', ops.Play(literal("x.wav"), times=None, background=True)),
    ('play "x.wav" 3 times for 5s from 1s', ops.Play(literal("x.wav"), None, 3, ms(5000), ms(1000))),
    ('play "x.wav" at -6dB', ops.Play(literal("x.wav"), gain=Literal(Quantity(-6.0, Unit.DECIBEL)))),
    ("play tone 440Hz for 2s", ops.Play(tone=Literal(Quantity(440.0, Unit.HERTZ)), duration=ms(2000))),
    ("stop play", ops.StopPlay()),
    ("record", ops.Record()),
    ('record "x.wav" mono for 5s', ops.Record(literal("x.wav"), "mono", ms(5000))),
    ("stop record", ops.StopRecord()),
    ('send dtmf "1" gap 90ms tone 80ms', ops.SendDtmf(literal("1"), ms(90), ms(80))),
    ("mute", ops.Mute()),
    ("unmute", ops.Unmute()),
    ("impair loss 3% jitter 30ms", ops.Impair(percent(3.0), ms(30))),
    ("clear impairment", ops.ClearImpairment()),
    ("wait 2m", ops.Wait(ms(120_000))),
    ('log "x${1}y"', ops.Log(Template((literal("x"), literal(1.0), literal("y"))))),
    ("let x = env.HOME", ops.Let("x", Env("HOME"))),
    ("fail", ops.Fail(literal(""))),
    ("signal go", ops.Signal("go")),
    ("await go", ops.Await("go")),
    ("check media.loss < 1%", ops.Check(Binary("<", Name(("media", "loss")), percent(1.0)))),
    ("expect call from bob as c2", ops.ExpectCall(*BOB, "c2")),
    ("expect call from 007", ops.ExpectCall(literal("007"))),
    ("expect rejected 486", ops.ExpectRejected(486)),
    ("expect dtmf", ops.ExpectDtmf()),
    ('expect dtmf "12"', ops.ExpectDtmf(literal("12"))),
    ("expect dtmf matching /a\\/b/ as pin", ops.ExpectDtmf(pattern="a/b", capture="pin")),
    ("expect response 200", ops.ExpectResponse(200)),
    ("expect request publish", ops.ExpectRequest("PUBLISH")),
    ("expect info", ops.ExpectRequest("INFO")),
    ("expect update", ops.ExpectRequest("UPDATE")),
    (
        'expect call from bob where header("X") == "y"',
        ops.ExpectCall(*BOB, where=Binary("==", Apply(Name(("header",)), (literal("X"),)), literal("y"))),
    ),
    ("expect unregistered", ops.ExpectUnregistered()),
    ("register", ops.Register()),
    (
        'register for 600s contact "sip:a@x" contact name with { header "X-A" = "1" }',
        ops.Register(ms(600_000), (literal("sip:a@x"), Name(("name",))), ops.With((("X-A", literal("1")),))),
    ),
    ("unregister all", ops.Unregister(all=True)),
    ("respond 200", ops.Respond(200)),
    ('respond 481 "Gone" to bye', ops.Respond(481, literal("Gone"), "BYE")),
    ('send raw "x" to bob', ops.SendRaw(literal("x"), *BOB)),
    ("send update", ops.SendRequest("UPDATE")),
    ('release with { header "Reason" = "x" }', ops.Release(ops.With((("Reason", literal("x")),)))),
]

EDITS: list[tuple[str, ops.Edit]] = [
    ('replace header "Via" = "x"', ops.Edit("replace", "Via", literal("x"))),
    ('add header "Via" = name', ops.Edit("add", "Via", Name(("name",)))),
    ('remove header "To"', ops.Edit("remove", "To")),
    ('double header "From"', ops.Edit("double", "From")),
    ('start line "INVITE x SIP/3.0"', ops.Edit("start_line", value=literal("INVITE x SIP/3.0"))),
    ("cseq 0", ops.Edit("cseq", value=literal(0.0))),
    ('content length "abc"', ops.Edit("content_length", value=literal("abc"))),
    ("copies 3", ops.Edit("copies", value=literal(3.0))),
    ("no ack", ops.Edit("no_ack")),
    ("late offer", ops.Edit("late_offer")),
    ('part "application/isup" "01"', ops.Edit("part", "application/isup", Literal("01"))),
]


@pytest.mark.parametrize(("text", "edit"), EDITS, ids=[text for text, _ in EDITS])
def test_a_rule_that_is_broken_on_purpose(text: str, edit: ops.Edit) -> None:
    read = node(f"call bob with {{ {text} }}")
    assert bare(read.op) == ops.Call(*BOB, extra=ops.With(edits=(edit,)))
    assert read.text == f"call bob with {{ {text} }}"


def test_rules_are_broken_in_the_order_of_the_text() -> None:
    op = node('call bob with { cseq 2; add header "X" = "1"; header "Y" = "2"; no ack; add header "X" = "3" }').op
    assert isinstance(op, ops.Call)
    assert [edit.kind for edit in op.extra.edits] == ["cseq", "add", "no_ack", "add"]


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ("copies 0", "SF208"),
        ("copies 1.5", "SF208"),
        ("copies 101", "SF208"),
        ('copies "2"', "SF208"),
        ("copies 2; copies 3", "SF213"),
        ("cseq 1; cseq 2", "SF213"),
        ('replace header "To" = "x"; remove header "to"', "SF213"),
        ('remove header "a b"', "SF216"),
    ],
)
def test_a_broken_rule_that_is_impossible(items: str, code: str) -> None:
    found = compile_text(in_a_lane(f"call bob with {{ {items} }}")).diagnostics
    assert [diagnostic.code for diagnostic in found] == [code]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_what_a_statement_means(text: str, meaning: ops.Op) -> None:
    assert bare(node(text).op) == meaning


@pytest.mark.parametrize("text", STATEMENTS)
def test_the_canonical_text_of_a_statement_means_the_same_and_is_its_own_canonical_text(text: str) -> None:
    before = node(text)
    after = node(before.text)
    assert bare((after.op, after.call, after.within)) == bare((before.op, before.call, before.within))
    assert after.text == before.text


def test_every_operation_that_runs_is_among_the_samples() -> None:
    later = {ops.If, ops.Repeat, ops.While, ops.Choose}  # no statements with an `else`: they have tests of their own
    assert {type(node(text).op) for text in STATEMENTS} == set(OPS.values()) - later


# --- chains --------------------------------------------------------------------------------------------------------

ELSE = """
on a {
  call b else release
  expect dtmf "1" else { play "x.wav" else recover; log "x"; recover }
  hold else { log "y"; end }
  release
}
on b: answer; expect hangup
on b: answer
"""


def edges(graph: Graph, lane: str) -> dict[str, tuple[str | None, str | None]]:
    return {node.id: (node.success, node.failure) for node in graph.nodes if node.lane == lane}


def test_else_is_a_chain_behind_the_failure_edge() -> None:
    assert edges(compiled(ELSE), "a") == {
        "a.1": ("a.2", "a.1.else.1"),
        "a.1.else.1": (None, None),
        "a.2": ("a.3", "a.2.else.1"),
        "a.2.else.1": ("a.2.else.2", "a.2.else.1.else.1"),
        "a.2.else.1.else.1": ("a.2.else.2", None),  # `recover` goes on behind the statement that failed
        "a.2.else.2": ("a.2.else.3", None),
        "a.2.else.3": ("a.3", None),
        "a.3": ("a.4", "a.3.else.1"),
        "a.3.else.1": ("a.3.else.2", None),
        "a.3.else.2": (None, None),
        "a.4": (None, None),
    }


def test_lanes_of_one_agent_have_numbers() -> None:
    graph = compiled(ELSE)
    assert [(lane.id, lane.agent, lane.entry) for lane in graph.lanes] == [
        ("a", "a", "a.1"),
        ("b", "b", "b.1"),
        ("b#2", "b", "b#2.1"),
    ]


def test_a_span_covers_the_statement_and_not_its_else() -> None:
    text = 'on a: call b; expect dtmf "1" within 5s else release\non b: answer\n'
    span = compiled(text).node("a.2").span
    assert text[span.start : span.end] == 'expect dtmf "1" within 5s'
    assert (span.line, span.column) == (1, 15)


def test_recover_as_the_last_statement_of_a_lane_ends_it() -> None:
    graph = compiled("on a: call b; hold else recover\non b: answer\n")
    assert edges(graph, "a")["a.2.else.1"] == (None, None)


# --- agents and header ---------------------------------------------------------------------------------------------

AGENTS = """
scenario "IVR" tagged smoke, ivr
timeout 3s
let host = "example.com"
agent desk {
  number    007
  uri       "sip:desk@${host}"
  listen    udp "127.0.0.1:5062"
  proxy     "sip:10.0.0.5"
  codecs    pcma, pcmu
  ptime     30ms
  header    "X-Tenant" = "blue"
  media     { ports 20000-29999; jitter adaptive 20ms..200ms }
}
agent pbx = "sip:pbx.example.com"
agent trunk { uri "sip:trunk.example.com" }
on desk: call pbx; call trunk; call other
on other: answer
"""


def test_an_agent_has_what_its_declaration_says() -> None:
    desk = compiled(AGENTS).agent("desk")
    assert bare(desk.number) == literal("007")
    assert bare(desk.uri) == Template((literal("sip:desk@"), Name(("host",))))
    assert bare(desk.listen) == Listen("udp", "127.0.0.1", 5062)
    assert desk.codecs == ("PCMA", "PCMU")
    assert (desk.ptime_ms, desk.dtmf, desk.srtp) == (30, "rfc4733", "off")
    assert bare(desk.headers) == (("X-Tenant", literal("blue")),)
    assert desk.media == MediaSettings(20000, 29999, True, 20, 200)


SERVERS = """
agent pbx {
  listen    udp "0.0.0.0:5060"
  listen    tls ":5061"
  tls       { ca "ca.pem"; certificate "pbx.pem"; key "pbx.key"; name "pbx"; verify off; client certificate required }
  registrar { realm "r"; user 0042 password "pw"; user "b" password secret env.B; record route; minimum expires 60s }
}
agent alice {
  proxy     pbx
  auth      0042 password 0007
  register  every 300s
  provisional reliable required
  session   timer 1800s refresher local min 100s
  hold      by address
  challenge realm "r" user "u" password "p" algorithm sha512_256 qop none
}
agent bob { session timer off; proxy "sip:10.0.0.1" }
on alice: call bob
on bob: answer
"""


def test_an_agent_that_is_a_registrar_needs_no_lane() -> None:
    pbx = compiled(SERVERS).agent("pbx")
    assert not pbx.remote
    assert [bare(listen) for listen in pbx.listens] == [Listen("udp", "0.0.0.0", 5060), Listen("tls", port=5061)]
    files = [literal(name) for name in ("ca.pem", "pbx.pem", "pbx.key", "pbx")]
    assert bare(pbx.tls) == Tls(*files, verify=False, client_certificate_required=True)
    users = (Auth(literal("0042"), literal("pw")), Auth(literal("b"), Secret(Env("B"))))
    assert bare(pbx.registrar) == Registrar(literal("r"), users, True, ms(60_000))


def test_an_agent_knows_its_proxy_its_credentials_and_how_it_talks() -> None:
    alice = compiled(SERVERS).agent("alice")
    assert (alice.proxy, alice.proxy_agent) == (None, "pbx")
    assert bare(alice.auth) == Auth(literal("0042"), literal("0007"))
    assert bare(alice.register_every) == ms(300_000)
    assert (alice.provisional, alice.hold_style) == ("required", "address")
    assert bare(alice.session_timer) == SessionTimer(ms(1_800_000), "local", ms(100_000))
    assert bare(alice.challenge) == Challenge(literal("r"), literal("u"), literal("p"), "sha512_256", "none")


def test_what_an_agent_does_when_nothing_is_said() -> None:
    bob = compiled(SERVERS).agent("bob")
    assert bare(bob.proxy) == literal("sip:10.0.0.1") and bob.proxy_agent is None
    assert bob.listens == (Listen(),)
    assert (bob.tls, bob.registrar, bob.challenge, bob.session_timer) == (None, None, None, None)
    assert (bob.provisional, bob.hold_style) == ("supported", "direction")


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("provisional reliable maybe", "SF211"),
        ("session timer 90s refresher nobody", "SF211"),
        ("session timer 90", "SF207"),
        ("hold by magic", "SF211"),
        ('challenge realm "r" user "u" password "p" algorithm md4', "SF211"),
        ('challenge realm "r" user "u" password "p" qop auth qop none', "SF213"),
        ('tls { ca "a"; ca "b" }', "SF213"),
        ("registrar { record route; record route }", "SF213"),
        ("registrar { minimum expires 60 }", "SF207"),
        ("proxy 5060", "SF208"),
        ("listen sctp", "SF211"),
    ],
)
def test_a_setting_that_is_wrong(setting: str, code: str) -> None:
    found = compile_text(f"agent a {{ {setting} }}\non c: call b\non b: answer\non a: wait 1s\n").diagnostics
    assert [diagnostic.code for diagnostic in found] == [code]


def test_agents_that_no_lane_drives_are_remote_and_lanes_declare_agents() -> None:
    graph = compiled(AGENTS)
    assert [(agent.name, agent.declared, agent.remote) for agent in graph.agents] == [
        ("desk", True, False),
        ("pbx", True, True),
        ("trunk", True, True),
        ("other", False, False),
    ]


def test_the_header_of_the_scenario() -> None:
    scenario = compiled(AGENTS).scenario
    assert (scenario.name, scenario.tags, scenario.timeout_ms) == ("IVR", ("smoke", "ivr"), 3000)
    assert [variable.name for variable in compiled(AGENTS).variables] == ["host"]


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [("[::1]:5060", "::1", 5060), ("10.0.0.1", "10.0.0.1", 0), (":5060", "127.0.0.1", 5060), ("h:0", "h", 0)],
)
def test_addresses_to_listen_at(written: str, host: str, port: int) -> None:
    listen = compiled(f'agent a {{ listen udp "{written}" }}\non a: call b\non b: answer\n').agent("a").listen
    assert (listen.host, listen.port) == (host, port)


def test_a_variable_from_outside_is_known_and_may_be_of_any_kind() -> None:
    text = "let d = 3\non a: call b; wait d; log more\non b: answer\n"
    assert compile_text(text).graph is None
    assert compile_text(text, variables=["d", "more"]).diagnostics == ()


# --- expressions ---------------------------------------------------------------------------------------------------

_names = st.sampled_from(["pin", "x", "tone", "call"])
_numbers = st.integers(0, 10**6).map(lambda number: number / 1000)
_quantities = st.builds(Quantity, _numbers, st.sampled_from([Unit.MILLISECOND, Unit.PERCENT, Unit.HERTZ, Unit.DECIBEL]))
_literals = st.one_of(_numbers, st.booleans(), _quantities, st.text(st.characters(codec="utf-8"), max_size=12)).map(
    Literal
)
_leaves = st.one_of(
    _literals,
    _names.map(lambda name: Name((name,))),
    st.just(Name(("media", "loss"))),
    st.just(Env("HOME")),
    st.just(Apply(Name(("sip", "header")), (Literal("X-Id"),))),
)


def _grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(lambda operand: Unary("not", operand), inner),
        st.builds(lambda operand: Unary("-", operand), inner.filter(lambda operand: not isinstance(operand, Literal))),
        st.builds(Secret, inner),
        st.builds(
            Binary, st.sampled_from(["and", "or", "==", "<", ">=", "contains", "+", "-", "*", "/"]), inner, inner
        ),
        st.builds(lambda left: Binary("matches", left, Literal(Regex("a/b[0-9]+"))), inner),
    )


@given(st.recursive(_leaves, _grow, max_leaves=8))
@settings(max_examples=400, deadline=None)
def test_the_text_of_an_expression_is_the_expression(expression: Expr) -> None:
    text = str(expression)
    report = Reporter(Source("<text>", text))
    found = parse_expression(0, len(text), report)
    assert found is not None, text
    context = Context(report, all_doubtful=True)
    assert bare(ExpressionReader(context, Names(in_lane=True)).read(found)) == expression


_constants = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).map(Literal)


@given(st.lists(st.tuples(_constants, _names.map(lambda name: Name((name,)))), min_size=1, max_size=4))
def test_the_text_of_a_template_is_the_template(pairs: list[tuple[Literal, Name]]) -> None:
    template = Template(tuple(part for pair in pairs for part in pair))
    text = f"on a: call b; log {template}\non b: answer\n"
    graph = compile_text(text, variables=["pin", "x", "tone", "call"]).graph
    assert graph is not None, text
    assert bare(graph.node("a.2").op) == ops.Log(template)
