"""`choose`: the way of whichever event came first, each event used once, and no waiting for what cannot come."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.flow import commands
from sipflow.flow.call import CallState
from tests.flow.play import MEDIA, Play
from tests.flow.test_branches import failure_of
from tests.flow.test_lanes import answered, digit

MENU = """on alice {
  call peer
  choose within 5s {
    dtmf "1"  => log "one"
    dtmf "23" => log "two three"
    hangup    => { log "gone"; end }
    timeout   => log "nothing"
  }
  log "behind"
}"""
NO_TIMEOUT = 'on alice { call peer; choose within 5s { dtmf "1" => log "one"; held => log "held" } }'


def digits(play: Play, text: str, at: float | None = None) -> Play:
    return play.feed("alice", *(digit(value) for value in text), at=at)


def hang_up(play: Play, at: float | None = None) -> Play:
    return play.feed("alice", events.CallEnded("alice-1", "remote", "bye"), at=at)


@pytest.mark.parametrize(("pressed", "way"), [("1", "one"), ("23", "two three")])
def test_digits_choose_and_the_lane_goes_on_behind(pressed: str, way: str) -> None:
    play = digits(answered(MENU), pressed, at=3.21)
    assert play.logged() == [way, "behind"]
    assert play.told()[-1] == f'dtmf "{pressed}" at 3.210 s'


def test_a_hangup_chooses() -> None:
    assert hang_up(answered(MENU), at=1.0).logged() == ["gone"]


def test_the_time_chooses_to_the_tick() -> None:
    play = answered(MENU)
    play.pass_time(4.999)
    assert play.logged() == []
    play.pass_time(5.0)
    assert play.logged() == ["nothing", "behind"]
    assert play.told()[-1] == "nothing came within 5 s"
    assert play.result("alice").failure is None


def test_what_came_before_it_counts_in_the_order_in_which_it_came() -> None:
    text = 'on alice { call peer; wait 2s; choose { dtmf "1" => log "one"; held => log "held" } }'
    play = answered(text)
    play.feed("alice", events.CallHeld("alice-1"), at=0.5)
    digits(play, "1", at=1.0)
    play.pass_time(2.0)
    assert play.logged() == ["held"]


def test_what_comes_at_the_same_instant_goes_by_its_place_in_the_inbox() -> None:
    text = 'on alice { call peer; wait 2s; choose { hangup => log "gone"; dtmf "1" => log "one" } }'
    play = answered(text)
    digits(play, "1", at=1.0)
    hang_up(play)
    play.pass_time(2.0)
    assert play.logged() == ["one"]


def test_the_first_arm_gets_what_two_arms_want() -> None:
    text = 'on alice { call peer; choose { dtmf => log "any"; dtmf "1" => log "one" } }'
    assert digits(answered(text), "1").logged() == ["any"]


def test_the_rest_is_there_for_what_follows() -> None:
    text = """on alice {
      call peer
      wait 2s
      choose { dtmf "1" => log "one"; held => log "held" }
      choose { dtmf "1" => log "one"; held => log "held" }
      expect dtmf "1" within 1s else { log "no second one" }
    }"""
    play = answered(text)
    digits(play, "1", at=0.5)
    play.feed("alice", events.CallHeld("alice-1"), at=1.0)
    play.pass_time(3.0)
    assert play.logged() == ["one", "held", "no second one"]


def test_an_event_that_no_arm_wants_stays() -> None:
    text = 'on alice { call peer; choose { dtmf "1" => log "one" }; expect held within 1s; log "held" }'
    play = answered(text)
    play.feed("alice", events.CallHeld("alice-1"), at=0.5)
    digits(play, "1", at=1.0)
    assert play.logged() == ["one", "held"]


def test_an_arm_is_taken_as_soon_as_its_digits_are_whole() -> None:
    text = (
        'on alice { call peer; choose { dtmf "12" => log "long"; dtmf "1" => log "short" }; expect dtmf "2" within 1s }'
    )
    play = digits(answered(text), "12", at=1.0)
    assert play.logged() == ["short"]
    assert play.result("alice").failure is None
    assert 'dtmf "2" at 1.000 s' in play.told()


@pytest.mark.parametrize(("pressed", "got"), [("9", "9"), ("24", "24"), ("3", "3")])
def test_digits_that_no_arm_can_match_fail_it_at_once(pressed: str, got: str) -> None:
    play = digits(answered(MENU), pressed, at=1.5)
    failure = failure_of(play)
    assert (failure.code, failure.got) == ("SF501", f'dtmf "{got}" at 1.500 s')
    assert failure.expected == 'dtmf "1" or dtmf "23"'


def test_what_came_before_the_wrong_digit_still_wins() -> None:
    text = 'on alice { call peer; wait 2s; choose { dtmf "1" => log "one"; held => log "held" } }'
    play = answered(text)
    play.feed("alice", events.CallHeld("alice-1"), at=0.5)
    digits(play, "9", at=1.0)
    play.pass_time(2.0)
    assert play.logged() == ["held"]


def test_digits_that_led_nowhere_are_gone_when_the_time_is_over() -> None:
    text = """on alice {
      call peer
      label again
      choose within 2s { dtmf "12" => log "twelve"; timeout => { log "again"; goto again } }
    }"""
    play = digits(answered(text), "1", at=1.0)
    digits(play, "12", at=3.0)
    assert play.logged() == ["again", "twelve"]


def test_digits_that_led_nowhere_stay_when_another_arm_is_taken() -> None:
    text = """on alice {
      call peer
      choose { dtmf "12" => log "twelve"; held => log "held" }
      expect dtmf "1" within 1s
      log "1"
    }"""
    play = digits(answered(text), "1", at=1.0)
    play.feed("alice", events.CallHeld("alice-1"), at=1.5)
    assert play.logged() == ["held", "1"]


def test_a_pattern_captures_its_digits() -> None:
    text = 'on alice { call peer; choose { dtmf matching /[0-9]{4}#/ as pin => log "pin ${pin}"; dtmf "*" => end } }'
    assert digits(answered(text), "1234#").logged() == ["pin 1234#"]


def test_only_the_arm_that_is_taken_captures() -> None:
    text = """on alice {
      let pin = "none"
      call peer
      choose { dtmf matching /[0-9]{4}/ as pin => log "pin"; held => log "held ${pin}" }
    }"""
    play = digits(answered(text), "123", at=1.0)
    play.feed("alice", events.CallHeld("alice-1"))
    assert play.logged() == ["held none"]


def test_without_timeout_it_fails_and_says_what_came_instead() -> None:
    play = answered(NO_TIMEOUT)
    play.feed("alice", events.CallResumed("alice-1"), at=1.0)
    play.pass_time(5.0)
    failure = failure_of(play)
    assert failure.expected == 'dtmf "1" or held'
    assert failure.got == "nothing came within 5 s; what came: resumed at 1.000 s"


@pytest.mark.parametrize("text", [NO_TIMEOUT, NO_TIMEOUT.replace("held =>", "timeout =>")])
def test_it_fails_at_once_when_nothing_can_come_any_more(text: str) -> None:
    play = hang_up(answered(text), at=1.0)
    failure = failure_of(play)
    assert "the call ended: the peer hung up (BYE) at 1.000 s" in failure.got


def test_a_rejection_goes_to_the_arm_that_has_its_code() -> None:
    text = """agent peer = "sip:peer@192.0.2.1"
    on alice {
      dial peer
      choose { rejected 486 => log "busy"; rejected 603 => log "declined"; answered => log "answered" }
    }"""
    play = Play(text).feed("alice", events.CallRejected("alice-1", 603, "Decline"), at=1.0)
    assert play.logged() == ["declined"]


def test_a_rejection_that_no_arm_has_fails_it() -> None:
    text = """agent peer = "sip:peer@192.0.2.1"
    on alice { dial peer; choose { rejected 486 => log "busy"; answered => log "answered" } }"""
    play = Play(text).feed("alice", events.CallRejected("alice-1", 603, "Decline"), at=1.0)
    assert "603 Decline" in failure_of(play).got


def incoming(play: Play, number: int, caller: str, at: float | None = None) -> Play:
    uri = f"sip:{caller}@192.0.2.1"
    return play.feed("bob", events.CallIncoming(f"bob-{number}", uri, "sip:bob@x", "sip:bob@x"), at=at)


def test_an_arm_claims_the_call_that_it_wants_and_leaves_the_others() -> None:
    text = """on bob {
      choose { call from "carol" as c => { log "carol"; reject 486 }; call from "dave" => log "dave" }
      expect call within 1s
      log "another"
    }"""
    play = Play(text)
    incoming(play, 1, "erin", at=0.5)
    incoming(play, 2, "carol", at=1.0)
    assert play.take(commands.RejectCall).call == "bob-2"
    play.feed("bob", events.CallEnded("bob-2", "local", "rejected"), events.CallReleased("bob-2", 486))
    assert play.logged() == ["carol", "another"]


def test_the_named_call_of_an_arm_is_known_behind_it() -> None:
    play = Play('on bob { choose { call as c => { answer; expect hangup on c; log "bye" } } }')
    incoming(play, 1, "carol")
    assert play.take(commands.AnswerCall).call == "bob-1"
    play.feed("bob", events.MediaNegotiated("bob-1", MEDIA, False), events.CallConfirmed("bob-1"))
    play.feed("bob", events.CallEnded("bob-1", "remote", "bye"))
    assert play.logged() == ["bye"]


TWO_CALLS = """agent peer = "sip:peer@192.0.2.1"
on alice { call peer as c1; call peer as c2; %s }"""


def two_calls(rest: str) -> Play:
    play = Play(TWO_CALLS % rest)
    for call in ("alice-1", "alice-2"):
        play.feed("alice", events.MediaNegotiated(call, MEDIA, False), events.CallAnswered(call))
    return play


def test_arms_on_two_calls_hear_each_its_own() -> None:
    play = two_calls('choose { dtmf "1" on c1 => log "first"; dtmf "1" on c2 => log "second" }')
    play.feed("alice", events.DtmfReceived("alice-2", "1", 60))
    assert play.logged() == ["second"]


def test_the_call_of_the_choose_is_that_of_its_arms() -> None:
    play = two_calls('choose on c1 { dtmf "1" => log "first"; hangup on c2 => log "second is over" }')
    play.feed("alice", events.DtmfReceived("alice-2", "1", 60))
    assert play.logged() == []
    play.feed("alice", events.DtmfReceived("alice-1", "1", 60))
    assert play.logged() == ["first"]


def test_an_arm_of_a_call_that_is_over_leaves_the_others_their_chance() -> None:
    play = two_calls('choose { held on c1 => log "held"; dtmf "1" on c2 => log "one" }')
    play.feed("alice", events.CallEnded("alice-1", "remote", "bye"), at=1.0)
    assert play.result("alice").failure is None
    play.feed("alice", events.DtmfReceived("alice-2", "1", 60))
    assert play.logged() == ["one"]
    assert play.scenario.walkers[0].calls[0].state is CallState.ENDED


def request(method: str, *headers: tuple[str, str], body: str = "") -> events.RequestReceived:
    return events.RequestReceived(None, method, headers, body, 200)


def test_a_request_chooses_by_its_condition() -> None:
    text = """on bob {
      choose { message where body == "b" => log "b"; message where body == "a" => log "a"; options => log "options" }
      expect message where body == "c" within 1s
    }"""
    play = Play(text)
    play.feed("bob", request("MESSAGE", body="c"), at=0.5)
    assert play.logged() == []
    play.feed("bob", request("MESSAGE", body="a"), at=1.0)
    assert play.logged() == ["a"]
    assert play.result("bob").passed


def test_a_condition_of_an_arm_without_a_value_fails_it() -> None:
    play = Play('on bob { choose { message where header("X-Id") == "1" => log "a"; options => log "b" } }')
    play.feed("bob", request("MESSAGE"), at=0.5)
    assert failure_of(play, "bob").code == "SF504"


def test_a_response_chooses_by_its_code() -> None:
    text = """agent peer = "sip:peer@192.0.2.1"
    on bob { send options to peer; choose { response 200 => log "fine"; response => log "other" } }"""
    play = Play(text)
    token = play.take(commands.SendSipRequest).token
    play.feed("bob", events.ResponseReceived(None, token, "OPTIONS", 404, "Not Found", (("To", "x"),)))
    assert play.logged() == ["other"]


def test_measurements_in_a_condition_are_taken_before_it_waits() -> None:
    text = 'on alice { call peer; choose { info where body == "x" and media.loss < 1% => log "info" } }'
    play = answered(text)
    token = play.take(commands.Measure).token
    play.feed("alice", events.CallMeasured("alice-1", token, {"loss": 0.1}, {}, ()))
    play.feed("alice", events.RequestReceived("alice-1", "INFO", (), "x", 200))
    assert play.logged() == ["info"]


def test_a_choose_in_a_choose_in_a_loop() -> None:
    text = """on alice {
      call peer
      repeat 2 times {
        choose {
          dtmf "1" => choose { dtmf "2" => log "one two"; dtmf "3" => continue }
          dtmf "9" => break
        }
        log "end of the round"
      }
      log "behind"
    }"""
    assert digits(answered(text), "1213").logged() == ["one two", "end of the round", "behind"]
    assert digits(answered(text), "139").logged() == ["behind"]
