"""Session timers: what is agreed, who refreshes, when, how, and what happens when nobody does (RFC 4028)."""

from __future__ import annotations

from typing import Any

import pytest

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.media_params import Direction
from sipflow.sip.config import METHODS, SessionTimerConfig
from sipflow.sip.message import Response, parse_message
from sipflow.sip.session_timer import SessionExpires, min_se
from tests.sip.pair import World, drop_first, media, talk

WITHOUT_UPDATE = tuple(method for method in METHODS if method != "UPDATE")


def timer(expires_s: int = 1800, refresher: str = "", min_se_s: int = 90) -> SessionTimerConfig:
    return SessionTimerConfig(expires_s, refresher, min_se_s)


def pair(world: World, caller: Any, callee: Any, **config: Any) -> tuple[Any, Any]:
    alice = world.agent("alice", session_timer=caller, **config)
    return alice, world.agent("bob", session_timer=callee, **config)


def agreed(agent: Any, message: str = "200 INVITE") -> str | None:
    value = agent.last(message).headers.get("Session-Expires")
    return value if value is None else str(value)


# --- what is agreed (section 9, table 2) ---


@pytest.mark.parametrize(
    ("caller", "callee", "request_value", "response_value"),
    [
        (timer(), timer(), "1800", "1800;refresher=uac"),
        (timer(refresher="local"), timer(), "1800;refresher=uac", "1800;refresher=uac"),
        (timer(refresher="remote"), timer(), "1800;refresher=uas", "1800;refresher=uas"),
        (timer(), timer(refresher="local"), "1800", "1800;refresher=uas"),
        (timer(), timer(refresher="remote"), "1800", "1800;refresher=uac"),
        (timer(refresher="local"), timer(refresher="local"), "1800;refresher=uac", "1800;refresher=uac"),
        (timer(1800), timer(600), "1800", "600;refresher=uac"),
        (timer(600), timer(1800), "600", "600;refresher=uac"),
        (timer(600, min_se_s=400), timer(120), "600", "400;refresher=uac"),
        (timer(), None, "1800", None),
        (None, timer(), None, "1800;refresher=uas"),
        (None, None, None, None),
    ],
)
def test_what_is_agreed(world, caller, callee, request_value, response_value):
    alice, bob = pair(world, caller, callee)
    talk(world, alice, bob)
    assert agreed(alice, "INVITE") == request_value
    assert agreed(bob) == response_value
    required = caller is not None and callee is not None
    assert (bob.last("200 INVITE").headers.get("Require") == "timer") is required
    assert ("timer" in alice.last("INVITE").headers.values("Supported")) is (caller is not None)


def test_too_short_a_session_is_refused_and_asked_for_again(world):
    alice, bob = pair(world, timer(100), timer(1800, min_se_s=300))
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    first, second = (message for message in alice.messages() if getattr(message, "method", "") == "INVITE")
    assert bob.sent() == ["422 INVITE"]
    assert bob.last("422 INVITE").headers.get("Min-SE") == "300"
    assert (second.headers.get("Session-Expires"), second.headers.get("Min-SE")) == ("300", "300")
    assert second.call_id == first.call_id and second.cseq.number == first.cseq.number + 1
    assert second.body == first.body
    assert alice.story() == ["CallPlaced"]
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert agreed(bob) == "300;refresher=uac"


def test_a_422_that_asks_for_no_more_rejects_the_call(world):
    alice = world.agent("alice", session_timer=timer(1800))
    alice.do("invite", "c1", "sip:x@127.0.0.1:5999", media())
    head = alice.last("INVITE").to_bytes().partition(b"\r\n")[2].partition(b"\r\nContact")[0]
    world.inject(b"SIP/2.0 422 No\r\n" + head + b"\r\nMin-SE: 90\r\n\r\n", alice.address, alice.address)
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 422


# --- refreshing ---


@pytest.mark.parametrize(("refresher", "who"), [("local", "alice"), ("remote", "bob")])
@pytest.mark.parametrize(("allow", "method"), [(METHODS, "UPDATE"), (WITHOUT_UPDATE, "INVITE")])
def test_the_refresher_refreshes_at_half_time_and_the_session_goes_on(world, refresher, who, allow, method):
    alice, bob = pair(world, timer(200, refresher), timer(200), allow=allow)
    talk(world, alice, bob)
    agent = alice if who == "alice" else bob
    other = bob if who == "alice" else alice
    world.run(1000.0)
    expected = [100.0 * count for count in range(1, 11)]
    assert [at for at in agent.sent_times(method) if at > 0] == expected
    assert [at for at in other.sent_times(method) if at > 0] == []
    assert agreed(agent, method) == "200;refresher=uac"
    assert not alice.events(events.CallEnded) and not alice.events(events.CallModified)
    assert len(agent.events(events.MediaNegotiated)) == 1
    alice.do("release", "c1")
    world.run()
    assert alice.ua.idle and bob.ua.idle
    assert world.now < 1100


