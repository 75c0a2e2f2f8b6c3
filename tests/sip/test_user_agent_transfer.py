"""Transfer among three parties, and the Replaces header (RFC 3515, RFC 3891, RFC 5589)."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.sip.headers import ReferTo, Replaces
from tests.sip.pair import drop_first, media, talk


@pytest.fixture
def carol(world):
    return world.agent("carol")


def come_to_rest(world, *agents):
    for agent in agents:
        agent.do("close")
    world.run()
    assert all(agent.ua.idle for agent in agents)


def test_blind_transfer(world, alice, bob, carol):
    _, incoming = talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri)
    world.settle()
    assert bob.events(events.TransferRequested) == [events.TransferRequested(incoming, carol.uri, "")]
    assert alice.events(events.TransferAccepted) == [events.TransferAccepted("c1", 202)]
    bob.do("follow_transfer", incoming, "b2", media(5002))
    world.settle()
    assert carol.events(events.CallIncoming)[0].from_uri == bob.uri
    carol.do("ring", "carol-in1")
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    assert [(event.code, event.final) for event in alice.events(events.TransferProgressed)] == [
        (100, False),
        (180, False),
        (200, True),
    ]
    assert "CallAnswered" in bob.story()
    final = bob.last("NOTIFY")
    assert final.headers.get("Subscription-State") == "terminated;reason=noresource"
    assert final.headers.get("Event").startswith("refer")
    assert final.body == b"SIP/2.0 200 OK\r\n"
    referred_by = carol.session("carol-in1").headers
    assert ("Referred-By", f"<{alice.uri}>") in referred_by
    alice.do("release", "c1")
    world.settle()
    assert carol.session("carol-in1").state == "established"
    come_to_rest(world, alice, bob, carol)


def test_blind_transfer_to_a_busy_party(world, alice, bob, carol):
    _, incoming = talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri)
    world.settle()
    bob.do("follow_transfer", incoming, "b2", media(5002))
    world.settle()
    carol.do("reject", "carol-in1", 486, "Busy Here")
    world.settle()
    assert alice.events(events.TransferProgressed)[-1] == events.TransferProgressed("c1", 486, True)
    assert alice.session("c1").state == "established"
    come_to_rest(world, alice, bob, carol)


def test_the_transferor_may_hang_up_at_once(world, alice, bob, carol):
    _, incoming = talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri)
    world.settle()
    alice.do("release", "c1")
    world.settle()
    bob.do("follow_transfer", incoming, "b2", media(5002))
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    assert "CallAnswered" in bob.story()
    come_to_rest(world, alice, bob, carol)


def test_attended_transfer(world, alice, bob, carol):
    _, incoming = talk(world, alice, bob, "c1")
    talk(world, alice, carol, "c2")
    alice.do("refer_replacing", "c1", "c2")
    world.settle()
    requested = bob.events(events.TransferRequested)[0]
    replaces = Replaces.parse(requested.replaces)
    consultation = carol.session("carol-in1")
    assert replaces == Replaces(consultation.call_id, consultation.local_tag, consultation.remote_tag)
    bob.do("follow_transfer", incoming, "b2", media(5002))
    world.settle()
    assert carol.events(events.CallIncoming)[-1].replaces == "carol-in1"
    carol.do("answer", "carol-in2", media(6002))
    world.settle()
    assert alice.events(events.TransferProgressed)[-1] == events.TransferProgressed("c1", 200, True)
    assert alice.ends() == [("c2", "remote", "bye", "")]
    assert carol.events(events.CallEnded) == [events.CallEnded("carol-in1", "local", "bye", "replaced by carol-in2")]
    assert carol.session("carol-in2").state == bob.session("b2").state == "established"
    come_to_rest(world, alice, bob, carol)


def test_attended_transfer_when_the_transferor_was_called(world, alice, bob, carol):
    """The tags turn with the side from which the dialog is seen."""
    talk(world, bob, alice, "b1")
    talk(world, carol, alice, "k1")
    alice.do("refer_replacing", "alice-in1", "alice-in2")
    world.settle()
    bob.do("follow_transfer", "b1", "b2", media(5002))
    world.settle()
    assert carol.events(events.CallIncoming)[0].replaces == "k1"
    carol.do("answer", "carol-in1", media(6002))
    world.settle()
    assert [event.call for event in alice.events(events.CallEnded)] == ["alice-in2"]
    come_to_rest(world, alice, bob, carol)


def test_refer_without_use_is_misuse(world, alice, bob, carol):
    talk(world, alice, bob)
    with pytest.raises(MisuseError):
        bob.do("follow_transfer", "bob-in1", "b2", media())
    alice.do("invite", "c2", carol.uri, media())
    with pytest.raises(MisuseError):
        alice.do("refer_replacing", "c1", "c2")


def test_a_refer_that_nobody_answers_is_rejected_here(world, alice, bob):
    talk(world, alice, bob)
    world.drop = drop_first(100, "REFER")
    alice.do("refer", "c1", "sip:x@127.0.0.1")
    world.run(40.0)
    assert alice.events(events.TransferRejected) == [events.TransferRejected("c1", 408, "Request Timeout")]


def test_a_target_that_is_no_uri_ends_the_transfer(world, alice, bob):
    talk(world, alice, bob)
    alice.do("refer", "c1", "sip:carol@nowhere.example")
    world.settle()
    bob.do("follow_transfer", "bob-in1", "b2", media())
    world.settle()
    assert bob.events(events.CallRejected)[0].reason == "nowhere.example does not exist"
    assert alice.events(events.TransferProgressed)[-1] == events.TransferProgressed("c1", 503, True)


# --- Replaces by itself ---


def replacing(session, **changes):
    fields = {"call_id": session.call_id, "to_tag": session.local_tag, "from_tag": session.remote_tag} | changes
    return str(Replaces(**fields))


def test_replaces_of_an_unknown_dialog_is_481(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(), replaces="nobody@nowhere;to-tag=1;from-tag=2")
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 481
    assert bob.story() == []


def test_replaces_with_turned_tags_is_no_match(world, alice, bob, carol):
    talk(world, alice, bob)
    session = bob.session("bob-in1")
    turned = replacing(session, to_tag=session.remote_tag, from_tag=session.local_tag)
    carol.do("invite", "k1", bob.uri, media(), replaces=turned)
    world.settle()
    assert carol.events(events.CallRejected)[0].code == 481


def test_replaces_of_a_dialog_that_is_over_is_603(world, alice, bob, carol):
    talk(world, alice, bob)
    header = replacing(bob.session("bob-in1"))
    alice.do("release", "c1")
    world.settle()
    carol.do("invite", "k1", bob.uri, media(), replaces=header)
    world.settle()
    assert carol.events(events.CallRejected)[0].code == 603


def test_early_only_does_not_replace_an_established_dialog(world, alice, bob, carol):
    talk(world, alice, bob)
    carol.do("invite", "k1", bob.uri, media(), replaces=replacing(bob.session("bob-in1"), early_only=True))
    world.settle()
    assert carol.events(events.CallRejected)[0].code == 486


def test_a_callee_that_still_rings_cannot_be_replaced(world, alice, bob, carol):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    carol.do("invite", "k1", bob.uri, media(), replaces=replacing(bob.session("bob-in1")))
    world.settle()
    assert carol.events(events.CallRejected)[0].code == 481


def test_a_caller_that_hears_ringing_can_be_replaced(world, alice, bob, carol):
    """Call pick-up: carol takes over what alice's call is doing; alice cancels towards bob."""
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    carol.do("invite", "k1", alice.uri, media(), replaces=replacing(alice.session("c1"), early_only=True))
    world.settle()
    assert alice.events(events.CallIncoming)[0].replaces == "c1"
    alice.do("answer", "alice-in1", media(4002))
    world.settle()
    assert bob.events(events.CallEnded)[0].cause == "cancel"
    assert carol.events(events.CallAnswered)


