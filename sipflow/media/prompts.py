"""Audio to send: decoded, mixed down, resampled and encoded once, then shared by all legs.

A file goes through in blocks and ends up in an unlinked temporary file that is mapped, so memory does not grow with
its length; a long one does so while it plays (`growing`). numpy, soundfile and soxr are imported when the first prompt
is made: not every use of sipflow plays audio.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sipflow.errors import MediaError, MisuseError
from sipflow.media.encoded import encoded_prompt, is_encoded
from sipflow.media.encoding import Coding, encode, require_encoder
from sipflow.media.formats import codec_of
from sipflow.media.growing import HEAD_MS, LONG_MS, Feeder, GrowingAudio
from sipflow.media.wav_header import missing_ms
from sipflow.media_params import RtpFormat
from sipflow.native import check, ffi, lib

if TYPE_CHECKING:
    import numpy
    import soundfile

    Samples = numpy.ndarray[Any, numpy.dtype[numpy.float32]]

_BLOCK_FRAMES = 1 << 15
_FULL_SCALE = 32768.0

TONE_DBOV = -10.0
"""Level of a tone of which none is said."""
DIGIT_DBOV = 13
"""-dBov of each of the two frequencies of a digit of which none is said."""
_LOUDEST_TONE_DBOV = -3.0
"""A sine that reaches full scale."""
_DIGIT_DBOV = range(9, 61)
"""-dBov of a frequency: both together reach full scale at 9."""

PAUSE_MS = 500
"""Length of a `,` between digits, as most dialling strings have it."""

_DBM0_ABOVE_DBOV = 6.15
"""0 dBm0 is a sine 3.14 dB below the loudest one (G.711), and that 3.01 dB below full scale in dBov."""


@dataclass(frozen=True, slots=True)
class AudibleDigit:
    """A DTMF digit in a prompt."""

    digit: str
    start_ms: float
    """From the prompt's beginning."""
    duration_ms: float
    level_dbm0: int
    """Power of both frequencies together."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Encoded audio of one format. Any number of legs may play it at the same time."""

    name: str
    """Path of the file, or what was generated."""
    rtp_format: RtpFormat
    duration_ms: int
    """Length of one round."""
    endless: bool
    """Whether it is meant to go round for ever: a tone without a duration."""
    native: Any = field(repr=False, compare=False)
    """The native prompt; lives as long as this value or any leg that plays it."""
    digits: tuple[AudibleDigit, ...] = field(default=(), compare=False)
    """What it dials."""
    growing: GrowingAudio | None = field(default=None, repr=False, compare=False)
    """What is encoded while it plays."""
    missing_ms: int = field(default=0, compare=False)
    """How much of the file was cut off."""

    def why_short(self, played_ms: int, missed_ms: int, *, cut: bool) -> str:
        """What was wrong with a play that lasted `played_ms`, of which `missed_ms` were silence in the place of audio
        that was not there in time, or that was `cut` short; empty when nothing was."""
        if cut and self.growing is not None and self.growing.trouble:
            return self.growing.trouble
        if missed_ms:
            return f"{missed_ms} ms of {self.name} were silence: it was not encoded in time"
        if self.missing_ms and not cut and played_ms >= self.duration_ms:
            return f"the last {self.missing_ms / 1000:g} s of {self.name} are missing: it was cut off"
        return ""

    def dialled(self, played_ms: float) -> Iterator[tuple[AudibleDigit, float]]:
        """The digits of a play, as long as they were heard, and how many ms before its end each ended."""
        round_ms = 0.0
        while self.digits and round_ms < played_ms:
            for one in self.digits:
                heard_ms = min(one.duration_ms, played_ms - round_ms - one.start_ms)
                if heard_ms > 0:
                    yield replace(one, duration_ms=heard_ms), played_ms - round_ms - one.start_ms - heard_ms
            round_ms += max(self.duration_ms, 1)


