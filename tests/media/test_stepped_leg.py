"""The native leg in virtual time: minutes of audio in milliseconds, every packet in the test's hands."""

from __future__ import annotations

import itertools
import random
import struct
from pathlib import Path

import numpy as np
import pytest

from sipflow.media import Prompt
from sipflow.media_params import RtpFormat
from sipflow.native import lib
from tests.media.signals import best_lag, position_in, round_trip, speech, write_wav
from tests.media.stepped import DTMF_PAYLOAD_TYPE, PCMA, PCMU, PTIME_NS, STORE, Pair, SteppedLeg

SIXTEEN = "0123456789*#ABCD"


@pytest.fixture
def prompt(tmp_path: Path) -> Prompt:
    """One second."""
    return STORE.load(write_wav(tmp_path / "prompt.wav", speech(1.0)), PCMU)


def finished(leg: SteppedLeg) -> bool:
    """Whether a play has come to its end."""
    return bool(leg.of_kind(lib.SFM_EVENT_PLAY_FINISHED))


def rtp(packet: bytes) -> tuple[int, int, int, int]:
    """Marker, payload type, sequence number, timestamp."""
    _, second, sequence_number, timestamp = struct.unpack("!BBHI", packet[:8])
    return second >> 7, second & 0x7F, sequence_number, timestamp


@pytest.mark.parametrize("rtp_format", [PCMU, PCMA], ids=lambda f: f.name)
@pytest.mark.parametrize("seconds", [1, 60])
def test_what_is_heard_is_the_round_trip_of_the_prompt(tmp_path: Path, rtp_format: RtpFormat, seconds: int) -> None:
    samples = speech(seconds)
    pair = Pair().start(rtp_format).run(10)
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), rtp_format))
    pair.run(seconds * 50 + 10)
    expected = round_trip(samples, rtp_format.name)
    assert position_in(expected, pair.heard_b) > 0
    assert position_in(expected, pair.sent_a) == 10 * 160
    assert pair.b.statistics().concealed_ns == 0


def test_five_percent_of_loss_conceals_and_shifts_nothing(tmp_path: Path) -> None:
    samples = speech(20)
    pair = Pair().start()
    pair.a.impair(loss_per_million=50_000)
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    pair.run(1020)
    heard, expected = pair.heard_b, round_trip(samples, "PCMU")
    start = best_lag(expected[:8000], heard, 0, 2000)
    for second in range(20):
        part = expected[second * 8000 : (second + 1) * 8000]
        assert abs(best_lag(part, heard, start + second * 8000, 800) - start - second * 8000) <= 160
    counted = pair.b.statistics()
    assert 20 <= counted.packets_lost <= 90
    assert counted.concealed_ns == pytest.approx(counted.packets_lost * PTIME_NS, rel=0.1)


def test_packets_follow_each_other_without_a_step_over_a_hold() -> None:
    pair = Pair().start().run(5)
    pair.a.start(sends=0, receives=0)
    pair.run(50)
    pair.a.start()
    pair.run(5)
    markers, _, numbers, timestamps = zip(*map(rtp, pair.sent_by_a), strict=True)
    assert markers == (1, 0, 0, 0, 0, 1, 0, 0, 0, 0)
    assert {(after - before) % 65536 for before, after in itertools.pairwise(numbers)} == {1}
    steps = [(after - before) % 2**32 for before, after in itertools.pairwise(timestamps)]
    assert steps == [160] * 4 + [160 * 51] + [160] * 4


def test_a_held_leg_hears_nothing_and_counts_what_comes_all_the_same(prompt: Prompt) -> None:
    pair = Pair().start().run(10)
    pair.b.start(receives=0)
    pair.a.play(prompt)
    pair.run(60)
    assert not pair.heard_b.any()
    assert (pair.b.statistics().unwanted, pair.b.statistics().packets_lost) == (60, 0)


def test_a_prompt_in_another_law_is_transcoded(tmp_path: Path, prompt: Prompt) -> None:
    pair = Pair().start(PCMA)
    pair.a.play(prompt)
    pair.run(60)
    assert position_in(round_trip(round_trip(speech(1.0), "PCMU"), "PCMA"), pair.heard_b) > 0