@pytest.mark.parametrize("header", ["nonsense", "a@b;to-tag=1", ";;"])
def test_replaces_that_cannot_be_read_is_400(world, alice, bob, header):
    alice.do("invite", "c1", bob.uri, media(), replaces=header)
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 400


def test_refer_to_of_a_dialog_reads_as_what_it_is(world, alice, bob, carol):
    talk(world, alice, bob, "c1")
    talk(world, alice, carol, "c2")
    alice.do("refer_replacing", "c1", "c2")
    refer_to = ReferTo.parse(alice.last("REFER").headers.get("Refer-To"))
    assert refer_to.uri == "sip:carol@127.0.0.1:5064"
    assert refer_to.replaces.to_tag == carol.session("carol-in1").local_tag


# --- without subscription (RFC 4488), and the way of a transfer told step by step ---


def test_a_refer_without_subscription_is_accepted_and_not_told_about(world, alice, bob, carol):
    talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri, headers=(("Refer-Sub", "false"),))
    world.settle()
    assert bob.last("202 REFER").headers.get("Refer-Sub") == "false"
    assert alice.events(events.TransferAccepted) == [events.TransferAccepted("c1", 202, subscribed=False)]
    bob.do("follow_transfer", "bob-in1", "b2", media(5002))
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    assert "NOTIFY" not in bob.sent()
    assert bob.story()[-1] == "CallAnswered"


