"""What is waited for in what is heard: sound, silence, tones with and without cadence, prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Core
from test_core_ear import ear_of, noise, put, tone
from twins import hearing

AUDIO, SILENCE, TONE, PROMPT = 1, 2, 3, 4
BETTER, FOUND = 1, 2


def spoken(seconds: float = 3.0, seed: int = 1, *, rate: int = 8000) -> np.ndarray:
    """Like speech in what counts here: formants and loudness that wander and that no other seed has alike."""
    random, count = np.random.default_rng(seed), int(seconds * 8000)
    steps = np.arange(0, count, 800)
    loudness = np.interp(np.arange(count), steps, random.uniform(0, 1, len(steps)) ** 2)
    pcm = np.zeros(count)
    for low, high in ((250, 800), (800, 2200), (2200, 3300)):
        formant = np.interp(np.arange(count), steps, random.uniform(low, high, len(steps)))
        pcm += np.sin(2 * np.pi * np.cumsum(formant) / 8000) * low**-0.4
    return 30000 * loudness * pcm


def frames_of(core: Core, pcm: np.ndarray, rate: int = 8000) -> tuple[Any, int]:
    """All frames of some audio, as an array of C."""
    ear = ear_of(core, 3, len(pcm) * 1000 // rate + 40)
    put(core, ear, pcm, rate)
    count = core.lib.sfm_ear_frames(ear)
    frames = core.ffi.new("sfm_ear_frame[]", max(1, count))
    assert core.lib.sfm_ear_copy(ear, 0, frames, count) == count
    return frames, count


def watch_for(core: Core, kind: int, **config: Any) -> Any:
    out = core.ffi.new("sfm_watch **")
    if "frequency_hz" in config:
        config["frequency_hz"] = list(config["frequency_hz"])
    error = core.lib.sfm_watch_create(core.new("sfm_watch_config", kind=kind, threshold_dbov=50, **config), out)
    assert error == 0, error
    return core.owned(out[0], core.lib.sfm_watch_destroy)


def listen(core: Core, watch: Any, pcm: np.ndarray, rate: int = 8000) -> tuple[bool, Any]:
    frames, count = frames_of(core, pcm, rate)
    report = core.new("sfm_hearing")
    return bool(core.lib.sfm_watch_search(watch, frames, count, report)), report


def prompt_watch(core: Core, prompt: np.ndarray, score: int = 800) -> Any:
    frames, count = frames_of(core, prompt)
    return watch_for(core, PROMPT, score=score, prompt=frames, prompt_frames=count)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(8000 * seconds))


# --- sound and silence -----------------------------------------------------------------------------------------------


def test_sound_is_what_is_louder_than_the_threshold_for_a_while(core: Core) -> None:
    for pcm, found in ((noise(0.2), True), (noise(0.2, 20), False), (noise(0.06), False)):
        watch = watch_for(core, AUDIO, lasting_ms=100)
        assert listen(core, watch, np.concatenate([silence(0.5), pcm, silence(0.5)]))[0] is found


def test_silence_has_to_last(core: Core) -> None:
    for seconds, found in ((1.9, False), (2.1, True)):
        watch = watch_for(core, SILENCE, lasting_ms=2000)
        heard, report = listen(core, watch, np.concatenate([noise(0.5), silence(seconds), noise(0.5)]))
        assert heard is found
        assert report.length_ms == pytest.approx(min(seconds, 2.0) * 1000, abs=20)


def test_noise_below_the_threshold_is_silence(core: Core) -> None:
    watch = watch_for(core, SILENCE, lasting_ms=1000)
    assert listen(core, watch, noise(1.5, 50))[0]  # -56 dBov


# --- tones -----------------------------------------------------------------------------------------------------------


def cadenced(frequencies: tuple[float, ...], *times_s: float) -> np.ndarray:
    """On, off, on, off, …"""
    parts = [silence(s) if i % 2 else tone(frequencies, s) for i, s in enumerate(times_s)]
    return np.concatenate(parts)


def tone_watch(core: Core, *frequencies: int, cadence: tuple[int, ...] = (), lasting_ms: int = 100) -> Any:
    return watch_for(
        core,
        TONE,
        frequency_hz=frequencies,
        cadence_ms=list(cadence),
        cadence_count=len(cadence),
        lasting_ms=lasting_ms,
    )


@pytest.mark.parametrize(
    ("played", "wanted", "found"),
    [
        ((440,), (440,), True),
        ((446,), (440,), True),
        ((460,), (440,), False),
        ((350, 440), (350, 440), True),
        ((440, 350), (350, 440), True),
        ((350, 440), (440,), False),
        ((440,), (350, 440), False),
        ((440, 480), (440, 480), True),
    ],
)
def test_tones(core: Core, played: tuple[float, ...], wanted: tuple[int, ...], found: bool) -> None:
    pcm = np.concatenate([silence(0.3), tone(played, 0.3), silence(0.3)])
    assert listen(core, tone_watch(core, *wanted), pcm)[0] is found


def test_a_modulated_tone_is_that_of_its_carrier(core: Core) -> None:
    time = np.arange(4000) / 8000
    assert listen(core, tone_watch(core, 400), (1 + 0.8 * np.cos(2 * np.pi * 25 * time)) * tone((400,), 0.5))[0]


def test_a_tone_that_was_heard_counts_again_when_it_comes_anew(core: Core) -> None:
    for pause_s, found in ((0.0, False), (0.3, True)):
        watch = tone_watch(core, 440)
        core.lib.sfm_watch_continue(watch)
        assert listen(core, watch, np.concatenate([tone((440,), 1), silence(pause_s), tone((440,), 1)]))[0] is found


def test_speech_is_no_tone_and_what_came_instead_is_told(core: Core) -> None:
    assert not listen(core, tone_watch(core, 440), spoken(5))[0]
    found, report = listen(core, tone_watch(core, 440), tone((425,)))
    assert not found and report.peak_hz == pytest.approx(425, abs=1)


BUSY, CONGESTION, RINGBACK, BRITISH = (500, 500), (250, 250), (1000, 4000), (400, 200, 400, 2000)


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ((0.5, 0.5, 0.5, 0.5), {BUSY}),
        ((0.25, 0.25, 0.25, 0.25, 0.25, 0.25), {CONGESTION}),
        ((1.0, 4.0, 1.0, 4.0), {RINGBACK}),
        ((0.3, 4.0, 1.0, 4.0), {RINGBACK}),  # it was on before anybody listened
        ((0.4, 0.2, 0.4, 2.0, 0.4, 0.2), {BRITISH}),
        ((0.5, 0.5), set()),
        ((3.0,), set()),
        ((0.5, 5.0, 0.5, 5.0), set()),
    ],
)
def test_cadences(core: Core, times: tuple[float, ...], found: set[tuple[int, ...]]) -> None:
    pcm = np.concatenate([silence(0.3), cadenced((425,), *times), silence(0.1)])
    heard = {
        one for one in (BUSY, CONGESTION, RINGBACK, BRITISH) if listen(core, tone_watch(core, 425, cadence=one), pcm)[0]
    }
    assert heard == found


def test_the_right_cadence_of_another_tone_is_not_it(core: Core) -> None:
    assert not listen(core, tone_watch(core, 440, cadence=BUSY), cadenced((480, 620), *[0.5] * 8))[0]
    assert listen(core, tone_watch(core, 480, 620, cadence=BUSY), cadenced((480, 620), *[0.5] * 8))[0]


def test_a_lost_packet_does_not_break_a_cadence(core: Core) -> None:
    pcm = cadenced((425,), *[0.5] * 6)
    pcm[1600:1760] = 0
    pcm[8000 + 2400 : 8000 + 2560] = 0
    assert listen(core, tone_watch(core, 425, cadence=BUSY), pcm)[0]


# --- prompts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gain_db", [0, -20, 6])
def test_a_prompt_is_found_wherever_it_is_and_however_loud(core: Core, seed: int, gain_db: int) -> None:
    prompt, before_s = spoken(seed=seed), 0.7 * seed + 0.013
    pcm = np.concatenate([silence(before_s), prompt * 10 ** (gain_db / 20), noise(1, 30)])
    found, report = listen(core, prompt_watch(core, prompt), pcm)
    assert found and report.score > 950
    assert report.gain_db10 / 10 == pytest.approx(gain_db, abs=1.5)
    assert (report.clipped_ms, report.missing_ms, report.gap_ms) == (0, 0, 0)


def test_the_best_place_is_that_of_the_twin(core: Core) -> None:
    prompt = spoken(seed=4)
    heard = np.concatenate([spoken(1.5, seed=9), prompt * 0.5 + noise(3, 200), spoken(1, seed=8)])
    best, place = hearing.best_correlation(hearing.bands(prompt), hearing.bands(heard))
    found, report = listen(core, prompt_watch(core, prompt), heard)
    assert found and report.score / 1000 == pytest.approx(best, abs=0.03)
    assert place == 75


@pytest.mark.parametrize("seed", range(6))
def test_another_prompt_is_refused(core: Core, seed: int) -> None:
    found, report = listen(core, prompt_watch(core, spoken(seed=seed)), spoken(5, seed=seed + 100))
    assert not found and report.score < 500


@pytest.mark.parametrize("pcm", [silence(8), noise(8), tone((440,), 8)], ids=["silence", "noise", "tone"])
def test_what_is_no_prompt_at_all_is_refused(core: Core, pcm: np.ndarray) -> None:
    assert not listen(core, prompt_watch(core, spoken()), pcm)[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_prompt_without_its_start_or_its_end_is_refused_and_what_is_missing_is_told(core: Core, seed: int) -> None:
    prompt, around = spoken(seed=seed), silence(1)
    found, report = listen(core, prompt_watch(core, prompt), np.concatenate([around, prompt[6400:], around]))
    assert not found and report.clipped_ms == pytest.approx(800, abs=200)
    found, report = listen(core, prompt_watch(core, prompt), np.concatenate([around, prompt[:-6400], around]))
    assert not found and report.missing_ms == pytest.approx(800, abs=200)


def test_a_gap_is_told_and_the_score_decides(core: Core) -> None:
    prompt = spoken(6, seed=5)
    heard = prompt.copy()
    heard[24000:28000] = 0
    found, report = listen(core, prompt_watch(core, prompt, 500), np.concatenate([silence(0.5), heard, silence(0.5)]))
    assert found and report.gap_ms == pytest.approx(500, abs=350)
    assert not listen(core, prompt_watch(core, prompt, 980), heard)[0]


def test_time_that_a_jitter_buffer_stretches_is_followed(core: Core) -> None:
    prompt = spoken(4, seed=6)
    stretched = np.concatenate([prompt[:16000], prompt[15680:16000], prompt[16000:]])  # 40 ms more in the middle
    found, report = listen(core, prompt_watch(core, prompt), stretched)
    assert found and report.score > 900


@pytest.mark.parametrize(
    ("pcm", "error"),
    [(spoken(0.4), "LENGTH"), (silence(3), "LENGTH"), (tone((440,), 3), "PAYLOAD_TYPE")],
    ids=["short", "silent", "steady"],
)
def test_what_cannot_be_recognised_is_an_error(core: Core, pcm: np.ndarray, error: str) -> None:
    frames, count = frames_of(core, pcm)
    config = core.new("sfm_watch_config", kind=PROMPT, threshold_dbov=50, score=800, prompt=frames, prompt_frames=count)
    assert core.lib.sfm_watch_create(config, core.ffi.new("sfm_watch **")) == getattr(core.lib, f"SFM_ERROR_{error}")


@pytest.mark.parametrize(
    "config",
    [
        {"kind": 0},
        {"kind": 9},
        {"kind": AUDIO, "threshold_dbov": 0},
        {"kind": TONE},
        {"kind": TONE, "frequency_hz": [5000, 0]},
        {"kind": TONE, "frequency_hz": [440, 0], "cadence_count": 3, "cadence_ms": [500, 500, 500]},
        {"kind": TONE, "frequency_hz": [440, 0], "cadence_count": 2, "cadence_ms": [500, 20]},
    ],
)
def test_watches_that_make_no_sense(core: Core, config: dict[str, Any]) -> None:
    native = core.new("sfm_watch_config", **({"threshold_dbov": 50} | config))
    assert core.lib.sfm_watch_create(native, core.ffi.new("sfm_watch **")) == core.lib.SFM_ERROR_ARGUMENT


def test_memory_that_is_refused_is_an_error(core: Core) -> None:
    frames, count = frames_of(core, spoken())
    config = core.new("sfm_watch_config", kind=PROMPT, threshold_dbov=50, score=800, prompt=frames, prompt_frames=count)
    for allowed in (0, 1):
        core.lib.allocations_until_failure = allowed
        try:
            assert core.lib.sfm_watch_create(config, core.ffi.new("sfm_watch **")) == core.lib.SFM_ERROR_MEMORY
        finally:
            core.lib.allocations_until_failure = -1
