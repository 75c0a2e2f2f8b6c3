"""What jitter buffer and playout do for a listener: no sample lost, doubled or moved without need."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Core
from playing import CONCEALED, MS, SILENCE, WAITING, Playout, Rtp, audio, noise, play, stream


def contains(pcm: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether a run of samples stands somewhere in the output, in one piece."""
    return wanted.astype("<i2").tobytes() in pcm.astype("<i2").tobytes()


def event(sequence: int, timestamp: int, arrival_ns: int) -> Rtp:
    """A telephone-event packet."""
    return Rtp(sequence, timestamp, arrival_ns, b"", payload_type=101)


# --- nothing lost: every sample once, in order, unchanged ----------------------------------------------------------


@pytest.mark.parametrize("tick_ms", [10, 20, 30])
@pytest.mark.parametrize("duration_ts", [80, 160, 240, 480])
def test_a_clean_stream_comes_out_sample_for_sample(core: Core, duration_ts: int, tick_ms: int) -> None:
    packets = stream(50, duration_ts=duration_ts)
    heard = play(core, packets, tick_ms=tick_ms)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.played == 50
    assert heard.counts.lost == heard.counts.late == heard.counts.stretched_ts == 0


def test_packets_of_changing_length_come_out_sample_for_sample(core: Core) -> None:
    packets, at = [], 0
    for n in range(60):
        duration = (80, 160, 480, 240)[n % 4]
        packets.append(Rtp(n, at, at * 125_000, noise(duration, n)))
        at += duration
    assert contains(play(core, packets).pcm, audio(packets))


@pytest.mark.parametrize("seed", range(5))
def test_jitter_below_the_delay_changes_nothing(core: Core, seed: int) -> None:
    rng = random.Random(seed)
    packets = [packet.late(rng.uniform(0, 35)) for packet in stream(300)]
    heard = play(core, packets)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.reordered > 0


def test_a_stall_below_the_delay_changes_nothing(core: Core) -> None:
    packets = stream(100)
    held = [replace(p, arrival_ns=max(p.arrival_ns, 1039 * MS)) if p.arrival_ns >= 1000 * MS else p for p in packets]
    heard = play(core, held)
    assert contains(heard.pcm, audio(packets))


def test_numbers_wrap_unnoticed(core: Core) -> None:
    packets = stream(40, sequence=65520, timestamp=2**32 - 2000)
    heard = play(core, packets)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.resets == heard.counts.lost == 0


def test_duplicates_are_heard_once(core: Core) -> None:
    packets = stream(50)
    again = [packet.late(delay) for packet in packets for delay in (3, 90)]
    heard = play(core, packets + again)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.duplicate == 100
    assert heard.counts.late == 0


def test_swapped_neighbours_are_put_in_order(core: Core) -> None:
    packets = stream(60)
    swapped = [packet.late(21) if n % 4 == 1 else packet for n, packet in enumerate(packets)]
    heard = play(core, swapped)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.reordered == 15


def test_the_second_packet_may_come_first(core: Core) -> None:
    packets = stream(20)
    heard = play(core, [packets[0].late(25), *packets[1:]])
    assert contains(heard.pcm, audio(packets))


def test_the_start_waits_for_the_delay(core: Core) -> None:
    heard = play(core, [packet.late(100) for packet in stream(20)], initial_delay_ms=60)
    waited = heard.content.index(1)
    assert heard.content[:waited] == [WAITING] * waited
    assert 60 <= heard.counts.mean_delay_ns / MS < 80


# --- loss ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_lost_packets_are_concealed_and_move_nothing(core: Core, seed: int) -> None:
    rng = random.Random(seed)
    packets = stream(500)
    came = [packet for n, packet in enumerate(packets) if n in (0, 499) or rng.random() > 0.05]
    heard = play(core, came)
    shifts = heard.shifts(packets)
    assert len(set(shifts)) == 1
    assert heard.counts.lost == 500 - len(came)
    # The packet after a loss is cross-faded with the concealment: it is in its place, but not untouched.
    after_loss = sum(1 for n in range(1, 500) if packets[n] in came and packets[n - 1] not in came)
    assert len(shifts) == len(came) - after_loss


