"""What a packet costs by codec and by crypto suite, beside the library that does the work, in the same run.

    python -m bench.media_cost [--packets 2000] [--rounds 7]

Packets of 20 ms of a speaking voice are encoded and decoded, and packets as long as those of PCMU protected and opened,
in loops in C: once through the engine's own path, once straight through the functions of libopus and libsrtp. The two
alternate, and the best round of each counts: what the code costs, not what ran besides. Codecs without a library stand
alone.

Exit code 1 when a packet went wrong, or the engine's path costs more than 15 % and 0.1 µs above the library.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from cffi import FFI

from bench._compiled import compiled_library
from sipflow.media.formats import codec_names, codec_of
from sipflow.media.srtp import srtp_library
from sipflow.media_params import SRTP_KEY_BYTES, RtpFormat, SrtpKeys
from sipflow.native import check, ffi, lib

SPEECH = Path(__file__).parents[1] / "scenarios" / "media" / "announcement.wav"
PTIME_MS = 20
RTP_BYTES = 172
"""Of a packet of PCMU with its header."""
FORMATS = (
    RtpFormat("PCMU", 0),
    RtpFormat("PCMA", 8),
    RtpFormat("G722", 9),
    RtpFormat("L16", 96, 16000),
    RtpFormat("opus", 97, 48000, 2),
    RtpFormat("opus", 97, 48000, 2, "useinbandfec=1"),
)
MORE_THAN_LIBRARY = 1.15
MORE_US = 0.1

BENCH = FFI()
BENCH.cdef("""
    typedef struct { int16_t *pcm; uint8_t *payloads; int32_t *lengths; uint32_t packets, samples, stride; } speech;
    uint32_t bench_encode(const void *codec, void *state, speech *speech, int32_t raw);
    uint32_t bench_decode(const void *codec, void *state, speech *speech, int32_t raw);
    uint32_t bench_srtp(void *srtp, uint32_t rounds, uint32_t length, int32_t unprotect, int32_t raw);
""")
"""What bench/media_cost.c has; codecs, their states and keys are those of the engine."""

Work = Callable[[], int]
"""Does so many packets; how many went well."""


@dataclass(frozen=True)
class Cost:
    """Of one thing that is done to a packet, in microseconds of processor time."""

    what: str
    engine_us: float
    library_us: float | None
    wrong: int

    @property
    def held(self) -> bool:
        """Nothing went wrong, and what the engine adds is small."""
        if self.wrong or self.library_us is None:
            return self.wrong == 0
        return self.engine_us <= max(self.library_us * MORE_THAN_LIBRARY, self.library_us + MORE_US)


def measure(what: str, make: Callable[[bool], Work], packets: int, rounds: int, *, beside: bool) -> Cost:
    """`make(raw)` prepares a round, outside of the clock."""
    best, wrong = {False: float("inf"), True: float("inf")}, 0
    for _ in range(rounds):
        for raw in (False, True) if beside else (False,):
            work = make(raw)
            began = time.thread_time_ns()
            good = work()
            best[raw] = min(best[raw], (time.thread_time_ns() - began) / packets / 1000)
            wrong += packets - good
    return Cost(what, best[False], best[True] if beside else None, wrong)


@cache
def bench_library() -> Any:
    """The loops in C."""
    return BENCH.dlopen(str(compiled_library("media_cost", included=("sfm_opus.c",))))


def _there(engines: Any) -> Any:
    """An object of the engine, as the bench's library takes it."""
    return BENCH.cast("void *", int(ffi.cast("uintptr_t", engines)))


class Speech:
    """Packets of one codec."""

    def __init__(self, rtp_format: RtpFormat, packets: int) -> None:
        self.codec: Any = codec_of(rtp_format)
        self.packets, samples = packets, self.codec.sample_rate // 1000 * PTIME_MS
        self._spoken = _spoken(self.codec.sample_rate, packets * samples)
        self._pcm = self._spoken.copy()
        self._payloads = BENCH.new("uint8_t[]", packets * lib.SFM_MAX_PAYLOAD_BYTES)
        self._lengths = BENCH.new("int32_t[]", packets)
        pcm = BENCH.from_buffer("int16_t[]", self._pcm)
        rest = (self._payloads, self._lengths, packets, samples, lib.SFM_MAX_PAYLOAD_BYTES)
        self._bench = BENCH.new("speech *", (pcm, *rest))

    def encode(self, raw: bool) -> Work:
        """A round of encoding."""
        self._pcm[:] = self._spoken
        state = self._state(self.codec.encoder_bytes)
        check(lib.sfm_codec_encoder_init(self.codec, state), "begin to encode")
        return lambda: int(bench_library().bench_encode(_there(self.codec), _there(state), self._bench, raw))

    def decode(self, raw: bool) -> Work:
        """A round of decoding what was encoded last."""
        state = self._state(self.codec.decoder_bytes)
        check(lib.sfm_codec_decoder_init(self.codec, state), "begin to decode")
        return lambda: int(bench_library().bench_decode(_there(self.codec), _there(state), self._bench, raw))

    @staticmethod
    def _state(size: int) -> Any:
        return ffi.new("uint64_t[]", size // 8 + 1)


def _spoken(rate: int, count: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A voice without end, at any rate."""
    samples, own_rate = soundfile.read(SPEECH, dtype="int16")
    places = np.arange(count) * own_rate / rate % (len(samples) - 1)
    spoken: np.ndarray[Any, np.dtype[np.int16]] = np.interp(places, np.arange(len(samples)), samples).astype(np.int16)
    return spoken


def codec_costs(packets: int, rounds: int) -> Iterator[Cost]:
    """Both ways of every codec that is there."""
    names = codec_names()
    for rtp_format in FORMATS:
        if rtp_format.name not in names:
            continue
        speech, name = Speech(rtp_format, packets), rtp_format.name + (" with FEC" if rtp_format.fmtp else "")
        beside = rtp_format.name == "opus"
        yield measure(f"{name} encode", speech.encode, packets, rounds, beside=beside)
        yield measure(f"{name} decode", speech.decode, packets, rounds, beside=beside)


def srtp_costs(packets: int, rounds: int) -> Iterator[Cost]:
    """What is protected, and what is protected and opened again, for each suite."""
    for suite, size in SRTP_KEY_BYTES.items():
        key = random.Random(suite).randbytes(size)
        for what, opened in (("protect", 0), ("protect and open", 1)):

            def make(raw: bool, suite: str = suite, key: bytes = key, opened: int = opened) -> Work:
                keys = ffi.gc(srtp_library().create_keys(SrtpKeys(suite, key, key)), lib.sfm_srtp_destroy)
                return lambda: int(bench_library().bench_srtp(_there(keys), packets, RTP_BYTES, opened, raw))

            yield measure(f"{suite} {what}", make, packets, rounds, beside=True)


def main() -> int:
    """Prints a row for each cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    line = "{:<42} {:>9} {:>10} {:>7}  {}\n"
    sys.stdout.write(line.format("µs a packet", "engine", "library", "ratio", ""))
    held = True
    for costs in (codec_costs, srtp_costs):
        for cost in costs(options.packets, options.rounds):
            ratio = "" if cost.library_us is None else f"{cost.engine_us / cost.library_us:.2f}"
            library = "" if cost.library_us is None else f"{cost.library_us:.2f}"
            mark = f"{cost.wrong} packets went wrong" if cost.wrong else "" if cost.held else "too much"
            sys.stdout.write(line.format(cost.what, f"{cost.engine_us:.2f}", library, ratio, mark))
            held = held and cost.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
