"""A recording that is not whole is never passed over, and two recordings never share a file."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

import sipflow

LIMIT_BYTES = 20_000
"""Of a file: 0.6 s in stereo at 8 kHz."""


@pytest.fixture
def small_files() -> Iterator[None]:
    """The disk takes no more (RLIMIT_FSIZE); Python has SIGXFSZ ignored, so that `write` gives EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run(folder: Path, alice: str) -> sipflow.Report:
    text = f"on alice: call bob; {alice}; release\non bob: answer; expect hangup within 20s"
    return sipflow.run(text, out=folder, sim=True, seed=1)


@pytest.mark.usefixtures("small_files")
def test_a_recording_that_broke_fails_a_lane_that_never_asked_for_it(tmp_path: Path) -> None:
    report = run(tmp_path, 'record "a.wav"; wait 3s')
    (failure,) = report.failures
    assert (failure.code, failure.statement) == ("SF506", 'record "a.wav"')
    assert "a.wav is not whole: the file may not grow any more" in failure.got
    assert report.exit_code == 3
    assert 0.3 < soundfile.info(tmp_path / "a.wav").duration < 0.7, "what fitted is a file"


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("ending", ["stop record", "expect recorded"])
def test_whoever_waits_for_the_file_is_told_once_and_may_provide_for_it(ending: str, tmp_path: Path) -> None:
    failed = run(tmp_path, f'record "a.wav"; wait 3s; {ending}')
    (failure,) = failed.failures
    assert (failure.code, failure.statement) == ("SF506", ending)
    provided = run(tmp_path, f'record "a.wav"; wait 3s; {ending} else recover')
    assert provided.passed, provided.failures


@pytest.mark.usefixtures("small_files")
def test_a_choice_that_another_event_decides_has_not_told_of_it(tmp_path: Path) -> None:
    report = run(tmp_path, 'record "a.wav"; choose within 3s { recorded => end; dtmf => end; timeout => log "late" }')
    assert [failure.statement for failure in report.failures] == ['record "a.wav"']


@pytest.mark.wire
def test_a_later_recording_of_the_same_name_replaces_one_that_still_runs(tmp_path: Path) -> None:
    text = """
    on alice { call bob; record "a.wav" sent; play tone 440Hz for 1500ms; wait 1s; release }
    on bob { answer; wait 1s; record "a.wav" sent; play tone 880Hz for 300ms; expect hangup within 20s }
    """
    report = sipflow.run(text, out=tmp_path, seed=1, timeout_s=30)
    assert report.passed, report.failures
    samples, rate = soundfile.read(tmp_path / "a.wav")
    mine = next(one for one in report.recordings if one.call.startswith("bob"))
    assert len(samples) / rate == pytest.approx(mine.duration_ms / 1000, abs=0.001)
    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(np.argmax(spectrum) * rate / len(samples) - 880) < 10
    assert spectrum[round(440 * len(samples) / rate)] < 0.01 * spectrum.max(), "nothing of the first one is in it"


def test_two_recordings_of_frames_into_one_file_do_not_mix(tmp_path: Path) -> None:
    spoken = {name: random.Random(name).randbytes(33 * 50) for name in ("early", "late")}
    for name, frames in spoken.items():
        (tmp_path / f"{name}.gsm").write_bytes(frames)
    text = """
    agent alice { codecs gsm }
    agent bob { codecs gsm }
    on alice { call bob; record "a.gsm" sent; play "early.gsm" loop for 3s; release }
    on bob { answer; wait 500ms; record "a.gsm" sent; play "late.gsm"; expect hangup within 20s }
    """
    (tmp_path / "two.sflow").write_text(text)
    report = sipflow.run(tmp_path / "two.sflow", out=tmp_path / "out", sim=True, seed=1)
    assert report.passed, report.failures
    assert (tmp_path / "out" / "a.gsm").read_bytes() == spoken["late"]