def test_every_provisional_response_of_the_target_is_told(world, alice, bob, carol):
    talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri)
    world.settle()
    bob.do("follow_transfer", "bob-in1", "b2", media(5002))
    world.settle()
    carol.do("ring", "carol-in1")
    world.settle()
    carol.do("progress", "carol-in1", media(6000))
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    told = [(event.code, event.final) for event in alice.events(events.TransferProgressed)]
    assert told == [(100, False), (180, False), (183, False), (200, True)]
    assert alice.events(events.TransferAccepted) == [events.TransferAccepted("c1", 202)]


def test_the_transferor_is_named_to_the_target(world, alice, bob, carol):
    talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri)
    world.settle()
    bob.do("follow_transfer", "bob-in1", "b2", media(5002))
    world.settle()
    assert alice.last("REFER").headers.get("Referred-By") == f"<{alice.uri}>"
    assert bob.last("INVITE").headers.get("Referred-By") == f"<{alice.uri}>"


def test_a_target_dialog_that_is_gone_ends_the_attended_transfer(world, alice, bob, carol):
    talk(world, alice, bob)
    alice.do("invite", "c2", carol.uri, media(4002))
    world.settle()
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    alice.do("refer_replacing", "c1", "c2")
    carol.do("release", "carol-in1")
    world.settle()
    bob.do("follow_transfer", "bob-in1", "b2", media(5002))
    world.settle()
    assert bob.events(events.CallRejected)[0].code == 603
    assert [(e.code, e.final) for e in alice.events(events.TransferProgressed)] == [(100, False), (603, True)]
    with pytest.raises(MisuseError):
        alice.do("refer_replacing", "c1", "c2")


# --- the subscription of a REFER and the call are two usages of one dialog (RFC 5057) ---


def accept_transfer(world, alice, bob, carol):
    """Alice asked bob to call carol, and he did; carol has not answered."""
    talk(world, alice, bob)
    alice.do("refer", "c1", carol.uri)
    world.settle()
    bob.do("follow_transfer", "bob-in1", "b2", media(5002))
    world.settle()


def told(agent):
    return [(event.code, event.final) for event in agent.events(events.TransferProgressed)]


def test_a_bye_that_overtakes_the_last_notify_ends_the_call_and_not_the_subscription(world, alice, bob, carol):
    accept_transfer(world, alice, bob, carol)
    world.drop = drop_first(1, "NOTIFY")
    carol.do("answer", "carol-in1", media(6000))
    bob.do("release", "bob-in1")
    world.settle()
    assert alice.ends() == [("c1", "remote", "bye", "")]
    assert told(alice) == [(100, False)]
    assert not alice.events(events.CallReleased), "the outcome is still to come"
    world.run_for(1.0)
    assert alice.sent()[-1] == "200 NOTIFY", "although its number is below that of the BYE"
    assert told(alice)[-1] == (200, True)
    assert alice.story()[-2:] == ["TransferProgressed", "CallReleased"]
    come_to_rest(world, alice, bob, carol)