@pytest.mark.parametrize("burst", [3, 10, 60])
def test_a_burst_of_loss_longer_than_the_buffer_moves_nothing(core: Core, burst: int) -> None:
    packets = stream(150)
    heard = play(core, packets[:50] + packets[50 + burst :])
    assert len(set(heard.shifts(packets))) == 1
    assert heard.counts.lost == burst
    assert heard.counts.stretched_ts == 0


def test_concealment_lasts_as_long_as_what_is_lost(core: Core) -> None:
    packets = stream(60)
    heard = play(core, [packet for n, packet in enumerate(packets) if n != 30], until_ms=1200)
    tail = 300 * 8 + 160  # after the last packet nothing comes, and that looks like loss at first
    assert 160 <= heard.counts.concealed_ts <= 160 + tail
    lost_tick = heard.content.index(CONCEALED)
    assert heard.content[lost_tick : lost_tick + 2] == [CONCEALED, 1]


def test_a_packet_after_its_turn_is_late_and_not_heard(core: Core) -> None:
    packets = stream(60)
    heard = play(core, [packet.late(150) if n == 20 else packet for n, packet in enumerate(packets)])
    assert (heard.counts.late, heard.counts.lost) == (1, 1)
    assert heard.find(packets[20]) == -1
    assert len(set(heard.shifts(packets))) == 1


# --- stalls --------------------------------------------------------------------------------------------------------


def stalled(packets: list[Rtp], from_ms: int, until_ms: int) -> list[Rtp]:
    """Nothing arrives between the two; then all at once."""
    return [
        replace(p, arrival_ns=until_ms * MS) if from_ms * MS <= p.arrival_ns < until_ms * MS else p for p in packets
    ]


@pytest.mark.parametrize("stall_ms", [60, 100, 150, 190])
def test_a_stall_loses_no_packet(core: Core, stall_ms: int) -> None:
    packets = stream(200)
    heard = play(core, stalled(packets, 1000, 1000 + stall_ms))
    assert heard.counts.played == 200
    assert heard.counts.late == heard.counts.lost == heard.counts.overflow == 0
    shifts = heard.shifts(packets)
    assert len(shifts) >= 199  # the first one after the concealment may be cross-faded
    assert len(set(shifts)) == 2
    inserted_ms = (shifts[-1] - shifts[0]) / 8
    assert stall_ms - 60 <= inserted_ms <= stall_ms
    assert heard.counts.stretched_ts == shifts[-1] - shifts[0]


def test_after_a_stall_the_next_one_changes_nothing(core: Core) -> None:
    packets = stream(300)
    heard = play(core, stalled(stalled(packets, 1000, 1120), 2000, 2100))
    assert len(set(heard.shifts(packets))) == 2


def test_a_stall_beyond_the_largest_delay_drops_the_oldest(core: Core) -> None:
    packets = stream(200)
    heard = play(core, stalled(packets, 1000, 2000))
    assert heard.counts.overflow > 0
    assert heard.delays_ms[-20] <= 240
    assert contains(heard.pcm, audio(packets[120:]))


def test_a_lasting_longer_way_costs_one_insertion(core: Core) -> None:
    packets = [packet.late(80 if n >= 50 else 0) for n, packet in enumerate(stream(200))]
    heard = play(core, packets)
    assert heard.counts.played == 200
    assert len(set(heard.shifts(packets))) == 2


# --- the delay follows the network, but only where nobody hears it -------------------------------------------------


