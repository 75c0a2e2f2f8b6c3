"""What waits in the sockets of a leg, after this machine stood still, was lost by nobody."""

from __future__ import annotations

import socket
import struct
from types import SimpleNamespace

import pytest

from sipflow.media import EngineConfig, MediaEngine
from tests.media.engine import LOOPBACK, params

pytestmark = pytest.mark.wire
SSRC = 7


def rtp_packet(number: int) -> bytes:
    """A packet time of PCMU."""
    return struct.pack("!BBHII", 0x80, 0, number, 160 * number, SSRC) + b"\xff" * 160


def sender_report(packet_count: int) -> bytes:
    """Without blocks (RFC 3550 section 6.4.1)."""
    return struct.pack("!BBHIQIII", 0x80, 200, 6, SSRC, 1 << 40, 0, packet_count, 160 * packet_count)


def bound() -> socket.socket:
    """A socket of the peer."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((LOOPBACK, 0))
    made.settimeout(5)
    return made


@pytest.mark.parametrize("muxed", [False, True])
def test_all_that_waits_is_counted_before_the_report_that_tells_of_it(muxed: bool) -> None:
    """More than the engine takes at a time, and the report behind it."""
    waiting = 140
    with MediaEngine(EngineConfig(threads=1)) as engine, bound() as rtp, bound() as own_rtcp:
        leg, rtcp = engine.open_leg("call", LOOPBACK), rtp if muxed else own_rtcp
        leg.start(params(leg, SimpleNamespace(port=rtp.getsockname()[1], rtcp_port=rtcp.getsockname()[1])))
        rtp.recv(2048)  # from now on the leg knows its peer
        for sent in (0, waiting, 2 * waiting):
            for number in range(sent, sent + waiting):
                rtp.sendto(rtp_packet(number), (LOOPBACK, leg.port))
            rtcp.sendto(sender_report(sent + waiting), (LOOPBACK, leg.port if muxed else leg.rtcp_port))
            counted = leg.statistics()
            assert (counted.packets_received, counted.packets_lost) == (sent + waiting, 0)
        rtcp.sendto(sender_report(3 * waiting + 40), (LOOPBACK, leg.port if muxed else leg.rtcp_port))
        assert leg.statistics().packets_lost == 40, "what really did not come"