@dataclass(slots=True)
class _Slot:
    """Holds the prompt of one key; whoever holds its lock makes it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    prompt: Prompt | None = None


class PromptStore:
    """Makes prompts and keeps them. Thread-safe: two threads that want the same prompt make it once."""

    def __init__(self, cache_dir: Path | None = None, *, ahead: bool = True) -> None:
        """`cache_dir`: where the (unlinked) files of encoded audio lie, else the system's folder for such.

        `ahead`: whether long files are encoded by a thread, ahead of what plays them. Without it, all that a play will
        need is there before it begins: in virtual time nothing is ahead of anything.
        """
        self._cache_dir = cache_dir
        self._feeder = Feeder() if ahead else None
        self._lock = threading.Lock()
        self._slots: dict[tuple[object, ...], _Slot] = {}

    def close(self) -> None:
        """Read no more of any file: what plays a long one ends with what is encoded."""
        if self._feeder is not None:
            self._feeder.close()
        with self._lock:
            slots = list(self._slots.values())
        for prompt in (slot.prompt for slot in slots):
            if prompt is not None and prompt.growing is not None:
                prompt.growing.close()

    def load(
        self,
        path: Path,
        rtp_format: RtpFormat,
        *,
        ptime_ms: int = 20,
        start_ms: float = 0,
        gain_db: float = 0.0,
        from_ms: float = 0,
        for_ms: float | None = None,
    ) -> Prompt:
        """The audio of a file from `start_ms` on, `gain_db` louder; kept until the file changes.

        `ptime_ms` is the packet time it will be sent with; it matters only to codecs whose packets are encoded one by
        one.

        A long file is encoded while it plays, from a bit beyond `from_ms` of the prompt on: where the play begins, or
        goes on. `for_ms` is how long it will play at most.

        A file of encoded frames, or a capture of packets, is sent as it is, in the codec that made them and not louder.

        Raises MediaError, with a text for a user, when the file is missing, is no audio, is empty (or all of it lies
        before `start_ms`), when there is no codec for the format, or when encoded frames are another codec's.
        """
        if start_ms < 0:
            raise MisuseError(f"a prompt cannot start at {start_ms} ms")
        coding = Coding.of(rtp_format, ptime_ms)
        packets_ms = ptime_ms if is_encoded(path) else 0
        key = (_identity(path), coding.key, start_ms, gain_db, packets_ms)
        prompt = self._made_once(key, lambda: self._load(path, coding, start_ms, gain_db, ptime_ms))
        if prompt.growing is not None:
            least = HEAD_MS if self._feeder is not None else None
            prompt.growing.grow(_sooner(least, for_ms, from_ms))
        return prompt

    def tone(
        self,
        frequency_hz: float,
        duration_ms: float | None,
        rtp_format: RtpFormat,
        *,
        ptime_ms: int = 20,
        level_db: float = TONE_DBOV,
    ) -> Prompt:
        """A sine; `level_db` is its root mean square in dB of full scale (dBov), `duration_ms` None is without end.

        Raises MisuseError for a level above full scale.
        """
        codec = codec_of(rtp_format)
        if not 0 < frequency_hz < codec.sample_rate / 2:
            raise MediaError(
                f"{rtp_format.name} carries no tone of {frequency_hz} Hz: below {codec.sample_rate // 2} Hz"
            )
        if level_db > _LOUDEST_TONE_DBOV:
            raise MisuseError(f"a tone of {level_db:g} dBov is louder than full scale: {_LOUDEST_TONE_DBOV:g} at most")
        if duration_ms is not None and duration_ms < 1:
            raise MisuseError("a tone is at least 1 ms long")
        coding = Coding.of(rtp_format, ptime_ms)
        key = ("tone", frequency_hz, duration_ms, coding.key, level_db)
        return self._made_once(key, lambda: self._tone(frequency_hz, duration_ms, coding, level_db))

    def digits(
        self,
        digits: str,
        rtp_format: RtpFormat,
        *,
        ptime_ms: int = 20,
        tone_ms: float = 100,
        gap_ms: float = 100,
        level_dbov: int = DIGIT_DBOV,
    ) -> Prompt:
        """Digits 0-9 * # A-D as tones in the audio (ITU-T Q.23), each frequency at -`level_dbov` dBov; `,` is a pause.

        Raises MisuseError for anything that is no digit, and for levels that cannot be sent.
        """
        if level_dbov not in _DIGIT_DBOV:
            loudest, quietest = -_DIGIT_DBOV[0], -_DIGIT_DBOV[-1]
            raise MisuseError(f"digits have {quietest} to {loudest} dBov in each frequency, not {-level_dbov}")
        coding = Coding.of(rtp_format, ptime_ms)
        key = ("digits", digits, tone_ms, gap_ms, coding.key, level_dbov)
        rate, channels = coding.codec.sample_rate, coding.codec.encoded_channels
        blocks = [_digit_block(digit, rate, tone_ms, gap_ms, level_dbov) for digit in digits.upper()]
        columns = (block[:, None].repeat(channels, axis=1) for block in blocks)

        def made() -> Prompt:
            prompt = self._encode(f"dtmf {digits}", coding, columns)
            return replace(prompt, digits=tuple(_audible(digits.upper(), tone_ms, gap_ms, level_dbov)))

        return self._made_once(key, made)

    def _made_once(self, key: tuple[object, ...], make: Any) -> Prompt:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
        with slot.lock:
            if slot.prompt is None:
                slot.prompt = make()
            return slot.prompt

    def _load(self, path: Path, coding: Coding, start_ms: float, gain_db: float, ptime_ms: int) -> Prompt:
        if is_encoded(path):
            return self._pass(path, coding, start_ms, gain_db, ptime_ms)
        with open_audio(path) as audio:
            left_s = audio.frames / audio.samplerate - start_ms / 1000
            if left_s <= LONG_MS / 1000:
                prompt = self._encode(str(path), coding, _blocks_for(audio, coding, start_ms, gain_db))
            else:
                prompt = self._grown(path, coding, start_ms, gain_db)
        return replace(prompt, missing_ms=missing_ms(path))

    def _grown(self, path: Path, coding: Coding, start_ms: float, gain_db: float) -> Prompt:
        require_encoder(coding, str(path))
        audio = open_audio(path)
        samples = _resampled_samples(audio, start_ms, coding.codec.sample_rate)
        blocks = _closing(audio, _blocks_for(audio, coding, start_ms, gain_db))
        with self._keeping(str(path)) as file:
            growing = GrowingAudio(file, coding, blocks, samples, str(path))
        if self._feeder is not None:
            self._feeder.add(growing)
        prompt = self._prompt(str(path), coding, growing.native, endless=False)
        return replace(prompt, growing=growing)

    def _pass(self, path: Path, coding: Coding, start_ms: float, gain_db: float, ptime_ms: int) -> Prompt:
        if gain_db:
            raise MediaError(f"{path} is encoded already and cannot be made louder or softer")

        def make(file: IO[bytes]) -> Any:
            return encoded_prompt(file, coding, path, start_ms, ptime_ms)

        return self._kept(str(path), coding, make, endless=False)

    def _tone(self, frequency_hz: float, duration_ms: float | None, coding: Coding, level_db: float) -> Prompt:
        import numpy

        rate = coding.codec.sample_rate
        # Without end it goes round: ten seconds hold whole periods of every frequency in steps of 0.1 Hz.
        count = 10 * rate if duration_ms is None else max(1, int(rate * duration_ms / 1000))
        amplitude = min(1.0, 2**0.5 * 10 ** (level_db / 20))
        sine = amplitude * numpy.sin(2 * numpy.pi * frequency_hz / rate * numpy.arange(count))
        return self._encode(
            f"tone {frequency_hz:g}Hz",
            coding,
            iter([numpy.tile(sine[:, None], coding.codec.encoded_channels)]),
            endless=duration_ms is None,
        )

    def _encode(self, name: str, coding: Coding, blocks: Iterator[Samples], *, endless: bool = False) -> Prompt:
        return self._kept(name, coding, lambda file: encode(file, coding, blocks, name), endless=endless)

    def _kept(self, name: str, coding: Coding, make: Callable[[IO[bytes]], Any], *, endless: bool) -> Prompt:
        """The prompt that `make` writes to a file and maps."""
        with self._keeping(name) as file:
            native = make(file)
        return self._prompt(name, coding, native, endless=endless)

    @contextlib.contextmanager
    def _keeping(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with tempfile.TemporaryFile(dir=self._cache_dir) as file:
                yield file
        except OSError as error:
            raise MediaError(f"cannot keep the encoded audio of {name}: {error.strerror}") from error

    def _prompt(self, name: str, coding: Coding, native: Any, *, endless: bool) -> Prompt:
        duration_ms = lib.sfm_prompt_samples(native) * 1000 // coding.codec.sample_rate
        return Prompt(name, coding.rtp_format, duration_ms, endless, native)


def _sooner(least_ms: float | None, for_ms: float | None, from_ms: float) -> float | None:
    """How much is needed for a play to begin; None is all of it."""
    given = [ms for ms in (least_ms, for_ms) if ms is not None]
    return from_ms + min(given) if given else None


def _blocks_for(audio: soundfile.SoundFile, coding: Coding, start_ms: float, gain_db: float) -> Iterator[Samples]:
    """The audio as `coding` takes it."""
    gain = 10 ** (gain_db / 20)
    wide = audio_blocks(audio, start_ms, coding.codec.encoded_channels)
    return (gain * block for block in resampled(wide, audio.samplerate, coding.codec.sample_rate))


def _resampled_samples(audio: soundfile.SoundFile, start_ms: float, rate: int) -> int:
    """How many samples a channel soxr makes of what is left behind `start_ms`: to the nearest, a half upwards."""
    frames: int = audio.frames - _start_frame(audio, start_ms)
    wide: int = audio.samplerate
    return (2 * frames * rate + wide) // (2 * wide)


def _closing(audio: soundfile.SoundFile, blocks: Iterator[Samples]) -> Iterator[Samples]:
    with audio:
        yield from blocks


def _audible(digits: str, tone_ms: float, gap_ms: float, level_dbov: int) -> Iterator[AudibleDigit]:
    at_ms = 0.0
    level_dbm0 = round(3.01 - level_dbov + _DBM0_ABOVE_DBOV)
    for digit in digits:
        if digit != ",":
            yield AudibleDigit(digit, at_ms, tone_ms, level_dbm0)
        at_ms += PAUSE_MS if digit == "," else tone_ms + gap_ms


def _digit_block(digit: str, rate: int, tone_ms: float, gap_ms: float, level_dbov: int) -> Any:
    """One digit and the gap behind it, or a pause."""
    import numpy

    if digit == ",":
        return numpy.zeros(rate * PAUSE_MS // 1000)
    tone, gap = round(rate * tone_ms / 1000), round(rate * gap_ms / 1000)
    pcm = numpy.zeros(tone, "<i2")
    check(
        lib.sfm_inband_dtmf_write(
            digit.encode()[:1], rate, level_dbov, 0, tone, ffi.from_buffer("int16_t[]", pcm), tone
        ),
        f"make the tones of {digit!r}",
    )  # fmt: skip
    return numpy.concatenate([pcm / _FULL_SCALE, numpy.zeros(gap)])


def _identity(path: Path) -> tuple[object, ...]:
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise MediaError(f"no such file: {path}") from None
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    return (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)


def open_audio(path: Path) -> soundfile.SoundFile:
    import soundfile

    if not path.exists():
        raise MediaError(f"no such file: {path}")
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not an audio file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty: it holds no audio at all")
    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        raise MediaError(f"{path} is not an audio file that can be read: {reason_of(error)}") from error


def reason_of(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return text.rstrip(".").replace("\n", " ")


def audio_blocks(audio: soundfile.SoundFile, start_ms: float, channels: int) -> Iterator[Samples]:
    """The audio from `start_ms` on in blocks, one column a channel: as it is when that many are wanted, else mixed."""
    import numpy

    start = _start_frame(audio, start_ms)
    if start >= audio.frames:
        what = f"has no audio after {start_ms:g} ms" if audio.frames > 0 else "holds no audio at all"
        raise MediaError(f"{audio.name} {what}")
    for block in read_blocks(audio, start):
        mixed = block if block.shape[1] == channels else block.mean(axis=1, keepdims=True)
        yield mixed if mixed.shape[1] == channels else numpy.tile(mixed, channels)


def read_blocks(audio: soundfile.SoundFile, start: int = 0) -> Iterator[Samples]:
    """All of an open file from frame `start` on, as it is: one column a channel.

    Raises MediaError where it is damaged.
    """
    import soundfile

    try:
        skipped = start
        if audio.seekable():  # some kinds are not: GSM 6.10 in WAV
            audio.seek(start)
            skipped = 0
        while len(block := audio.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)) > 0:
            yield block[skipped:]
            skipped -= min(skipped, len(block))
    except soundfile.LibsndfileError as error:
        raise MediaError(f"{audio.name} is damaged: {reason_of(error)}") from error


def _start_frame(audio: soundfile.SoundFile, start_ms: float) -> int:
    return int(start_ms * audio.samplerate / 1000)


def resampled(blocks: Iterator[Samples], rate: int, wanted_rate: int) -> Iterator[Samples]:
    """soxr at high quality: a linear-phase low-pass, flat to 0.91 of the lower rate's half, 120 dB down from it on."""
    if rate == wanted_rate:
        yield from blocks
        return
    import numpy
    import soxr

    stream, channels = None, 1
    for block in blocks:
        channels = block.shape[1]
        stream = stream or soxr.ResampleStream(rate, wanted_rate, channels, dtype="float32", quality="HQ")
        yield stream.resample_chunk(numpy.ascontiguousarray(block)).reshape(-1, channels)
    if stream is not None:
        rest = stream.resample_chunk(numpy.empty((0, channels), "float32"), last=True)
        yield rest.reshape(-1, channels)
