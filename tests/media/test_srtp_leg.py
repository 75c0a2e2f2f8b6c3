"""Two native legs under SRTP in virtual time: what the keys open, what they refuse, and what a change of keys costs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sipflow.media.srtp import srtp_library
from sipflow.media_params import SRTP_KEY_BYTES, SrtpKeys
from sipflow.native import ffi, lib
from tests.media.signals import position_in, round_trip, speech, write_wav
from tests.media.stepped import PCMU, PTIME_NS, STORE, Pair, SteppedLeg
from tests.native.twins.srtp import TwinStream

SUITE = "AES_CM_128_HMAC_SHA1_80"


def keys(seed: int, suite: str = SUITE) -> tuple[SrtpKeys, SrtpKeys]:
    """What two legs take that understand each other."""
    chance = random.Random(f"{seed}/{suite}")
    one, other = (chance.randbytes(SRTP_KEY_BYTES[suite]) for _ in range(2))
    return SrtpKeys(suite, one, other), SrtpKeys(suite, other, one)


def secure(leg: SteppedLeg, agreed: SrtpKeys | None) -> None:
    """Gives a leg its keys."""
    lib.sfm_leg_secure(leg.native, ffi.NULL if agreed is None else srtp_library().create_keys(agreed))


def secured(seed: int = 1, suite: str = SUITE) -> Pair:
    """Two started legs with keys that fit."""
    pair = Pair()
    for leg, agreed in zip((pair.a, pair.b), keys(seed, suite), strict=True):
        secure(leg, agreed)
    return pair.start()


def counts(leg: SteppedLeg) -> tuple[int, int, int]:
    """Failures, replays, rekeys."""
    statistics: Any = leg.statistics()
    return statistics.srtp_failures, statistics.srtp_replays, statistics.srtp_rekeys


def useless(leg: SteppedLeg) -> int:
    """How often the leg said that nothing fits its keys."""
    return len(leg.of_kind(lib.SFM_EVENT_SRTP_USELESS))


@pytest.mark.parametrize("suite", SRTP_KEY_BYTES)
def test_what_is_heard_is_the_prompt_and_what_is_sent_is_not(tmp_path: Path, suite: str) -> None:
    samples, pair = speech(2.0), secured(suite=suite)
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    pair.run(120)
    assert position_in(round_trip(samples, "PCMU"), pair.heard_b) > 0
    assert counts(pair.b) == (0, 0, 0) and pair.b.statistics().packets_lost == 0
    plain = Pair().start().run(1)
    assert pair.sent_by_a[0][:12] == plain.sent_by_a[0][:12]
    assert pair.sent_by_a[0][12:] != plain.sent_by_a[0][12:]
    assert pair.a.statistics().bytes_sent == 160 * 120


def test_every_packet_on_the_wire_is_what_rfc_3711_says() -> None:
    pair, twin = secured(), TwinStream(SUITE, keys(1)[0].send_key)
    plain = Pair().start().run(50)
    pair.run(50)
    assert pair.sent_by_a == [twin.protect(packet) for packet in plain.sent_by_a]


def test_a_wrong_key_opens_nothing_and_says_so_once() -> None:
    pair = Pair()
    secure(pair.a, keys(1)[0])
    secure(pair.b, keys(2)[1])
    pair.start().run(24)
    assert useless(pair.b) == 0
    pair.run(100)
    assert (counts(pair.b)[0], pair.b.statistics().packets_received, useless(pair.b)) == (124, 0, 1)
    assert not pair.heard_b.any()


def test_plain_packets_are_refused_by_a_leg_that_has_keys() -> None:
    pair = Pair()
    secure(pair.b, keys(1)[1])
    pair.start().run(30)
    assert (counts(pair.b)[0], pair.b.statistics().packets_received, useless(pair.b)) == (30, 0, 1)


def test_a_peer_that_changes_its_key_without_a_word_is_told_of_once_until_it_is_understood_again() -> None:
    pair = secured().run(50)
    theirs = keys(2)[0].send_key
    secure(pair.a, SrtpKeys(SUITE, theirs, keys(1)[0].receive_key))
    pair.run(23)
    assert (counts(pair.b)[0], useless(pair.b)) == (23, 0)
    pair.run(100)
    assert (counts(pair.b)[0], useless(pair.b)) == (123, 1)
    secure(pair.b, SrtpKeys(SUITE, keys(1)[1].send_key, theirs))
    pair.run(20)
    assert pair.b.statistics().packets_received >= 70 and useless(pair.b) == 1
    secure(pair.a, keys(3)[0])
    pair.run(40)
    assert useless(pair.b) == 2


def test_new_keys_that_fit_nothing_are_counted_until_they_are_told_of() -> None:
    pair = secured().run(50)
    secure(pair.a, keys(2)[0])
    secure(pair.b, keys(3)[1])
    pair.run(24)
    assert (pair.b.statistics().srtp_useless, useless(pair.b)) == (24, 0)
    pair.run(10)
    assert (pair.b.statistics().srtp_useless, useless(pair.b)) == (0, 1)
    assert secured().run(50).b.statistics().srtp_useless == 0


def test_damaged_packets_among_good_ones_are_counted_and_no_more() -> None:
    pair = secured().run(5)
    good = TwinStream(SUITE, keys(1)[0].send_key).protect(Pair().start().run(20).sent_by_a[-1])
    for place in range(len(good)):
        pair.b.receive(good[:place] + bytes((good[place] ^ 1,)) + good[place + 1 :], pair.now_ns)
        pair.b.receive(good[:place], pair.now_ns)
    pair.run(50)
    assert useless(pair.b) == 0 and counts(pair.b)[0] > 100
    assert (pair.b.statistics().packets_received, pair.b.statistics().packets_lost) == (55, 0)


def test_what_came_before_is_a_replay_and_is_not_heard_again() -> None:
    pair = secured().run(40)
    for packet in pair.sent_by_a:
        pair.b.receive(packet, pair.now_ns)
    assert counts(pair.b) == (0, 40, 0) and pair.b.statistics().packets_received == 40


def test_duplicates_and_reordering_on_the_way_harm_nothing() -> None:
    pair = secured()
    pair.a.impair(duplicate_per_million=200_000, reorder_per_million=100_000)
    pair.run(500)
    failures, replays, _ = counts(pair.b)
    assert failures == 0 and replays > 50
    assert pair.b.statistics().packets_lost <= 1 and pair.b.statistics().reordered > 20


def test_rtcp_is_protected_both_ways() -> None:
    pair = secured().run(500)
    report, plain = pair.a.rtcp(pair.now_ns, bye=True), Pair().start().run(500).a
    assert len(report) == len(plain.rtcp(pair.now_ns, bye=True)) + 14
    assert pair.b.receive_rtcp(report, pair.now_ns) == 0
    assert pair.b.statistics().remote.said_bye == 1
    assert pair.b.receive_rtcp(report, pair.now_ns) == 0 and counts(pair.b)[1] == 1
    damaged = report[:-1] + bytes((report[-1] ^ 1,))
    fresh = secured()
    assert fresh.b.receive_rtcp(damaged, pair.now_ns) == 0
    assert (counts(fresh.b)[0], fresh.b.statistics().srtcp_failures) == (0, 1)


Late = Callable[[Pair], None]


@pytest.mark.parametrize("late", ["sender", "receiver", "neither"])
@pytest.mark.parametrize("suite", SRTP_KEY_BYTES)
def test_new_keys_in_the_middle_lose_nothing(tmp_path: Path, suite: str, late: str) -> None:
    """Whoever of the two changes first, by up to five packets."""
    samples, pair = speech(2.0), secured(suite=suite)
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    pair.run(50)
    a_key, b_key = keys(9, suite)
    steps = [(pair.a, a_key), (pair.b, b_key)]
    for leg, agreed in steps if late == "receiver" else reversed(steps):
        secure(leg, agreed)
        pair.run(0 if late == "neither" else 2)
    pair.run(150)
    counted = pair.b.statistics()
    assert (counted.packets_lost, counted.packets_received) == (0, len(pair.sent_by_a))
    assert counts(pair.b) == (0, 0, 1) and counts(pair.a) == (0, 0, 1)
    if late != "receiver":
        assert position_in(round_trip(samples, "PCMU"), pair.heard_b) > 0


def test_a_direction_that_keeps_its_key_keeps_its_rollover_counter() -> None:
    pair, (a_key, b_key) = secured(), keys(1)
    twin = TwinStream(SUITE, b_key.send_key)
    near = Pair().start().run(1).sent_by_a[0]
    for number in (0x7FF0, 0xFFF0, 0x0010):
        pair.a.receive(twin.protect(near[:2] + number.to_bytes(2, "big") + near[4:], number == 0x0010), pair.now_ns)
    assert counts(pair.a) == (0, 0, 0)
    fresh = SrtpKeys(SUITE, random.Random(3).randbytes(30), a_key.receive_key)
    lib.sfm_leg_secure(pair.a.native, srtp_library().create_keys(fresh, a_key))
    pair.a.receive(twin.protect(near[:2] + b"\0\x11" + near[4:], 1), pair.now_ns)
    assert counts(pair.a) == (0, 0, 0)
    pair.a.receive(twin.protect(near[:2] + b"\0\x12" + near[4:], 0), pair.now_ns)
    assert counts(pair.a) == (1, 0, 0)


def test_the_former_key_is_over_a_second_after_the_new_one_came() -> None:
    pair = secured().run(10)
    former = TwinStream(SUITE, keys(1)[0].send_key)
    ahead = Pair().start().run(90).sent_by_a[-2:]
    for leg, agreed in zip((pair.a, pair.b), keys(2), strict=True):
        secure(leg, agreed)
    pair.run(40)
    pair.b.receive(former.protect(ahead[0]), pair.now_ns)
    assert (counts(pair.b)[0], pair.b.statistics().packets_received) == (0, 51)
    pair.run(20)
    pair.b.receive(former.protect(ahead[1]), pair.now_ns)
    assert (counts(pair.b)[0], pair.b.statistics().packets_received) == (1, 71)


def test_without_keys_nothing_is_sent_and_what_comes_waits_for_them(tmp_path: Path) -> None:
    samples, pair = speech(1.0), Pair()
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    for leg in (pair.a, pair.b):
        lib.sfm_leg_secure(leg.native, srtp_library().create_pending())
        lib.sfm_leg_note_handshake(leg.native)
    pair.start().run(20)
    assert pair.sent_by_a == [] and pair.a.rtcp(pair.now_ns, bye=True) == b""
    a_key, b_key = keys(3)
    secure(pair.a, a_key)
    pair.run(2)
    assert pair.b.statistics().packets_received == 0 and counts(pair.b) == (0, 0, 0)
    secure(pair.b, b_key)
    pair.run(80)
    assert position_in(round_trip(samples, "PCMU"), pair.heard_b) > 0
    assert pair.b.statistics().packets_received == len(pair.sent_by_a)


def test_what_comes_before_any_handshake_is_in_the_clear_and_is_counted() -> None:
    pair = Pair()
    lib.sfm_leg_secure(pair.b.native, srtp_library().create_pending())
    pair.start().run(30)
    pair.b.receive_rtcp(pair.a.rtcp(pair.now_ns, bye=True), pair.now_ns)
    told: Any = pair.b.statistics()
    assert (told.srtp_failures, told.srtcp_failures, told.srtp_useless, told.packets_received) == (30, 1, 30, 0)
    lib.sfm_leg_note_handshake(pair.b.native)
    pair.run(10)
    assert counts(pair.b) == (30, 0, 0) and useless(pair.b) == 0
    for leg, agreed in zip((pair.a, pair.b), keys(3), strict=True):
        secure(leg, agreed)
    pair.run(20)
    assert counts(pair.b) == (30, 0, 0) and pair.b.statistics().packets_received == 20


def test_a_leg_may_go_back_to_plain_rtp() -> None:
    pair = secured().run(10)
    secure(pair.a, None)
    secure(pair.b, None)
    pair.run(10)
    assert pair.b.statistics().packets_received == 20 and len(pair.sent_by_a[-1]) == 172


def test_any_bytes_are_refused() -> None:
    pair, chance = secured().run(3), random.Random(5)
    for _ in range(3000):
        pair.b.receive(chance.randbytes(chance.randrange(0, 1600)), pair.now_ns)
        pair.b.receive_rtcp(b"\x80\xc8" + chance.randbytes(chance.randrange(0, 100)), pair.now_ns)
    pair.run(20)
    assert pair.b.statistics().packets_received == 23 and pair.b.statistics().packets_lost == 0


def test_sequence_numbers_begin_in_the_lower_half() -> None:
    """RFC 4568 section 6.4: a first packet that is lost just before the rollover would never be made up for."""
    for seed in range(1, 60):
        leg = SteppedLeg(seed)
        leg.start()
        leg.send_tick(PTIME_NS)
        (packet,) = leg.packets(PTIME_NS)
        assert packet[2] < 0x80
