"""Is a prompt found whatever happens to it on the way, and another one of the same voice and length refused?

Each trial plays one of the prompts of the scenarios (one synthetic voice), cut to one length, after 0 to 5 s of
silence, 0 to 20 dB quieter, through a codec, with 0 to 3 % of its packets lost and concealed; an ear listens for that
prompt, and for another one. PCMU and PCMA go through two native legs with jitter buffer and concealment, G.722 and
Opus through ffmpeg.

    python -m bench.heard [--trials 200] [--seed 1] [--codecs PCMU PCMA G722 opus]

Exit code 1 when a prompt was not found, or another one was.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from sipflow.media.hearing import Features, FeatureStore, Wanted, search
from sipflow.native import check, ffi, lib

MEDIA = Path(__file__).parents[1] / "scenarios" / "media"
NAMES = ("menu", "sales", "support", "sorry", "announcement", "hello", "goodbye")
RATE = 8000
CODECS = ("PCMU", "PCMA", "G722", "opus")
THROUGH_FFMPEG = {"G722": ("g722", "g722", 16000, []), "opus": ("libopus", "ogg", 48000, ["-b:a", "24k"])}
PTIME_NS = 20_000_000
Samples = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Trial:
    """What happened to the prompt."""

    prompt: int
    other: int
    delay_s: float
    gain_db: float
    loss: float


@dataclass(frozen=True)
class Outcome:
    """What was said about it."""

    found: bool
    score: float
    other_found: bool
    other_score: float
    gain_error_db: float


@cache
def prompts() -> list[Samples]:
    """All prompts at 8 kHz, as long as the shortest."""
    read = [soundfile.read(MEDIA / f"{name}.wav", dtype="int16")[0] for name in NAMES]
    return [samples[: min(map(len, read))] for samples in read]


@cache
def features(number: int) -> Features:
    """What a prompt is recognised by."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{NAMES[number]}.wav"
        soundfile.write(path, prompts()[number], RATE)
        return FeatureStore().load(path)


