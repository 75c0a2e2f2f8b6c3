"""Messages broken by chance, in the ways in which messages break and in those that break parsers.

Everything follows from one `random.Random`: the same seed gives the same messages.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
"""Takes chance, a message, and the others that pieces may come from."""

SPECIAL = (
    *(b"", b"\0", b"\r", b"\r\n", b"\n", b"\r\n\r\n", b"\r\n ", b"\t", b" ", b'"', b"\\", b"<", b">", b";", b","),
    *(b":", b"=", b"@", b"[", b"]", b"%00", b"%", b"*", b"?", b"\xff\xfe", b"\xc3", b"-1", b"0", b"65536"),
    *(b"4294967296", b"99999999999999999999", b"SIP/2.0", b"SIP/7.0", b"sip:", b"sips:", b"tel:+1", b"z9hG4bK"),
    *(b";tag=", b";branch=", b";rport", b";lr", b";maddr=[::1]", b"multipart/mixed;boundary=x", b"application/sdp"),
    *("ß".encode(), b"--x", b"A" * 300),
)  # fmt: skip
"""What is put in where it does not belong."""


def mutate(chance: random.Random, message: bytes, others: Sequence[bytes]) -> bytes:
    """The message with one to four mutations."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        message = chance.choice(MUTATIONS)(chance, message, others)
    return message[:65_600]


def _place(chance: random.Random, message: bytes) -> int:
    return chance.randrange(len(message) + 1)


def change_byte(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """One byte is another one."""
    at = _place(chance, message)
    return message[:at] + bytes([chance.randrange(256)]) + message[at + 1 :]


def flip_bit(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """One bit is the other one."""
    at = chance.randrange(len(message)) if message else 0
    return message[:at] + bytes([byte ^ 1 << chance.randrange(8) for byte in message[at : at + 1]]) + message[at + 1 :]


def cut(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """The end is missing."""
    return message[: _place(chance, message)]


def leave_out(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """A piece is missing."""
    at = _place(chance, message)
    return message[:at] + message[at + chance.randrange(1, 40) :]


def repeat(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """A piece comes again and again."""
    at = _place(chance, message)
    return message[:at] + message[at : at + chance.randrange(1, 40)] * chance.choice((2, 2, 3, 50)) + message[at:]


def put_in(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """Something special stands where it does not belong."""
    at = _place(chance, message)
    return message[:at] + chance.choice(SPECIAL) + message[at + chance.choice((0, 0, 1, 5)) :]


def swap_lines(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """Two lines have changed places."""
    lines = message.split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def take_line(chance: random.Random, message: bytes, others: Sequence[bytes]) -> bytes:
    """A line of another message takes the place of one, or comes in between."""
    lines = message.split(b"\r\n")
    at = chance.randrange(len(lines))
    lines[at : at + chance.randrange(2)] = [chance.choice(chance.choice(others).split(b"\r\n"))]
    return b"\r\n".join(lines)


def change_number(chance: random.Random, message: bytes, _others: Sequence[bytes]) -> bytes:
    """A number is another one: lengths, ports, sequence numbers, codes."""
    starts = [at for at, byte in enumerate(message) if 48 <= byte <= 57]
    if not starts:
        return message
    at = end = chance.choice(starts)
    while end < len(message) and 48 <= message[end] <= 57:
        end += 1
    number = chance.choice((0, 1, -1, 255, 65_535, 65_536, 2**31, 2**32 - 1, 2**64, 10**30, chance.randrange(1000)))
    return message[:at] + str(number).encode() + message[end:]


def splice(chance: random.Random, message: bytes, others: Sequence[bytes]) -> bytes:
    """The beginning of this one and the end of another."""
    other = chance.choice(others)
    return message[: _place(chance, message)] + other[_place(chance, other) :]


MUTATIONS: tuple[Mutation, ...] = (
    *(change_byte, flip_bit, cut, leave_out, repeat, put_in, put_in, swap_lines, take_line, change_number, splice),
)
