"""Statements and the calls that they act on, over all ways through a lane."""

from __future__ import annotations

import pytest

from tests.lang.checks.said import BOB, Severity, codes, notes, only, words


def on_alice(statements: str) -> str:
    return f"on alice {{\n{statements}\n}}{BOB}"


HELD = "on alice {{ {} }}\non bob: answer; expect held; expect hangup\n"

# --- SF301 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statements",
    [
        'play "x.wav"; call bob',
        'if env.X == "1" { call bob; end }; play "x.wav"',
        'choose within 1s { hangup => end; timeout => end }; log "x"',
        "check media.loss < 1%; call bob",
        'goto later; label now; play "x.wav"; end; label later; log "x"; goto now',
    ],
)
def test_a_statement_to_which_no_way_brings_a_call_needs_one(statements: str) -> None:
    assert "SF301" in codes(on_alice(statements))


@pytest.mark.parametrize(
    "statements",
    [
        'if env.X == "1" { call bob }; play "x.wav"',
        'repeat 2 times { if env.X == "1" { play "x.wav" }; call bob }',
        'call bob else { log "no"; recover }; release',
        'choose { call => answer; timeout => fail }; play "x.wav"',
        'label again; call bob else goto again; play "x.wav"',
        'check env.X == "1" else recover',
        "send options to bob; expect response 200",
    ],
)
def test_a_call_on_any_way_is_enough(statements: str) -> None:
    assert "SF301" not in codes(on_alice(statements))


def test_a_named_call_that_another_way_makes_is_shown() -> None:
    text = on_alice('if env.X == "1" { call bob as c1; end } else { call bob }; play "x.wav" on c1')
    found = only(text, "SF301")
    assert words(text, found) == 'play "x.wav" on c1' and notes(text, found) == ["call bob as c1"]


# --- SF308 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statements",
    [
        'call bob; release; play "x.wav"',
        'call bob as c1; release c1; record "x.wav" on c1',
        'call bob; if env.X == "1" { release } else { expect hangup }; send dtmf "1"',
        "dial bob; expect rejected 487; hold",
        "call bob; transfer to carol; send info",
        "call bob as one; call bob as two; release two; release one; mute",
    ],
)
def test_nothing_is_done_to_a_call_that_is_over(statements: str) -> None:
    assert "SF308" in codes(on_alice(statements) + "on carol: answer; answer\n")


@pytest.mark.parametrize(
    "statements",
    [
        'call bob; if env.X == "1" { release }; play "x.wav"',
        'call bob as one; call bob as two; release; play "x.wav"; release',
        'call bob as one; call bob as two; release two; play "x.wav"; release',
        'call bob as one; release one; call bob as two; release one; play "x.wav"; release',
        'repeat 2 times { call bob }; release; play "x.wav"; release',
        'call bob; release; call bob; play "x.wav"; release',
        "dial bob; release; expect rejected 487; check sip.code == 487",
        "call bob; release; release",
        'call bob; release else { play "x.wav" }',
    ],
)
def test_a_call_that_may_be_alive_may_be_acted_on(statements: str) -> None:
    assert "SF308" not in codes(on_alice(statements))


def test_the_end_of_the_call_is_shown_and_an_else_makes_it_a_warning() -> None:
    text = on_alice('call bob; release; play "x.wav"')
    found = only(text, "SF308")
    assert found.severity is Severity.ERROR and notes(text, found) == ["release"]
    assert only(on_alice('call bob; release; play "x.wav" else recover'), "SF308").severity is Severity.WARNING


# --- SF309 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        on_alice('dial bob; play "x.wav"; release'),
        on_alice('dial bob; log "x"; hold; release'),
        on_alice("dial bob as c1; check media.loss < 1%; release"),
        'on alice: call bob; release\non bob: ring; send dtmf "1"; answer; expect hangup\n',
        'on alice: call bob; release\non bob: expect call; wait 1s; play "x.wav"; answer; expect hangup\n',
        "on alice: call bob; release\non bob: progress; hold; answer; expect hangup\n",
    ],
)
def test_media_needs_an_answer(text: str) -> None:
    assert codes(text) == ["SF309"]


