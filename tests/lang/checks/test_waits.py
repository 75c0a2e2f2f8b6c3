"""Waits that cannot end: nobody gives what they wait for, or lanes wait for each other."""

from __future__ import annotations

import pytest

from tests.lang.checks.said import BOB, Severity, codes, notes, only, words

# --- signals and calls ---------------------------------------------------------------------------------------------


def test_a_signal_that_is_missed_on_purpose_is_a_warning() -> None:
    assert only(f"on alice: call bob; await x; release{BOB}", "SF304").severity is Severity.ERROR
    assert only(f"on alice: call bob; await x else recover; release{BOB}", "SF304").severity is Severity.WARNING


@pytest.mark.parametrize(
    "text",
    [
        "on alice: answer\n",
        "on alice: call bob; release\non bob: answer; expect hangup\non carol: ring; answer\n",
        'on alice: expect call from bob; answer\non bob: log "x"\non carol: call alice; release\n',
        "on alice { repeat 3 times { answer } }\n",
        "on alice { choose { call from bob => answer; call => reject 486 } }\non bob: log 1\n",
    ],
)
def test_a_lane_that_nobody_calls_waits_in_vain(text: str) -> None:
    assert codes(text) == ["SF306"]


@pytest.mark.parametrize(
    "text",
    [
        'agent alice { listen udp "127.0.0.1:5060" }\non alice: answer\n',
        "on alice: answer; expect hangup\non alice: call alice; release\n",
        'let target = "sip:x@127.0.0.1"\non bob: call target; release\non alice: answer\n',
        "on bob: call carol; release\non carol: redirect alice\non alice: answer; expect hangup\n",
        "on bob: call carol; expect transfer; release\non carol: answer; transfer to alice\non alice: answer\n",
        'on alice: answer else recover; log "nobody called"\n',
        'on alice { choose within 1s { call => answer; timeout => log "nobody" } }\n',
    ],
)
def test_whoever_may_be_called_may_wait(text: str) -> None:
    assert codes(text) == []


# --- lanes that wait for each other --------------------------------------------------------------------------------


def test_two_lanes_that_answer_before_they_call_wait_for_each_other() -> None:
    text = "on alice: answer; call bob\non bob: answer; call alice\n"
    found = only(text, "SF310")
    assert found.message == "`alice` and `bob` wait for each other"
    assert words(text, found) == "answer" and notes(text, found) == ["answer"]


@pytest.mark.parametrize(
    ("text", "lanes"),
    [
        ("on a: await x; signal y\non b: await y; signal x\n", 2),
        ("on a: await x; signal y\non b: await y; signal z\non c: await z; signal x\n", 3),
        ("on a: call b; expect hangup\non b: answer; expect hangup\n", 2),
        ('on a: call b; expect dtmf "1"; send dtmf "2"; release\non b: answer; expect dtmf "2"; send dtmf "1"\n', 2),
        ("on a: await go; call b; release\non b: answer; signal go; expect hangup\n", 2),
        ("on a: call b; signal go; release\non b: await go; answer; expect hangup\n", 2),
        ('on a { if env.X == "1" { await x } else { await x }; signal y }\non b: await y; signal x\n', 2),
    ],
)
def test_a_circle_is_reported_once_with_everybody_in_it(text: str, lanes: int) -> None:
    found = only(text, "SF310")
    assert found.message.count("`") == 2 * lanes and len(found.secondary) >= lanes - 1


def test_a_lane_may_wait_for_itself() -> None:
    text = "on alice: await x; signal x\n"
    found = only(text, "SF310")
    assert found.message == "the lane `alice` waits for itself" and notes(text, found) == ["signal x"]


def test_who_waits_only_for_somebody_in_a_circle_is_not_reported_too() -> None:
    text = "on a: await x; signal y\non b: await y; signal x; signal z\non c: await z\n"
    assert codes(text) == ["SF310"]


