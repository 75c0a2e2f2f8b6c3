"""What a leg listens for: prompts as the features they are recognised by, and the native watches made of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sipflow.errors import MediaError
from sipflow.media.prompts import open_audio, read_blocks
from sipflow.media_params import Listening
from sipflow.native import check, ffi, lib

MIN_SOUND_MS = lib.SFM_HEARD_MIN_MS
MAX_PROMPT_MS = lib.SFM_HEARD_MAX_MS
THRESHOLD_DBOV = lib.SFM_WATCH_THRESHOLD_DBOV
"""Quieter than this (-dBov) is silence."""
DEFAULT_SCORE = 0.8

_KINDS = {
    "audio": lib.SFM_WATCH_AUDIO,
    "silence": lib.SFM_WATCH_SILENCE,
    "tone": lib.SFM_WATCH_TONE,
    "prompt": lib.SFM_WATCH_PROMPT,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is waited for."""

    kind: str
    """audio, silence, tone, prompt."""
    lasting_ms: float = 0.0
    frequencies: tuple[int, ...] = ()
    """One or two, in Hz."""
    cadence_ms: tuple[int, ...] = ()
    """On, off, on, off, …; empty: a tone that goes on."""
    score: float = DEFAULT_SCORE
    """0-1, from which a prompt counts as heard."""


@dataclass(frozen=True, slots=True)
class Features:
    """What an ear makes of some audio: an array of native frames, 20 ms each."""

    frames: Any = field(repr=False, compare=False)
    count: int


def heard_fields(native: Any) -> dict[str, Any]:
    """What a native report says, under the names of `sipflow.events.Hearing`."""
    level = native.level_dbov
    return {
        "ago_ms": None if native.ago_ms < 0 else native.ago_ms,
        "length_ms": native.length_ms,
        "score": native.score / 1000,
        "gain_db": native.gain_db10 / 10,
        "clipped_ms": native.clipped_ms,
        "missing_ms": native.missing_ms,
        "gap_ms": native.gap_ms,
        "tone_hz": native.peak_hz or None,
        "level_dbov": None if level >= lib.SFM_LEVEL_SILENT else -level,
    }


def native_listening(listening: Listening) -> dict[str, int]:
    """The configuration of a leg's ear."""
    if not listening.wanted:
        return {"skills": 0, "history_ms": 0, "always_digits": 0}
    skills = lib.SFM_EAR_BANDS_SKILL * listening.prompts + lib.SFM_EAR_PEAKS_SKILL * listening.tones
    skills += lib.SFM_EAR_DTMF_SKILL * listening.digits
    return {"skills": skills, "history_ms": listening.history_ms, "always_digits": int(listening.always_digits)}


class FeatureStore:
    """Makes the features of prompts and keeps them until the file changes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[object, ...], Features] = {}

    def load(self, path: Path) -> Features:
        """The features of a file. Raises MediaError, with a text for a user, when it cannot be recognised by any."""
        try:
            stat = path.stat()
        except OSError as error:
            raise MediaError(f"cannot read {path}: {error.strerror}") from error
        key = (path, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if key not in self._made:
                self._made[key] = _features_of(path)
            return self._made[key]


def _features_of(path: Path) -> Features:
    features = features_of(telephone_audio(path), path.name)
    lib.sfm_watch_destroy(_watch(Wanted("prompt"), features, path.name))
    return features


def features_of(samples: Any, name: str) -> Features:
    """What an ear makes of samples at 8 kHz, full scale 1."""
    import numpy

    pcm = numpy.rint(samples * 32768).clip(-32768, 32767).astype("<i2")
    out = ffi.new("sfm_ear **")
    config = ffi.new("sfm_ear_config *", (lib.SFM_EAR_BANDS_SKILL, len(pcm) * 1000 // lib.SFM_EAR_RATE + 1000))
    check(lib.sfm_ear_create(config, out), f"listen to {name}")
    ear = ffi.gc(out[0], lib.sfm_ear_destroy)
    lib.sfm_ear_put(ear, ffi.from_buffer("int16_t[]", pcm), len(pcm), lib.SFM_EAR_RATE, 0)
    count = lib.sfm_ear_frames(ear)
    frames = ffi.new("sfm_ear_frame[]", max(1, count))
    return Features(frames, lib.sfm_ear_copy(ear, 0, frames, count))


def telephone_audio(path: Path, channels: slice = slice(None)) -> Any:
    """A whole file at the rate of the ear: some of its channels, or all, mixed to one."""
    import numpy

    with open_audio(path) as audio:
        rate = audio.samplerate
        if audio.frames > rate * MAX_PROMPT_MS // 1000:
            raise MediaError(f"{path.name} is too long to be recognised: at most {MAX_PROMPT_MS // 60000} minutes")
        blocks = [block[:, channels].mean(axis=1) for block in read_blocks(audio)]
    samples = numpy.concatenate(blocks) if blocks else numpy.zeros(0, "float32")
    if rate == lib.SFM_EAR_RATE or len(samples) == 0:
        return samples
    import soxr

    return soxr.resample(numpy.ascontiguousarray(samples), rate, lib.SFM_EAR_RATE, quality="HQ")


def create_watch(wanted: Wanted, features: Features | None, name: str) -> Any:
    """A native watch, for whoever takes it over. `name` is that of the prompt, in the text of a MediaError."""
    return _watch(wanted, features, name)


def _watch(wanted: Wanted, features: Features | None, name: str) -> Any:
    config = {
        "kind": _KINDS[wanted.kind],
        "threshold_dbov": THRESHOLD_DBOV,
        "lasting_ms": round(wanted.lasting_ms),
        "frequency_hz": list(wanted.frequencies),
        "cadence_ms": list(wanted.cadence_ms),
        "cadence_count": len(wanted.cadence_ms),
        "score": round(1000 * wanted.score),
    }
    if features is not None:
        config |= {"prompt": features.frames, "prompt_frames": features.count}
    out = ffi.new("sfm_watch **")
    code = lib.sfm_watch_create(ffi.new("sfm_watch_config *", config), out)
    if code == lib.SFM_ERROR_LENGTH:
        raise MediaError(f"{name} has less than {MIN_SOUND_MS / 1000:g} s of sound: too little to be recognised by")
    if code == lib.SFM_ERROR_PAYLOAD_TYPE:
        raise MediaError(f"{name} is one steady sound, which nothing tells from another: `expect tone` hears tones")
    check(code, f"listen for {name}")
    return out[0]


def search(wanted: Wanted, features: Features, heard: Features, name: str) -> tuple[bool, dict[str, Any]]:
    """Whether a prompt is anywhere in what was heard, and what was found; `ago_ms` counts from the end of it."""
    watch = ffi.gc(_watch(wanted, features, name), lib.sfm_watch_destroy)
    report = ffi.new("sfm_hearing *")
    found = lib.sfm_watch_search(watch, heard.frames, heard.count, report)
    return bool(found), heard_fields(report)
