"""Packet captures that are played: every payload as it stands, at its time, whatever stands around it in the file."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sipflow.errors import MediaError
from sipflow.media import MediaInfo, MediaLibrary
from sipflow.media.captures import read_capture
from sipflow.media_params import ANY_CODEC, RtpFormat
from tests.media.stepped import STORE
from tests.media.test_passed import AMR, G729, GSM, sent

PCMA, PCMU = RtpFormat("PCMA", 8), RtpFormat("PCMU", 0)
SIPP = Path("/usr/share/sip-tester/g711a.pcap")
Packet = tuple[float, bytes]
"""When it was captured, in seconds, and the RTP packet."""


def rtp(
    payloads: list[bytes],
    step: int = 160,
    *,
    payload_type: int = 3,
    first: int = 65530,
    timestamp: int = 2**32 - 500,
    ssrc: int = 7,
) -> list[Packet]:
    """A stream whose sequence number and timestamp go over their ends; an empty payload was not sent."""
    return [
        (
            1000 + n * step / 8000,
            struct.pack("!BBHII", 0x80, payload_type, (first + sum(map(bool, payloads[:n]))) % 65536,
                        (timestamp + n * step) % 2**32, ssrc) + payload,
        )
        for n, payload in enumerate(payloads)
        if payload
    ]  # fmt: skip


def ipv4(packet: bytes, port: int = 4000) -> bytes:
    udp = struct.pack("!4H", port, 6000, 8 + len(packet), 0) + packet
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\n\0\0\1", b"\n\0\0\2") + udp


def ipv6(packet: bytes) -> bytes:
    udp = struct.pack("!4H", 4000, 6000, 8 + len(packet), 0) + packet
    return struct.pack("!IHBB16s16s", 6 << 28, len(udp), 17, 64, bytes(15) + b"\1", bytes(15) + b"\2") + udp


def ethernet(packet: bytes) -> bytes:
    return bytes(12) + b"\x08\0" + ipv4(packet)


def pcap(
    packets: list[Packet],
    link: int = 1,
    around: Callable[[bytes], bytes] = ethernet,
    order: str = "<",
    ns: bool = False,
) -> bytes:
    magic = 0xA1B23C4D if ns else 0xA1B2C3D4
    blocks = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)]
    for time_s, packet in packets:
        frame = around(packet)
        fraction = round(time_s % 1 * (1e9 if ns else 1e6))
        blocks.append(struct.pack(f"{order}4I", int(time_s), fraction, len(frame), len(frame)) + frame)
    return b"".join(blocks)


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(packets: list[Packet], options: bytes = b"", units: float = 1e6) -> bytes:
    blocks = [
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack("<HHI", 1, 0, 0) + options),
    ]
    for time_s, packet in packets:
        at, frame = round(time_s * units), ethernet(packet)
        blocks.append(block(6, struct.pack("<5I", 0, at >> 32, at & 0xFFFFFFFF, len(frame), len(frame)) + frame))
    return b"".join(blocks)


def dumpcap(packets: list[Packet]) -> bytes:
    """With the name of the interface in front, and times in nanoseconds."""
    return pcapng(packets, struct.pack("<HH4sHHB3xHH", 2, 2, b"lo", 9, 1, 9, 0, 0), 1e9)


def binary_clock(packets: list[Packet]) -> bytes:
    return pcapng(packets, struct.pack("<HHB3x", 9, 1, 0x80 | 20), 2.0**20)


def rtpdump(packets: list[Packet]) -> bytes:
    records = [
        struct.pack("!HHI", 8 + len(packet), len(packet), round((time_s - 1000) * 1000)) + packet
        for time_s, packet in packets
    ]
    rtcp = struct.pack("!HHI", 16, 0, 0) + bytes(8)
    return b"#!rtpplay1.0 10.0.0.1/4000\n" + struct.pack("!IIIHH", 1000, 0, 0, 4000, 0) + rtcp + b"".join(records)


def vlan(packet: bytes) -> bytes:
    return bytes(12) + b"\x81\0\0\1\x08\0" + ipv4(packet)


FILES: dict[str, tuple[str, Callable[[list[Packet]], bytes]]] = {
    "ethernet": (".pcap", pcap),
    "big-endian": (".pcap", lambda packets: pcap(packets, order=">")),
    "nanoseconds": (".cap", lambda packets: pcap(packets, ns=True)),
    "vlan": (".pcap", lambda packets: pcap(packets, around=vlan)),
    "raw": (".pcap", lambda packets: pcap(packets, 101, ipv4)),
    "raw IPv6": (".pcap", lambda packets: pcap(packets, 101, ipv6)),
    "loopback": (".pcap", lambda packets: pcap(packets, 0, lambda packet: b"\2\0\0\0" + ipv4(packet))),
    "cooked": (".pcap", lambda packets: pcap(packets, 113, lambda packet: bytes(14) + b"\x08\0" + ipv4(packet))),
    "cooked 2": (".pcap", lambda packets: pcap(packets, 276, lambda packet: b"\x08\0" + bytes(18) + ipv4(packet))),
    "pcapng": (".pcapng", pcapng),
    "pcapng nanoseconds": (".pcapng", dumpcap),
    "pcapng 2^-20 s": (".pcapng", binary_clock),
    "rtpdump": (".rtpdump", rtpdump),
}


def payloads(size: int, count: int = 20) -> list[bytes]:
    made = random.Random(size)
    return [made.randbytes(size) for _ in range(count)]


def write(folder: Path, data: bytes, suffix: str = ".pcap") -> Path:
    path = folder / f"x{suffix}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", FILES)
def test_the_payloads_leave_as_they_are(tmp_path: Path, kind: str) -> None:
    suffix, make = FILES[kind]
    path = write(tmp_path, make(rtp(payloads(33))), suffix)
    assert sent(path, GSM, 20, 1000) == payloads(33)
    assert sent(path, GSM, 40, 1000) == [b"".join(payloads(33)[n : n + 2]) for n in range(0, 20, 2)]
    info = MediaLibrary([tmp_path]).probe(path)
    assert isinstance(info, MediaInfo)
    assert (info.encoded, info.duration_ms) == ("GSM", 380)


def test_what_came_twice_or_late_is_sent_once_and_in_order(tmp_path: Path) -> None:
    packets = rtp(payloads(33))
    packets[3:5] = [packets[4], packets[3], packets[3]]
    assert sent(write(tmp_path, pcap(packets)), GSM, 20, 1000) == payloads(33)


def test_header_extensions_and_padding_are_no_payload(tmp_path: Path) -> None:
    packets = [
        (time_s, bytes([0xB1]) + packet[1:12] + b"CSRC" + b"\xbe\xde\0\1abcd" + packet[12:] + b"\0\0\3")
        for time_s, packet in rtp(payloads(33))
    ]
    assert sent(write(tmp_path, pcap(packets)), GSM, 20, 1000) == payloads(33)


def test_a_pause_in_the_capture_is_a_pause(tmp_path: Path) -> None:
    spoken = [b"" if 5 <= n < 9 else payload for n, payload in enumerate(payloads(33))]
    path = write(tmp_path, pcap(rtp(spoken)))
    assert STORE.load(path, GSM).duration_ms == 400
    assert sent(path, GSM, 20, 1000) == [payload for payload in spoken if payload]
    with pytest.raises(MediaError, match="packets of 20 ms, and such of 40 ms are sent"):
        STORE.load(path, GSM, ptime_ms=40)
    silent = [payload or b"\xd5" * 160 for payload in (b"" if n == 5 else one for n, one in enumerate(payloads(160)))]
    path = write(tmp_path, pcap(rtp([b"" if n == 5 else one for n, one in enumerate(payloads(160))], payload_type=8)))
    assert sent(path, PCMA, 20, 400) == silent, "what can be silent is"


def test_comfort_noise_of_g729_is_sent_as_it_stands(tmp_path: Path) -> None:
    spoken = [*payloads(20, 5), b"ab", b"", b"", *payloads(20, 5)]
    path = write(tmp_path, pcap(rtp(spoken, payload_type=18)))
    assert sent(path, G729, 20, 1000) == [payload for payload in spoken if payload]


def test_a_dynamic_payload_type_is_what_its_packets_can_be(tmp_path: Path) -> None:
    spoken = [b"\xf0\x3c" + payload for payload in payloads(31)]
    path = write(tmp_path, pcap(rtp(spoken, payload_type=97)))
    assert sent(path, AMR, 20, 1000) == spoken
    info = MediaLibrary([tmp_path]).probe(path)
    assert isinstance(info, MediaInfo)
    assert info.encoded == ANY_CODEC
    with pytest.raises(MediaError, match="33 bytes that G729 does not have"):
        STORE.load(path, G729)


def test_digits_beside_the_audio_are_left_out(tmp_path: Path) -> None:
    packets = rtp(payloads(33))
    events = rtp([b"\1\x0a\0\xa0"] * 4, payload_type=101, first=65540, timestamp=0)
    assert sent(write(tmp_path, pcap(packets[:10] + events + packets[14:])), GSM, 20, 1000) == [
        *payloads(33)[:10], *payloads(33)[14:],
    ]  # fmt: skip


def test_what_cannot_be_played_says_why(tmp_path: Path) -> None:
    one, other = rtp(payloads(33)), rtp(payloads(33), ssrc=8)
    for data, rtp_format, why in (
        (pcap(one + other), GSM, "holds 2 RTP streams, and one can be played: 10.0.0.1:4000 to 10.0.0.2:6000, payload"),
        (pcap([]), GSM, "no RTP stream"),
        (pcap([(1, b"INVITE sip:bob@example.com SIP/2.0\r\n")] * 5), GSM, "no RTP stream"),
        (pcap(one), PCMU, "holds packets of GSM, and PCMU is sent"),
        (pcap(rtp(payloads(33), payload_type=15)), GSM, "holds packets of payload type 15, and GSM is sent"),
        (pcap(rtp(payloads(33), step=80)), GSM, "timestamps do not go on by their length"),
        (pcap(one)[:-50], GSM, "ends within a packet"),
        (
            pcap([(time_s, packet) for time_s, packet in one], around=lambda packet: ethernet(packet)[:-9]),
            GSM,
            "cut short",
        ),
        (pcap(one, link=105), GSM, "link type 105 is not read"),
        (b"RIFF", GSM, "no packet capture"),
        (b"", GSM, "no packet capture"),
    ):
        path = write(tmp_path, data)
        with pytest.raises(MediaError, match=why):
            STORE.load(path, rtp_format)


def test_any_bytes_are_a_capture_or_a_complaint(tmp_path: Path) -> None:
    made = random.Random(5)
    for make in (pcap, pcapng, rtpdump):
        whole = make(rtp(payloads(33, 5)))
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(3):
                data[made.randrange(len(data))] = made.randrange(256)
            try:
                read_capture(write(tmp_path, bytes(data[: made.randrange(len(data) + 1)])))
            except MediaError:
                continue


@pytest.mark.skipif(not SIPP.exists(), reason="SIPp's captures are not installed")
def test_a_capture_of_sipp(tmp_path: Path) -> None:
    capture = read_capture(SIPP)
    assert capture.payload_type == 8
    whole = b"".join(packet.payload for packet in capture.packets)
    assert b"".join(sent(SIPP, PCMA, 20, 10_000)).startswith(whole)
