"""Makes the prompts of scenarios/media anew: `.venv/bin/python scripts/make_media.py`.

The speech is espeak-ng's (Debian: `apt-get install espeak-ng`; what a speech synthesiser says belongs to nobody), the
music and the signals are computed here. The files are committed, so nobody needs to run this to use sipflow.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

FOLDER = Path(__file__).parents[1] / "scenarios" / "media"
Samples = npt.NDArray[np.float64]

SPEECH: dict[str, tuple[int, str]] = {
    "announcement": (8000, "The number you have dialled is not in service."),
    "goodbye": (8000, "Thank you for calling. Goodbye."),
    "greet": (16000, "Welcome. To go on, please press one."),
    "hello": (8000, "Hello, this is Alice speaking."),
    "menu": (8000, "For sales, press one. For support, press two."),
    "sales": (8000, "This is sales. How can we help you?"),
    "sorry": (8000, "Sorry, we did not get that."),
    "support": (8000, "This is support. What is broken?"),
}
"""File name → sample rate in Hz, text. Telephone prompts are 8 kHz; one is 16 kHz so that resampling is always seen."""

MELODY_HZ = (262, 330, 392, 523, 392, 330, 294, 349, 440, 587, 440, 349)
NOTE_S = 0.375


def speak(text: str, rate: int) -> Samples:
    """A sentence as mono samples in -1…1, without silence around it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "165", "-w", str(path), text], check=True)
        samples, spoken_rate = soundfile.read(path)
    return levelled(trimmed(np.asarray(soxr.resample(samples, spoken_rate, rate)), rate), peak_db=-6)


def trimmed(samples: Samples, rate: int) -> Samples:
    """The same with 50 ms of what lies before and behind the sound."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    margin = rate // 20
    return samples[max(0, loud[0] - margin) : loud[-1] + margin]


def levelled(samples: Samples, peak_db: float) -> Samples:
    """The same with its highest sample at `peak_db` below full scale."""
    return np.asarray(samples * (10 ** (peak_db / 20) / np.max(np.abs(samples))))


def note(frequency_hz: float, duration_s: float, rate: int) -> Samples:
    """A plucked note: three partials that fade, starting and ending in silence so that notes join without a click."""
    time = np.arange(round(duration_s * rate)) / rate
    partials = sum(np.sin(2 * np.pi * frequency_hz * k * time) / k**2 for k in (1, 2, 3))
    envelope = np.minimum(1, time * 200) * np.exp(-4 * time) * np.minimum(1, (duration_s - time) * 100)
    return np.asarray(partials * envelope)


def music(rate: int) -> Samples:
    """Twelve notes that can be looped."""
    return levelled(np.concatenate([note(hz, NOTE_S, rate) for hz in MELODY_HZ]), peak_db=-9)


def chime(rate: int) -> Samples:
    """Two notes, one on each side of a stereo file."""
    return levelled(np.column_stack([note(659, 0.5, rate), note(988, 0.5, rate)]), peak_db=-6)


def beep(rate: int) -> Samples:
    """The 1004 Hz test tone of telephone lines, 0.5 s, faded over 10 ms at both ends."""
    time = np.arange(rate // 2) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * 1004 * time) * np.clip(np.minimum(time, 0.5 - time) * 100, 0, 1))


def write(name: str, samples: Samples, rate: int, subtype: str = "PCM_16") -> None:
    """Write one file and say how long it is."""
    soundfile.write(FOLDER / f"{name}.wav", samples, rate, subtype=subtype)
    print(f"{name + '.wav':18} {len(samples) / rate:5.2f} s  {rate} Hz  {subtype}")


def main() -> None:
    """Make all files; speech stays as committed where espeak-ng is missing."""
    if shutil.which("espeak-ng"):
        for name, (rate, text) in SPEECH.items():
            write(name, speak(text, rate), rate)
    else:
        print("espeak-ng is missing: the spoken prompts stay as they are", file=sys.stderr)
    write("music", music(8000), 8000)
    write("chime", chime(44100), 44100)
    write("beep", beep(48000), 48000, "PCM_24")


if __name__ == "__main__":
    main()