def test_the_target_follows_the_jitter_up_and_down(core: Core) -> None:
    rng = random.Random(1)
    quiet = [packet.late(rng.uniform(0, 2)) for packet in stream(2000)]
    rough = [packet.late(rng.uniform(0, 110)) if 500 <= n < 600 else packet for n, packet in enumerate(quiet)]
    unit = Playout(core)
    targets = {}
    for packet in sorted(rough, key=lambda p: p.arrival_ns):
        unit.put(packet)
        unit.read(packet.arrival_ns, 160)
        targets[packet.arrival_ns // (1000 * MS)] = unit.counts().target_delay_ns / MS
    assert targets[5] == 40
    assert targets[9] == 20
    assert 100 <= targets[12] <= 121
    assert targets[39] == 20


def test_a_delay_that_is_no_longer_needed_stays_while_audio_goes_on(core: Core) -> None:
    packets = stalled(stream(2000), 1000, 1150)
    heard = play(core, packets)
    assert len(set(heard.shifts(packets[60:], 160))) == 1
    assert heard.delays_ms[-50] >= 130


def test_a_delay_that_is_no_longer_needed_shrinks_in_a_pause(core: Core) -> None:
    """The delay of a stall is given back in a pause once the measurement has forgotten it."""
    before = stalled(stream(1200), 1000, 1150)
    after = [
        replace(p, sequence_number=p.sequence_number + 1200, arrival_ns=p.arrival_ns + 25_000 * MS)
        for p in stream(100, timestamp=25 * 8000, ssrc=2)
    ]
    after = [replace(packet, ssrc=1) for packet in after]
    heard = play(core, before + after)
    assert contains(heard.pcm, audio(after))
    assert heard.delays_ms[1190] >= 130
    assert heard.delays_ms[-20] <= 60
    assert heard.counts.lost == heard.counts.late == 0


# --- pauses and events ---------------------------------------------------------------------------------------------


def pause(packets: list[Rtp], at: int, pause_ms: int) -> list[Rtp]:
    """The sender is silent before packet `at`: time and timestamp go on, sequence numbers do not."""
    return [
        replace(p, timestamp=p.timestamp + pause_ms * 8, arrival_ns=p.arrival_ns + pause_ms * MS) if n >= at else p
        for n, p in enumerate(packets)
    ]


@pytest.mark.parametrize("pause_ms", [20, 100, 777, 5000])
def test_a_pause_keeps_its_length_and_is_no_loss(core: Core, pause_ms: int) -> None:
    packets = pause(stream(100), 50, pause_ms)
    heard = play(core, packets)
    first, second = heard.find(packets[49]), heard.find(packets[51])
    assert second - first == 320 + pause_ms * 8
    assert heard.counts.lost == heard.counts.resets == heard.counts.stretched_ts == 0


@pytest.mark.parametrize("pauses", [1, 5])
def test_nothing_was_made_up_in_a_pause(core: Core, pauses: int) -> None:
    """As with DTX: a packet now and then, 400 ms apart (RFC 7587 section 3.1.3)."""
    packets = stream(100)
    for n in range(pauses):
        packets = pause(packets, 50 + n, 380)
    heard = play(core, packets)
    assert CONCEALED in heard.content  # as long as nobody could know
    assert heard.counts.concealed_ts == heard.counts.lost == 0
    assert heard.counts.silence_ts >= pauses * 380 * 8


def test_of_a_pause_behind_a_loss_the_loss_is_made_up(core: Core) -> None:
    packets = pause(stream(100), 50, 380)
    heard = play(core, [packet for n, packet in enumerate(packets) if n != 49])
    assert (heard.counts.lost, heard.counts.concealed_ts) == (1, 160)


def test_what_comes_late_was_made_up(core: Core) -> None:
    packets = [packet.late(150 if n >= 50 else 0) for n, packet in enumerate(stream(100))]
    heard = play(core, packets)
    assert heard.counts.lost == heard.counts.late == 0
    assert 100 * 8 <= heard.counts.concealed_ts <= 120 * 8


def test_a_pause_becomes_silence(core: Core) -> None:
    packets = pause(stream(100), 50, 1000)
    heard = play(core, packets)
    silence_at = heard.find(packets[49]) + 160 + 200 * 8
    assert not heard.pcm[silence_at : silence_at + 700 * 8].any()
    assert SILENCE in heard.content


def test_a_sender_whose_timestamp_stands_still_in_a_pause_gets_its_delay_back(core: Core) -> None:
    packets = [packet.late(3000 if n >= 50 else 0) for n, packet in enumerate(stream(100))]
    heard = play(core, packets)
    assert contains(heard.pcm, audio(packets[50:]))
    assert heard.counts.stretched_ts == 0
    assert heard.counts.resets == 1


def digit(packets: list[Rtp], at: int, *, ticks: int = 5) -> list[Rtp]:
    """An event of `ticks` packets before audio packet `at`, with three ends at its close; audio goes on after it."""
    start = packets[at].timestamp
    arrivals = [packets[at].arrival_ns + min(n, ticks) * 20 * MS for n in range(ticks + 3)]
    events = [event(packets[at].sequence_number + n, start, arrival) for n, arrival in enumerate(arrivals)]
    shift = len(events)
    after = [
        replace(
            p,
            sequence_number=p.sequence_number + shift,
            timestamp=p.timestamp + (ticks + 1) * 160,
            arrival_ns=p.arrival_ns + (ticks + 1) * 20 * MS,
        )
        for p in packets[at:]
    ]
    return packets[:at] + events + after


def test_events_take_time_but_are_no_loss(core: Core) -> None:
    packets = stream(100)
    heard = play(core, digit(packets, 40))
    gap = heard.find(packets[40]) - heard.find(packets[39])
    assert gap == 160 + 6 * 160
    assert heard.counts.lost == heard.counts.late == heard.counts.duplicate == 0
    assert heard.counts.events == 8
    start = heard.find(packets[39]) + 160
    assert not heard.pcm[start : start + 960].any()


@pytest.mark.parametrize("lost", [{0}, {3}, {5, 6, 7}, {0, 1, 2, 3, 4, 5, 6}])
def test_lost_events_are_not_lost_audio(core: Core, lost: set[int]) -> None:
    packets = stream(100)
    sent = digit(packets, 40)
    came = [packet for packet in sent if packet.sequence_number - 40 not in lost]
    heard = play(core, came)
    assert heard.find(packets[41]) - heard.find(packets[39]) == 320 + 6 * 160
    assert heard.counts.lost == 0


def test_audio_lost_before_an_event_is_concealed(core: Core) -> None:
    packets = stream(100)
    heard = play(core, [packet for packet in digit(packets, 40) if packet.sequence_number != 39])
    assert heard.counts.lost == 1
    assert heard.counts.concealed_ts >= 160
    assert heard.find(packets[41]) - heard.find(packets[38]) == 480 + 6 * 160


def test_a_stream_may_begin_with_an_event(core: Core) -> None:
    packets = stream(30)
    heard = play(core, digit(packets, 0))
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.lost == 0


# --- senders that start anew ---------------------------------------------------------------------------------------


def follow(packets: list[Rtp], more: list[Rtp], gap_ms: int = 20) -> list[Rtp]:
    """A second stream behind the first."""
    return packets + [packet.late(packets[-1].arrival_ns / MS + gap_ms) for packet in more]


@pytest.mark.parametrize(
    "more",
    [
        stream(50, ssrc=2, sequence=100, timestamp=99),
        stream(50, sequence=20_000, timestamp=5_000_000),
        stream(50, sequence=40_000, timestamp=3_000_000_000),
    ],
    ids=["another SSRC", "sequence ahead", "sequence behind"],
)
def test_no_packet_of_a_restarted_sender_is_missing(core: Core, more: list[Rtp]) -> None:
    heard = play(core, follow(stream(50), more))
    assert contains(heard.pcm, audio(more))
    assert heard.counts.resets == 1
    assert heard.counts.lost == 0


def test_a_stray_packet_of_another_sender_changes_nothing(core: Core) -> None:
    packets = stream(100)
    strays = [packet.late(7) for packet in stream(100, ssrc=9, sequence=500)]
    heard = play(core, packets + strays)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.resets == 0
    assert heard.counts.discarded + heard.counts.buffered == 100


@pytest.mark.parametrize("step", [100_000, 2_000_000_000, -100_000, -160])
def test_a_jump_of_the_timestamp_is_played_without_a_gap(core: Core, step: int) -> None:
    packets = [replace(p, timestamp=(p.timestamp + step) % 2**32) if n >= 50 else p for n, p in enumerate(stream(100))]
    heard = play(core, packets)
    assert contains(heard.pcm, audio(packets))
    assert heard.counts.resets == 1


# --- fixed delay ---------------------------------------------------------------------------------------------------


def test_a_fixed_delay_drops_what_is_late_and_moves_nothing(core: Core) -> None:
    packets = stream(200)
    heard = play(core, stalled(packets, 1000, 1100), fixed=1, initial_delay_ms=60)
    assert len(set(heard.shifts(packets))) == 1
    assert heard.counts.late > 0
    assert heard.counts.stretched_ts == 0
    assert heard.counts.late == heard.counts.lost


def test_a_fixed_delay_starts_anew_when_all_come_late(core: Core) -> None:
    packets = [packet.late(500 if n >= 50 else 0) for n, packet in enumerate(stream(200))]
    heard = play(core, packets, fixed=1, initial_delay_ms=60)
    assert heard.counts.late == 4
    assert heard.counts.resets == 1
    assert contains(heard.pcm, audio(packets[55:]))
    assert 60 <= heard.delays_ms[-20] < 80


# --- measured networks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ethernet", "wifi_good"])
def test_measured_networks_are_played_whole(core: Core, corpora: Path, name: str) -> None:
    rows = [line.split(",") for line in (corpora / "jitter-traces" / f"{name}.csv").read_text().splitlines()[2:]][:3000]
    packets = {int(n): Rtp(int(n) % 65536, int(n) * 160, round(float(at) * MS), noise(160, int(n)))
               for n, _, at in rows if at}  # fmt: skip
    heard = play(core, packets.values())
    counts = heard.counts
    missing = len(rows) - len(packets)
    assert counts.played + counts.late + counts.overflow == len(packets)
    assert counts.played >= 0.998 * len(packets)
    assert counts.lost <= missing + counts.late
    assert counts.mean_delay_ns < 250 * MS
    assert counts.resets == 0


# --- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"clock_rate": 999},
        {"initial_delay_ms": 10},
        {"max_delay_ms": 30},
        {"max_delay_ms": 5001},
        {"packet_capacity": 48},
        {"packet_capacity": 4},
        {"payload_capacity": 0},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(core: Core, config: dict[str, int]) -> None:
    values = core.new("sfm_jitter_config")
    core.lib.sfm_jitter_defaults(values, 8000)
    for name, value in config.items():
        setattr(values, name, value)
    assert core.lib.sfm_jitter_create(values, core.ffi.new("sfm_jitter **")) == core.lib.SFM_ERROR_ARGUMENT


def test_each_allocation_may_fail(core: Core) -> None:
    values = core.new("sfm_jitter_config")
    core.lib.sfm_jitter_defaults(values, 8000)
    results = []
    for allocations in range(4):
        out = core.ffi.new("sfm_playout **")
        core.lib.allocations_until_failure = allocations
        results.append(core.lib.sfm_playout_create(values, 8000, out))
        core.lib.allocations_until_failure = -1
        assert (out[0] != core.ffi.NULL) == (results[-1] == 0)
        core.lib.sfm_playout_destroy(out[0])
    assert results == [core.lib.SFM_ERROR_MEMORY] * 3 + [0]


def test_what_does_not_fit_is_refused_and_changes_nothing(core: Core) -> None:
    unit = Playout(core, payload_capacity=160)
    assert unit.put(Rtp(0, 0, 0, bytes(161))) == core.lib.SFM_ERROR_SPACE
    assert unit.put(Rtp(0, 0, 0, b"")) == core.lib.SFM_ERROR_LENGTH
    assert unit.put(Rtp(0, 0, 0, bytes(160), payload_type=96)) == core.lib.SFM_ERROR_PAYLOAD_TYPE
    assert unit.counts().received == 0


def test_nothing_but_waiting_comes_out_before_the_first_packet(core: Core) -> None:
    content, pcm = Playout(core).read(0, 160)
    assert content == WAITING
    assert not pcm.any()


def test_a_reset_forgets_the_stream(core: Core) -> None:
    unit = Playout(core)
    for packet in stream(3):
        unit.put(packet)
    core.lib.sfm_playout_reset(unit.playout)
    assert unit.read(1000 * MS, 160)[0] == WAITING
    assert unit.counts().discarded == 3
    assert unit.put(stream(1, sequence=40_000, ssrc=3)[0]) == core.lib.SFM_JITTER_ACCEPTED
