"""Messages from the wire, broken in every way: whoever reads them goes on, and nothing is left behind.

`bench/fuzz_sip.py` is the same with every value of every byte, and with a million mutated messages.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from sipflow.sip.message import MessageError, parse_message
from tests.sip.mutations import mutate
from tests.sip.prey import Prey

CAPTURED = {path.stem: path.read_bytes() for path in sorted(Path(__file__).with_name("captured").glob("*.sip"))}
SLOW = bool(os.environ.get("SIPFLOW_SLOW"))
MUTATED = 200_000 if SLOW else 4_000

each_message = pytest.mark.parametrize("name", CAPTURED)


def survives(data: bytes) -> None:
    """A message all of whose views can be had and that is written as it is read, or a MessageError."""
    try:
        message = parse_message(data)
    except MessageError as error:
        assert error.status_code in (None, 400, 505, 513)
        return
    assert message.via.branch == message.branch
    assert (message.from_.tag or "", message.to.tag or "") == (message.from_tag, message.to_tag)
    assert message.call_id
    assert parse_message(message.to_bytes()).to_bytes() == message.to_bytes()


def test_there_are_fifty() -> None:
    """From five programs, whole and valid."""
    assert len(CAPTURED) == 50
    assert {name.partition("-")[0] for name in CAPTURED} == {"baresip", "jssip", "kamailio", "sipflow", "sipp"}
    for data in CAPTURED.values():
        assert parse_message(data).to_bytes(fix_content_length=False) == data


@each_message
def test_a_message_cut_at_each_byte(name: str) -> None:
    data, prey = CAPTURED[name], Prey()
    for length in range(len(data)):
        survives(data[:length])
        prey.take(data[:length])
    prey.rest()


@each_message
def test_a_message_with_each_byte_changed(name: str) -> None:
    """To another value each, chosen by chance; to every other value with SIPFLOW_SLOW=1."""
    data, prey, chance = CAPTURED[name], Prey(), random.Random(name)
    for position in range(len(data)):
        for byte in range(256) if SLOW else (chance.randrange(256),):
            damaged = data[:position] + bytes([byte]) + data[position + 1 :]
            survives(damaged)
            prey.take(damaged)
    prey.rest()


@pytest.mark.parametrize("seed", range(5))
def test_mutated_messages(seed: int) -> None:
    prey, chance, originals = Prey(seed), random.Random(seed), list(CAPTURED.values())
    for _ in range(MUTATED // 5):
        prey.take(mutate(chance, chance.choice(originals), originals))
    prey.rest()


def test_the_same_seed_gives_the_same_messages() -> None:
    originals = list(CAPTURED.values())
    first, again = random.Random(7), random.Random(7)
    assert [mutate(first, originals[0], originals) for _ in range(50)] == [
        mutate(again, originals[0], originals) for _ in range(50)
    ]
