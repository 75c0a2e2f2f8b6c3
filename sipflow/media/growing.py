"""Long prompts: encoded in pieces while they play, a few seconds ahead of the leg that is farthest.

What is encoded stays for whoever plays it next; what nobody comes to is never read. One thread of the store does it, so
that neither the event loop nor the pacing threads wait for a file.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from sipflow.errors import MediaError, SipflowError
from sipflow.media.encoding import Coding, Encoder, pieces
from sipflow.native import check, ffi, lib

if TYPE_CHECKING:
    from sipflow.media.encoding import Samples

LONG_MS = 60_000
"""Audio up to this length is encoded at once."""
HEAD_MS = 4_000
"""So much is there before a play begins."""
_AHEAD_MS = 15_000
"""So far is encoded beyond what a leg has come to."""
_LOOK_S = 1.0
"""How often is looked how far legs are."""
_TOLERATED_S = 1.0
"""By so much may a file be shorter than its head says: silence is in the place of it."""


class GrowingAudio:
    """The rest of an audio file, and the native prompt that takes it. Thread-safe."""

    def __init__(self, file: IO[bytes], coding: Coding, blocks: Iterator[Samples], samples: int, name: str) -> None:
        """`samples` a channel are announced, in the codec's rate; `blocks` are read as far as they are needed.

        Raises MediaError when there cannot be a file as large as that.
        """
        frame = coding.codec.frame_samples
        out = ffi.new("sfm_prompt **")
        self._samples = samples if coding.ptime_ms else -(-samples // frame) * frame
        packet = coding.piece if coding.ptime_ms else 0
        check(lib.sfm_prompt_open(file.fileno(), coding.codec, packet, self._samples, out), f"keep {name}")
        self.native = ffi.gc(out[0], lib.sfm_prompt_release)
        self.trouble = ""
        """Why it ends before its end; empty when it does not."""
        self._coding, self._name = coding, name
        self._encoder = Encoder(coding.codec)
        self._blocks = blocks
        self._pieces = pieces(_fitted(blocks, samples, int(_TOLERATED_S * coding.codec.sample_rate), name), coding)
        self._lock = threading.Lock()

    @property
    def complete(self) -> bool:
        """Whether nothing will be added any more."""
        return bool(lib.sfm_prompt_sealed(self.native))

    def grow(self, needed_ms: float | None) -> None:
        """Encode until so much can be played, or all of it (None).

        Raises MediaError when the file is damaged or the disk is full.
        """
        needed = self._samples if needed_ms is None else int(needed_ms * self._coding.codec.sample_rate / 1000)
        while self._lacks(needed):
            with self._lock:  # for a block: a play that begins meanwhile needs but little
                if self._lacks(needed):
                    self._grow_by_a_block()
        if self.trouble and lib.sfm_prompt_ready(self.native) < min(needed, self._samples):
            raise MediaError(self.trouble)

    def _lacks(self, needed: int) -> bool:
        return not self.complete and lib.sfm_prompt_ready(self.native) < needed

    def keep_ahead(self) -> None:
        """Encode what legs will come to next, where there are any; trouble is told by `trouble`."""
        wanted = lib.sfm_prompt_wanted(self.native)
        with contextlib.suppress(MediaError):
            if wanted > 0:
                self.grow(wanted * 1000 / self._coding.codec.sample_rate + _AHEAD_MS)

    def close(self) -> None:
        """Read no more."""
        with self._lock:
            self._end()

    def _grow_by_a_block(self) -> None:
        try:
            block = next(self._pieces, None)
            if block is not None:
                self._append(block)
        except SipflowError as error:
            self.trouble = str(error)
            block = None
        if block is None or lib.sfm_prompt_ready(self.native) >= self._samples:
            self._end()

    def _append(self, block: Any) -> None:
        payloads = self._encoder.payloads(block, self._coding)
        joined = b"".join(payloads)
        packets = payloads if self._coding.ptime_ms else []
        sizes = ffi.new("uint32_t[]", [len(payload) for payload in packets]) if packets else ffi.NULL
        code = lib.sfm_prompt_append(self.native, joined, len(joined), sizes, len(packets))
        check(code, f"cannot keep the encoded audio of {self._name}")

    def _end(self) -> None:
        lib.sfm_prompt_seal(self.native)
        self._pieces.close()
        self._blocks.close()  # type: ignore[attr-defined]  # a generator, which has the file open


def _fitted(blocks: Iterator[Samples], samples: int, tolerated: int, name: str) -> Iterator[Samples]:
    """As many samples as were announced: what is beyond is left out, and what little is missing is silence."""
    import numpy

    left, channels = samples, 1
    for block in blocks:
        channels = block.shape[1]
        yield block[:left]
        left -= len(block[:left])
        if left == 0:
            return
    if left > tolerated:
        raise MediaError(f"{name} is damaged: the audio that its head announces ends before its end")
    yield numpy.zeros((left, channels), "float32")


class Feeder:
    """The thread that keeps growing audio ahead of the legs; it runs while there is any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._growing: list[GrowingAudio] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def add(self, audio: GrowingAudio) -> None:
        """Look after it from now on."""
        with self._lock:
            self._growing.append(audio)
            if self._thread is None:
                self._thread = threading.Thread(target=self._feed, name="sipflow-prompts", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Close all files; returns when the thread is gone."""
        self._stop.set()
        with self._lock:
            thread, growing, self._growing = self._thread, self._growing, []
        if thread is not None:
            thread.join()
        for audio in growing:
            audio.close()

    def _feed(self) -> None:
        while not self._stop.wait(_LOOK_S):
            with self._lock:
                self._growing = [audio for audio in self._growing if not audio.complete]
                growing = list(self._growing)
                if not growing:
                    self._thread = None
                    return
            for audio in growing:
                audio.keep_ahead()
