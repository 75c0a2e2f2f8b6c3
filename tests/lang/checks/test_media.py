"""Codecs, files that are played and recordings, as far as a look at their heads tells."""

from __future__ import annotations

import pytest

from sipflow.lang.diagnostics import apply_fix
from tests.lang.checks.said import codes, notes, only, words


def program(alice: str, bob: str = "", head: str = "") -> str:
    return f"{head}on alice {{ call bob; {alice}; release }}\non bob {{ answer; {bob or 'log 1'}; expect hangup }}\n"


# --- codecs --------------------------------------------------------------------------------------------------------

HEAD = "agent alice { codecs pcmu }\nagent bob { codecs pcma }\n"


@pytest.mark.parametrize(
    ("call", "answer", "number"),
    [
        ("call bob", "answer", 1),
        ("dial bob", "answer", 1),
        ("call bob with { codecs pcma }", "answer", 0),
        ("call bob with { codecs pcmu, cn }", "answer with { codecs pcma, cn }", 1),
        ("call bob", "answer with { codecs pcmu, pcma }", 0),
        ("call bob with { codecs pcma }", "answer with { codecs pcmu }", 1),
    ],
)
def test_two_agents_that_talk_share_a_codec(call: str, answer: str, number: int) -> None:
    assert codes(f"{HEAD}on alice: {call}; release\non bob: {answer}; expect hangup\n") == ["SF404"] * number


def test_one_of_several_answers_may_take_the_offer() -> None:
    lanes = "on bob: answer; expect hangup\non bob: answer with { codecs pcmu }; expect hangup\n"
    assert codes(f"{HEAD}on alice: call bob; release\n{lanes}") == []


def test_the_codecs_of_the_other_side_are_shown() -> None:
    text = f"{HEAD}on alice: call bob; release\non bob: answer; expect hangup\n"
    assert notes(text, only(text, "SF404")) == ["bob"]


def test_a_codec_is_shared_however_many_channels_each_side_wants() -> None:
    head = "agent alice { codecs opus stereo }\nagent bob { codecs opus }\n"
    for call, answer in (
        ("call bob", "answer"),
        ("call bob with { codecs opus }", "answer with { codecs opus stereo }"),
    ):
        assert "SF404" not in codes(f"{head}on alice: {call}; release\non bob: {answer}; expect hangup\n")


@pytest.mark.parametrize(
    ("codecs", "found"),
    [
        ("opus stereo, pcmu", []),
        ("pcmu stereo", ["SF215"]),
        ("l16 stereo, opus", ["SF215"]),
        ("opus stereo, opus", ["SF213"]),
        ("opux stereo", ["SF210"]),
    ],
)
def test_only_opus_has_two_channels(codecs: str, found: list[str]) -> None:
    text = f"agent alice {{ codecs {codecs} }}\non alice: call bob; release\non bob: answer; expect hangup\n"
    assert [code for code in codes(text) if code not in ("SF404", "SF412")] == found


@pytest.mark.parametrize(
    ("alice", "statement", "found"),
    [
        ("opus", "check media.level_left > -40dB", ["SF416"]),
        ("pcmu", "check media.level > -40dB and media.level_right > -40dB", ["SF416"]),
        ("opus stereo", "check media.level_left > -40dB", []),
        ("opus", "resume with { codecs opus stereo }; check media.level_left > -40dB", []),
        ("opus", "check media.level > -40dB", []),
    ],
)
def test_left_and_right_are_measured_where_two_channels_are_heard(alice: str, statement: str, found: list[str]) -> None:
    lanes = f"on alice: call bob; wait 1s; {statement}; release\non bob: answer; expect hangup\n"
    all_found = codes(f"agent alice {{ codecs {alice} }}\nagent bob {{ codecs opus, pcmu }}\n{lanes}")
    assert [code for code in all_found if code == "SF416"] == found


# --- files: every one lasts a second, hours.wav two hours ----------------------------------------------------------


@pytest.mark.parametrize(
    ("play", "code"),
    [
        ('play "x.wav" from 1s', "SF405"),
        ('play "x.wav" from 1.5s in background', "SF405"),
        ('play "x.wav" for 1.5s', "SF406"),
        ('play "x.wav" 2 times for 3s', "SF406"),
        ('play "x.wav" from 500ms for 1s', "SF406"),
        ('play "hours.wav"', "SF407"),
    ],
)
def test_a_play_goes_with_the_length_of_its_file(play: str, code: str) -> None:
    assert codes(program(play)) == [code]


@pytest.mark.parametrize(
    "play",
    [
        'play "x.wav" from 999ms',
        'play "x.wav" for 1s',
        'play "x.wav" loop for 1h',
        'play "x.wav" 2 times for 2s',
        'play "x.wav" for 2s * 3',
        'play "x${env.N}.wav" from 1h',
        "play tone 440Hz for 2h",
        'play "hours.wav" for 5s',
        'play "hours.wav" in background',
    ],
)
def test_a_play_that_fits_or_shows_in_the_run_is_fine(play: str) -> None:
    assert codes(program(play)) == []