@pytest.mark.parametrize(
    "text",
    [
        on_alice('dial bob; wait 1s; play "x.wav"; release'),
        on_alice('dial bob; expect answered; play "x.wav"; release'),
        on_alice('dial bob; record "x.wav"; release'),
        on_alice('call bob as c1; dial bob as c2; play "x.wav" on c1; release'),
        'on alice: call bob; release\non bob: progress; play "x.wav"; answer; expect hangup\n',
        'on alice: call bob; release\non bob: ring; answer; play "x.wav"; expect hangup\n',
        'on alice: call bob; release\non bob: expect call as c; answer as c; play "x.wav" on c; expect hangup\n',
    ],
)
def test_media_may_come_as_soon_as_it_can_be_there(text: str) -> None:
    assert "SF309" not in codes(text)


# --- SF316, SF317 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        on_alice("call bob; expect answered; release"),
        on_alice("call bob; expect rejected; release"),
        on_alice("dial bob; expect answered; expect answered; release"),
        "on alice: call bob; release\non bob: answer; expect ringing; expect hangup\n",
    ],
)
def test_an_event_that_a_call_cannot_have_is_waited_for_in_vain(text: str) -> None:
    assert codes(text) == ["SF316"]


@pytest.mark.parametrize(
    "statements",
    [
        "dial bob; expect answered; release",
        "call bob else { expect rejected; recover }",
        "call bob; expect answered within 1s else recover; release",
        'if env.X == "1" { call bob } else { dial bob }; expect answered; release',
        "dial bob; release; expect rejected 487",
    ],
)
def test_a_call_that_is_dialled_has_these_events(statements: str) -> None:
    assert codes(on_alice(statements)) == []


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("expect recorded", 'record "x.wav" for 1s; expect recorded'),
        ("stop record", 'record "x.wav"; stop record'),
        ('play "x.wav"; expect played', 'play "x.wav" in background; expect played'),
        ("expect response 200", "send info; expect response 200"),
        ("expect recorded", 'if env.X == "1" { record "x.wav" }; expect recorded'),
    ],
)
def test_only_what_was_begun_comes_to_an_end(wrong: str, right: str) -> None:
    assert codes(on_alice(f"call bob; {wrong}; release")) == ["SF317"]
    assert codes(on_alice(f"call bob; {right}; release")) == []


# --- SF318, SF319, SF320 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statements", ["call bob; hold; hold; release", "call bob; hold; wait 1s; hold; release"])
def test_a_call_is_held_once(statements: str) -> None:
    text = HELD.format(statements)
    assert notes(text, only(text, "SF318")) == ["hold"]


def test_only_who_holds_a_call_can_resume_it() -> None:
    assert codes(on_alice("call bob; resume; release")) == ["SF318"]
    assert codes("on alice: call bob; expect held; resume; release\non bob: answer; hold; expect hangup\n") == ["SF318"]


@pytest.mark.parametrize(
    "statements",
    [
        "call bob; hold; resume; hold; resume; release",
        'call bob; if env.X == "1" { hold }; resume; hold; release',
        "call bob; hold else recover; resume; release",
        "call bob as c1; hold; resume c1; release",
        "repeat 2 times { call bob; hold; release }",
    ],
)
def test_what_may_be_held_may_be_resumed(statements: str) -> None:
    assert codes(HELD.format(statements)) == []


def test_a_transfer_joins_two_calls() -> None:
    twice = on_alice("call bob as c1; call bob as c2; transfer c1 to c1")
    assert codes(twice) == ["SF319"]
    gone = on_alice("call bob as c1; release; call bob as c2; transfer c2 to c1")
    assert codes(gone) == ["SF319"]
    assert codes(on_alice("call bob as c1; call bob as c2; transfer c1 to c2")) == []


def test_a_call_that_the_lane_makes_cannot_be_answered() -> None:
    text = "on alice: dial bob as c1; answer on c1; release\non bob: answer; call alice\n"
    assert notes(text, only(text, "SF320")) == ["dial bob as c1"]
    fine = "on alice: expect call as c1; answer on c1; expect hangup\non bob: call alice; release\n"
    assert codes(fine) == []


def test_a_finding_in_a_definition_shows_by_which_call_it_came() -> None:
    text = f'define speak() {{ play "x.wav" }}\non alice {{ call bob; release; speak() }}{BOB}'
    assert "speak()" in notes(text, only(text, "SF308"))