def test_who_waits_for_somebody_that_waits_for_nobody_is_a_consequence() -> None:
    assert codes('on a: await x; signal y\non b: await y; log "x"\n') == ["SF304"]
    assert codes('on a: call b; expect dtmf "1"; release\non b: answer; expect held; send dtmf "1"\n') == ["SF311"]


@pytest.mark.parametrize(
    "text",
    [
        "on a: await x within 1s else recover; signal y\non b: await y; signal x\n",
        'on a: await x else { signal y }; log "x"\non b: await y; signal x\n',
        'on a { if env.X == "1" { await x }; signal y }\non b: await y; signal x\n',
        'on a { choose within 1s { call => answer; timeout => log "x" }; call b; release }\non b: answer; call a\n',
        "on a: call b; expect hangup\non b: answer; expect hangup within 1s else recover\n",
        'on a: call b; expect hangup\non b: answer; log "x"\n',
        "on a: answer; expect hangup\non a: call b; release\non b: answer; call a; release\n",
        "on a: call b; release; answer\non b: answer; expect hangup; call a\n",
    ],
)
def test_a_way_out_breaks_the_circle(text: str) -> None:
    assert codes(text) == []


# --- what the other side never does --------------------------------------------------------------------------------

PAIRS = [
    ('expect dtmf "1"', 'send dtmf "1"'),
    ("expect dtmf matching /[0-9]+/", 'send dtmf "1"'),
    ("expect held", "hold"),
    ("expect resumed", "resume"),
    ("expect info", "send info"),
    ("expect notify", "send notify"),
]


@pytest.mark.parametrize(("event", "act"), PAIRS)
def test_an_event_in_a_call_needs_a_peer_that_does_it(event: str, act: str) -> None:
    done = "hold; resume" if act == "resume" else act
    without = f"on alice: call bob; {event}; release{BOB}"
    assert notes(without, only(without, "SF311"))[0] == "on bob"
    assert codes(f"on alice: call bob; {event}; release\non bob: answer; {done}; expect hangup\n") == []
    assert codes(f"on bob: answer; {event}; expect hangup\non alice: call bob; {done}; release\n") == []


@pytest.mark.parametrize(("event", "act"), [("ringing", "ring"), ("progress", "progress"), ("answered", "answer")])
def test_an_event_of_a_dialled_call_needs_a_peer_that_does_it(event: str, act: str) -> None:
    assert codes(f"on alice: dial bob; expect {event}; release\non bob: {act}; expect hangup\n") == []
    other = "ring" if event == "answered" else "answer"
    assert codes(f"on alice: dial bob; expect {event}; release\non bob: {other}; expect hangup\n") == ["SF311"]


@pytest.mark.parametrize(
    "text",
    [
        f"on alice: call bob; expect held else recover; release{BOB}",
        'on alice: call "sip:bob@example.com"; expect dtmf "1"; release\n',
        'agent bob { uri "sip:bob@example.com" }\non alice: call bob; expect held; release\n',
        'agent alice { proxy "sip:proxy.example.com" }\non alice: call bob; expect held; release' + BOB,
        'agent bob { listen udp "127.0.0.1:5070" }\non al: call bob; release\non bob: answer; expect held; release\n',
        'let who = "x"\non alice: call who; release\non bob: answer; expect held; expect hangup\n',
        'on alice: call bob; expect held; release\non bob { answer; if env.X == "1" { hold }; expect hangup }\n',
        'on alice: call bob; expect dtmf "1"; release\non bob: answer; wait 1s\non bob: answer; send dtmf "1"\n',
        'on alice: call bob; expect dtmf "7"; release\non bob: redirect carol\non carol: answer; send dtmf "7"\n',
        'on alice { call bob; choose { dtmf "1" => log "x"; hangup => end }; release }\non bob: answer; release\n',
    ],
)
def test_nothing_is_said_where_it_may_come(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    "statements",
    [
        "call pbx; expect info; release",
        "call pbx; choose { info => release; notify => release }",
        "call pbx; release; answer; expect hangup",
        "send options to pbx; expect message",
        "call bob; transfer to pbx; answer",
        "call bob; expect held; release; call pbx",
    ],
)
def test_a_stranger_who_was_called_may_do_anything_and_call_back(statements: str) -> None:
    bob = "on bob: answer; expect hangup\n" if "bob" in statements else ""
    assert codes(f'agent pbx = "sip:pbx.example.com"\non alice {{ {statements} }}\n{bob}') == []


