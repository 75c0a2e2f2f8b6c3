"""Packet captures: the payloads of the one RTP stream in a file of libpcap, pcapng or rtptools, and when each was sent.

What is no RTP is passed over. A stream is told from other UDP by its sequence numbers, which go on one by one.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from sipflow.errors import MediaError
from sipflow.media.frames import read_all
from sipflow.media_params import CAPTURE_FILES
from sipflow.values import dataclass

SUFFIXES = frozenset(CAPTURE_FILES)

_FEWEST = 3
"""Packets of a stream, fewer may be anything."""
_RTP_HEADER_BYTES, _UDP = 12, 17
_IPV4, _IPV6 = 0x0800, 0x86DD
_IF_TSRESOL = 9
_VLANS = (0x8100, 0x88A8)
_RTCP_TYPES = range(72, 77)
"""RTCP packets, read as RTP with a marker (RFC 5761 section 4)."""


@dataclass(frozen=True, slots=True)
class CapturedPacket:
    """An RTP packet, as far as who sends it again needs it."""

    offset_ts: int
    """Of its timestamp from the first packet's, in units of the RTP clock."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class Capture:
    """One RTP stream, in the order of its sequence numbers, each packet once."""

    payload_type: int
    packets: tuple[CapturedPacket, ...]
    duration_ms: int
    """From the first packet to the last one, by the clock of who captured them."""


@dataclass(frozen=True, slots=True)
class _Rtp:
    flow: tuple[str, str, int]
    """From where, to where, SSRC."""
    time_s: float
    payload_type: int
    sequence_number: int
    timestamp: int
    payload: bytes


def holds_packets(path: Path) -> bool:
    """Whether a file is a capture, by its name."""
    return path.suffix.lower() in SUFFIXES


def read_capture(path: Path) -> Capture:
    """The RTP stream of a capture.

    Packets of other payload types than most of the stream has (telephone-events) are left out. Raises MediaError, with
    a text for a user, when the file is missing, no capture, or holds none or several streams.
    """
    data = read_all(path)
    streams: dict[tuple[str, str, int], list[_Rtp]] = {}
    try:
        for packet in _packets(data):
            streams.setdefault(packet.flow, []).append(packet)
    except MediaError as error:
        raise MediaError(f"{path} cannot be played: {error}") from None
    except (struct.error, IndexError, ValueError):
        raise MediaError(f"{path} is damaged: it ends within a packet") from None
    found = [stream for stream in streams.values() if _is_stream(stream)]
    if not found:
        raise MediaError(f"{path} holds no RTP stream")
    if len(found) > 1:
        told = "; ".join(map(_told, found[:4]))
        raise MediaError(f"{path} holds {len(found)} RTP streams, and one can be played: {told}")
    return _capture(found[0])


def _told(stream: list[_Rtp]) -> str:
    source, target, _ = stream[0].flow
    return f"{source} to {target}, payload type {stream[0].payload_type}, {len(stream)} packets"


def _is_stream(stream: list[_Rtp]) -> bool:
    steps = [(after.sequence_number - before.sequence_number) % 65536 for before, after in itertools.pairwise(stream)]
    near = sum(step < 100 or step > 65436 for step in steps)
    return len(stream) >= _FEWEST and near >= 0.8 * len(steps)


def _capture(stream: list[_Rtp]) -> Capture:
    payload_type = Counter(packet.payload_type for packet in stream).most_common(1)[0][0]
    by_number: dict[int, _Rtp] = {}
    number = stream[0].sequence_number
    for packet in stream:
        number += (packet.sequence_number - number + 32768) % 65536 - 32768
        if packet.payload_type == payload_type and packet.payload:
            by_number.setdefault(number, packet)
    ordered = [by_number[number] for number in sorted(by_number)]
    first, offset, packets = ordered[0], 0, []
    before = first.timestamp
    for packet in ordered:
        offset += (packet.timestamp - before + 2**31) % 2**32 - 2**31
        before = packet.timestamp
        packets.append(CapturedPacket(offset, packet.payload))
    lasted_s = max(packet.time_s for packet in ordered) - min(packet.time_s for packet in ordered)
    return Capture(payload_type, tuple(packets), round(lasted_s * 1000))


# --- what a file has around its packets -----------------------------------------------------------------------------


def _packets(data: bytes) -> Iterator[_Rtp]:
    if data.startswith(b"#!rtpplay1.0 "):
        return _rtpdump(data)
    if data[:4] in _PCAP_MAGICS:
        return _pcap(data)
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return _pcapng(data)
    raise MediaError("it is no packet capture, neither of libpcap nor pcapng nor rtpdump")


_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6), b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9), b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}  # fmt: skip


def _pcap(data: bytes) -> Iterator[_Rtp]:
    order, fraction_s = _PCAP_MAGICS[data[:4]]
    (link,) = struct.unpack_from(f"{order}I", data, 20)
    at = 24
    while at < len(data):
        seconds, fraction, length, _ = struct.unpack_from(f"{order}4I", data, at)
        yield from _of_link(link & 0xFFFF, data[at + 16 : at + 16 + length], seconds + fraction * fraction_s)
        at += 16 + length
    if at > len(data):
        raise struct.error