def test_a_loop_has_no_seam(tmp_path: Path) -> None:
    samples = speech(0.51)  # no whole number of packets
    pair = Pair().start()
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU), times=3)
    pair.run_until(lambda: finished(pair.a), 100).run(10)
    assert position_in(np.tile(round_trip(samples, "PCMU"), 3), pair.heard_b) > 0
    event = pair.a.of_kind(lib.SFM_EVENT_PLAY_FINISHED)[0]
    assert (event.elapsed_ms, event.completed) == (1530, True)


def test_the_last_packet_of_a_prompt_is_filled_up_with_silence(tmp_path: Path) -> None:
    samples = speech(0.1)[:700]
    pair = Pair().start()
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    pair.run(6)
    assert np.array_equal(pair.sent_a[:960], np.concatenate([round_trip(samples, "PCMU"), np.zeros(260, np.int16)]))
    assert [len(packet) for packet in pair.sent_by_a] == [172] * 6


def test_a_limit_ends_a_prompt_that_goes_round_for_ever(prompt: Prompt) -> None:
    pair = Pair().start()
    pair.a.play(prompt, times=0, limit_ms=2500)
    pair.run_until(lambda: finished(pair.a), 126)
    assert pair.a.of_kind(lib.SFM_EVENT_PLAY_FINISHED)[0].elapsed_ms == 2500


def test_stopping_and_replacing_end_a_play_uncompleted(prompt: Prompt) -> None:
    pair = Pair().start()
    pair.a.play(prompt, job=1)
    pair.run(10)
    pair.a.play(prompt, job=2)
    pair.run(5)
    lib.sfm_leg_stop_play(pair.a.native)
    pair.run(1)
    ends = pair.a.of_kind(lib.SFM_EVENT_PLAY_FINISHED)
    assert [(end.job, end.elapsed_ms, end.completed) for end in ends] == [(1, 200, False), (2, 100, False)]


def test_progress_comes_every_half_second(prompt: Prompt) -> None:
    pair = Pair().start()
    pair.a.play(prompt, times=2)
    pair.run(120)
    progress = pair.a.of_kind(lib.SFM_EVENT_PLAY_PROGRESS)
    assert [(event.elapsed_ms, event.total_ms) for event in progress] == [(n, 2000) for n in (500, 1000, 1500, 2000)]
    assert [event.elapsed_ms for event in pair.a.of_kind(lib.SFM_EVENT_RECORD_PROGRESS)] == [500, 1000, 1500, 2000]


def test_a_muted_leg_sends_silence_while_its_prompt_goes_on(prompt: Prompt) -> None:
    pair = Pair().start()
    pair.a.play(prompt)
    lib.sfm_leg_mute(pair.a.native, 1)
    pair.run(25)
    lib.sfm_leg_mute(pair.a.native, 0)
    pair.run(25)
    assert not pair.sent_a[:4000].any()
    assert np.array_equal(pair.sent_a[4000:8000], round_trip(speech(1.0), "PCMU")[4000:])


@pytest.mark.parametrize("seed", range(20))
def test_sixteen_digits_come_once_and_in_order_with_five_percent_of_loss(seed: int) -> None:
    pair = Pair(a=SteppedLeg(seed)).start()
    pair.a.impair(loss_per_million=50_000)
    pair.a.send_dtmf(SIXTEEN)
    pair.run_until(lambda: bool(pair.a.of_kind(lib.SFM_EVENT_DTMF_SENT)), 90).run(5)
    assert pair.b.digits == SIXTEEN
    assert pair.a.of_kind(lib.SFM_EVENT_DTMF_SENT)[0].completed


def test_a_comma_is_half_a_second_between_digits() -> None:
    pair = Pair().start()
    pair.a.send_dtmf("5,5")
    pair.run(50)
    begun = [rtp(packet)[3] for packet in pair.sent_by_a if rtp(packet)[:2] == (1, DTMF_PAYLOAD_TYPE)]
    assert pair.b.digits == "55"
    assert begun[1] - begun[0] == 8 * (50 + 50 + 500)


def test_digits_leave_the_prompt_in_its_time(prompt: Prompt) -> None:
    pair = Pair().start()
    pair.a.play(prompt)
    pair.run(10)
    pair.a.send_dtmf("7")
    pair.run(40)
    assert finished(pair.a)
    assert position_in(round_trip(speech(1.0), "PCMU")[3200:8000], pair.sent_a) == 3200


