"""Does speech or music sound like a digit to us? Minutes of both through G.711, as a leg would hear them.

The voices are espeak-ng's, men's and women's in several languages, and read the pages of `docs/`; the music is chords
of two to four notes, tuned and untuned, some held, some plucked. Each note has a harmonic at least: two sines that
happen to be those of a digit are one. The same seed makes the same music. At the end of each piece come all sixteen
digits, which have to be found: a detector that hears nothing would pass otherwise.

    python -m bench.talk_off [--minutes 10] [--seed 1] [--law pcmu]

Exit code 1 when a digit was heard that nobody dialled, or one was not that somebody did.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from sipflow.native import check, ffi, lib

RATE = 8000
SIXTEEN = "0123456789*#ABCD"
VOICES = ("en-us", "en-gb+f3", "de", "de+f2", "fr+f4", "es", "it+f1", "en-us+m7", "pt-br+f5", "nl")
Samples = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True)
class Piece:
    """Some audio without digits in it."""

    name: str
    samples: Samples


@dataclass(frozen=True)
class Outcome:
    """What was heard in it, and behind it."""

    seconds: float
    false_digits: str
    found: str


def pages() -> str:
    """The words of the documentation."""
    texts = (path.read_text("utf-8") for path in sorted((Path(__file__).parents[1] / "docs").glob("*.md")))
    return re.sub(r"[^A-Za-z,.\n ]+", " ", "\n".join(texts))


def speech(voice: str, text: str, seconds: float) -> Piece:
    """A voice that reads; at least so long, cut to it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "text").write_text(text[: int(seconds * 40)], "utf-8")
        command = ["espeak-ng", "-v", voice, "-w", f"{folder}/voice.wav", "-f", f"{folder}/text"]
        # A sanitizer that is loaded before us (`make asan`) is not for others: espeak-ng would never end under it.
        own = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        subprocess.run(command, check=True, timeout=300, env=own)
        samples, rate = soundfile.read(f"{folder}/voice.wav")
    heard = soxr.resample(samples, rate, RATE)[: int(seconds * RATE)]
    return Piece(voice, np.rint(heard * 32767).clip(-32768, 32767).astype(np.int16))


def _chord(random: np.random.Generator, count: int, tuned: bool) -> Any:
    time = np.arange(count) / RATE
    notes = 55 * 2 ** (random.integers(12, 60, random.integers(2, 5)) / 12)
    if not tuned:
        notes = notes * random.uniform(0.97, 1.03, len(notes))
    made = np.zeros(count)
    for note in notes:
        for harmonic in range(1, int(random.integers(3, 9))):
            if note * harmonic < RATE / 2:
                made += np.sin(2 * np.pi * note * harmonic * time + random.uniform(0, 6)) / harmonic**1.3
    decay = np.exp(-time * random.choice([0.0, 1.0, 6.0]))
    edge = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / 80)
    return made * decay * edge / np.abs(made).max()


def music(seed: int, seconds: float) -> Piece:
    """Chords of 60 to 600 ms, one behind the other."""
    random, parts, length = np.random.default_rng(seed), [], 0
    while length < seconds * RATE:
        parts.append(random.uniform(0.05, 0.9) * _chord(random, int(random.uniform(0.06, 0.6) * RATE), seed % 2 == 0))
        length += len(parts[-1])
    whole = np.concatenate(parts)[: int(seconds * RATE)]
    return Piece(f"music {seed}", np.rint(32767 * whole).astype(np.int16))


def dialled() -> Samples:
    """All digits, 60 ms each at -13 dBov, 60 ms apart, with a second of silence before."""
    parts = [np.zeros(RATE, np.int16)]
    for digit in SIXTEEN:
        tone = np.zeros(480, np.int16)
        out = ffi.from_buffer("int16_t[]", tone)
        check(lib.sfm_inband_dtmf_write(digit.encode(), RATE, 13, 0, 480, out, 480), "make the tones")
        parts += [tone, np.zeros(480, np.int16)]
    return np.concatenate(parts)


def through(law: str, samples: Samples) -> Samples:
    """What G.711 leaves of it."""
    codes, out = ffi.new("uint8_t[]", len(samples)), np.zeros(len(samples), np.int16)
    getattr(lib, f"sfm_{law}_encode")(ffi.from_buffer("int16_t[]", samples), len(samples), codes)
    getattr(lib, f"sfm_{law}_decode")(codes, len(samples), ffi.from_buffer("int16_t[]", out))
    return out


def digits_in(samples: Samples) -> str:
    """The digits that are heard."""
    detector, digit, found = ffi.new("sfm_inband_dtmf *"), ffi.new("sfm_inband_digit *"), ""
    lib.sfm_inband_dtmf_init(detector)
    for start in range(0, len(samples), 160):
        part = np.ascontiguousarray(samples[start : start + 160])
        lib.sfm_inband_dtmf_put(detector, ffi.from_buffer("int16_t[]", part), len(part))
        while lib.sfm_inband_dtmf_next(detector, digit):
            found += digit.digit.decode()
    return found


def judge(piece: Piece, law: str) -> Outcome:
    """What of a piece is taken for digits, and which of the digits behind it are found."""
    heard = digits_in(through(law, piece.samples))
    both = digits_in(through(law, np.concatenate((piece.samples, dialled()))))
    return Outcome(len(piece.samples) / RATE, heard, both[len(heard) :])


def pieces(minutes: float, seed: int) -> Iterator[Piece]:
    """So many minutes of speech, and as many of music."""
    each, text = minutes * 60 / len(VOICES), pages()
    if shutil.which("espeak-ng"):
        for n, voice in enumerate(VOICES):
            yield speech(voice, text[n * len(text) // len(VOICES) :], each)
    for n in range(len(VOICES)):
        yield music(seed + n, each)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--law", choices=("pcmu", "pcma"), default="pcmu")
    options = parser.parse_args(arguments)
    wrong = 0
    totals = {"speech": [0.0, 0], "music": [0.0, 0]}
    for piece in pieces(options.minutes, options.seed):
        outcome = judge(piece, options.law)
        of = totals["music" if piece.name.startswith("music") else "speech"]
        of[0] += outcome.seconds
        of[1] += len(outcome.false_digits)
        wrong += len(outcome.false_digits) + (outcome.found != SIXTEEN)
        lacking = "" if outcome.found == SIXTEEN else f", of the sixteen behind it {outcome.found}"
        print(f"{piece.name:10} {outcome.seconds:6.1f} s  digits {outcome.false_digits or 'none'}{lacking}")
    for kind, (seconds, count) in totals.items():
        print(f"{kind}: {count} digits in {seconds / 60:.1f} minutes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
