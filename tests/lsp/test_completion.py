from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from sipflow.ir import load
from sipflow.lsp.completion import complete, resolve
from tests.lsp.marked import PAIR, labels, marked, write_wav


def test_at_the_top_of_a_file_stand_its_parts() -> None:
    assert {"agent", "on", "scenario", "timeout", "let", "define", "import", "data", "load"} == set(labels("|"))


def test_a_lane_offers_statements_and_definitions_that_are_known() -> None:
    found = labels("define greet(text) { log text }\non alice {\n  |\n}\n" + PAIR)
    assert {"call", "answer", "expect", "send dtmf", "stop play", "choose", "greet"} <= set(found)
    assert "agent" not in found and "within" not in found


def test_the_statement_is_put_in_with_places_to_fill() -> None:
    document, offset = marked("on alice: pl|")
    item = next(item for item in complete(document, offset) if item.label == "play")
    assert isinstance(item.text_edit, types.TextEdit)
    assert item.text_edit.new_text == 'play "${1:file.wav}"'
    assert item.insert_text_format == types.InsertTextFormat.Snippet
    assert item.text_edit.range.start.character == len("on alice: ")


def test_an_editor_without_snippets_gets_plain_text() -> None:
    document, offset = marked("on alice: pl|")
    item = next(item for item in complete(document, offset, snippets=False) if item.label == "play")
    assert isinstance(item.text_edit, types.TextEdit)
    assert item.text_edit.new_text == 'play "file.wav"'
    assert item.insert_text_format == types.InsertTextFormat.PlainText


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        ("on alice: expect |", {"ringing", "dtmf", "hangup", "call"}, {"play", "timeout"}),
        ("on alice {\n choose within 5s {\n  |", {"ringing", "dtmf", "timeout"}, {"play"}),
        ("on alice: call bob |\n" + PAIR, {"as", "with", "within", "else"}, {"where", "and"}),
        ("on alice: play \"x.wav\" |", {"loop", "in background", "for", "at", "on"}, {"within", "as"}),
        ("on alice: expect message |", {"where", "within", "on"}, {"as", "with"}),
        ("on alice: expect dtmf matching /1/ |", {"as", "within"}, {"where"}),
        ('on alice: send dtmf "1" |', {"gap", "tone", "via", "within"}, {"as", "where"}),
        ("on alice: send |", {"dtmf", "message", "info", "raw"}, {"send dtmf"}),
        ("on alice: wait 5|", {"ms", "s", "m", "h"}, {"wait"}),
        ("on alice: wait 5m|", {"ms", "m"}, {"wait"}),
        ("agent alice {\n  |\n}", {"number", "codecs", "listen", "register every", "srtp"}, {"call", "play"}),
        ("agent alice { codecs pcma, |", {"pcmu", "opus"}, {"pcma"}),
        ("agent alice { listen |", {"udp", "tcp", "tls", "ws", "wss"}, set()),
        ("agent alice { dtmf |", {"rfc4733", "info", "inband"}, set()),
        ("agent alice { srtp |", {"off", "optional", "required"}, set()),
        ("agent alice { media { |", {"ports", "jitter adaptive"}, {"number"}),
        ("load { |", {"arrivals", "ramp", "hold", "concurrency at most", "require"}, {"release"}),
        ("load { require |", {"calls", "sip", "media", "generator"}, {"setup_time", "p99"}),
        ("load { require calls.success >= 99% and |", {"calls", "sip"}, {"first"}),
        ("load { require sip.|", {"setup_time", "ser", "retransmissions"}, {"mos", "success", "header"}),
        ("load { require generator.|", {"start_lateness", "loop_lag"}, {"ser"}),
        ("load { require calls.|", {"success", "not_started"}, {"p99"}),
        ("load { require sip.setup_time.|", {"p50", "p99", "p999", "mean"}, {"mos", "p99_9"}),
        ("load { require setup_time.|", {"p50", "max"}, {"mos"}),
        ("load { require media.mos.p5 > 4, media.|", {"mos", "one_way"}, {"p5"}),
        ("on alice: send message to bob { |", {"header", "body", "type", "codecs"}, {"number"}),
        ("on alice: check media.|", {"mos", "loss", "codec"}, {"setup_time"}),
        ("on alice: check sip.|", {"setup_time", "header"}, {"mos"}),
        ("on alice: expect message where |", {"body", "method", "code", "header"}, {"media"}),
        ("on alice: expect call |", {"from", "where", "as", "within"}, {"with"}),
        ("on alice: call bob; respond 200 to |\n" + PAIR, {"INVITE", "BYE"}, {"bob"}),
        ("on alice: register |", {"for", "contact", "with", "within"}, {"as", "where", "on"}),
        ("on alice: call bob; release |\n" + PAIR, {"with", "within"}, {"as"}),
        ("on alice: call bob with { |", {"replace", "remove", "start line", "no ack", "late offer"}, {"call"}),
        ("agent alice { provisional |", {"reliable"}, {"off"}),
        ("agent alice { provisional reliable |", {"off", "supported", "required"}, set()),
        ("agent alice { hold by |", {"direction", "address"}, set()),
        ("agent alice { session timer |", {"off"}, {"refresher"}),
        ("agent alice { session timer 1800s |", {"refresher", "min"}, {"ptime"}),
        ("agent alice { tls { |", {"ca", "certificate", "key", "name", "verify off"}, {"number"}),
        ("agent pbx { registrar { |", {"realm", "user", "record route", "minimum expires"}, {"number"}),
        ("agent pbx { registrar }\nagent alice { proxy |", {"pbx", "alice"}, {"call"}),
        ("on alice: expect request |", {"OPTIONS", "MESSAGE"}, {"options"}),
        ('data users from "users.csv" |', {"in order", "random", "once"}, set()),
    ],
)  # fmt: skip
def test_what_is_offered_fits_the_place(text: str, there: set[str], not_there: set[str]) -> None:
    found = set(labels(text))
    assert there <= found
    assert not found & not_there