def test_a_transferee_that_hangs_up_first_still_tells_how_the_transfer_ended(world, alice, bob, carol):
    accept_transfer(world, alice, bob, carol)
    bob.do("release", "bob-in1")
    world.run_for(20.0)
    assert not alice.events(events.CallReleased)
    carol.do("reject", "carol-in1", 486, None)
    world.settle()
    assert alice.sent()[-1] == "200 NOTIFY"
    assert told(alice)[-1] == (486, True)
    assert alice.story()[-1] == "CallReleased"
    come_to_rest(world, alice, bob, carol)


def test_notifys_are_answered_in_their_own_order_when_the_call_is_over(world, alice, bob, carol):
    accept_transfer(world, alice, bob, carol)
    kept = []

    def keep(data, agent):
        if agent is bob and data.startswith(b"NOTIFY") and b"SIP/2.0 180" in data:
            kept.append(data)
            return True
        return False

    world.drop = keep
    carol.do("ring", "carol-in1")
    world.settle()
    bob.do("release", "bob-in1")
    world.settle()
    carol.do("progress", "carol-in1", media(6000))
    world.settle()
    assert told(alice) == [(100, False), (183, False)]
    world.drop = lambda data, agent: False
    world.inject(kept[0], bob.address, alice.address)
    world.settle()
    assert alice.sent()[-1] == "500 NOTIFY"
    assert told(alice)[-1] == (183, False)
    come_to_rest(world, alice, bob, carol)


@pytest.mark.parametrize("first_notify_lost", [False, True])
def test_an_outcome_that_nobody_tells_is_waited_for_as_long_as_the_subscription(world, alice, bob, first_notify_lost):
    """60 s as the first NOTIFY said; without one as long as its sender would go on (Timer N, RFC 6665)."""
    talk(world, alice, bob)
    if first_notify_lost:
        world.drop = drop_first(100, "NOTIFY")
    alice.do("refer", "c1", "sip:x@127.0.0.1")
    world.settle()
    bob.do("release", "bob-in1")
    world.settle()
    asked = alice.time_of(events.TransferAccepted)
    world.run_for(90.0)
    assert alice.story()[-1] == "CallReleased"
    assert alice.time_of(events.CallReleased) - asked == pytest.approx(32.0 if first_notify_lost else 60.0)
    come_to_rest(world, alice, bob)


def test_who_hangs_up_and_does_not_wait_still_answers_each_notify(world, alice, bob, carol):
    accept_transfer(world, alice, bob, carol)
    alice.do("release", "c1")
    world.settle()
    assert alice.story()[-1] == "CallReleased"
    carol.do("answer", "carol-in1", media(6000))
    world.settle()
    assert alice.sent()[-1] == "200 NOTIFY"
    assert alice.story()[-1] == "CallReleased", "nothing is told of a call that was released"
    world.run()
    assert alice.ua.idle, "the subscription is over, and the dialog with it"
    come_to_rest(world, alice, bob, carol)


def test_a_user_that_lets_go_of_an_ended_call_waits_for_no_outcome(world, alice, bob, carol):
    accept_transfer(world, alice, bob, carol)
    bob.do("release", "bob-in1")
    world.settle()
    alice.do("release", "c1")
    world.settle()
    assert alice.events(events.CallReleased) == [events.CallReleased("c1", 200)]
    come_to_rest(world, alice, bob, carol)


def test_other_requests_end_with_the_call(world, alice, bob, carol):
    accept_transfer(world, alice, bob, carol)
    bob.do("release", "bob-in1")
    world.settle()
    notify = next(sent.data for sent in bob.events(events.SipSent) if sent.data.startswith(b"NOTIFY"))
    info = notify.replace(b"NOTIFY", b"INFO").replace(b"CSeq: 1 ", b"CSeq: 9 ")
    world.inject(info, bob.address, alice.address)
    world.settle()
    assert alice.sent()[-1] == "481 INFO"
    come_to_rest(world, alice, bob, carol)
