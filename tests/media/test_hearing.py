"""What legs hear: prompts behind codecs and loss, tones, silence, digits in the audio; events tick by tick."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile

from bench import heard as bench
from sipflow.errors import MediaError
from sipflow.media.hearing import Features, FeatureStore, Wanted, create_watch
from sipflow.native import check, ffi, lib
from tests.media.signals import speech, write_wav
from tests.media.stepped import PCMA, PCMU, STORE, Pair, SteppedLeg

TRIALS = 200 if os.environ.get("SIPFLOW_SLOW") else 4
SHARE_WORDS = {"sales", "support"}
"""Both begin with "This is", a quarter of what is heard of them."""


@pytest.mark.parametrize("codec", bench.CODECS)
def test_every_prompt_is_found_and_every_other_one_refused(codec: str) -> None:
    if codec in bench.THROUGH_FFMPEG and shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    for trial in bench.trials(TRIALS, seed=3):
        outcome = bench.run(trial, codec)
        assert outcome.found and outcome.score > 0.9, (trial, outcome)
        alike = {bench.NAMES[trial.prompt], bench.NAMES[trial.other]} == SHARE_WORDS
        assert not outcome.other_found and outcome.other_score < (0.7 if alike else 0.6), (trial, outcome)
        assert abs(outcome.gain_error_db) < 2, (trial, outcome)


# --- legs that listen ------------------------------------------------------------------------------------------------


class Listener(SteppedLeg):
    """A leg with an ear."""

    def __init__(self, seed: int = 2, *, skills: int = 7, always_digits: bool = False) -> None:
        super().__init__(seed)
        config = ffi.new("sfm_leg_config *", {"sample_rate": 8000, "seed": seed, "stream_seed": seed, "cname": b"test"})
        lib.sfm_jitter_defaults(ffi.addressof(config.jitter), 8000)
        config.listener.skills, config.listener.history_ms = skills, 60_000
        config.listener.always_digits = always_digits
        out = ffi.new("sfm_leg **")
        check(lib.sfm_leg_create(config, out))
        self.native = ffi.gc(out[0], lib.sfm_leg_destroy)
        self.tape = self._tape(0)
        self.finished: dict[int, Any] = {}

    def watch(self, wanted: Wanted, job: int, topic: int = 0, features: Features | None = None) -> None:
        """Listens for something."""
        watch = ffi.gc(create_watch(wanted, features, "it"), lib.sfm_watch_destroy)
        self.kept.append(watch)
        check(lib.sfm_leg_watch(self.native, watch, job, topic, topic != 0))

    def found(self, job: int) -> list[bool]:
        """Whether each finished watch with this job found it."""
        return [event.completed for event in self.of_kind(lib.SFM_EVENT_HEARING_FINISHED) if event.job == job]


def pair(**options: Any) -> tuple[Pair, Listener]:
    listener = Listener(**options)
    return Pair(b=listener).start(), listener


def prompt_of(folder: Path, seed: int = 1) -> tuple[Any, Features]:
    path = write_wav(folder / f"{seed}.wav", speech(1.5, seed=seed))
    return STORE.load(path, PCMU), FeatureStore().load(path)


def menu() -> tuple[Any, Features]:
    path = bench.MEDIA / "menu.wav"
    return STORE.load(path, PCMU), FeatureStore().load(path)


def test_a_prompt_is_found_in_the_tick_in_which_it_is_over() -> None:
    calls, listener = pair()
    prompt, features = menu()
    listener.watch(Wanted("prompt"), 7, topic=1, features=features)
    calls.run(50).a.play(prompt)
    calls.run(soundfile.info(bench.MEDIA / "menu.wav").frames // 160 - 10)
    assert listener.found(7) == []
    calls.run(25)
    assert listener.found(7) == [True]


def test_what_nobody_decodes_ends_a_silence() -> None:
    """A peer that changes to a codec which only passes through, and back, without an offer."""
    listener = Listener()
    formats = [
        {"codec": lib.sfm_codec_find(name), "payload_type": number} for name, number in ((b"PCMU", 0), (b"GSM", 3))
    ]
    listener.start(receive_formats=formats, receive_format_count=2)
    listener.watch(Wanted("silence", lasting_ms=2000), 7)

    def hear(payload_type: int, payload: bytes, first: int, count: int) -> None:
        for number in range(first, first + count):
            now_ns = 1_000_000_000 + number * 20_000_000
            header = bytes((0x80, payload_type)) + number.to_bytes(2) + (number * 160).to_bytes(4) + b"peer"
            listener.receive(header + payload, now_ns)
            listener.playout_tick(now_ns)

    hear(0, b"\xff" * 160, 0, 75)
    hear(3, b"\xd0" + bytes(32), 75, 100)
    hear(0, b"\xff" * 160, 175, 90)
    assert listener.found(7) == []
    hear(0, b"\xff" * 160, 265, 20)
    assert listener.found(7) == [True]


def test_what_came_before_counts_and_once() -> None:
    calls, listener = pair()
    prompt, features = menu()
    calls.a.play(prompt)
    calls.run(220)
    listener.watch(Wanted("prompt"), 7, topic=1, features=features)
    calls.run(10)
    assert listener.found(7) == [True]
    listener.watch(Wanted("prompt"), 8, topic=1, features=features)
    listener.watch(Wanted("prompt"), 9, topic=2, features=features)
    calls.run(20)
    assert (listener.found(8), listener.found(9)) == ([], [True])
    calls.a.play(prompt)
    calls.run(220)
    assert listener.found(8) == [True]


def test_silence_is_about_now() -> None:
    calls, listener = pair()
    calls.run(100)
    listener.watch(Wanted("silence", lasting_ms=1000), 7)
    calls.run(49)
    assert listener.found(7) == []
    calls.run(2)
    assert listener.found(7) == [True]


def test_a_watch_that_ends_is_told_and_so_are_all_when_the_leg_does() -> None:
    calls, listener = pair()
    for job in (7, 8, 9):
        listener.watch(Wanted("audio", lasting_ms=100), job)
    lib.sfm_leg_end_watch(listener.native, 8)
    calls.run(2)
    assert (listener.found(7), listener.found(8)) == ([], [False])
    lib.sfm_leg_end_watch(listener.native, 0)
    calls.run(1)
    assert listener.found(7) == listener.found(9) == [False]


def test_a_leg_without_an_ear_refuses_to_listen() -> None:
    deaf, watch = SteppedLeg(), ffi.gc(create_watch(Wanted("audio"), None, "it"), lib.sfm_watch_destroy)
    assert lib.sfm_leg_watch(deaf.native, watch, 1, 0, 0) == lib.SFM_ERROR_ARGUMENT


def test_more_than_sixteen_watches_at_once_are_refused() -> None:
    _, listener = pair()
    for job in range(16):
        listener.watch(Wanted("audio"), 1 + job)
    watch = ffi.gc(create_watch(Wanted("audio"), None, "it"), lib.sfm_watch_destroy)
    assert lib.sfm_leg_watch(listener.native, watch, 17, 0, 0) == lib.SFM_ERROR_SPACE


@pytest.mark.parametrize("rtp_format", [PCMU, PCMA], ids=["PCMU", "PCMA"])
def test_all_digits_in_the_audio_arrive_once(rtp_format: Any) -> None:
    calls, listener = Pair(b=Listener(always_digits=True)), None
    calls.start(rtp_format)
    listener = calls.b
    calls.a.play(STORE.digits("159D,*0#A2", rtp_format, tone_ms=60, gap_ms=60))
    calls.run(150)
    assert listener.digits == "159D*0#A2"


def test_digits_in_the_audio_are_looked_for_where_no_event_can_come() -> None:
    for payload_type, heard in ((-1, "12"), (101, "")):
        calls = Pair(b=Listener())
        calls.a.start()
        calls.b.start(dtmf_receive_payload_type=payload_type)
        calls.a.play(STORE.digits("12", PCMU))
        calls.run(60)
        assert calls.b.digits == heard


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_features_of_a_file_are_made_once_until_it_changes(tmp_path: Path) -> None:
    store, path = FeatureStore(), shutil.copy(bench.MEDIA / "menu.wav", tmp_path / "x.wav")
    first = store.load(path)
    assert store.load(path) is first
    shutil.copy(bench.MEDIA / "sales.wav", path)
    os.utime(path, ns=(1, 1))
    assert store.load(path) is not first


@pytest.mark.parametrize(
    ("name", "said"), [("beep.wav", "steady sound"), ("nowhere.wav", "cannot read"), ("README.md", "not an audio file")]
)
def test_files_that_nothing_is_recognised_by(name: str, said: str) -> None:
    with pytest.raises(MediaError, match=said):
        FeatureStore().load(bench.MEDIA / name)


def test_a_click_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"less than 0\.5 s of sound"):
        FeatureStore().load(write_wav(tmp_path / "click.wav", speech(0.2)))
