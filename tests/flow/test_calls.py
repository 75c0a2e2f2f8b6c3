"""Calls between lanes and agents: who gets which, and what carries them through transfers."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.flow import commands
from tests.flow.play import MEDIA, Play


def incoming(call: str, *, user: str = "x", replaces: str | None = None) -> events.CallIncoming:
    return events.CallIncoming(call, f"sip:{user}@192.0.2.7", "sip:bob@127.0.0.1", "sip:bob@127.0.0.1", replaces)


def confirm(play: Play, agent: str, call: str) -> None:
    play.feed(agent, events.MediaNegotiated(call, MEDIA, False), events.CallConfirmed(call))


def test_calls_are_served_first_come_first_served_over_the_lanes() -> None:
    play = Play("on bob: answer; wait 1h\non bob: answer; wait 1h")
    play.feed("bob", incoming("bob-1"), incoming("bob-2"))
    assert [play.take(commands.AnswerCall).call for _ in range(2)] == ["bob-1", "bob-2"]


def test_a_call_that_came_before_the_answer_is_not_missed() -> None:
    play = Play("on bob { wait 1s; answer; wait 1h }")
    play.feed("bob", incoming("bob-1"), at=0.2)
    assert not play.commands
    play.pass_time(1.0)
    assert play.take(commands.AnswerCall).call == "bob-1"


def test_answer_passes_over_a_call_whose_caller_gave_up() -> None:
    play = Play("on bob { wait 1s; answer; wait 1h }")
    play.feed("bob", incoming("bob-1"), events.CallEnded("bob-1", "remote", "cancel"), incoming("bob-2"))
    play.pass_time(1.0)
    assert play.take(commands.AnswerCall).call == "bob-2"


def test_expect_call_from_takes_the_caller_it_names() -> None:
    play = Play('on bob { expect call from "anna"; answer; wait 1h }\non bob { wait 500ms; answer; wait 1h }')
    play.feed("bob", incoming("bob-1", user="carl"), incoming("bob-2", user="anna"), at=0.1)
    assert play.take(commands.AnswerCall).call == "bob-2"
    play.pass_time(0.5)
    assert play.take(commands.AnswerCall).call == "bob-1"


def test_who_calls_an_agent_whose_lanes_are_over_is_sent_away() -> None:
    play = Play("on bob: wait 1s\non alice: wait 9s")
    play.feed("bob", incoming("bob-1"), at=0.5)
    assert not play.commands
    play.pass_time(1.0)
    assert play.take(commands.RejectCall).code == 480
    play.feed("bob", incoming("bob-2"), at=2.0)
    assert (play.take(commands.RejectCall).call) == "bob-2"


def test_the_unnamed_call_is_the_latest_that_lives() -> None:
    play = Play(
        'agent a = "sip:a@192.0.2.1"\nagent b = "sip:b@192.0.2.2"\n'
        'on hub { call a as one; call b as two; release two; hold; hold one }'
    )  # fmt: skip
    for call in ("hub-1", "hub-2"):
        confirm(play, "hub", call)
        play.feed("hub", events.CallAnswered(call))
    play.take(commands.ReleaseCall)
    play.feed("hub", events.CallEnded("hub-2", "local", "bye"), events.CallReleased("hub-2", 200))
    assert play.take(commands.ModifyCall).call == "hub-1"


def test_a_transferred_call_keeps_its_lane_and_the_old_dialogs_bye_is_no_hangup() -> None:
    play = Play("on bob { answer; expect transferred; expect hangup within 1s }")
    play.feed("bob", incoming("bob-1"))
    confirm(play, "bob", "bob-1")
    play.feed("bob", events.TransferRequested("bob-1", "sip:desk@192.0.2.9"))
    follow = play.take(commands.FollowTransfer)
    assert (follow.call, follow.new_call) == ("bob-1", "bob-2")
    play.feed("bob", events.CallEnded("bob-1", "remote", "bye"), events.CallAnswered("bob-2"))
    play.pass_time(0.9)
    assert play.result("bob").failure is None
    play.feed("bob", events.CallReleased("bob-1", 200))
    play.feed("bob", events.CallEnded("bob-2", "remote", "bye"), events.CallReleased("bob-2", 200))
    assert play.scenario.done
    assert play.result("bob").passed


def test_a_transfer_that_fails_leaves_the_call_as_it_was() -> None:
    play = Play('on bob { answer; expect transfer; expect dtmf "1" }')
    play.feed("bob", incoming("bob-1"))
    confirm(play, "bob", "bob-1")
    play.feed("bob", events.TransferRequested("bob-1", "sip:desk@192.0.2.9"))
    play.feed("bob", events.CallRejected("bob-2", 486, "Busy Here"), events.DtmfReceived("bob-1", "1", 50))
    assert play.result("bob").failure is None
    assert play.take(commands.ReleaseCall).call == "bob-1"


def test_a_transfer_that_fails_after_the_bye_ends_the_call() -> None:
    play = Play("on bob { answer; expect hangup }")
    play.feed("bob", incoming("bob-1"))
    confirm(play, "bob", "bob-1")
    play.feed("bob", events.TransferRequested("bob-1", "sip:desk@192.0.2.9"))
    play.feed("bob", events.CallEnded("bob-1", "remote", "bye"))
    assert not play.scenario.done
    play.feed("bob", events.CallReleased("bob-1", 200))
    play.feed("bob", events.CallRejected("bob-2", 486, "Busy Here"), events.CallReleased("bob-2", 486))
    assert play.scenario.done
    assert play.result("bob").passed


def transferring() -> Play:
    """Alice's `transfer` is accepted, and the peer hangs up before it tells the outcome."""
    play = Play('on alice { call "sip:x@192.0.2.9"; transfer to "sip:y@192.0.2.9" within 5s }')
    play.feed("alice", events.CallAnswered("alice-1", 200))
    play.take(commands.TransferCall)
    play.feed("alice", events.TransferAccepted("alice-1", 202), events.CallEnded("alice-1", "remote", "bye"))
    assert play.result("alice").failure is None
    return play


