"""Calls whose codec only passes through: what can be judged is, and what cannot be known never comes out true."""

from __future__ import annotations

from pathlib import Path

import pytest

import sipflow
from sipflow.report.fold import Report

MEDIA = Path(__file__).parents[2] / "scenarios" / "media"


def run(tmp_path: Path, menu: str, *, alice: str = "", codecs: str = "gsm") -> Report:
    """Alice sends GSM for 2.7 s to the menu, which judges it."""
    text = f"""\
agent alice {{ codecs {codecs} }}
agent menu {{ codecs {codecs} }}
on alice {{ call menu; play "greet.gsm" in background; {alice}; expect hangup within 30s }}
on menu {{ answer; wait 1s; {menu}; wait 3s; release }}
"""
    return sipflow.run(text, out=tmp_path, media_dir=MEDIA, sim=True, seed=5, timeout_s=60)


def why(report: Report) -> str:
    assert not report.passed
    return " | ".join(failure.got for failure in report.failures)


UNHEARD = "GSM only passes through"


@pytest.mark.parametrize(
    "statement",
    [
        "expect audio within 5s",
        "expect silence for 500ms within 5s",
        "expect tone 440Hz within 5s",
        'expect heard "greet.wav" within 5s',
        'check heard "greet.wav"',
    ],
)
def test_nothing_is_heard_of_what_nobody_decodes(tmp_path: Path, statement: str) -> None:
    assert UNHEARD in why(run(tmp_path, statement))


@pytest.mark.parametrize(
    "condition",
    [
        "media.level < 0dB", "media.level > -127dB", "media.silence < 10s", "media.silence_share < 101%",
        "media.clipping < 101%", "media.peak < 101%", "media.mos > 0", "media.r_factor >= 0",
    ],
)  # fmt: skip
def test_what_is_not_known_makes_no_condition_true(tmp_path: Path, condition: str) -> None:
    assert "was measured" in why(run(tmp_path, f"wait 2s; check {condition}"))


def test_what_packets_tell_is_judged_as_ever(tmp_path: Path) -> None:
    conditions = (
        'media.codec_received == "GSM"', "media.loss == 0%", "media.jitter < 1ms", "media.concealed == 0ms",
        "media.packets_received > 40", "media.one_way == false", "media.delay > 0ms", 'media.digits == "7"',
    )  # fmt: skip
    checks = "; ".join(f"check {condition}" for condition in conditions)
    report = run(tmp_path, f'expect dtmf "7" within 5s; {checks}', alice='send dtmf "7"')
    assert report.passed, report.failures


def test_loss_is_loss(tmp_path: Path) -> None:
    report = run(tmp_path, "wait 2s; check media.loss < 1%", alice="impair loss 20%")
    assert "media.loss is" in why(report)


@pytest.mark.parametrize(
    ("alice", "reason"),
    [
        ('play "greet.wav"', "GSM only passes through"),
        ("play tone 440Hz for 1s", "GSM only passes through"),
        ('send dtmf "1" via inband', "GSM only passes through"),
        ('record "x.wav"', "not decoded here"),
    ],
)
def test_what_would_have_to_be_encoded_or_decoded_fails(tmp_path: Path, alice: str, reason: str) -> None:
    """`sipflow check` says so where no other codec can come about."""
    assert reason in why(run(tmp_path, "wait 1s", alice=alice, codecs="gsm, pcma"))
    assert not list(tmp_path.rglob("*.wav"))


def test_digits_are_not_found_in_what_is_not_decoded(tmp_path: Path) -> None:
    text = """\
agent alice { codecs gsm; dtmf inband }
agent menu { codecs gsm; dtmf inband }
on alice { call menu; play "greet.gsm"; expect hangup within 30s }
on menu { answer; expect dtmf within 3s; release }
"""
    report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, sim=True, seed=5, timeout_s=60)
    assert not report.passed


