"""A secret is found however it is written, and a record keeps its shape without it."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow import events
from sipflow.events import Payload, Record
from sipflow.ir.expr import escape
from sipflow.redaction import Redactor

SECRET = 'hunter2 "\\$ü/@'


def redactor(*secrets: str) -> Redactor:
    knowing = Redactor()
    for secret in secrets:
        knowing.add(secret)
    return knowing


def cleaned(payload: Payload, *secrets: str) -> Payload:
    return redactor(*secrets).record(Record(1.0, "alice", "alice-1", "alice.1", 3, payload)).event


def test_without_secrets_nothing_changes() -> None:
    record = Record(1.0, "alice", "alice-1", "alice.1", 3, events.Logged("hello"))
    assert Redactor().record(record) is record
    assert redactor("", "  ").record(record) is record


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.upper(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        escape(SECRET),
        SECRET.replace("\\", "\\\\").replace('"', '\\"'),
        json.dumps(SECRET)[1:-1],
        repr(SECRET)[1:-1],
        SECRET.replace(" ", "  "),
        SECRET.replace("2", "%32"),
    ],
)
def test_a_secret_is_found_however_it_is_written(written: str) -> None:
    assert redactor(SECRET).text(f"<{written}>") == "<***>"


@given(st.text(min_size=1).filter(str.strip), st.text(), st.text())
def test_no_text_has_a_secret_after_redaction(secret: str, before: str, after: str) -> None:
    knowing = redactor(secret)
    written = before + secret + after
    found = knowing.text(written, mark="\0")
    assert secret.strip() not in found or "\0" in secret
    assert len(knowing.masked(written)) == len(written)


@given(st.text(min_size=1).filter(str.strip))
def test_no_percent_encoding_hides_a_secret(secret: str) -> None:
    try:
        encoded = quote(secret.strip(), safe="")
    except UnicodeEncodeError:
        return
    assert redactor(secret).text(encoded, mark="-") == "-"


def test_the_longer_of_two_secrets_is_taken_out_first() -> None:
    assert redactor("hunter", "hunter2").text("hunter2 hunter") == "*** ***"


def test_white_space_around_a_secret_is_none_of_it() -> None:
    assert redactor(" hunter2\n").text("X-Token: hunter2") == "X-Token: ***"


def test_digits_are_found_as_the_number_that_they_are() -> None:
    assert redactor("0042").text("0042 42 7") == "*** *** 7"


def test_masked_text_keeps_its_columns() -> None:
    assert redactor("hunter2").masked('log secret "hunter2" else end') == 'log secret "*******" else end'


def test_texts_bytes_tuples_and_dicts_of_a_record_are_clean_and_its_structure_stays() -> None:
    payload = events.RequestReceived("alice-1", "INFO", (("X-Id", "a hunter2"), ("Y", "y")), "b hunter2", 200)
    assert cleaned(payload, "hunter2", "alice") == events.RequestReceived(
        "alice-1", "INFO", (("X-Id", "a ***"), ("Y", "y")), "b ***", 200
    )
    measured = events.MediaMeasured("alice-1", {"codec": "hunter2", "lost": 3})
    assert cleaned(measured, "hunter2") == events.MediaMeasured("alice-1", {"codec": "***", "lost": 3})
    taken_over = events.CallTransferred("alice-1", "alice-2")
    assert cleaned(taken_over, "alice-2") == taken_over
    record = redactor("alice").record(Record(1.0, "alice", "alice-1", "alice.1", 3, events.Logged("alice")))
    assert record == Record(1.0, "alice", "alice-1", "alice.1", 3, events.Logged("***"))


def test_a_message_says_that_something_was_taken_out_of_it() -> None:
    data = b"MESSAGE sip:x SIP/2.0\r\nContent-Length: 7\r\n\r\nhunter2"
    sent = cleaned(events.SipSent(None, data, ("127.0.0.1", 5060)), "hunter2")
    assert sent == events.SipSent(None, data.replace(b"hunter2", b"***"), ("127.0.0.1", 5060), redacted=True)
    other = events.SipReceived(None, b"\xff\xfe not text", ("127.0.0.1", 5060))
    assert cleaned(other, "hunter2") == other


def test_with_a_secret_of_digits_no_digit_of_any_call_is_shown() -> None:
    assert cleaned(events.DtmfReceived("bob-1", "1", 60), "1234") == events.DtmfReceived("bob-1", "*", 60)
    sent = events.DigitSent("bob-1", "1", 60, "info")
    assert cleaned(sent, "1234") == events.DigitSent("bob-1", "*", 60, "info")
    assert cleaned(events.DtmfSent("bob-1", 3, "12", True), "1234#") == events.DtmfSent("bob-1", 3, "*", True)
    assert cleaned(events.NodeSucceeded('dtmf "12" at 1.000 s'), "1234") == events.NodeSucceeded('dtmf "*" at 1.000 s')
    info = b"INFO sip:x SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=1\r\nDuration=100\r\n"
    assert b"Signal" not in cleaned(events.SipSent(None, info, ("h", 1)), "1234").data  # type: ignore[attr-defined]
    received = events.RequestReceived("bob-1", "INFO", (("Content-Type", "application/dtmf-relay"),), "Signal=1", 200)
    assert cleaned(received, "1234").body == "*"  # type: ignore[attr-defined]


def test_digits_are_shown_as_long_as_no_secret_consists_of_them() -> None:
    digit = events.DtmfReceived("bob-1", "1", 60)
    assert cleaned(digit, "hunter2") == digit


def test_every_event_can_be_redacted() -> None:
    """A new event with a field that cannot be replaced would break the first run with a secret."""
    for kind in Payload.__subclasses__():
        fields = {field.name: "hunter2" for field in dataclasses.fields(kind)}
        clean = cleaned(kind(**fields), "hunter2")
        assert type(clean) is kind


KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 Inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
JOINED_BY = {
    "call",
    "lane",
    "failed_node",
    "source",
    "via",
    "by",
    "cause",
    "kind",
    "code",
    "level",
    "verdict",
    "wallclock",
}


def test_a_key_is_found_in_every_text_of_every_event_though_nobody_declared_a_secret() -> None:
    """Most events are passed on after a quick look, which must not pass a field over."""
    for kind in Payload.__subclasses__():
        for field in dataclasses.fields(kind):
            if field.type not in ("str", "str | None", "bytes") or field.name in JOINED_BY:
                continue
            secret: str | bytes = KEY.encode() if field.type == "bytes" else KEY
            texts = {other.name: None for other in dataclasses.fields(kind)} | {field.name: secret}
            is_call = (kind, field.name) in ((events.CallIncoming, "replaces"), (events.CallTransferred, "to"))
            assert ("WVNf" in repr(cleaned(kind(**texts)))) == is_call, (kind, field.name)
