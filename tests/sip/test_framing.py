"""Messages out of a stream, for every way to cut it."""

from __future__ import annotations

import random

import pytest

from sipflow.sip.framing import MAX_HEAD, PING, Framer, FramingError

ONE = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nhello"
TWO = b"MESSAGE sip:b SIP/2.0\r\nl:4\r\nX: y\r\n\r\n\r\n\r\n"
THREE = b"SIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n"
STREAM = ONE + TWO + PING + THREE + b"\r\n" + ONE


def units(framer: Framer, *chunks: bytes) -> list[bytes]:
    return [unit for chunk in chunks for unit in framer.feed(chunk)]


WHOLE = [ONE, TWO, PING, THREE, b"\r\n", ONE]


def test_one_piece() -> None:
    framer = Framer()
    assert units(framer, STREAM) == WHOLE and not framer.in_message


@pytest.mark.parametrize("at", range(1, len(STREAM)))
def test_every_cut_into_two(at: int) -> None:
    assert units(Framer(), STREAM[:at], STREAM[at:]) == WHOLE


def test_byte_by_byte() -> None:
    assert units(Framer(), *(STREAM[at : at + 1] for at in range(len(STREAM)))) == WHOLE


def test_a_thousand_random_cuts() -> None:
    chance = random.Random(1)
    for _ in range(1000):
        cuts = sorted(chance.sample(range(1, len(STREAM)), chance.randint(1, 12)))
        chunks = [STREAM[start:end] for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
        assert units(Framer(), *chunks) == WHOLE


def test_a_lone_line_end_is_a_pong_for_who_asked() -> None:
    framer = Framer()
    assert units(framer, b"\r\n") == [] and framer.take_pong() and not framer.take_pong()
    assert units(framer, ONE) == [ONE]


def test_a_message_that_has_begun_is_known() -> None:
    framer = Framer()
    assert not framer.in_message
    assert units(framer, b"\r\n" + ONE[:30]) == [b"\r\n"] and framer.in_message


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (MAX_HEAD + 1),
        b"A b SIP/2.0\r\nContent-Length: nine\r\n\r\n",
        b"A b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"A b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\n",
        b"A b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n",
        b"A b SIP/2.0\r\nContent-Length: 9999999999999\r\n\r\n",
    ],
)
def test_what_cannot_be_framed_ends_the_stream(data: bytes) -> None:
    with pytest.raises(FramingError):
        units(Framer(), data)


def test_a_head_that_never_ends_costs_linear_time() -> None:
    framer = Framer()
    with pytest.raises(FramingError):
        for _ in range(MAX_HEAD + 2):
            units(framer, b"x")
