"""Prompts out of files of every kind: what is sent is what the file holds, encoded once, in bounded memory."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sipflow.errors import MediaError
from sipflow.media import Prompt, PromptStore
from sipflow.media.hearing import FeatureStore
from sipflow.media_params import RtpFormat
from sipflow.native import ffi, lib
from tests.media.signals import Samples, round_trip, speech, write_wav

PCMU, PCMA = RtpFormat("PCMU", 0), RtpFormat("PCMA", 8)


@pytest.fixture
def store(tmp_path: Path) -> PromptStore:
    """A store with a folder of its own."""
    cache = tmp_path / "cache"
    cache.mkdir()
    return PromptStore(cache)


def decoded(prompt: Prompt) -> Samples:
    """What a peer would hear of a prompt."""
    count = lib.sfm_prompt_samples(prompt.native)
    encoded = ffi.new("uint8_t[]", count)
    pcm = np.zeros(count, np.int16)
    assert lib.sfm_prompt_copy(prompt.native, 0, count, encoded) == count
    codec = lib.sfm_prompt_codec(prompt.native)
    lib.sfm_codec_decode(codec, ffi.NULL, encoded, count, ffi.from_buffer("int16_t[]", pcm), count)
    return pcm


def sine(rate: int, channels: int = 1, seconds: float = 0.5) -> np.ndarray:
    """440 Hz at half of full scale; in stereo, the whole of it on the left alone has to come out at half of that."""
    mono = 0.5 * np.sin(2 * np.pi * 440 / rate * np.arange(int(rate * seconds)))
    return mono if channels == 1 else np.stack([mono] + [np.zeros_like(mono)] * (channels - 1), axis=1)


@pytest.mark.parametrize("rtp_format", [PCMU, PCMA], ids=lambda f: f.name)
def test_eight_kilohertz_are_encoded_sample_for_sample(
    tmp_path: Path, store: PromptStore, rtp_format: RtpFormat
) -> None:
    samples = speech(5)
    prompt = store.load(write_wav(tmp_path / "x.wav", samples), rtp_format)
    assert prompt.duration_ms == 5000
    assert np.array_equal(decoded(prompt), round_trip(samples, rtp_format.name))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [
        ("wav", "PCM_U8"),
        ("wav", "PCM_16"),
        ("wav", "PCM_24"),
        ("wav", "PCM_32"),
        ("wav", "FLOAT"),
        ("wav", "ULAW"),
        ("flac", "PCM_16"),
        ("ogg", "VORBIS"),
        ("aiff", "PCM_16"),
    ],
)
def test_files_of_any_kind_sound_alike(
    tmp_path: Path, store: PromptStore, rate: int, channels: int, suffix: str, subtype: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    soundfile.write(path, sine(rate, channels), rate, subtype=subtype)
    heard = decoded(store.load(path, PCMU)).astype(float)
    expected = sine(8000) * 32768 / channels
    assert abs(len(heard) - len(expected)) <= 80
    middle = slice(400, 3200)  # the ends of resampled and of compressed audio ring
    noise = heard[middle] - expected[middle]
    assert 10 * np.log10(np.mean(expected[middle] ** 2) / np.mean(noise**2)) > 20


def test_start_and_gain_are_applied(tmp_path: Path, store: PromptStore) -> None:
    samples = speech(2)
    path = write_wav(tmp_path / "x.wav", samples)
    late = store.load(path, PCMU, start_ms=500)
    assert np.array_equal(decoded(late), round_trip(samples[4000:], "PCMU"))
    quiet = store.load(path, PCMU, gain_db=-20.0)
    assert np.array_equal(decoded(quiet), round_trip(np.rint(samples / 10).astype(np.int16), "PCMU"))
    loud = decoded(store.load(path, PCMU, gain_db=60.0))
    assert abs(loud).max() == 32124  # clipped, not wrapped


def test_values_that_are_no_samples_become_samples(tmp_path: Path, store: PromptStore) -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 7.5, -7.5, 0.0] * 100, "float32")
    soundfile.write(tmp_path / "x.wav", wild, 8000, subtype="FLOAT")
    heard = decoded(store.load(tmp_path / "x.wav", PCMU))
    assert list(heard[:6]) == [0, 32124, -32124, 32124, -32124, 0]


def test_a_prompt_is_made_once_and_anew_when_its_file_changes(tmp_path: Path, store: PromptStore) -> None:
    path = write_wav(tmp_path / "x.wav", speech(0.5))
    first = store.load(path, PCMU)
    assert store.load(path, PCMU) is first
    assert store.load(path, RtpFormat("pcmu", 0)) is first
    assert store.load(path, PCMA) is not first
    assert store.load(path, PCMU, gain_db=-1.0) is not first
    write_wav(path, speech(0.7))
    assert store.load(path, PCMU).duration_ms == 700


def test_many_threads_that_want_a_prompt_get_the_same(tmp_path: Path, store: PromptStore) -> None:
    path = write_wav(tmp_path / "x.wav", speech(10))
    got: list[Prompt] = []
    threads = [threading.Thread(target=lambda: got.append(store.load(path, PCMU))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(prompt) for prompt in got}) == 1


def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path: Path, store: PromptStore) -> None:
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16") as file:
        for _ in range(60):
            file.write(np.zeros(60 * 8000, np.int16))
    tracemalloc.start()
    prompt = store.load(path, PCMU)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert prompt.duration_ms == 3_600_000
    assert peak < 5_000_000  # the file has 57.6 MB
    assert not list((tmp_path / "cache").iterdir())


def test_a_file_that_cannot_be_played_is_named_with_the_reason(tmp_path: Path, store: PromptStore) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is no audio")
    empty = write_wav(tmp_path / "empty.wav", speech(0))
    short = write_wav(tmp_path / "short.wav", speech(0.1))
    nothing = tmp_path / "nothing.wav"
    nothing.touch()
    cases = {
        tmp_path / "gone.wav": "no such file",
        text: "not an audio file",
        tmp_path: "folder",
        empty: "no audio at all",
        nothing: "is empty",
    }
    for path, reason in cases.items():
        with pytest.raises(MediaError, match=reason) as caught:
            store.load(path, PCMU)
        assert str(path) in str(caught.value)
    with pytest.raises(MediaError, match="after 100 ms"):
        store.load(short, PCMU, start_ms=100)
    with pytest.raises(MediaError, match="no codec for SILK"):
        store.load(short, RtpFormat("SILK", 111))


def test_a_file_that_cannot_be_sought_in_is_played_from_anywhere_and_recognised(
    tmp_path: Path, store: PromptStore
) -> None:
    """GSM 6.10 in WAV, as PBXs keep their prompts."""
    path = tmp_path / "x.wav"
    soundfile.write(path, speech(3), 8000, "GSM610")
    whole, behind = store.load(path, PCMU), store.load(path, PCMU, start_ms=1000)
    assert whole.duration_ms - behind.duration_ms == 1000
    assert np.array_equal(decoded(whole)[8000:], decoded(behind))
    assert FeatureStore().load(path).count >= 149


def test_a_damaged_file_is_no_traceback_for_who_listens(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    soundfile.write(path, speech(5), 8000)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(MediaError, match="damaged"):
        FeatureStore().load(path)


def test_a_damaged_file_is_an_error_and_not_a_crash(tmp_path: Path, store: PromptStore) -> None:
    path = tmp_path / "x.flac"
    soundfile.write(path, speech(5), 8000)
    whole = path.read_bytes()
    for cut in (10, 60, len(whole) // 2):
        path.write_bytes(whole[:cut])
        try:
            assert store.load(path, PCMU).duration_ms <= 5000
        except MediaError as error:
            assert str(path) in str(error)


def test_a_tone_has_its_frequency_level_and_length(store: PromptStore) -> None:
    prompt = store.tone(1000, 250, PCMU, level_db=-10)
    heard = decoded(prompt).astype(float)
    assert (prompt.duration_ms, prompt.endless) == (250, False)
    assert np.argmax(abs(np.fft.rfft(heard))) == 250
    assert 20 * np.log10(np.sqrt(np.mean(heard**2)) / 32768) == pytest.approx(-10, abs=0.2)
    with pytest.raises(MediaError, match="4000"):
        store.tone(4000, 100, PCMU)


def test_an_endless_tone_goes_round_without_a_click(store: PromptStore) -> None:
    prompt = store.tone(440.1, None, PCMU)
    heard = decoded(prompt).astype(float)
    assert prompt.endless
    around = np.concatenate([heard[-4:], heard[:4]])
    inside = np.abs(np.diff(heard)).max()
    assert np.abs(np.diff(around)).max() <= inside
