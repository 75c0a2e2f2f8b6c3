"""Long files are encoded while they play: only what is heard, the same bytes, in time, and trouble is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sipflow.errors import MediaError
from sipflow.events import PlayFinished
from sipflow.media import EngineConfig, MediaEngine, Prompt, PromptStore
from sipflow.media.opus import has_opus
from sipflow.media_params import RtpFormat
from sipflow.native import ffi, lib
from tests.media.engine import LOOPBACK, PCMU, Listener, connect, read_wav
from tests.media.signals import Samples, round_trip, speech, write_wav
from tests.media.test_simulated_engine import SECOND, Simulated

FORMATS = [
    PCMU,
    RtpFormat("G722", 9),
    RtpFormat("L16", 96, 16000, 1),
    pytest.param(
        RtpFormat("opus", 96, 48000, 2), marks=pytest.mark.skipif(not has_opus(), reason="there is no libopus here")
    ),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PromptStore]:
    """A store with a folder of its own."""
    (tmp_path / "cache").mkdir()
    made = PromptStore(tmp_path / "cache")
    yield made
    made.close()


def ready_ms(prompt: Prompt) -> int:
    """How much of it can be played."""
    rate: int = lib.sfm_prompt_codec(prompt.native).sample_rate
    return int(lib.sfm_prompt_ready(prompt.native)) * 1000 // rate


def payloads(prompt: Prompt, ms: int) -> list[bytes]:
    """The packets of 20 ms of its beginning."""
    codec = lib.sfm_prompt_codec(prompt.native)
    packet = codec.sample_rate // 50
    found = []
    memory, place = ffi.new("uint8_t[]", 8000), ffi.new("const uint8_t **")
    for at in range(0, ms * codec.sample_rate // 1000, packet):
        if lib.sfm_prompt_packet_samples(prompt.native):
            length = lib.sfm_prompt_packet(prompt.native, at, place)
            found.append(bytes(ffi.buffer(place[0], length)))
        else:
            found.append(bytes(ffi.buffer(memory, lib.sfm_prompt_copy(prompt.native, at, packet, memory))))
    return found


def hours(path: Path, samples: Samples, times: int, rate: int = 8000) -> Path:
    """A WAV file that repeats `samples`."""
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(times):
            file.write(samples)
    return path


def test_of_two_hours_only_what_may_be_heard_is_encoded(tmp_path: Path, store: PromptStore) -> None:
    path = hours(tmp_path / "long.wav", speech(60), 120)
    prompt = store.load(path, PCMU, for_ms=3000)
    assert prompt.duration_ms == 7_200_000
    assert 3000 <= ready_ms(prompt) < 10_000
    assert store.load(path, PCMU) is prompt
    assert 4000 <= ready_ms(prompt) < 10_000
    store.load(path, PCMU, from_ms=60_000)
    assert 64_000 <= ready_ms(prompt) < 70_000


@pytest.mark.parametrize("rtp_format", FORMATS, ids=lambda rtp_format: rtp_format.name)
def test_pieces_are_the_bytes_of_the_whole(tmp_path: Path, store: PromptStore, rtp_format: RtpFormat) -> None:
    tone = speech(75, rate=16000)
    at_once = store.load(write_wav(tmp_path / "short.wav", tone[: 16000 * 59], 16000), rtp_format)
    in_pieces = store.load(write_wav(tmp_path / "long.wav", tone, 16000), rtp_format)
    assert ready_ms(in_pieces) < 20_000
    store.load(tmp_path / "long.wav", rtp_format, from_ms=75_000)
    assert (ready_ms(in_pieces), in_pieces.duration_ms) == (75_000, 75_000)
    assert payloads(in_pieces, 58_000) == payloads(at_once, 58_000)


def test_a_long_file_plays_to_its_end_and_from_its_beginning_again(tmp_path: Path) -> None:
    store = PromptStore(ahead=False)
    samples = speech(70)
    prompt = store.load(write_wav(tmp_path / "long.wav", samples), PCMU)
    pair = Simulated()
    pair.right.record(tmp_path / "heard.wav", 1, channels="received")
    pair.left.play(prompt, 2, times=2)
    pair.run(142 * SECOND)
    pair.engine.close()
    (finished,) = [event for _, event in pair.events if isinstance(event, PlayFinished)]
    assert (finished.played_ms, finished.completed, finished.error) == (140_000, True, "")
    heard, sent = read_wav(tmp_path / "heard.wav")[:, 0], np.tile(round_trip(samples, "PCMU"), 2)
    start = int(np.flatnonzero(heard)[0]) - int(np.flatnonzero(sent)[0])
    assert np.array_equal(heard[start : start + len(sent)], sent)


def test_the_thread_stays_ahead_of_a_leg_that_plays(tmp_path: Path, store: PromptStore) -> None:
    """A stop after 6 s: the beginning alone would not have reached so far, and the rest is never read."""
    path = hours(tmp_path / "long.wav", speech(60), 60)
    engine = MediaEngine(EngineConfig(seed=1))
    left, right = (engine.open_leg(name, LOOPBACK) for name in ("left", "right"))
    connect(left, right)
    prompt = store.load(path, PCMU)
    assert ready_ms(prompt) < 6000
    log = Listener(engine)
    left.play(prompt, 1, duration_ms=6000)
    log.wait_for(PlayFinished)
    engine.close()
    (finished,) = log.of(PlayFinished)
    assert (finished.played_ms, finished.completed, finished.error) == (6000, True, "")
    assert ready_ms(prompt) < 40_000


def test_what_was_not_encoded_in_time_is_silence_that_is_told(tmp_path: Path) -> None:
    """In virtual time no thread is fast enough."""
    store = PromptStore(ahead=False)
    prompt = store.load(hours(tmp_path / "long.wav", speech(10), 10), PCMU, for_ms=5000)
    silent_ms = 20_000 - ready_ms(prompt)
    pair = Simulated()
    pair.left.play(prompt, 1, duration_ms=20_000)
    pair.run(21 * SECOND)
    (finished,) = [event for _, event in pair.events if isinstance(event, PlayFinished)]
    assert not finished.completed
    assert finished.error == f"{silent_ms} ms of {tmp_path / 'long.wav'} were silence: it was not encoded in time"


def test_a_file_that_ends_before_its_end_ends_the_play_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, speech(120), 8000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    store = PromptStore(ahead=False)
    prompt = store.load(path, PCMU, for_ms=5000)
    assert prompt.growing is not None
    with pytest.raises(MediaError, match="damaged"):
        prompt.growing.grow(None)
    pair = Simulated()
    pair.left.play(prompt, 1)
    pair.run(121 * SECOND)
    (finished,) = [event for _, event in pair.events if isinstance(event, PlayFinished)]
    assert not finished.completed and finished.played_ms < 70_000
    assert str(path) in finished.error and "damaged" in finished.error


@pytest.mark.parametrize("seconds", [5, 80])
def test_a_file_that_was_cut_off_plays_what_is_left_and_says_what_is_missing(tmp_path: Path, seconds: int) -> None:
    path = write_wav(tmp_path / "torn.wav", speech(seconds))
    path.write_bytes(path.read_bytes()[:-24_000])
    prompt = PromptStore(ahead=False).load(path, PCMU)
    pair = Simulated()
    pair.left.play(prompt, 1)
    pair.left.play(prompt, 2, duration_ms=1000)
    pair.left.play(prompt, 3)
    pair.run((seconds + 1) * SECOND)
    cut, whole = [event for _, event in pair.events if isinstance(event, PlayFinished) and event.token in (1, 3)]
    assert (cut.completed, cut.error) == (False, "")
    assert (whole.completed, whole.played_ms) == (True, 1000 * seconds - 1500)
    assert whole.error == f"the last 1.5 s of {path} are missing: it was cut off"


def test_a_closed_store_reads_no_more_files(tmp_path: Path, store: PromptStore) -> None:
    prompt = store.load(hours(tmp_path / "long.wav", speech(10), 10), PCMU)
    store.close()
    assert prompt.growing is not None and prompt.growing.complete
    assert ready_ms(prompt) < 10_000


def test_the_native_side_refuses_what_was_not_announced(tmp_path: Path) -> None:
    codec = lib.sfm_codec_find(b"PCMU")
    out = ffi.new("sfm_prompt **")
    with (tmp_path / "x").open("w+b") as file:
        assert lib.sfm_prompt_open(file.fileno(), codec, 0, 0, out) == lib.SFM_ERROR_ARGUMENT
        assert lib.sfm_prompt_open(file.fileno(), codec, 0, 100, out) == lib.SFM_OK
        prompt = out[0]
    append = lib.sfm_prompt_append
    assert append(prompt, bytes(101), 101, ffi.NULL, 0) == lib.SFM_ERROR_ARGUMENT
    assert append(prompt, bytes(60), 60, ffi.new("uint32_t[]", [60]), 1) == lib.SFM_ERROR_ARGUMENT
    assert append(prompt, b"\x01" * 60, 60, ffi.NULL, 0) == lib.SFM_OK
    assert (lib.sfm_prompt_ready(prompt), lib.sfm_prompt_wanted(prompt)) == (60, 0)
    memory = ffi.new("uint8_t[]", 100)
    assert lib.sfm_prompt_copy(prompt, 40, 40, memory) == 40
    assert bytes(ffi.buffer(memory, 40)) == b"\x01" * 20 + bytes([codec.silence]) * 20
    assert lib.sfm_prompt_wanted(prompt) == 80
    lib.sfm_prompt_seal(prompt)
    assert append(prompt, bytes(40), 40, ffi.NULL, 0) == lib.SFM_ERROR_ARGUMENT
    lib.sfm_prompt_release(prompt)
