"""The media engine: native threads that pace, receive and record; here only the commands and the events."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sipflow.errors import MachineError, MisuseError
from sipflow.events import (
    DigitSent,
    DtmfReceived,
    DtmfSent,
    HearingFinished,
    HearingProgress,
    MediaFirstPacket,
    MediaProgress,
    MediaUnprotected,
    Payload,
    PlayFinished,
    RecordingFinished,
)
from sipflow.media.formats import codec_of
from sipflow.media.hearing import heard_fields, native_listening
from sipflow.media.leg import JitterConfig, Job, Leg
from sipflow.media.statistics import EngineStatistics, engine_statistics
from sipflow.media_params import NOT_LISTENING, PCMU, Listening, RtpFormat
from sipflow.native import check, error_text, ffi, lib

_DRAIN_BATCH = 256
_JITTER_PACKETS = 64
_JOB_ENDS = frozenset(
    {
        lib.SFM_EVENT_DTMF_SENT,
        lib.SFM_EVENT_PLAY_FINISHED,
        lib.SFM_EVENT_RECORDING_FINISHED,
        lib.SFM_EVENT_HEARING_FINISHED,
    }
)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How many threads, and how they run."""

    threads: int = 1
    """1-64; each owns its legs."""
    realtime: bool = True
    """Ask for real-time priority; `EngineStatistics.realtime` says whether it was granted."""
    measure_floor: bool = False
    """Run an idle timer thread too, to know what the machine itself costs."""
    seed: int = 0
    """Of all impairments: same seed and same order of legs, same packets lost."""
    simulation: Simulation | None = None
    """A clock and a network inside the process instead of the machine's, and no thread: `MediaEngine.advance` lets time
    pass, and sequence numbers, SSRCs and reports are the same ones for the same seed."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """The network between the legs of a simulated engine. Shares are 0-1 of the packets."""

    seed: int = 0
    wallclock_ns: int = 0
    """Time of day at time 0, since 1970, UTC."""
    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """More delay, evenly from 0 to this; what a leg sends keeps its order."""
    reorder: float = 0.0
    """Packets that wait `reorder_ms` more, and are overtaken."""
    reorder_ms: float = 30.0
    duplicate: float = 0.0


def _native_simulation(simulation: Simulation) -> Any:
    return ffi.new(
        "sfm_simulation_config *",
        {
            "seed": simulation.seed & 0xFFFF_FFFF_FFFF_FFFF,
            "wallclock_ns": simulation.wallclock_ns,
            "delay_ns": round(simulation.delay_ms * 1e6),
            "jitter_ns": round(simulation.jitter_ms * 1e6),
            "reorder_ns": round(simulation.reorder_ms * 1e6),
            "loss_per_million": round(simulation.loss * 1e6),
            "duplicate_per_million": round(simulation.duplicate * 1e6),
            "reorder_per_million": round(simulation.reorder * 1e6),
        },
    )


def _native_jitter(jitter: JitterConfig, clock_rate: int) -> dict[str, int]:
    return {
        "clock_rate": clock_rate,
        "initial_delay_ms": round(jitter.initial_ms),
        "min_delay_ms": round(jitter.min_ms),
        "max_delay_ms": round(jitter.max_ms),
        "fixed": not jitter.adaptive,
        "packet_capacity": _JITTER_PACKETS,
        "payload_capacity": lib.SFM_MAX_PAYLOAD_BYTES,
    }


def _recording_error(code: int) -> str:
    if code == 0:
        return ""
    if code == lib.SFM_ERROR_SYSTEM - errno.EOVERFLOW:
        return "the disk took the audio too slowly; the file ends where it fell behind"
    if code == lib.SFM_ERROR_SYSTEM - errno.EFBIG:
        return "the file may not grow any more: a WAV file ends at 4 GiB, any file at the limit of `ulimit -f`"
    if code == lib.SFM_ERROR_SYSTEM - errno.ENOTSUP:
        return "a codec that only passes through was sent or heard: the file has silence where nobody knows the sound"
    if code == lib.SFM_ERROR_SYSTEM - errno.EPROTOTYPE:
        return "frames of another codec came than the file takes"
    return error_text(code)


def _progress(job: Job, kind: str, event: Any) -> MediaProgress:
    total_ms = None if event.total_ms < 0 else event.total_ms
    percent = min(100.0, 100 * event.elapsed_ms / total_ms) if total_ms else None
    return MediaProgress(job.leg.call, job.token, kind, event.elapsed_ms, total_ms, percent)


def _dtmf_sent(job: Job, event: Any) -> Payload:
    return DtmfSent(job.leg.call, job.token, job.text, bool(event.completed))


def _play_progress(job: Job, event: Any) -> Payload:
    return _progress(job, "play", event)


def _record_progress(job: Job, event: Any) -> Payload:
    return _progress(job, "record", event)


def _play_finished(job: Job, event: Any) -> Payload:
    played_ms, missed_ms, completed = event.elapsed_ms, event.total_ms, bool(event.completed)
    error = "" if job.prompt is None else job.prompt.why_short(played_ms, missed_ms, cut=not completed)
    return PlayFinished(job.leg.call, job.token, played_ms, completed and missed_ms <= 0, error)


def _dialled(job: Job, played_ms: int) -> Iterator[Payload]:
    """The digits that a play had in its audio."""
    for one, ago_ms in () if job.prompt is None else job.prompt.dialled(played_ms):
        length_ms = round(one.duration_ms)
        yield DigitSent(job.leg.call, one.digit, length_ms, "inband", one.level_dbm0, round(ago_ms))


def _recording_finished(job: Job, event: Any) -> Payload:
    error = job.leg.record_over(job.text) or _recording_error(event.error)
    began_s = event.began_ns / 1e9 if event.began_ns >= 0 else None
    return RecordingFinished(job.leg.call, job.token, job.text, event.elapsed_ms, error, began_s)


def _hearing(job: Job, event: Any) -> dict[str, Any]:
    return {"call": job.leg.call, "token": job.token, "what": job.text} | heard_fields(event.hearing)


def _hearing_progress(job: Job, event: Any) -> Payload:
    return HearingProgress(**_hearing(job, event))


def _hearing_finished(job: Job, event: Any) -> Payload:
    job.leg.watch_over(job.token)
    return HearingFinished(**_hearing(job, event), found=bool(event.completed), topic=job.topic)


_JOB_EVENTS: dict[int, Callable[[Job, Any], Payload]] = {
    lib.SFM_EVENT_DTMF_SENT: _dtmf_sent,
    lib.SFM_EVENT_PLAY_PROGRESS: _play_progress,
    lib.SFM_EVENT_PLAY_FINISHED: _play_finished,
    lib.SFM_EVENT_RECORD_PROGRESS: _record_progress,
    lib.SFM_EVENT_RECORDING_FINISHED: _recording_finished,
    lib.SFM_EVENT_HEARING_PROGRESS: _hearing_progress,
    lib.SFM_EVENT_HEARING_FINISHED: _hearing_finished,
}


_USELESS = (
    "SRTP authentication has failed for every packet that the peer sent, half a second long: "
    "it protects them by another key, or not at all"
)


def _counts(histogram: Any) -> dict[int, int]:
    counts = ffi.unpack(histogram.buckets, lib.SFM_HISTOGRAM_BUCKETS)
    return {bucket: count for bucket, count in enumerate(counts) if count}


class MediaEngine:
    """Owns the native threads. May be used from any Python thread; nothing here waits for the network.

    Whoever runs an event loop watches `fileno()` for reading and calls `drain()` when it is readable.
    """

    def __init__(self, config: EngineConfig | None = None) -> None:
        """Starts the threads. Raises MachineError when the system grants none, MisuseError for a bad configuration."""
        self.config = config or EngineConfig()
        self._lock = threading.RLock()
        self._legs: dict[int, Leg] = {}
        self._jobs: dict[int, Job] = {}
        self._numbers = itertools.count(1)
        self._backlog: list[Payload] = []
        self._events = ffi.new("sfm_event[]", _DRAIN_BATCH)
        self._final: EngineStatistics | None = None
        self._final_counts: tuple[dict[int, int], dict[int, int]] = {}, {}
        self._native: Any = self._create()

    def _create(self) -> Any:
        config = self.config
        if not 1 <= config.threads <= lib.SFM_ENGINE_MAX_THREADS:
            raise MisuseError(f"an engine has 1 to {lib.SFM_ENGINE_MAX_THREADS} threads, not {config.threads}")
        simulation = ffi.NULL if config.simulation is None else _native_simulation(config.simulation)
        native = ffi.new(
            "sfm_engine_config *",
            (config.threads, config.realtime, config.measure_floor, config.seed & 0xFFFF_FFFF_FFFF_FFFF, simulation),
        )
        out = ffi.new("sfm_engine **")
        check(lib.sfm_engine_create(native, out), "start the media engine")
        return out[0]

    def __enter__(self) -> MediaEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Descriptor that is readable while events wait; -1 once the engine is closed."""
        return -1 if self._native is None else int(lib.sfm_engine_fileno(self._native))

    def open_leg(
        self,
        call: str,
        address: str,
        first_port: int = 20000,
        last_port: int = 29999,
        *,
        jitter: JitterConfig | None = None,
        listening: Listening | None = None,
        expected: RtpFormat = PCMU,
        kept_frames: int = 0,
    ) -> Leg:
        """Takes an RTP and RTCP port pair (even, odd) of the range on a local numeric address.

        What arrives before `Leg.start` waits in the system's buffer. `expected` is the format that will most likely be
        negotiated: a recording that begins before has its sample rate. So many of the newest frames of what is sent and
        heard are kept in memory (`Leg.kept`), 4 bytes each.

        Raises MachineError when the range has no free pair, MediaError when the system refuses (no such address, no
        descriptors left).
        """
        if not 1 <= first_port < last_port <= 65535:
            raise MisuseError(f"{first_port}-{last_port} is no range of ports")
        text, codec = ffi.new("char[]", address.encode()), codec_of(expected)
        options = ffi.new(
            "sfm_leg_options *",
            (
                text,
                first_port,
                last_port,
                codec.sample_rate,
                _native_jitter(jitter or JitterConfig(), codec.clock_rate),
                native_listening(listening or NOT_LISTENING),
                kept_frames,
            ),
        )
        with self._lock:
            native = self._open_native(options, f"open RTP ports {first_port}-{last_port} on {address}")
            leg = Leg(self, native, call, address, kept_frames)
            self._legs[lib.sfm_engine_leg_number(native)] = leg
            return leg

    def _open_native(self, options: Any, doing: str) -> Any:
        if self._native is None:
            raise MisuseError("the media engine is closed")
        out = ffi.new("sfm_engine_leg **")
        code = lib.sfm_engine_open_leg(self._native, options, out)
        if code == lib.SFM_ERROR_NO_PORTS:
            raise MachineError(f"{doing}: {error_text(code)}; widen the range with `media {{ ports FIRST-LAST }}`")
        check(code, doing)
        return out[0]

    def drain(self) -> list[Payload]:
        """All events since the last call, oldest first. Never waits."""
        with self._lock:
            self._read_native()
            events, self._backlog = self._backlog, []
            return events

    @property
    def open_legs(self) -> int:
        """How many legs have their ports; of an engine that was closed, how many never gave them back."""
        return len(self._legs)

    @property
    def open_sockets(self) -> int:
        """Of a simulated engine: two for each leg that is open."""
        return 0 if self._native is None else int(lib.sfm_engine_open_sockets(self._native))

    def advance(self, until_ns: int) -> int:
        """Of a simulated engine: lets its time pass until then, or until an event waits, whichever is first; gives the
        time in nanoseconds that it is now, 0 when the engine was made."""
        assert self.config.simulation is not None, "the machine's time passes by itself"
        with self._lock:
            return until_ns if self._native is None else int(lib.sfm_engine_advance(self._native, until_ns))

    def stall(self, until_ns: int) -> None:
        """Of a simulated engine: its time passes and nothing is done, as if the machine had stood still."""
        assert self.config.simulation is not None, "nobody makes a machine stand still"
        with self._lock:
            if self._native is not None:
                lib.sfm_engine_stall(self._native, until_ns)

    def statistics(self) -> EngineStatistics:
        """Lateness of every packet sent so far; after `close`, until then."""
        with self._lock:
            return self._final or self._read_statistics()

    def lateness_counts(self) -> tuple[dict[int, int], dict[int, int]]:
        """Counts of every bucket of `sfm_histogram` that is not empty: of lateness, and of the floor."""
        with self._lock:
            if self._native is None:
                return self._final_counts
            native = ffi.new("sfm_engine_statistics *")
            lib.sfm_engine_read_statistics(self._native, native)
            return _counts(native.lateness), _counts(native.floor)

    def close(self) -> None:
        """Closes all legs, finishes all recordings, ends the threads. Their events can still be drained.

        Remove `fileno()` from the event loop before. Closing again does nothing.
        """
        with self._lock:
            if self._native is None:
                return
            for leg in self._legs.values():
                leg.close()
            lib.sfm_engine_stop(self._native)
            self._read_native()
            self._final = self._read_statistics()
            self._final_counts = self.lateness_counts()
            lib.sfm_engine_destroy(self._native)
            self._native = None

    def begin(self, job: Job, command: Callable[[int], int]) -> int:
        """For legs: runs a command that owes an event."""
        with self._lock:
            number = next(self._numbers)
            code = command(number)
            if code >= 0:
                self._jobs[number] = job
            return code

    def call(self, command: Callable[[], int]) -> int:
        """For legs: runs a command."""
        with self._lock:
            return command()

    def _read_statistics(self) -> EngineStatistics:
        native = ffi.new("sfm_engine_statistics *")
        lib.sfm_engine_read_statistics(self._native, native)
        return engine_statistics(native, wanted_realtime=self.config.realtime)

    def _read_native(self) -> None:
        count = _DRAIN_BATCH
        while self._native is not None and count == _DRAIN_BATCH:
            count = lib.sfm_engine_drain(self._native, self._events, _DRAIN_BATCH)
            for event in self._events[0:count]:
                self._take(event)

    def _take(self, event: Any) -> None:
        if event.kind in _JOB_EVENTS:
            if event.kind == lib.SFM_EVENT_PLAY_FINISHED:
                self._backlog.extend(_dialled(self._jobs[event.job], event.elapsed_ms))
            self._backlog.append(_JOB_EVENTS[event.kind](self._job_of(event), event))
        elif event.kind == lib.SFM_EVENT_LEG_CLOSED:
            self._legs.pop(event.leg).closed()
        elif event.kind == lib.SFM_EVENT_HANDSHAKE:
            self._legs[event.leg].handshake_arrived()
        else:
            self._backlog.append(self._notice(self._legs[event.leg], event))

    def _job_of(self, event: Any) -> Job:
        return self._jobs.pop(event.job) if event.kind in _JOB_ENDS else self._jobs[event.job]

    def _notice(self, leg: Leg, event: Any) -> Payload:
        if event.kind == lib.SFM_EVENT_FIRST_PACKET:
            return MediaFirstPacket(leg.call)
        if event.kind == lib.SFM_EVENT_SRTP_USELESS:
            return MediaUnprotected(leg.call, _USELESS)
        digit, level_dbm0 = event.digit.decode(), -event.volume_dbm0
        if event.kind == lib.SFM_EVENT_DIGIT_SENT:
            return DigitSent(leg.call, digit, event.elapsed_ms, "rfc4733", level_dbm0)
        leg.digits_received += digit
        return DtmfReceived(leg.call, digit, event.elapsed_ms, "inband" if event.inband else "rfc4733", level_dbm0)
