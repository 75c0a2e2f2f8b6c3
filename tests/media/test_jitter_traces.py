"""The jitter buffer on delays as networks make them, beside a fixed one; and what it makes up is never loud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.jitter_buffer import TRACES, Trace, made_traces, play, read_trace
from sipflow.native import check, ffi, lib
from tests.media.signals import speech

MADE = dict(made_traces())
SPEECH = speech(4.0)


@pytest.mark.parametrize("name", ["radio (made)", "route +80 ms (made)"])
def test_delay_that_comes_and_goes_is_concealed_less_than_by_a_fixed_buffer(name: str) -> None:
    assert play(MADE[name]).concealed_ms < play(MADE[name], fixed_ms=60).concealed_ms


def test_on_a_calm_network_less_delay_conceals_no_more() -> None:
    adaptive, fixed = play(MADE["loss 3 % (made)"]), play(MADE["loss 3 % (made)"], fixed_ms=60)
    assert adaptive.mean_delay_ms < fixed.mean_delay_ms - 10
    assert adaptive.concealed_ms == fixed.concealed_ms == adaptive.lost * 20


@pytest.mark.skipif(not TRACES.is_dir(), reason="the corpora are not beside this checkout")
@pytest.mark.parametrize("path", sorted(TRACES.glob("*.csv")), ids=lambda path: path.stem)
def test_a_measured_network_is_held_for_less_time_and_concealed_no_more(path: Path) -> None:
    trace = read_trace(path)
    adaptive, fixed = play(trace), play(trace, fixed_ms=60)
    assert adaptive.concealed_ms <= fixed.concealed_ms
    assert adaptive.concealed_ms + adaptive.silent_ms <= fixed.concealed_ms + fixed.silent_ms
    assert adaptive.mean_delay_ms < fixed.mean_delay_ms


def stalls(every_s: int, lasting_ms: int, seconds: int = 60) -> Trace:
    """A radio that is away now and then: what is sent first is lost, the rest comes at once when it is back.

    Each second 60 ms are lost anyway.
    """
    arrivals = []
    for n in range(seconds * 50):
        away_ms = n * 20 % (every_s * 1000) if n * 20 >= every_s * 1000 else lasting_ms
        if away_ms >= lasting_ms // 2 and n % 50 > 2:
            arrivals.append((n, n * 20 + 3 + max(lasting_ms - away_ms, 0.0)))
    return arrivals


def test_what_comes_often_is_waited_for_and_what_comes_once_in_a_while_is_not() -> None:
    often, seldom = play(stalls(2, 300)), play(stalls(11, 300))
    assert often.mean_delay_ms > 120
    assert often.lost < play(stalls(2, 300), fixed_ms=60).lost - 100
    assert seldom.mean_delay_ms < play(stalls(11, 300), fixed_ms=60).mean_delay_ms
    assert seldom.lost <= play(stalls(11, 300), fixed_ms=60).lost


def concealed(heard: np.ndarray, samples: int) -> np.ndarray:
    """What is made up after some audio."""
    out = ffi.new("sfm_plc **")
    check(lib.sfm_plc_create(8000, out))
    plc = ffi.gc(out[0], lib.sfm_plc_destroy)
    before, made = heard.astype(np.int16).copy(), np.zeros(samples, np.int16)
    lib.sfm_plc_receive(plc, ffi.from_buffer("int16_t[]", before), len(before))
    lib.sfm_plc_conceal(plc, ffi.from_buffer("int16_t[]", made), samples)
    return made


@settings(max_examples=100, deadline=None)
@given(end=st.integers(800, len(SPEECH)), gain=st.floats(0, 4), noise=st.integers(0, 3000), seed=st.integers(0, 99))
def test_what_is_made_up_is_no_louder_than_what_was_heard(end: int, gain: float, noise: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heard = SPEECH[end - 800 : end] * gain + rng.integers(-noise, noise + 1, 800)
    heard = np.clip(heard, -32768, 32767)
    made = concealed(heard, 800).astype(float)
    last = heard[-400:].astype(float)
    assert np.abs(made).max() <= 3 * np.abs(last).max() + 1  # the way from the last sample heard to the first repeated
    blocks = [np.mean(made[n : n + 160] ** 2) for n in range(0, 480, 160)]
    # What is repeated is a pitch period of 5 ms or more: its energy is the bound, not that of what came before it.
    loudest = max(np.mean(last[n : n + 40] ** 2) for n in range(0, len(last) - 39, 4))
    assert all(block <= 3 * loudest + 1 for block in blocks)  # noise; below a half more for speech alone
    assert noise > 0 or all(block <= 1.5 * loudest + 1 for block in blocks)
    assert not made[480:].any()  # silence after 60 ms, whatever was heard
