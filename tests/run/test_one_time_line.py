"""Recordings of several calls on one time line: what one says and another hears stand at their true distance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import sipflow
from sipflow.cli.media import media
from sipflow.media.timeline import Track, join
from sipflow.report.fold import Report
from sipflow.report.serialise import report_to_json

CALLS = """
agent alice { codecs g722 }
agent bob { codecs g722 }
agent carol { codecs g722 }
on alice { call bob as first; record "alice.wav"; wait 1.7s; play tone 1000Hz for 500ms; wait 1s; release }
on bob {
  answer as incoming
  record "bob.wav" received
  wait 730ms
  call carol as outgoing
  record "out.wav"
  wait 1s
  play tone 500Hz for 400ms
  wait 1s
  release
  expect hangup on incoming
}
on carol { answer; record "carol.wav"; expect hangup }
"""


def run(out: Path, *, sim: bool = True) -> Report:
    """Run the calls."""
    report = sipflow.run(CALLS, out=out, sim=sim, seed=2)
    assert report.passed, (report.failures, report.diagnostics)
    return report


def onset_s(samples: np.ndarray, rate: int) -> float:
    """When a channel is loud first."""
    return float(np.flatnonzero(np.abs(samples) > 1000)[0]) / rate


def test_each_recording_tells_when_it_began(tmp_path: Path) -> None:
    report = run(tmp_path)
    began = {Path(one.path).name: one.began_s for one in report.recordings}
    assert set(began) == {"alice.wav", "bob.wav", "out.wav", "carol.wav"}
    first, second = began["bob.wav"], began["out.wav"]
    assert first is not None and second is not None
    assert second - first == pytest.approx(0.73, abs=0.06)


@pytest.mark.parametrize("sim", [True, pytest.param(False, marks=pytest.mark.wire)])
def test_what_is_said_is_heard_a_little_later_on_the_same_time_line(tmp_path: Path, sim: bool) -> None:
    report, latest_s = run(tmp_path, sim=sim), 0.1 if sim else 0.3  # a busy machine makes the buffer longer
    (tmp_path / "report.json").write_text(json.dumps(report_to_json(report)))
    result = CliRunner().invoke(media, ["join", str(tmp_path / "report.json"), str(tmp_path / "all.wav")])
    assert result.exit_code == 0, result.output
    frames, rate = soundfile.read(tmp_path / "all.wav", dtype="int16")
    assert (rate, frames.shape[1]) == (16000, 7)
    rows = [line.split() for line in result.output.splitlines()[1:]]
    where = {Path(row[-1]).name: [int(n) - 1 for n in row[0].split("+")] for row in rows}
    said, heard = frames[:, where["alice.wav"][0]], frames[:, where["bob.wav"][0]]
    assert 0.02 <= onset_s(heard, rate) - onset_s(said, rate) <= latest_s  # packet time and jitter buffer
    said, heard = frames[:, where["out.wav"][0]], frames[:, where["carol.wav"][1]]
    assert 0.02 <= onset_s(heard, rate) - onset_s(said, rate) <= latest_s
    spans_s = [one.began_s + one.duration_ms / 1000 for one in report.recordings if one.began_s is not None]
    length_s = max(spans_s) - min(one.began_s for one in report.recordings if one.began_s is not None)
    assert len(frames) / rate == pytest.approx(length_s, abs=0.002)


def test_tracks_of_other_rates_stand_where_they_began(tmp_path: Path) -> None:
    click = np.zeros((16000, 2), np.int16)
    click[4000:, 1] = 8000
    soundfile.write(tmp_path / "wide.wav", click, 16000)
    soundfile.write(tmp_path / "narrow.wav", click[::2, 1], 8000)
    places = join([Track(tmp_path / "wide.wav", 7.25), Track(tmp_path / "narrow.wav", 3.0)], tmp_path / "all.wav")
    assert [(place.channels, place.offset_s) for place in places] == [((1, 2), 4.25), ((3,), 0.0)]
    frames, rate = soundfile.read(tmp_path / "all.wav", dtype="int16")
    assert (rate, len(frames)) == (16000, round(5.25 * 16000))
    assert not frames[:, 0].any()
    assert onset_s(frames[:, 1], rate) == pytest.approx(4.5, abs=1e-9)
    assert onset_s(frames[:, 2], rate) == pytest.approx(0.25, abs=0.001)


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"recordings": [{}]}', '{"recordings": []}'])
def test_what_is_no_report_of_recordings_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    result = CliRunner().invoke(media, ["join", str(tmp_path / "report.json"), str(tmp_path / "all.wav")])
    assert result.exit_code == 3
    assert result.output.startswith("error: ")
    assert not (tmp_path / "all.wav").exists()
