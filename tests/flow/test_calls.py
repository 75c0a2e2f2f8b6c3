"""Calls between lanes and agents: who gets which, and what carries them through transfers."""

from __future__ import annotations

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