def test_the_refresher_hangs_up_when_its_refresh_is_not_heard(world):
    alice, bob = pair(world, timer(90, "local"), timer(90))
    talk(world, alice, bob)
    world.drop = drop_first(1000, "UPDATE")
    world.run()
    assert alice.sent_times("UPDATE")[0] == 45.0
    assert alice.sent_times("BYE")[0] == 60.0
    assert alice.events(events.CallEnded) == [
        events.CallEnded("c1", "local", "timeout", "nobody refreshed the session")
    ]
    assert alice.ua.idle and bob.ua.idle


@pytest.mark.parametrize(("expires_s", "bye_at"), [(90, 60.0), (96, 64.0), (1800, 1768.0)])
def test_the_other_side_hangs_up_before_the_end_when_no_refresh_comes(world, expires_s, bye_at):
    """Section 10: the lesser of 32 s and a third of the interval before it expires."""
    alice, bob = pair(world, timer(expires_s, "local"), timer(expires_s))
    talk(world, alice, bob)
    world.agents.pop(alice.address[:2])
    world.run(bye_at + 1)
    assert bob.sent_times("BYE")[0] == bye_at
    assert bob.events(events.CallEnded)[0].cause == "timeout"


def test_a_reinvite_of_the_user_refreshes_too(world):
    alice, bob = pair(world, timer(200, "local"), timer(200))
    talk(world, alice, bob)
    world.run(50.0)
    alice.do("modify", "c1", media(4400))
    world.run(140.0)
    assert alice.sent_times("UPDATE") == []
    world.run(151.0)
    assert alice.sent_times("UPDATE") == [150.0]


def test_a_hold_of_the_user_waits_for_a_refresh_that_is_under_way(world):
    alice, bob = pair(world, timer(200, "local"), timer(200))
    talk(world, alice, bob)
    world.run(99.0)
    world.delay = 0.1
    world.run(100.05)
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    with pytest.raises(MisuseError):
        alice.do("modify", "c1", media(4000))
    world.run(101.0)
    assert [at for at in alice.sent_times("INVITE") if at] == [pytest.approx(100.2)]
    assert bob.story()[-1] == "CallHeld" and alice.story()[-1] == "CallModified"


def test_a_refresh_of_the_other_side_may_turn_the_roles_and_the_interval(world):
    alice, bob = pair(world, timer(1800, "local"), timer(1800))
    _, incoming = talk(world, alice, bob)
    headers = (("Session-Expires", "400;refresher=uac"), ("Supported", "timer"))
    bob.do("request", "UPDATE", call=incoming, headers=headers)
    world.settle()
    assert agreed(alice, "200 UPDATE") == "400;refresher=uac"
    world.run(999.0)
    assert alice.sent_times("UPDATE") == []
    assert bob.sent_times("UPDATE") == [0.0, 200.0, 400.0, 600.0, 800.0]


def test_too_short_an_update_is_422(world):
    alice, bob = pair(world, timer(1800), timer(1800, min_se_s=300))
    talk(world, alice, bob)
    headers = (("Session-Expires", "200"), ("Supported", "timer"))
    alice.do("request", "UPDATE", call="c1", headers=headers)
    world.settle()
    assert alice.events(events.ResponseReceived)[-1].code == 422
    assert bob.last("422 UPDATE").headers.get("Min-SE") == "300"


def test_an_answer_without_session_expires_ends_the_timer(world):
    alice, bob = pair(world, timer(200, "local"), None)
    talk(world, alice, bob)
    world.run(2000.0)
    assert alice.sent() == ["INVITE", "ACK"]
    assert alice.ua.next_deadline() is None


def test_who_has_no_timer_refuses_what_requires_one(world):
    alice, bob = pair(world, timer(), None)
    alice.do("invite", "c1", bob.uri, media(), headers=(("Require", "timer"),))
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 420


# --- values ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1800", SessionExpires(1800)),
        (" 90 ; Refresher=UAC", SessionExpires(90, "uac")),
        ("4000;refresher=uas;x=y", SessionExpires(4000, "uas")),
        ("90;refresher=me", SessionExpires(90)),
        ("90;;", SessionExpires(90)),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("99999999999", None),
    ],
)
def test_session_expires_is_read(text, value):
    for name in ("Session-Expires", "x"):
        message = parse_message(
            b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
            b"Call-ID: c\r\nCSeq: 1 INVITE\r\n" + f"{name}: {text}\r\n\r\n".encode()
        )
        assert isinstance(message, Response)
        assert SessionExpires.of(message) == value
        assert min_se(message) == 90
