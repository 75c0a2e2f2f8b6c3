"""What those write who come from other tools is told by what it is called here, with the fix where one is sure."""

from __future__ import annotations

import pytest

from sipflow.lang import compile_text
from sipflow.lang.diagnostics import apply_fix
from tests.lang.probe import FakeLibrary

FIXED = {
    'expect dtmf "1" in 5s': 'expect dtmf "1" within 5s',
    "expect hangup timeout 5s": "expect hangup within 5s",
    "call bob timeout 5s": "call bob within 5s",
    "wait for 2s": "wait 2s",
    "wait until 2s": "wait 2s",
    'expect "12"': 'expect dtmf "12"',
    'expect "greet.wav"': 'expect heard "greet.wav"',
    "expect bye": "expect hangup",
    "expect invite": "expect call",
    "dial bob; expect 180": "dial bob; expect ringing",
    "dial bob; expect 200": "dial bob; expect answered",
    "dial bob; expect 486": "dial bob; expect rejected 486",
    'send "12#"': 'send dtmf "12#"',
    'play "greet.wav" loop 3': 'play "greet.wav" 3 times',
    'call bob and play "greet.wav"': 'call bob; play "greet.wav"',
    "call bob then wait 1s": "call bob; wait 1s",
    "play greet.wav": 'play "greet.wav"',
    'check codec == "PCMA"': 'check media.codec == "PCMA"',
    "check media.rtt < 50ms": "check media.round_trip < 50ms",
    "check media.packet_loss < 1%": "check media.loss < 1%",
    "check duration > 1s": "check sip.duration > 1s",
    'record stereo "x.wav"': 'record "x.wav" stereo',
    'record "x.wav" both': 'record "x.wav" stereo',
    'play "greet.wav" volume -6dB': 'play "greet.wav" at -6dB',
    'transfer "sip:carol@10.0.0.5"': 'transfer to "sip:carol@10.0.0.5"',
    'send options "sip:carol@10.0.0.5"': 'send options to "sip:carol@10.0.0.5"',
    "expect call; reject busy": "expect call; reject 486",
    "expect dtmf /[0-9]+/": "expect dtmf matching /[0-9]+/",
    'send message to 1001 { body "x" }': 'send message to "1001" { body "x" }',
}
"""A statement, and what its fix makes of it."""

TOLD = {
    'play "greet.wav" until dtmf': "stop play",
    'record "x.wav" until hangup': "stop record",
    "wait for dtmf": "`expect`",
    "wait until answered": "`expect`",
    "expect no dtmf": "choose within",
    "expect not dtmf": "choose within",
    "expect hangup after 5s": "too early",
    "expect ringing or answered": "choose",
    "call bob for 5s": "`wait 5s; release`",
    'send info "x"': '`send info { body "x" }`',
    'call bob with header "X" = "y"': "`with { header",
    'if media.loss > 1% then fail "bad"': "`if … { … }`",
    "for i in 1..3 { wait 1s }": "`repeat 3 times { … }`",
    "loop 3 { wait 1s }": "`repeat 3 times { … }`",
    "try { wait 1s }": "recover",
    "call bob else retry": "recover",
}
"""A statement, and what its help names."""

SETTINGS = {
    'username "x"': "`auth ",
    'user "x"': "`auth ",
    'auth "x"': "`auth ",
    "transport tcp": "`listen ",
    "port 5060": "`listen ",
    "listen 5060": '`udp "127.0.0.1:5060"`',
    'listen "10.0.0.7:5060"': '`listen udp "10.0.0.7:5060"`',
    'server "10.0.0.1"': "`proxy ",
    'registrar "10.0.0.1"': "`proxy ",
    'display_name "Alice"': "`number 2000`",
    "rtp port 10000": "`media { ports",
    'header X-Foo "bar"': '`header "NAME" = "VALUE"`',
    'header "X-Foo": "bar"': '`"X-Foo" =`',
}
"""A setting, and what its help names."""

LOADS = {
    "rate 50/s": "`hold 50/s for 60s`",
    "duration 60s": "`hold 50/s for 60s`",
    "users 100": "`concurrency at most 100`",
    "concurrency 10": "`concurrency at most 10`",
    "calls 100": "--calls",
    "ramp 10/s..100/s/60s": "`ramp 10/s to 100/s over 60s`",
}
"""An item of a `load` block, and what its help names."""

SILENT = (
    "expect",
    "wait",
    'expect message where code == 1 and body == "a" )',
    'check media.loss < 1% and media.mos > 4 "x"',
    "call bob )",
    'send "hello"',
    'expect "hello"',
    "play bob.codec",
)
"""Mistakes of which nobody knows what was meant."""


def text_of(statement: str) -> str:
    return f"on alice: call bob; {statement}\non bob: answer; expect hangup\n"


@pytest.mark.parametrize("statement", FIXED)
def test_the_fix_writes_what_was_meant(statement: str) -> None:
    text = text_of(statement)
    (first, *_) = compile_text(text, "a.sflow", files=FakeLibrary()).diagnostics
    assert first.fix is not None
    fixed = apply_fix(text, first.fix)
    assert fixed == text_of(FIXED[statement])
    codes = {one.code for one in compile_text(fixed, "a.sflow", files=FakeLibrary()).diagnostics}
    assert not {code for code in codes if code.startswith(("SF1", "SF20"))}


@pytest.mark.parametrize("statement", TOLD)
def test_the_help_tells_how_it_is_said_here(statement: str) -> None:
    (first, *_) = compile_text(text_of(statement), "a.sflow", files=FakeLibrary()).diagnostics
    assert first.code in ("SF110", "SF111") and first.fix is None and TOLD[statement] in (first.help or "")


@pytest.mark.parametrize("statement", SILENT)
def test_nothing_is_guessed(statement: str) -> None:
    (first, *_) = compile_text(text_of(statement), "a.sflow", files=FakeLibrary()).diagnostics
    assert "did you mean" not in (first.help or "") and "stand on lines" not in (first.help or "")


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_help_tells_how_a_setting_is_said_here(setting: str) -> None:
    text = f'agent alice {{ {setting} }}\non alice: call "sip:bob@10.0.0.1"; release\n'
    (first, *_) = compile_text(text, "a.sflow", files=FakeLibrary()).diagnostics
    assert first.code == "SF110" and SETTINGS[setting] in (first.help or "")


@pytest.mark.parametrize("item", LOADS)
def test_the_help_tells_how_an_item_of_load_is_said_here(item: str) -> None:
    text = f'load {{ {item} }}\non alice: call "sip:bob@10.0.0.1"; release\n'
    (first, *_) = compile_text(text, "a.sflow", files=FakeLibrary()).diagnostics
    assert first.code == "SF110" and LOADS[item] in (first.help or "")
    assert "the end of the statement" not in first.message or not item.startswith(
        ("rate", "duration", "users", "calls")
    )


def test_operators_are_no_expectation() -> None:
    """A value may always go on with one; what has to come is told instead."""
    (first,) = compile_text('agent alice { auth "x" }\non alice: call "sip:bob@10.0.0.1"', "a.sflow").diagnostics
    assert first.message == "expected `password`, found `}`"
