"""Subscriptions outside of calls: SUBSCRIBE and NOTIFY in both roles, their end and their mistakes (RFC 6665)."""

from __future__ import annotations

from typing import Any

import pytest

from sipflow import events
from tests.sip.pair import World, drop_first, media, talk

EVENT = (("Event", "message-summary"),)


@pytest.fixture
def bob(world: World) -> Any:
    return world.agent("bob", accepts=frozenset({"SUBSCRIBE"}))


def subscribe(world: World, alice: Any, bob: Any, *headers: tuple[str, str]) -> None:
    alice.do("request", "SUBSCRIBE", target=bob.uri, headers=headers or (*EVENT, ("Expires", "600")))
    world.settle()


def notify(world: World, bob: Any, alice: Any, *headers: tuple[str, str], body: str = "") -> None:
    bob.do("request", "NOTIFY", target=alice.uri, headers=headers, body=body)
    world.settle()


def requests(agent: Any, method: str) -> list[events.RequestReceived]:
    return [event for event in agent.events(events.RequestReceived) if event.method == method]


def test_a_subscription_is_accepted_for_as_long_as_was_asked(world, alice, bob):
    subscribe(world, alice, bob)
    assert bob.last("200 SUBSCRIBE").headers.get("Expires") == "600"
    assert bob.last("200 SUBSCRIBE").headers.get("Contact") == f"<{bob.uri}>"
    assert alice.events(events.ResponseReceived)[0].code == 200
    assert requests(bob, "SUBSCRIBE")[0].code == 200


def test_a_notify_to_the_subscriber_goes_in_the_subscriptions_dialog(world, alice, bob):
    subscribe(world, alice, bob)
    world.run(100.0)
    notify(world, bob, alice, body="hello")
    sent = bob.last("NOTIFY")
    assert sent.call_id == alice.last("SUBSCRIBE").call_id
    assert (sent.to_tag, sent.from_tag) == (alice.last("SUBSCRIBE").from_tag, bob.last("200 SUBSCRIBE").to_tag)
    assert sent.headers.get("Event") == "message-summary"
    assert sent.headers.get("Subscription-State") == "active;expires=500"
    assert [(event.code, event.body) for event in requests(alice, "NOTIFY")] == [(200, "hello")]
    assert bob.events(events.ResponseReceived)[-1].code == 200


def test_who_waits_for_no_subscription_refuses_it(world, alice):
    carol = world.agent("carol")
    subscribe(world, alice, carol)
    assert alice.events(events.ResponseReceived)[0].code == 489
    assert requests(carol, "SUBSCRIBE")[0].code == 489
    world.run()
    assert alice.ua.idle and carol.ua.idle


def test_a_subscribe_without_event_is_489(world, alice, bob):
    subscribe(world, alice, bob, ("Expires", "600"))
    assert alice.events(events.ResponseReceived)[0].code == 489


def test_an_unsolicited_notify_is_481(world, alice, bob):
    notify(world, bob, alice, *EVENT, ("Subscription-State", "active"))
    assert bob.events(events.ResponseReceived)[0].code == 481


def test_a_second_subscribe_goes_in_the_same_dialog_and_moves_the_end(world, alice, bob):
    subscribe(world, alice, bob)
    world.run(500.0)
    subscribe(world, alice, bob)
    first, second = (message for message in alice.messages() if getattr(message, "method", "") == "SUBSCRIBE")
    assert second.call_id == first.call_id and second.to_tag and second.cseq.number == first.cseq.number + 1
    world.run(1099.0)
    assert "NOTIFY" not in bob.sent()
    world.run(1101.0)
    assert bob.sent_times("NOTIFY") == [1100.0]


def test_a_subscription_that_nobody_refreshes_ends_with_a_notify(world, alice, bob):
    subscribe(world, alice, bob)
    world.run()
    assert bob.sent_times("NOTIFY") == [600.0]
    assert bob.last("NOTIFY").headers.get("Subscription-State") == "terminated;reason=timeout"
    assert alice.ua.idle and bob.ua.idle


