"""Messages of other RFCs' flows, and inputs that once crashed another stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipflow.sip.message import parse_message
from tests.pace import at_most
from tests.sip.test_damaged_messages import survives
from tests.sip.torture.messages import CORPORA, names, needs_corpora, rfc4475

pytestmark = needs_corpora


@pytest.mark.parametrize("name", sorted(names("sip-rfc4475")))
def test_a_torture_message_cut_at_each_byte(name: str) -> None:
    data = rfc4475(name)
    for length in range(len(data)):
        survives(data[:length])


@pytest.mark.parametrize("name", ["wsinv", "intmeth", "unreason"])
@pytest.mark.parametrize("byte", [0x00, 0x0A, 0x0D, 0x20, 0x22, 0x2C, 0x3A, 0x3B, 0x3C, 0x80, 0xFF])
def test_a_torture_message_with_each_byte_changed(name: str, byte: int) -> None:
    data = rfc4475(name)
    for position in range(len(data)):
        survives(data[:position] + bytes([byte]) + data[position + 1 :])


@pytest.mark.parametrize("path", sorted((CORPORA / "sip-fuzz-seeds").glob("*")), ids=lambda path: path.name)
def test_inputs_that_crashed_another_stack(path: Path) -> None:
    survives(path.read_bytes())


def flows() -> list[Path]:
    """RFC 5626 prints some of its flows without Via; those are no messages."""
    return [path for path in sorted((CORPORA / "sip-flows-yaml").glob("*/*.yaml")) if "Via:" in path.read_text()]


@pytest.mark.parametrize("path", flows(), ids=lambda path: path.stem)
def test_flows_of_the_rfcs(path: Path) -> None:
    """Messages of RFC 3665 and others, written as YAML block scalars."""
    blocks = path.read_text().split("- |+\n")[1:]
    for block in blocks:
        lines = [line[2:] for line in block.split("\n")]
        head, _, body = "\r\n".join(lines).partition("\r\n\r\n")
        message = parse_message((head + "\r\n\r\n" + body + "\r\n" * 4).encode())
        assert message.via.host
        assert message.from_.uri.startswith("sip")


def test_hostile_messages_take_no_time() -> None:
    start = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
    fills = [b"\r\n" * 32_000, b" \r\n" * 20_000, b"a:\r\n" * 16_000, b"X: " + b"\r\n " * 20_000, b"\n" * 64_000]
    with at_most(5.0):
        for fill in fills:
            survives((start.encode() + fill)[:65_536])
            survives((start.encode() + b"To: " + fill)[:65_536])
            survives(fill)
