"""A system that says good-bye hangs up with the last word: what was heard until then is judged as ever."""

from __future__ import annotations

from pathlib import Path

import pytest

import sipflow
from tests.media.signals import speech, write_wav


def said_and_hung_up(folder: Path, codec: str, play: str = "", *, caller: str = 'expect heard "bye.wav" within 8s'):
    """A prompt that sounds to its last sample, and a BYE behind it."""
    write_wav(folder / "bye.wav", speech(2.5, seed=3))
    text = f"""
    agent alice {{ codecs {codec} }}
    agent desk {{ codecs {codec} }}
    on alice {{ call desk; {caller} }}
    on desk {{ answer; play "bye.wav" {play}; release }}
    """
    return sipflow.run(text, out=folder, media_dir=folder, sim=True, seed=5)


@pytest.mark.parametrize("codec", ["pcmu", "pcma", "g722", "l16"])
def test_a_prompt_is_heard_though_the_peer_hangs_up_with_its_last_packet(codec: str, tmp_path: Path) -> None:
    report = said_and_hung_up(tmp_path, codec)
    assert report.passed, report.failures


@pytest.mark.wire
def test_and_so_it_is_on_the_wire(tmp_path: Path) -> None:
    write_wav(tmp_path / "bye.wav", speech(2.5, seed=3))
    text = 'on alice: call desk; expect heard "bye.wav" within 8s\non desk: answer; play "bye.wav"; release'
    report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, seed=5, timeout_s=30)
    assert report.passed, report.failures


def test_a_prompt_that_breaks_off_with_the_call_was_not_heard_and_the_best_place_is_told(tmp_path: Path) -> None:
    report = said_and_hung_up(tmp_path, "pcma", "for 1800ms")
    (failure,) = report.failures
    assert failure.code == "SF501"
    assert "best score 0." in failure.got, failure.got
    assert "missing at its end" in failure.got
    assert "the peer hung up" in failure.got


def test_silence_behind_the_end_of_a_call_is_none_that_was_heard(tmp_path: Path) -> None:
    report = said_and_hung_up(tmp_path, "pcma", "for 1800ms", caller="wait 1s; expect silence for 300ms within 8s")
    (failure,) = report.failures
    assert "it was silent for" in failure.got


def test_who_begins_to_listen_after_the_end_is_told_what_judges_it(tmp_path: Path) -> None:
    report = said_and_hung_up(tmp_path, "pcma", caller='expect hangup within 9s; expect heard "bye.wav"')
    (failure,) = report.failures
    assert "before this was listened for" in failure.got
    assert "`check heard` judges a call that is over" in failure.got


def test_an_arm_of_a_choice_hears_it_too(tmp_path: Path) -> None:
    choice = 'choose within 8s { heard "bye.wav" => log "bye"; timeout => fail "nothing" }'
    report = said_and_hung_up(tmp_path, "pcma", caller=choice)
    assert report.passed, report.failures


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("tone 440Hz", "a tone of 520 Hz was, -10 dBov at most"),
        ("tone 520Hz for 3s", "a tone of 520 Hz was for 1."),
        ('tone busy country "de"', "a tone of 520 Hz was"),
    ],
)
def test_a_tone_that_did_not_come_tells_of_the_one_that_came(wanted: str, told: str, tmp_path: Path) -> None:
    text = f"""
    on alice: call desk; expect {wanted} within 4s
    on desk: answer; play tone 520Hz for 1900ms; expect hangup within 20s
    """
    (failure,) = sipflow.run(text, out=tmp_path, sim=True, seed=5).failures
    assert told in failure.got, failure.got