def test_expires_zero_ends_it_with_a_last_notify(world, alice, bob):
    subscribe(world, alice, bob)
    subscribe(world, alice, bob, *EVENT, ("Expires", "0"))
    assert bob.last("200 SUBSCRIBE").headers.get("Expires") == "0"
    assert bob.last("NOTIFY").headers.get("Subscription-State") == "terminated;reason=timeout"
    assert requests(alice, "NOTIFY")[0].code == 200
    world.run()
    assert alice.ua.idle and bob.ua.idle
    assert world.now < 60


def test_a_fetch_is_one_notify(world, alice, bob):
    subscribe(world, alice, bob, *EVENT, ("Expires", "0"))
    assert bob.sent() == ["200 SUBSCRIBE", "NOTIFY"]
    assert requests(alice, "NOTIFY")[0].code == 200


def test_a_notify_that_terminates_ends_it_on_both_sides(world, alice, bob):
    subscribe(world, alice, bob)
    notify(world, bob, alice, ("Subscription-State", "terminated;reason=noresource"))
    assert requests(alice, "NOTIFY")[0].code == 200
    notify(world, bob, alice, *EVENT, ("Subscription-State", "active"))
    assert bob.events(events.ResponseReceived)[-1].code == 481
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_a_notify_that_overtakes_the_answer_makes_the_dialog(world, alice, bob):
    world.drop = drop_first(1, "200 SUBSCRIBE")
    subscribe(world, alice, bob)
    notify(world, bob, alice)
    assert requests(alice, "NOTIFY")[0].code == 200
    world.run(1.0)
    assert alice.events(events.ResponseReceived)[0].code == 200
    subscribe(world, alice, bob, *EVENT, ("Expires", "0"))
    assert alice.events(events.ResponseReceived)[1].code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ("Event: x\r\nSubscription-State: active\r\n", 489),
        ("Event: message-summary\r\n", 400),
        ("Event: message-summary\r\nSubscription-State: active;expires=5\r\n", 200),
    ],
)
def test_a_notify_needs_the_event_of_its_subscription_and_a_state(world, alice, bob, headers, code):
    subscribe(world, alice, bob)
    asked, answer = alice.last("SUBSCRIBE"), bob.last("200 SUBSCRIBE")
    data = (
        f"NOTIFY {alice.uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{bob.address.port};branch=z9hG4bK1\r\n"
        f"From: {answer.headers.get('To')}\r\nTo: {asked.headers.get('From')}\r\nCall-ID: {asked.call_id}\r\n"
        f"CSeq: 1 NOTIFY\r\nMax-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n"
    )
    world.inject(data.encode(), bob.address, alice.address)
    world.settle()
    assert alice.sent()[-1] == f"{code} NOTIFY"
    assert requests(alice, "NOTIFY")[0].code == code


def test_a_subscription_that_nobody_answers_leaves_nothing(world, alice):
    alice.do("request", "SUBSCRIBE", target="sip:x@127.0.0.1:5999", headers=EVENT)
    world.run()
    assert alice.events(events.ResponseReceived)[0].code == 408
    assert alice.ua.idle


def test_a_refresh_that_meets_no_subscription_ends_it_here(world, alice, bob):
    subscribe(world, alice, bob)
    bob.ua._core.subscriptions.clear()
    subscribe(world, alice, bob)
    assert alice.events(events.ResponseReceived)[-1].code == 481
    assert not alice.ua._core.subscriptions


def test_closing_tells_the_subscribers(world, alice, bob):
    subscribe(world, alice, bob)
    bob.do("close")
    world.settle()
    assert bob.last("NOTIFY").headers.get("Subscription-State") == "terminated;reason=noresource"
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_a_subscribe_in_a_call_shares_its_dialog(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    alice.do("request", "SUBSCRIBE", call="c1", headers=EVENT)
    world.settle()
    assert bob.last("200 SUBSCRIBE").headers.get("Expires") == "3600"
    bob.do("request", "NOTIFY", call=incoming, headers=(*EVENT, ("Subscription-State", "active")))
    world.settle()
    assert requests(alice, "NOTIFY")[0].call == "c1"
    alice.do("modify", "c1", media(4400))
    world.settle()
    assert alice.story()[-1] == "CallModified"