def test_reordered_duplicated_and_delayed_packets_all_arrive() -> None:
    pair = Pair().start()
    pair.a.impair(duplicate_per_million=200_000, reorder_per_million=200_000, jitter_ns=30_000_000)
    pair.run(200)
    counted = pair.b.statistics()
    assert counted.duplicates > 10
    assert counted.reordered > 10
    assert counted.packets_lost <= 3  # what is still on its way
    pair.a.impair()
    pair.run(50)
    assert pair.b.statistics().packets_lost == 0


def test_the_same_seed_loses_the_same_packets() -> None:
    def numbers(seed: int) -> list[int]:
        pair = Pair(a=SteppedLeg(seed)).start()
        pair.a.impair(loss_per_million=300_000)
        return [rtp(packet)[2] for packet in pair.run(100).sent_by_a]

    assert numbers(5) == numbers(5)
    assert len(numbers(5)) < 100


def test_playouts_owed_after_a_stall_hear_what_came_meanwhile(tmp_path: Path) -> None:
    samples, stalled = speech(2), 40
    pair = Pair().start().run(10)
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    pair.run(20)
    start, late_ns = pair.now_ns, pair.now_ns + stalled * PTIME_NS
    for n in range(stalled):
        pair.a.send_tick(start + n * PTIME_NS)
    packets = list(pair.a.packets(late_ns))
    for n in range(stalled):  # as the engine does it: all sends first, then what came is put in between the playouts
        pair.b.receive(packets[n], late_ns)
        pair.b.send_tick(start + n * PTIME_NS)
        pair.b.playout_tick(start + n * PTIME_NS)
    pair.now_ns = late_ns
    pair.run(100)
    assert position_in(round_trip(samples, "PCMU"), pair.heard_b) > 0
    assert pair.b.statistics().concealed_ns == 0


def test_time_given_up_after_a_long_stall_stays_in_the_time_line(prompt: Prompt) -> None:
    pair = Pair().start().run(5)
    pair.a.play(prompt)
    lib.sfm_leg_skip(pair.a.native, 25, pair.now_ns)
    pair.run(25)
    timestamps = [rtp(packet)[3] for packet in pair.sent_by_a]
    numbers = [rtp(packet)[2] for packet in pair.sent_by_a]
    assert (timestamps[5] - timestamps[4]) % 2**32 == 26 * 160
    assert (numbers[5] - numbers[4]) % 65536 == 1
    assert position_in(round_trip(speech(1.0), "PCMU")[4000:], pair.sent_a) == 30 * 160


def test_what_came_during_a_stall_that_is_given_up_was_not_late(prompt: Prompt) -> None:
    """Its own stall, nobody else's: it counts what came, hears its digits, and goes on where the sender is now."""
    pair = Pair().start().run(100)
    start, stalled = pair.now_ns, 150
    waiting: list[tuple[bytes, int]] = []
    pair.a.send_dtmf("42")
    for n in range(stalled):
        pair.a.send_tick(start + n * PTIME_NS)
        waiting += [(packet, start + n * PTIME_NS) for packet in pair.a.packets(start + n * PTIME_NS)]
    pair.now_ns = start + stalled * PTIME_NS
    lib.sfm_leg_skip(pair.b.native, stalled, pair.now_ns)
    for packet, arrival_ns in waiting:
        pair.b.receive(packet, arrival_ns)
    pair.a.play(prompt)
    pair.run(100)
    counted = pair.b.statistics()
    assert (counted.packets_lost, counted.late, counted.pattern.missing, counted.concealed_ns) == (0, 0, 0, 0)
    assert counted.packets_received == len(waiting) + 200
    assert counted.max_gap_ns <= 5 * PTIME_NS  # the digits
    assert pair.b.digits == "42"
    assert position_in(round_trip(speech(1.0), "PCMU"), pair.heard_b) > 0


def test_nothing_that_comes_off_the_network_harms_a_leg(prompt: Prompt) -> None:
    dice = random.Random(7)
    pair = Pair().start().run(10)
    pair.a.play(prompt)
    for _ in range(60):
        pair.tick()
        good = pair.sent_by_a[-1]
        for _ in range(20):
            junk = dice.choice([dice.randbytes(dice.randrange(200)), good[: dice.randrange(11)]])
            if junk[:1] and junk[0] >> 6 == 2:
                junk = b"\x00" + junk[1:]
            pair.b.receive(junk, pair.now_ns)
    assert position_in(round_trip(speech(1.0), "PCMU"), pair.heard_b) > 0
    assert pair.b.statistics().malformed == 1200