# --- recordings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("play", "found"),
    [
        ('play "torn.wav"', ["SF417"]),
        ('play "torn.wav" loop for 20s', ["SF417"]),
        ('play "torn.wav" from 200ms for 900ms', ["SF417"]),
        ('play "torn.wav" from 200ms for 800ms', []),
        ('play "greet.wav"', []),
    ],
)
def test_a_file_that_was_cut_off_is_told_where_what_is_missing_would_be_heard(play: str, found: list[str]) -> None:
    assert [code for code in codes(program(play)) if code == "SF417"] == found


def test_two_recordings_need_two_files() -> None:
    text = program('record "x.wav"', 'record "x.wav"')
    found = only(text, "SF408")
    assert words(text, found) == '"x.wav"' and notes(text, found) == ['record "x.wav"']


@pytest.mark.parametrize(
    ("alice", "bob"),
    [
        ('record "a.wav"', 'record "b.wav"'),
        ("record", "record"),
        ('record "a${env.N}.wav"', 'record "a${env.N}.wav"'),
        ('if env.X == "1" { record "a.wav" } else { record "a.wav" stereo }', ""),
    ],
)
def test_recordings_that_go_elsewhere_or_exclude_each_other_are_fine(alice: str, bob: str) -> None:
    assert codes(program(alice, bob)) == []


def test_a_recording_has_the_suffix_of_what_is_written() -> None:
    text = program('record "call.mp3"')
    found = only(text, "SF409")
    assert found.fix is not None and 'record "call.wav"' in apply_fix(text, found.fix)
    assert codes(program('record "CALL.WAV"')) == codes(program('record "call"')) == []


def test_a_recording_does_not_replace_what_is_played() -> None:
    assert codes(program('record "/p/x.wav"', 'play "/p/x.wav"')) == ["SF410"]
    # Relative names are looked for beside the scenario, and recorded in the folder of the run.
    assert codes(program('record "x.wav"', 'play "x.wav"')) == []


# --- codecs that only pass through: `.gsm` holds frames of GSM ------------------------------------------------------

GSM = "agent alice { codecs gsm }\nagent bob { codecs gsm }\n"


@pytest.mark.parametrize(
    ("head", "play", "code"),
    [
        (GSM, 'play "x.gsm"', None),
        (GSM, 'play "x.wav"', "SF413"),
        (GSM, "play tone 440Hz for 1s", "SF413"),
        (GSM, 'play dtmf "1"', "SF413"),
        (GSM, 'send dtmf "1"', None),
        (GSM, 'send dtmf "1" via inband', "SF413"),
        ("", 'play "x.gsm"', "SF413"),
        (GSM.replace("gsm", "g729"), 'play "x.gsm"', "SF413"),
        (GSM.replace("gsm", "gsm, pcma"), 'play "x.gsm"', None),
        (GSM.replace("gsm", "gsm, pcma"), 'play "x.wav"', None),
        (GSM.replace("gsm", "gsm, cn"), 'play "x.wav"', "SF413"),
    ],
)
def test_only_frames_of_the_codec_can_be_played(head: str, play: str, code: str | None) -> None:
    assert codes(program(play, head=head)) == ([code] if code else [])


@pytest.mark.parametrize(
    "statement",
    [
        "expect audio within 3s", "expect silence for 1s within 3s", "expect tone 440Hz within 3s",
        'expect heard "x.wav" within 3s', 'check heard "x.wav"', "check media.level > -40dB",
        "check media.loss < 1% and media.silence < 2s", "choose within 3s { audio => log 1; timeout => log 2 }",
    ],
)  # fmt: skip
def test_nobody_hears_what_is_not_decoded(statement: str) -> None:
    assert "SF414" in codes(program(statement, head=GSM))
    assert "SF414" not in codes(program(statement, head=GSM.replace("gsm", "gsm, pcma")))


def test_a_codec_of_one_call_counts_too() -> None:
    head = "agent alice { codecs gsm }\nagent bob { codecs gsm, pcma }\n"
    alice = "on alice: call bob with { codecs pcma }; expect audio within 3s; release"
    assert "SF414" not in codes(f"{head}{alice}\non bob: answer; expect hangup\n")


def test_two_spellings_of_one_codec_are_one() -> None:
    head = "agent alice { codecs g729 }\nagent bob { codecs g729b }\n"
    assert codes(program("wait 1s", head=head)) == []


@pytest.mark.parametrize(
    ("codecs_of_alice", "record", "code"),
    [
        ("gsm", 'record "x.gsm"', None),
        ("gsm", 'record "x.gsm" sent for 1s', None),
        ("gsm", 'record "x.gsm" mono', "SF415"),
        ("gsm", 'record "x.wav"', "SF415"),
        ("gsm", "record", "SF415"),
        ("gsm", 'record "x.g729"', "SF415"),
        ("gsm, pcma", 'record "x.wav"', None),
        ("gsm, g729b", 'record "x.g729"', None),
        ("pcma", 'record "x.gsm"', "SF415"),
    ],
)
def test_a_recording_fits_the_codec(codecs_of_alice: str, record: str, code: str | None) -> None:
    head = GSM.replace("gsm", codecs_of_alice)
    assert codes(program(record, head=head)) == ([code] if code else [])
