"""What is measured is what was done: asked-for faults against the statistics, on two-minute calls in virtual time."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sipflow.media.emodel import G711, score
from sipflow.media.statistics import Heard, leg_statistics
from sipflow.native import ffi, lib
from tests.media.signals import round_trip, speech, write_wav
from tests.media.stepped import PCMU, PTIME_NS, STORE, Pair, SteppedLeg

TWO_MINUTES = 6000
TRACES = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "jitter-traces"


class Call:
    """A call whose packets may be on their way for a while, and whose ticks are those of each side's own clock."""

    def __init__(self, seed: int, **impairment: int) -> None:
        self.a, self.b = SteppedLeg(seed), SteppedLeg(seed + 100)
        self.a.start()
        self.b.start()
        self.a.impair(**impairment)

    def run(self, ticks: int) -> Call:
        """So many packet times of b; its ticks and those of a happen in the order of their times."""
        due = {self.a: 1_000_000_000, self.b: 1_000_000_000}
        end_ns = due[self.b] + ticks * PTIME_NS
        while (leg := min(due, key=due.__getitem__)) and due[leg] < end_ns:
            now_ns = due[leg]
            leg.send_tick(now_ns)
            self._carry(self.a, self.b, now_ns)
            self._carry(self.b, self.a, now_ns)
            leg.playout_tick(now_ns)
            leg.read_tape()
            due[leg] += lib.sfm_leg_tick_ns(leg.native)
        return self

    @staticmethod
    def _carry(sender: SteppedLeg, receiver: SteppedLeg, now_ns: int) -> None:
        """What was due until now arrives when it was due."""
        while packet := lib.sfm_leg_take(sender.native, now_ns):
            receiver.receive(bytes(ffi.buffer(packet.data, packet.length)), packet.due_ns)

    def heard(self, *, network_ms: float = 0) -> Any:
        """The statistics of b, as a check sees them; RTCP has told a round trip of twice `network_ms`."""
        native = ffi.new("sfm_engine_leg_statistics *")
        lib.sfm_leg_read_statistics(self.b.native, ffi.addressof(native, "media"))
        native.media.remote.round_trip_ns = round(network_ms * 2e6)
        heard = Heard("PCMU", 8000, 20)
        return leg_statistics(native, codec="PCMU", heard=heard, ptime_ms=20, digits="", clock_rate=8000)


def made(call: Call) -> float:
    """The share that the impairment really took; a seeded draw of a few thousand packets is not exactly the mean."""
    lost = call.a.statistics().impairment_lost
    return float(lost) / TWO_MINUTES


@pytest.mark.parametrize("percent", [0, 1, 3, 10])
@pytest.mark.parametrize("burst", [0, 2, 5])
def test_loss_is_measured_as_it_was_asked_for(percent: int, burst: int) -> None:
    shares, measured = [], []
    for seed in (1, 2):
        call = Call(seed, loss_per_million=percent * 10_000, burst_thousandths=burst * 1000).run(TWO_MINUTES)
        counted = call.heard()
        assert counted.loss == pytest.approx(made(call), rel=0.02, abs=1e-4)  # what was taken is what is missed
        shares.append(counted.loss)
        measured.append(counted)
    # Two calls have 120 to 1200 losses; those of bursts hang together, which makes their number more uncertain.
    asked = percent / 100
    deviation = (1 if burst == 0 else 2 * burst) ** 0.5 * (asked / (2 * TWO_MINUTES)) ** 0.5
    assert np.mean(shares) == pytest.approx(asked, abs=max(0.1 * asked, 3 * deviation))
    if percent == 0:
        assert {one.bursts for one in measured} == {0} and measured[0].burst_ratio is None


@pytest.mark.parametrize("burst", [2, 4, 8])
def test_bursts_are_measured_as_they_were_asked_for(burst: int) -> None:
    """The mean run of losses of a Gilbert channel is 1 / (chance to leave the bad state)."""
    ratios = []
    for seed in range(2):
        call = Call(seed + 1, loss_per_million=100_000, burst_thousandths=burst * 1000).run(TWO_MINUTES)
        counted = call.heard()
        ratios.append(counted.burst_ratio / (1 - counted.loss))
    assert np.mean(ratios) == pytest.approx(burst, rel=0.1)


def test_losses_at_random_have_a_burst_ratio_of_one() -> None:
    assert Call(1, loss_per_million=100_000).run(TWO_MINUTES).heard().burst_ratio == pytest.approx(1, abs=0.1)


def test_a_burst_of_half_density_lasts_longer_than_its_runs() -> None:
    whole = Call(1, loss_per_million=50_000, burst_thousandths=8000).run(TWO_MINUTES).heard()
    half = (
        Call(1, loss_per_million=50_000, burst_thousandths=8000, density_per_million=500_000).run(TWO_MINUTES).heard()
    )
    assert half.loss == pytest.approx(0.05, rel=0.25)
    assert half.burst_density < whole.burst_density - 0.1
    assert half.burst_ratio < 0.5 * whole.burst_ratio


@pytest.mark.parametrize("ppm", [-200, -50, 50, 200])
def test_a_clock_that_is_off_is_measured(ppm: int) -> None:
    call = Call(3, skew_ppb=ppm * 1000, jitter_ns=20_000_000).run(TWO_MINUTES)
    assert call.heard().skew_ppm == pytest.approx(ppm, abs=10)
    assert call.heard().loss == 0


