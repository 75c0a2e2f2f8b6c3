"""DTLS-SRTP handshakes in memory: keys that fit, lost and repeated datagrams, certificates of somebody else."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

import pytest

from sipflow.errors import MachineError
from sipflow.media.dtls import DtlsHandshake, DtlsIdentity
from sipflow.media_params import SRTP_KEY_BYTES, DtlsParams, Fingerprint

SUITES = tuple(SRTP_KEY_BYTES)
ALICE, BOB, MALLORY = DtlsIdentity(), DtlsIdentity(), DtlsIdentity()


def handshake(
    own: DtlsIdentity, other: DtlsIdentity, active: bool, suites: tuple[str, ...] = SUITES, **changes: object
) -> DtlsHandshake:
    """One side that expects `other`."""
    params = {"active": active, "fingerprints": (other.fingerprint,), "suites": suites} | changes
    return DtlsHandshake(own, DtlsParams(**params))  # type: ignore[arg-type]


@dataclass
class Link:
    """Two sides and what is under way between them."""

    client: DtlsHandshake
    server: DtlsHandshake
    sent: list[bytes] = field(default_factory=list)

    def run(self, lost: frozenset[int] = frozenset(), rounds: int = 20) -> Link:
        """Exchange datagrams until nothing moves, without those of these numbers."""
        if not self.sent:
            self.client.start()
        for _ in range(rounds):
            moved = self._move(self.client, self.server, lost) + self._move(self.server, self.client, lost)
            if not moved:
                break
        return self

    def _move(self, sender: DtlsHandshake, receiver: DtlsHandshake, lost: frozenset[int]) -> int:
        datagrams = list(sender.outputs())
        for datagram in datagrams:
            self.sent.append(datagram)
            if len(self.sent) - 1 not in lost:
                receiver.receive(datagram)
        return len(datagrams)


def link(suites: tuple[str, ...] = SUITES, **changes: object) -> Link:
    """Alice calls, Bob answers; `changes` are in what Alice expects."""
    return Link(handshake(ALICE, BOB, True, suites, **changes), handshake(BOB, ALICE, False))


@pytest.mark.parametrize("suite", SUITES)
def test_both_sides_get_the_same_keys_crosswise(suite: str) -> None:
    client, server = (pair := link((suite,)).run()).client, pair.server
    assert client.keys is not None and server.keys is not None
    assert (client.keys.suite, client.problem, server.problem) == (suite, "", "")
    assert (client.keys.send_key, client.keys.receive_key) == (server.keys.receive_key, server.keys.send_key)
    assert len({client.keys.send_key, client.keys.receive_key}) == 2
    assert len(client.keys.send_key) == SRTP_KEY_BYTES[suite]
    assert (client.fingerprint, server.fingerprint) == (BOB.fingerprint, ALICE.fingerprint)


def test_every_datagram_is_whole_records_that_fit_into_one_packet() -> None:
    for datagram in link().run().sent:
        assert 20 <= datagram[0] <= 63 and len(datagram) <= 1200
        while datagram:
            datagram = datagram[13 + int.from_bytes(datagram[11:13], "big") :]


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_certificate_that_was_not_announced_is_refused(who: str) -> None:
    if who == "client":
        pair = Link(handshake(ALICE, BOB, True), handshake(MALLORY, ALICE, False)).run()
        refusing = pair.client
    else:
        pair = Link(handshake(MALLORY, BOB, True), handshake(BOB, ALICE, False)).run()
        refusing = pair.server
    assert refusing.keys is None
    assert refusing.problem == "the peer's certificate is not the one that its session description speaks of"
    announced = ALICE.fingerprint if who == "server" else BOB.fingerprint
    assert str(MALLORY.fingerprint) in refusing.detail and str(announced) in refusing.detail


def test_without_a_common_profile_there_are_no_keys() -> None:
    pair = Link(handshake(ALICE, BOB, True, SUITES[:1]), handshake(BOB, ALICE, False, SUITES[1:2])).run()
    assert pair.client.problem == "the peer takes none of our SRTP protection profiles"
    assert pair.client.keys is None and pair.server.keys is None


def test_the_strongest_known_hash_decides() -> None:
    wrong = Fingerprint("sha-512", ":".join(["AB"] * 64))
    assert "has the fingerprint sha-512" in link(fingerprints=(BOB.fingerprint, wrong)).run().client.detail
    odd = Fingerprint("sha-3000", "AB:CD")
    assert link(fingerprints=(odd, BOB.fingerprint)).run().client.keys is not None
    assert link(fingerprints=(odd,)).run().client.problem == "no fingerprint of the peer can be checked: sha-3000"


def test_any_one_of_several_fingerprints_may_fit() -> None:
    assert link(fingerprints=(MALLORY.fingerprint, BOB.fingerprint)).run().client.keys is not None


def test_a_flight_that_was_lost_is_due_again_after_a_second() -> None:
    """RFC 6347 section 4.2.4.1; the clock is OpenSSL's own, so that nothing is waited for here."""
    pair = link().run(lost=frozenset((0,)))
    assert not pair.client.over and len(pair.sent) == 1
    timeout = pair.client.timeout_s()
    assert timeout is not None and 0 < timeout <= 1


def test_whichever_datagram_is_lost_the_keys_come() -> None:
    """All losses at once, in the second that OpenSSL waits before it repeats a flight."""
    count = len(link().run().sent)
    links = [link().run(lost=frozenset((number,))) for number in range(count)]
    waiting = [pair for pair in links if not (pair.client.over and pair.server.over)]
    assert len(waiting) == count >= 4
    while waiting:
        due = [side.timeout_s() for pair in waiting for side in (pair.client, pair.server)]
        time.sleep(max(0.01, min(timeout for timeout in due if timeout is not None)))
        for pair in waiting:
            pair.client.handle_timer()
            pair.server.handle_timer()
            pair.run()
        waiting = [pair for pair in links if not (pair.client.over and pair.server.over)]
    for pair in links:
        assert pair.client.keys is not None and pair.server.keys is not None
        assert pair.client.keys.send_key == pair.server.keys.receive_key


def test_any_bytes_end_in_words_or_in_nothing() -> None:
    chance = random.Random(11)
    for _ in range(200):
        side = handshake(ALICE, BOB, chance.random() < 0.5)
        side.start()
        first = next(iter(side.outputs()), bytes(60))
        for _ in range(5):
            damaged = bytearray(first)
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            side.receive(chance.choice((bytes(damaged), chance.randbytes(chance.randrange(1, 300)))))
            side.handle_timer()
            list(side.outputs())
        assert side.keys is None


def test_after_the_end_nothing_is_due() -> None:
    pair = link().run()
    assert pair.client.timeout_s() is None
    pair.client.handle_timer()
    assert list(pair.client.outputs()) == []


def test_without_pyopenssl_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "OpenSSL.SSL", None)
    with pytest.raises(MachineError, match="DTLS-SRTP needs pyOpenSSL"):
        DtlsIdentity()
