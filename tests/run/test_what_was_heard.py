"""The recording proves what the listener heard: whole calls, real packets, sample for sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import sipflow
from tests.media.signals import Samples, best_lag, position_in, round_trip, speech, write_wav

pytestmark = pytest.mark.wire

PACKET = 160
"""Samples in 20 ms at 8000 Hz."""


def call_and_record(folder: Path, seconds: float, *, impair: str = "") -> dict[str, tuple[Samples, Samples, Samples]]:
    """One call in PCMU and one in PCMA at the same time; gives (prompt, sent, received) for each."""
    prompt = speech(seconds, seed=int(seconds))
    write_wav(folder / "prompt.wav", prompt)
    lanes = "".join(_lanes(codec, seconds, impair) for codec in ("pcmu", "pcma"))
    report = sipflow.run(lanes, out=folder, media_dir=folder, seed=11, timeout_s=seconds + 30)
    assert report.passed, report.failures
    return {codec: (prompt, *_channels(folder / f"{codec}.wav")) for codec in ("pcmu", "pcma")}


def _lanes(codec: str, seconds: float, impair: str) -> str:
    return f"""
    agent caller_{codec} {{ codecs {codec} }}
    agent callee_{codec} {{ codecs {codec} }}
    on caller_{codec} {{
      call callee_{codec}
      await ready_{codec}
      {impair}
      play "prompt.wav"
      wait 300ms
      release
    }}
    on callee_{codec} {{
      answer
      record "{codec}.wav" stereo
      signal ready_{codec}
      expect hangup within {seconds + 20}s
      expect recorded
    }}
    """


def _channels(path: Path) -> tuple[Samples, Samples]:
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    return samples[:, 0], samples[:, 1]


def test_l16_at_16_khz_is_heard_sample_by_sample(tmp_path: Path) -> None:
    prompt = speech(1, rate=16000)
    write_wav(tmp_path / "prompt.wav", prompt, 16000)
    report = sipflow.run(_lanes("l16", 1, ""), out=tmp_path, media_dir=tmp_path, seed=11, timeout_s=30)
    assert report.passed, report.failures
    samples, rate = soundfile.read(tmp_path / "l16.wav", dtype="int16")
    assert rate == 16000
    assert position_in(prompt, samples[:, 1]) >= 0


@pytest.mark.parametrize("seconds", [1, 60])
def test_what_is_heard_is_the_g711_round_trip_of_the_prompt(seconds: int, tmp_path: Path) -> None:
    for codec, (prompt, _, received) in call_and_record(tmp_path, seconds).items():
        wanted = round_trip(prompt, codec.upper())
        start = position_in(wanted[:4000], received)
        heard = received[start : start + len(wanted)]
        assert len(heard) == len(wanted), codec
        assert np.array_equal(heard, wanted), f"{codec}: {np.count_nonzero(heard != wanted)} samples differ"


def test_five_percent_of_loss_is_concealed_and_nothing_is_shifted(tmp_path: Path) -> None:
    for codec, (prompt, _, received) in call_and_record(tmp_path, 8, impair="impair loss 5%").items():
        wanted = round_trip(prompt, codec.upper())
        start = best_lag(wanted[:8000], received, around=0, reach=len(received) - 8000)
        packets = [slice(at, at + PACKET) for at in range(0, len(wanted) - PACKET, PACKET)]
        intact = [np.array_equal(received[start + at.start : start + at.stop], wanted[at]) for at in packets]
        assert 0.80 < np.mean(intact) < 0.995, codec
        for at in range(8000, len(wanted) - 8000, 8000):
            lag = best_lag(wanted[at : at + 8000], received, around=start + at, reach=2 * PACKET)
            assert abs(lag - (start + at)) <= PACKET, codec


def test_a_change_of_codec_in_the_call_loses_only_the_switch(tmp_path: Path) -> None:
    prompt = speech(4)
    write_wav(tmp_path / "prompt.wav", prompt)
    report = sipflow.run(CHANGE, out=tmp_path, media_dir=tmp_path, seed=11, timeout_s=30)
    assert report.passed, report.failures
    received, rate = soundfile.read(tmp_path / "heard.wav", dtype="int16")
    assert rate == 8000
    pieces = range(0, len(prompt) - 1600, 1600)  # of 200 ms
    start = best_lag(prompt[:8000], received, around=0, reach=len(received) - 8000)
    likeness = [_likeness(prompt[at : at + 1600], received, start + at) for at in pieces]
    assert sum(alike < 0.95 for alike in likeness) <= 2, likeness
    assert likeness[0] > 0.98
    assert likeness[-1] > 0.98


CHANGE = """
agent alice { codecs pcmu, g722 }
agent menu { codecs pcmu, g722 }
on alice {
  call menu with { codecs pcmu }
  record "heard.wav" received
  signal ready
  wait 2s
  resume with { codecs g722 }
  expect hangup within 10s
  check media.codec == "G722"
}
on menu {
  answer
  await ready
  check media.codec == "PCMU"
  play "prompt.wav"
  wait 300ms
  check media.codec == "G722"
  release
}
"""


def _likeness(piece: Samples, received: Samples, at: int) -> float:
    """Correlation where the piece fits best within 20 ms of `at`: the G.722 filters and the resampling take 2 ms."""
    lag = best_lag(piece, received, around=at, reach=PACKET)
    return float(np.corrcoef(piece, received[lag : lag + len(piece)])[0, 1])


def test_codecs_that_the_peer_refused_are_not_offered_again(tmp_path: Path) -> None:
    report = sipflow.run(REFUSED, out=tmp_path, sim=True, seed=11)
    assert report.passed, report.failures


REFUSED = """
agent alice { codecs pcmu, g722 }
agent bob { codecs pcmu }
on alice {
  call bob with { codecs pcmu }
  hold
  resume with { codecs g722 } else recover at again
  label again
  wait 100ms
  resume
  check media.codec == "PCMU"
  release
}
on bob {
  answer
  expect held
  expect resumed
  expect hangup
}
"""
