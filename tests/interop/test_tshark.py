"""What a leg measures is what tshark measures of the same packets."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from tests.interop.peers import needs, where_is
from tests.interop.proof import Proved
from tests.media.stepped import PTIME_NS, SteppedLeg, ffi, lib

PORT = 20000
LINK_TYPE_RAW = 101
"""The packets begin with their IP header."""


def ip_packet(payload: bytes) -> bytes:
    """An IPv4 and UDP header in front; without checksums, which nobody looks at."""
    udp = struct.pack("!HHHH", PORT + 2, PORT, 8 + len(payload), 0)
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    )
    return ip + udp + payload


def write_capture(path: Path, packets: list[tuple[int, bytes]]) -> None:
    """A pcap file with nanoseconds."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, LINK_TYPE_RAW))
        for time_ns, payload in packets:
            whole = ip_packet(payload)
            file.write(struct.pack("<IIII", *divmod(time_ns, 10**9), len(whole), len(whole)) + whole)


@pytest.mark.interop
@needs("tshark", "tshark")
@pytest.mark.parametrize("jitter_ms", [0, 30])
def test_loss_and_jitter_of_a_capture_are_those_of_tshark(tmp_path: Path, jitter_ms: int, proved: Proved) -> None:
    sender, receiver = SteppedLeg(1), SteppedLeg(2)
    sender.start()
    receiver.start()
    sender.impair(loss_per_million=50_000, jitter_ns=jitter_ms * 1_000_000)
    captured: list[tuple[int, bytes]] = []
    for n in range(3000):
        now_ns = 1_000_000_000 + n * PTIME_NS
        sender.send_tick(now_ns)
        while packet := lib.sfm_leg_take(sender.native, now_ns):
            captured.append((packet.due_ns, bytes(ffi.buffer(packet.data, packet.length))))
            receiver.receive(captured[-1][1], packet.due_ns)
    write_capture(tmp_path / "call.pcap", captured)
    command = [
        where_is("tshark"),
        "-r",
        tmp_path / "call.pcap",
        "-d",
        f"udp.port=={PORT},rtp",
        "-q",
        "-z",
        "rtp,streams",
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    row = next(line for line in told.splitlines() if "10.0.0.1" in line)
    found = re.search(r"g711U?\S*\s+(\d+)\s+(-?\d+) \(.*?%\)\s+(.*)", row)
    assert found is not None, told
    counted = receiver.statistics()
    assert (int(found[1]), int(found[2])) == (counted.packets_received, counted.packets_lost)
    mean_jitter_ms, max_jitter_ms = [float(number) for number in re.findall(r"[\d.]+", found[3])][-2:]
    assert counted.jitter_mean_ns / 1e6 == pytest.approx(mean_jitter_ms, rel=0.1, abs=0.01), told
    assert counted.jitter_max_ns / 1e6 == pytest.approx(max_jitter_ms, rel=0.1, abs=0.01), told
    proved(
        "tshark", f"counts the same {found[2]} of 3000 packets lost, and jitter of {mean_jitter_ms:.2f} ms within 10 %"
    )