def test_a_transfer_is_judged_by_its_notify_although_the_bye_came_first() -> None:
    play = transferring()
    play.feed("alice", events.TransferProgressed("alice-1", 200, True), events.CallReleased("alice-1", 200))
    assert play.scenario.done
    assert play.result("alice").passed


def test_a_transfer_whose_outcome_is_bad_fails_after_the_bye_as_well() -> None:
    play = transferring()
    play.feed("alice", events.TransferProgressed("alice-1", 486, True), events.CallReleased("alice-1", 200))
    failure = play.result("alice").failure
    assert failure is not None and failure.failure.got == "the transfer ended with 486"


def test_a_transfer_that_nobody_tells_about_fails_when_the_subscription_is_over() -> None:
    play = transferring()
    play.feed("alice", events.CallReleased("alice-1", 200), at=4.0)
    failure = play.result("alice").failure
    assert failure is not None and failure.failure.got.startswith("the call ended: the peer hung up (BYE)")


def test_a_transfer_waits_for_its_outcome_no_longer_than_its_limit() -> None:
    play = transferring()
    play.pass_time(5.1)
    failure = play.result("alice").failure
    assert failure is not None and failure.failure.got.startswith("nothing came within 5 s")
    assert play.take(commands.ReleaseCall).call == "alice-1"


def test_a_bye_that_nobody_answers_is_what_failed() -> None:
    play = Play('on alice { call "sip:x@192.0.2.9"; release }')
    call = play.take(commands.PlaceCall).call
    play.feed("alice", events.MediaNegotiated(call, MEDIA, True), events.CallAnswered(call))
    play.take(commands.ReleaseCall)
    play.feed("alice", events.CallEnded(call, "local", "bye"))
    play.pass_time(11.0)
    (lane,) = play.scenario.results()
    assert lane.failure is not None and lane.failure.failure.got == "nobody answered the BYE within 10 s"


def test_a_release_of_a_call_that_has_ended_waits_for_no_transfer() -> None:
    play = Play('on alice { call "sip:x@192.0.2.9"; transfer to "sip:y@192.0.2.9" within 1s else { release } }')
    play.feed("alice", events.CallAnswered("alice-1", 200), events.CallEnded("alice-1", "remote", "bye"))
    play.pass_time(1.1)
    assert play.take(commands.ReleaseCall).call == "alice-1"


def test_an_invite_with_replaces_takes_the_call_over() -> None:
    play = Play('on bob { answer; expect transferred; expect dtmf "9" }')
    play.feed("bob", incoming("bob-1"))
    confirm(play, "bob", "bob-1")
    play.feed("bob", incoming("bob-2", replaces="bob-1"))
    take_over = play.take(commands.TakeOver)
    assert (take_over.call, take_over.new_call) == ("bob-1", "bob-2")
    play.feed("bob", events.CallEnded("bob-1", "local", "bye"), events.CallConfirmed("bob-2"))
    play.feed("bob", events.CallReleased("bob-1", 200), events.DtmfReceived("bob-2", "9", 50))
    assert play.take(commands.ReleaseCall).call == "bob-2"


@pytest.mark.parametrize(
    ("cause", "condition", "passes"),
    [
        ("bye", 'header("Reason") contains "cause=16"', True),
        ("bye", 'header("Reason") contains "cause=31"', False),
        ("bye", 'header("X-None") == ""', False),
        ("bye", 'part("a/b") == "01"', True),
        ("bye", 'part("a/c") == "01"', False),
        ("cancel", 'method == "CANCEL"', True),
        ("bye", 'method == "CANCEL"', False),
    ],
)
def test_a_hang_up_is_judged_by_what_its_message_says(cause: str, condition: str, passes: bool) -> None:
    play = Play(f"on bob {{ answer; expect hangup where {condition} }}")
    play.feed("bob", incoming("bob-1"))
    confirm(play, "bob", "bob-1")
    headers = (("Reason", "Q.850;cause=16"), ("Content-Type", "a/b"))
    play.feed("bob", events.CallEnded("bob-1", "remote", cause, "", headers, "01"), events.CallReleased("bob-1", 200))
    assert play.result("bob").passed is passes