def test_what_is_too_long_or_no_whole_frames_is_counted_and_no_loss() -> None:
    receiver = SteppedLeg(2)
    receiver.start(PCMU)
    for number, length in enumerate((160, 960, 968, 1200, 0, 160)):
        now_ns = 1_000_000_000 + number * 200_000_000
        header = b"\x80\x00" + number.to_bytes(2) + (number * 1600).to_bytes(4) + b"peer"
        receiver.receive(header + bytes(length), now_ns)
        receiver.playout_tick(now_ns)
    counted = receiver.statistics()
    assert (counted.packets_received, counted.unplayable, counted.packets_lost) == (6, 3, 0)
    assert (counted.malformed, counted.unknown_payload) == (0, 0)


def test_levels_are_told_to_a_tenth() -> None:
    sender, receiver = SteppedLeg(1), SteppedLeg(2)
    for leg in (sender, receiver):
        leg.start(PCMU)
    sender.play(STORE.tone(1000, 2000, PCMU, level_db=-23.4))
    for tick in range(50):
        now_ns = 1_000_000_000 + tick * 20_000_000
        sender.send_tick(now_ns)
        for packet in sender.packets(now_ns):
            receiver.receive(packet, now_ns)
        receiver.playout_tick(now_ns)
    assert receiver.statistics().level_tenths == 234


def test_any_bytes_from_the_peer_itself_are_survived() -> None:
    dice = random.Random(8)
    pair = Pair().start().run(5)
    for _ in range(3000):
        head = bytes([0x80 | dice.randrange(64), dice.choice([0, 101, 0x80, dice.randrange(256)])])
        pair.b.receive(head + dice.randbytes(dice.randrange(400)), pair.now_ns)
        pair.b.events.clear()
    pair.run(20)
    assert len(pair.heard_b) == 25 * 160


def test_reports_come_every_five_seconds_or_so_and_measure_the_round_trip() -> None:
    pair = Pair().start()
    pair.a.impair(loss_per_million=200_000)
    times_ns: list[int] = []
    for _ in range(3000):  # a minute
        pair.tick()
        if report := pair.a.rtcp(pair.now_ns):
            times_ns.append(pair.now_ns)
            pair.b.receive_rtcp(report, pair.now_ns + 30_000_000)
        if report := pair.b.rtcp(pair.now_ns):
            pair.a.receive_rtcp(report, pair.now_ns + 70_000_000)
    gaps = np.diff(times_ns) / 1e9
    assert gaps.min() >= 5 * 0.5 / 1.21828 - 0.01 and gaps.max() <= 5 * 1.5 / 1.21828 + 0.5  # RFC 3550 appendix A.7
    assert 3.5 <= gaps.mean() <= 6.5
    remote = pair.a.statistics().remote
    assert remote.reports > 8
    assert remote.round_trip_ns == pytest.approx(100_000_000, abs=1_000_000)
    assert remote.fraction_lost / 256 == pytest.approx(0.2, abs=0.08)
    assert remote.cumulative_lost == pytest.approx(0.2 * 3000, rel=0.2)


def test_a_report_that_came_ahead_of_our_clock_has_waited_for_no_time() -> None:
    pair = Pair().start().run(10)
    assert pair.b.receive_rtcp(pair.a.rtcp(pair.now_ns, bye=True), pair.now_ns + 10_000_000) == 0
    answer = pair.b.rtcp(pair.now_ns, bye=True)
    last_report, delay = struct.unpack_from("!II", answer, 28 + 16)  # of the block behind the sender's part
    assert answer[1] == 200 and last_report != 0
    assert delay == 0


def test_the_interval_of_reports_is_that_of_rfc_3550() -> None:
    """Drawn evenly, divided by e - 3/2, reconsidered: the mean is the 5 s that were wanted, 2.5 s at first."""
    firsts, gaps = [], []
    for seed in range(60):
        leg = SteppedLeg(seed)
        leg.start()
        leg.send_tick(0)
        times = [n * PTIME_NS for n in range(1, 3001) if leg.rtcp(n * PTIME_NS)]
        firsts.append(times[0] / 1e9)
        gaps += list(np.diff(times) / 1e9)
    assert np.mean(gaps) == pytest.approx(5, rel=0.05)
    assert min(gaps) >= 2.05 and max(gaps) <= 6.2
    assert np.mean(firsts) == pytest.approx(2.5, rel=0.12)
    assert np.std(gaps) > 0.5  # not in step with anybody


