"""Digits by INFO, and one key that comes by two ways."""

from __future__ import annotations

import pytest

from sipflow.events import DtmfReceived, RequestReceived
from sipflow.runtime.digits import DigitMerger, digit_of, info_body


def info(kind: str, body: str, *, method: str = "INFO", call: str | None = "a-1") -> RequestReceived:
    return RequestReceived(call, method, (("Content-Type", kind),), body, 200)


@pytest.mark.parametrize(
    ("kind", "body", "digit", "duration_ms"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5", 160),
        ("Application/DTMF-Relay; charset=utf-8", "signal= # \nduration = 90", "#", 90),
        ("application/dtmf-relay", "Signal=11\r\n", "#", 0),
        ("application/dtmf-relay", "Signal=d\r\nDuration=x", "D", 0),
        ("application/dtmf", "9", "9", 0),
        ("application/dtmf", "10\r\n", "*", 0),
    ],
)
def test_both_forms_are_read(kind: str, body: str, digit: str, duration_ms: int) -> None:
    assert digit_of(info(kind, body)) == DtmfReceived("a-1", digit, duration_ms, "info")


@pytest.mark.parametrize(
    "request_",
    [
        info("application/dtmf-relay", "Signal=hookflash"),
        info("application/dtmf-relay", ""),
        info("application/dtmf", "16"),
        info("application/sdp", "Signal=5"),
        info("application/dtmf", "5", method="MESSAGE"),
        info("application/dtmf", "5", call=None),
        RequestReceived("a-1", "INFO", (), "Signal=5", 200),
        info("application/dtmf-relay", "Signal=" + "9" * 100_000),
    ],
)
def test_what_carries_no_digit(request_: RequestReceived) -> None:
    assert digit_of(request_) is None


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_what_is_written_is_read(digit: str) -> None:
    assert digit_of(info("application/dtmf-relay", info_body(digit, 99.6))) == DtmfReceived("a-1", digit, 100, "info")


def told(*digits: tuple[float, str, str]) -> str:
    merger = DigitMerger()
    return "".join(digit for at, digit, via in digits if merger.admit(DtmfReceived("a-1", digit, 100, via), at))


def test_a_key_that_comes_by_two_ways_is_one() -> None:
    assert told((1.0, "1", "rfc4733"), (1.06, "1", "inband")) == "1"
    assert told((1.0, "1", "inband"), (1.3, "1", "rfc4733"), (1.4, "1", "inband"), (1.5, "1", "rfc4733")) == "11"


def test_two_keys_by_one_way_are_two() -> None:
    assert told((1.0, "1", "rfc4733"), (1.2, "1", "rfc4733"), (1.25, "1", "inband"), (1.3, "1", "inband")) == "11"
    assert told((1.0, "1", "inband"), (1.2, "2", "rfc4733"), (3.0, "1", "rfc4733")) == "121"


def test_calls_have_nothing_to_do_with_each_other() -> None:
    merger = DigitMerger()
    assert merger.admit(DtmfReceived("a-1", "1", 100, "inband"), 1.0)
    assert merger.admit(DtmfReceived("a-2", "1", 100, "rfc4733"), 1.0)
    merger.forget("a-1")
    assert merger.admit(DtmfReceived("a-1", "1", 100, "rfc4733"), 1.1)
