"""A graph to FlowData: what becomes of every statement, and what is said about the rest."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from sipflow.flowdata import Exported, read_flow, write_flow
from sipflow.ir.validate import problems
from sipflow.lang import compile_text
from tests.lang.samples import ROOT, STATEMENTS, in_a_lane, scenarios


def exported(text: str) -> Exported:
    result = compile_text(text)
    assert result.graph is not None, [diagnostic.message for diagnostic in result.diagnostics]
    return write_flow(result.graph)


def steps(text: str, owner: str = "") -> list[dict[str, Any]]:
    """The data of commands and events, of the instance with this label only when one is given."""
    nodes = exported(text).data["nodes"]
    wanted = {node["id"] for node in nodes if node["type"] == "sipInstance" and owner in ("", node["data"]["label"])}
    return [node["data"] for node in nodes if node["data"].get("sipInstanceId") in wanted]


def names(text: str, owner: str = "") -> list[str]:
    return [data.get("command") or data["event"] for data in steps(text, owner)]


def lost(text: str) -> list[tuple[int, str]]:
    return [(note.line, note.message) for note in exported(text).notes]


BOB = "\non bob: answer; expect hangup\n"


def test_the_builder_finds_what_it_stores() -> None:
    text = (
        'agent alice { number 1001; codecs pcma }\non alice: call bob as first; send dtmf "1" gap 60ms; release\n' + BOB
    )
    data = exported(text).data
    alice, _, call, digit, release = data["nodes"][:5]
    assert alice["type"] == "sipInstance"
    assert alice["data"] == {
        "label": "alice", "mode": "DN", "dn": "1001", "register": False, "color": "#3b82f6", "codecs": ["PCMA"],
    }  # fmt: skip
    assert set(alice["position"]) == {"x", "y"}
    assert call["data"] == {
        "label": "MakeCall", "command": "MakeCall", "sipInstanceId": alice["id"], "callId": "first",
        "targetUri": "sip:bob@127.0.0.1", "timeout": 10000,
    }  # fmt: skip
    assert (digit["data"]["digits"], digit["data"]["intervalMs"], digit["data"]["callId"]) == ("1", 60, "first")
    assert release["data"]["callId"] == "first"
    assert {"id": "edge-1", "source": alice["id"], "target": call["id"]} in data["edges"]
    assert {"id": "edge-3", "source": call["id"], "target": digit["id"], "sourceHandle": "success"} in data["edges"]


def test_an_answer_gets_an_incoming_before_it_and_expect_call_is_one() -> None:
    assert names("on alice: call bob" + BOB, "bob") == ["INCOMING", "Answer", "DISCONNECTED"]
    text = "on alice: call bob\non bob: expect call; wait 1s; answer; expect hangup\n"
    assert names(text, "bob") == ["INCOMING", "TIMEOUT", "Answer", "DISCONNECTED"]


def test_time_limits_are_written_where_something_waits() -> None:
    text = "timeout 7s\nlet long = 2m\non alice: call bob within long; expect held; wait 300ms" + BOB
    assert [data["timeout"] for data in steps(text, "alice")] == [120_000, 7000, 300]


def test_transfers_say_whom_they_are_for() -> None:
    text = "on alice { call bob as a; call carol as b; transfer a to b }\non bob: answer\non carol: answer\n"
    assert steps(text, "alice")[2]["primaryCallId"] == "a"
    assert steps(text, "alice")[2]["consultCallId"] == "b"
    text = 'on alice: call bob; transfer to "sip:desk@example.com:5070"' + BOB
    assert [steps(text)[1][name] for name in ("targetUser", "targetHost")] == ["desk", "example.com:5070"]


def test_a_recover_becomes_an_edge_to_where_it_leads() -> None:
    text = "on alice {\n call bob\n expect held else { wait 1s; recover }\n release\n}" + BOB
    data = exported(text).data
    ids = {node["data"].get("command") or node["data"].get("event"): node["id"] for node in data["nodes"]}
    assert {"source": ids["TIMEOUT"], "target": ids["Release"]}.items() <= next(
        item for item in data["edges"] if item["source"] == ids["TIMEOUT"]
    ).items()
    assert lost(text) == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ('log "x"', '`log "x"`'),
        ("check media.loss < 1%", "`check media.loss < 1%`"),
        ("mute", "`mute`"),
        ("impair loss 1%", "`impair loss 1%`"),
        ('send message to bob { body "x" }', '`send message to bob { body "x" }`'),
        ("expect dtmf matching /[0-9]+/", "`expect dtmf matching /[0-9]+/`"),
        ("play tone 440Hz for 1s", "`play tone 440Hz for 1s`"),
        ('play "x.wav" loop in background', "`loop` or `times`"),
        ('record "x.wav" mono', "`mono`"),
        ('send dtmf "1" tone 70ms', "`tone`"),
        ('expect notify where body contains "x"', "`where`"),
        ('hold with { header "X-A" = "1" }', "`with { … }`"),
        ("transfer to bob with { cseq 1 }", "`with { … }`"),
        ('send raw "x"', '`send raw "x"`'),
        ("respond 200 to INFO", "`respond 200 to INFO`"),
    ],
)
def test_what_flowdata_does_not_have_is_listed_with_its_line(statement: str, what: str) -> None:
    text = f"on alice {{\n  call bob\n  {statement}\n  release\n}}{BOB}"
    assert (3, f"FlowData has no counterpart of {what}") in [
        (line, said.partition(": P")[0]) for line, said in lost(text)
    ]
    assert names(text, "alice")[-1] == "Release"


def test_settings_of_agents_that_have_no_counterpart_are_listed() -> None:
    text = 'agent alice { ptime 40ms; header "X-A" = "1"; listen udp "127.0.0.1:5088" }\non alice: call bob' + BOB
    assert [said.rpartition("setting ")[2] for _, said in lost(text)] == [
        "`listen` of `alice`", "`ptime` of `alice`", "`header` of `alice`",
    ]  # fmt: skip


def test_an_agent_of_the_file_is_no_pbx_and_servers_have_no_counterpart() -> None:
    settings = "registrar; listen tcp; tls { verify off }; provisional reliable off; session timer 90s; hold by address"
    text = f"agent pbx {{ {settings} }}\nagent alice {{ proxy pbx }}\non pbx: wait 1s\non alice: call bob" + BOB
    assert [said.rpartition("setting ")[2] for _, said in lost(text) if "setting" in said] == [
        "`listen` of `pbx`", "`tls` of `pbx`", "`provisional` of `pbx`", "`session timer` of `pbx`",
        "`hold by` of `pbx`", "`registrar` of `pbx`", "`proxy` of `alice`",
    ]  # fmt: skip


def test_a_proxy_is_the_pbx() -> None:
    text = 'agent alice { proxy "sip:10.0.0.5:5080;transport=tcp" }\non alice: call "sip:4711@10.0.0.5"\n'
    data = exported(text).data["nodes"][0]["data"]
    assert (data["pbxHost"], data["pbxPort"], data["pbxTransport"], data["register"]) == (
        "10.0.0.5",
        5080,
        "TCP",
        False,
    )


def test_what_branches_goes_its_first_way_and_loops_go_round_once() -> None:
    text = """on alice {
  call bob
  repeat 3 times { send dtmf "1" }
  choose { dtmf "1" => { wait 1s }; hangup => end }
  release
}
on bob { answer; expect dtmf "1"; send dtmf "1"; expect hangup }
"""
    assert names(text, "alice") == ["MakeCall", "SendDTMF", "TIMEOUT", "Release"]
    assert [line for line, _ in lost(text)] == [3, 4]


def test_a_failure_that_flowdata_would_take_for_another_verdict_is_told() -> None:
    recovered = "on alice {\n  call bob\n  expect held within 1s else recover\n}" + BOB
    assert lost(recovered)[0][0] == 3
    carried = (
        "on alice {\n  call bob\n  expect held else { wait 1s; goto bye }\n  wait 2s\n  label bye\n  release\n}" + BOB
    )
    assert [line for line, _ in lost(carried)] == [3]
    failed = 'on alice {\n  call bob\n  fail "no"\n}' + BOB
    assert [line for line, _ in lost(failed)] == [2]


def test_every_scenario_goes_out_and_comes_in_again() -> None:
    texts = [path.read_text(encoding="utf-8") for path in scenarios()] + [in_a_lane(text) for text in STATEMENTS]
    for text in texts:
        graph = compile_text(text).graph
        if graph is None:  # it needs files beside it
            continue
        data = write_flow(graph).data
        again = read_flow(data)
        if again.graph is not None:  # else nothing of it has a counterpart
            assert "error" not in {note.severity for note in again.notes}
            assert problems(again.graph) == []


def test_steps_do_not_lie_on_each_other() -> None:
    text = (ROOT / "scenarios" / "ivr.sflow").read_text(encoding="utf-8")
    places = [(node["position"]["x"], node["position"]["y"]) for node in exported(text).data["nodes"]]
    assert [pair for pair in combinations(places, 2) if pair[0] == pair[1]] == []