@pytest.mark.parametrize(
    "text", ["on alice: call |", "on alice: transfer to |", "on alice: dial b|", "on alice: redirect |"]
)
def test_whoever_is_called_is_an_agent_or_a_variable(text: str) -> None:
    found = labels('let ivr = "sip:5000@127.0.0.1"\n' + PAIR + 'agent carol = "sip:carol@example.com"\n' + text)
    assert {"bob", "carol", "ivr"} <= set(found)
    assert "play" not in found and "true" not in found


def test_all_that_is_offered_behind_require_may_stand_there() -> None:
    for group in ("calls", "sip", "media", "generator"):
        for name in labels(f"load {{ require {group}.|"):
            for statistic in ["", *(f".{word}" for word in labels(f"load {{ require {group}.{name}.|"))]:
                known = load.measured_by(tuple(f"{group}.{name}{statistic}".split(".")))
                assert known is not None or (statistic == "" and f"{group}.{name}" in load.DISTRIBUTIONS)


def test_calls_of_the_lane_are_offered_and_those_of_others_are_not() -> None:
    text = "on alice {\n  call bob as first\n  hold first\n  release |\n}\non bob { answer as theirs }\n"
    assert {"first"} <= set(labels(text)) and "theirs" not in labels(text)
    assert "first" in labels(text.replace("release |", 'play "x.wav" on |'))


def test_a_named_call_has_its_own_measurements() -> None:
    text = "on alice {\n  call bob as first\n  check first.|\n}\n" + PAIR
    assert labels(text) == ["media", "sip"]
    assert "mos" in labels(text.replace("first.|", "first.media.|"))


def test_signals_labels_and_variables_are_offered_where_they_are_named() -> None:
    text = 'on alice {\n  label again\n  let pin = "1"\n  signal go\n  PLACE\n}\non bob: await go; answer\n'
    assert "go" in labels(text.replace("PLACE", "await |"))
    assert labels(text.replace("PLACE", "goto |")) == ["again"]
    assert "again" in labels(text.replace("PLACE", 'play "x" else recover at |'))
    assert "pin" in labels(text.replace("PLACE", "send dtmf |"))
    assert "pin" in labels(text.replace("PLACE", 'log "the pin is ${|'))


def test_columns_of_a_table_come_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("number,password\n1001,secret\n")
    text = 'data users from "users.csv"\non alice: log users.|'
    assert labels(text, tmp_path) == ["number", "password"]
    assert labels(text.replace("users.|", '"${users.|'), tmp_path) == ["number", "password"]


def test_files_stand_between_the_quotes(tmp_path: Path) -> None:
    write_wav(tmp_path / "media" / "greet.wav", 2.5)
    (tmp_path / "users.csv").write_text("number\n")
    (tmp_path / "common.sflow").write_text("define a() { end }\n")
    (tmp_path / "broken.wav").write_text("no audio")
    document, offset = marked('on alice: play "|', tmp_path)
    items = complete(document, offset)
    assert [(item.label, item.detail) for item in items] == [("media/greet.wav", "2.5 s, 8000 Hz, mono")]
    assert labels('import "|', tmp_path) == ["common.sflow"]
    assert labels('data users from "us|', tmp_path) == ["users.csv"]


def test_the_environment_is_offered_by_name_only() -> None:
    document, offset = marked("on alice: log env.|")
    items = complete(document, offset, known_environment=["SIP_PASSWORD"])
    assert [item.label for item in items] == ["SIP_PASSWORD"]
    assert "SIP_PASSWORD" not in labels("on alice: log |", environment=("SIP_PASSWORD",))


@pytest.mark.parametrize(
    "text", ["# com|", 'on alice: send raw """ca|', 'on alice: log "ca|', "agent |", "on alice: let |"]
)
def test_nothing_is_offered_where_nobody_can_know(text: str) -> None:
    assert labels(text) == []


def test_a_mistake_before_the_place_does_not_silence_it() -> None:
    assert "bob" in labels('on alice {\n  plya "x"\n  expect )\n  call |\n' + PAIR)


def test_what_is_chosen_is_explained() -> None:
    document, offset = marked("on alice: |")
    item = next(item for item in complete(document, offset) if item.label == "transfer")
    explained = resolve(item).documentation
    assert isinstance(explained, types.MarkupContent)
    assert "REFER" in explained.value and "RFC 3515" in explained.value


def test_the_part_of_the_file_before_the_cursors_own_has_no_say() -> None:
    assert labels("on alice {{{{ ( \nagent bob { codecs |") == labels("agent bob { codecs |")