def trials(count: int, seed: int) -> Iterator[Trial]:
    """Random ones; the same seed makes the same ones."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        prompt = int(random.integers(len(NAMES)))
        other = (prompt + 1 + int(random.integers(len(NAMES) - 1))) % len(NAMES)
        yield Trial(prompt, other, random.uniform(0, 5), -random.uniform(0, 20), random.uniform(0, 0.03))


def sent(trial: Trial) -> Samples:
    """What the far end says."""
    prompt = prompts()[trial.prompt] * 10 ** (trial.gain_db / 20)
    return np.concatenate([np.zeros(int(trial.delay_s * RATE)), prompt, np.zeros(RATE)])


def lossy(pcm: Samples, rate: int, trial: Trial) -> Samples:
    """Packets are lost, and concealed by the fading one before."""
    random, packet, out = np.random.default_rng(int(trial.delay_s * 1e6)), rate // 50, pcm.astype(float)
    for start in range(packet, len(out) - packet, packet):
        if random.random() < trial.loss:
            out[start : start + packet] = 0.85 * out[start - packet : start]
    return out


def through_ffmpeg(pcm: Samples, codec: str) -> Samples:
    """Encoded and decoded."""
    encoder, container, rate, options = THROUGH_FFMPEG[codec]
    raw = ["-f", "s16le", "-ac", "1", "-ar"]
    command = ["ffmpeg", "-v", "error", *raw, str(RATE), "-i", "-", "-ar", str(rate), "-c:a", encoder, *options]
    coded = subprocess.run(
        [*command, "-f", container, "-"], input=pcm.astype("<i2").tobytes(), capture_output=True, check=True
    )
    decode = ["ffmpeg", "-v", "error", "-f", container, "-i", "-", *raw, str(rate), "-"]
    decoded = subprocess.run(decode, input=coded.stdout, capture_output=True, check=True)
    return np.frombuffer(decoded.stdout, "<i2")


def ear_of(pcm: Samples, rate: int) -> Features:
    """What an ear makes of it."""
    samples = np.ascontiguousarray(np.clip(np.rint(pcm), -32768, 32767).astype("<i2"))
    out = ffi.new("sfm_ear **")
    check(lib.sfm_ear_create(ffi.new("sfm_ear_config *", (lib.SFM_EAR_BANDS_SKILL, 60_000)), out))
    ear = ffi.gc(out[0], lib.sfm_ear_destroy)
    lib.sfm_ear_put(ear, ffi.from_buffer("int16_t[]", samples), len(samples), rate, 0)
    return _frames(lambda frames, size: lib.sfm_ear_copy(ear, 0, frames, size))


def _frames(copy: Any) -> Features:
    frames = ffi.new("sfm_ear_frame[]", 3000)
    return Features(frames, copy(frames, 3000))


def _leg(codec: Any, payload_type: int, seed: int) -> Any:
    config = ffi.new("sfm_leg_config *", {"sample_rate": RATE, "seed": seed, "stream_seed": seed, "cname": b"bench"})
    lib.sfm_jitter_defaults(ffi.addressof(config.jitter), RATE)
    config.listener.skills, config.listener.history_ms = lib.SFM_EAR_BANDS_SKILL, 60_000
    out = ffi.new("sfm_leg **")
    check(lib.sfm_leg_create(config, out))
    leg = ffi.gc(out[0], lib.sfm_leg_destroy)
    form = {"codec": codec, "payload_type": payload_type}
    params = {"send_format": form, "receive_formats": [form], "receive_format_count": 1, "ptime_ms": 20}
    params |= {"dtmf_send_payload_type": -1, "dtmf_receive_payload_type": 101, "sends": 1, "receives": 1}
    native, states = ffi.new("sfm_leg_params *", params), ffi.new("sfm_leg_states **")
    check(lib.sfm_leg_states_create(native, states))
    check(lib.sfm_leg_start(leg, native, states))
    lib.sfm_leg_states_destroy(states[0])
    return leg


def through_legs(pcm: Samples, name: str, trial: Trial) -> Features:
    """Played by one native leg, heard by another, packet by packet in virtual time."""
    from sipflow.media import PromptStore
    from sipflow.media_params import RtpFormat

    payload_type = {"PCMU": 0, "PCMA": 8}[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        soundfile.write(path, pcm.astype("<i2"), RATE)
        prompt = PromptStore().load(path, RtpFormat(name, payload_type))
    codec = lib.sfm_codec_find(name.encode())
    seed = int(trial.delay_s * 1e6)
    speaker, listener = _leg(codec, payload_type, seed), _leg(codec, payload_type, seed + 1)
    check(lib.sfm_leg_impair(speaker, ffi.new("sfm_impair_config *", {"loss_per_million": int(trial.loss * 1e6)})))
    lib.sfm_leg_play(speaker, prompt.native, 1, 1, 0)
    event, now_ns = ffi.new("sfm_event *"), 10**9
    for _ in range(len(pcm) // 160):
        lib.sfm_leg_send_tick(speaker, now_ns)
        while packet := lib.sfm_leg_take(speaker, now_ns):
            lib.sfm_leg_receive(listener, packet.data, packet.length, now_ns)
        lib.sfm_leg_playout_tick(listener, now_ns)
        for leg in (speaker, listener):
            while lib.sfm_leg_next_event(leg, event):
                pass
        now_ns += PTIME_NS
    return _frames(lambda frames, size: lib.sfm_leg_read_heard(listener, frames, size))


def heard_of(trial: Trial, codec: str) -> Features:
    """What is heard of a trial."""
    if codec in THROUGH_FFMPEG:
        rate = THROUGH_FFMPEG[codec][2]
        return ear_of(lossy(through_ffmpeg(sent(trial), codec), rate, trial), rate)
    return through_legs(sent(trial), codec, trial)


def run(trial: Trial, codec: str) -> Outcome:
    """Listen for the prompt, and for another one."""
    heard = heard_of(trial, codec)
    found, report = search(Wanted("prompt"), features(trial.prompt), heard, NAMES[trial.prompt])
    other_found, other = search(Wanted("prompt"), features(trial.other), heard, NAMES[trial.other])
    return Outcome(found, report["score"], other_found, other["score"], report["gain_db"] - trial.gain_db)


def main() -> int:
    """Print a line for each codec."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=CODECS)
    options = parser.parse_args()
    print("codec   found      lowest score  others refused  highest score  gain error")
    wrong = 0
    for codec in options.codecs:
        if codec in THROUGH_FFMPEG and shutil.which("ffmpeg") is None:
            print(f"{codec:<7} not measured: it needs ffmpeg")
            continue
        outcomes = [run(trial, codec) for trial in trials(options.trials, options.seed)]
        found, refused = sum(one.found for one in outcomes), sum(not one.other_found for one in outcomes)
        wrong += 2 * len(outcomes) - found - refused
        lowest, highest = min(one.score for one in outcomes), max(one.other_score for one in outcomes)
        gain = max(abs(one.gain_error_db) for one in outcomes)
        of = len(outcomes)
        counts = f"{found:>3} of {of:<3} {lowest:>12.3f}  {refused:>7} of {of:<3}  {highest:>12.3f}"
        print(f"{codec:<7} {counts}  {gain:>6.1f} dB", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
