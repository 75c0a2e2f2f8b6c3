"""Writes starting inputs for the fuzz targets: `seeds.py OUT [CORPORA]` makes OUT/<target>/…

CORPORA is a folder with `rtp-aiortc` and `rtp-dtmf-pcap`; without it there are only the seeds made here.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

PCAP_HEADER = 24
RECORD_HEADER = 16
ETHERNET_IP_UDP = 14 + 20 + 8


def rtp(sequence: int, timestamp: int, payload_type: int, payload: bytes, marker: bool = False) -> bytes:
    """One RTP packet."""
    head = struct.pack("!BBHII", 0x80, marker << 7 | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 5)
    return head + payload


def datagrams(pcap: bytes) -> Iterator[bytes]:
    """UDP payloads of a little-endian capture of Ethernet and IPv4 without options."""
    at = PCAP_HEADER
    while at + RECORD_HEADER <= len(pcap):
        (length,) = struct.unpack_from("<I", pcap, at + 8)
        yield pcap[at + RECORD_HEADER + ETHERNET_IP_UDP : at + RECORD_HEADER + length]
        at += RECORD_HEADER + length


def event_records(packets: list[bytes]) -> bytes:
    """The packets of one capture as the receiver half of fuzz_dtmf_event reads them."""
    first = packets[0]
    records = bytearray(b"\0" + first[2:4] + first[4:8])
    for packet in packets:
        records += bytes([packet[1] & 0x80]) + packet[12:16]
    return bytes(records)


def jitter_steps(count: int) -> bytes:
    """A clean stream with a get after every put, as fuzz_jitter reads it."""
    return bytes([0, 0xFF, 0xF0, 0xFF, 0xFF, 0xFF, 0x00]) + bytes([0x07, 0x0E, 40]) * count


def playout_input(packets: list[bytes]) -> bytes:
    """Datagrams with a tick after each, as fuzz_playout reads them."""
    return b"".join(bytes([len(packet)]) + packet + b"\1" for packet in packets if len(packet) < 256)


def leg_steps(codec: int, secured: bool = False) -> bytes:
    """A leg with an ear, five packets, and a sender report about it, as fuzz_leg reads them."""
    keys = bytes([0x04, 0x12]) if secured else b""
    packets = b"".join(bytes([0x4C if secured else 0x0C, 0, 160, 1]) + bytes([n]) * 160 + b"\0" for n in range(5))
    report = bytes([0x42 if secured else 0x02, 0x08, 11]) + bytes(24) + b"\xaa" * 4 + bytes(21)
    return bytes([0x0F, codec, 0x23, 15]) + keys + packets + report + bytes([0x26, 0x05, 0, 7])


def seeds(corpora: Path | None) -> Iterator[tuple[str, str, bytes]]:
    """Target, name and bytes of every seed."""
    audio = [rtp(65530 + n, 160 * n, 0, bytes([n]) * 160) for n in range(12)]
    yield "fuzz_rtp", "plain", audio[0]
    yield (
        "fuzz_rtp",
        "extension",
        bytes([0xB1]) + audio[0][1:12] + bytes(4) + bytes.fromhex("bede000110aa0000") + b"\2\2",
    )
    yield "fuzz_rtcp", "report", bytes.fromhex("80c900010000000581ca0003000000050104666f6f6f0000")
    yield "fuzz_jitter", "clean", jitter_steps(20)
    yield "fuzz_jitter", "fixed", bytes([1]) + jitter_steps(20)[1:]
    yield "fuzz_playout", "clean", playout_input(audio)
    yield "fuzz_dtmf_event", "sender", bytes([1, 3, 1, 1, 18, 20, 0, 50, 30, 0, 0, 0, 0, 0, 0, 1])
    for codec in range(6):
        yield "fuzz_leg", f"plain-{codec}", leg_steps(codec)
        yield "fuzz_leg", f"secured-{codec}", leg_steps(codec, secured=True)
    if corpora is None:
        return
    for path in sorted((corpora / "rtp-aiortc").glob("*.bin")):
        yield ("fuzz_rtcp" if path.name.startswith("rtcp") else "fuzz_rtp"), path.name, path.read_bytes()
    for path in sorted((corpora / "rtp-dtmf-pcap").glob("*.pcap")):
        packets = [packet for packet in datagrams(path.read_bytes()) if len(packet) >= 16]
        if packets:
            yield "fuzz_dtmf_event", path.name, event_records(packets)
            yield "fuzz_playout", path.name, playout_input(packets)


def main() -> None:
    """Command line."""
    out = Path(sys.argv[1])
    corpora = Path(sys.argv[2]) if len(sys.argv) > 2 and Path(sys.argv[2]).is_dir() else None
    for target, name, data in seeds(corpora):
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