def test_a_recording_that_began_before_the_codec_was_known_fails(tmp_path: Path) -> None:
    text = """\
agent alice { codecs pcma, gsm }
agent menu { codecs gsm }
on alice { dial menu; record "x.wav"; expect answered within 5s; wait 1s; stop record; expect hangup }
on menu { wait 1s; answer; wait 3s; release }
"""
    report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, sim=True, seed=5, timeout_s=60)
    assert "not decoded here" in why(report)


def test_a_play_that_another_codec_cannot_go_on_with_is_cut_short(tmp_path: Path) -> None:
    text = """\
agent alice { codecs gsm, pcma }
agent menu { codecs gsm, pcma }
on alice { call menu; play "greet.gsm" in background; wait 1s; resume with { codecs pcma }; expect played within 5s }
on menu { answer; expect hangup within 30s }
"""
    report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, sim=True, seed=5, timeout_s=60)
    assert "it stopped after 1.0" in why(report)


FRAMES = (MEDIA / "greet.gsm").read_bytes()


def recorded(tmp_path: Path, record: str, *, alice: str = "wait 1ms", sim: bool = True) -> tuple[Report, bytes]:
    text = f"""\
agent alice {{ codecs gsm, pcma }}
agent menu {{ codecs gsm }}
on alice {{ call menu; {alice}; wait 200ms; play "greet.gsm"; wait 500ms; release }}
on menu {{ answer; record "heard.gsm" {record}; play "greet.gsm"; expect hangup within 20s; expect recorded }}
"""
    report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, sim=sim, seed=5, timeout_s=60)
    return report, (tmp_path / "heard.gsm").read_bytes()


@pytest.mark.parametrize("side", ["", "received", "sent"])
def test_frames_are_recorded_as_they_came(tmp_path: Path, side: str) -> None:
    report, heard = recorded(tmp_path, side)
    assert report.passed, report.failures
    assert heard == FRAMES
    assert [recording.duration_ms for recording in report.recordings] == [len(FRAMES) // 33 * 20]


@pytest.mark.wire
def test_frames_are_recorded_as_they_came_on_the_wire(tmp_path: Path) -> None:
    report, heard = recorded(tmp_path, "", sim=False)
    assert report.passed, report.failures
    assert heard == FRAMES


def test_what_is_doubled_is_recorded_once_and_what_is_lost_is_missing(tmp_path: Path) -> None:
    report, heard = recorded(tmp_path, "", alice="impair loss 10% duplicate 20%")
    assert report.passed, report.failures
    frames = [FRAMES[at : at + 33] for at in range(0, len(FRAMES), 33)]
    came = [heard[at : at + 33] for at in range(0, len(heard), 33)]
    assert len(heard) % 33 == 0
    assert 0.8 * len(frames) < len(came) < len(frames)
    rest = iter(frames)
    assert all(frame in rest for frame in came), "in the order in which they were sent"


def test_a_recording_ends_where_its_time_is_over(tmp_path: Path) -> None:
    report, heard = recorded(tmp_path, "for 1s")
    assert report.passed, report.failures
    assert heard == FRAMES[: len(heard)]
    assert 0.6 * 1650 < len(heard) < 1650


def test_samples_that_nobody_knows_spoil_a_wav_file(tmp_path: Path) -> None:
    """Both codecs may come; a file that was right so far is not right any more once one came that nobody decodes."""
    text = """\
agent alice { codecs pcma, gsm }
agent menu { codecs gsm, pcma }
on alice { call menu; record "x.wav"; wait 500ms; resume with { codecs gsm, pcma }; wait 1s; stop record }
on menu { answer; wait 700ms; play "greet.gsm"; release }
"""
    report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, sim=True, seed=5, timeout_s=60)
    assert not report.passed
    assert any("only passes through" in recording.error for recording in report.recordings)


def test_a_file_takes_the_frames_of_one_codec(tmp_path: Path) -> None:
    why_not = why(run(tmp_path, 'record "x.g729"; wait 1s; stop record', codecs="gsm, g729"))
    assert "frames of another codec came" in why_not
    assert (tmp_path / "x.g729").read_bytes() == b""
