"""An INVITE that a proxy forks: an early dialog for every branch, one answer that counts (RFC 3261 section 13)."""

from __future__ import annotations

from typing import Any

from sipflow import events
from sipflow.sip.hop import Hop
from sipflow.sip.reliable_provisional import RAck, rseq_of
from tests.sip.pair import PCMA, PCMU, World, media

FORK = Hop("127.0.0.1", 5999)


def forked(world: World, caller: str = "supported", **invite: Any) -> tuple[Any, Any, Any]:
    """Alice has called; bob and carol got the same INVITE."""
    alice = world.agent("alice", provisional=caller)
    bob, carol = world.agent("bob"), world.agent("carol")
    alice.do("invite", "c1", f"sip:team@127.0.0.1:{FORK.port}", media(4000), **invite)
    world.settle()
    for callee in (bob, carol):
        world.inject(alice.last("INVITE").to_bytes(), alice.address, callee.address)
    world.settle()
    return alice, bob, carol


def at_rest(world: World, *agents: Any) -> None:
    world.run()
    for agent in agents:
        assert agent.ua.idle


def test_every_branch_has_its_own_early_media_and_the_answer_decides(world):
    alice, bob, carol = forked(world)
    bob.do("progress", "bob-in1", media(5000, PCMU))
    world.settle()
    carol.do("progress", "carol-in1", media(6000, PCMA))
    world.settle()
    early = alice.events(events.MediaNegotiated)
    assert [(event.early, event.params.remote_port) for event in early] == [(True, 5000), (True, 6000)]
    bob.do("answer", "bob-in1", media(5000, PCMU))
    world.settle()
    final = alice.events(events.MediaNegotiated)[-1]
    assert (final.early, final.params.remote_port, final.params.send_format) == (False, 5000, PCMU)
    assert alice.story().count("CallAnswered") == 1
    alice.do("release", "c1")
    world.settle()
    assert bob.story()[-2:] == ["CallEnded", "CallReleased"]


def test_the_first_answer_wins_and_a_later_one_is_acknowledged_and_hung_up(world):
    alice, bob, carol = forked(world)
    for callee in (bob, carol):
        callee.do("ring", f"{callee.name}-in1")
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert alice.session("c1").remote_tag == carol.session("carol-in1").local_tag
    assert bob.story()[-3:] == ["CallConfirmed", "CallEnded", "CallReleased"]
    assert carol.story()[-1] == "CallConfirmed"
    assert [message.to_tag for message in alice.messages() if getattr(message, "method", "") == "BYE"] == [
        bob.session("bob-in1").local_tag
    ]
    assert len(alice.events(events.MediaNegotiated)) == 1
    alice.do("release", "c1")
    at_rest(world, alice, bob, carol)


def test_an_answer_of_a_branch_that_never_rang_wins_too(world):
    alice, bob, carol = forked(world)
    bob.do("progress", "bob-in1", media(5000))
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 6000
    assert carol.story()[-1] == "CallConfirmed"


def test_provisional_responses_of_the_branches_are_acknowledged_each_in_its_dialog(world):
    alice, bob, carol = forked(world, "required")
    for callee in (bob, carol, bob, carol):
        callee.do("ring", f"{callee.name}-in1")
        world.settle()
    assert alice.sent().count("PRACK") == 4
    for callee in (bob, carol):
        pracks = [m for m in alice.messages() if getattr(m, "method", "") == "PRACK" and callee.name in m.uri]
        numbers = [rseq_of(m) for m in callee.messages() if getattr(m, "status_code", 0) == 180]
        assert [RAck.of(prack).rseq for prack in pracks] == numbers
        assert [prack.cseq.number for prack in pracks] == [2, 3]
        assert {prack.to_tag for prack in pracks} == {callee.session(f"{callee.name}-in1").local_tag}


def test_a_late_offer_is_answered_in_every_branch(world):
    alice, bob, carol = forked(world, "required", body=b"")
    bob.do("progress", "bob-in1", media(5000, PCMU))
    carol.do("progress", "carol-in1", media(6000, PCMA))
    world.settle()
    assert bob.events(events.MediaNegotiated)[0].params.send_format == PCMU
    assert carol.events(events.MediaNegotiated)[0].params.send_format == PCMA
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 5000


def test_an_update_of_a_branch_changes_that_branch_only(world):
    alice, bob, carol = forked(world, "required")
    bob.do("progress", "bob-in1", media(5000))
    world.settle()
    carol.do("progress", "carol-in1", media(6000))
    world.settle()
    bob.do("update", "bob-in1", media(5500))
    world.settle()
    assert bob.story()[-1] == "CallModified"
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 6000


def test_when_the_call_is_answered_the_other_early_dialogs_are_gone(world):
    _, bob, carol = forked(world)
    for callee in (bob, carol):
        callee.do("ring", f"{callee.name}-in1")
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    bob.do("request", "INFO", call="bob-in1")
    world.settle()
    assert bob.events(events.ResponseReceived)[-1].code == 481


def test_a_rejection_ends_all_branches(world):
    alice, bob, carol = forked(world)
    bob.do("ring", "bob-in1")
    world.settle()
    carol.do("reject", "carol-in1", 603, None)
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 603
    bob.do("request", "INFO", call="bob-in1")
    world.settle()
    assert bob.events(events.ResponseReceived)[-1].code == 481
