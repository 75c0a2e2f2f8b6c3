"""`register`, `unregister` and `expect registered`, with the test in the place of the registrar."""

from __future__ import annotations

import pytest

from sipflow.events import CommandFailed, Payload, Registered, RegistrationFailed, Unregistered
from sipflow.flow.commands import RegisterAgent, UnregisterAgent
from tests.flow.play import Play

AGENT = 'agent alice { uri "sip:alice@sip.test"%s }\n'
WRONG_PASSWORD = 'Unauthorized (realm "sip.test" does not accept the password of "alice")'


def play(lane: str, settings: str = "") -> Play:
    return Play(f"{AGENT % settings}on alice {{ {lane} }}\n")


def registered(request: int, expires_s: int = 300) -> Registered:
    return Registered(request, ("sip:alice@127.0.0.1:5060",), expires_s)


def failure(played: Play) -> str:
    result = played.result("alice")
    assert result.failure is not None
    return f"{result.failure.failure.expected}: {result.failure.failure.got}"


def test_register_sends_what_it_says_and_waits_for_the_registrar() -> None:
    played = play('register for 5m contact "sip:a@10.0.0.1" contact "sip:b@10.0.0.2" with { header "X-Line" = "2" }')
    command = played.take(RegisterAgent)
    assert (command.expires_s, command.contacts) == (300.0, ("sip:a@10.0.0.1", "sip:b@10.0.0.2"))
    assert command.message.headers == (("X-Line", "2"),)
    played.feed("alice", registered(command.token), at=0.5)
    assert played.result("alice").passed and played.told() == ["registered for 300 s at 0.500 s"]


def test_unregister_tells_whether_all_contacts_are_meant() -> None:
    played = play("unregister; unregister all")
    for everything in (False, True):
        command = played.take(UnregisterAgent)
        assert command.all is everything
        played.feed("alice", Unregistered(command.token))
    assert played.result("alice").passed


def test_a_refusal_is_the_verdict_at_once() -> None:
    played = play("register")
    token = played.take(RegisterAgent).token
    played.feed("alice", RegistrationFailed(token, 401, WRONG_PASSWORD), at=0.25)
    assert failure(played) == f"the registration to be accepted: 401 {WRONG_PASSWORD} at 0.250 s"


def test_else_takes_a_refusal_over() -> None:
    played = play('register else { log "refused"; recover }; register')
    played.feed("alice", RegistrationFailed(played.take(RegisterAgent).token, 403, "Forbidden"))
    assert played.logged() == ["refused"]
    played.feed("alice", registered(played.take(RegisterAgent).token))
    assert played.result("alice").passed


def test_what_cannot_be_sent_fails() -> None:
    played = play("register")
    played.feed("alice", CommandFailed("", played.take(RegisterAgent).token, "no URI"))
    assert failure(played) == "the registration to be accepted: no URI"


def test_nobody_answers_in_time() -> None:
    played = play("register within 2s")
    played.pass_time(2.0)
    assert failure(played) == "the registration to be accepted: nothing came within 2 s"


def test_what_register_waited_for_is_there_for_the_next_expect_and_the_refresh_for_the_one_after() -> None:
    played = play("register for 10s; expect registered; expect registered; unregister; expect unregistered")
    played.feed("alice", registered(played.take(RegisterAgent).token, 10))
    assert not played.has(UnregisterAgent)
    played.feed("alice", registered(0, 10), at=8.0)
    played.feed("alice", Unregistered(played.take(UnregisterAgent).token))
    assert played.result("alice").passed


def test_expect_sees_what_the_settings_caused() -> None:
    played = play("expect registered", "; register every 300s")
    played.feed("alice", registered(0))
    assert played.result("alice").passed


@pytest.mark.parametrize("event", ["registered", "unregistered"])
def test_expect_fails_at_once_when_the_registrar_refuses(event: str) -> None:
    played = play(f"expect {event}", "; register every 300s")
    played.feed("alice", RegistrationFailed(0, 503, "Service Unavailable"), at=1.0)
    assert failure(played) == f"{event}: 503 Service Unavailable at 1.000 s"


def test_a_refusal_before_a_success_is_forgotten_and_one_behind_it_is_not() -> None:
    played = play("wait 5s; expect registered; expect registered", "; register every 300s")
    refused = RegistrationFailed(0, 500, "Server Error")
    story: tuple[tuple[float, Payload], ...] = ((1.0, refused), (2.0, registered(0)), (3.0, refused))
    for at, payload in story:
        played.feed("alice", payload, at=at)
    played.pass_time(5.0)
    assert failure(played) == "registered: 500 Server Error at 3.000 s"


def test_choose_takes_the_arm_of_what_comes() -> None:
    program = 'choose { registered => log "in"\nunregistered => log "out" }'
    played = play(program, "; register every 300s")
    played.feed("alice", Unregistered(0))
    assert played.logged() == ["out"] and played.result("alice").passed


def test_another_lane_of_the_agent_may_expect_it() -> None:
    played = Play(AGENT % "" + "on alice: register\non alice: expect registered\n")
    played.feed("alice", registered(played.take(RegisterAgent).token))
    assert all(result.passed for result in played.scenario.results())