def test_a_bye_ends_a_stream_and_who_never_sent_says_none() -> None:
    pair = Pair().start().run(5)
    pair.b.receive_rtcp(pair.a.rtcp(pair.now_ns, bye=True), pair.now_ns)
    assert pair.b.statistics().remote.said_bye
    silent = SteppedLeg()
    silent.start(sends=0)
    silent.send_tick(0)
    assert silent.rtcp(1, bye=True) == b""


def test_reports_come_on_the_port_of_rtp_as_well() -> None:
    pair = Pair().start().run(5)
    assert pair.b.receive(pair.a.rtcp(pair.now_ns, bye=True), pair.now_ns) == 0
    assert pair.b.statistics().remote.said_bye


def test_a_recording_ends_at_its_limit() -> None:
    pair = Pair(a=SteppedLeg(1, limit_frames=1000)).start().run(20)
    assert len(pair.sent_a) == 1000
    assert [event.job for event in pair.a.of_kind(lib.SFM_EVENT_TAPE_ENDED)] == [99]


def test_a_recording_that_nobody_reads_ends_instead_of_getting_a_gap() -> None:
    leg = SteppedLeg()
    for n in range(300):
        leg.send_tick(n * PTIME_NS)
        leg.playout_tick(n * PTIME_NS)
    assert lib.sfm_tape_overflowed(leg.tape)
    assert lib.sfm_tape_ended(leg.tape)
    assert len(leg.read_tape()) == lib.SFM_TAPE_FRAMES


def test_a_leg_that_has_not_started_records_silence_and_sends_nothing() -> None:
    leg = SteppedLeg()
    for n in range(10):
        leg.send_tick(n * PTIME_NS)
        leg.playout_tick(n * PTIME_NS)
    assert not list(leg.packets(10**12))
    assert not leg.read_tape().any()
    assert lib.sfm_tape_written(leg.tape) == 1600


def test_a_play_before_the_start_waits_for_it(prompt: Prompt) -> None:
    pair = Pair()
    pair.a.play(prompt)
    pair.run(10)
    pair.start().run(60)
    assert position_in(round_trip(speech(1.0), "PCMU"), pair.heard_b) > 0


@pytest.mark.parametrize(
    "wrong", [{"ptime_ms": 0}, {"ptime_ms": 61}, {"receive_format_count": 9}], ids=lambda wrong: next(iter(wrong))
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    from sipflow.errors import MisuseError

    with pytest.raises(MisuseError):
        SteppedLeg().start(**wrong)


def test_each_direction_has_its_own_payload_type(tmp_path: Path) -> None:
    samples = speech(1)
    prompt = STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU)
    codec = lib.sfm_codec_find(b"PCMU")
    pair = Pair()
    for leg, sent, received in ((pair.a, 97, 110), (pair.b, 110, 97)):
        formats = [{"codec": codec, "payload_type": received}]
        leg.start(PCMU, send_format={"codec": codec, "payload_type": sent}, receive_formats=formats)
    pair.run(10)
    pair.a.play(prompt)
    pair.b.play(prompt)
    pair.run(60)
    assert {rtp(packet)[1] for packet in pair.sent_by_a} == {97}
    assert position_in(round_trip(samples, "PCMU"), pair.heard_b) > 0
    assert pair.a.statistics().unknown_payload == pair.b.statistics().unknown_payload == 0
    assert pair.a.statistics().payload_type == 110


def test_a_silence_over_a_change_of_codec_is_as_long_as_it_was() -> None:
    """What is counted in samples has another rate from then on, the run of silence that goes on with it."""
    call = Pair().start(RtpFormat("G722", 9)).run(100)
    for leg in (call.a, call.b):
        leg.start(PCMU)
    counted = call.run(50).b.statistics()
    assert counted.silence_max_ns == pytest.approx(3_000_000_000, abs=200_000_000)
    assert counted.silence_max_ns <= counted.silent_ns <= counted.listened_ns