def _pcapng(data: bytes) -> Iterator[_Rtp]:
    """Enhanced and simple packet blocks (draft-ietf-opsawg-pcapng section 4)."""
    order, interfaces, at = "<", list[tuple[int, float]](), 0
    while at < len(data):
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order, interfaces = ("<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"), []
        kind, length = struct.unpack_from(f"{order}2I", data, at)
        if length < 12:
            raise struct.error
        if kind == 1:
            (link,) = struct.unpack_from(f"{order}H", data, at + 8)
            interfaces.append((link, _time_unit_s(data[at + 16 : at + length - 4], order)))
        elif kind == 6:
            interface, high, low, size = struct.unpack_from(f"{order}4I", data, at + 8)
            link, unit_s = interfaces[interface]
            yield from _of_link(link, data[at + 28 : at + 28 + size], (high << 32 | low) * unit_s)
        elif kind == 3:
            yield from _of_link(interfaces[0][0], data[at + 12 : at + length - 4], 0.0)
        at += length


def _time_unit_s(options: bytes, order: str) -> float:
    """What the times of an interface count: microseconds, or what its option `if_tsresol` says."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(f"{order}2H", options, at)
        if code == _IF_TSRESOL and length == 1:
            exponent = options[at + 4]
            return float(2.0 ** -(exponent & 0x7F) if exponent & 0x80 else 10.0**-exponent)
        at += 4 + (length + 3) // 4 * 4
    return 1e-6


def _rtpdump(data: bytes) -> Iterator[_Rtp]:
    """https://www.cs.columbia.edu/irt/software/rtptools/: a line of text, 16 bytes, then each packet behind 8 bytes."""
    at = data.index(b"\n") + 17
    while at < len(data):
        length, packet_length, offset_ms = struct.unpack_from("!HHI", data, at)
        if length < 8:
            raise struct.error
        if packet_length:  # else RTCP
            yield from _rtp(data[at + 8 : at + length], ("there", "here"), offset_ms / 1000)
        at += length


# --- what a packet has around its RTP -------------------------------------------------------------------------------


def _of_link(link: int, frame: bytes, time_s: float) -> Iterator[_Rtp]:
    read = _LINKS.get(link)
    if read is None:
        raise MediaError(f"link type {link} is not read: Ethernet, Linux cooked, raw IP and loopback are")
    protocol, packet = read(frame)
    if protocol == _IPV4 and len(packet) >= 20:
        yield from _of_ipv4(packet, time_s)
    elif protocol == _IPV6 and len(packet) >= 40 and packet[6] == _UDP:
        yield from _of_udp(packet[40:], _ipv6(packet[8:24]), _ipv6(packet[24:40]), time_s)


def _ethernet(frame: bytes) -> tuple[int, bytes]:
    at = 12
    while int.from_bytes(frame[at : at + 2]) in _VLANS:
        at += 4
    return int.from_bytes(frame[at : at + 2]), frame[at + 2 :]


def _raw(frame: bytes) -> tuple[int, bytes]:
    return (_IPV6 if frame[:1] and frame[0] >> 4 == 6 else _IPV4), frame


_LINKS: dict[int, Callable[[bytes], tuple[int, bytes]]] = {
    0: lambda frame: _raw(frame[4:]),
    1: _ethernet,
    12: _raw,
    101: _raw,
    113: lambda frame: (int.from_bytes(frame[14:16]), frame[16:]),
    276: lambda frame: (int.from_bytes(frame[:2]), frame[20:]),
}
"""https://www.tcpdump.org/linktypes.html"""


def _of_ipv4(packet: bytes, time_s: float) -> Iterator[_Rtp]:
    length = 4 * (packet[0] & 15)
    fragment = int.from_bytes(packet[6:8]) & 0x3FFF
    total = int.from_bytes(packet[2:4]) or len(packet)
    if packet[9] == _UDP and not fragment:
        source, target = (".".join(map(str, packet[at : at + 4])) for at in (12, 16))
        yield from _of_udp(packet[length:total], source, target, time_s)


def _ipv6(address: bytes) -> str:
    return f"[{address.hex(':', 2)}]"


def _of_udp(datagram: bytes, source: str, target: str, time_s: float) -> Iterator[_Rtp]:
    if len(datagram) >= 8:
        from_port, to_port, length = struct.unpack_from("!3H", datagram)
        if length > len(datagram) and datagram[8:] and datagram[8] >> 6 == 2:
            raise MediaError("packets in it were cut short when they were captured (`-s 0` keeps them whole)")
        yield from _rtp(datagram[8 : length or None], (f"{source}:{from_port}", f"{target}:{to_port}"), time_s)


def _rtp(packet: bytes, flow: tuple[str, str], time_s: float) -> Iterator[_Rtp]:
    """RFC 3550 section 5.1; nothing for what is none."""
    if len(packet) < _RTP_HEADER_BYTES or packet[0] >> 6 != 2 or packet[1] & 0x7F in _RTCP_TYPES:
        return
    begin = _RTP_HEADER_BYTES + 4 * (packet[0] & 15)
    if packet[0] & 0x10 and len(packet) >= begin + 4:
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4])
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    number, timestamp, ssrc = struct.unpack_from("!HII", packet, 2)
    yield _Rtp((*flow, ssrc), time_s, packet[1] & 0x7F, number, timestamp, packet[begin:end])
