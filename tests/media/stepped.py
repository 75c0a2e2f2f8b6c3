"""Legs without sockets and threads: two of them joined by an ideal network, tick by tick, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sipflow.media import PromptStore
from sipflow.media_params import RtpFormat
from sipflow.native import check, ffi, lib

PTIME_NS = 20_000_000
PCMU, PCMA = RtpFormat("PCMU", 0), RtpFormat("PCMA", 8)
DTMF_PAYLOAD_TYPE = 101
STORE = PromptStore()
Packet = bytes


@dataclass(frozen=True)
class Event:
    """A native event, copied."""

    kind: int
    job: int
    elapsed_ms: int
    total_ms: int
    completed: bool
    digit: str


class SteppedLeg:
    """A native leg whose time is told, with what it sent and heard kept from a tape."""

    def __init__(self, seed: int = 1, *, limit_frames: int = 0) -> None:
        config = ffi.new("sfm_leg_config *", {"sample_rate": 8000, "seed": seed, "stream_seed": seed})
        lib.sfm_jitter_defaults(ffi.addressof(config.jitter), 8000)
        config.jitter.payload_capacity = lib.SFM_MAX_PAYLOAD_BYTES  # as the engine's legs have it
        config.cname = b"test"
        out = ffi.new("sfm_leg **")
        check(lib.sfm_leg_create(config, out))
        self.native = ffi.gc(out[0], lib.sfm_leg_destroy)
        self.events: list[Event] = []
        self.kept: list[Any] = []
        self.tape = self._tape(limit_frames)

    def _tape(self, limit_frames: int) -> Any:
        out = ffi.new("sfm_tape **")
        check(lib.sfm_tape_create(8000, 1, limit_frames, out))
        tape = ffi.gc(out[0], lib.sfm_tape_destroy)
        lib.sfm_leg_record(self.native, tape, 99)
        return tape

    def start(self, rtp_format: RtpFormat = PCMU, **changes: Any) -> None:
        """Starts it, sendrecv with telephone-events unless `changes` say otherwise."""
        codec = {"codec": lib.sfm_codec_find(rtp_format.name.encode()), "payload_type": rtp_format.payload_type}
        fields = {
            "send_format": codec,
            "receive_formats": [codec],
            "receive_format_count": 1,
            "dtmf_send_payload_type": DTMF_PAYLOAD_TYPE,
            "dtmf_receive_payload_type": DTMF_PAYLOAD_TYPE,
            "ptime_ms": 20,
            "sends": 1,
            "receives": 1,
        }
        params = ffi.new("sfm_leg_params *", fields | changes)
        states = ffi.new("sfm_leg_states **")
        check(lib.sfm_leg_states_create(params, states))
        check(lib.sfm_leg_start(self.native, params, states))
        lib.sfm_leg_states_destroy(states[0])

    def play(self, prompt: Any, job: int = 1, *, times: int = 1, limit_ms: int = 0) -> None:
        """Plays a prompt."""
        self.kept.append(prompt)
        lib.sfm_leg_play(self.native, prompt.native, job, times, limit_ms)

    def send_dtmf(self, digits: str, job: int = 2, *, tone_ms: int = 50, gap_ms: int = 50) -> None:
        """Sends digits."""
        text = ffi.new("char[]", digits.encode())
        check(lib.sfm_leg_send_dtmf(self.native, ffi.new("sfm_dtmf_sequence *", (text, tone_ms, gap_ms, 500, 0)), job))

    def impair(self, **rates: int) -> None:
        """Rates in packets per million; none ends it."""
        check(lib.sfm_leg_impair(self.native, ffi.new("sfm_impair_config *", rates) if rates else ffi.NULL))

    def packets(self, now_ns: int) -> Iterator[Packet]:
        """What leaves the leg now."""
        while packet := lib.sfm_leg_take(self.native, now_ns):
            yield bytes(ffi.buffer(packet.data, packet.length))

    def send_tick(self, due_ns: int) -> None:
        """One packet time of sending."""
        lib.sfm_leg_send_tick(self.native, due_ns)
        self._collect()

    def receive(self, packet: Packet, arrival_ns: int) -> int:
        """A datagram comes."""
        result: int = lib.sfm_leg_receive(self.native, packet, len(packet), arrival_ns)
        self._collect()
        return result

    def playout_tick(self, due_ns: int) -> None:
        """One packet time of hearing."""
        lib.sfm_leg_playout_tick(self.native, due_ns)
        self._collect()

    def rtcp(self, now_ns: int, *, bye: bool = False) -> Packet:
        """The RTCP packet that is due, empty when none is."""
        out = ffi.new("uint8_t[]", 1500)
        return bytes(ffi.buffer(out, check(lib.sfm_leg_write_rtcp(self.native, now_ns, bye, out, 1500))))

    def receive_rtcp(self, packet: Packet, arrival_ns: int) -> int:
        """An RTCP datagram comes."""
        result: int = lib.sfm_leg_receive_rtcp(self.native, packet, len(packet), arrival_ns)
        return result

    def _collect(self) -> None:
        event = ffi.new("sfm_event *")
        while lib.sfm_leg_next_event(self.native, event):
            digit = event.digit.decode().strip("\0")
            self.events.append(
                Event(event.kind, event.job, event.elapsed_ms, event.total_ms, bool(event.completed), digit)
            )

    def of_kind(self, kind: int) -> list[Event]:
        """Events of one kind so far."""
        return [event for event in self.events if event.kind == kind]

    @property
    def digits(self) -> str:
        """Digits received so far."""
        return "".join(event.digit for event in self.of_kind(lib.SFM_EVENT_DIGIT_RECEIVED))

    def statistics(self) -> Any:
        """The native statistics."""
        statistics = ffi.new("sfm_leg_statistics *")
        lib.sfm_leg_read_statistics(self.native, statistics)
        return statistics

    def read_tape(self) -> np.ndarray[Any, Any]:
        """What is on the tape and was not read before: rows of (sent, heard)."""
        frames = np.zeros((lib.SFM_TAPE_FRAMES, 2), np.int16)
        count = lib.sfm_tape_read(self.tape, ffi.from_buffer("int16_t[]", frames), len(frames))
        return frames[:count].copy()


@dataclass
class Pair:
    """Two started legs and the network between them."""

    a: SteppedLeg = field(default_factory=lambda: SteppedLeg(1))
    b: SteppedLeg = field(default_factory=lambda: SteppedLeg(2))
    now_ns: int = 1_000_000_000
    sent_by_a: list[Packet] = field(default_factory=list)
    audio_a: list[np.ndarray[Any, Any]] = field(default_factory=list)
    audio_b: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def start(self, rtp_format: RtpFormat = PCMU) -> Pair:
        """Starts both."""
        self.a.start(rtp_format)
        self.b.start(rtp_format)
        return self

    def tick(self) -> None:
        """One packet time for both; packets arrive at once."""
        for leg in (self.a, self.b):
            leg.send_tick(self.now_ns)
        for packet in self.a.packets(self.now_ns):
            self.sent_by_a.append(packet)
            self.b.receive(packet, self.now_ns)
        for packet in self.b.packets(self.now_ns):
            self.a.receive(packet, self.now_ns)
        for leg, audio in ((self.a, self.audio_a), (self.b, self.audio_b)):
            leg.playout_tick(self.now_ns)
            audio.append(leg.read_tape())
        self.now_ns += PTIME_NS

    def run(self, ticks: int) -> Pair:
        """Many of them."""
        for _ in range(ticks):
            self.tick()
        return self

    def run_until(self, reached: Callable[[], bool], ticks: int) -> Pair:
        """Until something has come true, which takes at most so many ticks."""
        for _ in range(ticks):
            if reached():
                return self
            self.tick()
        raise AssertionError(f"not reached within {ticks} packet times")

    @property
    def sent_a(self) -> np.ndarray[Any, Any]:
        """Left channel of a's recording."""
        return np.concatenate(self.audio_a)[:, 0]

    @property
    def heard_b(self) -> np.ndarray[Any, Any]:
        """Right channel of b's recording."""
        return np.concatenate(self.audio_b)[:, 1]
