"""What `impair` does to a call is what the other side measures of it, to the end of the call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sipflow

PACKETS = 1500
"""Thirty seconds."""


def measured(folder: Path, impair: str, *, bob: str = "", seed: int = 3) -> tuple[dict[str, Any], dict[str, Any]]:
    """The media of alice, whose packets are damaged, and of bob, who hears them."""
    text = f"""
    on alice {{ call bob; {impair}; play tone 440Hz for 30s; release }}
    on bob {{ answer; {bob} play tone 880Hz for 40s in background; expect hangup within 60s }}
    """
    report = sipflow.run(text, out=folder, sim=True, seed=seed)
    assert report.passed, report.failures
    alice, bob_media = (call.media for call in report.calls)
    assert alice is not None and bob_media is not None
    return alice, bob_media


def test_loss_is_what_was_lost(tmp_path: Path) -> None:
    alice, bob = measured(tmp_path, "impair loss 5%")
    assert bob["packets_lost"] == pytest.approx(alice["impairment_lost"], abs=2), "but for the last packets"
    assert bob["loss"] == pytest.approx(0.05, abs=0.015)
    assert alice["packets_lost"] == 0
    assert alice["remote_packets_lost"] > 0


def test_what_is_overtaken_is_no_loss(tmp_path: Path) -> None:
    _, bob = measured(tmp_path, "impair reorder 5%")
    assert bob["packets_reordered"] == pytest.approx(0.05 * PACKETS, rel=0.4)
    assert (bob["packets_lost"], bob["max_loss_burst"]) == (0, 0)


def test_duplicates_are_counted_and_are_no_packets_more(tmp_path: Path) -> None:
    _, bob = measured(tmp_path, "impair duplicate 5%")
    assert bob["packets_duplicate"] == pytest.approx(0.05 * PACKETS, rel=0.4)
    assert bob["packets_lost"] == 0
    assert bob["packets_expected"] == pytest.approx(PACKETS, abs=2)


@pytest.mark.parametrize("ppm", [100, -200])
def test_a_clock_that_is_fast_is_seen_to_be(ppm: int, tmp_path: Path) -> None:
    alice, bob = measured(tmp_path, f"impair skew {ppm}ppm")
    assert bob["skew_ppm"] == pytest.approx(ppm, abs=1)
    assert alice["skew_ppm"] == pytest.approx(0, abs=1)


def test_delay_is_in_the_round_trip_and_in_the_score(tmp_path: Path) -> None:
    _, near = measured(tmp_path, "wait 0ms")
    alice, bob = measured(tmp_path, "impair delay 200ms", bob="impair delay 100ms;")
    for media in (alice, bob):
        assert media["round_trip_ms"] == pytest.approx(300, abs=0.1)
        assert media["mouth_to_ear_ms"] - near["mouth_to_ear_ms"] == pytest.approx(150, abs=25)
        assert media["mos"] < near["mos"] - 0.05
        assert media["packets_lost"] == 0


def test_delay_that_ends_lets_nothing_overtake(tmp_path: Path) -> None:
    _, bob = measured(tmp_path, "impair delay 500ms; wait 10s; clear impairment")
    assert (bob["packets_lost"], bob["packets_reordered"]) == (0, 0)


@pytest.mark.parametrize("srtp", ["off", "required"])
def test_audio_that_dies_before_the_hangup_is_lost_and_has_no_good_score(srtp: str, tmp_path: Path) -> None:
    text = f"""
    agent alice {{ srtp {srtp} }}
    agent bob {{ srtp {srtp} }}
    on alice {{ call bob; wait 8s; impair loss 100%; wait 8s; release }}
    on bob {{
      answer
      expect hangup within 60s
      check media.loss > 25%
      check media.mos < 3
      check media.gap > 7s
      check media.loss_burst > 200
    }}
    """
    report = sipflow.run(text, out=tmp_path, sim=True, seed=3)
    assert report.passed, report.failures


def test_packets_of_the_peer_have_their_own_length(tmp_path: Path) -> None:
    text = """
    agent alice { ptime 10ms }
    agent bob { ptime 60ms; media { rtcp xr } }
    on alice { call bob; wait 24s; check media.gap_length > 20s and media.gap_length < 25s; release }
    on bob { answer; expect hangup within 60s; check media.gap_length > 20s and media.gap_length < 25s }
    """
    report = sipflow.run(text, out=tmp_path, sim=True, seed=3)
    assert report.passed, report.failures
    alice, bob = (call.media for call in report.calls)
    assert alice is not None and bob is not None
    assert (alice["ptime_ms"], bob["ptime_ms"]) == (60, 10), "each sends as the other asks"
    for media in (alice, bob):
        heard_ms = 60 if media is bob else 10
        assert media["mouth_to_ear_ms"] == pytest.approx(media["playout_delay_mean_ms"] + heard_ms, abs=0.1)


def test_a_hold_of_our_own_is_no_gap(tmp_path: Path) -> None:
    text = """
    on alice { call bob; wait 2s; hold; wait 3s; resume; wait 2s; check media.gap < 100ms; release }
    on bob { answer; expect hangup within 60s; check media.gap < 100ms }
    """
    report = sipflow.run(text, out=tmp_path, sim=True, seed=3)
    assert report.passed, report.failures


@pytest.mark.wire
def test_on_the_wire_the_last_report_of_the_peer_tells_of_it(tmp_path: Path) -> None:
    text = """
    on alice { call bob; wait 6s; impair loss 100%; wait 3s; release }
    on bob { answer; expect hangup within 60s; check media.gap > 2s; check media.loss > 10% }
    """
    report = sipflow.run(text, out=tmp_path, seed=3, timeout_s=60)
    assert report.passed, report.failures


@pytest.mark.parametrize("ending", ["hold; wait 8s", "mute; wait 8s", "wait 200ms"])
def test_who_only_falls_silent_loses_nothing(ending: str, tmp_path: Path) -> None:
    text = f"""
    on alice {{ call bob; play tone 440Hz for 8s; {ending}; release }}
    on bob {{ answer; expect hangup within 60s; check media.loss == 0% and media.loss_burst == 0; check media.mos > 4 }}
    """
    report = sipflow.run(text, out=tmp_path, sim=True, seed=3)
    assert report.passed, report.failures
