"""Walkers: edges, time limits, inboxes, ends; every deadline exact."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.flow import commands
from tests.flow.play import MEDIA, Play

PEER = 'agent peer = "sip:peer@192.0.2.1"\n'


def answered(text: str) -> Play:
    """A program of alice, who called a peer that answered at once."""
    play = Play(PEER + text)
    play.feed("alice", events.MediaNegotiated("alice-1", MEDIA, False), events.CallAnswered("alice-1"))
    return play


def digit(value: str) -> events.DtmfReceived:
    return events.DtmfReceived("alice-1", value, 60)


def release(play: Play, call: str = "alice-1", agent: str = "alice") -> None:
    """The peer answers the BYE."""
    assert play.take(commands.ReleaseCall).call == call
    play.feed(agent, events.CallEnded(call, "local", "bye"), events.CallReleased(call, 200))


def test_a_lane_that_comes_to_its_end_releases_its_calls_and_passes() -> None:
    play = answered("on alice: call peer; wait 1s")
    play.pass_time(0.999)
    assert not play.has(commands.ReleaseCall)
    play.pass_time(1.0)
    release(play)
    assert play.scenario.done
    assert play.result("alice").passed


def test_the_default_limit_is_ten_seconds_to_the_tick() -> None:
    play = answered("on alice: call peer; expect held")
    play.pass_time(9.999)
    assert play.result("alice").failure is None
    play.pass_time(10.0)
    failure = play.result("alice").failure
    assert failure is not None
    assert (failure.time, failure.failure.got) == (10.0, "nothing came within 10 s")


def test_the_files_timeout_replaces_the_default_and_within_replaces_both() -> None:
    play = answered("timeout 3s\non alice: call peer; expect held else recover; expect held within 500ms")
    play.pass_time(3.4)
    assert play.result("alice").failure is None
    play.pass_time(3.5)
    failure = play.result("alice").failure
    assert failure is not None and failure.time == 3.5


def test_an_event_that_came_early_satisfies_one_expect_once() -> None:
    play = answered('on alice: call peer; wait 1s; expect dtmf "1"; expect dtmf "1" within 1s')
    play.feed("alice", digit("1"), at=0.5)
    play.pass_time(1.5)
    assert play.result("alice").failure is None
    play.pass_time(2.0)
    failure = play.result("alice").failure
    assert failure is not None and failure.failure.got == "no digit came within 1 s"


def test_two_equal_digits_are_two() -> None:
    play = answered('on alice: call peer; expect dtmf "11"')
    play.feed("alice", digit("1"))
    assert not play.has(commands.ReleaseCall)
    play.feed("alice", digit("1"))
    assert play.has(commands.ReleaseCall)


def test_a_wrong_digit_takes_the_failure_edge_at_once() -> None:
    play = answered('on alice: call peer; expect dtmf "1" else { log "wrong"; release }')
    play.feed("alice", digit("2"), at=2.0)
    assert events.Logged("wrong") in play.happened
    release(play)
    result = play.result("alice")
    assert not result.passed
    assert result.failure is not None and result.failure.failure.got == 'dtmf "2" at 2.000 s'


def test_recover_goes_on_after_the_statement() -> None:
    play = answered('on alice: call peer; expect held within 1s else recover; send dtmf "5"')
    play.pass_time(1.0)
    assert play.take(commands.SendDigits).digits == "5"
    assert play.result("alice").failure is None
    assert len(play.result("alice").recovered) == 1


def test_a_failure_inside_an_else_is_told_beside_the_first() -> None:
    play = answered("on alice: call peer; expect held within 1s else { expect resumed within 1s; recover }")
    play.pass_time(2.0)
    release(play)
    result = play.result("alice")
    assert not result.passed
    assert result.failure is not None and result.failure.time == 1.0
    assert [entry.time for entry in result.also] == [2.0]


def test_recover_inside_an_else_leaves_the_failure_around_it() -> None:
    play = answered(
        'on alice: call peer; expect held within 1s else { expect resumed within 1s else recover; log "x" }'
    )
    play.pass_time(2.0)
    assert events.Logged("x") in play.happened
    release(play)
    result = play.result("alice")
    assert not result.passed
    assert result.failure is not None and result.failure.time == 1.0
    assert [entry.time for entry in result.recovered] == [2.0]


def test_without_an_else_the_lane_ends_at_once() -> None:
    play = answered('on alice: call peer; expect held within 1s; log "never"')
    play.pass_time(1.0)
    assert events.Logged("never") not in play.happened
    assert play.has(commands.ReleaseCall)


def test_the_end_of_the_call_fails_what_can_not_come_any_more() -> None:
    play = answered('on alice: call peer; expect dtmf "1"')
    play.feed("alice", events.CallEnded("alice-1", "remote", "bye"), at=1.25)
    failure = play.result("alice").failure
    assert failure is not None
    assert failure.failure.got == "no digit came; the call ended: the peer hung up (BYE) at 1.250 s"


def test_hangup_is_the_peers_doing_only() -> None:
    play = answered("on alice: call peer; release; expect hangup")
    release(play)
    assert not play.result("alice").passed


def test_a_release_that_nobody_answers_fails_as_a_statement() -> None:
    play = answered("on alice: call peer; release within 60s")
    play.take(commands.ReleaseCall)
    play.feed("alice", events.CallEnded("alice-1", "local", "bye"), events.CallReleased("alice-1", 408), at=32.0)
    failure = play.result("alice").failure
    assert failure is not None and "nobody answered the BYE" in failure.failure.got


def test_a_bye_that_did_not_arrive_says_why() -> None:
    """Without what differs from call to call: a load run counts such failures by their text."""
    play = answered("on alice: call peer; release")
    play.take(commands.ReleaseCall)
    released = events.CallReleased("alice-1", 503, "nothing listens at 127.0.0.1:9 (ICMP port unreachable)")
    play.feed("alice", events.CallEnded("alice-1", "local", "bye"), released, at=3.0)
    failure = play.result("alice").failure
    assert failure is not None
    assert failure.failure.got == (
        "the BYE did not arrive: nothing listens at 127.0.0.1:9 (ICMP port unreachable) at 3.000 s"
    )


def test_a_lane_waits_four_seconds_for_its_byes_and_then_says_so() -> None:
    play = answered("on alice: call peer")
    play.take(commands.ReleaseCall)
    play.pass_time(3.99)
    assert not play.scenario.done
    play.pass_time(4.0)
    assert play.scenario.done
    assert any(isinstance(event, events.Logged) and event.level == "warning" for event in play.happened)


def test_call_follows_redirects_but_not_for_ever() -> None:
    play = Play(PEER + "on alice: call peer")
    for hop in range(1, 7):
        assert play.take(commands.PlaceCall).call == f"alice-{hop}"
        play.feed("alice", events.CallRejected(f"alice-{hop}", 302, "Moved Temporarily", ("sip:next@192.0.2.1",)))
    failure = play.result("alice").failure
    assert failure is not None and failure.failure.got.startswith("302 Moved Temporarily")
    assert not play.has(commands.PlaceCall)


@pytest.mark.parametrize(("code", "passes"), [(486, True), (603, False)])
def test_a_rejection_must_have_the_code(code: int, passes: bool) -> None:
    play = Play(PEER + "on alice: dial peer; expect rejected 486")
    play.feed("alice", events.CallRejected("alice-1", code, "No"), events.CallReleased("alice-1", code))
    assert play.result("alice").passed is passes


def test_no_response_at_all_is_no_rejection() -> None:
    play = Play(PEER + "on alice: dial peer; expect rejected 408 within 60s")
    play.feed("alice", events.CallRejected("alice-1", 408, "Request Timeout", local=True), at=32.0)
    assert not play.result("alice").passed


def test_media_before_media_is_refused() -> None:
    play = Play(PEER + 'on alice { dial peer; wait 0ms; send dtmf "1" }')
    failure = play.result("alice").failure
    assert failure is not None and "no media yet" in failure.failure.got


def test_a_signal_that_came_before_is_not_missed() -> None:
    play = Play("on alice: signal go\non bob { wait 1s; await go }")
    play.pass_time(1.0)
    assert play.scenario.done
    assert play.result("bob").passed


def test_a_measurement_is_asked_for_and_judged() -> None:
    play = answered("on alice: call peer; check media.loss < 1%; check media.mos >= 4")
    ask = play.take(commands.Measure)
    play.feed("alice", events.CallMeasured("alice-1", ask.token, {"loss": 0.5}, {}, ()))
    ask = play.take(commands.Measure)
    play.feed("alice", events.CallMeasured("alice-1", ask.token, {"loss": 0.5}, {}, ()))
    failure = play.result("alice").failure
    assert failure is not None and failure.failure.code == "SF504"


def test_a_stopped_scenario_fails_where_it_stood_and_releases() -> None:
    play = answered("on alice: call peer; wait 1h")
    play.scenario.close(5.0, "interrupted")
    play._drain()
    release(play)
    assert play.scenario.done
    failure = play.result("alice").failure
    assert failure is not None and (failure.node.text, failure.failure.code) == ("wait 1h", "SF505")
