"""Registering with nobody, registrars, TLS, and what is not said where rules are broken."""

from __future__ import annotations

import pytest

from tests.lang.checks.said import Severity, codes, notes, only, words

PBX = "agent pbx { registrar }\nagent alice { proxy pbx }\n"
AND_BOB = "\non bob: answer; expect hangup\n"

# --- who is registered with whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["register", "unregister", "unregister all", 'register contact "sip:x@192.0.2.1"']
)
def test_who_names_no_registrar_has_nobody_to_register_with(statement: str) -> None:
    text = f"on alice: {statement}\n"
    assert words(text, only(text, "SF328")) == statement


def test_a_setting_that_registers_needs_a_registrar_too() -> None:
    text = "agent alice { register every 5m }\non alice: expect registered\n"
    assert words(text, only(text, "SF328")) == "5m"


def test_a_registration_in_a_definition_is_told_with_the_call_of_it() -> None:
    text = "define enrol() { register }\non alice: enrol()\n"
    assert notes(text, only(text, "SF328")) == ["enrol()"]


@pytest.mark.parametrize(
    "text",
    [
        PBX + "on alice: register; expect registered; unregister; expect unregistered\n",
        'agent alice { proxy "sip:10.0.0.1" }\non alice: register\n',
        'agent alice { uri "sip:alice@example.com" }\non alice: register\n',
        "agent pbx { registrar }\non alice: register\n",
        PBX + "on alice: register else recover\non alice: expect registered\n",
        "agent pbx { registrar }\nagent alice { proxy pbx; register every 60s }\non alice: expect registered\n",
        'agent pbx = "sip:pbx.example.com"\nagent alice { proxy pbx }\non alice: register\n',
        'import "missing.sflow"\non alice: register\n',
    ],
)
def test_who_names_a_registrar_may_register(text: str) -> None:
    assert set(codes(text)) <= {"SF229"}


@pytest.mark.parametrize(
    "statement",
    ["expect registered", "expect unregistered within 1s", "choose { hangup => end; registered => log 1 }"],
)
def test_who_never_registers_waits_in_vain_for_it(statement: str) -> None:
    found = only(f"{PBX}on alice: call bob; {statement}{AND_BOB}", "SF329")
    assert found.severity is Severity.WARNING


def test_who_provides_for_it_may_wait_for_a_registration_that_never_comes() -> None:
    assert codes(f"{PBX}on alice: expect registered within 1s else recover\n") == []


# --- registrars ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["call bob", "answer", "expect call", "register", "send options to bob"])
def test_a_registrar_does_nothing_that_only_a_phone_does(statement: str) -> None:
    found = codes(f"agent pbx {{ registrar }}\non pbx: {statement}\non bob: wait 1s\n")
    assert "SF330" in found


def test_the_lane_of_a_registrar_may_wait_and_meet_others() -> None:
    text = 'on pbx: await done; log "all registered"; wait 1s\non alice: register; signal done\n'
    assert codes(PBX + text) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("registrar", []),
        ('listen udp "127.0.0.1:5060"; registrar', []),
        ('listen udp "[::1]:5060"; registrar {}', []),
        ('listen tcp ":5060"; registrar', []),
        ('listen udp "0.0.0.0:5060"; registrar { realm "r" }', ["SF331"]),
        ('listen udp "127.0.0.1"; listen tcp "192.0.2.1:5060"; registrar', ["SF331"]),
        ('listen udp "192.0.2.1:5060"; registrar { user "u" password env.P }', []),
        ('listen udp "0.0.0.0:5060"', []),
    ],
)
def test_a_registrar_that_others_reach_asks_who_they_are(settings: str, said: list[str]) -> None:
    assert codes(f"agent pbx {{ {settings} }}\nagent alice {{ proxy pbx }}\non alice: register\n") == said


# --- TLS and session timers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("listen tls", ["SF236"]),
        ('listen udp; listen wss "127.0.0.1:8443"', ["SF236"]),
        ('listen tls; tls { ca "ca.pem" }', ["SF236"]),
        ('tls { key "a.key" }', ["SF236"]),
        ('listen tls; tls { certificate "a.pem"; client certificate required }', ["SF236"]),
        ('listen tls; tls { certificate "a.pem" }', []),
        ("listen ws; listen tcp", []),
        ('tls { ca "ca.pem"; name "pbx"; certificate "a.pem"; key "a.key" }', []),
        ("tls { verify off }", []),
        ("session timer 90s", []),
        ("session timer 89s", ["SF235"]),
        ("session timer 30m min 1m", ["SF235"]),
        ("session timer 2m min 3m", ["SF235"]),
        ("session timer patience", []),
    ],
)
def test_settings_that_could_never_work(settings: str, said: list[str]) -> None:
    text = f"let patience = 10s\nagent alice {{ {settings} }}\non alice: call bob; wait patience; release{AND_BOB}"
    assert codes(text) == said


# --- nothing is said of what broken rules may lead to --------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'on alice: call bob with { remove header "Contact" }; expect hangup\non bob: answer; expect hangup\n',
        "on alice: call bob; expect hangup\non bob: expect call; respond 180; respond 200; wait 1s\n",
        'on alice: call bob; expect hangup\non bob: answer; send raw "BYE sip:x SIP/2.0"\n',
        "on alice: dial bob; expect rejected 486\non bob: expect call; respond 486\n",
        "on alice: call bob; release\non bob: answer; expect hangup; respond 200 to BYE\n",
        "on alice: call bob with { no ack }; expect hangup\non bob: answer else recover\n",
        "agent bob { session timer 90s }\non alice: call bob; expect hangup\non bob: answer; expect hangup\n",
        'agent b { challenge realm "r" user "u" password "p" }\non a: dial b; expect rejected 401\non b: wait 1s\n',
        "on alice: call bob; expect call; release\n" + PBX + "on bob: answer; expect hangup\n",
    ],
)
def test_what_broken_rules_servers_and_timers_lead_to_is_not_judged(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize("statement", ["respond 200", "respond 200 to BYE", 'send raw "x"', "send update"])
def test_what_is_sent_in_a_call_needs_one(statement: str) -> None:
    assert codes(f"on alice: {statement}; call bob; release{AND_BOB}") == ["SF301"]


def test_a_raw_message_to_somebody_needs_no_call() -> None:
    assert codes(f'on alice: send raw "x" to bob; call bob; release{AND_BOB}') == []