def test_a_digit_may_come_as_an_info_that_is_written_out() -> None:
    info = 'send info { type "application/dtmf-relay"; body "Signal=5" }'
    assert codes(f'on a: call b; {info}; release\non b: answer; expect dtmf "5"; expect hangup\n') == []


def test_of_several_who_never_answer_none_is_said_to() -> None:
    text = "on caller: call a; release\non a: redirect b\non b: redirect a\n"
    assert "none of `a` and `b` ever answers" in only(text, "SF311").message


def test_a_call_that_the_other_side_never_answers_is_reported() -> None:
    assert codes('on alice: call bob; release\non bob: log "x"\n') == ["SF311"]
    assert codes("on alice: call bob; release\non bob: reject 486\n") == ["SF311"]
    assert codes("on alice: call bob else recover\non bob: reject 486\n") == []


def test_digits_that_are_never_sent_are_named() -> None:
    text = 'on alice: call bob; expect dtmf "15"; release\non bob: answer; send dtmf "1"; expect hangup\n'
    found = only(text, "SF312")
    assert "`5`" in found.message and words(text, found) == '"15"' and notes(text, found) == ['send dtmf "1"']


@pytest.mark.parametrize(
    "sent", ['"51"', '"${env.PIN}"', '"1"; send dtmf "5"', '"1"; if env.X == "1" { send dtmf "5" }', '"1,5"']
)
def test_digits_that_may_be_sent_may_be_expected(sent: str) -> None:
    text = f'on alice: call bob; expect dtmf "15"; release\non bob {{ answer; send dtmf {sent}; expect hangup }}\n'
    assert codes(text) == []


@pytest.mark.parametrize(
    ("sends", "number"),
    [
        ('send dtmf "1"', 1),
        ('send dtmf "1"; send dtmf "2"', 1),
        ('send dtmf "11"', 0),
        ('send dtmf "1"; send dtmf "1"', 0),
        ('repeat 2 times { send dtmf "1" }', 0),
        ('label again; send dtmf "1"; check media.loss < 1% else goto again', 0),
    ],
)
def test_a_digit_is_sent_as_often_as_it_is_expected(sends: str, number: int) -> None:
    text = f'on alice: call bob; expect dtmf "11"; release\non bob {{ answer; {sends}; expect hangup }}\n'
    assert codes(text) == ["SF312"] * number


def test_a_rejection_has_a_code_that_the_other_side_gives() -> None:
    assert codes("on alice: dial bob; expect rejected 404\non bob: reject 486\n") == ["SF311"]
    assert codes("on alice: dial bob; expect rejected 486\non bob: reject 486\n") == []
    assert codes("on alice: dial bob; expect rejected 302\non bob: redirect carol\non carol: log 1\n") == []
    # A lane that ends turns calls away by itself, and a release cancels.
    assert codes('on alice: dial bob; expect rejected 480\non bob: log "x"\n') == []
    assert codes("on alice: dial bob; release; expect rejected 487\non bob: ring; expect hangup\n") == []


def test_a_file_with_errors_is_not_told_of_what_may_follow_from_them() -> None:
    assert codes(f"on alice: call bob; play nonsense; expect held; release{BOB}") == ["SF205"]


def test_what_was_said_of_a_statement_is_not_said_in_other_words() -> None:
    assert codes("on alice: call bob; release\non bob: answer; expect answered; expect hangup\n") == ["SF316"]
