"""A peer behind a NAT: media goes to where the first packet of it comes from, when an agent wants it so."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sipflow.events import MediaFirstPacket
from sipflow.media import EngineConfig, Leg, MediaEngine
from sipflow.media_params import MediaParams, SrtpKeys
from tests.media.engine import LOOPBACK, Listener, params
from tests.native.twins.srtp import TwinStream

pytestmark = pytest.mark.wire

SUITE = "AES_CM_128_HMAC_SHA1_80"
OURS, THEIRS = bytes(range(30)), bytes(range(30, 60))


class Peer(socket.socket):
    """Somebody with a socket."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self.bind((LOOPBACK, 0))
        self.settimeout(0.05)
        self.port: int = self.getsockname()[1]
        self.number = 100

    def packet(self, payload_type: int = 0) -> bytes:
        """The next one of its stream."""
        self.number += 1
        head = bytes((0x80, payload_type)) + self.number.to_bytes(2, "big") + (self.number * 160).to_bytes(4, "big")
        return head + self.port.to_bytes(4, "big") + b"\xff" * 160

    def hears(self) -> bool:
        """Whether anything comes now."""
        self.settimeout(0.05)
        with contextlib.suppress(BlockingIOError, TimeoutError):
            while True:
                self.recv(2048)
                return True
        return False


@pytest.fixture
def leg() -> Iterator[Leg]:
    with MediaEngine(EngineConfig(seed=3, realtime=False)) as engine:
        made = engine.open_leg("alice-1", LOOPBACK)
        made.listener = Listener(engine)  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def peers() -> Iterator[tuple[Peer, Peer, Peer]]:
    with Peer() as said, Peer() as real, Peer() as stranger:
        yield said, real, stranger


def agreed(leg: Leg, said: Peer, *, latching: bool = True, srtp: SrtpKeys | None = None) -> MediaParams:
    """The peer says an address; its RTCP shares the port."""
    there = replace(params(leg, leg), remote_port=said.port, remote_rtcp_port=said.port)
    return replace(there, latching=latching, srtp=srtp)


def insist(leg: Leg, peer: Peer, data: list[bytes], wanted: int) -> None:
    """Sends packets until the leg has received so many."""
    listener: Listener = leg.listener  # type: ignore[attr-defined]

    def reached() -> bool:
        if data:
            peer.sendto(data.pop(0), (LOOPBACK, leg.port))
        return leg.statistics().packets_received >= wanted

    listener.wait(reached)


def reaches(leg: Leg, peer: Peer) -> bool:
    """Whether the leg's media comes to the peer, and goes on coming."""
    listener: Listener = leg.listener  # type: ignore[attr-defined]
    listener.wait(peer.hears)
    return peer.hears()


def test_media_goes_to_where_it_comes_from(leg: Leg, peers: tuple[Peer, Peer, Peer]) -> None:
    said, real, stranger = peers
    leg.start(agreed(leg, said))
    assert reaches(leg, said)
    stranger.sendto(b"\x80\x7f" + bytes(170), (LOOPBACK, leg.port))  # a payload type that nobody agreed on
    stranger.sendto(b"junk", (LOOPBACK, leg.port))
    insist(leg, real, [real.packet() for _ in range(20)], 10)
    assert reaches(leg, real)
    listener: Listener = leg.listener  # type: ignore[attr-defined]
    assert len(listener.of(MediaFirstPacket)) == 1
    before = leg.statistics()
    assert before.junk_packets >= 2
    for _ in range(5):
        stranger.sendto(stranger.packet(), (LOOPBACK, leg.port))
    listener.wait(lambda: leg.statistics().junk_packets >= before.junk_packets + 5)
    assert not stranger.hears() and reaches(leg, real)


def test_an_address_that_is_said_again_does_not_undo_it_and_another_one_does(
    leg: Leg, peers: tuple[Peer, Peer, Peer]
) -> None:
    said, real, other = peers
    leg.start(agreed(leg, said))
    insist(leg, real, [real.packet() for _ in range(20)], 5)
    leg.start(agreed(leg, said))
    insist(leg, real, [real.packet() for _ in range(20)], leg.statistics().packets_received + 5)
    assert reaches(leg, real)
    leg.start(agreed(leg, other))
    assert reaches(leg, other)


def test_who_is_where_it_said_stays_there(leg: Leg, peers: tuple[Peer, Peer, Peer]) -> None:
    said, _, stranger = peers
    leg.start(agreed(leg, said))
    insist(leg, said, [said.packet() for _ in range(20)], 5)
    for _ in range(5):
        stranger.sendto(stranger.packet(), (LOOPBACK, leg.port))
    listener: Listener = leg.listener  # type: ignore[attr-defined]
    listener.wait(lambda: leg.statistics().junk_packets >= 5)
    assert reaches(leg, said) and not stranger.hears()


def test_without_the_option_only_the_negotiated_address_counts(leg: Leg, peers: tuple[Peer, Peer, Peer]) -> None:
    said, real, _ = peers
    leg.start(agreed(leg, said, latching=False))
    for _ in range(5):
        real.sendto(real.packet(), (LOOPBACK, leg.port))
    listener: Listener = leg.listener  # type: ignore[attr-defined]
    listener.wait(lambda: leg.statistics().junk_packets >= 5)
    assert leg.statistics().packets_received == 0 and not real.hears()


def test_under_srtp_only_who_has_the_key_is_the_peer(leg: Leg, peers: tuple[Peer, Peer, Peer]) -> None:
    said, real, stranger = peers
    leg.start(agreed(leg, said, srtp=SrtpKeys(SUITE, OURS, THEIRS)))
    for _ in range(5):
        stranger.sendto(stranger.packet(), (LOOPBACK, leg.port))
    listener: Listener = leg.listener  # type: ignore[attr-defined]
    listener.wait(lambda: (leg.statistics().srtp_failures or 0) >= 5)
    assert not stranger.hears()
    twin = TwinStream(SUITE, THEIRS)
    insist(leg, real, [twin.protect(real.packet()) for _ in range(20)], 5)
    assert reaches(leg, real)