def test_delay_is_kept_from_packet_to_packet_and_makes_no_jitter() -> None:
    counted = Call(1, delay_ns=100_000_000).run(500).heard()
    assert counted.jitter_max_ms == pytest.approx(0, abs=0.01)
    assert counted.packets_received == 495


def test_a_wrong_bit_is_one_bit_of_the_payload() -> None:
    clean, spoilt = Pair().start(), Pair().start()
    spoilt.a.impair(corrupt_per_million=100_000)
    clean.run(500)
    spoilt.run(500)
    wrong = [
        sum((a ^ b).bit_count() for a, b in zip(first[12:], second[12:], strict=True))
        for first, second in zip(clean.sent_by_a, spoilt.sent_by_a, strict=True)
    ]
    assert set(wrong) == {0, 1}
    assert sum(wrong) == pytest.approx(50, abs=20)
    assert all(first[:12] == second[:12] for first, second in zip(clean.sent_by_a, spoilt.sent_by_a, strict=True))


def test_mos_falls_with_loss_with_jitter_and_with_bursts() -> None:
    lossy = [Call(1, loss_per_million=loss).run(1500).heard().mos for loss in (0, 20_000, 50_000, 150_000)]
    late = [Call(1, jitter_ns=ms * 1_000_000).run(1500).heard(network_ms=ms / 2).mos for ms in (0, 60, 150, 300)]
    bursty = [
        Call(1, loss_per_million=50_000, burst_thousandths=burst * 1000).run(TWO_MINUTES).heard() for burst in (1, 6)
    ]
    assert lossy == sorted(lossy, reverse=True) and lossy[0] - lossy[-1] > 1
    assert late == sorted(late, reverse=True) and late[0] - late[-1] > 0.1
    even = [score(G711, loss=0.05, burst_ratio=one.burst_ratio, delay_ms=60).mos for one in bursty]
    assert even[0] > even[1]


def test_nothing_that_was_not_received_gets_a_score() -> None:
    counted = Call(1, loss_per_million=1_000_000).run(200).heard()
    assert counted.packets_received == 0
    for name in ("mos", "mos_listening", "r_factor", "mouth_to_ear_ms", "burst_ratio", "burst_ms", "gap_ms", "bursts"):
        assert getattr(counted, name) is None, name
    for name in ("skew_ppm", "silence_ms", "silence_share", "clipping", "loss", "jitter_mean_ms"):
        assert getattr(counted, name) is None, name
    assert counted.one_way is True


def test_audio_that_stops_on_one_way_is_one_way() -> None:
    call = Call(1).run(100)
    assert call.heard().one_way is False
    call.a.impair(loss_per_million=1_000_000)
    assert call.run(200).heard().one_way is False
    assert call.run(100).heard().one_way is True


def test_silence_and_clipping_are_told_apart(tmp_path: Path) -> None:
    loud = np.clip(speech(2.0).astype(np.int32) * 40, -32768, 32767).astype(np.int16)
    pair = Pair().start()
    pair.a.play(STORE.load(write_wav(tmp_path / "loud.wav", loud), PCMU))
    pair.run(200)
    counted = pair.b.statistics()
    assert counted.clipped_samples / counted.heard_samples > 0.02
    assert counted.silence_max_ns == pytest.approx(2_000_000_000, abs=100_000_000)
    assert np.abs(round_trip(loud, "PCMU")).max() >= 32124


def test_what_is_paused_is_missing_from_the_tape_and_nothing_else(tmp_path: Path) -> None:
    samples = speech(3.0)
    pair = Pair().start()
    pair.a.play(STORE.load(write_wav(tmp_path / "prompt.wav", samples), PCMU))
    pair.run(50)
    lib.sfm_leg_pause_record(pair.a.native, 1)
    pair.run(50)
    lib.sfm_leg_pause_record(pair.a.native, 0)
    pair.run(50)
    expected = round_trip(samples, "PCMU")
    assert np.array_equal(pair.sent_a, np.concatenate([expected[:8000], expected[16000:24000]]))


def reference_jitter_ms(send_ms: list[float], arrival_ms: list[float]) -> float:
    """RFC 3550 A.8 in floating point, its mean over the packets."""
    jitter, values = 0.0, [0.0]
    for n in range(1, len(send_ms)):
        difference = abs((arrival_ms[n] - arrival_ms[n - 1]) - (send_ms[n] - send_ms[n - 1]))
        jitter += (difference - jitter) / 16
        values.append(jitter)
    return float(np.mean(values))


@pytest.mark.skipif(not TRACES.is_dir(), reason="the corpora are not beside this checkout")
@pytest.mark.parametrize("name", ["ethernet", "wifi_good"])
def test_jitter_of_measured_traces_is_that_of_a_reference(name: str) -> None:
    with (TRACES / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    came = sorted((float(row["arrival_ms"]), int(row["n"]), float(row["send_ms"])) for row in rows if row["arrival_ms"])
    leg = SteppedLeg()
    leg.start()
    for arrival_ms, n, _ in came:
        header = bytes([0x80, 0]) + (n % 65536).to_bytes(2, "big") + (n * 160).to_bytes(4, "big") + bytes([0, 0, 0, 9])
        leg.receive(header + b"\xff" * 160, 1_000_000_000 + round(arrival_ms * 1e6))
    counted = leg.statistics()
    expected = reference_jitter_ms([send for _, _, send in came], [arrival for arrival, _, _ in came])
    assert counted.jitter_mean_ns / 1e6 == pytest.approx(expected, rel=0.1)
    assert counted.packets_lost == len(rows) - len(came)
